"""AUD13 fires on a declared direction that the rows contradict, and stays silent on one they bear out or leave open."""

import numpy as np
import pytest

from models.judging.leakage.aud13_declared_direction import check_declared_direction
from tests.reference.audit_rows import honest, rows


@pytest.mark.parametrize(("sign", "said"), [(-1, "more can only hurt"), (1, "more can only help")])
def test_fires_on_a_direction_turned_round(sign: int, said: str) -> None:
    frame, won = honest()
    frame["v"] = np.random.default_rng(1).normal(size=len(won)) - sign * 0.5 * won
    frame.loc[::3, "v"] = np.nan
    found = check_declared_direction(rows(frame, won), {"v": sign})
    assert [(f.column, f.code, f.severity) for f in found] == [("v", "AUD13", "note")]
    assert f"'direction: {sign}' ({said})" in found[0].message


def test_silent_on_right_ones_weak_ones_categories_and_columns_without_a_direction() -> None:
    frame, won = honest()
    rng = np.random.default_rng(2)
    frame["right"] = rng.normal(size=len(won)) + 0.5 * won
    frame["nothing"] = rng.normal(size=len(won))
    frame["undeclared"] = -frame["right"]
    frame["empty"] = np.nan
    assert (
        check_declared_direction(rows(frame, won), {"right": 1, "nothing": 1, "h2": 1, "undeclared": 0, "empty": 1})
        == []
    )


def test_few_rows_and_the_market_are_no_contradiction() -> None:
    frame, won = honest(60, base=0.5)
    frame["v"] = np.random.default_rng(1).normal(size=60) - 0.3 * won
    assert check_declared_direction(rows(frame, won), {"v": 1}) == []
    n = 3000
    market = np.linspace(-2, 2, n)
    won = (np.random.default_rng(3).random(n) < 1 / (1 + np.exp(-market))).astype(np.float64)
    frame, _ = honest(n)
    frame["falls"] = -market + np.random.default_rng(4).normal(0, 0.1, n)
    assert check_declared_direction(rows(frame, won), {"falls": 1}) == []
