"""Block by block: differences to the chosen candidate are paired, and a random split's optimism is explained."""

from dataclasses import replace

import numpy as np
import pytest

from features.matrix import Matrix
from features.schema.source import Capacity
from models.judging.cluster_bootstrap import Resampling
from models.judging.evaluation.backtest import Backtest, OutOfFold
from models.judging.evaluation.paired_blocks import POOLED, compare_by_block
from models.judging.evaluation.random_split_optimism import measure_split_optimism
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.logistic import log_loss
from tests.reference.toy import toy_matrix

CAPACITY = Capacity(share=0.1)


def predictions(matrix: Matrix, rows: np.ndarray, block: np.ndarray, **noise: float) -> OutOfFold:
    """Log-odds of candidates: the outcome's side, blurred by so much."""
    rng = np.random.default_rng(3)
    side = 2 * matrix.label[rows] - 1
    log_odds = {name: side + rng.normal(0, blur, len(rows)) for name, blur in noise.items()}
    return OutOfFold(rows, block, tuple(f"block {k + 1}" for k in range(int(block.max()) + 1)), log_odds)


@pytest.fixture
def matrix() -> Matrix:
    return toy_matrix(600, seed=5)


def test_differences_are_of_the_same_rows_and_the_intervals_hold_them(matrix: Matrix) -> None:
    rows = np.arange(200, 600)
    found = predictions(matrix, rows, np.repeat([0, 1], 200), sharp=0.5, blurred=2.5)
    records = compare_by_block(
        matrix, found, "sharp", SnapshotCapacity(CAPACITY), blocks=2, resampling=Resampling(300, 1)
    )
    assert [r["block"] for r in records] == ["block 1", "block 2", POOLED]
    for record, part in zip(records, (slice(0, 200), slice(200, 400), slice(0, 400)), strict=True):
        own, other = record["candidates"]
        won = matrix.label[rows[part]]
        gap = log_loss(won, found.log_odds["blurred"][part]) - log_loss(won, found.log_odds["sharp"][part])
        assert own["above_winner"] == 0 and own["above_winner_ci"] is None
        assert other["above_winner"] == pytest.approx(gap.mean())
        low, high = other["above_winner_ci"]
        assert 0 < low < gap.mean() < high
        # paired: as wide as the differences themselves vary, not as the losses do
        assert high - low == pytest.approx(2 * 1.645 * gap.std() / len(won) ** 0.5, rel=0.25)
        assert other["wins_above_winner"] == other["wins_at_capacity"] - own["wins_at_capacity"] <= 0
        assert (record["n"], record["won"]) == (len(won), won.sum())
    pooled = records[-1]
    assert pooled["handoffs"] == sum(r["handoffs"] for r in records[:-1]) == 40
    assert pooled["candidates"][0]["wins_at_capacity"] == 40


def backtest(matrix: Matrix, late: np.ndarray, mixed: np.ndarray, block: np.ndarray) -> Backtest:
    rows = np.arange(len(matrix))
    rolling = OutOfFold(rows, block, ("block 1", "block 2"), {"linear": late})
    random = OutOfFold(rows[::-1].copy(), rows % 3, ("a", "b", "c"), {"linear": mixed[::-1].copy()})
    return Backtest(
        rolling=rolling,
        random=random,
        weights={},
        parameters={},
        folds=({"train": 100}, {"train": 300}),
        table=(),
    )


def test_a_gap_made_by_the_level_alone_is_said_to_be_the_level(matrix: Matrix) -> None:
    block = np.repeat([0, 1], 300)
    good = 2.0 * (matrix.label - 0.5) + np.random.default_rng(0).normal(0, 1, 600)
    found = measure_split_optimism(
        matrix, backtest(matrix, good + np.where(block == 0, 1.5, -1.5), good, block), "linear", DRAWN
    )
    assert found is not None
    gap = found.by_time - found.at_random
    assert 0 < found.gap.low < gap < found.gap.high
    assert found.of_level == pytest.approx(gap, rel=0.05)
    assert found.auc_by_time == pytest.approx(found.auc_at_random)
    assert "is optimistic by" in found.sentence and "200 rows on average against 400" in found.sentence


def test_a_gap_made_by_order_is_not_put_down_to_the_level(matrix: Matrix) -> None:
    block = np.repeat([0, 1], 300)
    good = 2.0 * (matrix.label - 0.5)
    late = good + np.random.default_rng(1).normal(0, 2, 600)
    found = measure_split_optimism(matrix, backtest(matrix, late, good, block), "linear", DRAWN)
    assert found is not None
    assert abs(found.of_level) < 0.2 * (found.by_time - found.at_random)


def test_no_gap_is_called_no_more_than_noise_and_no_order_gives_none(matrix: Matrix) -> None:
    block, good = np.repeat([0, 1], 300), 2.0 * (matrix.label - 0.5)
    same = backtest(matrix, good, good, block)
    found = measure_split_optimism(matrix, same, "linear", DRAWN)
    assert found is not None and "no more than noise" in found.sentence
    assert measure_split_optimism(matrix, replace(same, random=None), "linear", DRAWN) is None


DRAWN = Resampling(200, 1)
