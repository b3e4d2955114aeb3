"""Whether to train again is said with its reason, and a broken feed comes first."""

import pytest

from models.judging.drift.monitor_findings import Finding, Level
from models.judging.drift.retrain_advice import advise


def finding(check: str, level: Level) -> Finding:
    return Finding(check, level, "", "", "leads.industry" if check == "unit" else "")


CASES = {
    "all is well": ([finding("features", Level.OK)], 60, 100, None, "can wait"),
    "a feature to be watched": ([finding("features", Level.WATCH)], 60, 100, None, "can wait"),
    "promises broke": ([finding("calibration", Level.ACT)], 60, 100, None, "now"),
    "promises broke, few closed": ([finding("calibration", Level.ACT)], 10, 100, None, "not enough closed yet"),
    "the market moved": ([finding("market", Level.ACT)], 60, 100, None, "now"),
    "old, as past models had aged": ([finding("features", Level.OK)], 60, 200, 183, "now"),
    "young, as past models had aged": ([finding("features", Level.OK)], 60, 100, 183, "can wait"),
    "a broken feed": (
        [finding("unit", Level.ACT), finding("calibration", Level.ACT)],
        60,
        1,
        None,
        "mend the feeds first",
    ),
}


@pytest.mark.parametrize(("found", "won", "days", "cadence", "verdict"), CASES.values(), ids=CASES.keys())
def test_advice(found: list[Finding], won: int, days: float, cadence: int | None, verdict: str) -> None:
    advice = advise(found, won, 50, days, cadence)
    assert advice.verdict == verdict
    named = {"mend the feeds first": "leads.industry", "now": "50 are needed", "not enough closed yet": "10 leads"}
    assert named.get(verdict, "The model holds") in advice.sentence
