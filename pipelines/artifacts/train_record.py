"""``train.json`` and ``scorecard.json``: the bundle that was fitted, and the learned scorecard beside it."""

from typing import Any

from typing_extensions import TypedDict

from features.schema.vocabulary import Verdict
from pipelines.artifacts.artifact import Artifact, Figure, Number, Record, Span


class RefitShift(Record):
    """How far the refit moved from the evaluated twin on the test rows [log-odds]."""

    mean: Number
    mean_absolute: Number


class PriorShiftRecord(Record):
    """Base rate of the newest rows against those before."""

    before: Number
    log_odds: Figure
    moved: bool
    period: str
    rate: Number
    rate_ci: Span
    rows: int
    sentence: str
    won: int


class TrainRecord(Artifact):
    """What was trained; without a model all but the verdict keep their defaults.

    ``split`` is the mark of the matrix and chop the twin was fitted on; None where an earlier leadscore trained it.
    ``left_out`` are leads in the matrix that nothing was learned from: of people who object, or are forgotten, since.
    """

    FILE = "train/train.json"
    STAGE = "train"

    verdict: Verdict
    verdict_text: str
    hash: str | None = None
    twin_hash: str | None = None
    split: str | None = None
    winner: str | None = None
    shift: RefitShift | None = None
    prior_shift: PriorShiftRecord | None = None
    left_out: int = 0


class BinRow(TypedDict):
    """One line of the scorecard."""

    bin: str
    points: int
    share: Number


class CardFeature(TypedDict):
    """The lines of one feature."""

    bins: list[BinRow]
    feature: str
    label: str
    unit: str


class CardLine(Record):
    """The way from points to log-odds; calibrated on past predictions or as fitted."""

    intercept: Number
    slope: Number
    calibrated: bool


class ScorecardRecord(Artifact):
    """The learned scorecard in whole points: its lines in words, and the state it is restored from."""

    FILE = "train/scorecard.json"
    STAGE = "train"

    state: dict[str, Any]
    features: tuple[CardFeature, ...]
    rounding_cost: Number
    points_to_double_the_odds: Figure
    line: CardLine


class TwinScorecardRecord(ScorecardRecord):
    """The scorecard learned before the test block."""

    FILE = "evaluate/scorecard.json"
    STAGE = "evaluate"
