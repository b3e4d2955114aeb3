"""The prior-shift watch says when the base rate moved, and a declared correction moves the level, not the ranking."""

from dataclasses import replace

import numpy as np
import pandas as pd

from features.matrix import Matrix
from models.judging.cluster_bootstrap import Resampling
from models.judging.drift.prior_shift import measure_prior_shift
from models.settings import TrainSettings
from models.training.recipe import backtest_candidates
from models.training.verdict import decide
from tests.reference.toy import toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()


def dated(rate: float, rows: int = 2400) -> Matrix:
    """Twelve months of 200 rows; 20 % are won, in the last month ``rate``."""
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


def test_the_declared_correction_moves_the_level_alone() -> None:
    matrix = toy_matrix(1500)
    label = np.where((np.arange(1500) >= 1000) & (np.random.default_rng(1).random(1500) < 0.4), 1.0, matrix.label)
    matrix, chop = replace(matrix, label=label, ordered=True), toy_chop(1500)
    backtest = backtest_candidates(matrix, chop, SETTINGS)
    plain, moved = decide(matrix, backtest, SETTINGS), decide(matrix, backtest, SETTINGS, newest_level=True)
    assert plain.levels[plain.winner].step != 0.0 and moved.levels[plain.winner].step == 0.0
    assert (
        moved.calibrations == plain.calibrations
        and moved.levels[plain.winner].wander == plain.levels[plain.winner].wander
    )
    assert "Prior correction as declared" in moved.notes[-1]
