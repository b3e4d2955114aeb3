"""AUD03 fires on values that come with one outcome only, and stays silent on merely good or poor ones."""

import numpy as np
import pandas as pd
import pytest

from models.judging.leakage.aud03_pure_values import check_pure_values
from tests.reference.audit_rows import honest, rows


def planted(name: str, won: np.ndarray) -> pd.Series:
    rng = np.random.default_rng(1)
    early = rng.choice(["a", "b"], len(won))
    if name == "target":
        return pd.Series(np.where(won == 1, "k", "m"), dtype="str")
    if name == "two values":
        return pd.Series(np.where((won == 1) & (rng.random(len(won)) < 0.5), rng.choice(["y", "z"], len(won)), early))
    if name == "zero unless won":
        return pd.Series(np.where(won == 1, rng.gamma(2, 100, len(won)), 0.0))
    return pd.Series(np.where(won == 1, early, "lost " + pd.Series(early)), dtype="str")


@pytest.mark.parametrize("name", ["target", "two values", "zero unless won", "split target"])
@pytest.mark.parametrize("base", [0.08, 0.5])
def test_fires(name: str, base: float) -> None:
    frame, won = honest(base=base)
    frame["v"] = planted(name, won)
    assert [(f.column, f.severity) for f in check_pure_values(rows(frame, won))] == [("v", "leak")]


def test_silent_on_a_good_value_a_rare_one_and_a_clocked_one() -> None:
    frame, won = honest(base=0.2)
    rng = np.random.default_rng(2)
    frame["good"] = pd.Series(np.where(rng.random(len(won)) < np.where(won == 1, 0.4, 0.05), "referral", "other"))
    rare = np.flatnonzero(won == 1)[:8]
    frame["rare"] = 0.0
    frame.loc[rare, "rare"] = 1.0
    frame["clocked"] = won
    assert check_pure_values(rows(frame, won, verified=("clocked",))) == []


def of_lost(name: str, won: np.ndarray) -> pd.Series:
    rng = np.random.default_rng(3)
    noted = (won == 0) & (rng.random(len(won)) < 0.3)
    if name == "number":
        return pd.Series(np.where(noted, rng.integers(2, 5, len(won)), 0).astype(float))
    reasons = ["competitor"] if name == "one value" else ["price", "timing", "no budget"]
    return pd.Series(np.where(noted, rng.choice(reasons, len(won)), rng.choice(["a", "b"], len(won))), dtype="str")


@pytest.mark.parametrize("name", ["one value", "several values", "number"])
@pytest.mark.parametrize("base", [0.15, 0.5])
def test_fires_on_values_of_lost_leads_only(name: str, base: float) -> None:
    frame, won = honest(base=base)
    frame["v"] = of_lost(name, won)
    found = check_pure_values(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [("v", "leak")]
    assert "none of them won against" in found[0].message


def test_values_with_poor_odds_and_rare_ones_are_silent_and_a_lowest_number_is_suspect() -> None:
    frame, won = honest(base=0.2)
    rng = np.random.default_rng(4)
    poor = rng.random(len(won)) < np.where(won == 1, 0.03, 0.25)
    frame["poor"] = pd.Series(np.where(poor, "student", "other"), dtype="str")
    frame["many"] = pd.Series(rng.integers(0, 60, len(won)).astype(str), dtype="str")
    frame["rare"] = pd.Series(np.where((won == 0) & (rng.random(len(won)) < 0.02), "x", "y"), dtype="str")
    assert check_pure_values(rows(frame, won)) == []
    frame["visits"] = np.where((won == 0) & (rng.random(len(won)) < 0.4), 0.0, rng.integers(1, 6, len(won)))
    assert [(f.column, f.severity) for f in check_pure_values(rows(frame, won))] == [("visits", "suspect")]


@pytest.mark.parametrize(("count", "base", "usual"), [(4000, 0.3, 0.6), (4000, 0.1, 0.6), (8000, 0.1, 0.7)])
def test_a_flag_that_is_usually_1_is_no_leak_for_its_lowest_value(count: int, base: float, usual: float) -> None:
    """Not visited, never bought: the rows that differ from the usual 1 are those of the lowest value."""
    frame, won = honest(count, base=base)
    visited = (won == 1) | (np.random.default_rng(6).random(count) < (usual - base) / (1 - base))
    frame["visited"] = visited.astype(float)
    assert {f.severity for f in check_pure_values(rows(frame, won))} <= {"suspect"}
    kinds = np.where(
        visited, 1.0, np.random.default_rng(7).integers(2, 4, count)
    )  # not the lowest: written at the loss
    frame["visited"] = np.where(np.arange(count) < 20, 0.0, kinds)
    assert [(f.column, f.severity) for f in check_pure_values(rows(frame, won))] == [("visited", "leak")]


def test_a_code_below_all_numbers_is_no_honest_lowest_value() -> None:
    frame, won = honest(base=0.2)
    rng = np.random.default_rng(4)
    noted = (won == 0) & (rng.random(len(won)) < 0.4)
    frame["v"] = np.where(noted, -1.0, rng.integers(0, 6, len(won)))
    assert [(f.column, f.severity) for f in check_pure_values(rows(frame, won))] == [("v", "leak")]
    frame["v"] = np.where(noted, -2.0, rng.integers(-1, 6, len(won)))  # a scale that goes below 0
    assert [(f.column, f.severity) for f in check_pure_values(rows(frame, won))] == [("v", "suspect")]


def test_rare_reasons_are_taken_together_and_values_chosen_by_their_losses_are_not_held_against_a_column() -> None:
    frame, won = honest(600, base=0.5)
    rng = np.random.default_rng(5)
    noted = (won == 0) & (rng.random(len(won)) < 0.25)
    reasons = rng.choice([f"r{k}" for k in range(8)], len(won))
    frame["v"] = pd.Series(np.where(noted, reasons, rng.choice(["a", "b"], len(won))), dtype="str")
    found = check_pure_values(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [("v", "suspect")]
    assert "is one of" in found[0].message
    frame, won = honest(12_000, base=0.01)
    frame["price"] = pd.Series(rng.integers(0, 80, len(won)).astype(str), dtype="str")
    assert check_pure_values(rows(frame, won)) == []
