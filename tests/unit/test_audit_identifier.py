"""AUD04 fires on numbers given out by outcome, and stays silent on numbers given out in time."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from models.judging.leakage.aud04_identifier_order import check_identifier_order
from tests.reference.audit_rows import honest, rows


@pytest.mark.parametrize("as_text", [True, False])
def test_fires_on_numbers_given_out_by_outcome(as_text: bool) -> None:
    frame, won = honest()
    noise = np.random.default_rng(1).normal(size=len(won))
    number = np.argsort(np.argsort(noise - 2 * won)).astype(float)
    frame["v"] = pd.Series([f"ID-{int(x):05d}" for x in number], dtype="str") if as_text else number
    assert [(f.column, f.severity) for f in check_identifier_order(rows(frame, won, ordered=False))] == [("v", "leak")]


def test_silent_on_row_numbers_of_a_drifting_market_random_ids_and_amounts() -> None:
    rng = np.random.default_rng(3)
    n = 3000
    won = (rng.random(n) < np.linspace(0.05, 0.6, n)).astype(float)
    frame, _ = honest(n)
    frame["row"] = np.arange(n, dtype=float)
    frame["id"] = pd.Series([f"C{int(x)}" for x in rng.permutation(n)], dtype="str")
    frame["amount"] = rng.normal(size=n) + won
    assert check_identifier_order(rows(frame, won)) == []


@pytest.mark.parametrize("size", ["log-normal", "uniform", "in hundreds"])
def test_silent_on_honest_whole_amounts_that_follow_the_outcome(size: str) -> None:
    rng = np.random.default_rng(1)
    frame, _ = honest(1500)
    z = rng.normal(size=1500)
    amount = {"log-normal": np.exp(14 + 1.2 * z), "uniform": 1e6 * norm.cdf(z), "in hundreds": np.exp(14 + 1.2 * z)}
    frame["revenue"] = np.round(amount[size], -2 if size == "in hundreds" else 0)
    won = (rng.random(1500) < 1 / (1 + np.exp(1.2 - 1.25 * z))).astype(float)
    assert frame["revenue"].nunique() > 0.9 * 1500
    assert check_identifier_order(rows(frame, won)) == []


@pytest.mark.parametrize("how", ["half of them", "in tens", "check digit", "two series"])
def test_fires_on_running_numbers_however_they_run(how: str) -> None:
    frame, won = honest()
    rng = np.random.default_rng(1)
    place = np.argsort(np.argsort(rng.normal(size=len(won)) - 2 * won)).astype(float)
    frame["v"] = {
        "half of them": np.sort(rng.permutation(2 * len(won))[: len(won)])[place.astype(int)].astype(float),
        "in tens": 10 * place,
        "check digit": 10 * place + rng.integers(0, 10, len(won)),
        "two series": place + 9e6 * (place > len(won) // 2),
    }[how]
    found = check_identifier_order(rows(frame, won, ordered=False))
    assert [(f.column, f.severity) for f in found] == [("v", "leak")]
