"""The kernel: one walk over each visible slice fills every column."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.array_types import Floats, Ints
from features.compiled_kernels import kernel
from features.kernel.program import Entries, Op
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY
from features.point_in_time.visibility import Slices

COUNT, RECENCY, DECAYED = int(Op.COUNT), int(Op.RECENCY), int(Op.DECAYED)
BREADTH, STREAK, ACTIVE_DAYS = int(Op.BREADTH), int(Op.STREAK), int(Op.ACTIVE_DAYS)
LINEAR, FIRST_ROW, LAST_ROW = int(Op.LINEAR), int(Op.FIRST_ROW), int(Op.LAST_ROW)
DAY = MICROSECONDS_PER_DAY
STREAK_WEEKS = 52  # a streak is a year at most: its weeks are the bits of one integer
DAYS_KEPT = 3660  # ten years of different days, the longest window a rubric may name; what is older shares the last
PARALLEL_FROM = 10_000  # moments from which threads share the work; the result does not depend on it


@kernel
def _weeks_in_a_row(marks: int) -> float:
    weeks = 0.0
    while marks & 1:
        weeks += 1.0
        marks >>= 1
    return weeks


@kernel
def _distinct(stamps: Any, slot: int, item: int, row: int) -> float:
    if item < 0 or stamps[slot, item] == row:
        return 0.0
    stamps[slot, item] = row
    return 1.0


class SweepRows(NamedTuple):
    """The sorted rows a sweep walks over.

    Parameters
    ----------
    happened_at : shape (rows,), microseconds
    row_class : shape (rows,)
    items : shape (3, rows), codes of what breadth counts (asset, lead, role), -1 missing; shape (3, 0) if nothing does
    value : shape (rows,); shape (0,) if nothing is added up
    bot_by : shape (rows,); a row counts as a bot's once row ``bot_by`` is visible; shape (0,) without a filter
    """

    happened_at: Ints
    row_class: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    value: Floats
    bot_by: Ints


class _Looks(NamedTuple):
    """The moments that are asked for: visible rows ``lo:hi`` at ``as_of``."""

    lo: Ints
    hi: Ints
    as_of: Ints


@kernel
def sweep_kernel(
    first: int, end: int, looks: _Looks, rows: SweepRows, entries: Entries, widest: int, out: Floats
) -> None:
    """Walk the slices of looks ``first`` to ``end`` once and fill every column of ``out``."""
    lo, hi, as_of = looks.lo, looks.hi, looks.as_of
    happened_at, row_class, items, value, bot_by = rows
    starts, column, op, window, rate = entries.starts, entries.column, entries.op, entries.window, entries.rate
    slot, item, exclude_bots = entries.slot, entries.item, entries.exclude_bots
    initial, streaks, slots = entries.initial, entries.streaks, entries.slots

    stamps = np.full((slots[0], widest), -1, dtype=np.int32)
    marks = np.zeros(max(slots[1], 1), dtype=np.int64)
    best = np.zeros(max(slots[2], 1), dtype=np.int64)
    filter_bots = bot_by.size > 0

    for i in range(first, end):
        row = out[i]
        for c in range(initial.size):
            row[c] = initial[c]
        marks[:] = 0

        for r in range(lo[i], hi[i]):
            happened = happened_at[r]
            age = as_of[i] - happened
            if age <= 0:
                continue
            bot = filter_bots and bot_by[r] < hi[i]
            last_rate = -1.0
            weight = 0.0
            day = -1
            for e in range(starts[row_class[r]], starts[row_class[r] + 1]):
                if age > window[e]:
                    break  # entries of a class stand in order of their windows, longest first
                if bot and exclude_bots[e]:
                    continue
                c = column[e]
                what = op[e]
                if what == COUNT:
                    row[c] += 1.0
                elif what == DECAYED:
                    if rate[e] != last_rate:
                        last_rate = rate[e]
                        weight = np.exp2(-age * last_rate)
                    row[c] += weight
                elif what == RECENCY:
                    if not row[c] <= age:
                        row[c] = age
                elif what == LAST_ROW:
                    if row[c] < 0 or happened >= best[slot[e]]:  # of a tie the one known later
                        best[slot[e]] = happened
                        row[c] = r
                elif what == FIRST_ROW:
                    if row[c] < 0 or happened < best[slot[e]]:  # of a tie the one known earlier
                        best[slot[e]] = happened
                        row[c] = r
                elif what == BREADTH:
                    row[c] += _distinct(stamps, slot[e], items[item[e], r], i)
                elif what in (ACTIVE_DAYS, STREAK):
                    if day < 0:
                        day = (age - 1) // DAY
                    if what == ACTIVE_DAYS:
                        row[c] += _distinct(stamps, slot[e], min(day, DAYS_KEPT - 1), i)
                    elif day < STREAK_WEEKS * 7:
                        marks[slot[e]] |= 1 << (day // 7)
                elif what == LINEAR:
                    row[c] += max(0.0, 1.0 - age * rate[e])
                elif not np.isnan(value[r]):
                    row[c] += value[r]

        for s in range(streaks.size):
            row[streaks[s]] = _weeks_in_a_row(marks[s])


def sweep(rows: SweepRows, slices: Slices, as_of: Ints, entries: Entries, *, threads: int = 1) -> Floats:
    """Every column of a program for every slice.

    Parameters
    ----------
    slices : from :func:`features.point_in_time.visibility.visible`, with the ``as_of`` they were made for, shape (n,)
    threads : moments are shared out in as many parts; the result does not depend on it

    Returns
    -------
    shape (n, columns): counts, ages in microseconds, sums, or sorted row positions (-1: none)

    Notes
    -----
    An age is ``as_of - happened_at``; a window holds ages in (0, window]; what has yet to happen does not count.
    Additions run in row order, so equal rows give equal bits, however many moments are asked for at once.
    """
    count = slices.lo.size
    out = np.empty((count, entries.initial.size), dtype=np.float64)
    days = DAYS_KEPT if (entries.op == ACTIVE_DAYS).any() else 0
    widest = max(days, int(rows.items.max(initial=-1)) + 1) if entries.slots[0] else 0
    looks = _Looks(slices.lo, slices.hi, as_of)

    def part(first: int, end: int) -> None:
        sweep_kernel(first, end, looks, rows, entries, widest, out)

    if threads == 1 or count < PARALLEL_FROM:
        part(0, count)
        return out

    edges = np.linspace(0, count, threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, edges[:-1], edges[1:]))
    return out
