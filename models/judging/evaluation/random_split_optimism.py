"""How optimistic a random split is: the same rows predicted by random folds and from earlier rows alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from features.matrix import Matrix
from models.judging.cluster_bootstrap import Interval, Resampling, mean_interval
from models.judging.evaluation.backtest import Backtest, OutOfFold
from models.judging.evaluation.metrics import auc
from models.judging.evaluation.signal_test import recenter_by_block
from models.logistic import log_loss

FEWEST = 50  # rows judged by both kinds of folds; fewer have no AUC worth comparing


@dataclass(frozen=True, kw_only=True)
class SplitOptimism:
    """One candidate on rows that both kinds of folds judged.

    Parameters
    ----------
    by_time, at_random : log loss; ``gap`` is how much lower the random one is, with a 90% interval over accounts
    of_level : the part of the gap that goes when the level is refitted in every block for both
    auc_by_time, auc_at_random : mean over blocks
    trained_by_time, trained_at_random : mean number of rows a judged row's model was trained on
    """

    rows: int
    by_time: float
    at_random: float
    gap: Interval
    of_level: float
    auc_by_time: float
    auc_at_random: float
    trained_by_time: int
    trained_at_random: int

    @property
    def sentence(self) -> str:
        """For the report."""
        gap = self.by_time - self.at_random
        shown = (
            f"On the same {self.rows:,} rows random folds reach log loss {self.at_random:.4f} and AUC "
            f"{self.auc_at_random:.3f}, later rows predicted from earlier ones {self.by_time:.4f} and "
            f"{self.auc_by_time:.3f}"
        )

        if not self.gap.low > 0:
            return (
                f"{shown}. The gap of {gap:+.4f} ({self.gap.low:+.4f} to {self.gap.high:+.4f}) is no more than noise "
                "or in favour of time: a random split would not have been optimistic here."
            )

        return (
            f"{shown}: a random split is optimistic by {gap:.4f} ({self.gap.low:.4f} to {self.gap.high:.4f}). Of that, "
            f"{self.of_level:+.4f} is the level, which moves from block to block and which random folds have seen; "
            f"{gap - self.of_level:+.4f} is order and spread: relations that did not last, and models that learned "
            f"from {self.trained_by_time:,} rows on average against {self.trained_at_random:,}."
        )

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "rows": self.rows,
            "log_loss_by_time": self.by_time,
            "log_loss_at_random": self.at_random,
            "gap": self.by_time - self.at_random,
            "gap_ci": self.gap.record(),
            "of_level": self.of_level,
            "auc_by_time": self.auc_by_time,
            "auc_at_random": self.auc_at_random,
            "sentence": self.sentence,
        }


def measure_split_optimism(matrix: Matrix, found: Backtest, name: str, resampling: Resampling) -> SplitOptimism | None:
    """How much better a random split makes candidate ``name`` look; None without an order, or with too few common rows.

    Only rows judged by both kinds of folds are compared: over all rows the two would differ by period alone.
    """
    random = found.random
    if random is None:
        return None
    _, late, mixed = np.intersect1d(found.rolling.rows, random.rows, return_indices=True)
    rows, block = found.rolling.rows[late], found.rolling.block[late]
    won = matrix.label[rows]
    if len(rows) < FEWEST or won.min() == won.max():
        return None

    by_time, at_random = found.rolling.log_odds[name][late], random.log_odds[name][mixed]
    gain = log_loss(won, by_time) - log_loss(won, at_random)
    ones = np.ones(len(rows))
    settled = log_loss(won, recenter_by_block(by_time, won, ones, block)) - log_loss(
        won, recenter_by_block(at_random, won, ones, block)
    )

    return SplitOptimism(
        rows=len(rows),
        by_time=float(log_loss(won, by_time).mean()),
        at_random=float(log_loss(won, at_random).mean()),
        gap=mean_interval(gain, matrix.group_codes[rows], resampling),
        of_level=float(gain.mean() - settled.mean()),
        auc_by_time=_mean_auc(won, by_time, block),
        auc_at_random=_mean_auc(won, at_random, block),
        trained_by_time=int(np.mean([found.folds[k]["train"] for k in block])),
        trained_at_random=_mean_training_rows(random),
    )


def _mean_auc(won: Floats, log_odds: Floats, block: Ints) -> float:
    parts = [auc(won[block == k], log_odds[block == k], np.ones(int((block == k).sum()))) for k in np.unique(block)]
    return float(np.nanmean(parts))


def _mean_training_rows(random: OutOfFold) -> int:
    """Mean number of rows a random fold learned from: all but its own."""
    own = np.bincount(random.block)
    return int(np.average(len(random.rows) - own, weights=own))
