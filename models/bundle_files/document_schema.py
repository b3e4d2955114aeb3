"""The shape of ``bundle.json``: which keys, of which types, and between which bounds a score can be made of them."""

from collections.abc import Sequence
from itertools import pairwise
from math import log1p
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from features.catalog.feature import FeatureType, Wording
from features.schema.vocabulary import Dimension, Topic
from models.candidates.booster_text import MOST_LOG_ODDS

_FEATURES = 20_000  # of a catalog
_LEVELS = 1_000_000  # of a category that is encoded as one number
_SEGMENTS = 1_000  # with a line of their own; training keeps 200 (segment_levels.py)
_QUESTIONS = 5_000
_MOST = 1e100  # of an amount or an edge: squares and products of it are still finite
_MOST_RATIO = 1e6  # standard deviations from the centre to the ends of the trained range; training cuts off at 14
_SLACK = 1e-9  # for sums and orders that were rounded
_PERCENTILES = 101


def _check_sorted(values: Sequence[float]) -> Sequence[float]:
    if any(after < before - _SLACK * max(1.0, abs(before)) for before, after in pairwise(values)):
        raise ValueError("must not fall")
    return values


Number = Annotated[float, Field(ge=-_MOST, le=_MOST)]
LogOdds = Annotated[float, Field(ge=-MOST_LOG_ODDS, le=MOST_LOG_ODDS)]
Slope = Annotated[float, Field(gt=0, le=MOST_LOG_ODDS)]
MaybeNoSlope = Annotated[float, Field(ge=0, le=MOST_LOG_ODDS)]  # of points that say nothing
Variance = Annotated[float, Field(ge=0, le=MOST_LOG_ODDS)]
Weight = Annotated[float, Field(ge=0, le=1_000)]
Share = Annotated[float, Field(ge=-_SLACK, le=1 + _SLACK)]
Rows = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, le=_MOST)]
Name = Annotated[str, Field(min_length=1)]
Edges = Annotated[list[Number], Field(max_length=10_000), AfterValidator(_check_sorted)]
Levels = Annotated[list[str], Field(min_length=2, max_length=_LEVELS)]  # the last two are rare and missing
FileNames = Annotated[list[str], Field(max_length=1_000)]
Weights = Annotated[dict[str, Weight], Field(min_length=1, max_length=10)]


