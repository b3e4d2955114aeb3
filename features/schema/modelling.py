"""Declaration of what the model leans on beside the features: segments, and another source's bundle."""

from pydantic import Field

from features.schema.columns import Declared


class Modelling(Declared):
    """What the model leans on beside its features."""

    prior_bundle: str | None = Field(
        default=None,
        description="folder of another source's bundle, relative to this file, that the score leans on while there are "
        "too few won or lost leads to learn from, if it beats base rate and rubric on what there is",
    )
    segment: str | None = Field(
        default=None,
        description="column of leads or accounts, a category that is a feature: each of its values gets its own level "
        "and slope, shrunk to the common ones, where that gains more than noise",
    )
