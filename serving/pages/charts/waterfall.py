"""The numbers of a chart, separate from its drawing, so that tests can read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

CENTRE = 50  # the score of a lead with the reference probability
_MARGIN = 4  # points of air on both sides of the bars
_THINNEST = 0.6  # percent of the axis: a bar of 0 points stays visible


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar of the waterfall, in percent of the axis: from ``left``, ``width`` wide; ``total`` is the sum so far."""

    id: str
    label: str
    points: int
    left: float
    width: float
    total: int


@dataclass(frozen=True)
class Waterfall:
    """Bars from 50 to the score, the score's own bar, and the position of 50; the axis covers what the bars need."""

    bars: tuple[Bar, ...]
    score: Bar
    centre: float


def build_waterfall(card: Mapping[str, Any]) -> Waterfall:
    """Bars from 50 to the score: each starts where the one before ended, the last ends at the score.

    >>> card = {"score": 62, "points_base": -8, "points_clip": 0, "criteria": [
    ...     {"id": "need", "label": "Need", "points": 20}, {"id": "context", "label": "Context", "points": 0}]}
    >>> [(bar.id, bar.points, bar.total) for bar in build_waterfall(card).bars]
    [('base', -8, 42), ('need', 20, 62), ('context', 0, 62)]
    """
    steps = [("base", "Starting point of all leads", card["points_base"])]
    steps += [(row["id"], row["label"], row["points"]) for row in card["criteria"]]
    if card["points_clip"]:
        steps.append(("clip", "Kept within 0 to 100", card["points_clip"]))

    totals = list(accumulate((points for _, _, points in steps), initial=CENTRE))
    first, last = min(totals) - _MARGIN, max(totals) + _MARGIN
    scale = 100 / (last - first)

    def bar(name: str, label: str, points: int, start: int) -> Bar:
        left = (min(start, start + points) - first) * scale
        width = max(abs(points) * scale, _THINNEST)
        return Bar(
            id=name, label=label, points=points, left=round(left, 2), width=round(width, 2), total=start + points
        )

    bars = tuple(bar(*step, start) for step, start in zip(steps, totals, strict=False))
    return Waterfall(bars, bar("score", "Score", totals[-1] - CENTRE, CENTRE), round((CENTRE - first) * scale, 2))


@dataclass(frozen=True)
class Line:
    """A line chart: ``path`` of SVG points in a box of ``width`` x ``height``, and its dots."""

    path: str
    dots: list[tuple[float, float, str]]
    width: int = 600
    height: int = 120


def build_score_line(weekly: Sequence[Mapping[str, Any]]) -> Line | None:
    """Scores over time on an axis of 0..100; None for fewer than two."""
    if len(weekly) < 2:
        return None
    line = Line("", [])
    step = (line.width - 20) / (len(weekly) - 1)
    dots = [
        (round(10 + k * step, 1), round(line.height - 10 - row["score"] * (line.height - 20) / 100, 1), _title(row))
        for k, row in enumerate(weekly)
    ]
    return Line(" ".join(f"{x},{y}" for x, y, _ in dots), dots)


def _title(row: Mapping[str, Any]) -> str:
    return f"{str(row['as_of'])[:10]}: score {row['score']}"


@dataclass(frozen=True)
class Dot:
    """A group of leads on the calibration chart, in a box of 260 x 260, with what it says."""

    x: float
    y: float
    title: str


@dataclass(frozen=True)
class ReliabilityChart:
    """Dots of the observed against the predicted share; on the diagonal the two are equal."""

    dots: list[Dot]
    highest: str


def add_interval_ends(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with the ends of their interval as columns; rows of older runs may have no interval.

    >>> add_interval_ends([{"rows": 5, "ci": [0.1, 0.2]}, {"rows": 6}])
    [{'rows': 5, 'ci': [0.1, 0.2], 'low': 0.1, 'high': 0.2}, {'rows': 6, 'low': None, 'high': None}]
    """
    extended = []
    for row in rows:
        low, high = row.get("ci") or (None, None)
        extended.append({**row, "low": low, "high": high})
    return extended


def build_reliability_chart(rows: Sequence[Mapping[str, Any]]) -> ReliabilityChart | None:
    """Observed against predicted share of each group; None where there are no groups.

    >>> chart = build_reliability_chart([{"predicted": 0.1, "observed": 0.2, "rows": 50}])
    >>> chart.highest, chart.dots[0].x, chart.dots[0].y
    ('20%', 140.0, 20.0)
    """
    top = max((max(row["predicted"], row["observed"]) for row in rows), default=0.0)
    if top <= 0:
        return None
    dots = [
        Dot(
            round(40 + 200 * row["predicted"] / top, 1),
            round(220 - 200 * row["observed"] / top, 1),
            f"{row['predicted']:.1%} / {row['observed']:.1%} (n = {row['rows']:,})",
        )
        for row in rows
    ]
    return ReliabilityChart(dots, f"{top:.0%}")