class _Part(BaseModel):
    """A part of the document; numbers are finite, and nothing is read as another type than it is."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True, extra="ignore", defer_build=True)


_AS_LIST = Field(strict=False)  # a tuple is a list in JSON


class FeatureRecord(_Part):
    """One feature of the catalog."""

    name: Name
    family: Name
    dimension: Annotated[Dimension, Field(strict=False)]
    topic: Annotated[Topic, Field(strict=False)]
    type: Annotated[FeatureType, Field(strict=False)]
    when_empty: Number | str | None
    doc: str
    unit: str
    known_when: str
    direction: Annotated[int, Field(ge=-1, le=1)]
    wording: Annotated[Wording, Field(strict=False)]
    label: str
    params: dict[str, Any]


CatalogRecords = Annotated[list[FeatureRecord], Field(max_length=_FEATURES)]


class CalibrationRecord(_Part):
    """An affine map of log-odds."""

    slope: Slope
    intercept: LogOdds


class RateState(_Part):
    """The base rate."""

    base: LogOdds


class RubricState(_Part):
    """A rubric and the line through its points; the rubric itself is read by its own schema."""

    rubric: dict[str, Any]
    slope: MaybeNoSlope
    intercept: LogOdds


class CodeState(_Part):
    """How one feature becomes design columns; exactly one of ``number``, ``levels`` and ``evidence``."""

    number: Annotated[list[Number | bool], Field(min_length=7, max_length=8)] | None = None
    levels: Levels | None = None
    evidence: Annotated[list[Annotated[tuple[str, LogOdds], _AS_LIST]], Field(max_length=_LEVELS)] | None = None
    missing: LogOdds | None = None

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        given = [part for part in (self.number, self.levels, self.evidence) if part is not None]
        if len(given) != 1 or (self.evidence is None) != (self.missing is None):
            raise ValueError("is no code of a number, of levels or of evidence")
        if self.number is not None:
            _check_number_code(self.number)
        return self

    @property
    def is_number(self) -> bool:
        """Whether it encodes a number, not a category."""
        return self.number is not None

    @property
    def width(self) -> int:
        """Design columns."""
        if self.number is not None:
            return 2 if self.number[5] else 1
        return 1 if self.levels is None else len(self.levels)


def _check_number_code(edges: list[float | bool]) -> None:
    """In the order of NumberCode's fields: low, high, centre, spread, fill, has_missing, log, reach."""
    low, high, centre, spread, _, has_missing, log, *reach = edges
    if not (isinstance(has_missing, bool) and isinstance(log, bool)):
        raise ValueError("has no true or false where a number code has one")
    if any(isinstance(part, bool) for part in (*edges[:5], *reach)):
        raise ValueError("has true or false where a number code has a number")
    if low > high or spread <= 0 or (reach and not 0 <= reach[0] <= 1):
        raise ValueError("has its ends the wrong way round, or a spread or reach that cannot be")
    # the centre is that of the logarithm, where there is one
    ends = [log1p(max(end, 0.0)) if log else end for end in (low, high)]
    if max(abs(end - centre) for end in ends) > _MOST_RATIO * spread:
        raise ValueError(f"has ends over {_MOST_RATIO:,.0f} spreads from its centre")


class EncoderState(_Part):
    """Codes by feature."""

    codes: Annotated[list[Annotated[tuple[str, CodeState], _AS_LIST]], Field(max_length=_FEATURES)]


class LinearState(_Part):
    """A logistic regression."""

    encoder: EncoderState
    theta: Annotated[list[LogOdds], Field(min_length=1)]
    penalty: Amount


class BinnedState(_Part):
    """Bins of a feature; exactly one of ``edges`` and ``levels``."""

    edges: Edges | None = None
    levels: Levels | None = None
    evidence: list[LogOdds]
    share: list[Share]

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if (self.edges is None) == (self.levels is None):
            raise ValueError("has no bins of a number or of a category")
        if not len(self.evidence) == len(self.share) == self.size:
            raise ValueError(f"does not have an evidence and a share for each of {self.size} bins")
        return self

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.levels or ()) if self.edges is None else len(self.edges) + 2


Points = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class ScorecardState(_Part):
    """A card of points."""

    card: Annotated[list[Annotated[tuple[str, BinnedState, list[Points]], _AS_LIST]], Field(max_length=_FEATURES)]
    slope: MaybeNoSlope
    intercept: LogOdds
    rounding_cost: LogOdds

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        for name, binned, points in self.card:
            if len(points) != binned.size:
                raise ValueError(f"has {len(points)} points for {binned.size} bins of '{name}'")
        if self.slope * max((abs(p) for _, _, points in self.card for p in points), default=0) > MOST_LOG_ODDS:
            raise ValueError(f"has points worth more than {MOST_LOG_ODDS:,.0f} log-odds")
        return self


class TreeColumnsState(_Part):
    """Columns as the trees see them."""

    numbers: Annotated[list[str], Field(max_length=_FEATURES)]
    categories: Annotated[list[Annotated[tuple[str, Levels], _AS_LIST]], Field(max_length=_FEATURES)]


class BoosterState(_Part):
    """Boosters, which lie in text files."""

    parameters: dict[str, Any]
    columns: TreeColumnsState
    files: FileNames
    base: LogOdds


