"""One thing that is wrong with a feed: where, since when, what was seen, what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

_NAMED = 4  # feeds or values a sentence names

RENAMED = (
    "Map new names to the old ones ('map:' of the column); values that are really new need a model trained with them "
    "('leadscore retrain --accept-feeds REASON')."
)
UNFILLED = "The column is no longer filled: look for a changed form, mapping or permission in the CRM."
TWICE = "The feed comes twice: remove the second load, or declare an id that stays the same."


class FaultKind(StrEnum):
    """What is wrong, by the check that found it."""

    FRESHNESS = "freshness"
    VOLUME = "feed volume"
    HISTORY = "history"
    VALUES = "feed values"
    EMPTIED = "emptied"
    UNIT = "unit"
    CLOCK = "clock"
    MARKET = "market"


@dataclass(frozen=True, kw_only=True)
class FeedFault:
    """A fault of one table, feed (kind, question or stage; empty: the whole table) and column (empty: its rows).

    ``values`` are all values or feeds that it is about, :func:`named_values`: a sentence names but a few.
    """

    kind: FaultKind
    table: str
    feed: str = ""
    column: str = ""
    sentence: str
    remedy: str
    since: str | None = None
    act: bool = True
    values: tuple[str, ...] = ()


def place(table: str, feed: str = "", column: str = "") -> str:
    """How a place is named in sentences: ``activities/email_open.asset``."""
    return table + (f"/{feed}" if feed else "") + (f".{column}" if column else "")


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, at most a handful."""
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED])
    return shown + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def named_values(*, gone: Iterable[str] = (), new: Iterable[str] = (), more: Iterable[str] = ()) -> tuple[str, ...]:
    """Values or feeds a fault is about, each with what became of it."""
    told = (("-", gone), ("+", new), ("=", more))
    return tuple(sorted({f"{sign}{name}" for sign, names in told for name in names}))


def day(moment: int) -> str:
    """The day of a moment in microseconds."""
    return f"{pd.Timestamp(moment, unit='us'):%Y-%m-%d}"
