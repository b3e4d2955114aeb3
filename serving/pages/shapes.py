"""Numbers of a chart, apart from how it is drawn, so that tests can read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CENTRE = 50


@dataclass(frozen=True)
class Bar:
    """One bar of the waterfall on an axis of 0..100: from ``left``, ``width`` wide."""

    id: str
    label: str
    points: int
    left: float
    width: float
    total: int


def waterfall(card: Mapping[str, Any]) -> list[Bar]:
    """Bars from 50 to the score: each starts where the one before ended, the last ends at the score.

    >>> card = {"score": 62, "points_base": -8, "points_clip": 0, "criteria": [
    ...     {"id": "need", "label": "Need", "points": 20}, {"id": "context", "label": "Context", "points": 0}]}
    >>> [(bar.id, bar.points, bar.total) for bar in waterfall(card)]
    [('base', -8, 42), ('need', 20, 62), ('context', 0, 62)]
    """
    steps = [("base", "Starting point of all leads", card["points_base"])]
    steps += [(row["id"], row["label"], row["points"]) for row in card["criteria"]]
    if card["points_clip"]:
        steps.append(("clip", "Kept within 0 to 100", card["points_clip"]))
    bars, at = [], CENTRE
    for name, label, points in steps:
        low, high = sorted((at, at + points))
        low, high = max(0, min(100, low)), max(0, min(100, high))
        at += points
        bars.append(Bar(name, label, points, low, high - low, at))
    return bars


@dataclass(frozen=True)
class Line:
    """A line chart: ``path`` of SVG points in a box of ``width`` x ``height``, and its dots."""

    path: str
    dots: list[tuple[float, float, str]]
    width: int = 600
    height: int = 120


def score_line(weekly: Sequence[Mapping[str, Any]]) -> Line | None:
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
