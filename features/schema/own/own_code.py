"""Declarations that name code of a user's own: candidates of the contest."""

from typing import Annotated, Any, Literal

from pydantic import Field

from features.schema.columns import Declared

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
