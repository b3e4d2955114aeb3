"""The gate: a firing and a silent case of every check, and what it says."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.schema.source import Capacity
from models.judging.handoff.replay import arrange_replay
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.leakage.finding import Finding
from models.judging.promotion import gate
from models.judging.promotion.paired_checks import CHALLENGER, CHAMPION, Check, paired_checks, places_for_shares
from models.judging.promotion.unseen_rows import UnseenRows
from models.settings import GateSettings
from tests.reference.gate_oracle import calibration_error_slowly, log_loss_slowly, wins_slowly
from tests.reference.weeks import weekly_matrix

SETTINGS = GateSettings(draws=300)
CAPACITY = Capacity(handoffs_per_week=7)
MATRIX = weekly_matrix(1200, 12, seed=3)
TRUTH = MATRIX.values["truth"].to_numpy()
SHARES = np.ones(12)


def checks(challenger: Any, champion: Any = TRUTH, shares: Any = SHARES) -> dict[str, Check]:
    both = {CHAMPION: champion, CHALLENGER: challenger}
    found = paired_checks(MATRIX, both, shares, SnapshotCapacity(CAPACITY), SETTINGS)
    return {check.name: check for check in found}


def test_the_same_model_is_not_worse() -> None:
    found = checks(TRUTH)
    assert {check.outcome for check in found.values()} == {"not worse"}
    assert all(check.difference == check.low == check.high == 0 for check in found.values())


def test_figures_are_those_of_the_slow_oracle() -> None:
    other = TRUTH * 0.7 + np.random.default_rng(1).normal(0, 0.5, len(TRUTH))
    found = checks(other)
    places = places_for_shares(arrange_replay(MATRIX.keys, MATRIX.label), SnapshotCapacity(CAPACITY), SHARES)
    assert places.tolist() == [7] * 12
    for z, side in ((TRUTH, "champion"), (other, "challenger")):
        assert getattr(found["log loss"], side) == pytest.approx(log_loss_slowly(MATRIX.label, z))
        assert getattr(found["calibration error"], side) == pytest.approx(calibration_error_slowly(MATRIX.label, z))
    assert found["wins at capacity"].challenger == wins_slowly(MATRIX, other, places.tolist())
    assert found["log loss"].low < found["log loss"].difference < found["log loss"].high


WORSE = {
    "log loss": np.random.default_rng(2).permutation(TRUTH),
    "calibration error": TRUTH + 1.0,
    "wins at capacity": -TRUTH,
}


@pytest.mark.parametrize("name", WORSE)
def test_a_worse_model_is_called_worse(name: str) -> None:
    found = checks(WORSE[name])[name]
    assert found.outcome == "worse" and found.low > 0 and found.high > found.margin, found.sentence
    back = checks(TRUTH, champion=WORSE[name])[name]
    assert back.outcome == "not worse", "the better one against the worse one passes"
    assert back.difference == pytest.approx(-found.difference)


def test_a_model_off_by_a_level_fails_calibration_alone() -> None:
    assert checks(WORSE["calibration error"])["wins at capacity"].outcome == "not worse"


def test_capacity_shrinks_with_the_share_that_is_judged() -> None:
    replay = arrange_replay(MATRIX.keys, MATRIX.label)
    assert places_for_shares(replay, SnapshotCapacity(CAPACITY), np.full(12, 0.5)).tolist() == [3, 4] * 6
    assert places_for_shares(replay, SnapshotCapacity(CAPACITY, 14), SHARES).tolist() == [14] * 12


def check(low: float, high: float, name: str = "log loss") -> Check:
    return Check(name=name, champion=0.3, challenger=0.3, difference=(low + high) / 2, low=low, high=high, margin=0.01)


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (-0.1, 0.01, "not worse"),
        (0.001, 0.01, "not worse"),
        (-0.1, 0.0101, "cannot tell"),
        (0.0, 0.02, "cannot tell"),
        (0.001, 0.02, "worse"),
        (float("nan"), float("nan"), "cannot tell"),
    ],
)
def test_the_upper_bound_decides(low: float, high: float, outcome: str) -> None:
    assert check(low, high).outcome == outcome


def test_one_check_is_enough_to_be_kept_back() -> None:
    good, open_, bad = check(-0.1, 0.0), check(-0.1, 0.1), check(0.05, 0.1, "wins at capacity")
    for three, verdict, said in (
        ((good, good, good), gate.GateVerdict.PASSED, "not worse on 900 rows, 60 won leads of 2026-04 to 2026-05"),
        ((good, open_, good), gate.GateVerdict.INCONCLUSIVE, "Inconclusive, the champion stays: log loss may be worse"),
        ((good, open_, bad), gate.GateVerdict.WORSE, "Worse, the champion stays: wins at capacity"),
    ):
        answer = gate.answer_paired_checks("b" * 64, "a" * 64, three, 900, 60, ["2026-04", "2026-05"])
        assert answer.verdict is verdict and said in answer.sentence
        assert answer.passes == (verdict is gate.GateVerdict.PASSED) == (answer.needed == "")


def test_too_few_wins_say_what_is_needed() -> None:
    through, soon = pd.Timestamp("2026-06-01"), pd.Timestamp("2026-06-08")
    none = gate.answer_too_few("b", "a", UnseenRows(np.arange(0), through, soon), 0, [], SETTINGS)
    assert "0 rows with 0 won leads have matured" in none.sentence
    assert "(through 2026-06-01); 50 won leads are needed" in none.sentence
    assert "first such row matures on 2026-06-08" in none.needed and not none.passes
    some = gate.answer_too_few("b", "a", UnseenRows(np.arange(70), through, soon), 20, ["2026-06", "2026-07"], SETTINGS)
    assert "2 months so far, about 3 more" in some.needed
    over = gate.answer_too_few("b", "a", UnseenRows(np.arange(0), through, None), 0, [], SETTINGS)
    assert "Wait for more outcomes" in over.needed


LEAK = Finding("contract", "AUD01", "leak", "contract tells the outcome.")


def test_verdict_and_audit_have_to_be_clean() -> None:
    fine = {"verdict": "ok"}
    assert gate.find_blocking_reasons(fine, [replace(LEAK, severity="suspect")]) == []
    assert gate.find_blocking_reasons(fine, [replace(LEAK, accepted="a person said so")]) == []
    assert "contract tells" in gate.find_blocking_reasons(fine, [LEAK])[0]
    assert "no audit" in gate.find_blocking_reasons(fine, None)[0]
    assert "'no_signal'" in gate.find_blocking_reasons({"verdict": "no_signal"}, [])[0]
    assert gate.find_blocking_reasons({"verdict": "weak_signal"}, []) == []
