"""Whether new rows hold what rows used to hold: levels, gaps, units."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints
from models.judging.feeds.clock_breaks import find_clock_break
from models.judging.feeds.feed_fault import RENAMED, UNFILLED, FaultKind, FeedFault, listed, named_values, place
from models.judging.feeds.feed_profile import FEWEST, is_missing
from models.judging.feeds.rewritten_history import concentrated_fault, unit_fault
from models.judging.feeds.row_blocks import FEWEST_BLOCKS, LENGTHS, Blocks, exceeds
from models.judging.feeds.watched_table import WatchedColumn, WatchedTable

_NEW = 0.1  # share of rows with levels never seen, beyond any earlier block
_GAPS = 0.15  # share of rows without a value, beyond any earlier block
_TAKEN = 0.3  # share by which one level may grow beyond any earlier block
_VANISHED = 14.0  # rows of a level that were to be expected where none came
_UNIT = np.log(4.0)
_FEWEST_NUMBERS = 8
_SIGMAS = 5.0


def find_value_breaks(table: WatchedTable, cutoff: int, anchor: int | None) -> list[FeedFault]:
    """Columns and clocks whose newest rows are unlike any block before."""
    if not table.has_clock:
        return []
    found: dict[tuple[FaultKind, str, str], FeedFault] = {}
    for days in LENGTHS:
        for fault in _faults_of(table, cutoff, days, anchor):
            found.setdefault((fault.kind, fault.column, "" if fault.column == "" else fault.feed), fault)
    return list(found.values())


def _faults_of(table: WatchedTable, cutoff: int, days: int, anchor: int | None) -> Iterator[FeedFault]:
    blocks = Blocks(table.clock, cutoff, days, anchor)
    if blocks.enough and table.feeds != ("",):
        names = pd.Series(np.array(table.feeds, dtype=object)[table.feed])
        yield from _levels(table.name, "", "", names, blocks)
    for column in table.columns:
        for code, feed in enumerate(table.feeds) if column.per_feed else [(None, "")]:
            own = table if code is None else table.take(table.feed == code)
            parts = Blocks(own.clock, cutoff, days, anchor)
            if parts.enough:
                yield from _column(table.name, feed, column, own.frame[column.name], parts)
    clock = None if table.happened is None else find_clock_break(table, cutoff, days, anchor)
    if clock is not None:
        yield clock


def _column(table: str, feed: str, column: WatchedColumn, values: pd.Series, blocks: Blocks) -> Iterator[FeedFault]:
    gap = is_missing(values)
    now, past = blocks.figures(lambda rows: float(gap[rows].mean()))
    if exceeds(now, past, int(blocks.newest.sum()), _GAPS):
        yield FeedFault(
            kind=FaultKind.EMPTIED,
            table=table,
            feed=feed,
            column=column.name,
            sentence=(
                f"{place(table, feed, column.name)}: {now:.0%} of the newest rows are empty, {past.max():.0%} at most "
                "before."
            ),
            remedy=UNFILLED,
        )
        return
    known = ~gap
    if column.kind == "category":
        yield from _levels(table, feed, column.name, values.astype("str"), blocks, known)
    if column.kind == "number":
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        zeros, before = blocks.figures(lambda rows: float((numbers[rows] == 0).mean()))
        if exceeds(zeros, before, int(blocks.newest.sum()), _GAPS):
            where = place(table, feed, column.name)
            yield FeedFault(
                kind=FaultKind.EMPTIED,
                table=table,
                feed=feed,
                column=column.name,
                sentence=f"{where}: {zeros:.0%} of the newest rows are 0, {before.max():.0%} at most before.",
                remedy=UNFILLED,
            )
            return
        yield from _unit(table, feed, column.name, numbers, blocks)


def _levels(
    table: str, feed: str, column: str, values: pd.Series, blocks: Blocks, known: Bools | None = None
) -> Iterator[FeedFault]:
    """Levels that never came before, or one that takes the place of others."""
    codes, levels = pd.factorize(values)
    rows = np.ones(len(codes), dtype=bool) if known is None else known
    newest = blocks.newest & rows
    size = int(newest.sum())
    usual = {k: own for k in blocks.usual if (own := (blocks.block == k) & rows).any()}
    if size < FEWEST or not usual:
        return

    first = np.full(len(levels), -1)  # oldest block of each level
    old = rows & blocks.before
    np.maximum.at(first, codes[old], blocks.block[old])
    now, past = float((first[codes] < 0)[newest].mean()), _new_before(first[codes], usual, blocks, old)
    if not len(past):
        return
    shares = np.array([np.bincount(codes[own], minlength=len(levels)) / own.sum() for own in usual.values()])
    here = np.bincount(codes[newest], minlength=len(levels))
    if exceeds(now, past, size, _NEW):
        names = [str(name) for name in levels]
        fresh = [names[k] for k in np.argsort(-here) if first[k] < 0 and here[k]]
        gone = [names[k] for k in np.flatnonzero((here == 0) & (shares.min(axis=0) * size >= _VANISHED))]
        lost = f"; {listed(gone)} no longer come" if gone else ""
        yield FeedFault(
            kind=FaultKind.VALUES,
            table=table,
            feed=feed,
            column=column,
            sentence=(
                f"{place(table, feed, column)}: {now:.0%} of the newest rows hold values that never came before "
                f"({listed(fresh)}){lost}."
            ),
            remedy=RENAMED,
            values=named_values(gone=gone, new=fresh),
        )
    if past.max() > _NEW or exceeds(now, past, size, _NEW):
        return  # values come and go, as campaigns do: none of them is usual

    share = here / size
    top = int(np.argmax(share - shares.max(axis=0)))
    if exceeds(float(share[top]), shares[:, top], size, _TAKEN):
        before = float(shares[:, top].max())
        yield concentrated_fault(table, feed, column, str(list(levels)[top]), before, float(share[top]))


def _new_before(first: Ints, usual: Mapping[int, Bools], blocks: Blocks, old: Bools) -> Floats:
    """Per usual block the share of rows with levels that had not come until as long before it as the newest's gap.

    New values add up over a gap. What came until then is told from at least half of the ``old`` rows before the latest
    block that is known: of fewer, usual values are missing by chance and pass for new. That block itself may hold most
    rows, as where a table grows fast. Where rows do not reach back so far, the gap is as long as that allows; values
    that come and go over less than the newest's gap say nothing of it, so there is none to tell then.
    """
    before = blocks.block[old & (blocks.block > min(usual))]
    latest = int(np.median(before)) if len(before) else 0
    until = {k: min(k + blocks.gap, latest) for k in usual if k < latest}
    past = np.array([float((first[usual[k]] < then).mean()) for k, then in until.items()])
    reach = any(k + blocks.gap <= latest for k in until)
    return past if reach or not (past > _NEW).any() else past[:0]


def _unit(table: str, feed: str, column: str, values: Floats, blocks: Blocks) -> Iterator[FeedFault]:
    size = np.log(np.where(np.abs(values) > 0, np.abs(values), np.nan))
    filled = ~np.isnan(size)
    own = size[blocks.newest & filled]
    past = [part for part in (size[(blocks.block == k) & filled] for k in blocks.usual) if len(part) >= _FEWEST_NUMBERS]
    if len(own) < _FEWEST_NUMBERS or len(past) < FEWEST_BLOCKS:
        return
    middles = np.array([np.median(part) for part in past])
    usual, now = float(np.median(middles)), float(np.median(own))
    spread = float(np.median(np.abs(np.concatenate(past) - usual)))
    chance = _SIGMAS * 1.9 * spread / np.sqrt(len(own))  # 1.9: of a median's standard error, by the median deviation
    if abs(now - usual) > max(_UNIT, 2 * float(np.abs(middles - usual).max()), chance):
        yield unit_fault(table, feed, column, float(np.exp(now - usual)), "the newest rows")
