"""Declaration of what the model leans on beside the features: segments, and another source's bundle."""

from pydantic import Field

from features.schema.columns import Declared


class Modelling(Declared):
    """What the model leans on beside its features."""

    segment: str | None = Field(
        default=None,
        description="column of leads or accounts, a category that is a feature: each of its values gets its own level "
        "and slope, shrunk to the common ones, where that gains more than noise",
    )
