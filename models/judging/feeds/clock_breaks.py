"""Whether the clock of new rows runs as it used to: hours of the day, how late rows become known, what came first."""

import numpy as np

from features.array_types import Bools, Floats, Ints
from features.point_in_time.microseconds import NEVER
from models.judging.feeds.feed_fault import FaultKind, FeedFault, place
from models.judging.feeds.feed_profile import FEWEST, hours_of, usual_lag
from models.judging.feeds.rewritten_history import best_shift, clock_fault
from models.judging.feeds.row_blocks import Blocks, exceeds
from models.judging.feeds.watched_table import WatchedTable

_LAG = 2.0  # hours
_EARLY = 0.15  # share of rows before their lead was created, beyond any earlier block


def find_clock_break(table: WatchedTable, cutoff: int, days: int, anchor: int | None) -> FeedFault | None:
    """The first feed of a table whose newest block of so many days runs by another clock; the whole table first."""
    for code, feed in [(None, ""), *enumerate(table.feeds)] if table.feeds != ("",) else [(None, "")]:
        own = table if code is None else table.take(table.feed == code)
        blocks = Blocks(own.clock, cutoff, days, anchor)
        if not blocks.enough or own.happened is None:
            continue
        fault = _lag(own, own.happened, feed, blocks) or _hours(own, own.happened, feed, blocks)
        fault = fault or _before_lead(own, feed, blocks)
        if fault is not None:
            return fault
    return None


def _lag(table: WatchedTable, happened: Ints, feed: str, blocks: Blocks) -> FeedFault | None:
    now, past = blocks.figures(lambda rows: usual_lag(table.clock[rows], happened[rows]))
    usual = float(np.median(past))
    if abs(now - usual) <= max(_LAG, 3 * float(np.abs(past - usual).max())):
        return None
    return clock_fault(table.name, feed, now - usual, "how late new rows become known moved")


def _hours(table: WatchedTable, happened: Ints, feed: str, blocks: Blocks) -> FeedFault | None:
    def profile(rows: Bools) -> Floats:
        return hours_of(happened[rows & (happened != NEVER)]).astype(np.float64)

    new, before = profile(blocks.newest), profile(np.isin(blocks.block, blocks.usual))
    if new.sum() < 2 * FEWEST:
        return None
    shift = best_shift(before, new)
    if not shift or any(best_shift(before, profile(blocks.block == k)) for k in blocks.usual):
        return None
    return clock_fault(table.name, feed, shift, "the hours of the day of new rows moved")


def _before_lead(table: WatchedTable, feed: str, blocks: Blocks) -> FeedFault | None:
    early = table.before_lead
    if early is None:
        return None
    share, before = blocks.figures(lambda rows: float(early[rows].mean()))
    if not exceeds(share, before, int(blocks.newest.sum()), _EARLY):
        return None
    return FeedFault(
        kind=FaultKind.CLOCK,
        table=table.name,
        feed=feed,
        sentence=(
            f"{place(table.name, feed)}: {share:.0%} of the newest rows took place before their lead was created, "
            f"{before.max():.0%} at most before."
        ),
        remedy="A time zone or a key changed: declare 'timezone:' of the column, or check how leads are joined.",
    )