class Learned(_Part):
    """Fitted candidates that learn from one source's rows, by name."""

    model_config = ConfigDict(extra="forbid")

    rate: RateState | None = None
    rubric: RubricState | None = None
    linear: LinearState | None = None
    scorecard: ScorecardState | None = None
    booster: BoosterState | None = None

    @property
    def names(self) -> frozenset[str]:
        """The components there are."""
        return frozenset(name for name in type(self).model_fields if getattr(self, name) is not None)


class SegmentLineState(_Part):
    """One segment's line."""

    model_config = ConfigDict(extra="forbid")

    shift: LogOdds
    factor: Slope
    middle: LogOdds
    variance: Variance


class SegmentLevelsState(_Part):
    """Lines by segment."""

    lines: Annotated[dict[str, SegmentLineState], Field(max_length=_SEGMENTS)]
    between: Variance


class OwnModelState(_Part):
    """A segment's own model."""

    components: Learned
    slope: Slope
    shift: LogOdds


class SegmentedState(_Part):
    """A model with segments."""

    feature: Name
    components: Learned
    weights: Weights
    levels: SegmentLevelsState
    own: Annotated[dict[str, OwnModelState], Field(max_length=_SEGMENTS)]
    files: FileNames


class WithSegments(Learned):
    """Components of a bundle that may have segments."""

    segmented: SegmentedState | None = None


class PriorState(_Part):
    """Another source's model, whole."""

    catalog: CatalogRecords
    components: WithSegments
    weights: Weights
    calibration: CalibrationRecord
    mapping: dict[str, str]
    origin: dict[str, Any]
    slope: Slope
    intercept: LogOdds
    files: FileNames


class Components(WithSegments):
    """All that a bundle may be made of."""

    prior: PriorState | None = None


class IntervalState(_Part):
    """Uncertainty of the event rate given the score."""

    middle: LogOdds
    covariance: Annotated[
        list[Annotated[list[LogOdds], Field(min_length=2, max_length=2)]], Field(min_length=2, max_length=2)
    ]
    seed_deviation: Variance

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if min(self.covariance[0][0], self.covariance[1][1]) < -_SLACK:
            raise ValueError("has a variance below 0")
        return self


class ScaleRecord(_Part):
    """Log-odds to points."""

    model_config = ConfigDict(extra="forbid")

    version: Name
    reference_log_odds: LogOdds
    pdo: Annotated[float, Field(gt=0, le=10_000)]


class Fact(_Part):
    """What won and lost leads looked like."""

    kind: Literal["number", "category"]
    base: Share | None = None
    levels: dict[str, Annotated[tuple[Share, Amount], _AS_LIST]] | None = None
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


class Profile(_Part):
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


class TrainedOn(_Part):
    """The training rows, to measure drift against; empty in older bundles."""

    rows: Rows
    units: Amount
    features: dict[str, Profile]
    scores: Profile
    leads_per_moment: Annotated[list[Amount], Field(min_length=3, max_length=3)] | None = None


class Question(_Part):
    """What answers to a question were worth."""

    question: Name
    feature: Name
    edges: Annotated[list[LogOdds], Field(max_length=100), AfterValidator(_check_sorted)]
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


class Meta(_Part):
    """What is read of ``meta``; NaN stands for a figure that is not to be had."""

    model_config = ConfigDict(allow_inf_nan=True)

    horizon_days: Annotated[int, Field(ge=0, le=100_000)]
    age_days: Annotated[tuple[float | None, float | None], _AS_LIST] | None = None
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
    candidates: list[dict[str, Any]] = []
    prior_shift: dict[str, Any] | None = None
    level: dict[str, Any] | None = None
    segments: dict[str, Any] | None = None
    prior: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if self.won > self.rows:
            raise ValueError("has more won rows than rows")
        return self


class Document(_Part):
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
        list[LogOdds], Field(min_length=_PERCENTILES, max_length=_PERCENTILES), AfterValidator(_check_sorted)
    ]
    rubric: RubricState | None
    questions: Annotated[list[Question], Field(max_length=_QUESTIONS)] = []
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
