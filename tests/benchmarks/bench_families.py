"""What the feature families are worth: counts alone against all families, same rows, same candidates, same budgets.

Run ``python -m tests.benchmarks.bench_families --data-dir DIR --source leadforge``; the source must have been run up to
its matrix there. ``counts``: attributes and counts over windows; ``all``: the whole catalog.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from features.array_types import Floats
from features.catalog.feature import Catalog, Feature
from features.cohort.splits import Chop
from features.matrix import Matrix
from features.schema.operations import ActivityCount
from models.candidates.rubric import RubricCandidate
from models.judging.cluster_bootstrap import Resampling, cluster_sums, interval, ratio, resample_totals
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.settings import TrainSettings
from models.training.recipe import Recipe, backtest_candidates
from models.training.twin import evaluate_twin, fit_twin
from models.training.verdict import decide
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.matrix_files import load_chop, load_matrix

PLAIN = ("attributes", "titles")
HELPERS = ("rules", "evidence")  # never learned from


def counts_alone(feature: Feature) -> bool:
    """Attributes, and counts of activities over windows: what most scoring starts from."""
    if feature.family in (*PLAIN, *HELPERS):
        return True
    return feature.family == "engagement" and isinstance(feature.params, ActivityCount)


def restricted(matrix: Matrix, catalog: Catalog) -> Matrix:
    """The matrix with some of its features."""
    return replace(matrix, catalog=catalog, values=matrix.values[list(catalog.names)])


def judged(context: Context, matrix: Matrix, split: Chop) -> tuple[dict[str, Any], Floats]:
    """Test figures of the chosen candidate, and its test log-odds."""
    rubric = None if context.rubric is None else RubricCandidate(context.rubric)
    found = backtest_candidates(matrix, split, context.settings, rubric)
    decision = decide(matrix, found, context.settings)
    twin = fit_twin(matrix, split, found, context.settings, rubric)
    recipe = Recipe(backtest=found, decision=decision, settings=context.settings, rubric=rubric)
    result = evaluate_twin(twin, matrix, split, recipe, SnapshotCapacity.of(context.source))
    keep = ("n", "won", "auc", "auc_ci", "log_loss", "log_loss_ci")
    figures = {name: {k: v for k, v in row.items() if k in keep} for name, row in result.figures.items()}
    return {"features": len(matrix.catalog), "chosen": decision.winner, "test": figures}, result.log_odds[
        decision.winner
    ]


def difference(matrix: Matrix, split: Chop, first: Floats, second: Floats, draws: int = 400) -> dict[str, Any]:
    """Log loss of ``second`` less that of ``first`` on the test rows, 90% interval over accounts."""
    test = np.asarray(split.final.test)
    label = matrix.label[test]
    loss = [np.logaddexp(0.0, z) - label * z for z in (first, second)]
    gap = loss[1] - loss[0]
    group = np.unique(matrix.keys["group"].to_numpy()[test], return_inverse=True)[1]
    clusters = int(group.max()) + 1
    sums = {name: cluster_sums(group, v, clusters) for name, v in (("gap", gap), ("rows", np.ones(len(gap))))}
    drawn = resample_totals(sums, Resampling(draws))
    return {"log_loss_difference": float(gap.mean()), "ci": interval(ratio(drawn["gap"], drawn["rows"])).record()}


def measure(context: Context) -> dict[str, Any]:
    """Both catalogs on the same split."""
    matrix, split = load_matrix(context.paths.matrix), load_chop(context.paths.matrix)
    few, few_z = judged(
        context, restricted(matrix, Catalog(tuple(f for f in matrix.catalog if counts_alone(f)))), split
    )
    every, every_z = judged(context, matrix, split)
    return {"source": context.source.name, "counts": few, "all": every, **difference(matrix, split, few_z, every_z)}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="leadforge")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--tiny", action="store_true", help="tiny budgets")
    asked = parser.parse_args(arguments)
    settings = TrainSettings.tiny() if asked.tiny else TrainSettings()
    sys.stdout.write(json.dumps(measure(open_context(asked.source, asked.data_dir, settings)), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
