"""Whether to train again: what calls for it, and whether enough has closed since to learn from and to judge by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.judging.drift.monitor_findings import Finding, Level

_OF_THE_MODEL = frozenset({"features", "values", "scores", "base rate", "calibration", "segments", "promise"})
_OF_THE_FEEDS = frozenset({"freshness", "feed volume", "history", "feed values", "emptied", "unit", "clock", "leak"})
_MARKET = "market"


@dataclass(frozen=True)
class Advice:
    """The verdict and its reason; ``won`` leads closed since the training of ``needed`` for the gate."""

    verdict: str
    sentence: str
    won: int
    needed: int

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"verdict": self.verdict, "sentence": self.sentence, "won": self.won, "needed": self.needed}


def advise(findings: Sequence[Finding], won: int, needed: int, days: float | None, cadence: int | None) -> Advice:
    """What to do about the model.

    Parameters
    ----------
    won, needed : leads won among the rows later than the training, and how many the gate asks for
    days : since the training, None where that is unknown
    cadence : days after which past models had aged, as measured; None where nobody measured it
    """
    broken = [finding for finding in findings if finding.level == Level.ACT and finding.check in _OF_THE_FEEDS]
    if broken:
        names = ", ".join(dict.fromkeys(finding.place or finding.check for finding in broken))
        return Advice("mend the feeds first", f"A model trained now would learn the fault of {names}.", won, needed)
    grave = [f for f in findings if f.level == Level.ACT and f.check in (_OF_THE_MODEL | {_MARKET})]
    aged = days is not None and cadence is not None and days >= cadence
    closed = f"{won} leads that are new to it were won since, {needed} are needed to judge a challenger"
    if not grave and not aged:
        seen = [f.check for f in findings if f.level == Level.WATCH and f.check in _OF_THE_MODEL]
        why = f"{' and '.join(seen)} is to be watched, no more" if seen else "nothing it relies on moved beyond noise"
        return Advice("can wait", f"The model holds: {why}; {closed}.", won, needed)
    why = " and ".join(dict.fromkeys(f.check for f in grave)) if grave else f"models of {cadence} days had aged before"
    if won < needed:
        return Advice(
            "not enough closed yet", f"Because of {why} it should be trained again, but {closed}.", won, needed
        )
    return Advice("now", f"Because of {why}; {closed}.", won, needed)
