"""``audit.json``: columns that carry the outcome, or may."""

from features.schema.vocabulary import Verdict
from models.judging.leakage.finding import Severity
from pipelines.artifacts.artifact import Artifact, Record


class FindingRecord(Record):
    """One finding; ``accepted`` holds the declared reason where a person accepted the column."""

    column: str
    code: str
    severity: Severity
    message: str
    accepted: str = ""

    @property
    def blocking(self) -> bool:
        """Whether training stops until the column is declared out or accepted."""
        return self.severity == "leak" and not self.accepted


class AuditRecord(Artifact):
    """Findings by severity, and the leaks that were accepted, by column with the reason.

    ``matrix`` marks the matrix that was audited, empty where there was none to audit.
    """

    FILE = "audit/audit.json"
    STAGE = "audit"

    verdict: Verdict
    verdict_text: str
    findings: tuple[FindingRecord, ...]
    accepted: dict[str, str]
    matrix: str = ""

    @property
    def leaks(self) -> tuple[FindingRecord, ...]:
        """Leaks that nobody accepted."""
        return tuple(finding for finding in self.findings if finding.blocking)
