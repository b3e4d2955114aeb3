"""Adopted handoff scores of a source on disk: who set which one, when and why.

They lie in ``<data-dir>/<source>/thresholds.adopted.json``. A score holds for the policy, by name and version, that it
was set in: a policy agreed anew brings its own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from features.errors import DataError, OvertakenError, PolicyError
from models.explaining.handoff_score import asks_for_more, handoff_score, with_handoff_score
from models.explaining.qualification_policy import QualificationPolicy, default_qualification
from pipelines.workspace.atomic_files import read_json, write_json
from pipelines.workspace.paths import Paths

_RESTORE = (
    "without it nobody can tell from which score on sales gets a lead: restore it from a backup, or remove it to begin "
    "again with the declared score"
)

LONGEST_REASON = 1_000  # characters


class AdoptedThreshold(BaseModel):
    """One decision; ``score`` None goes back to the declared one, ``replaces`` is what was in force before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: int | None = Field(ge=0, le=100)
    replaces: int | None = Field(ge=0, le=100)
    policy: str
    policy_version: str
    adopted_at: str
    author: str
    reason: str

    @field_validator("adopted_at")
    @classmethod
    def _has_a_zone(cls, text: str) -> str:
        if datetime.fromisoformat(text).tzinfo is None:
            raise ValueError("the moment has no zone")
        return text

    @property
    def moment(self) -> datetime:
        """When it was taken."""
        return datetime.fromisoformat(self.adopted_at)


class _Adopted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    adopted: tuple[AdoptedThreshold, ...] = Field(min_length=1)


@dataclass(frozen=True)
class ThresholdHistory:
    """Every decision, the newest last, on a declared policy."""

    declared: QualificationPolicy
    adopted: tuple[AdoptedThreshold, ...] = ()

    @property
    def in_force(self) -> AdoptedThreshold | None:
        """The decision that holds now; None where the declared score does."""
        last = self.adopted[-1] if self.adopted else None
        if last is None or last.score in (None, handoff_score(self.declared)):
            return None
        same = (last.policy, last.policy_version) == (self.declared.name, self.declared.version)
        return last if same else None

    @property
    def policy(self) -> QualificationPolicy:
        """The policy in force."""
        held = self.in_force
        return self.declared if held is None or held.score is None else with_handoff_score(self.declared, held.score)

    def as_of(self, moment: datetime, declared: QualificationPolicy) -> "ThresholdHistory":
        """What had been decided by a moment [UTC], on the policy that was declared then."""
        return ThresholdHistory(declared, tuple(line for line in self.adopted if line.moment <= moment))


def load_thresholds(paths: Paths, declared: QualificationPolicy | None) -> ThresholdHistory:
    """Every score that was adopted; a DataError where the file is damaged."""
    file, policy = thresholds_file(paths), declared or default_qualification()
    if not file.exists():
        return ThresholdHistory(policy)
    try:
        return ThresholdHistory(policy, _Adopted.model_validate(read_json(file, _RESTORE)).adopted)
    except (ValidationError, ValueError) as problem:
        raise DataError(f"{file} is damaged; {_RESTORE}.") from problem


def adopt_threshold(
    paths: Paths,
    history: ThresholdHistory,
    score: int | None,
    *,
    author: str,
    reason: str,
    replaces: int | None = None,
) -> AdoptedThreshold:
    """Set the score from which leads are handed off; None goes back to the declared one.

    ``replaces`` is the score in force as it was seen when this was decided; None: whichever it is.

    Raises
    ------
    OvertakenError : another score is in force by now than it is to replace
    PolicyError : it is in force already, the policy goes by evidence alone, or there is no author or reason
    """
    before, declared = handoff_score(history.policy), handoff_score(history.declared)
    if not author.strip() or not reason.strip():
        raise PolicyError("a threshold is set by somebody and for a reason; give both, they are kept with it.")
    if len(reason) > LONGEST_REASON or len(author) > LONGEST_REASON:
        raise PolicyError(f"author and reason may have {LONGEST_REASON:,} characters at most; shorten them.")
    if declared is None:
        raise PolicyError(
            f"policy '{history.declared.name}' hands off by evidence, whatever the score; give one of its rules a "
            "'score_from' first."
        )
    if score is not None and not 0 <= score <= 100:
        raise PolicyError(f"a threshold is a whole score from 0 to 100, not {score}.")
    if replaces is not None and before != replaces:
        raise OvertakenError(
            f"leads are handed off from {before} on by now, not from {replaces}: somebody set it meanwhile. Look at "
            "who and why, then set yours again."
        )
    if before == (declared if score is None else score):
        raise PolicyError(f"leads are handed off from {before} on already; choose another score.")
    line = AdoptedThreshold(
        score=score,
        replaces=before,
        policy=history.declared.name,
        policy_version=history.declared.version,
        adopted_at=datetime.now(UTC).isoformat(timespec="seconds"),
        author=author.strip(),
        reason=reason.strip(),
    )
    write_json(thresholds_file(paths), _Adopted(adopted=(*history.adopted, line)).model_dump(mode="json"))
    return line


def find_repeated(history: ThresholdHistory, score: int | None, *, author: str, reason: str) -> AdoptedThreshold | None:
    """The last decision, where it is this very one and holds: a command that was killed once it had taken it.

    Another reason or author is another decision, which :func:`adopt_threshold` refuses while the score is in force.
    """
    last = history.adopted[-1] if history.adopted else None
    asked = (score, author.strip(), reason.strip())
    if last is None or (last.score, last.author, last.reason) != asked:
        return None
    return last if score is None or handoff_score(history.policy) == score else None


def thresholds_file(paths: Paths) -> Path:
    """Where it is written which scores were adopted."""
    return paths.root / "thresholds.adopted.json"


def list_thresholds(history: ThresholdHistory | None) -> dict[str, Any]:
    """The score in force, the declared one, and every decision, the newest first; JSON-ready."""
    held = ThresholdHistory(default_qualification()) if history is None else history
    return {
        "score": handoff_score(held.policy),
        "declared": handoff_score(held.declared),
        "asks_for_more": asks_for_more(held.policy),
        "policy": f"{held.declared.name} {held.declared.version}",
        "adopted": [line.model_dump() for line in reversed(held.adopted)],
    }
