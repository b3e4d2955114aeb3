"""The rubric: marketing's point rules as a declaration (the schema of data/rubrics/*.yaml)."""

from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from features.rubric.rule import Cap, Number, Part, Points, Rule
from features.schema.source import Name
from features.schema.vocabulary import Dimension, Stage


class Group(Part):
    """A group of rules (fit, engagement, ...): its dimension and the bounds of its sum."""

    dimension: Dimension
    label: str = ""
    cap: Cap | None = None


class Threshold(Part):
    """A stage that is reached with so many points and the required actions (graduation)."""

    stage: Stage
    points: Points
    group: Name | None = Field(default=None, description="count this group's points only, e.g. usage for PQL")
    requires: tuple[Name, ...] = Field(default=(), description="rules that must all have given points")
    any_of: tuple[Name, ...] = Field(default=(), description="rules of which one must have given points")


class Axis(Part):
    """One side of the letter and number matrix: lowest points of each grade but the last, falling."""

    group: Name
    from_points: tuple[Number, Number, Number]

    @model_validator(mode="after")
    def _falling(self) -> "Axis":
        if not self.from_points[0] > self.from_points[1] > self.from_points[2]:
            raise ValueError(
                f"from_points must decrease from the best grade to the third; found {list(self.from_points)}"
            )
        return self


class GradeMatrix(Part):
    """Fit as a letter A-D, engagement as a number 1-4."""

    letter: Axis
    number: Axis


class Handoff(Part):
    """What is handed to sales: leads that reach a stage, or leads in cells of the grade matrix."""

    stage: Stage | None = None
    cells: tuple[Annotated[str, Field(pattern=r"^[A-D][1-4]$")], ...] = ()

    @model_validator(mode="after")
    def _one(self) -> "Handoff":
        if (self.stage is None) == (not self.cells):
            raise ValueError("handoff must name either a stage or cells of the matrix")
        return self


class Rubric(Part):
    """Marketing's rubric. See docs/rubrics.md for every key."""

    name: Name
    version: str = "1"
    title: str = ""
    effective_from: date | None = None
    agreed_by: tuple[str, ...] = ()
    start: Points = Field(default=0.0, description="points every lead starts with")
    groups: dict[Name, Group] = Field(min_length=1)
    rules: tuple[Rule, ...] = Field(min_length=1)
    total: Cap | None = None
    thresholds: tuple[Threshold, ...] = ()
    matrix: GradeMatrix | None = None
    handoff: Handoff

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id."""
        return next(rule for rule in self.rules if rule.id == rule_id)

    @property
    def handoff_threshold(self) -> Threshold | None:
        """Threshold of the handoff stage; None where cells of the matrix decide."""
        return next((t for t in self.thresholds if t.stage is self.handoff.stage), None)
