"""Geometry of the card's charts in per cent, apart from their drawing, so that tests can read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from models.explaining.language import Language
from serving.pages.charts.waterfall import CENTRE, build_waterfall
from serving.pages.written_values import to_datetime, write_day

_LOWEST, _HIGHEST = 0, 100
_THINNEST = 0.6  # per cent of the axis: a bar of 0 points stays visible
_STEP = 15  # points between two lines of the grid
_MOST_LABELS = 6


@dataclass(frozen=True, kw_only=True)
class FallRow:
    """A bar of the waterfall: from ``left``, ``width`` wide; ``end`` is where the next one starts."""

    label: str
    points: int
    kind: str
    left: float
    width: float
    end: float


@dataclass(frozen=True)
class Fall:
    """Bars from the start to the score on one axis, the place of 50, and the ticks (place, text)."""

    rows: tuple[FallRow, ...]
    middle: float
    ticks: tuple[tuple[float, str], ...]


def build_fall(card: Mapping[str, Any], language: Language) -> Fall:
    """The bars of :func:`build_waterfall` on an axis of 0 to 100, wider only where a sum leaves it."""
    found = build_waterfall(card)
    totals = [CENTRE, *(bar.total for bar in found.bars)]
    low, high = min(_LOWEST, *totals), max(_HIGHEST, *totals)

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    def row(label: str, points: int, kind: str, first: int, last: int) -> FallRow:
        left, right = place(min(first, last)), place(max(first, last))
        width = max(round(right - left, 2), _THINNEST)
        return FallRow(label=label, points=points, kind=kind, left=left, width=width, end=place(last))

    rows = [row(language.text("Start"), CENTRE, "base", min(low, 0) if low < 0 else 0, CENTRE)]
    for bar, before in zip(found.bars, totals, strict=False):
        kind = "up" if bar.points > 0 else "down" if bar.points < 0 else "base"
        title = "All leads on average" if bar.id == "base" else bar.label
        rows.append(row(language.text(title), bar.points, kind, before, bar.total))
    rows.append(row(language.text("Score"), totals[-1], "total", 0, totals[-1]))
    ticks = tuple((place(value), str(value)) for value in range(_LOWEST, _HIGHEST + 1, 25))
    return Fall(tuple(rows), place(CENTRE), ticks)


@dataclass(frozen=True, kw_only=True)
class HistoryChart:
    """Scores over time in per cent of the box: the line, its dots, labels (x, y, text), ticks, and said in words."""

    path: str
    dots: tuple[tuple[float, float], ...]
    labels: tuple[tuple[float, float, str], ...]
    ticks_x: tuple[tuple[float, str], ...]
    ticks_y: tuple[tuple[float, str], ...]
    mark: tuple[float, str, bool] | None  # place, text, and whether the text stands at the start
    finding: str
    said: str


def build_history(
    weekly: Sequence[Mapping[str, Any]], language: Language, reference: tuple[int, str] | None
) -> HistoryChart | None:
    """The weekly scores of a lead; None for fewer than two. ``reference``: a score, and the chance it stands for."""
    if len(weekly) < 2:
        return None
    moments = [_moment(row["as_of"]) for row in weekly]
    scores = [int(row["score"]) for row in weekly]
    low = max(0, (min(scores) // _STEP) * _STEP)
    high = min(105, -(-max(*scores, low + 2 * _STEP) // _STEP) * _STEP)
    span = (moments[-1] - moments[0]) or timedelta(days=1)
    year = moments[-1].year

    def across(moment: datetime) -> float:
        return round(100 * ((moment - moments[0]) / span), 2)

    def down(value: float) -> float:
        return round(100 * (high - value) / (high - low), 2)

    dots = tuple((across(at), down(score)) for at, score in zip(moments, scores, strict=True))
    every = -(-(len(moments) - 1) // _MOST_LABELS)
    shown = range(len(moments) - 1, -1, -every)
    first, last, top = scores[0], scores[-1], max(scores)
    named = sorted({0, scores.index(top), len(scores) - 1})
    finding = language.text("From {before} to {after}.", before=first, after=last)
    if top not in (first, last):
        when = write_day(language, moments[scores.index(top)], year)
        finding += " " + language.text("Highest: {score} on {day}.", score=top, day=when)
    days = [write_day(language, at, year) for at in moments]
    said = ", ".join(f"{day}: {score}" for day, score in zip(days, scores, strict=True))
    return HistoryChart(
        path=" ".join(f"{x:g},{y:g}" for x, y in dots),
        dots=dots,
        labels=tuple((*dots[k], str(scores[k])) for k in named),
        ticks_x=tuple((dots[k][0], days[k]) for k in reversed(shown)),
        ticks_y=tuple((down(value), str(value)) for value in range(low, high + 1, _STEP)),
        mark=_mark(down(reference[0]), reference, scores) if reference and low < reference[0] < high else None,
        finding=finding,
        said=said,
    )


def _mark(place: float, reference: tuple[int, str], scores: Sequence[int]) -> tuple[float, str, bool]:
    """The line of a score whose chance is known, its text where the scores keep clear of it."""
    score, chance = reference
    at_start = abs(scores[0] - score) > abs(scores[-1] - score)
    return place, f"{score}: {chance}", at_start


def _moment(value: Any) -> datetime:
    found = to_datetime(value)
    if found is None:
        raise ValueError("a weekly score has no time")
    return found
