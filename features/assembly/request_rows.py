"""Raw rows of a request to feature rows: the batch's own path, compiled once, without frames."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.assembly.build_matrix import compute
from features.assembly.frameless_rows import PlainRows
from features.catalog.feature import Catalog
from features.errors import ContractError
from features.kernel.column_reader import Coded, RecordRows, micros_of
from features.kernel.feature_plans import compile_catalog
from features.kernel.sorting import BucketSort
from features.kernel.table_arrays import EncodedTables
from features.schema.canonical_tables import TABLES
from features.schema.source import Source

Records = Mapping[str, Sequence[Mapping[str, Any]]]


class RowMaker:
    """Makes feature rows of leads from raw records; safe to share between threads.

    >>> from features.catalog.feature import Catalog
    >>> source = Source.model_validate({"name": "s", "kind": "relational", "tables": {"leads": {}, "outcomes": {}}})
    >>> RowMaker(Catalog(()), source).values({"leads": [{"lead_id": "a"}]}, "a", "2024-01-01")
    []
    """

    def __init__(self, catalog: Catalog, source: Source) -> None:
        self.catalog = catalog
        self._compiled = compile_catalog(catalog, source)
        self._engine = BucketSort()

    def values(self, tables: Records, lead_id: str, as_of: Any) -> list[float | str | None]:
        """The feature values of one lead, in catalog order; a missing number is NaN, a missing text None.

        Parameters
        ----------
        tables : canonical tables as records; missing tables are empty. The rows of the lead, and of the other
            leads of its account.
        as_of : timestamp, datetime, ISO text (UTC where it names no zone) or microseconds

        Raises
        ------
        ContractError
            if the lead is not among the records of ``leads``.
        """
        return [
            v.values[v.codes[0]] if isinstance(v, Coded) and v.codes[0] >= 0 else _number(v)
            for v in self._compute_columns(tables, [lead_id], as_of)
        ]

    def rows(self, tables: Records, lead_ids: Sequence[str], as_of: Any) -> PlainRows:
        """The same of some leads, all at one moment, as models take it; in the order of ``lead_ids``."""
        return PlainRows.from_columns(self.catalog, self._compute_columns(tables, lead_ids, as_of), len(lead_ids))

    def _compute_columns(self, tables: Records, lead_ids: Sequence[str], as_of: Any) -> list[np.ndarray | Coded]:
        encoded = EncodedTables(
            {name: RecordRows(tables.get(name, ())) for name in TABLES}, self._compiled.title_column
        )
        lead = encoded.lead_codes(Coded(np.arange(len(lead_ids)), tuple(str(name) for name in lead_ids)))
        if len(lead) and lead.min() < 0:
            unknown = lead_ids[int(np.argmin(lead))]
            raise ContractError(
                f"lead '{unknown}' is not among the {len(tables.get('leads', ()))} records of 'leads'; "
                "send its row with the request."
            )
        moment = np.full(len(lead_ids), micros_of(as_of), dtype=np.int64)
        return list(compute(encoded, self._compiled, lead, moment, self._engine))


def _number(value: np.ndarray | Coded) -> float | None:
    return None if isinstance(value, Coded) else float(value[0])
