"""A finding of the audit: the column, the check, how severe it is and what to do."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

Severity = Literal["leak", "suspect", "note"]
ORDER: tuple[Severity, ...] = ("leak", "suspect", "note")


@dataclass(frozen=True)
class Finding:
    """One finding: which column, which check, how severe, and in one message what was seen and what to do.

    ``accepted`` holds the declared reason where a person accepted the column; such a leak does not stop training.
    """

    column: str
    code: str
    severity: Severity
    message: str
    accepted: str = ""

    @property
    def blocking(self) -> bool:
        """Whether training stops until the column is declared out or accepted."""
        return self.severity == "leak" and not self.accepted

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = {"column": self.column, "code": self.code, "severity": self.severity, "message": self.message}
        return plain | ({"accepted": self.accepted} if self.accepted else {})


class ReportedFinding(Protocol):
    """A finding as the audit made it or as it was read again."""

    @property
    def code(self) -> str:
        """The check's code, AUD00 to AUD14."""
        ...

    @property
    def message(self) -> str:
        """What was seen and what to do."""
        ...

    @property
    def blocking(self) -> bool:
        """Whether training stops for it."""
        ...
