"""Exploration is seeded, logged and off by default, and makes estimates of other policies honest."""

import numpy as np
import pandas as pd
import pytest

from features.errors import ContractError
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.exploration import estimate, pick, worked_and_not


def test_off_by_default_and_otherwise_a_seeded_share_of_the_places() -> None:
    score, tie = np.arange(100.0), np.arange(100)
    plain = pick(score, tie, 20)
    assert plain.rows.tolist() == list(range(99, 79, -1))
    assert plain.propensity.tolist() == [0.0] * 80 + [1.0] * 20
    some = pick(score, tie, 20, share=0.25, seed=3)
    assert some.rows[:15].tolist() == list(range(99, 84, -1))
    assert some.explored.sum() == 5
    assert (some.rows[15:] < 85).all()
    assert some.propensity[:85] == pytest.approx(5 / 85)
    assert np.array_equal(pick(score, tie, 20, share=0.25, seed=3).rows, some.rows)
    log = some.log(pd.Series([f"L{i}" for i in range(100)]), pd.Timestamp("2025-01-01"))
    assert log["lead_id"].iloc[0] == "L99"
    assert (log.loc[log["explored"], "propensity"] < 1).all()


def test_a_share_of_few_places_is_drawn_in_the_long_run_with_the_chance_it_logs() -> None:
    """A tenth of five places is half a place: one in every other week, and each lead's share is its propensity."""
    score, tie = np.arange(12.0), np.arange(12)
    weeks = [pick(score, tie, 5, share=0.1, seed=seed) for seed in range(4000)]
    drawn = np.array([week.explored.sum() for week in weeks])
    assert set(drawn) == {0, 1}
    assert drawn.mean() == pytest.approx(0.5, abs=0.03)
    handed = np.zeros(12)
    for week in weeks:
        assert len(week.rows) == 5
        handed[week.rows] += 1 / len(weeks)
        assert week.propensity == pytest.approx(weeks[0].propensity)
    assert handed == pytest.approx(weeks[0].propensity, abs=0.03)
    assert weeks[0].propensity.sum() == pytest.approx(5)
    assert weeks[0].propensity.min() > 0
    assert {pick(np.arange(40.0), np.arange(40), 30, share=0.1, seed=k).explored.sum() for k in range(50)} == {3}


def test_nobody_is_drawn_where_everybody_has_a_place() -> None:
    whole = pick(np.arange(4.0), np.arange(4), 20, share=0.5, seed=1)
    assert whole.rows.tolist() == [3, 2, 1, 0]
    assert not whole.explored.any()
    assert whole.propensity.tolist() == [1.0] * 4


def test_weights_undo_the_selection_and_the_plain_mean_does_not() -> None:
    rng = np.random.default_rng(0)
    seen, estimates, plain = [], [], []
    for draw in range(60):
        old, new = rng.normal(size=2000), rng.normal(size=2000)
        chance = 1 / (1 + np.exp(-(old + new - 1)))
        won = (rng.random(2000) < chance).astype(float)
        picks = pick(old, np.arange(2000), 1000, share=0.4, seed=draw)
        wanted = new > 0.5
        rows = picks.rows
        found = estimate(won[rows], picks.propensity[rows], wanted[rows], rows, Resampling(50))
        estimates.append(found.precision)
        plain.append(won[rows][wanted[rows]].mean())
        seen.append(chance[wanted].mean())
        assert found.effective < found.leads
    assert np.mean(estimates) == pytest.approx(np.mean(seen), abs=0.02)
    assert np.mean(plain) > np.mean(seen) + 0.03


def test_nonsense_is_refused_and_untouched_leads_stand_apart() -> None:
    with pytest.raises(ContractError, match="must be between 0 and"):
        pick(np.arange(3.0), np.arange(3), 2, share=0.9)
    with pytest.raises(ContractError, match="propensity 0"):
        estimate(np.ones(2), np.array([1.0, 0.0]), np.ones(2, dtype=bool), np.arange(2))
    table = worked_and_not(np.array([True, True, False, False]), np.array([1.0, 0.0, 0.0, np.nan]))
    assert table["n"].tolist() == [2, 1]
    assert table["rate"].tolist() == [0.5, 0.0]
