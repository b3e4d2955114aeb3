"""What a function of a user's own is handed: of each lead the rows known strictly before its moment."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Ints
from features.catalog.families.attributes import is_account_ignored, usable_columns
from features.errors import ContractError
from features.kernel.column_reader import Rows
from features.kernel.table_arrays import as_series
from features.point_in_time.microseconds import NEVER
from features.point_in_time.visibility import ALWAYS, UNKNOWN, Slices, SortedRows
from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from features.schema.vocabulary import Actor, ColumnType

Kind = Literal["number", "text", "moment"]
ColumnKinds = Mapping[str, Mapping[str, Kind]]  # table to column to how it is read

# of canonical columns those that are no verdict and no person; what a deal came to is what is to be foretold
_CANONICAL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "leads": ("created_at",),
        "accounts": ("known_at",),
        "activities": ("kind", "happened_at", "known_at", "actor", "asset", "channel", "value"),
        "answers": ("question", "value", "happened_at", "known_at", "channel"),
        "stages": ("stage", "entered_at", "known_at", "reason"),
    }
)
_KINDS: Mapping[ColumnType, Kind] = MappingProxyType(
    {ColumnType.NUMBER: "number", ColumnType.BOOLEAN: "number", ColumnType.TIMESTAMP: "moment"}
)


def columns_handed_over(source: Source) -> dict[str, dict[str, Kind]]:
    """Columns of each table that a function may read: those that features may be made of."""
    found: dict[str, dict[str, Kind]] = {}
    for table, names in _CANONICAL.items():
        if table not in source.tables or (table == "accounts" and is_account_ignored(source)):
            continue
        kinds = {name: _KINDS.get(TABLES[table][name].type, "text") for name in names}
        if TABLES[table].open_ended:
            usable = usable_columns(source, table)
            kinds |= {name: "text" if c.type is None else _KINDS.get(c.type, "text") for name, c in usable}
        found[table] = kinds
    return found


@dataclass(frozen=True)
class SeenTable:
    """Rows of one table in the order they became known, and what each moment sees of them."""

    rows: Rows
    order: Ints
    slices: Slices
    kinds: Mapping[str, Kind]
    clocks: Mapping[str, Ints]  # columns whose gaps the product fills: when a row is known, and when it happened

    @classmethod
    def of(
        cls, rows: Rows, sorted_rows: SortedRows, slices: Slices, kinds: Mapping[str, Kind], clocks: Mapping[str, Ints]
    ) -> Self:
        """With rows that became known at the same moment in an order that no file decides."""
        entity = np.repeat(np.arange(len(sorted_rows.starts) - 1), np.diff(sorted_rows.starts))
        place = sorted_rows.order
        by = [_rank(rows, name, kind)[place] for name, kind in kinds.items()]
        order = np.lexsort([*by, sorted_rows.happened_at, sorted_rows.known_at, entity])
        return cls(rows, place[order], slices, kinds, clocks)

    def frame(self, first: int, last: int) -> pd.DataFrame:
        """The rows seen by the moments ``first`` to ``last``, with the number of the moment, counted from ``first``."""
        lo, hi = self.slices.lo[first:last], self.slices.hi[first:last]
        count = hi - lo
        moment = np.repeat(np.arange(last - first), count)
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        place = self.order[np.repeat(lo, count) + within] if len(within) else np.empty(0, dtype=np.int64)
        columns = {name: self._column(name, kind, place) for name, kind in self.kinds.items()}
        return pd.DataFrame({"moment": moment, **columns})

    def _column(self, name: str, kind: Kind, place: Ints) -> Any:
        if kind == "number":
            return self.rows.number(name)[place]
        if kind == "moment":
            micros = (self.clocks[name] if name in self.clocks else self.rows.moment(name))[place]
            unknown = (micros == NEVER) | (micros == ALWAYS) | (micros == UNKNOWN)
            return pd.Series(np.where(unknown, np.iinfo(np.int64).min, micros).astype("datetime64[us]"))
        texts = pd.Series(as_series(self.rows.text(name)).take(place, allow_fill=False), dtype="str")
        return texts.fillna(str(Actor.LEAD)) if name == "actor" else texts


class SeenRows:
    """The rows that some leads' moments see: what ``function:`` is handed.

    Attributes
    ----------
    moments : one row per value asked for: ``as_of`` (naive UTC); its index, 0 to n - 1, is ``moment`` in the tables
    """

    def __init__(self, moments: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> None:
        self.moments, self._tables = moments, tables

    def __len__(self) -> int:
        return len(self.moments)

    def table(self, name: str) -> pd.DataFrame:
        """Rows of a table, each as often as moments see it, by ``moment`` and in the order they became known.

        Raises
        ------
        ContractError : a table that is not handed over
        """
        if name not in self._tables:
            raise ContractError(
                f"a feature of your own asks for table '{name}'; handed over are {', '.join(self._tables)}. "
                "Outcomes are not: they are what is to be foretold."
            )
        return self._tables[name]

    def singly(self) -> Iterator["SeenLead"]:
        """Each moment on its own: what ``oracle:`` is handed."""
        return (SeenLead(as_of, moment, self) for moment, as_of in enumerate(self.moments["as_of"]))

    def span(self, name: str, moment: int) -> tuple[int, int]:
        """Where the rows of a moment stand in a table."""
        return self._starts(name)[moment], self._starts(name)[moment + 1]

    def plain(self, name: str, first: int, last: int) -> list[dict[str, Any]]:
        """Rows of a table as dicts."""
        columns = self._lists(name)
        return [
            dict(zip(columns, row, strict=True)) for row in zip(*(c[first:last] for c in columns.values()), strict=True)
        ]

    @cached_property
    def _starts(self) -> Callable[[str], list[int]]:
        edges = np.arange(len(self) + 1)
        return cache(lambda name: np.searchsorted(self.table(name)["moment"].to_numpy(), edges).tolist())

    @cached_property
    def _lists(self) -> Callable[[str], dict[str, list[Any]]]:
        """Columns of a table as plain values, made once for all moments."""

        def lists(name: str) -> dict[str, list[Any]]:
            frame = self.table(name).drop(columns="moment")
            return {str(c): [None if pd.isna(v) else v for v in frame[c].astype(object).tolist()] for c in frame}

        return cache(lists)


@dataclass(frozen=True)
class SeenLead:
    """The rows one lead's moment sees.

    Parameters
    ----------
    as_of : the moment, naive UTC
    """

    as_of: pd.Timestamp
    moment: int
    seen: SeenRows

    def table(self, name: str) -> pd.DataFrame:
        """Rows of a table as a frame, as they became known; ContractError for one that is not handed over."""
        first, last = self.seen.span(name, self.moment)
        return self.seen.table(name).iloc[first:last].drop(columns="moment").reset_index(drop=True)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The same as plain dicts: numbers, texts and moments, None where missing."""
        return self.seen.plain(name, *self.seen.span(name, self.moment))

    @property
    def lead(self) -> dict[str, Any]:
        """The lead's own row; empty where it is not known yet."""
        found = self.rows("leads")
        return found[-1] if found else {}


def _rank(rows: Rows, name: str, kind: Kind) -> npt.NDArray[Any]:
    """What orders the values of a column."""
    if kind == "text":
        return rows.text(name).codes
    return rows.number(name) if kind == "number" else rows.moment(name)
