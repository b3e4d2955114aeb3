"""All checks of the feeds: against what the champion was trained on, and against each feed's own past."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from features.array_types import Tables
from features.pause_points import pause_point
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY, NEVER, micros
from features.schema.source import Source
from models.judging.feeds.feed_fault import FeedFault
from models.judging.feeds.feed_pace import find_odd_volumes, find_stopped
from models.judging.feeds.feed_profile import WEEK, profile_table
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
        pause_point()
        then = None if trained is None else trained["tables"].get(name)
        until = None if trained is None else int(trained["until"])
        found += _examine(table, at, then, until, _kept_from(source, table, at))
    joined = accounts_of_leads(tables, source)
    named = {(fault.table, fault.column) for fault in found}
    if joined is not None:
        anchor = None if trained is None else int(trained["until"])
        found += [f for f in find_value_breaks(joined, at, anchor) if ("accounts", f.column) not in named]
    return found


def _examine(
    table: WatchedTable, at: int, then: Profile | None, until: int | None, kept_from: int | None
) -> list[FeedFault]:
    stopped = find_stopped(table, at, _known_silence(then, until))
    rewritten: list[FeedFault] = []
    if then is not None and until is not None:
        rolled = _rolled_from(table, at, then, until)
        edge = max((moment for moment in (kept_from, rolled) if moment is not None), default=None)
        now = profile_table(table, min(until, at), then["feeds"])
        rewritten = find_rewritten(table.name, then, now, edge)
    found = [*stopped, *_not_named(rewritten, stopped)]
    if any(not fault.feed and not fault.column for fault in found):
        return found  # the whole table: what follows from it is not told again
    broken = [*find_odd_volumes(table, at), *find_value_breaks(table, at, until), *find_market_break(table, at, until)]
    return [*found, *_not_named(broken, found)]


def _kept_from(source: Source, table: WatchedTable, at: int) -> int | None:
    """The moment before which rows may have gone as their declared retention ended; None where nothing goes.

    A lead that goes takes its rows out of every table, all of them older than its own last sign.
    """
    declared = {} if source.privacy is None else source.privacy.retention
    names = (table.name, "leads") if "lead_id" in table.frame else (table.name,)
    days = [declared[name] for name in names if name in declared]
    return at - min(days) * MICROSECONDS_PER_DAY if days else None


def _rolled_from(table: WatchedTable, at: int, then: Profile, until: int) -> int | None:
    """The oldest moment of an export that holds a stretch as long as the training's, moved on; None of any other."""
    clock, first = table.clock[table.clock != NEVER], then["whole"]["first_week"]
    if first is None or not len(clock):
        return None
    oldest, before = int(clock.min()), int(first) * WEEK
    rolls = oldest >= before + 2 * WEEK and at - oldest >= until - before - 2 * WEEK
    return oldest if rolls else None


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
