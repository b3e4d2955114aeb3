"""Declarations that name code of a user's own: candidates of the contest, and features."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from features.schema.columns import Declared
from features.schema.vocabulary import Dimension, Topic

OURS = ("rate", "rubric", "scorecard", "linear", "booster", "blend", "prior", "segmented")  # names already taken

# `module.of.yours:function`, or the name of an installed entry point
CodePath = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*(:[A-Za-z_][\w.]*)?$", max_length=200)]
CodeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


class OwnCandidate(Declared):
    """An estimator of one's own that is judged beside the product's candidates."""

    name: CodeName = Field(description="what figures, report and pages call it")
    estimator: CodePath = Field(
        description="`module:function` that gives an unfitted classifier (fit, predict_proba), or an entry point of "
        "`leadscore.candidates`. Modules are looked for among what is installed, then beside the declaration"
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="keyword arguments of that function")
    reads: Literal["numbers", "frame"] = Field(
        default="numbers",
        description="numbers: a float array without gaps (standardised numbers, indicators of missing values, one "
        "column per frequent level), as our linear model reads it; frame: pandas columns as they are, texts and "
        "missing values included",
    )


class OwnFeature(Declared):
    """A feature that a function of one's own computes from the rows known at a moment."""

    name: CodeName = Field(description="name of the column")
    oracle: CodePath = Field(
        description="`module:function` of one lead at one moment, slow and obvious: handed its rows known strictly "
        "before the moment, gives a number, a text or None; or an entry point of `leadscore.features`"
    )
    function: CodePath | None = Field(
        default=None,
        description="the same for many moments at once, held against the oracle; default: the oracle, lead by lead",
    )
    type: Literal["number", "category"] = Field(default="number", description="what it gives")
    doc: str = Field(min_length=1, description="one sentence: what it measures")
    label: str = Field(default="", description="plain-words noun phrase for reps")
    unit: str = Field(default="", description="unit of numbers, e.g. days")
    dimension: Dimension = Field(default=Dimension.FIT, description="what kind of evidence it is")
    topic: Topic = Field(default=Topic.CONTEXT, description="what it speaks of; context: of no criterion")
    direction: Literal[-1, 0, 1] = Field(default=0, description="1: more can only help, -1: it can only hurt, 0: free")
    when_empty: float | str | None = Field(default=None, description="value where it gives none; default: missing")

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        text = self.type == "category"
        if text and self.direction:
            raise ValueError("a category has no order, so a direction means nothing for it; leave it out")
        if self.when_empty is not None and isinstance(self.when_empty, str) != text:
            raise ValueError(f"when_empty is {self.when_empty!r}, which is no value of a {self.type}")
        return self
