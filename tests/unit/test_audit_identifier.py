"""AUD04 fires on numbers given out by outcome, and stays silent on numbers given out in time."""

import numpy as np
import pandas as pd
import pytest

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
