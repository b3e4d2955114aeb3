"""AUD01 fires on one column out of line within time blocks, and stays silent on one that follows the market."""

import numpy as np
import pytest
from scipy.stats import norm

from models.judging.leakage.aud01_single_column_auc import check_single_column_auc
from models.judging.leakage.audit_rows import auc_error, auc_within, blocks_of, power_of
from tests.reference.audit_rows import honest, rows


def test_fires_on_a_call_that_grew_long_because_it_won() -> None:
    frame, won = honest()
    frame["v"] = np.random.default_rng(1).lognormal(5 + 1.5 * won, 0.8)
    found = check_single_column_auc(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [("v", "leak")]
    assert "AUC 0.9" in found[0].message
    assert check_single_column_auc(rows(frame, won, verified=("v",)))[0].severity == "suspect"


def test_silent_on_honest_columns_and_on_the_market() -> None:
    rng = np.random.default_rng(2)
    n = 4000
    market = np.linspace(-3, 3, n)
    won = (rng.random(n) < 1 / (1 + np.exp(-(market - 0.5)))).astype(float)
    frame, _ = honest(n)
    frame["index"] = market + rng.normal(0, 0.05, n)
    whole = np.zeros(n, dtype=np.int64)
    assert auc_within(frame["index"].to_numpy(), won, whole) > 0.85
    block = blocks_of(np.arange(n), won, ordered=True)
    assert power_of(frame["index"], won, block).auc < 0.62
    assert check_single_column_auc(rows(frame, won)) == []
    assert check_single_column_auc(rows(*honest())) == []


def test_one_strong_honest_column_is_no_leak() -> None:
    frame, won = honest(3000, base=0.3)
    frame["strong"] = np.random.default_rng(3).normal(size=3000) + 1.0 * won
    severities = {f.severity for f in check_single_column_auc(rows(frame, won))}
    assert severities <= {"suspect"}


@pytest.mark.parametrize("ordered", [True, False])
def test_a_middle_value_that_tells_is_found_too(ordered: bool) -> None:
    frame, won = honest()
    spread = np.random.default_rng(4).normal(size=len(won))
    frame["v"] = np.where(won == 1, spread * 0.2, np.sign(spread) * (1 + np.abs(spread)))
    assert [f.column for f in check_single_column_auc(rows(frame, won, ordered=ordered))] == ["v"]


def test_a_column_clear_of_strong_others_is_suspect_and_one_among_its_like_is_not() -> None:
    frame, won = honest(600, base=0.5)
    rng = np.random.default_rng(5)
    for k in range(5):
        frame[f"strong{k}"] = rng.normal(size=600) + 0.7 * won
    frame["v"] = rng.normal(size=600) + 1.42 * won
    assert [(f.column, f.severity) for f in check_single_column_auc(rows(frame, won, ordered=False))] == [
        ("v", "suspect")
    ]
    frame["w"] = rng.normal(size=600) + 1.3 * won
    assert check_single_column_auc(rows(frame, won, ordered=False)) == []


def test_on_few_rows_a_strong_column_is_suspect_and_on_many_a_leak() -> None:
    severities = []
    for half in (41, 1000):
        won = np.random.default_rng(6).permutation(np.repeat([1.0, 0.0], half))
        frame, _ = honest(2 * half)
        place = (np.arange(half) + 0.5) / half  # both outcomes spread evenly, so the AUC is that of the curves
        frame["v"] = np.nan
        for outcome, shift in ((1.0, 1.66), (0.0, 0.0)):
            frame.loc[won == outcome, "v"] = norm.ppf(np.random.default_rng(7).permutation(place)) + shift
        table = rows(frame, won, ordered=False)
        assert 0.86 < table.powers["v"].auc < 0.92
        severities.append([f.severity for f in check_single_column_auc(table) if f.column == "v"])
    assert severities == [["suspect"], ["leak"]]


def test_a_leak_is_named_on_few_rows_too() -> None:
    won = np.random.default_rng(8).permutation(np.repeat([1.0, 0.0], 41))
    frame, _ = honest(82)
    frame["v"] = np.random.default_rng(9).normal(size=82) + 2.5 * won
    assert [f.severity for f in check_single_column_auc(rows(frame, won, ordered=False)) if f.column == "v"] == ["leak"]


@pytest.mark.parametrize(("won", "lost"), [(41, 41), (1500, 30), (30, 1500), (300, 30)])
def test_the_error_of_an_auc_is_not_understated_whichever_outcome_is_rare(won: int, lost: int) -> None:
    rng = np.random.default_rng(8)
    shift = float(norm.ppf(0.88) * np.sqrt(2))
    label = np.r_[np.ones(won), np.zeros(lost)]
    whole = np.zeros(won + lost, dtype=np.int64)
    drawn = [auc_within(rng.normal(size=won + lost) + shift * label, label, whole) for _ in range(300)]
    assert auc_error(0.88, won, lost) > 0.9 * np.std(drawn)
    assert auc_error(0.88, won, lost) == auc_error(0.88, lost, won)
