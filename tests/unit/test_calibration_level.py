"""The level of probabilities: the newest rows', past blocks' steps shrunk, and a promise that is checked."""

import numpy as np
import pytest

from features.errors import BundleError
from models.calibration.level import (
    NOISE,
    Level,
    LevelHistory,
    check_promise,
    estimate_level,
    fit_history,
    newest_of,
)
from models.logistic import sigmoid


def test_a_level_makes_the_mean_promise_what_happened() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(-2, 1, 5000)
    won = (rng.random(5000) < sigmoid(z + 0.7)).astype(np.float64)
    found = estimate_level(z, won, np.arange(5000))
    assert float(sigmoid(z + found.value).mean()) == pytest.approx(float(won.mean()), abs=1e-6)
    assert abs(found.value - 0.7) < 3 * found.variance**0.5


def test_rows_of_one_group_count_as_one_try() -> None:
    rng = np.random.default_rng(2)
    z = np.repeat(rng.normal(-1, 1, 500), 8)
    won = np.repeat((rng.random(500) < sigmoid(z[::8])).astype(np.float64), 8)
    alone, together = estimate_level(z, won, np.arange(4000)), estimate_level(z, won, np.arange(4000) // 8)
    assert together.value == alone.value and together.variance == pytest.approx(8 * alone.variance, rel=1e-6)


def test_what_the_refit_has_learned_since_is_not_added_once_more() -> None:
    """A step that every later model knows: blocks stood at the level of the newest rows before them."""
    stepped = fit_history(
        [Level(0.1, 0.01), Level(1.2, 0.01), Level(1.2, 0.01)], [Level(0.1, 0.01)] * 2 + [Level(1.1, 0.01)]
    )
    assert abs(stepped.step) < 0.2  # of a step of 1.1, seen once
    assert stepped.settle(Level(0.6, 0.0025)) == pytest.approx(0.6 + NOISE * 0.05)  # as much as the rows' noise allows


def test_steps_that_go_on_are_followed_within_the_noise_of_the_newest_rows() -> None:
    going_on = fit_history([Level(0.5, 0.01)] * 4, [Level(0.2, 0.01)] * 4)
    assert 0.2 < going_on.step < 0.3
    assert going_on.settle(Level(0.4, 0.04)) == pytest.approx(0.7 * (0.4 + going_on.step) + 0.3 * 0.5)
    assert going_on.settle(Level(0.4, 0.0001)) == pytest.approx(0.4 + NOISE * 0.01)


def test_the_next_level_is_as_uncertain_as_past_ones_were_off() -> None:
    steady = fit_history([Level(0.1, 0.01), Level(0.1, 0.01)], [Level(0.1, 0.01)] * 2)
    jumping = fit_history([Level(-0.8, 0.01), Level(0.8, 0.01)], [Level(0.0, 0.01)] * 2)
    assert steady.wander == 0.0 and jumping.wander > 0.5
    assert fit_history([], []) == LevelHistory()


def test_a_history_survives_its_record() -> None:
    history = LevelHistory(0.12, 0.3, -0.1)
    assert LevelHistory(**history.record()) == history


def test_a_level_that_stands_apart_from_all_others_is_doubted() -> None:
    history = LevelHistory(step=0.0, wander=0.0, level=0.1)
    assert history.doubt(0.9, whole=0.85) == pytest.approx(0.05**2 / 2)
    assert history.doubt(0.1, whole=2.0) == 0.0
    assert history.doubt(-0.5, whole=0.2) == pytest.approx(0.6**2 / 2)


def test_newest_rows_are_the_last_fifth_or_more_where_wins_are_rare() -> None:
    order, won = np.random.default_rng(3).permutation(5000), np.zeros(5000)
    won[order >= 4000] = np.arange(1000) % 2
    newest = newest_of(np.arange(5000), order, won[np.arange(5000)], ordered=True)
    assert sorted(order[newest]) == list(range(4000, 5000))
    rare = np.zeros(5000)
    rare[:40] = 1.0
    assert len(newest_of(np.arange(5000), np.arange(5000), rare, ordered=True)) == 4990
    assert len(newest_of(np.arange(5000), order, won, ordered=False)) == 5000


def test_a_bundle_whose_level_is_off_is_refused() -> None:
    rng = np.random.default_rng(4)
    z = rng.normal(-2, 1, 3000)
    won = (rng.random(3000) < sigmoid(z)).astype(np.float64)
    shown = estimate_level(z, won, np.arange(3000))
    kept = check_promise(z + shown.value, won, shown, shown.value)
    assert kept.holds and kept.promised == pytest.approx(kept.happened, abs=1e-6)
    with pytest.raises(BundleError, match=r"promises .* on the newest 3,000 matured rows where"):
        check_promise(z + shown.value + 0.5, won, shown, shown.value + 0.5)
