"""What is watched of a table: its clock, its feeds (kinds, questions, stages) and the columns that are used."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from features.array_types import Bools, Ints, Tables
from features.id_lookup import look_up
from features.point_in_time.microseconds import NEVER, micros
from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from features.schema.vocabulary import ColumnType, Role

FEED_COLUMN: Mapping[str, str] = MappingProxyType({"activities": "kind", "answers": "question", "stages": "stage"})
_PER_FEED = frozenset({("activities", "value"), ("answers", "value")})
_OF_TABLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "activities": ("actor", "asset", "channel", "value"),
        "answers": ("value", "channel"),
        "stages": ("reason",),
        "outcomes": ("amount", "product", "deal_kind", "reason"),
    }
)

ColumnKind = Literal["category", "number", "text"]


@dataclass(frozen=True)
class WatchedColumn:
    """A column whose values are watched; ``per_feed`` where each feed has values of its own."""

    name: str
    kind: ColumnKind
    per_feed: bool = False


@dataclass(frozen=True, kw_only=True)
class WatchedTable:
    """Rows of one table with what is watched of them.

    Parameters
    ----------
    clock : when each row became known [microseconds], ``NEVER`` where that is not on record; shape (n,)
    happened : when it took place, None where a row is a state
    feed : position in ``feeds`` of each row; one feed without a name where the table has no kinds
    before_lead : rows that took place before their lead was created, None where that cannot be told
    """

    name: str
    frame: pd.DataFrame
    clock: Ints
    happened: Ints | None
    feed: Ints
    feeds: tuple[str, ...]
    columns: tuple[WatchedColumn, ...]
    before_lead: Bools | None = None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def has_clock(self) -> bool:
        """Whether rows became known at different moments, so that old and new ones can be told apart."""
        known = self.clock[self.clock != NEVER]
        return len(known) > 0 and bool(known.min() != known.max())

    def take(self, rows: Bools) -> "WatchedTable":
        """The rows of a mask."""
        return WatchedTable(
            name=self.name,
            frame=self.frame[rows],
            clock=self.clock[rows],
            happened=None if self.happened is None else self.happened[rows],
            feed=self.feed[rows],
            feeds=self.feeds,
            columns=self.columns,
            before_lead=None if self.before_lead is None else self.before_lead[rows],
        )


def watch_tables(tables: Tables, source: Source) -> dict[str, WatchedTable]:
    """The tables that a source declares, as they are watched."""
    created = tables["leads"].drop_duplicates("lead_id").set_index("lead_id")["created_at"]
    found = {}
    for name, contract in TABLES.items():
        frame = tables[name]
        if name not in source.tables and not len(frame):
            continue
        frame = frame.reset_index(drop=True)
        codes, names = _feeds_of(frame, FEED_COLUMN.get(name))
        happened = None if contract.happened is None else micros(frame[contract.happened])
        found[name] = WatchedTable(
            name=name,
            frame=frame,
            clock=micros(frame[contract.clock]),
            happened=happened,
            feed=codes,
            feeds=names,
            columns=_columns(name, frame, source),
            before_lead=_before_lead(name, frame, happened, created),
        )
    return found


def _feeds_of(frame: pd.DataFrame, column: str | None) -> tuple[Ints, tuple[str, ...]]:
    """The feed of each row and the names of all."""
    if column is None:
        return np.zeros(len(frame), dtype=np.int64), ("",)
    codes, levels = pd.factorize(frame[column].astype("str"), sort=True)
    return codes.astype(np.int64), tuple(str(level) for level in levels)


def accounts_of_leads(tables: Tables, source: Source) -> WatchedTable | None:
    """The accounts as new leads bring them: a row per lead, at the lead's clock, with its account's newest values."""
    leads, accounts = tables["leads"], tables["accounts"]
    columns = _columns("accounts", accounts, source)
    if not columns or "account_id" not in leads or not len(accounts):
        return None
    newest = accounts.drop_duplicates("account_id", keep="last").set_index("account_id")
    known = leads[leads["account_id"].isin(newest.index).to_numpy(dtype=bool)]
    frame = newest[[column.name for column in columns]].reindex(known["account_id"]).reset_index(drop=True)
    return WatchedTable(
        name="accounts",
        frame=frame,
        clock=micros(known["known_at"]),
        happened=None,
        feed=np.zeros(len(frame), dtype=np.int64),
        feeds=("",),
        columns=columns,
    )


def _columns(name: str, frame: pd.DataFrame, source: Source) -> tuple[WatchedColumn, ...]:
    """Columns that the product uses; what names people or is looked at only is left alone."""
    if name in _OF_TABLE:
        own = [column for column in _OF_TABLE[name] if column in frame]
        return tuple(
            WatchedColumn(
                column,
                "number" if column == "amount" or (name, column) == ("activities", "value") else "category",
                (name, column) in _PER_FEED,
            )
            for column in own
        )
    declared = source.tables[name].columns if name in source.tables else {}
    keys = set(TABLES[name].names)
    used = {
        column: found
        for column, found in declared.items()
        if column in frame and column not in keys and found.role is Role.FEATURE
    }
    return tuple(WatchedColumn(column, _kind(found.type, found.title)) for column, found in used.items())


def _kind(kind: ColumnType | None, title: bool) -> ColumnKind:
    if kind is ColumnType.NUMBER:
        return "number"
    if title or kind in (ColumnType.TEXT, ColumnType.TIMESTAMP, ColumnType.LIST, ColumnType.ID):
        return "text"
    return "category"


def _before_lead(name: str, frame: pd.DataFrame, happened: Ints | None, created: pd.Series) -> Bools | None:
    if name not in ("activities", "answers") or happened is None:
        return None
    born = micros(look_up(frame["lead_id"], created))
    return np.asarray((happened < born) & (born != NEVER), dtype=np.bool_)
