"""``evaluation.json``: every candidate's twin on the final test block."""

from typing_extensions import TypedDict

from features.schema.vocabulary import Verdict
from pipelines.artifacts.artifact import Artifact, Figure, Number, Record, Span


class Figures(TypedDict):
    """Figures of one candidate on the test block, each with its 90% interval."""

    ap: Figure
    ap_ci: Span
    auc: Figure
    auc_ci: Span
    brier: Figure
    brier_ci: Span
    ece: Figure
    ece_ci: Span
    handoffs_at_capacity: int
    log_loss: Figure
    log_loss_ci: Span
    n: int
    wins_at_capacity: int
    wins_at_capacity_ci: Span
    won: int


class RecordedFigures(TypedDict):
    """Figures of what was recorded at the time, which is no probability: without loss and calibration.

    Handoffs that happened are counted as they came; where more came than capacity has places, there are no wins.
    """

    ap: Figure
    ap_ci: Span
    auc: Figure
    auc_ci: Span
    handoffs_at_capacity: int
    n: int
    wins_at_capacity: int | None
    wins_at_capacity_ci: Span
    won: int


class FigureDifference(TypedDict):
    """The winner's figure minus another candidate's, on the same draws."""

    ci: Span
    difference: Figure


class ReliabilityRow(TypedDict):
    """One bin of the reliability table; ``inside``: the prediction lies in the interval of what was observed."""

    ci: Span
    inside: bool
    observed: Number
    predicted: Number
    rows: int
    share: Number
    won: int


class BrierParts(Record):
    """The Brier score taken apart: reliability - resolution + uncertainty + within."""

    brier: Number
    reliability: Number
    resolution: Number
    uncertainty: Number
    within: Number


class PerfectError(Record):
    """Calibration error of a perfectly calibrated model at this n."""

    mean: Number
    p95: Number


class GroupFigures(Record):
    """The winner on some of the test rows."""

    n: int
    won: int
    auc: Figure


class SeenAndUnseen(Record):
    """The winner apart for accounts (or leads) among the training rows, and new ones."""

    seen: GroupFigures
    unseen: GroupFigures


class AgreementRow(TypedDict):
    """One criterion's explanation against the generator's truth; None where nothing varies."""

    criterion: str
    n: int
    rank_correlation: Figure
    rank_correlation_ci: Span
    sign_agreement: Figure


class SeedStability(Record):
    """Explanations of the same model trained with another seed."""

    mean_difference: Number
    rows: int
    same_first: Number
    top_in_common: Number


class FidelityRecord(Record):
    """Whether the explanations are true: per explainer against the truth, and against another seed."""

    truth: dict[str, tuple[AgreementRow, ...]]
    labels: dict[str, str]
    seeds: SeedStability | None


class PopulationRecord(Record):
    """Whose figures these are; ``rows`` of ``rows_in_all`` test rows are compared."""

    name: str = "all"
    noun: str = "leads"
    rows: int = 0
    rows_in_all: int = 0
    rows_with_sales: int = 0
    sentence: str = ""


class LeansOn(TypedDict):
    """A feature and its share of the mean absolute contributions."""

    feature: str
    label: str
    share: Number


class OwnCandidateRecord(Record):
    """A candidate of a user's own: where its code is, whether a bundle can hold it, and what it leans on.

    ``rows`` test rows were explained by shap's permutation explainer; ``largest_gap`` is how far the parts of one were
    from its log-odds.
    """

    name: str
    estimator: str
    kind: str
    reads: str
    storable: bool
    rows: int
    leans_on: tuple[LeansOn, ...]
    largest_gap: Number


class EvaluationRecord(Artifact):
    """Test figures; where nothing was judged all but the first lines keep their defaults.

    ``judged`` is the hash of the bundle whose twin was tested, empty where the run allowed none, None where an earlier
    leadscore wrote the record. ``split_kind`` is how the test block was set apart: ``time``, ``ordered``, ``grouped``
    or ``stratified``.
    """

    FILE = "evaluate/evaluation.json"
    STAGE = "evaluate"

    verdict: Verdict
    verdict_text: str
    figures: dict[str, Figures]
    judged: str | None = None
    winner: str | None = None
    split_kind: str = ""
    differences: dict[str, dict[str, FigureDifference]] = {}
    reliability: tuple[ReliabilityRow, ...] = ()
    ece_if_perfect: PerfectError | None = None
    brier: BrierParts | None = None
    population: PopulationRecord | None = None  # of whom wins at capacity are counted
    base_rate_train: Figure = None
    base_rate_test: Figure = None
    notes: tuple[str, ...] = ()
    caution: str = ""
    recorded: dict[str, RecordedFigures] = {}
    accounts: SeenAndUnseen | None = None
    fidelity: FidelityRecord | None = None
    own: tuple[OwnCandidateRecord, ...] = ()
