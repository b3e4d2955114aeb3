"""The shape of ``bundle.json``: which keys, of which types, around the model itself."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from models.bundle_files.bounded_values import (
    AS_LIST,
    SLACK,
    Amount,
    Edges,
    LogOdds,
    Name,
    Number,
    Part,
    Rows,
    Share,
    Variance,
    Weights,
    check_sorted,
)
from models.bundle_files.component_schema import CalibrationRecord, CatalogRecords, Components, RubricState

_QUESTIONS = 5_000
_PERCENTILES = 101


class IntervalState(Part):
    """Uncertainty of the event rate given the score."""

    middle: LogOdds
    covariance: Annotated[
        list[Annotated[list[LogOdds], Field(min_length=2, max_length=2)]], Field(min_length=2, max_length=2)
    ]
    seed_deviation: Variance

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if min(self.covariance[0][0], self.covariance[1][1]) < -SLACK:
            raise ValueError("has a variance below 0")
        return self


class ScaleRecord(Part):
    """Log-odds to points."""

    model_config = ConfigDict(extra="forbid")

    version: Name
    reference_log_odds: LogOdds
    pdo: Annotated[float, Field(gt=0, le=10_000)]


class Fact(Part):
    """What won and lost leads looked like."""

    kind: Literal["number", "category"]
    base: Share | None = None
    levels: dict[str, Annotated[tuple[Share, Amount], AS_LIST]] | None = None
    threshold: Number | None = None
    won_share: Share | None = None
    lost_share: Share | None = None
    won_leads: Amount | None = None
    lost_leads: Amount | None = None
    won_missing: Share | None = None
    lost_missing: Share | None = None
    won_median: Number | None = None
    lost_median: Number | None = None

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        given = self.model_fields_set
        if self.kind == "category":
            if self.base is None or self.levels is None:
                raise ValueError("is a category without base or levels")
            return self
        compared = {"won_share", "lost_share", "won_leads", "lost_leads"}
        if "levels" in given or ("threshold" in given and any(getattr(self, name) is None for name in compared)):
            raise ValueError("is a number with levels, or with a threshold and nothing to compare")
        if "threshold" in given and self.threshold is None:
            raise ValueError("has an empty threshold")
        if {"won_missing", "lost_missing"} & given and (self.won_leads is None or self.lost_leads is None):
            raise ValueError("has missing shares of no leads")
        return self


class Profile(Part):
    """Bins and shares of a feature or of the scores in training."""

    kind: Literal["number", "category"]
    shares: list[Share]
    edges: Edges | None = None
    levels: list[str] | None = None
    seen: list[str] | None = None
    median: Number | None = None
    usual: Amount = 0.0
    rows: Rows = 0
    units: Amount = 0

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        bins = self.edges if self.kind == "number" else self.levels
        if bins is None or len(self.shares) != len(bins) + 2:
            raise ValueError("does not have a share for each bin")
        if self.kind == "category" and "seen" not in self.model_fields_set:
            raise ValueError("is a category without 'seen'")
        return self


class TrainedOn(Part):
    """The training rows, to measure drift against; empty in older bundles."""

    rows: Rows
    units: Amount
    features: dict[str, Profile]
    scores: Profile
    leads_per_moment: Annotated[list[Amount], Field(min_length=3, max_length=3)] | None = None


class Question(Part):
    """What answers to a question were worth."""

    question: Name
    feature: Name
    edges: Annotated[list[LogOdds], Field(max_length=100), AfterValidator(check_sorted)]
    values: Annotated[list[str], Field(max_length=1_000)]
    share: list[list[Share]]
    effect: list[list[LogOdds]]
    answered: Rows

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        bands, width = len(self.edges) + 1, len(self.values)
        for table in (self.share, self.effect):
            if len(table) != bands or any(len(row) != width for row in table):
                raise ValueError(f"does not have {bands} bands of {width} answers")
        return self


class Meta(Part):
    """What is read of ``meta``; NaN stands for a figure that is not to be had."""

    model_config = ConfigDict(allow_inf_nan=True)

    horizon_days: Annotated[int, Field(ge=0, le=100_000)]
    horizon_by_segment: dict[str, Annotated[int, Field(ge=0, le=100_000)]] = Field(default_factory=dict)
    age_days: Annotated[tuple[float | None, float | None], AS_LIST] | None = None
    rows: Rows = 0
    won: Rows = 0
    won_leads: Rows = 0
    lost_leads: Rows = 0
    base_rate: Annotated[float, Field(ge=0, le=1)] | None = None
    winner: str | None = None
    verdict: str | None = None
    source: str | None = None
    outcome: str | None = None
    purpose: str | None = None
    trained_through: Annotated[str, Field(max_length=40, pattern=r"^\d{4}-\d\d-\d\d(T[0-9:.+Z-]*)?$")] | None = None
    candidates: list[dict[str, Any]] = Field(default_factory=list)
    prior_shift: dict[str, Any] | None = None
    level: dict[str, Any] | None = None
    segments: dict[str, Any] | None = None
    prior: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if self.won > self.rows:
            raise ValueError("has more won rows than rows")
        return self


class Document(Part):
    """All of ``bundle.json`` but its hash."""

    meta: Meta
    catalog: CatalogRecords
    components: Components
    weights: Weights
    calibration: CalibrationRecord
    interval: IntervalState
    scale: ScaleRecord
    facts: dict[str, Fact]
    percentiles: Annotated[
        list[LogOdds], Field(min_length=_PERCENTILES, max_length=_PERCENTILES), AfterValidator(check_sorted)
    ]
    rubric: RubricState | None
    questions: Annotated[list[Question], Field(max_length=_QUESTIONS)] = Field(default_factory=list)
    trained_on: TrainedOn | None = None


def parse_document(document: Any) -> Document:
    """The document, once it has the shape of a bundle.

    Raises
    ------
    ValueError : it has not; the first place and what is wrong there, never the value itself
    """
    try:
        return Document.model_validate(document)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part)[:60] for part in first["loc"][:12]) or "bundle.json"
        raise ValueError(f"{where}: {first['msg'][:200]}") from None
