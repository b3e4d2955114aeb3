"""Regret of the level in simulated markets (synthetic), against the level that fits the test block best.

Per market, log loss on the test block above that of the oracle's level: for our rule, for the level of past blocks
carried over whole (as before ADR 0031), for no level, and for the base rate known at the time; and whether the 90%
interval, averaged over the block, holds the true mean probability.

Run: ``python -m tests.benchmarks.bench_level [SEEDS]``.
"""

import json
import sys
from dataclasses import dataclass

import numpy as np

from features.array_types import Floats
from features.cohort.splits import chop
from features.matrix import Matrix
from features.schema.source import Split
from models.bundle import Bundle
from models.calibration.level import estimate_level
from models.logistic import log_loss, logit
from models.settings import TrainSettings
from models.training.fit_bundle import fit_bundle
from models.training.recipe import Recipe, backtest_candidates
from models.training.verdict import decide
from tests.reference.markets import levels, market

SETTINGS = TrainSettings(trials=3, tune_rows=3000, fold_rows=3000, max_rounds=120, boosters=2, draws=200)


@dataclass(frozen=True, kw_only=True)
class LevelFigures:
    """One market and seed: losses above the oracle's level, and whether the interval held the event rate."""

    market: str
    seed: int
    n: int
    promised: float
    happened: float
    regret: dict[str, float]
    noise: float
    covered: bool


def judge(kind: str, seed: int, rows: int = 4000, settings: TrainSettings = SETTINGS) -> LevelFigures:
    """Train before the test block as a run does, and judge the level on it."""
    matrix, truth = market(kind, rows, seed=seed)
    split = chop(matrix, Split(), seed=seed)
    backtest = backtest_candidates(matrix, split, settings)
    decision = decide(matrix, backtest, settings)
    recipe = Recipe(backtest=backtest, decision=decision, settings=settings)
    bundle = fit_bundle(matrix, split.final.train, recipe, meta={}, facts={})
    return _figures(kind, seed, matrix, truth, split.final, bundle, decision.calibration.intercept)


def _figures(
    kind: str, seed: int, matrix: Matrix, truth: Floats, block: object, bundle: Bundle, carried: float
) -> LevelFigures:
    test, train = block.test, block.train  # type: ignore[attr-defined]
    values, won = matrix.values.iloc[test], matrix.label[test]
    promised, low, high = bundle.probability(values)
    calibrated = bundle.log_odds(values)
    without = calibrated - bundle.calibration.intercept
    best = estimate_level(without, won, np.arange(len(test))).value

    base = logit(float(matrix.label[train].mean()))
    losses = {
        "ours": log_loss(won, calibrated),
        "carried over": log_loss(won, without + carried),
        "no level": log_loss(won, without),
        "base rate": log_loss(won, np.full(len(test), base)),
    }
    oracle = log_loss(won, without + best).mean()
    apart = losses["ours"] - losses["base rate"]
    return LevelFigures(
        market=kind,
        seed=seed,
        n=len(test),
        promised=float(promised.mean()),
        happened=float(won.mean()),
        regret={name: float(loss.mean() - oracle) for name, loss in losses.items()},
        noise=float(apart.std(ddof=1) / np.sqrt(len(test))),
        covered=bool(low.mean() <= truth[test].mean() <= high.mean()),
    )


def run(seeds: int = 4) -> dict[str, dict[str, float]]:
    """Means over seeds per market, and over all."""
    found = {kind: [judge(kind, seed) for seed in range(seeds)] for kind in levels(1)}
    table = {kind: _means(rows) for kind, rows in found.items()}
    return {**table, "all": _means([row for rows in found.values() for row in rows])}


def _means(rows: list[LevelFigures]) -> dict[str, float]:
    names = rows[0].regret
    return {
        "n": sum(row.n for row in rows),
        **{f"regret, {name}": round(float(np.mean([row.regret[name] for row in rows])), 5) for name in names},
        "covered": round(float(np.mean([row.covered for row in rows])), 2),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(int(sys.argv[1]) if len(sys.argv) > 1 else 4), indent=1) + "\n")
