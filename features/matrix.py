"""The matrix: one row per (lead, as_of) with its features, label, weight and group."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.catalog.feature import Catalog
from features.errors import ContractError
from features.schema.people.people_texts import HIDDEN, nameable

NOBODY = "forgotten-"  # beginning of the number that stands where a row of figures must keep its place
KEY_COLUMNS = ("lead_id", "as_of", "account_id", "group", "episode", "order", "age_days", "segment")


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Features and labels of a cohort, row by row.

    Parameters
    ----------
    catalog : the features, in column order
    values : shape (n, len(catalog)); numbers as float64 with NaN, categories as ``str`` with NA
    keys : shape (n, 8), columns :data:`KEY_COLUMNS`: lead_id str, as_of datetime64[us] naive UTC (NaT in
        flat sources), account_id str or NA, group str (never NA: the unit of resampling), episode int64,
        order int64 (position in time, ties share it; the row number, meaning nothing, where not ``ordered``),
        age_days float64, segment str or NA
    label : shape (n,), float64: 1 won within the horizon, 0 not, NaN where not matured
    matured : shape (n,), bool
    label_known_at : shape (n,), datetime64[us]: as_of + horizon + reporting lag (NaT in flat sources)
    weight : shape (n,), float64: rows of one lead weigh one together
    ordered : whether ``order`` means time
    amount : shape (n,), float64: amount of the win within the horizon, NaN if none or unknown
    case_weight : shape (n,), float64: how much a row counts in learning beside ``weight``; None: all alike
    """

    catalog: Catalog
    values: pd.DataFrame
    keys: pd.DataFrame
    label: npt.NDArray[np.float64]
    matured: npt.NDArray[np.bool_]
    label_known_at: pd.Series
    weight: npt.NDArray[np.float64]
    ordered: bool
    amount: npt.NDArray[np.float64]
    case_weight: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if tuple(self.values.columns) != self.catalog.names:
            raise ContractError(
                f"matrix columns do not follow the catalog: {len(self.values.columns)} columns, "
                f"{len(self.catalog)} features."
            )
        parts = (self.values, self.keys, self.label, self.matured, self.label_known_at, self.weight, self.amount)
        lengths = {len(part) for part in parts}
        if len(lengths) != 1:
            raise ContractError(f"matrix parts differ in length: {sorted(lengths)}.")

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: npt.NDArray[Any]) -> "Matrix":
        """The rows at the given positions (or a boolean mask), in that order."""
        taken = replace(
            self,
            values=self.values.iloc[rows].reset_index(drop=True),
            keys=self.keys.iloc[rows].reset_index(drop=True),
            label=self.label[rows],
            matured=self.matured[rows],
            label_known_at=self.label_known_at.iloc[rows].reset_index(drop=True),
            weight=self.weight[rows],
            amount=self.amount[rows],
            case_weight=None if self.case_weight is None else self.case_weight[rows],
        )
        if "group_codes" in self.__dict__:  # texts are sorted once: of their codes the order is the same
            taken.__dict__["group_codes"] = np.unique(self.group_codes[rows], return_inverse=True)[1].astype(np.int64)
        return taken

    @cached_property
    def of_people(self) -> Mapping[str, frozenset[str]]:
        """Values that tell of people, of the categories that have some: judged once, by all rows, for every fit."""
        found: dict[str, frozenset[str]] = {}
        for name in self.catalog.categories:
            levels = [str(level) for level in self.values[name].dropna().unique()]
            told = frozenset(level for level, may in zip(levels, nameable(name, levels), strict=True) if not may)
            if told:
                found[name] = told
        return found

    def hide_people(self, part: "Matrix") -> "Matrix":
        """A part of these rows to learn from, in which no value tells of a person by the column as a whole."""
        if not self.of_people:
            return part
        columns = {
            name: part.values[name].where(~part.values[name].isin(list(told)), HIDDEN).astype(part.values[name].dtype)
            for name, told in self.of_people.items()
        }
        return replace(part, values=part.values.assign(**columns))

    @cached_property
    def group_codes(self) -> npt.NDArray[np.int64]:
        """Codes of the groups in the order of their names, shape (n,)."""
        codes, names = pd.factorize(self.keys["group"])
        place = np.empty(len(names), dtype=np.int64)
        place[np.argsort(np.asarray(names, dtype="str"), kind="stable")] = np.arange(len(names))
        return np.asarray(place[codes], dtype=np.int64)
