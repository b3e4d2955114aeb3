"""Our recipe beside a fairly tuned LightGBM on simulated large tables; losses against the true probabilities.

``interactions``: 40,000 rows, 20 columns, interactions of two and three columns, codes of 5,000 levels.
``product``: a million rows (or as many as asked for), 16 columns, one product of two columns in the truth.

Run: ``python -m tests.benchmarks.bench_large_tables interactions|product [ROWS]``. Prints JSON: log loss on fresh rows,
seconds of clock and of processor; compare ratios, not seconds, on a machine that does other work.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from features.array_types import Floats, Ints
from features.cohort.splits import chop
from features.matrix import Matrix
from features.schema.source import Split
from models.candidates.boosting import BoosterCandidate
from models.grouped_folds import grouped_folds
from models.judging.evaluation.backtest import subsample
from models.logistic import sigmoid
from models.settings import TrainSettings
from models.training.fit_bundle import fit_bundle
from models.training.recipe import Recipe, backtest_candidates
from models.training.tuning import tune_booster
from models.training.verdict import decide
from tests.reference.large_tables import interactions, one_product

_PEER_TRIALS = 40
_PEER_ROUNDS = 2_000
_PEER_SEEDS = 3
_FRESH_ROWS = 60_000


@dataclass(frozen=True)
class Timed:
    """A prediction on fresh rows and what it took."""

    log_odds: Floats
    seconds: float
    processor_seconds: float


def timed(work: Callable[[], Floats]) -> Timed:
    """Do the work and look at both clocks."""
    clock, processor = time.perf_counter(), time.process_time()
    found = work()
    return Timed(found, time.perf_counter() - clock, time.process_time() - processor)


def true_loss(truth: Floats, log_odds: Floats) -> float:
    """Expected log loss under the true probabilities: no noise of outcomes."""
    p = np.clip(sigmoid(log_odds), 1e-12, 1 - 1e-12)
    return float(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean())


def our_booster(matrix: Matrix, rows: Ints, fresh: Matrix, settings: TrainSettings) -> Floats:
    """Our tuning and the booster it asks for, averaged over seeds as in a bundle."""
    split = chop(matrix, Split(), seed=1)
    parameters = tune_booster(matrix, split, settings)
    part = subsample(matrix, rows, settings)
    fitted = BoosterCandidate(parameters, boosters=settings.boosters).fit(
        part.values, part.label, part.weight, catalog=matrix.catalog, seed=settings.seed
    )
    return fitted.log_odds(fresh.values)


def our_bundle(matrix: Matrix, rows: Ints, fresh: Matrix, settings: TrainSettings) -> Floats:
    """The whole recipe: tuning, backtest, choice, calibration and the refit on the rows before the test block."""
    split = chop(matrix, Split(), seed=1)
    backtest = backtest_candidates(matrix, split, settings)
    decision = decide(matrix, backtest, settings)
    bundle = fit_bundle(
        matrix, rows, Recipe(backtest=backtest, decision=decision, settings=settings), meta={}, facts={}
    )
    return bundle.log_odds(fresh.values)


def tuned_lightgbm(matrix: Matrix, rows: Ints, fresh: Matrix, seed: int = 7) -> Floats:
    """LightGBM by forty trials, all rows in three folds, rounds by the mean curve, three seeds averaged."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    table = np.vstack([_codes(matrix, matrix, rows), _codes(matrix, fresh, np.arange(len(fresh)))])
    train, judged, won = table[: len(rows)], table[len(rows) :], matrix.label[rows]
    first = len(matrix.catalog.numbers)
    fixed = {"objective": "binary", "verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}
    keep: dict[str, Any] = {"free_raw_data": False, "params": {"verbosity": -1, "feature_pre_filter": False}}
    categories = list(range(first, train.shape[1]))
    folds = []
    for fit, held in grouped_folds(np.arange(len(rows)), 3, seed):
        data = lgb.Dataset(train[fit], won[fit], categorical_feature=categories, **keep)
        folds.append((data, lgb.Dataset(train[held], won[held], reference=data, **keep)))
    found: dict[int, tuple[dict[str, Any], int]] = {}

    def objective(trial: Any) -> float:
        drawn = {
            **fixed,
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 7, 255, log=True),
            "max_depth": trial.suggest_int("max_depth", 3, 14),
            "min_child_samples": trial.suggest_int("min_child_samples", 5, 200, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
            "bagging_freq": 1,
            "lambda_l2": trial.suggest_float("lambda_l2", 0.01, 50.0, log=True),
            "cat_smooth": trial.suggest_float("cat_smooth", 1.0, 100.0, log=True),
        }
        curve = np.mean([_curve(drawn, *fold, seed) for fold in folds], axis=0)
        found[trial.number] = (drawn, int(np.argmin(curve)) + 1)
        return float(curve.min())

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=_PEER_TRIALS)
    drawn, rounds = found[study.best_trial.number]
    every = lgb.Dataset(train, won, categorical_feature=categories, **keep)
    models = [lgb.train({**drawn, "seed": seed + k}, every, rounds) for k in range(_PEER_SEEDS)]
    return np.asarray(np.mean([model.predict(judged, raw_score=True) for model in models], axis=0), dtype=np.float64)


