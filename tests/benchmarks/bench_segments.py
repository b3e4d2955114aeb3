"""Segments and prior bundles: what they gain where segments differ, cost where they do not, and save with few wins.

``python -m tests.benchmarks.bench_segments worlds [SEEDS]``: simulated segments (synthetic), expected log loss on a
next block with and without lines, by the rule that asks for a gain out of fold.
``... segments SOURCE FOLDER COLUMN...``: a source whose matrix stage was run into FOLDER: first three quarters.
``... prior SOURCE FOLDER COLUMN VALUE [DRAWS]``: rows of one value as a new source of 20, 40 and 80 wins, a bundle of
the others as its prior.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from features.array_types import Ints
from features.catalog.feature import Catalog
from features.cohort.splits import chop
from features.errors import TooLittleDataError
from features.matrix import Matrix
from features.schema.source import Split
from models.bundle import Bundle
from models.calibration.segment_levels import COMMON, fit_segment_levels
from models.candidates.boosting import DEFAULTS
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.logistic import log_loss, logit
from models.settings import TrainSettings
from models.training.fit import (
    Recipe,
    backtest_candidates,
    common_model,
    evaluate_twin,
    factory_of,
    fit_bundle,
    fit_twin,
)
from models.training.prior_bundle import split_few, try_prior
from models.training.prior_mapping import map_features, prior_candidate_of
from models.training.segment_decision import LEAST_LINE_GAIN, judge_lines, judge_segments
from models.training.segment_models import loss_of_the_rate
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
            _print(
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
    context, matrix = _development(source, folder)
    split = chop(matrix, context.source.split, seed=7)
    settings = context.settings.model_copy(update=SETTINGS.model_dump(include={"trials", "max_rounds", "boosters"}))
    rubric, capacity = rubric_candidate(context), SnapshotCapacity.of(context.source)
    found = backtest_candidates(matrix, split, settings, rubric)
    recipe = Recipe(found, decide(matrix, found, settings), settings, rubric)
    twin = fit_twin(matrix, split, found, settings, rubric)
    plain = evaluate_twin(twin, matrix, split, recipe, capacity)
    winner = recipe.decision.winner
    _print(source=source, winner=winner, n=len(split.final.test), log_loss=plain.figures[winner]["log_loss"])
    for column in columns:
        decided = judge_segments(
            matrix, split, found, common_model(recipe), settings, feature=column, capacity=capacity
        )
        ours = evaluate_twin(
            twin, matrix, split, replace(recipe, decision=replace(recipe.decision, segments=decided)), capacity
        )
        won = matrix.label[split.final.test]
        saved = log_loss(won, plain.log_odds[winner]) - log_loss(won, ours.log_odds[winner])
        _print(
            column=column,
            sentence=decided.sentence,
            test_log_loss=ours.figures[winner]["log_loss"],
            test_saved=float(saved.mean()),
            test_error=float(saved.std() / np.sqrt(len(saved))),
        )
        for one in decided.findings:
            _print(segment=one.segment, rows=one.rows, won=one.won, common=one.log_loss_common, line=one.log_loss_line,
                   gain_ci=one.gain_ci, own_gain=one.own_gain, own_ci=one.own_ci, own=one.own)  # fmt: skip


def judge_prior(source: str, folder: Path, column: str, value: str, draws: int) -> None:
    """Few rows of one value: the other rows' bundle shrunk, as the rule decides, beside a model of these few."""
    context, matrix = _development(source, folder)
    mine = (matrix.values[column] == value).to_numpy()
    theirs = np.flatnonzero(~mine & ~matrix.keys["group"].isin(set(matrix.keys["group"][mine])).to_numpy())
    bundle = _bundle_of(context, replace(matrix.take(theirs), ordered=False))
    here = replace(matrix.take(np.flatnonzero(mine)), ordered=False)
    prior = prior_candidate_of(bundle, map_features(bundle.catalog, here.catalog))
    rubric = rubric_candidate(context)
    _print(source=source, new=f"{column} {value}", rows=len(here), won=int(here.label.sum()), prior_rows=len(theirs))
    for wins in (20, 40, 80):
        losses: list[dict[str, float]] = []
        for seed in range(draws):
            few, later = _draw(here, wins, seed)
            if not len(few):
                break
            part, test = here.take(few), here.take(later)
            losses.append(_losses(part, test, prior, rubric, here.catalog, seed))
        if losses:
            names = list(losses[0])
            table = np.array([[row[name] for name in names] for row in losses])
            beside = table - table[:, [names.index("rate")]]
            shown = {
                name: [round(float(beside[:, k].mean()), 4), round(float(beside[:, k].std(ddof=1) / draws**0.5), 4)]
                for k, name in enumerate(names)
                if name not in ("rate", "taken")
            }
            _print(wins=wins, draws=draws, rate=float(table[:, 0].mean()), beside_rate=shown,
                   taken=float(table[:, names.index("taken")].mean()))  # fmt: skip


