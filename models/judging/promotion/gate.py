"""The promotion gate: whether a challenger may take the champion's place, and why, in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from features.schema.vocabulary import Verdict
from models.judging.leakage.finding import ReportedFinding
from models.judging.promotion.paired_checks import Check
from models.judging.promotion.unseen_rows import UnseenRows
from models.settings import GateSettings

ALLOWED = (Verdict.OK, Verdict.WEAK_SIGNAL)
FORCE = "To overrule the gate, run 'leadscore promote --force --reason TEXT'."


class GateVerdict(StrEnum):
    """What the gate answers."""

    PASSED = "passed"
    CHAMPION = "champion"
    FIRST = "first"
    UNFIT_CHAMPION = "unfit_champion"
    FROM_POINTS = "from_points"
    TO_POINTS = "to_points"
    BY_DECLARATION = "by_declaration"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"
    NOT_CLEAN = "not_clean"


OPEN = (
    GateVerdict.PASSED,
    GateVerdict.CHAMPION,
    GateVerdict.FIRST,
    GateVerdict.UNFIT_CHAMPION,
    GateVerdict.FROM_POINTS,
    GateVerdict.TO_POINTS,
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The gate's answer on one challenger.

    Parameters
    ----------
    sentence : the verdict and its reason
    needed : what to do next where the challenger is not promoted, else empty
    rows, won : judged rows and distinct leads won among them
    months : calendar months pooled, ``2026-05``
    enough_at : where it is inconclusive, when there will be rows enough at the pace of the past
    """

    verdict: GateVerdict
    challenger: str
    champion: str | None
    sentence: str
    needed: str = ""
    checks: tuple[Check, ...] = ()
    rows: int = 0
    won: int = 0
    months: tuple[str, ...] = ()
    enough_at: pd.Timestamp | None = None

    @property
    def passes(self) -> bool:
        """Whether the challenger may be promoted."""
        return self.verdict in OPEN

    @property
    def better(self) -> bool:
        """Whether it passes and is better beyond noise in at least one figure: being younger is none."""
        return self.verdict is GateVerdict.PASSED and any(check.better for check in self.checks)

    @property
    def text(self) -> str:
        """The answer for a person, one finding a line."""
        return "\n".join(filter(None, (self.sentence, *(f"  {c.sentence}" for c in self.checks), self.needed)))

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "verdict": str(self.verdict),
            "passes": self.passes,
            "better": self.better,
            "challenger": self.challenger,
            "champion": self.champion,
            "sentence": self.sentence,
            "needed": self.needed,
            "checks": [check.record() for check in self.checks],
            "rows": self.rows,
            "won": self.won,
            "months": list(self.months),
            "enough_at": None if self.enough_at is None else f"{self.enough_at:%Y-%m-%d}",
        }


def find_blocking_reasons(meta: Mapping[str, Any], findings: Iterable[ReportedFinding] | None) -> list[str]:
    """Why a bundle may not score anybody, whoever is champion: its verdict, or the audit; empty if it may.

    ``findings`` are the audit's on the data of today, None if there was no audit.
    """
    found = []
    if meta.get("verdict") not in ALLOWED and meta.get("mode") != "points":
        allowed = " or ".join(ALLOWED)
        found.append(f"it was trained with verdict '{meta.get('verdict')}'; only {allowed} may score leads.")
    if findings is None:
        found.append("no audit is on record; run 'leadscore audit'.")
        return found
    leaks = [finding for finding in findings if finding.blocking]
    return found + [f"the audit found a leak: {leak.code} {leak.message}" for leak in leaks]


def answer_not_clean(challenger: str, champion: str | None, reasons: Sequence[str]) -> Answer:
    """A bundle held back before anything is compared."""
    return Answer(
        verdict=GateVerdict.NOT_CLEAN,
        challenger=challenger,
        champion=champion,
        sentence=f"Not clean, not promoted: {' '.join(reasons)}",
        needed="Fix that and train again.",
    )


def answer_champion_already(champion: str) -> Answer:
    """It is the champion: promoting it moves nothing."""
    return Answer(
        verdict=GateVerdict.CHAMPION,
        challenger=champion,
        champion=champion,
        sentence=f"{champion[:12]} is already the champion.",
    )


def answer_first(challenger: str) -> Answer:
    """There is no champion: a clean audit and a verdict that allows it are enough."""
    return Answer(
        verdict=GateVerdict.FIRST,
        challenger=challenger,
        champion=None,
        sentence="There is no champion to compare with; the audit is clean and the verdict allows promotion.",
    )


def answer_unfit_champion(challenger: str, champion: str) -> Answer:
    """The champion cannot score under the current declaration, so there is nothing to keep."""
    return Answer(
        verdict=GateVerdict.UNFIT_CHAMPION,
        challenger=challenger,
        champion=champion,
        sentence=(
            f"Champion {champion[:12]} no longer fits the declaration and cannot score any leads, so it has to be "
            "replaced."
        ),
    )


def answer_from_points(challenger: str, champion: str, evidence: Sequence[str]) -> Answer:
    """Points score now: taking up a model is a person's decision, made on what its judgement found."""
    told = " ".join(filter(None, evidence)) or "No run has judged this model beside the rubric."
    return Answer(
        verdict=GateVerdict.FROM_POINTS,
        challenger=challenger,
        champion=champion,
        sentence=f"The list is worked by points now; with this promotion a model takes over. Its evidence: {told}",
        needed="Scores and states change for every lead: see who moves, and tell sales before.",
    )