def _curve(drawn: dict[str, Any], fit: Any, held: Any, seed: int) -> Floats:
    history: dict[str, dict[str, list[float]]] = {}
    lgb.train(
        {**drawn, "seed": seed, "metric": "binary_logloss"},
        fit,
        _PEER_ROUNDS,
        valid_sets=[held],
        valid_names=["held"],
        callbacks=[lgb.record_evaluation(history), lgb.early_stopping(50, verbose=False)],
    )
    curve = np.asarray(history["held"]["binary_logloss"])
    return np.pad(curve, (0, _PEER_ROUNDS - len(curve)), mode="edge")


def _codes(learned: Matrix, matrix: Matrix, rows: Ints) -> Floats:
    """Numbers, then categories as places among all levels of the table learned from."""
    values = matrix.values.iloc[rows]
    parts = [values[name].to_numpy(dtype=np.float64) for name in matrix.catalog.numbers]
    for name in matrix.catalog.categories:
        levels = np.unique(learned.values[name].to_numpy(dtype=str))
        text = values[name].to_numpy(dtype=str)
        place = np.minimum(np.searchsorted(levels, text), len(levels) - 1)
        parts.append(np.where(levels[place] == text, place, np.nan))
    return np.column_stack(parts)


def main(which: str, rows: int) -> dict[str, Any]:
    """Every contender's loss and time on one table."""
    make = {"interactions": interactions, "product": one_product}[which]
    matrix, _ = make(rows)
    fresh, truth = make(_FRESH_ROWS, seed=99)
    settings = TrainSettings()
    learned = chop(matrix, Split(), seed=1).final.train
    contenders = {
        "our booster": lambda: our_booster(matrix, learned, fresh, settings),
        "our bundle": lambda: our_bundle(matrix, learned, fresh, settings),
        "LightGBM, 40 trials": lambda: tuned_lightgbm(matrix, learned, fresh),
    }
    report: dict[str, Any] = {"table": which, "rows": rows, "learned": len(learned)}
    report["oracle"] = true_loss(truth, np.log(truth / (1 - truth)))
    for name, work in contenders.items():
        done = timed(work)
        report[name] = {
            "log_loss": round(true_loss(truth, done.log_odds), 5),
            "seconds": round(done.seconds, 1),
            "processor_seconds": round(done.processor_seconds, 1),
        }
        sys.stderr.write(json.dumps({name: report[name]}) + "\n")
    return report


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else "interactions"
    sys.stdout.write(json.dumps(main(asked, int(sys.argv[2]) if len(sys.argv) > 2 else 40_000), indent=1) + "\n")
