"""A line of a few figures in the corner of a tile."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

_TOP, _BOTTOM = 8.0, 92.0  # room for the line's own width


@dataclass(frozen=True)
class Sparkline:
    """Lines in a box of 100 x 100, one per run of figures without a gap, what is below each, and where lone figures
    stand; ``end`` is where the last figure does.
    """

    lines: tuple[str, ...]
    areas: tuple[str, ...]
    lone: tuple[tuple[float, float], ...]
    end: tuple[float, float]


def build_sparkline(values: Sequence[float | None]) -> Sparkline | None:
    """The line, its lowest figure at the bottom; None for fewer than two figures.

    Figures stand one step apart, and where one is missing nothing is drawn.

    >>> build_sparkline([1, 3, 2]).lines
    ('0,92 50,8 100,50',)
    >>> drawn = build_sparkline([None, 1, None, 3, 2])
    >>> drawn.lines, drawn.lone, drawn.end
    (('75,8 100,50',), ((25.0, 92.0),), (100.0, 50.0))
    >>> build_sparkline([None, 5]) is None
    True
    """
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    scale = (_BOTTOM - _TOP) / (high - low) if high > low else 0.0
    step = 100 / (len(values) - 1)
    points = [
        None
        if value is None
        else (round(k * step, 2), round(_BOTTOM - (value - low) * scale, 2) if scale else (_TOP + _BOTTOM) / 2)
        for k, value in enumerate(values)
    ]
    runs = [[one for one in run if one is not None] for there, run in groupby(points, bool) if there]
    drawn = [run for run in runs if len(run) > 1]
    return Sparkline(
        lines=tuple(map(_join, drawn)),
        areas=tuple(_join([(run[0][0], 100), *run, (run[-1][0], 100)]) for run in drawn),
        lone=tuple(run[0] for run in runs[:-1] if len(run) == 1),
        end=runs[-1][-1],
    )


def _join(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
