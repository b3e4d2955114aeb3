"""The booster's parameters where rows are many: a wide search in which few trials see every row.

All trials are judged on a sample, the better ones on more rows, the best on all (successive halving: Jamieson and
Talwalkar 2016). A sample judges size wrongly, as an interaction of three columns shows only in many rows, and in some
fits by luck; so the best trial of every class of size goes on beside the best overall, and where the sample is all
rows, those that go on are judged on parts that no trial was judged on before.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from features.array_types import Ints
from features.cohort.splits import Block
from features.matrix import Matrix
from models.candidates.boosting import DEFAULTS
from models.grouped_folds import draw_rows
from models.judging.evaluation.backtest import fold_blocks
from models.settings import TrainSettings
from models.training.trials import run_side_by_side
from models.training.tuning_folds import (
    PATIENCE,
    Curve,
    Trial,
    TuningFold,
    judge_parameters,
    judge_several,
    prepare_fold,
)

_SAMPLE = 40_000  # most rows that every trial sees
FOLDED_ROWS = 100_000  # up to so many rows are judged in folds; of more, one held-out part tells as much
_HELD_OUT = 5  # one in so many rows of that part
_RATE, _SLOWER = 0.15, 0.06  # learning rate of the search, and of the last step, with as many rounds as it takes
_SLOWER_ROWS = 200_000  # above it a slower rate gains less than it costs
_HASTE = 25  # rounds without a better loss that end a curve before the last step
_ROUNDS = 2_000  # never reached in the tables of the benchmark: every curve turns before
_SIZES = (15, 63)  # classes of leaves: up to 15, up to 63, more
_BEST = 2  # trials that go on at first, beside the best of each class
_FINALISTS = 1
_LANES = 2  # sets of parameters judged side by side, as folds are
_TRIALS = 4 / 3  # of those of a small table
_ROWS_PER_LEAF = 40  # of the rarer outcome, that a further leaf must have to be tried
_NARROW_LEAVES, _NARROW_DEPTH = 31, 6  # what any table may have; a depth of two for each doubling of leaves
# many leaves of many rows, each tree of other rows: what finds interactions of three columns
_DEEP: Mapping[str, Any] = {
    "num_leaves": 127,
    "max_depth": 12,
    "min_child_samples": 100,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.6,
    "lambda_l2": 0.5,
    "cat_smooth": 50.0,
    "extra_trees": False,
}
# the same where columns matter only together: every split sees them all, and few rows never make a leaf
_STEADY: Mapping[str, Any] = {**_DEEP, "min_child_samples": 250, "feature_fraction": 1.0, "bagging_fraction": 0.85}


@dataclass(frozen=True)
class Room:
    """How deep the trees may get."""

    leaves: int
    depth: int

    def within(self, start: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters with no more leaves and depth than these."""
        leaves, depth = min(start["num_leaves"], self.leaves), min(start["max_depth"], self.depth)
        return {**start, "num_leaves": leaves, "max_depth": depth}

    @classmethod
    def of(cls, rarer: int, settings: TrainSettings) -> "Room":
        """As the rows of the rarer outcome deserve, within what the settings allow."""
        leaves = int(np.clip(rarer // _ROWS_PER_LEAF, _NARROW_LEAVES, settings.max_leaves))
        depth = _NARROW_DEPTH + round(2 * np.log2(max(leaves / _NARROW_LEAVES, 1.0)))
        return cls(leaves, int(min(depth, settings.max_depth)))


def search_by_halving(
    matrix: Matrix, rows: Ints, settings: TrainSettings, tried: list[Trial] | None = None
) -> dict[str, Any]:
    """Parameters with the lowest loss on held-out rows of ``rows``; the same seed finds the same.

    ``tried`` is extended by what was judged on the way.
    """
    tried = [] if tried is None else tried
    rarer = int(min(matrix.label[rows].sum(), (1 - matrix.label[rows]).sum()))
    room = Room.of(rarer, settings)
    sample = min(len(rows), _SAMPLE)
    kept = _try_many(matrix, draw_rows(rows, sample, settings.seed), room, settings)
    tried += [Trial("halving 1", sample, curve) for curve in kept]
    whole = sample == len(rows) <= FOLDED_ROWS  # and so in folds, of which the trials saw one
    middle = round(float(np.sqrt(sample * len(rows))))
    wider = draw_rows(rows, middle, settings.seed)
    kept = judge_on_rows(matrix, wider, promote(kept, _BEST), settings, patience=_HASTE, skip=int(whole))
    tried += [Trial("halving 2", middle, curve) for curve in kept]

    rate = _SLOWER if len(rows) <= _SLOWER_ROWS else _RATE
    finalists = promote(kept, _FINALISTS)
    last = [{**parameters, "learning_rate": rate} for parameters in (finalists[:1] if whole else finalists)]
    judged = judge_on_rows(matrix, rows, last, settings)
    tried += [Trial("halving 3", len(rows), curve) for curve in judged]
    return dict(min(judged, key=lambda curve: curve.loss).parameters)


def promote(curves: Sequence[Curve], count: int) -> list[Mapping[str, Any]]:
    """Parameters of the best ``count`` curves and of the best of each class of size, best first."""
    ranked = sorted(curves, key=lambda curve: curve.loss)
    first: dict[int, int] = {}
    for place, curve in enumerate(ranked):
        first.setdefault(_size_class(curve.parameters), place)
    kept = {*range(min(count, len(ranked))), *first.values()}
    return [ranked[place].parameters for place in sorted(kept)]


def _size_class(parameters: Mapping[str, Any]) -> int:
    return int(np.searchsorted(_SIZES, parameters["num_leaves"]))


def _try_many(matrix: Matrix, rows: Ints, room: Room, settings: TrainSettings) -> list[Curve]:
    """A third more trials than for a small table, each judged on one held-out part of a sample, two at a time."""
    block = _folds(matrix, rows, settings)[0]

    def judge(fold: TuningFold, parameters: Mapping[str, Any]) -> Curve:
        return judge_parameters([fold], parameters, settings, _ROUNDS, _HASTE)

    return run_side_by_side(
        lambda trial: _suggest(trial, room),
        # a copy each: two fits with parameters of their own must not share a data set
        [partial(judge, prepare_fold(matrix, block, settings)) for _ in range(_LANES)],
        trials=round(_TRIALS * settings.trials),
        seed=settings.seed,
        starts=[{key: DEFAULTS[key] for key in _DEEP}, room.within(_DEEP), room.within(_STEADY)],
    )


def _suggest(trial: Any, room: Room) -> dict[str, Any]:
    return {
        **DEFAULTS,
        "learning_rate": _RATE,
        "num_leaves": trial.suggest_int("num_leaves", 4, room.leaves, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, room.depth),
        "min_child_samples": trial.suggest_int("min_child_samples", 10, 300, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.05, 50.0, log=True),
        "cat_smooth": trial.suggest_float("cat_smooth", 5.0, 100.0, log=True),
        "extra_trees": trial.suggest_categorical("extra_trees", [False, True]),
    }


def judge_on_rows(
    matrix: Matrix,
    rows: Ints,
    several: Sequence[Mapping[str, Any]],
    settings: TrainSettings,
    *,
    patience: int = PATIENCE,
    skip: int = 0,
) -> list[Curve]:
    """Each set of parameters on folds of the rows but the first ``skip``, in the given order; rounds by the mean."""
    blocks = _folds(matrix, rows, settings)[skip:]
    if len(blocks) > 1:
        folds = [prepare_fold(matrix, block, settings) for block in blocks]
        return judge_several(folds, several, settings, _ROUNDS, patience)

    lanes = [several[k::_LANES] for k in range(min(_LANES, len(several)))]
    # a copy each: two fits with parameters of their own must not share a data set
    folds = [prepare_fold(matrix, blocks[0], settings) for _ in lanes]
    with ThreadPoolExecutor(max_workers=_LANES) as pool:
        judged = list(
            pool.map(lambda fold, lane: judge_several([fold], lane, settings, _ROUNDS, patience), folds, lanes)
        )
    return [judged[k % _LANES][k // _LANES] for k in range(len(several))]


def _folds(matrix: Matrix, rows: Ints, settings: TrainSettings) -> list[Block]:
    """Folds of the rows with accounts kept whole; of very many rows, one part held out."""
    many = len(rows) > FOLDED_ROWS
    blocks = fold_blocks(matrix, rows, _HELD_OUT if many else settings.tune_folds, settings.seed)
    return list(islice(blocks, 1 if many else None))
