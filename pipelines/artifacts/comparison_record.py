"""``comparison.json``: rubric and model on the same test leads, a promised threshold, capacity, the rubric's rules."""

from typing import NotRequired

from typing_extensions import TypedDict

from features.schema.source import Capacity
from features.schema.vocabulary import Verdict
from pipelines.artifacts.artifact import Artifact, Figure, Number, Record, Span
from pipelines.artifacts.evaluation_record import PopulationRecord


class Confusion(TypedDict):
    """Every judged lead once."""

    handed_off_not_won: int
    handed_off_won: int
    kept_not_won: int
    kept_won: int


class PolicyRow(TypedDict):
    """One policy at its workload; wins and revenue are of the leads inside its list, never added ones."""

    by: str
    confusion: Confusion
    days_to_handoff: Figure
    lift: Figure
    lift_ci: NotRequired[Span]
    missed: int
    net: NotRequired[Figure]
    policy: str
    precision: Figure
    precision_ci: Span
    recall: Figure
    recall_ci: Span
    revenue: Figure
    revenue_ci: Span | None
    rule: str
    threshold: Figure
    wins: int
    wins_ci: Span
    workload: int
    workload_ci: Span


class DifferenceRow(TypedDict):
    """One policy minus another on the same leads."""

    first: str
    precision: Figure
    precision_ci: Span
    second: str
    wins: int
    wins_ci: Span


class CurvePoint(TypedDict):
    """Wins and precision of a list of one length."""

    precision: Figure
    precision_ci: Span
    wins: int
    wins_ci: Span
    workload: int


class MonthRow(TypedDict):
    """One policy in one month (or tenth of the rows)."""

    month: str
    policy: str
    precision: Figure
    wins: int
    workload: int


class SegmentRow(TypedDict):
    """One policy on one value of an attribute."""

    attribute: str
    policy: str
    precision: Figure
    segment: str
    wins: int
    workload: int


class SegmentCalibration(TypedDict):
    """Predicted and observed shares of one value of an attribute, and how well its rows are ordered."""

    auc: NotRequired[Figure]
    auc_ci: NotRequired[Span]
    brier: Figure
    ci: Span
    ece: Figure
    ece_ci: Span
    ece_if_perfect: Figure
    inside: bool
    n: int
    observed: Figure
    predicted: Figure
    segment: str
    value: str
    won: int


class TestedWorkload(TypedDict):
    """One workload of the fixed sequence."""

    lower_bound: Number
    passed: bool
    precision: Number
    share: Number
    threshold: Number
    wins: int
    workload: int


class MappedPromise(Record):
    """The promise carried over to the bundle that scores: the log-odds and the score to cut at.

    ``fits``: whether that score hands off no more leads than it was made on; otherwise no score keeps it.
    """

    bundle: str
    leads: int
    log_odds: Number
    score: int
    sentence: str
    share: Number
    fits: bool = True


class PromiseRecord(Record):
    """The lowest score that keeps a promised precision; ``kept`` is None where none does."""

    promised: Number
    confidence: Number
    kept: TestedWorkload | None
    tested: tuple[TestedWorkload, ...]
    sentence: str
    mapped: MappedPromise | None = None


class ScoreStepRow(TypedDict):
    """What handing off from one whole score on would have done; the rubric's wins are those of as many leads a week."""

    handoffs: int
    per_week: Figure
    precision: Number
    precision_ci: Span
    rubric_wins: int | None
    score: int
    share: Number
    wins: int
    wins_ci: Span


class OperatingPointRow(TypedDict):
    """A score with a name: promise, capacity or rubric_precision."""

    name: str
    score: int


class ScoresRecord(Record):
    """Every whole score to hand off from, the highest first, and those with a name."""

    steps: tuple[ScoreStepRow, ...]
    points: tuple[OperatingPointRow, ...]
    every_lead_pays: bool

    def step(self, score: int) -> ScoreStepRow | None:
        """What a score would have done, None where its list is too short or too long to be shown."""
        return next((row for row in self.steps if row["score"] == score), None)


class CrewRow(TypedDict):
    """What a number of reps would have found inside their list."""

    handoffs: int
    one_more: int
    one_more_high: Figure
    one_more_low: Figure
    per_rep_and_day: NotRequired[Figure]
    per_week: NotRequired[Figure]
    precision: Figure
    reps: int
    wins: int


class WaitingRow(TypedDict):
    """Leads not yet handed off in one week."""

    date: str | None
    median_days: Figure
    snapshot: int
    waiting: int


class PlanRecord(Record):
    """Wins per number of reps, and the queue."""

    table: tuple[CrewRow, ...]
    waiting: tuple[WaitingRow, ...]
    sentences: tuple[str, ...]


class RuleRow(TypedDict):
    """What one rule gives, and what outcomes would give."""

    deserved: Figure
    deserved_high: Figure
    deserved_low: Figure
    high: Figure
    label: str
    leads: Number
    log_odds: Figure
    low: Figure
    points: Figure
    rule: str
    sentence: str
    verdict: str


class MissingRuleRow(TypedDict):
    """A condition whose leads do better or worse than the rubric says."""

    condition: str
    feature: str
    high: Figure
    label: str
    leads: Number
    log_odds: Figure
    low: Figure
    points: Figure


class RepairRecord(Record):
    """Findings on the rubric's rules; ``points_per_log_odds`` is the scale of their translation."""

    worth: tuple[RuleRow, ...]
    missing: tuple[MissingRuleRow, ...]
    points_per_log_odds: Figure


class RankingRow(TypedDict):
    """How well model and rubric order one part of the test rows, and how often it was won."""

    population: str
    rows: int
    leads: int
    won: int
    base_rate: Figure
    model_auc: Figure
    model_best_tenth: Figure
    rubric_auc: NotRequired[Figure]
    rubric_best_tenth: NotRequired[Figure]


class PoliciesRecord(Record):
    """Policies on the same leads: the part that a rubric tried on the past and a simulation have too."""

    policies: tuple[PolicyRow, ...] = ()
    differences: tuple[DifferenceRow, ...] = ()
    curves: dict[str, tuple[CurvePoint, ...]] = {}
    by_month: tuple[MonthRow, ...] = ()
    by_segment: tuple[SegmentRow, ...] = ()
    leads: int = 0
    winnable: int = 0
    base_rate: Figure = None
    weeks: int = 0
    tie_rule: str = ""
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    noun: str = "leads"


class ComparisonRecord(Artifact, PoliciesRecord):
    """The comparison; where nothing was compared all but the first lines keep their defaults.

    ``judged`` is the bundle the model's figures are of, as in the evaluation.
    """

    FILE = "thresholds/comparison.json"
    STAGE = "thresholds"

    verdict: Verdict
    verdict_text: str
    judged: str | None = None
    promise: PromiseRecord | None = None
    scores: ScoresRecord | None = None
    plan: PlanRecord | None = None
    repair: RepairRecord | None = None
    population: PopulationRecord | None = None
    ranking: tuple[RankingRow, ...] = ()
    calibration_by_segment: tuple[SegmentCalibration, ...] = ()
    capacity: Capacity | None = None
