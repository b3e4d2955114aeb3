"""The record of the thresholds page: figures of the last run's comparison, and nothing worked out twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.judging.score_thresholds.operating_points import PointName
from pipelines.workspace.adopted_thresholds import list_thresholds
from serving.pages.thresholds.charts import ScoreCharts, build_score_charts
from serving.state.app_state import AppState

Row = Mapping[str, Any]
_APART = 45.0  # per cent of the slider that the words of a mark may take on a phone


@dataclass(frozen=True)
class NamedPoint:
    """An operating point: the score and its step; both None where there is no such score."""

    name: str
    step: Row | None


@dataclass(frozen=True)
class SliderMark:
    """A named score below the slider: where it stands in per cent, all its names, and the line its words stand in."""

    score: int
    x: float
    names: Sequence[str]
    line: int


@dataclass(frozen=True, kw_only=True)
class ThresholdsPage:
    """What the page prints.

    ``chosen`` is the step of the score that is looked at; ``places`` what sales can work a week (or in all, without
    weeks); ``in_use`` the score from which leads are handed off, and every decision about it; ``decided`` the same as
    it was decided last, which this server may not have loaded yet.
    """

    steps: Sequence[Row]
    points: Sequence[NamedPoint]
    chosen: Row
    charts: ScoreCharts | None
    unit: str
    places: float
    weeks: int
    leads: int
    winnable: int
    rubric_own: Row | None
    promise: Row | None
    in_use: Row
    decided: Row
    every_lead_pays: bool
    plan: Sequence[Row]
    reps: int

    def count(self, step: Row) -> float:
        """Handoffs of a step in the unit of the page: a week, or in all."""
        return float(step[self.unit])

    def point_of(self, score: int) -> str:
        """The name of the operating point at a score, empty where it has none."""
        return next((point.name for point in self.points if point.step and point.step["score"] == score), "")

    @property
    def promised_score(self) -> int | None:
        """The score that keeps the promise, also where no step shows it; None where none does."""
        if not self.promise or not self.promise["kept"] or not self.promise["mapped"]:
            return None
        mapped = self.promise["mapped"]
        return int(mapped["score"]) if mapped.get("fits", True) else None

    @property
    def marks(self) -> list[SliderMark]:
        """Every named score once, from the left; words that would touch those before stand a line lower."""
        names: dict[int, list[str]] = {}
        for point in self.points:
            if point.step is not None:
                names.setdefault(point.step["score"], []).append(point.name)
        found: list[SliderMark] = []
        for score in sorted(names) if self.charts is not None else ():
            x = self.charts.x(score) if self.charts is not None else 0.0
            close = bool(found) and x - found[-1].x < _APART
            found.append(SliderMark(score, x, names[score], 1 - found[-1].line if close else 0))
        return found

    @property
    def over_capacity(self) -> bool:
        """Whether the score looked at hands off more than sales can work."""
        return self.count(self.chosen) > self.places + 1e-9


def build_thresholds_page(app_state: AppState, found: Row, asked: int | None) -> ThresholdsPage | None:
    """The page of a comparison; None where it judged no scores (points score alone, or an older run wrote it).

    ``asked`` is the score to look at; the nearest one there is stands for it.
    """
    scores = found.get("scores")
    if not scores or not scores["steps"]:
        return None
    steps, source = scores["steps"], app_state.context.source
    by_score = {row["score"]: row for row in steps}
    named = {point["name"]: by_score[point["score"]] for point in scores["points"] if point["score"] in by_score}
    points = [NamedPoint(str(name), named.get(name)) for name in PointName]
    in_time = steps[0]["per_week"] is not None
    capacity = {**source.capacity.model_dump(), **(found.get("capacity") or {})}
    places = float(capacity["handoffs_per_week"] if in_time else round(capacity["share"] * found["leads"]))
    unit = "per_week" if in_time else "handoffs"
    in_use = list_thresholds(app_state.context.thresholds)
    first = next((point.step for point in points if point.step is not None), steps[len(steps) // 2])
    chosen = first if asked is None else min(steps, key=lambda row: abs(row["score"] - asked))
    plan = found.get("plan") or {}
    return ThresholdsPage(
        steps=steps,
        points=points,
        chosen=chosen,
        charts=build_score_charts(steps, places, unit),
        unit=unit,
        places=places,
        weeks=found["weeks"],
        leads=found["leads"],
        winnable=found["winnable"],
        rubric_own=next((row for row in found["policies"] if row["policy"] == "rubric_own_threshold"), None),
        promise=found.get("promise"),
        in_use=in_use,
        decided=list_thresholds(app_state.find_decided().thresholds),
        every_lead_pays=scores["every_lead_pays"],
        plan=plan.get("table") or [],
        reps=capacity["reps"],
    )
