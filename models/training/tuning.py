"""The booster's parameters by a count of trials, judged on random and, where there is time, on rolling folds."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from features.cohort.splits import IN_TIME, Block, Chop, leads_of
from features.matrix import Matrix
from models.candidates.boosting import DEFAULTS
from models.grouped_folds import draw_rows
from models.judging.evaluation.backtest import fold_blocks, random_blocks
from models.settings import TrainSettings
from models.training.successive_halving import search_by_halving
from models.training.trials import run_trials
from models.training.tuning_folds import Trial, judge_parameters, loss_per_round, prepare_fold

_SMALL_LEAVES, _SMALL_DEPTH = 31, 6  # of trees that learn from a sample; more of either was never better there


def tune_booster(
    matrix: Matrix, chop: Chop, settings: TrainSettings, tried: list[Trial] | None = None
) -> dict[str, Any]:
    """Parameters with the lowest mean log loss over the folds; rounds by the mean curve.

    Where leads are many the search is wider and sees all rows; where rows have an order, what it finds must also be
    better on the rolling blocks. The test block is never seen. Same matrix, chop and settings give the same parameters.
    ``tried`` is extended by what was judged on the way.
    """
    tried = [] if tried is None else tried
    many = min(leads_of(matrix, chop.final.train)) >= settings.many_leads
    if not many:
        return _search_sample(matrix, chop, settings, tried)
    found = search_by_halving(matrix, chop.final.train, settings, tried)
    if chop.kind not in IN_TIME:
        return found
    plain = _search_sample(matrix, chop, settings, tried)
    return found if _better_later(matrix, chop, settings, found, plain) else plain


def _better_later(
    matrix: Matrix, chop: Chop, settings: TrainSettings, found: Mapping[str, Any], plain: Mapping[str, Any]
) -> bool:
    """Whether parameters are better than others on the rolling blocks, on the newest and on the mean of all.

    Folds at random say what holds whenever; a market that moves punishes deep trees that they praise (docs/adr/0040).
    """
    losses = np.array(
        [[_loss_of(matrix, block, parameters, settings) for parameters in (found, plain)] for block in chop.blocks]
    )
    gain = losses[:, 1] - losses[:, 0]
    return bool(gain[-1] > 0 and gain.mean() > 0)


def _loss_of(matrix: Matrix, block: Block, parameters: Mapping[str, Any], settings: TrainSettings) -> float:
    """Loss on a block after the parameters' own count of rounds."""
    fold = prepare_fold(matrix, block, settings)
    return float(loss_per_round(fold, parameters, settings, int(parameters["rounds"]))[-1])


def _search_sample(matrix: Matrix, chop: Chop, settings: TrainSettings, tried: list[Trial]) -> dict[str, Any]:
    """The search where leads are few: shallow trees, every trial judged on a sample of the rows."""
    folds = [prepare_fold(matrix, block, settings) for block in _folds(matrix, chop, settings)]
    found = run_trials(
        lambda trial: judge_parameters(folds, _suggest(trial, settings), settings, settings.max_rounds),
        trials=settings.trials,
        seed=settings.seed,
        starts=[{key: DEFAULTS[key] for key in _SEARCHED}],
    )
    tried += [Trial("sample", sum(fold.judge.num_data() for fold in folds), curve) for curve in found]
    return dict(min(found, key=lambda curve: curve.loss).parameters)


_SEARCHED = (
    "num_leaves",
    "max_depth",
    "min_child_samples",
    "feature_fraction",
    "lambda_l2",
    "cat_smooth",
    "extra_trees",
)


def _suggest(trial: Any, settings: TrainSettings) -> dict[str, Any]:
    """Parameters of a trial, depth and leaves up to what the settings allow."""
    return {
        **DEFAULTS,
        "num_leaves": trial.suggest_int("num_leaves", 4, min(settings.max_leaves, _SMALL_LEAVES), log=True),
        "max_depth": trial.suggest_int("max_depth", 2, min(settings.max_depth, _SMALL_DEPTH)),
        "min_child_samples": trial.suggest_int("min_child_samples", 10, 200, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 50.0, log=True),
        "cat_smooth": trial.suggest_float("cat_smooth", 5.0, 100.0, log=True),
        "extra_trees": trial.suggest_categorical("extra_trees", [False, True]),
    }


def _folds(matrix: Matrix, chop: Chop, settings: TrainSettings) -> list[Block]:
    """Random folds and, where rows have an order, the newest development block."""
    if chop.kind in IN_TIME:
        newest = chop.blocks[-1]
        return [*random_blocks(matrix, chop, settings), _subsample_block(newest, settings)]
    rows = draw_rows(chop.final.train, settings.tune_rows, settings.seed)
    return list(fold_blocks(matrix, rows, settings.tune_folds, settings.seed))


def _subsample_block(block: Block, settings: TrainSettings) -> Block:
    """A block with at most ``tune_rows`` rows on either side."""
    train, test = (draw_rows(rows, settings.tune_rows, settings.seed) for rows in (block.train, block.test))
    return replace(block, train=train, test=test)
