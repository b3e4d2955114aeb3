"""A line of a few figures in the corner of a tile."""

from collections.abc import Sequence
from dataclasses import dataclass

_TOP, _BOTTOM = 8.0, 92.0  # room for the line's own width


@dataclass(frozen=True)
class Sparkline:
    """Points in a box of 100 x 100, and where the last one stands; ``first`` and ``last`` are the figures."""

    points: str
    end: float
    first: float
    last: float


def build_sparkline(values: Sequence[float | None]) -> Sparkline | None:
    """The line, its lowest figure at the bottom; None for fewer than two.

    >>> build_sparkline([1, 3, 2]).points
    '0,92 50,8 100,50'
    >>> build_sparkline([5]) is None
    True
    """
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    scale = (_BOTTOM - _TOP) / (high - low) if high > low else 0.0
    heights = [_BOTTOM - (value - low) * scale if scale else 50.0 for value in known]
    step = 100 / (len(known) - 1)
    points = " ".join(f"{round(k * step, 2):g},{round(y, 2):g}" for k, y in enumerate(heights))
    return Sparkline(points, round(heights[-1], 2), known[0], known[-1])
