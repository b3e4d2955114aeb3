"""Segments: what lines and own models gain where segments differ, and cost where they do not.

``python -m tests.benchmarks.bench_segments worlds [SEEDS]``: simulated segments (synthetic), expected log loss on a
next block with and without lines, by the rule that asks for a gain out of fold.
``... segments SOURCE FOLDER COLUMN...``: a source whose matrix stage was run into FOLDER: first three quarters.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from features.cohort.splits import chop
from features.matrix import Matrix
from models.calibration.segment_levels import COMMON, fit_segment_levels
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.logistic import log_loss
from models.settings import TrainSettings
from models.training.recipe import Recipe, backtest_candidates
from models.training.segment_decision import LEAST_LINE_GAIN, judge_lines, judge_segments
from models.training.segment_models import loss_of_the_rate
from models.training.twin import common_model, evaluate_twin, fit_twin
from models.training.verdict import decide
from pipelines.rubrics.rubric_candidate import rubric_candidate
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.matrix_files import load_matrix
from tests.reference.segment_worlds import Differences, segment_world

SETTINGS = TrainSettings(trials=3, max_rounds=150, boosters=2, draws=400)
WORLDS = {
    "none differs": Differences(),
    "none differs, four rows a lead": Differences(snapshots=4),
    "levels wander, none differs": Differences(wander=0.5),
    "levels .2 apart": Differences(level=0.2),
    "levels .5 apart": Differences(level=0.5),
    "levels .5 apart, four rows a lead": Differences(level=0.5, snapshots=4),
    "levels .5 apart, wandering": Differences(level=0.5, wander=0.3),
    "slopes .4 apart": Differences(slope=0.4),
}
SIZES = ((600, 3), (600, 12), (2000, 3), (2000, 12), (8000, 40))


def simulate(seeds: int) -> None:
    """A line per world and size: mean gain without and with the rule, its error, the worst, how often taken."""
    for name, differ in WORLDS.items():
        for rows, segments in SIZES:
            always, ruled = [], []
            for seed in range(seeds):
                world = segment_world(rows, segments, differ, seed)
                lines = fit_segment_levels(world.rows, 1.0)
                gain = world.loss(world.log_odds) - world.loss(lines.apply(world.log_odds, world.segment))
                plain, lined = judge_lines(world.rows, 1.0, 0)
                saved = np.bincount(world.rows.group, log_loss(world.rows.won, plain) - log_loss(world.rows.won, lined))
                error = np.sqrt(((saved - saved.mean()) ** 2).sum())
                least = LEAST_LINE_GAIN * loss_of_the_rate(world.rows.won) * len(world.rows.won)
                taken = saved.sum() > max(error, least) and lines is not COMMON
                always.append(gain)
                ruled.append((gain if taken else 0.0, taken))
            found = np.array(ruled)
            print_figures(
                world=name,
                rows=rows,
                segments=segments,
                gain_without_rule=float(np.mean(always)),
                gain=float(found[:, 0].mean()),
                error=float(found[:, 0].std(ddof=1) / np.sqrt(seeds)),
                worst=float(found[:, 0].min()),
                taken=float(found[:, 1].mean()),
            )


def judge_source(source: str, folder: Path, columns: list[str]) -> None:
    """Lines and own models on the development rows, the last quarter of these as a test of its own."""
    context, matrix = development_of(source, folder)
    split = chop(matrix, context.source.split, seed=7)
    settings = context.settings.model_copy(update=SETTINGS.model_dump(include={"trials", "max_rounds", "boosters"}))
    rubric, capacity = rubric_candidate(context), SnapshotCapacity.of(context.source)
    found = backtest_candidates(matrix, split, settings, rubric)
    recipe = Recipe(backtest=found, decision=decide(matrix, found, settings), settings=settings, rubric=rubric)
    twin = fit_twin(matrix, split, found, settings, rubric)
    plain = evaluate_twin(twin, matrix, split, recipe, capacity)
    winner = recipe.decision.winner
    print_figures(source=source, winner=winner, n=len(split.final.test), log_loss=plain.figures[winner]["log_loss"])
    for column in columns:
        decided = judge_segments(
            matrix, split, found, common_model(recipe), settings, feature=column, capacity=capacity
        )
        ours = evaluate_twin(
            twin, matrix, split, replace(recipe, decision=replace(recipe.decision, segments=decided)), capacity
        )
        won = matrix.label[split.final.test]
        saved = log_loss(won, plain.log_odds[winner]) - log_loss(won, ours.log_odds[winner])
        print_figures(
            column=column,
            sentence=decided.sentence,
            test_log_loss=ours.figures[winner]["log_loss"],
            test_saved=float(saved.mean()),
            test_error=float(saved.std() / np.sqrt(len(saved))),
        )
        for one in decided.findings:
            print_figures(**{name: value for name, value in one.record().items() if name != "why"})


def development_of(source: str, folder: Path) -> tuple[Context, Matrix]:
    """The matured rows of the first three quarters, or of a seeded three quarters of the groups without an order."""
    context = open_context(source, folder)
    matrix = load_matrix(context.paths.matrix)
    matrix = matrix.take(np.flatnonzero(matrix.matured))
    if matrix.ordered:
        order = np.argsort(matrix.keys["order"].to_numpy(), kind="stable")
        return context, matrix.take(np.sort(order[: int(len(order) * 0.75)]))
    return context, matrix.take(chop(matrix, context.source.split, seed=7).final.train)


def print_figures(**figures: Any) -> None:
    """A line of JSON, numbers rounded."""
    sys.stdout.write(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "worlds":
        simulate(int(rest[0]) if rest else 24)
    else:
        judge_source(rest[0], Path(rest[1]), rest[2:])
