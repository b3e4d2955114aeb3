"""The booster's parameters by a count of trials, judged on random and, where there is time, on rolling folds."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lightgbm as lgb
import numpy as np

from features.array_types import Floats
from features.cohort.splits import Block, Chop
from features.matrix import Matrix
from models.candidates.boosting import DATASET, DEFAULTS, TreeColumns, parameters_for
from models.candidates.linear import learned_catalog
from models.grouped_folds import grouped_folds
from models.judging.evaluation.backtest import group_codes, judging_weight, random_blocks, subsample
from models.settings import TrainSettings

_MINIMUM_ROUNDS = 20  # bounds from below what a few noisy folds may choose
_PATIENCE = 50  # rounds without a better loss before a fold's curve is taken as ended


def tune_booster(matrix: Matrix, chop: Chop, settings: TrainSettings) -> dict[str, Any]:
    """Parameters with the lowest mean log loss over the folds; rounds by the mean curve.

    The test block is never seen. Same matrix, chop and settings give the same parameters.
    """
    import optuna  # slow to load, and only training needs it

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folds = _folds(matrix, chop, settings)
    prepared = [_prepare(matrix, block, settings) for block in folds]
    sampler = optuna.samplers.TPESampler(seed=settings.seed, n_startup_trials=max(4, settings.trials // 2))
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial({k: v for k, v in DEFAULTS.items() if k in _SEARCHED})

    found: dict[int, dict[str, Any]] = {}

    def objective(trial: optuna.Trial) -> float:
        parameters = _suggest(trial, settings)
        curve = np.mean(list(pool.map(lambda data: _curve(data, parameters, settings), prepared)), axis=0)
        best = int(np.argmin(curve))
        found[trial.number] = {**parameters, "rounds": max(best + 1, _MINIMUM_ROUNDS)}
        return float(curve[best])

    with ThreadPoolExecutor(max_workers=2) as pool:  # folds side by side; two, as in the booster's own fit
        study.optimize(objective, n_trials=settings.trials)
    return found[study.best_trial.number]


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
        **{key: value for key, value in DEFAULTS.items() if key != "rounds"},
        "num_leaves": trial.suggest_int("num_leaves", 4, settings.max_leaves, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, settings.max_depth),
        "min_child_samples": trial.suggest_int("min_child_samples", 10, 200, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 50.0, log=True),
        "cat_smooth": trial.suggest_float("cat_smooth", 5.0, 100.0, log=True),
        "extra_trees": trial.suggest_categorical("extra_trees", [False, True]),
    }


def _folds(matrix: Matrix, chop: Chop, settings: TrainSettings) -> list[Block]:
    """Random folds and, where rows have an order, the newest development block."""
    if chop.kind in ("time", "ordered"):
        newest = chop.blocks[-1]
        return [*random_blocks(matrix, chop, settings), _subsample_block(newest, settings)]
    rng = np.random.default_rng(settings.seed)
    rows = np.sort(rng.permutation(chop.final.train)[: settings.tune_rows])
    folds = grouped_folds(group_codes(matrix)[rows], settings.tune_folds, settings.seed)
    return [Block(name=f"random {k}", train=rows[train], test=rows[test]) for k, (train, test) in enumerate(folds)]


def _subsample_block(block: Block, settings: TrainSettings) -> Block:
    """A block with at most ``tune_rows`` rows on either side."""
    rng = np.random.default_rng(settings.seed)
    train = np.sort(rng.permutation(block.train)[: settings.tune_rows])
    test = np.sort(rng.permutation(block.test)[: settings.tune_rows])
    return Block(
        name=block.name, train=train, test=test, purged=block.purged, test_from=block.test_from, test_to=block.test_to
    )


def _prepare(matrix: Matrix, block: Block, settings: TrainSettings) -> tuple[lgb.Dataset, lgb.Dataset, list[int]]:
    """LightGBM's data to learn from and to judge on, and the declared direction of each column."""
    catalog = learned_catalog(matrix.catalog)
    train, test = subsample(matrix, block.train, settings), matrix.take(block.test)
    columns = TreeColumns.fit(train.values, catalog)

    options = {
        "feature_name": [f"f{k}" for k in range(len(columns.names))],
        "categorical_feature": list(range(len(columns.numbers), len(columns.names))),
        "free_raw_data": False,
        "params": dict(DATASET),
    }
    fit = lgb.Dataset(columns.transform(train.values), train.label, weight=train.weight, **options)
    judge = lgb.Dataset(
        columns.transform(test.values), test.label, weight=judging_weight(block.test), reference=fit, **options
    )
    judge.construct()  # and with it its reference: threads find both ready
    return fit, judge, [catalog[name].direction for name in columns.names]


def _curve(
    data: tuple[lgb.Dataset, lgb.Dataset, list[int]], parameters: Mapping[str, Any], settings: TrainSettings
) -> Floats:
    """Log loss per round on the fold's held-out rows; where it has long stopped falling, the last value goes on."""
    fit, judge, directions = data
    history: dict[str, dict[str, list[float]]] = {}

    lgb.train(
        {
            **parameters_for(parameters, directions, settings.threads, settings.seed),
            "metric": "binary_logloss",
        },
        fit,
        num_boost_round=settings.max_rounds,
        valid_sets=[judge],
        valid_names=["held_out"],
        callbacks=[lgb.record_evaluation(history), lgb.early_stopping(_PATIENCE, verbose=False)],
    )

    curve = np.asarray(history["held_out"]["binary_logloss"], dtype=np.float64)
    return np.pad(curve, (0, settings.max_rounds - len(curve)), mode="edge")
