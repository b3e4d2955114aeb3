"""One thing that is wrong with a feed: where, since when, what was seen, what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

_NAMED = 4  # feeds or values a sentence names

RENAMED = (
    "Map new names to the old ones ('map:' of the column); values that are really new need a model trained with them "
    "('leadscore retrain --accept-feeds REASON')."
)
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
    """A fault of one table, feed (kind, question or stage; empty: the whole table) and column (empty: its rows)."""

    kind: FaultKind
    table: str
    feed: str = ""
    column: str = ""
    sentence: str
    remedy: str
    since: str | None = None
    act: bool = True


def place(table: str, feed: str = "", column: str = "") -> str:
    """How a place is named in sentences: ``activities/email_open.asset``."""
    return table + (f"/{feed}" if feed else "") + (f".{column}" if column else "")


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, at most a handful."""
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED])
    return shown + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def day(moment: int) -> str:
    """The day of a moment in microseconds."""
    return f"{pd.Timestamp(moment, unit='us'):%Y-%m-%d}"
