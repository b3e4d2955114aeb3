"""The kernel: one walk over each visible slice fills every column."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from features.clock import MICROSECONDS_PER_DAY
from features.program import Entries, Op
from features.visible import SortedRows

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

COUNT, RECENCY, DECAYED = int(Op.COUNT), int(Op.RECENCY), int(Op.DECAYED)
BREADTH, STREAK, ACTIVE_DAYS = int(Op.BREADTH), int(Op.STREAK), int(Op.ACTIVE_DAYS)
SUM, LINEAR, FIRST_ROW = int(Op.SUM), int(Op.LINEAR), int(Op.FIRST_ROW)
DAY = MICROSECONDS_PER_DAY
WEEK = 7 * DAY
STREAK_WEEKS = 52
DAYS_KEPT = 3660


@njit(cache=True, nogil=True)
def _weeks_in_a_row(marks: int) -> int:
    weeks = 0
    while marks & 1:
        weeks += 1
        marks >>= 1
    return weeks


@njit(cache=True, nogil=True)
def _row_op(op: int, r: int, happened: int, slot: int, best: Ints, current: float) -> float:
    """First or last row so far: by happened_at; ties stay with the earlier, or go to the later, known one."""
    better = happened < best[slot] if op == FIRST_ROW else happened >= best[slot]
    if current < 0 or better:
        best[slot] = happened
        return float(r)
    return current


@njit(cache=True, nogil=True)
def _distinct(stamps: Any, slot: int, item: int, row: int) -> float:
    if item < 0 or stamps[slot, item] == row:
        return 0.0
    stamps[slot, item] = row
    return 1.0


@njit(cache=True, nogil=True)
def _sweep(
    lo: Ints,
    hi: Ints,
    as_of: Ints,
    happened_at: Ints,
    row_class: Any,
    items: Any,
    value: Floats,
    bot_by: Ints,
    starts: Ints,
    column: Ints,
    op: Ints,
    window: Ints,
    rate: Floats,
    slot: Ints,
    item: Ints,
    exclude_bots: Any,
    initial: Floats,
    slots: Ints,
    out: Floats,
) -> None:
    widest = DAYS_KEPT
    for k in range(items.shape[0]):
        for r in range(items.shape[1]):
            widest = max(widest, items[k, r] + 1)
    stamps = np.full((slots[0], widest if slots[0] else 0), -1, dtype=np.int32)
    marks = np.zeros(slots[1], dtype=np.int64)
    best = np.zeros(slots[2], dtype=np.int64)
    for i in range(lo.size):
        row = out[i]
        for c in range(initial.size):
            row[c] = initial[c]
        marks[:] = 0
        for r in range(lo[i], hi[i]):
            age = as_of[i] - happened_at[r]
            if age <= 0:
                continue
            bot = bot_by[r] < hi[i]
            last_rate = -1.0
            weight = 0.0
            for e in range(starts[row_class[r]], starts[row_class[r] + 1]):
                if age > window[e] or (bot and exclude_bots[e]):
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
                elif what == BREADTH:
                    row[c] += _distinct(stamps, slot[e], items[item[e], r], i)
                elif what == ACTIVE_DAYS:
                    row[c] += _distinct(stamps, slot[e], min((age - 1) // DAY, DAYS_KEPT - 1), i)
                elif what == STREAK:
                    if age <= STREAK_WEEKS * WEEK:
                        marks[slot[e]] |= 1 << ((age - 1) // WEEK)
                        row[c] = _weeks_in_a_row(marks[slot[e]])
                elif what == LINEAR:
                    row[c] += max(0.0, 1.0 - age * rate[e])
                elif what == SUM:
                    if not np.isnan(value[r]):
                        row[c] += value[r]
                else:
                    row[c] = _row_op(what, r, happened_at[r], slot[e], best, row[c])


def sweep(
    rows: SortedRows,
    lo: Ints,
    hi: Ints,
    as_of: Ints,
    row_class: npt.NDArray[np.int32],
    items: npt.NDArray[np.int32],
    value: Floats,
    bot_by: Ints,
    entries: Entries,
) -> Floats:
    """Every column of a program for every slice.

    Parameters
    ----------
    lo, hi, as_of : shape (n,), from :func:`features.visible.visible`
    row_class, value, bot_by : shape (rows,), in sorted order; a row counts as a bot's once row ``bot_by`` is visible
    items : shape (3, rows), codes of what breadth counts (asset, lead, role), -1 missing

    Returns
    -------
    shape (n, columns): counts, ages in microseconds, sums, or sorted row positions (-1: none)

    Notes
    -----
    An age is ``as_of - happened_at``; a window holds ages in (0, window]; what has yet to happen does not count.
    Additions run in row order, so equal rows give equal bits, however many moments are asked for at once.
    """
    out = np.empty((lo.size, entries.initial.size), dtype=np.float64)
    _sweep(
        lo,
        hi,
        as_of,
        rows.happened_at,
        row_class,
        items,
        value,
        bot_by,
        entries.starts,
        entries.column,
        entries.op,
        entries.window,
        entries.rate,
        entries.slot,
        entries.item,
        entries.exclude_bots,
        entries.initial,
        entries.slots,
        out,
    )
    return out
