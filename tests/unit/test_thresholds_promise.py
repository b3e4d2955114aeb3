"""A promised threshold is the lowest that passes a sequence fixed beforehand, or none, in words."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from features.errors import ContractError
from models.judging.handoff.precision_guarantee import find_promised_threshold, lower_bound, transfer_threshold


def leads(n: int, seed: int, slope: float = 2.0, per_account: int = 1) -> tuple[np.ndarray, pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n)
    account = np.arange(n) // per_account
    label = (rng.random(n) < 1 / (1 + np.exp(-(slope * score - 1.5)))).astype(float)
    keys = pd.DataFrame(
        {
            "lead_id": pd.Series([str(i) for i in range(n)], dtype="str"),
            "as_of": pd.NaT,
            "account_id": pd.Series(account.astype(str), dtype="str"),
            "group": pd.Series(account.astype(str), dtype="str"),
            "episode": 0,
            "order": np.arange(n),
            "age_days": np.nan,
            "segment": pd.Series([pd.NA] * n, dtype="str"),
        }
    )
    return score, keys, label


def test_independent_leads_get_the_exact_binomial_bound() -> None:
    won = np.array([1.0] * 40 + [0.0] * 60)
    exact = stats.beta.ppf(0.1, 40, 61)
    assert lower_bound(won, np.arange(100), 0.9) == pytest.approx(exact, abs=0.003)


def test_leads_of_one_account_that_win_together_count_for_less() -> None:
    won = np.repeat(np.array([1.0] * 13 + [0.0] * 20), 3)
    apart, together = lower_bound(won, np.arange(99), 0.9), lower_bound(won, np.repeat(np.arange(33), 3), 0.9)
    assert together < apart - 0.03
    assert together == pytest.approx(stats.beta.ppf(0.1, 13, 21), abs=0.02)


def test_clusters_that_happen_to_differ_little_give_no_credit() -> None:
    won = np.tile([1.0, 0.0], 50)
    assert lower_bound(won, np.repeat(np.arange(50), 2), 0.9) <= lower_bound(won, np.arange(100), 0.9) + 1e-9


def test_the_kept_workload_is_the_last_that_passed() -> None:
    kept = find_promised_threshold(*leads(3000, 0), promised=0.4)
    assert kept.kept is not None
    assert len(kept.tested) <= 20
    assert kept.tested[0].workload == 50
    passed = [step.passed for step in kept.tested]
    assert passed == [True] * (len(passed) - 1) + [False]
    assert kept.kept == kept.tested[-2]
    assert kept.kept.lower_bound >= 0.4
    assert "with 90% confidence" in kept.sentence
    assert "resemble" in kept.sentence


def test_what_cannot_be_promised_is_said() -> None:
    nothing = find_promised_threshold(*leads(3000, 0, slope=0.0), promised=0.6)
    assert nothing.kept is None
    assert len(nothing.tested) == 1
    assert "60% cannot be promised with these data" in nothing.sentence
    said = float(nothing.sentence.rsplit(" ", 1)[1].rstrip("%.")) / 100
    assert said <= nothing.tested[0].lower_bound + 1e-9, "what is supported is not rounded up to what is refused"
    few = find_promised_threshold(*leads(30, 0), promised=0.3)
    assert "at least 50" in few.sentence


def test_an_impossible_promise_is_refused() -> None:
    with pytest.raises(ContractError, match="between 0 and 1"):
        find_promised_threshold(*leads(100, 0), promised=30)


def test_a_promise_carries_over_to_another_model_by_the_share_it_hands_off() -> None:
    score, keys, label = leads(3000, 0)
    kept = find_promised_threshold(score, keys, label, promised=0.4).kept
    assert kept is not None
    refit = 3.0 * score + 7.0 + np.random.default_rng(1).normal(0, 0.5, len(score))
    found = transfer_threshold(kept, refit, keys)
    assert found.leads == kept.workload
    assert found.share == pytest.approx(kept.share)
    assert (refit >= found.log_odds).sum() == kept.workload
    assert transfer_threshold(kept, score, keys).log_odds == kept.threshold
