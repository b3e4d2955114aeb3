"""Geometry of the two charts over the score, in per cent of their boxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TICKS_X = 7  # scores written below the axis at most
_TICKS_Y = 5


@dataclass(frozen=True)
class Tick:
    """A value of an axis and where it stands, from the left or from above."""

    value: float
    at: float


@dataclass(frozen=True)
class Column:
    """The handoffs of one score: a bar around ``centre``, from ``y`` down."""

    score: int
    x: float
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class ScoreCharts:
    """Share won above, handoffs below, on one axis of scores."""

    model: str
    rubric: str
    band: str
    model_end: tuple[float, float]
    rubric_end: tuple[float, float] | None
    precision_ticks: tuple[Tick, ...]
    columns: tuple[Column, ...]
    column_width: float
    handoff_ticks: tuple[Tick, ...]
    score_ticks: tuple[Tick, ...]
    capacity_y: float | None
    lowest: int
    highest: int

    def x(self, score: int) -> float:
        """Where a score stands on the axis."""
        return _share(score, self.lowest, self.highest)

    def precision_y(self, value: float) -> float:
        """Where a share won (0 to 1) stands in the upper chart."""
        return round(100 - 100 * value / self.precision_ticks[-1].value, 2)


def build_score_charts(
    steps: Sequence[Mapping[str, Any]], capacity: float | None, unit: str = "per_week"
) -> ScoreCharts | None:
    """Both charts of the steps (any order); None for fewer than two.

    Parameters
    ----------
    capacity : what sales can work, in the unit of the lower chart
    unit : key of a step that the lower chart shows: ``per_week``, or ``handoffs`` where there are no weeks
    """
    rows = sorted(steps, key=lambda row: row["score"])
    if len(rows) < 2:
        return None
    low, high = rows[0]["score"], rows[-1]["score"]
    ends = [(_end(row, 0), _end(row, 1)) for row in rows]
    shares = _ticks(max([*(end for _, end in ends), *(row["precision"] for row in rows)]))
    counts = _ticks(max([*(row[unit] for row in rows), capacity or 0.0]))

    def place(score: int, share: float) -> str:
        return f"{_share(score, low, high)},{round(100 - 100 * share / shares[-1], 2)}"

    beside = [(row["score"], row["rubric_wins"] / row["handoffs"]) for row in rows if row["rubric_wins"] is not None]
    upper = [place(row["score"], end) for row, (_, end) in zip(rows, ends, strict=True)]
    lower = [place(row["score"], end) for row, (end, _) in zip(rows, ends, strict=True)]
    width = min(3.0, 70.0 / len(rows))
    columns = []
    for row in rows:
        height = round(100 * row[unit] / counts[-1], 2)
        x = round(_share(row["score"], low, high) - width / 2, 2)
        columns.append(Column(row["score"], x, round(100 - height, 2), height))
    last = rows[len(rows) * 2 // 3]
    return ScoreCharts(
        model=" ".join(place(row["score"], row["precision"]) for row in rows),
        rubric=" ".join(place(score, share) for score, share in beside),
        band=" ".join([*upper, *reversed(lower)]),
        model_end=_point((last["score"], last["precision"]), low, high, shares[-1]),
        rubric_end=_point(beside[len(beside) // 2], low, high, shares[-1]) if beside else None,
        precision_ticks=tuple(Tick(value, round(100 - 100 * value / shares[-1], 2)) for value in shares),
        columns=tuple(columns),
        column_width=round(width, 2),
        handoff_ticks=tuple(Tick(value, round(100 - 100 * value / counts[-1], 2)) for value in counts),
        score_ticks=tuple(Tick(score, _share(score, low, high)) for score in _whole_ticks(low, high)),
        capacity_y=None if not capacity else round(100 - 100 * capacity / counts[-1], 2),
        lowest=low,
        highest=high,
    )


def _point(point: tuple[int, float], low: int, high: int, top: float) -> tuple[float, float]:
    return _share(point[0], low, high), round(100 - 100 * point[1] / top, 2)


def _end(row: Mapping[str, Any], k: int) -> float:
    found = row["precision_ci"][k]
    return float(row["precision"] if found is None else found)


def _share(score: int, low: int, high: int) -> float:
    return round(100 * (score - low) / (high - low), 2)


def _ticks(largest: float) -> list[float]:
    """Round values from 0 to at least the largest.

    >>> _ticks(0.33), _ticks(39.3)
    ([0.0, 0.1, 0.2, 0.3, 0.4], [0.0, 10.0, 20.0, 30.0, 40.0])
    """
    size = 1.0
    while size * _TICKS_Y > 10 * largest > 0:
        size /= 10
    while size * _TICKS_Y < largest:
        size *= 10
    for part in (0.1, 0.2, 0.5, 1.0):
        if part * size * _TICKS_Y >= largest:
            size *= part
            break
    found = [0.0]
    while found[-1] < largest - 1e-9:
        found.append(round(found[-1] + size, 10))
    return found if len(found) > 1 else [0.0, 1.0]


def _whole_ticks(low: int, high: int) -> list[int]:
    """Scores to write: a round number apart.

    >>> _whole_ticks(24, 51)
    [24, 29, 34, 39, 44, 49]
    """
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100) if (high - low) / step <= _TICKS_X)
    return list(range(low, high + 1, step))
