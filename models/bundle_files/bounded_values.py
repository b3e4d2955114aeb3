"""Values of ``bundle.json`` within the bounds between which a score can be made of them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from models.candidates.booster_text import MOST_LOG_ODDS

MOST_LEVELS = 1_000_000  # of a category that is encoded as one number
_MOST = 1e100  # of an amount or an edge: squares and products of it are still finite
SLACK = 1e-9  # for sums and orders that were rounded


def check_sorted(values: Sequence[float]) -> Sequence[float]:
    """The values, once they do not fall."""
    if any(after < before - SLACK * max(1.0, abs(before)) for before, after in pairwise(values)):
        raise ValueError("must not fall")
    return values


Number = Annotated[float, Field(ge=-_MOST, le=_MOST)]
LogOdds = Annotated[float, Field(ge=-MOST_LOG_ODDS, le=MOST_LOG_ODDS)]
Slope = Annotated[float, Field(gt=0, le=MOST_LOG_ODDS)]
MaybeNoSlope = Annotated[float, Field(ge=0, le=MOST_LOG_ODDS)]  # of points that say nothing
Variance = Annotated[float, Field(ge=0, le=MOST_LOG_ODDS)]
Weight = Annotated[float, Field(ge=0, le=1_000)]
Share = Annotated[float, Field(ge=-SLACK, le=1 + SLACK)]
Rows = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, le=_MOST)]
Name = Annotated[str, Field(min_length=1)]
Edges = Annotated[list[Number], Field(max_length=10_000), AfterValidator(check_sorted)]
Levels = Annotated[list[str], Field(min_length=2, max_length=MOST_LEVELS)]  # the last two are rare and missing
FileNames = Annotated[list[str], Field(max_length=1_000)]
Weights = Annotated[dict[str, Weight], Field(min_length=1, max_length=10)]


class Part(BaseModel):
    """A part of the document; numbers are finite, and nothing is read as another type than it is."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True, extra="ignore", defer_build=True)


AS_LIST = Field(strict=False)  # a tuple is a list in JSON
