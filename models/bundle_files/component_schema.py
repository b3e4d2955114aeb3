"""The shape of a bundle's model: its features, and the state of each component, one inside another included."""

from math import log1p
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from features.catalog.feature import FeatureType, Wording
from features.schema.vocabulary import Dimension, Topic
from models.bundle_files.bounded_values import (
    AS_LIST,
    MOST_LEVELS,
    Amount,
    Edges,
    FileNames,
    Levels,
    LogOdds,
    MaybeNoSlope,
    Name,
    Number,
    Part,
    Share,
    Slope,
    Variance,
    Weights,
)
from models.candidates.booster_text import MOST_LOG_ODDS

_FEATURES = 20_000  # of a catalog
_SEGMENTS = 1_000  # with a line of their own; training keeps 200 (segment_levels.py)
_MOST_RATIO = 1e6  # standard deviations from the centre to the ends of the trained range; training cuts off at 14


class FeatureRecord(Part):
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


class CalibrationRecord(Part):
    """An affine map of log-odds."""

    slope: Slope
    intercept: LogOdds


class RateState(Part):
    """The base rate."""

    base: LogOdds


class RubricState(Part):
    """A rubric and the line through its points; the rubric itself is read by its own schema."""

    rubric: dict[str, Any]
    slope: MaybeNoSlope
    intercept: LogOdds


class CodeState(Part):
    """How one feature becomes design columns; exactly one of ``number``, ``levels`` and ``evidence``."""

    number: Annotated[list[Number | bool], Field(min_length=7, max_length=8)] | None = None
    levels: Levels | None = None
    evidence: Annotated[list[Annotated[tuple[str, LogOdds], AS_LIST]], Field(max_length=MOST_LEVELS)] | None = None
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


class EncoderState(Part):
    """Codes by feature."""

    codes: Annotated[list[Annotated[tuple[str, CodeState], AS_LIST]], Field(max_length=_FEATURES)]


class LinearState(Part):
    """A logistic regression."""

    encoder: EncoderState
    theta: Annotated[list[LogOdds], Field(min_length=1)]
    penalty: Amount


class BinnedState(Part):
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


class ScorecardState(Part):
    """A card of points."""

    card: Annotated[list[Annotated[tuple[str, BinnedState, list[Points]], AS_LIST]], Field(max_length=_FEATURES)]
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


class TreeColumnsState(Part):
    """Columns as the trees see them."""

    numbers: Annotated[list[str], Field(max_length=_FEATURES)]
    categories: Annotated[list[Annotated[tuple[str, Levels], AS_LIST]], Field(max_length=_FEATURES)]


class BoosterState(Part):
    """Boosters, which lie in text files."""

    parameters: dict[str, Any]
    columns: TreeColumnsState
    files: FileNames
    base: LogOdds


class Learned(Part):
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


class SegmentLineState(Part):
    """One segment's line."""

    model_config = ConfigDict(extra="forbid")

    shift: LogOdds
    factor: Slope
    middle: LogOdds
    variance: Variance


class SegmentLevelsState(Part):
    """Lines by segment."""

    lines: Annotated[dict[str, SegmentLineState], Field(max_length=_SEGMENTS)]
    between: Variance


class OwnModelState(Part):
    """A segment's own model."""

    components: Learned
    slope: Slope
    shift: LogOdds


class SegmentedState(Part):
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


class PriorState(Part):
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
