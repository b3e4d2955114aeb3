"""``backtest.json``: every candidate on rolling origins, the choice and how it was made; ``trials.json`` beside it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired

from typing_extensions import TypedDict

from features.schema.vocabulary import Verdict
from pipelines.artifacts.artifact import Artifact, Figure, Number, Record, Span, read_rows, write_rows
from pipelines.workspace.paths import Paths

_TRIALS = "trials.json"


class BlockLoss(TypedDict):
    """A candidate on one block."""

    auc: Figure
    block: str
    log_loss: Figure


class CandidateRow(TypedDict):
    """A candidate out of fold, over all blocks and on each; ``random`` figures are of random folds."""

    blocks: NotRequired[tuple[BlockLoss, ...]]
    cv_auc: Figure
    cv_log_loss: Number
    cv_log_loss_se: Number
    name: str
    random_auc: NotRequired[Figure]
    random_log_loss: NotRequired[Figure]


class FoldRow(TypedDict):
    """Rows trained on and judged in one block; the moments are empty without clocks."""

    name: str
    purged: int
    test: int
    test_from: str
    test_to: str
    test_won: int
    train: int
    train_won: int


class BesideWinner(TypedDict):
    """A candidate beside the winner on the rows of one block."""

    above_winner: Figure
    above_winner_ci: Span | None
    auc: Figure
    log_loss: Figure
    name: str
    wins_above_winner: int
    wins_above_winner_ci: Span | None
    wins_at_capacity: int


class BlockRow(TypedDict):
    """All candidates on one block."""

    block: str
    candidates: tuple[BesideWinner, ...]
    handoffs: int
    n: int
    won: int


class LineRecord(TypedDict):
    """A calibration: slope and intercept on log-odds."""

    intercept: Number
    slope: Number


class SignalRecord(Record):
    """The signal test: gain over the base rate and its p, per candidate; ``corrected`` for their number."""

    alpha: Number
    gain: dict[str, Figure]
    p: dict[str, Figure]
    corrected: dict[str, Figure]
    lasting: bool


class LevelRecord(Record):
    """What past blocks showed of a candidate's level beyond the newest rows learned from [log-odds]."""

    step: Number
    wander: Number
    level: Number
    newest_alone: bool = False


class SegmentLineRecord(TypedDict):
    """A segment's line on log-odds before calibration: shift, factor of the slope, and where it turns."""

    factor: Number
    middle: Number
    shift: Number
    variance: Number


class SegmentLevelsRecord(TypedDict):
    """Lines by segment, and the variance between segments."""

    between: Number
    lines: dict[str, SegmentLineRecord]


class SegmentRow(TypedDict):
    """What was decided for one segment, with the rows and wins it was judged on out of fold."""

    factor: Number
    gain_ci: Span
    log_loss_common: Number
    log_loss_line: Number
    own: bool
    own_ci: Span | None
    own_gain: Figure
    rows: int
    segment: str
    shift: Number
    why: str
    won: int


class SegmentsRecord(Record):
    """The declared segments: their lines, who has a model of its own (by slope), and why."""

    feature: str
    levels: SegmentLevelsRecord
    own: dict[str, Number]
    gain: Number
    error: Number
    findings: tuple[SegmentRow, ...]
    sentence: str


class RandomGap(Record):
    """How optimistic a random split is, on the same rows."""

    auc_at_random: Figure
    auc_by_time: Figure
    gap: Figure
    gap_ci: Span
    log_loss_at_random: Figure
    log_loss_by_time: Figure
    of_level: Figure
    rows: int
    sentence: str


class BacktestRecord(Artifact):
    """The ladder of candidates and the decision; without a decision all but the first lines keep their defaults.

    ``left_out`` are leads in the matrix that nothing was judged on: of people who object, or are forgotten, since.
    """

    FILE = "backtest/backtest.json"
    STAGE = "backtest"

    verdict: Verdict
    verdict_text: str
    candidates: tuple[CandidateRow, ...]
    folds: tuple[FoldRow, ...]
    by_block: tuple[BlockRow, ...]
    random_gap: RandomGap | None
    winner: str | None = None
    why: str = ""
    weights: dict[str, Number] = {}
    calibrations: dict[str, LineRecord] = {}
    signal: SignalRecord | None = None
    above_best: dict[str, tuple[Number, Number]] = {}
    notes: tuple[str, ...] = ()
    levels: dict[str, LevelRecord] = {}
    segments: SegmentsRecord | None = None
    blend_weights: dict[str, Number] = {}
    booster_parameters: dict[str, Any] = {}
    blocks: tuple[str, ...] = ()
    random_blocks: tuple[str, ...] | None = None
    beside: tuple[str, ...] = ()  # candidates of a user's own that no bundle can hold
    left_out: int = 0


def read_trials(paths: Paths) -> list[dict[str, Any]]:
    """The booster's trials in order: search, rows, log_loss and parameters; none of runs before they were kept."""
    return read_rows(paths.backtest / _TRIALS, paths.source, "backtest") if (paths.backtest / _TRIALS).exists() else []


def write_trials(folder: Path, trials: Sequence[dict[str, Any]]) -> None:
    """Write ``trials.json``."""
    write_rows(folder / _TRIALS, list(trials))
