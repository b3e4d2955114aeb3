"""Rows in blocks of days back from the newest moment: the newest block against those before."""

from collections.abc import Callable

import numpy as np

from features.array_types import Bools, Floats, Ints
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY, NEVER
from models.judging.feeds.feed_profile import FEWEST

LENGTHS = (7, 28)  # days of a block
FEWEST_BLOCKS = 4
_BLOCKS = 13  # earlier blocks that say what is usual
_SIGMAS = 5.0


class Blocks:
    """Rows by block; block 0 is the newest.

    ``usual`` are the earlier blocks that say what is usual: they end before ``anchor`` where it is given, so that a
    fault that goes on for long does not become its own measure. ``gap`` is how many blocks the newest is later than
    the latest that is known.
    """

    def __init__(self, clock: Ints, cutoff: int, days: int, anchor: int | None) -> None:
        width = days * MICROSECONDS_PER_DAY
        age = np.where(clock == NEVER, -1, (cutoff - 1 - clock) // width)
        first = 1 if anchor is None else max(1, -(-(cutoff - anchor) // width))
        oldest = int(age.max()) if len(age) else 0
        self.block = age
        self.gap = first
        self.usual = [k for k in range(first, min(oldest, first + _BLOCKS)) if (age == k).sum() >= FEWEST]
        self.newest = age == 0
        self.before = np.isin(age, np.arange(first, oldest + 1))

    @property
    def enough(self) -> bool:
        """Whether there are rows to judge, and blocks to judge them by."""
        return len(self.usual) >= FEWEST_BLOCKS and int(self.newest.sum()) >= FEWEST

    def figures(self, figure: Callable[[Bools], float]) -> tuple[float, Floats]:
        """A figure of the newest block, and of every usual one."""
        return figure(self.newest), np.array([figure(self.block == k) for k in self.usual])


def exceeds(now: float, past: Floats, rows: int, margin: float) -> bool:
    """Whether a share lies above all earlier ones by a margin and beyond chance.

    >>> exceeds(0.4, np.array([0.1, 0.2]), 200, 0.1), exceeds(0.25, np.array([0.1, 0.2]), 200, 0.1)
    (True, False)
    """
    usual = float(past.max())
    error = np.sqrt(max(usual * (1 - usual), 0.01) / rows)
    return now > usual + max(margin, _SIGMAS * float(error))
