"""The prior-shift watch says when the base rate moved, and a declared correction moves the level, not the ranking."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from features.matrix import Matrix
from models.calibration.level import Level
from models.candidates.rate import RateCandidate
from models.judging.cluster_bootstrap import Resampling
from models.judging.drift.prior_shift import measure_prior_shift
from models.judging.evaluation.backtest import Backtest, fit_all
from models.logistic import sigmoid
from models.settings import TrainSettings
from models.training.recipe import Recipe, backtest_candidates
from models.training.twin import settle_calibrations
from models.training.verdict import decide
from tests.reference.toy import toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()


def dated(rate: float, rows: int = 2400) -> Matrix:
    """Twelve months of 200 rows; 20% are won, in the last month ``rate``."""
    matrix = toy_matrix(rows)
    months = pd.Series(pd.date_range("2024-01-15", periods=12, freq="MS").repeat(rows // 12)).astype("datetime64[us]")
    label = (np.random.default_rng(2).random(rows) < np.where(np.arange(rows) < rows - rows // 12, 0.2, rate)).astype(
        float
    )
    return replace(matrix, keys=matrix.keys.assign(as_of=months), label=label, ordered=True)


def test_a_moved_base_rate_is_said_with_figures_and_an_unmoved_one_too() -> None:
    moved = measure_prior_shift(dated(0.45), np.arange(2400), Resampling(200, 1))
    assert moved is not None and moved.moved and moved.low > moved.before
    assert moved.period == "2025-01" and moved.rows == 200
    assert moved.sentence.startswith("The base rate moved: ") and f"{moved.rate:.1%}" in moved.sentence
    still = measure_prior_shift(dated(0.2), np.arange(2400), Resampling(200, 1))
    assert still is not None and not still.moved and "did not move beyond noise" in still.sentence


def test_a_remedy_by_blocks_in_time_is_offered_only_where_there_are_such_blocks() -> None:
    for in_blocks in (True, False):
        found = measure_prior_shift(dated(0.45), np.arange(2400), Resampling(200, 1), in_blocks=in_blocks)
        assert found is not None and ("newest matured rows alone" in found.sentence) is in_blocks


def test_thin_months_are_added_up_and_unordered_rows_have_no_newest() -> None:
    matrix = dated(0.2)
    few = np.r_[np.arange(2000), np.arange(2000, 2200, 4), np.arange(2200, 2400, 4)]
    found = measure_prior_shift(matrix, few, Resampling(100, 1))
    assert found is not None and found.period == "2024-12 to 2025-01" and found.rows == 100
    assert measure_prior_shift(replace(matrix, ordered=False), few, Resampling(100, 1)) is None
    assert measure_prior_shift(matrix, np.arange(300), Resampling(100, 1)) is None


@cache
def stepped() -> tuple[Matrix, Backtest]:
    """Rows of which more are won from the thousandth on, judged."""
    matrix = toy_matrix(1500)
    label = np.where((np.arange(1500) >= 1000) & (np.random.default_rng(1).random(1500) < 0.4), 1.0, matrix.label)
    matrix = replace(matrix, label=label, ordered=True)
    return matrix, backtest_candidates(matrix, toy_chop(1500), SETTINGS)


def test_the_declared_correction_moves_the_level_alone() -> None:
    matrix, backtest = stepped()
    plain, moved = decide(matrix, backtest, SETTINGS), decide(matrix, backtest, SETTINGS, newest_level=True)
    assert plain.levels[plain.winner].step != 0.0 and moved.calibrations == plain.calibrations
    for name, history in plain.levels.items():
        assert moved.levels[name] == replace(history, newest_alone=True)
        shown = Level(0.4, 0.01)
        assert moved.levels[name].settle(shown) == 0.4 and history.settle(shown) != 0.4
    assert "Prior correction as declared" in moved.notes[-1]

    # folds that are not in time show no step from the newest rows, all else they show is kept (docs/adr/0031)
    apart = decide(matrix, replace(backtest, random=None), SETTINGS).levels
    unordered = decide(replace(matrix, ordered=False), replace(backtest, random=None), SETTINGS).levels
    assert set(apart) == set(plain.levels) > {"rate"}
    for name, history in unordered.items():
        assert history.step != 0.0 != history.level and apart[name] == replace(history, step=0.0)


def test_the_base_rate_counts_rows_alike_and_follows_the_newest_like_every_candidate() -> None:
    matrix = toy_matrix(1500, strength=0.0)
    rows = np.arange(1500)
    label = (rows % 4 == 0).astype(np.float64)
    # who wins has one row, who does not has three: a quarter of the rows are won, half of them by learning weights
    leads = pd.Series([f"W{k}" if won else f"L{k // 4}" for k, won in zip(rows, label, strict=True)], dtype="str")
    weight = np.where(label == 1.0, 1.0, 1.0 / 3)
    matrix = replace(matrix, label=label, keys=matrix.keys.assign(lead_id=leads), weight=weight)
    chop = toy_chop(1500)
    rate = fit_all(matrix, chop.final.train, lambda: {"rate": RateCandidate()}, SETTINGS)["rate"]
    assert sigmoid(rate.log_odds(matrix.values))[0] == pytest.approx(label[chop.final.train].mean())

    matrix, backtest = stepped()
    rate = fit_all(matrix, chop.final.train, lambda: {"rate": RateCandidate()}, SETTINGS)["rate"]
    recipe = Recipe(backtest=backtest, decision=decide(matrix, backtest, SETTINGS), settings=SETTINGS)
    level = settle_calibrations({"rate": rate}, matrix, chop.final.train, recipe)["rate"]
    plain = rate.log_odds(matrix.values)
    base, settled = float(sigmoid(plain)[0]), float(sigmoid(level.apply(plain))[0])
    assert settled > base + 0.04
