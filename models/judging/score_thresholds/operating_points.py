"""Scores with a name: the one that keeps a promise, the one that fills the team, the one as precise as the rubric."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from models.judging.score_thresholds.score_steps import ScoreStep


class PointName(StrEnum):
    """Why somebody would hand off from a score on."""

    PROMISE = "promise"
    CAPACITY = "capacity"
    RUBRIC_PRECISION = "rubric_precision"


@dataclass(frozen=True)
class OperatingPoint:
    """A score with a name; its figures are those of its step."""

    name: PointName
    score: int

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"name": str(self.name), "score": self.score}


def operating_points(
    steps: Sequence[ScoreStep], *, promised: int | None, places: float, rubric_precision: float | None
) -> tuple[OperatingPoint, ...]:
    """The named scores, each once.

    Parameters
    ----------
    promised : the score that keeps the promise, None where none does
    places : leads that sales can work in the whole time judged
    rubric_precision : share won of what the rubric hands off at its own threshold, None where it has none
    """
    found: dict[PointName, int | None] = {
        PointName.PROMISE: promised if any(step.score == promised for step in steps) else None,
        PointName.CAPACITY: min((step.score for step in steps if step.handoffs <= places), default=None),
    }
    if rubric_precision is not None:
        as_precise = [step for step in steps if step.precision >= rubric_precision]
        found[PointName.RUBRIC_PRECISION] = min((step.score for step in as_precise), default=None)
    return tuple(OperatingPoint(name, score) for name, score in found.items() if score is not None)


def lowest_score_within(steps: Sequence[ScoreStep], handoffs: int) -> int | None:
    """The lowest score whose list is not longer; None where even the shortest is."""
    return min((step.score for step in steps if step.handoffs <= handoffs), default=None)
