"""``summary.json``: the stable interface other programs read, and DVC's metrics file."""

from features.schema.vocabulary import Verdict
from pipelines.artifacts.artifact import Artifact, Figure, Record
from pipelines.artifacts.audit_record import FindingRecord
from pipelines.artifacts.backtest_record import CandidateRow
from pipelines.artifacts.comparison_record import PolicyRow, PromiseRecord
from pipelines.artifacts.counts_record import RowCount
from pipelines.artifacts.evaluation_record import Figures


class WinnerRecord(Record):
    """The chosen candidate, None where no model was made, and why."""

    name: str | None
    why: str


class BundleRecord(Record):
    """The trained bundle, None where no model was made."""

    path: str | None
    hash: str | None
    features: int


class SummaryRecord(Artifact):
    """The summary of a finished run; parts a stopped run did not reach are empty. Its keys stay as they are."""

    FILE = "reports/summary.json"
    STAGE = "report"

    source: str
    source_kind: str
    synthetic: bool
    data_cutoff: str | None
    horizon_days: int | None
    rows: dict[str, RowCount]
    cohort_rows: int
    matured_rows: int
    base_rate: Figure
    verdict: Verdict
    verdict_text: str
    caution: str
    audit: tuple[FindingRecord, ...]
    candidates: tuple[CandidateRow, ...]
    winner: WinnerRecord
    test: dict[str, Figures]
    recorded: dict[str, Figures]
    thresholds: tuple[PolicyRow, ...]
    promise: PromiseRecord | None
    bundle: BundleRecord
    seconds: dict[str, float]
    compared: str = "leads"  # of whom wins at capacity and thresholds speak
