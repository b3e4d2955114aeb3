"""One lead's raw rows to its feature row: the batch's own path, compiled once, without frames."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.assemble import compute
from features.catalog import Catalog
from features.compile import compile_catalog
from features.contract import TABLES
from features.definition import Source
from features.encode import World
from features.errors import ContractError
from features.few_rows import FewRows
from features.rows import Coded, RecordRows, micros_of
from features.sorting import BucketSort

Records = Mapping[str, Sequence[Mapping[str, Any]]]


class RowMaker:
    """Makes feature rows of single leads from raw records; safe to share between threads.

    >>> from features.catalog import Catalog
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
            for v in self._found(tables, lead_id, as_of)
        ]

    def rows(self, tables: Records, lead_id: str, as_of: Any) -> FewRows:
        """The same as one row of a matrix, as models take it."""
        return FewRows.made(self.catalog, self._found(tables, lead_id, as_of), 1)

    def _found(self, tables: Records, lead_id: str, as_of: Any) -> list[np.ndarray | Coded]:
        world = World({name: RecordRows(tables.get(name, ())) for name in TABLES}, self._compiled.title_column)
        lead = world.lead_codes(Coded(np.zeros(1, dtype=np.int64), (str(lead_id),)))
        if lead[0] < 0:
            raise ContractError(
                f"lead '{lead_id}' is not among the {len(tables.get('leads', ()))} records of 'leads'; "
                "send its row with the request."
            )
        moment = np.asarray([micros_of(as_of)], dtype=np.int64)
        return list(compute(world, self._compiled, lead, moment, self._engine))


def _number(value: np.ndarray | Coded) -> float | None:
    return None if isinstance(value, Coded) else float(value[0])