def _losses(part: Matrix, test: Matrix, prior: Any, rubric: Any, catalog: Catalog, seed: int) -> dict[str, float]:
    settings = SETTINGS.model_copy(update={"seed": seed})
    base = logit(float(part.label.mean()))
    found = {"rate": np.full(len(test), base)}
    arguments = {"catalog": catalog, "seed": seed}
    shallow = {**DEFAULTS, "rounds": 60, "min_child_samples": 10, "num_leaves": 4}
    for name, model in {**factory_of(settings, shallow, rubric)(), "prior": prior}.items():
        fitted = model.fit(part.values, part.label, part.weight, **arguments)
        found[name] = fitted.log_odds(test.values)
    found["blend of these few"] = np.mean([found[name] for name in ("linear", "scorecard", "booster")], axis=0)
    try:
        trial = try_prior(part, split_few(part, Split(), settings, "few."), prior, settings, rubric, scarce="few.")
        taken = str(trial.decision.verdict) == "weak_signal"
    except TooLittleDataError:
        taken = False
    found["as decided, else points or rate"] = found["prior"] if taken else found.get("rubric", found["rate"])
    return {name: float(log_loss(test.label, z).mean()) for name, z in found.items()} | {"taken": float(taken)}


def _draw(here: Matrix, wins: int, seed: int) -> tuple[Ints, Ints]:
    """Whole groups in a seeded order until there are so many wins, and the others to judge on, if enough are left."""
    rng = np.random.default_rng(seed)
    group = np.unique(here.keys["group"].to_numpy(dtype="str"), return_inverse=True)[1]
    place = rng.permutation(group.max() + 1)[group]
    order = np.argsort(place, kind="stable")
    reached = np.cumsum(here.label[order])
    if reached[-1] < 1.4 * wins:
        return np.empty(0, dtype=np.int64), order
    cut = place[order[int(np.searchsorted(reached, wins))]]
    return np.flatnonzero(place <= cut), np.flatnonzero(place > cut)


def _bundle_of(context: Context, matrix: Matrix) -> Bundle:
    split = chop(matrix, Split(by="accounts"), seed=7)
    rubric = rubric_candidate(context)
    found = backtest_candidates(matrix, split, SETTINGS, rubric)
    recipe = Recipe(found, decide(matrix, found, SETTINGS), SETTINGS, rubric)
    return fit_bundle(matrix, np.arange(len(matrix)), recipe, meta={"source": "others"}, facts={})


def _development(source: str, folder: Path) -> tuple[Context, Matrix]:
    """The matured rows of the first three quarters, or of a seeded three quarters of the groups without an order."""
    context = open_context(source, folder)
    matrix = load_matrix(context.paths.matrix)
    matrix = matrix.take(np.flatnonzero(matrix.matured))
    if matrix.ordered:
        order = np.argsort(matrix.keys["order"].to_numpy(), kind="stable")
        return context, matrix.take(np.sort(order[: int(len(order) * 0.75)]))
    return context, matrix.take(chop(matrix, context.source.split, seed=7).final.train)


def _print(**figures: Any) -> None:
    sys.stdout.write(json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "worlds":
        simulate(int(rest[0]) if rest else 24)
    elif what == "segments":
        judge_source(rest[0], Path(rest[1]), rest[2:])
    else:
        judge_prior(rest[0], Path(rest[1]), rest[2], rest[3], int(rest[4]) if len(rest) > 4 else 10)
