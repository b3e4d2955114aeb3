"""What tuning judges a booster's parameters on: folds as LightGBM takes them, and a fold's loss per round."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from features.array_types import Floats
from features.cohort.splits import Block
from features.matrix import Matrix
from models.candidates.boosting import DATASET, TreeColumns, parameters_for
from models.candidates.linear import learned_catalog
from models.judging.evaluation.backtest import judging_weight, subsample
from models.settings import TrainSettings

PATIENCE = 50  # rounds without a better loss before a fold's curve is taken as ended
_MINIMUM_ROUNDS = 20  # bounds from below what a few noisy folds may choose


@dataclass(frozen=True)
class TuningFold:
    """LightGBM's data to learn from and to judge on, and the declared direction of each column."""

    fit: lgb.Dataset
    judge: lgb.Dataset
    directions: list[int]


@dataclass(frozen=True)
class Curve:
    """Mean loss over folds of a set of parameters at its best count of rounds."""

    loss: float
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """A set of parameters that a search judged: on how many rows, and how it did."""

    search: str
    rows: int
    curve: Curve

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        found = {"search": self.search, "rows": self.rows, "log_loss": self.curve.loss}
        return found | {"parameters": dict(self.curve.parameters)}


def prepare_fold(matrix: Matrix, block: Block, settings: TrainSettings) -> TuningFold:
    """A block's rows as LightGBM takes them, built before threads share them."""
    catalog = learned_catalog(matrix.catalog)
    train, test = matrix.hide_people(subsample(matrix, block.train, settings)), matrix.take(block.test)
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
    return TuningFold(fit, judge, [catalog[name].direction for name in columns.names])


def judge_parameters(
    folds: Sequence[TuningFold],
    parameters: Mapping[str, Any],
    settings: TrainSettings,
    rounds: int,
    patience: int = PATIENCE,
) -> Curve:
    """Parameters with the count of rounds, up to ``rounds``, at which the mean curve of the folds is lowest."""
    return judge_several(folds, [parameters], settings, rounds, patience)[0]


def judge_several(
    folds: Sequence[TuningFold],
    several: Sequence[Mapping[str, Any]],
    settings: TrainSettings,
    rounds: int,
    patience: int = PATIENCE,
) -> list[Curve]:
    """Each set of parameters as :func:`judge_parameters` does, folds side by side."""

    def curves(fold: TuningFold) -> list[Floats]:
        # one after the other: two fits with parameters of their own must not share a data set
        return [loss_per_round(fold, parameters, settings, rounds, patience) for parameters in several]

    with ThreadPoolExecutor(max_workers=2) as pool:  # two, as in the booster's own fit
        by_fold = list(pool.map(curves, folds))
    means = [np.mean([found[k] for found in by_fold], axis=0) for k in range(len(several))]
    best = [int(np.argmin(mean)) for mean in means]
    return [
        Curve(float(mean[k]), {**parameters, "rounds": max(k + 1, _MINIMUM_ROUNDS)})
        for parameters, mean, k in zip(several, means, best, strict=True)
    ]


def loss_per_round(
    fold: TuningFold, parameters: Mapping[str, Any], settings: TrainSettings, rounds: int, patience: int = PATIENCE
) -> Floats:
    """Log loss per round on the fold's held-out rows; where it has long stopped falling, the last value goes on."""
    history: dict[str, dict[str, list[float]]] = {}

    lgb.train(
        {
            **parameters_for(parameters, fold.directions, settings.threads, settings.seed),
            "metric": "binary_logloss",
        },
        fold.fit,
        num_boost_round=rounds,
        valid_sets=[fold.judge],
        valid_names=["held_out"],
        callbacks=[lgb.record_evaluation(history), lgb.early_stopping(patience, verbose=False)],
    )

    curve = np.asarray(history["held_out"]["binary_logloss"], dtype=np.float64)
    return np.pad(curve, (0, rounds - len(curve)), mode="edge")
