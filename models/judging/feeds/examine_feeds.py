"""All checks of the feeds: against what the champion was trained on, and against each feed's own past."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from features.array_types import Tables
from features.point_in_time.microseconds import micros
from features.schema.source import Source
from models.judging.feeds.feed_fault import FeedFault
from models.judging.feeds.feed_pace import find_odd_volumes, find_stopped
from models.judging.feeds.feed_profile import profile_table
from models.judging.feeds.market_break import find_market_break
from models.judging.feeds.rewritten_history import find_rewritten
from models.judging.feeds.value_breaks import find_value_breaks
from models.judging.feeds.watched_table import WatchedTable, accounts_of_leads, watch_tables

Profile = Mapping[str, Any]


def profile_tables(tables: Tables, source: Source, until: pd.Timestamp) -> dict[str, Any]:
    """What every table held up to a moment; JSON-ready, compared with later ones by :func:`find_feed_faults`."""
    at = int(micros(pd.DatetimeIndex([until]))[0])
    watched = watch_tables(tables, source)
    return {"until": at, "tables": {name: profile_table(table, at) for name, table in watched.items()}}


def find_feed_faults(
    tables: Tables, source: Source, cutoff: pd.Timestamp, trained: Profile | None = None
) -> list[FeedFault]:
    """What is wrong with the tables, the gravest of a table first.

    Parameters
    ----------
    cutoff : the moment the data speak for; nothing may be known after it
    trained : :func:`profile_tables` of when the champion was trained, None where none was kept
    """
    at = int(micros(pd.DatetimeIndex([cutoff]))[0])
    found = []
    for name, table in watch_tables(tables, source).items():
        then = None if trained is None else trained["tables"].get(name)
        found += _examine(table, at, then, None if trained is None else int(trained["until"]))
    joined = accounts_of_leads(tables, source)
    named = {(fault.table, fault.column) for fault in found}
    if joined is not None:
        anchor = None if trained is None else int(trained["until"])
        found += [f for f in find_value_breaks(joined, at, anchor) if ("accounts", f.column) not in named]
    return found


def _examine(table: WatchedTable, at: int, then: Profile | None, until: int | None) -> list[FeedFault]:
    stopped = find_stopped(table, at, _known_silence(then, until))
    rewritten = (
        [] if then is None or until is None else find_rewritten(table.name, then, profile_table(table, min(until, at)))
    )
    found = [*stopped, *_not_named(rewritten, stopped)]
    if any(not fault.feed and not fault.column for fault in found):
        return found  # the whole table: what follows from it is not told again
    broken = [*find_odd_volumes(table, at), *find_value_breaks(table, at, until), *find_market_break(table, at, until)]
    return [*found, *_not_named(broken, found)]


def _not_named(faults: list[FeedFault], before: list[FeedFault]) -> list[FeedFault]:
    """Faults of places that no earlier fault named."""
    named = {(fault.feed, fault.column) for fault in before}
    return [fault for fault in faults if (fault.feed, fault.column) not in named]


def _known_silence(then: Profile | None, until: int | None) -> dict[str, int] | None:
    """How long each feed had been silent when the champion was trained; None where that is unknown."""
    if then is None or until is None:
        return None
    feeds = {"": then["whole"], **then["feeds"]}
    return {name: max(0, until - own["newest"]) for name, own in feeds.items() if own["newest"] is not None}
