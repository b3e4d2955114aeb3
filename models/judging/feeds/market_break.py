"""Whether deals are still won as often as they were, long before the promises on open leads come due."""

import numpy as np

from models.judging.feeds.feed_fault import FaultKind, FeedFault
from models.judging.feeds.feed_profile import FEWEST
from models.judging.feeds.row_blocks import Blocks
from models.judging.feeds.watched_table import WatchedTable

_LENGTHS = (28, 56, 84)  # days
_MOVED = 0.35  # relative
_SIGMAS = 3.7
_FEWEST_STRETCHES = 3


def find_market_break(table: WatchedTable, cutoff: int, anchor: int | None) -> list[FeedFault]:
    """The share won of what closed lately, against earlier stretches as long; expansions are left out."""
    if table.name != "outcomes" or not table.has_clock:
        return []
    rows = np.ones(len(table), dtype=bool)
    if "deal_kind" in table.frame:
        rows = (table.frame["deal_kind"].astype("str") != "expansion").to_numpy(dtype=bool)
    won = table.frame["won"].astype("float64").fillna(0.0).to_numpy(dtype=np.float64)[rows]
    for days in _LENGTHS:
        fault = _step(Blocks(table.clock[rows], cutoff, days, anchor), won, days)
        if fault is not None:
            return [fault]
    return []


def _step(blocks: Blocks, won: np.ndarray, days: int) -> FeedFault | None:
    closed = int(blocks.newest.sum())
    if len(blocks.usual) < _FEWEST_STRETCHES or closed < FEWEST:
        return None
    now, past = blocks.figures(lambda rows: float(won[rows].mean()))
    before = float(won[np.isin(blocks.block, blocks.usual)].mean())
    error = float(np.sqrt(max(before * (1 - before), 0.01) / closed))
    outside = now > past.max() or now < past.min()
    if not outside or abs(now - before) < max(_MOVED * before, _SIGMAS * error):
        return None
    return FeedFault(
        kind=FaultKind.MARKET,
        table="outcomes",
        column="won",
        sentence=(
            f"outcomes.won: of {closed:,} deals that closed in the last {days} days {now:.1%} were won, {before:.1%} "
            f"before ({past.min():.1%} to {past.max():.1%} in stretches as long): the market changed, or what is "
            "recorded."
        ),
        remedy="Check how outcomes are recorded; if the market changed, 'leadscore retrain' as outcomes come in.",
    )
