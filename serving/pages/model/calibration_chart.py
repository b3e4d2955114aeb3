"""Promised against happened, group by group: places in per cent of the chart, so that text keeps its size."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_MOST_TICKS = 5


@dataclass(frozen=True, kw_only=True)
class CalibrationDot:
    """A group: promised and happened as shares; ``top`` and ``bottom`` of its interval in per cent of the height."""

    x: float
    y: float
    top: float | None
    bottom: float | None
    predicted: float
    observed: float
    low: float | None
    high: float | None
    rows: int
    inside: bool


@dataclass(frozen=True, kw_only=True)
class CalibrationChart:
    """Dots on two axes of one length; ``ticks`` are the place in per cent and the share of 100 there."""

    dots: tuple[CalibrationDot, ...]
    ticks: tuple[tuple[float, int], ...]

    @property
    def outside(self) -> int:
        """Groups whose promise lies outside the interval of what happened."""
        return sum(not dot.inside for dot in self.dots)


def draw_calibration(rows: Sequence[Mapping[str, Any]]) -> CalibrationChart | None:
    """The chart of a reliability table; None where nothing was judged.

    >>> chart = draw_calibration([{"predicted": 0.1, "observed": 0.2, "rows": 50, "ci": [0.1, 0.3], "inside": True}])
    >>> chart.ticks, chart.dots[0].x, chart.dots[0].y, chart.dots[0].top
    (((0.0, 0), (33.33, 10), (66.67, 20), (100.0, 30)), 33.33, 33.33, 0.0)
    """
    if not rows:
        return None
    ends = [_ends(row) for row in rows]
    highest = max([*(row["predicted"] for row in rows), *(row["observed"] for row in rows), *(e[1] or 0 for e in ends)])
    step = next((one for one in _STEPS if highest / one <= _MOST_TICKS), _STEPS[-1])
    last = max(math.ceil(highest / step - 1e-9), 1) * step

    def place(share: float) -> float:
        return round(100 * share / last, 2)

    dots = tuple(
        CalibrationDot(
            x=place(row["predicted"]),
            y=round(100 - place(row["observed"]), 2),
            top=None if high is None else round(100 - place(high), 2),
            bottom=None if low is None else round(100 - place(low), 2),
            predicted=row["predicted"],
            observed=row["observed"],
            low=low,
            high=high,
            rows=row["rows"],
            inside=bool(row.get("inside", True)),
        )
        for row, (low, high) in zip(rows, ends, strict=True)
    )
    ticks = tuple((place(k * step), round(100 * k * step)) for k in range(round(last / step) + 1))
    return CalibrationChart(dots=dots, ticks=ticks)


def _ends(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    low, high = row.get("ci") or (None, None)
    return low, high
