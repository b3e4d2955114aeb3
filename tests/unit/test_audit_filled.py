"""AUD02 fires on fields filled or empty for one outcome only, and stays silent on gaps that mean little."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.judging.leakage.aud02_missingness import check_missingness
from tests.reference.audit_rows import honest, rows


@pytest.mark.parametrize(("share_won", "share_lost"), [(0.7, 0.0), (0.9, 0.1), (0.0, 0.9)])
def test_fires_when_being_filled_tells_the_outcome(share_won: float, share_lost: float) -> None:
    frame, won = honest()
    present = np.random.default_rng(1).random(len(won)) < np.where(won == 1, share_won, share_lost)
    frame["v"] = np.where(present, 1.0, np.nan)
    found = check_missingness(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [("v", "leak")]
    on_won, on_lost = present[won == 1].mean(), present[won == 0].mean()
    said = {
        (0.7, 0.0): f"'v' is filled in on {present.sum():,} rows, all of them won against {won.mean():.1%} overall",
        (
            0.9,
            0.1,
        ): f"filled in for {on_won:.0%} of won and {on_lost:.0%} of lost leads",
        (0.0, 0.9): f"'v' is filled in on {present.sum():,} rows, none of them won against {won.mean():.1%} overall",
    }
    assert said[share_won, share_lost] in found[0].message


@pytest.mark.parametrize("base", [0.06, 0.25, 0.5])
def test_fires_on_a_reason_noted_when_a_lead_is_lost(base: float) -> None:
    frame, won = honest(base=base)
    noted = (won == 0) & (np.random.default_rng(1).random(len(won)) < 0.4)
    frame["v"] = np.where(noted, 1.0, np.nan)
    found = check_missingness(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [("v", "leak")]
    assert f"is filled in on {noted.sum():,} rows, none of them won" in found[0].message


@pytest.mark.parametrize("base", [0.06, 0.25, 0.65])
@pytest.mark.parametrize(("outcome", "counted"), [(0, "none"), (1, "all")])
def test_fires_when_being_empty_comes_with_one_outcome_only(base: float, outcome: int, counted: str) -> None:
    frame, won = honest(base=base)
    rng = np.random.default_rng(1)
    empty = (won == outcome) & (rng.random(len(won)) < 0.6)
    frame["v"] = np.where(empty, np.nan, rng.normal(size=len(won)))
    found = check_missingness(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [("v", "leak")]
    seen = f"'v' is empty on {empty.sum():,} rows, {counted} of them won against {won.mean():.1%} overall"
    assert found[0].message.startswith(seen)
    assert "role: ignore" in found[0].message and "accepted_because" in found[0].message


@pytest.mark.parametrize("default", ["Unknown", "n/a", "-"])
def test_a_default_counts_as_empty(default: str) -> None:
    """Half of the lost leads' gaps are empty, half hold the default."""
    frame, won = honest(base=0.5)
    rng = np.random.default_rng(1)
    gap = (won == 0) & (rng.random(len(won)) < 0.3)
    told = pd.Series(np.where(gap, default, rng.choice(["a", "b"], len(won))), dtype="str")
    frame["v"] = told.mask(gap & (rng.random(len(won)) < 0.5))
    found = check_missingness(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [("v", "leak")]
    frame["v"] = told
    assert f"'v' is '{default}' on {gap.sum():,} rows, none" in check_missingness(rows(frame, won))[0].message
    frame["v"] = np.where(gap, -1.0, rng.integers(0, 50, len(won)))
    assert "'v' is '-1.0' on" in check_missingness(rows(frame, won))[0].message


def test_more_columns_that_are_empty_alone_prove_less_and_those_empty_together_are_asked_once() -> None:
    frame, won = honest(600, base=0.3)
    rng = np.random.default_rng(3)
    lost = np.flatnonzero(won == 0)
    gap = np.zeros(len(won), dtype=bool)
    gap[lost[: next(n for n in range(20, len(lost)) if _is_leak(frame, won, lost[:n]))]] = True
    together = pd.DataFrame({f"together{k}": np.where(gap, np.nan, 1.0) for k in range(60)})
    found = check_missingness(rows(frame.join(together), won))
    assert [f.severity for f in found] == ["leak"] * 60
    alone = pd.DataFrame({f"alone{k}": np.where(rng.random(len(won)) < 0.4, np.nan, 1.0) for k in range(60)})
    assert "leak" not in {f.severity for f in check_missingness(rows(frame.join(together).join(alone), won))}


def _is_leak(frame: pd.DataFrame, won: np.ndarray, empty: np.ndarray) -> bool:
    values = np.ones(len(won))
    values[empty] = np.nan
    found = check_missingness(rows(frame.assign(v=values), won))
    return [f.severity for f in found if f.column == "v"] == ["leak"]


def test_a_column_that_came_late_is_no_leak_because_everybody_won_before() -> None:
    """The first 300 rows are customers brought in from an older system, all of them won and without the column."""
    frame, won = honest(base=0.2)
    early = np.arange(len(won)) < 300
    won[early] = 1.0
    frame["v"] = np.where(early, np.nan, 1.0)
    assert check_missingness(rows(frame, won)) == []


def test_silent_on_ordinary_gaps_and_on_columns_with_a_clock() -> None:
    frame, won = honest()
    present = np.random.default_rng(1).random(len(won)) < np.where(won == 1, 0.6, 0.45)
    frame["gaps"] = np.where(present, 1.0, np.nan)
    frame["clocked"] = np.where(won == 1, 1.0, np.nan)
    frame["never"] = np.nan
    frame["of few lost"] = np.where((won == 0) & (np.arange(len(won)) < 40), 1.0, np.nan)
    assert check_missingness(rows(frame, won, verified=("clocked",))) == []


def test_columns_of_a_joined_table_are_asked_of_leads_with_a_row_there() -> None:
    frame, won = honest()
    rng = np.random.default_rng(1)
    row = ~((won == 0) & (rng.random(len(won)) < 0.6))
    frame["industry"] = np.where(row, 1.0, np.nan)
    assert [f.severity for f in check_missingness(rows(frame, won))] == ["leak"]
    assert check_missingness(replace(rows(frame, won), joined={"industry": row})) == []
    frame["industry"] = np.where(row & (rng.random(len(won)) < 0.8), 1.0, np.nan)
    assert check_missingness(replace(rows(frame, won), joined={"industry": row})) == []
    frame["industry"] = np.where(row & (won == 1), 1.0, np.nan)
    found = check_missingness(replace(rows(frame, won), joined={"industry": row}))
    assert [(f.column, f.severity) for f in found] == [("industry", "leak")]