def answer_to_points(challenger: str, champion: str, reason: str) -> Answer:
    """A model scores now: going back to points needs no proof, since they learned nothing."""
    return Answer(
        verdict=GateVerdict.TO_POINTS,
        challenger=challenger,
        champion=champion,
        sentence=f"With this promotion the rubric's points score in the model's place. {reason}".strip(),
    )


def answer_mode_points(challenger: str, champion: str | None, evidence: Sequence[str]) -> Answer:
    """The source is declared to be worked by points."""
    return Answer(
        verdict=GateVerdict.BY_DECLARATION,
        challenger=challenger,
        champion=champion,
        sentence="The source declares 'mode: points', so no model may score. "
        + (" ".join(filter(None, evidence)) or "No run has judged this model beside the rubric."),
        needed="If this evidence convinces you, remove 'mode: points' from the declaration, run again, and promote.",
    )


def answer_no_clocks(challenger: str, champion: str) -> Answer:
    """Flat sources: nothing says which rows are later."""
    return Answer(
        verdict=GateVerdict.INCONCLUSIVE,
        challenger=challenger,
        champion=champion,
        sentence=(
            "Inconclusive, the champion stays: the source has no clocks, so nothing says which rows came after both "
            "models were trained."
        ),
        needed=f"Compare the two reports. {FORCE}",
    )


def answer_too_few(
    challenger: str,
    champion: str,
    later: UnseenRows,
    won: int,
    months: Sequence[str],
    settings: GateSettings,
    enough_at: pd.Timestamp | None = None,
) -> Answer:
    """Not enough wins came after both models were trained; ``enough_at`` is when there will be, by the past's pace."""
    sentence = (
        f"Inconclusive, the champion stays: {len(later.rows):,} rows with {won:,} won leads have matured among those "
        f"whose labels came after both models were trained (through {later.through:%Y-%m-%d}); "
        f"{settings.minimum_won} won leads are needed."
    )

    pace = "" if enough_at is None else f" At the pace of the past, there will be enough from {enough_at:%Y-%m-%d} on."
    if later.next_at is not None and not len(later.rows):
        wait = f"The first such row matures on {later.next_at:%Y-%m-%d}.{pace}"
    elif enough_at is not None:
        wait = pace.strip()
    elif won and months:
        more = -(-(settings.minimum_won - won) * len(months) // won)
        wait = f"At the pace of the {len(months)} months so far, about {more} more are needed."
    else:
        wait = "Wait for more outcomes."

    return Answer(
        verdict=GateVerdict.INCONCLUSIVE,
        challenger=challenger,
        champion=champion,
        sentence=sentence,
        needed=f"{wait} Then ingest, rebuild the matrix, and ask again with this bundle's hash. {FORCE}",
        rows=len(later.rows),
        won=won,
        months=tuple(months),
        enough_at=enough_at,
    )


def answer_too_slow(challenger: str, champion: str | None, milliseconds: float, allowed: float) -> Answer:
    """A bundle that scores, but not in time."""
    return Answer(
        verdict=GateVerdict.NOT_CLEAN,
        challenger=challenger,
        champion=champion,
        sentence=(
            f"Too slow, not promoted: scoring and explaining one lead takes {milliseconds:.1f} ms, {allowed:g} are "
            "allowed."
        ),
        needed="Train with fewer or smaller boosters, or allow more ('milliseconds' under 'gate' in params.yaml).",
    )


def answer_paired_checks(
    challenger: str,
    champion: str,
    checks: tuple[Check, ...],
    rows: int,
    won: int,
    months: Sequence[str],
    enough_at: pd.Timestamp | None = None,
) -> Answer:
    """The verdict of the paired checks: every one has to be "not worse".

    ``enough_at`` is when intervals will be narrow enough, should the figures stay what they are; None where never.
    """
    pooled = f"{rows:,} rows, {won:,} won leads of {months[0]} to {months[-1]}, later than both models were trained"
    worse = [check.name for check in checks if check.outcome == "worse"]
    undecided = [check.name for check in checks if check.outcome == "cannot tell"]

    if worse:
        verdict = GateVerdict.WORSE
        sentence = f"Worse, the champion stays: {' and '.join(worse)} of the challenger ({pooled})."
        needed = f"Read the report of its run before training another one. {FORCE}"
    elif undecided:
        verdict = GateVerdict.INCONCLUSIVE
        names = " and ".join(undecided)
        sentence = f"Inconclusive, the champion stays: {names} may be worse than the margin allows ({pooled})."
        when = (
            "" if enough_at is None else f": should the figures stay as they are, enough from {enough_at:%Y-%m-%d} on"
        )
        needed = f"More matured rows narrow the intervals{when}. {FORCE}"
    else:
        verdict, sentence, needed = GateVerdict.PASSED, f"Passed: not worse on {pooled}.", ""

    return Answer(
        verdict=verdict,
        challenger=challenger,
        champion=champion,
        sentence=sentence,
        needed=needed,
        checks=checks,
        rows=rows,
        won=won,
        months=tuple(months),
        enough_at=enough_at if verdict is GateVerdict.INCONCLUSIVE else None,
    )


def months_of(as_of: pd.Series) -> list[str]:
    """Calendar months in which the moments fall, in order."""
    return sorted(as_of.dt.strftime("%Y-%m").unique().tolist())
