"""Columns with intervals or with a step of what was promised, on an axis that begins at zero."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_GAP = 0.38  # of a column's place that stays free
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LINES = 4  # most grid lines above zero


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column; places and heights in per cent of the plot.

    ``low`` and ``high`` are the ends of an interval, ``promised`` a step across the column, each a height from the top.
    """

    name: str
    value: float
    left: float
    width: float
    middle: float
    top: float
    height: float
    low: float | None = None
    high: float | None = None
    promised: float | None = None
    strong: bool = False

    @property
    def label_at(self) -> float:
        """Where the figure stands: above what is highest."""
        return min(place for place in (self.top, self.high, self.promised) if place is not None)

    @property
    def step_ends(self) -> tuple[float, float]:
        """From where to where the step of what was promised goes: a little wider than the column."""
        return round(self.left - self.width / 6, 2), round(self.left + self.width * 7 / 6, 2)


@dataclass(frozen=True)
class ColumnChart:
    """Columns and the grid, (place in per cent, figure)."""

    columns: tuple[Column, ...]
    grid: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What a column shows, in one unit."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    promised: float | None = None
    strong: bool = False


def round_axis(highest: float) -> tuple[float, float]:
    """The end of an axis and the distance of its lines: round numbers, the end not below the highest figure.

    >>> round_axis(25.8), round_axis(495), round_axis(0)
    ((30.0, 10.0), (600.0, 200.0), (1.0, 1.0))
    """
    if highest <= 0:
        return 1.0, 1.0
    power = 10.0 ** (len(str(int(highest))) - 1 if highest >= 1 else -1)
    for factor in (step * scale for scale in (0.1, 1.0) for step in _STEPS):
        step = factor * power
        lines = -(-highest // step)
        if lines <= _LINES - 1 or factor == _STEPS[-1]:
            return float(lines * step), float(step)
    return float(highest), float(highest)


def build_columns(figures: Sequence[Figure]) -> ColumnChart | None:
    """Columns side by side; None where there is nothing to draw."""
    if not figures:
        return None
    heights = [value for one in figures for value in (one.value, one.high, one.promised) if value is not None]
    end, step = round_axis(max(heights))
    place = 100 / len(figures)
    width = place * (1 - _GAP)

    def up(value: float | None) -> float | None:
        return None if value is None else round(100 - 100 * value / end, 2)

    columns = []
    for k, one in enumerate(figures):
        left = k * place + (place - width) / 2
        columns.append(
            Column(
                name=one.name,
                value=one.value,
                left=round(left, 2),
                width=round(width, 2),
                middle=round(left + width / 2, 2),
                top=round(100 - 100 * one.value / end, 2),
                height=round(100 * one.value / end, 2),
                low=up(one.low),
                high=up(one.high),
                promised=up(one.promised),
                strong=one.strong,
            )
        )
    lines = tuple((round(100 - 100 * k * step / end, 2), round(k * step, 6)) for k in range(round(end / step) + 1))
    return ColumnChart(tuple(columns), lines)


def volume_figures(rows: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Leads handed off per quarter with the step of what was promised."""
    return [
        Figure(
            name=f"{str(row['quarter'])[4:]} {str(row['quarter'])[2:4]}",
            value=float(row["sent"]),
            promised=None if row["promised"] is None else float(row["promised"]),
            strong=row is rows[-1],
        )
        for row in rows
    ]
