"""``summary.json``: the stable interface other programs read; its ten figures beside it are DVC's metrics file."""

from typing import Literal

from pydantic import Field

from features.schema.learning import days_in_words
from features.schema.vocabulary import Verdict
from pipelines.artifacts.artifact import Artifact, Figure, Record
from pipelines.artifacts.audit_record import FindingRecord
from pipelines.artifacts.backtest_record import CandidateRow
from pipelines.artifacts.comparison_record import PolicyRow, PromiseRecord
from pipelines.artifacts.counts_record import RowCount
from pipelines.artifacts.evaluation_record import Figures, RecordedFigures

_HEADLINE: tuple[Literal["log_loss", "auc", "ap", "brier", "ece", "n", "wins_at_capacity"], ...] = (
    "log_loss",
    "auc",
    "ap",
    "brier",
    "ece",
    "n",
    "wins_at_capacity",
)


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
    recorded: dict[str, RecordedFigures]
    thresholds: tuple[PolicyRow, ...]
    promise: PromiseRecord | None
    bundle: BundleRecord
    seconds: dict[str, float]
    compared: str = "leads"  # of whom wins at capacity and thresholds speak
    horizon_by_segment: dict[str, int] = Field(default_factory=dict)  # where segments have horizons of their own

    @property
    def horizon_in_words(self) -> str:
        """Days within which a win counts, from the shortest to the longest horizon; empty for flat sources."""
        days = [self.horizon_days or 0, *self.horizon_by_segment.values()]
        return days_in_words(days) if self.horizon_days else ""

    def headline(self) -> dict[str, float]:
        """Ten figures of the chosen model under names that no choice of a candidate changes, so that runs compare.

        On the test block: ``test.log_loss``, ``test.auc``, ``test.ap``, ``test.brier``, ``test.ece``, ``test.n``,
        ``test.wins_at_capacity`` and, of the rubric, ``test.rubric_wins_at_capacity``; ``cv.log_loss`` out of fold; the
        ``base_rate``. What a run did not reach is left out.
        """
        chosen, rubric = self.test.get(self.winner.name or ""), self.test.get("rubric")
        found: dict[str, float | None] = {"base_rate": self.base_rate}
        if chosen is not None:
            found |= {f"test.{name}": chosen.get(name) for name in _HEADLINE}
            found["cv.log_loss"] = next(
                (row["cv_log_loss"] for row in self.candidates if row["name"] == self.winner.name), None
            )
        if rubric is not None:
            found["test.rubric_wins_at_capacity"] = rubric["wins_at_capacity"]
        return {name: float(value) for name, value in found.items() if value is not None}
