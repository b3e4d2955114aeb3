"""Parts of the worklist by the value of a declared column: an industry, a region, the declared segment."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools
from features.schema.source import Source
from features.schema.vocabulary import ColumnType, Role
from serving.problems import InvalidError
from serving.state.lead_data import LeadData

_ROLES = (Role.FEATURE, Role.DISPLAY)
_MOST_CHOICES = 15  # a list of more values is no longer read, but searched


def declared_segment(source: Source) -> str | None:
    """The column a value alone is looked up in: the segment of the horizons, or else that of the model."""
    return source.label.segment or (None if source.model is None else source.model.segment)


class Segments:
    """Which leads of a list belong to a segment; columns are read when first asked for.

    Parameters
    ----------
    data : tables of the source
    codes : rows of the list's leads in the table of leads
    """

    def __init__(self, data: LeadData, codes: npt.NDArray[Any]) -> None:
        self.data, self.codes = data, codes
        self._values: dict[str, npt.NDArray[np.object_]] = {}
        self._coded: dict[str, tuple[dict[str, int], npt.NDArray[np.int64]]] = {}

    def mask(self, asked: str) -> Bools:
        """Leads whose column has the value: ``column:value``, or a value alone of the declared segment.

        Raises
        ------
        InvalidError : a column that is not declared, or is personal or sensitive
        """
        column, colon, value = asked.partition(":")
        if not colon:
            column, value = declared_segment(self.data.source) or "", asked
        names, codes = self.coded(column)
        return np.asarray(codes == names.get(value, -1), dtype=np.bool_)

    @cached_property
    def choices(self) -> dict[str, list[str]]:
        """Columns with few values, and these values; what a filter offers."""
        choices = {}
        for table in ("leads", "accounts"):
            declared = self.data.source.tables.get(table)
            for name, column in ({} if declared is None else declared.columns).items():
                if column.role is Role.FEATURE and column.type is ColumnType.CATEGORY:
                    values = sorted({str(text) for text in self.values(name) if text})
                    if 1 < len(values) <= _MOST_CHOICES:
                        choices[name] = values
        return choices

    def values(self, column: str) -> npt.NDArray[np.object_]:
        """The column's value of every lead as text, empty where none is on record; InvalidError as for a mask."""
        if column not in self._values:
            self._values[column] = self._read(column)
        return self._values[column]

    def coded(self, column: str) -> tuple[dict[str, int], npt.NDArray[np.int64]]:
        """The column's values with their codes, and the code of every lead; InvalidError as for a mask."""
        if column not in self._coded:
            codes, names = pd.factorize(self.values(column))
            self._coded[column] = {str(name): code for code, name in enumerate(names)}, codes.astype(np.int64)
        return self._coded[column]

    def _read(self, column: str) -> npt.NDArray[np.object_]:
        tables = self.data.tables
        leads = tables["leads"]
        if self._is_allowed("leads", column) and column in leads:
            return _texts_of(leads[column].iloc[self.codes])
        if self._is_allowed("accounts", column) and "accounts" in tables and column in tables["accounts"]:
            last = tables["accounts"].drop_duplicates("account_id", keep="last").set_index("account_id")[column]
            return _texts_of(leads["account_id"].iloc[self.codes].map(last))
        raise InvalidError(
            "segment is 'column:value' with a declared column of leads or accounts that is neither personal nor "
            f"sensitive, or a value of the source's declared segment ({declared_segment(self.data.source) or 'none'})."
        )

    def _is_allowed(self, table: str, column: str) -> bool:
        declared = self.data.source.tables.get(table)
        found = None if declared is None else declared.columns.get(column)
        return found is not None and found.role in _ROLES


def _texts_of(series: pd.Series) -> npt.NDArray[np.object_]:
    return series.astype("object").where(series.notna(), "").map(str).to_numpy(dtype=object)
