"""AUD12 fires on a date of the close beside one of the start, and stays silent on honest columns that move together."""

import numpy as np
import pytest

from models.judging.leakage.aud01_single_column_auc import check_single_column_auc
from models.judging.leakage.aud12_date_difference import check_date_difference
from tests.reference.audit_rows import honest, rows


@pytest.mark.parametrize("n", [600, 3000])
def test_fires_on_a_date_of_the_close_where_rows_have_no_order(n: int) -> None:
    frame, won = honest(n)
    rng = np.random.default_rng(1)
    day = rng.uniform(0, 700, n)
    frame["number"] = np.argsort(np.argsort(day)) + 10_000.0
    frame["v"] = day + np.where(won == 1, rng.normal(20, 8, n), rng.normal(90, 30, n))
    there = rows(frame, won, ordered=False)
    assert check_single_column_auc(there) == []
    assert [(f.column, f.code, f.severity) for f in check_date_difference(there)] == [("v", "AUD12", "leak")]
    assert "'number'" in check_date_difference(there)[0].message
    assert check_date_difference(rows(frame, won, ordered=False, verified=("v",))) == []


def test_silent_on_columns_that_move_together_and_on_a_lag_that_tells_a_little() -> None:
    n = 3000
    frame, won = honest(n)
    rng = np.random.default_rng(2)
    day = rng.uniform(0, 700, n)
    frame["created"] = day
    frame["first_touch"] = day + rng.exponential(20, n) - 6 * won
    frame["index"] = 3 * day + rng.normal(0, 40, n)
    frame["twice"] = 2 * day
    assert check_date_difference(rows(frame, won, ordered=False)) == []
    assert check_date_difference(rows(frame, won)) == []


def test_silent_where_a_column_tells_by_itself() -> None:
    frame, won = honest()
    frame["v"] = np.random.default_rng(3).lognormal(5 + 1.5 * won, 0.8)
    frame["w"] = frame["v"] * 1.1 + np.random.default_rng(4).normal(size=len(won))
    assert check_date_difference(rows(frame, won)) == []
