"""Thresholds: the rubric and the model on the same matured test leads, and a threshold that keeps a promise.

Every artifact of the stage has a builder in :data:`BUILDERS`; all of them work on one :class:`JudgedRun`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.matrix import Matrix
from features.schema.source import Capacity
from features.schema.vocabulary import TRAINED, Verdict
from models.bundle import load_bundle
from models.candidates.rubric import RubricCandidate
from models.explaining.points import score_of_log_odds
from models.explaining.qualification_policy import default_qualification
from models.explaining.reasons import TOP, ReasonWriter
from models.judging.cluster_bootstrap import Resampling
from models.judging.evaluation.reliability_tables import calibration_by
from models.judging.handoff.capacity_planner import PLAN_DRAWS, plan_capacity
from models.judging.handoff.comparison import Comparison
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.policy_names import Policy
from models.judging.handoff.population import Whom, is_before_handoff, population_of
from models.judging.handoff.precision_guarantee import find_promised_threshold
from models.judging.handoff.replay import JudgedRows
from models.judging.handoff.rubric_only import replay_rubric_only
from models.judging.handoff.segments import segments_of
from models.judging.handoff.win_value import value_of_a_win
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.rubrics.customer_profiles import judge_profiles
from models.judging.rubrics.rule_diagnostics import diagnose_rules
from models.judging.rubrics.scorecard_to_rubric import Proposal
from models.judging.score_thresholds.swap_reasons import reasons_of_side
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.final_block import FinalBlock
from pipelines.artifacts.lifecycle_record import ProfileRecord
from pipelines.artifacts.train_record import TwinScorecardRecord
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.diagnostics.lifecycle_figures import write_lifecycle
from pipelines.rubrics.compared_leads import ComparedBlock, capacity_before_block, load_compared_block
from pipelines.rubrics.learned_rubric import propose_at_share
from pipelines.rubrics.recorded_baselines import recorded_policies
from pipelines.rubrics.rubric_backtest import backtest_rubric
from pipelines.rubrics.rubric_history import note_of_versions, score_by_history
from pipelines.rubrics.swapped_leads import explain_swaps
from pipelines.stages.declared_slices import declared_slices
from pipelines.stages.score_thresholds import judge_scores, transfer_promise
from pipelines.workspace.atomic_files import stage_dir, write_parquet, write_text
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix
from pipelines.workspace.people.objecting import are_left_out, without_objecting
from pipelines.workspace.table_files import load_tables

# Promised by default: twice the base rate, a list worth calling before others, at most 90%; confidence as usual for
# a one-sided bound that pairs with the 90% intervals of the report.
PROMISED_LIFT, HIGHEST_PROMISE, CONFIDENCE = 2.0, 0.9, 0.9


@dataclass(frozen=True)
class PromiseAsked:
    """The precision to promise (None: twice the base rate of the test block), and with what confidence; 0 to 1."""

    precision: float | None = None
    confidence: float = CONFIDENCE


@dataclass(frozen=True, kw_only=True)
class JudgedRun:
    """What the builders are given; ``judged`` is None where no model was trained."""

    context: Context
    before: StageVerdict
    asked: PromiseAsked
    judged: "JudgedBlock | None"


@dataclass(frozen=True, kw_only=True)
class JudgedBlock:
    """The test block with rubric, model and what stands beside them replayed on those rows of it that are compared.

    ``capacity`` has a value per win, declared or of wins before the test block; ``capacity_notes`` say which.
    """

    matrix: Matrix
    test: FinalBlock
    chosen: ComparedBlock
    proposed: Proposal | None
    capacity: Capacity
    capacity_notes: list[str]
    segments: Mapping[str, pd.Series]
    rubric: ScoredPolicy | None
    compared: Comparison


def run_thresholds(context: Context, asked: PromiseAsked | None = None) -> ComparisonRecord:
    """Write ``comparison.json``, ``swap_set.parquet``, ``lifecycle.json`` (with ``disagreements.parquet``),
    ``profile.json`` and the twin's scorecard as ``proposed_rubric.yaml``.
    """
    before = StageVerdict.read(context.paths, "evaluate")
    judged = _judge_block(context) if before.verdict in TRAINED else None
    run = JudgedRun(context=context, before=before, asked=asked or PromiseAsked(), judged=judged)

    with stage_dir(context.paths.thresholds) as folder:
        for build in BUILDERS:
            build(run, folder)
        before.write(folder)
    return ComparisonRecord.read(context.paths)


def _judge_block(context: Context) -> JudgedBlock:
    """Load the test block and replay rubric and model on it."""
    matrix, train = load_matrix(context.paths.matrix), load_chop(context.paths.matrix).final.train
    chosen = load_compared_block(context, matrix)
    block = chosen.block
    proposed = _propose(context, matrix, keep_compared(context, matrix, train, chosen.population.name))
    capacity, notes = capacity_before_block(context, matrix)
    segments = segments_of(matrix.hide_people(block.matrix)) | declared_slices(context, block.matrix)

    beside = [] if proposed is None else [ScoredPolicy(Policy.PROPOSED_RUBRIC, proposed.points(block.matrix.values))]
    rubric = score_by_history(context.source, load_tables(context.paths), context.rubrics, block.matrix)
    compared = backtest_rubric(
        block,
        rubric,
        SnapshotCapacity.of(context.source, capacity),
        Resampling.of(context.settings),
        others=[*beside, *recorded_policies(context, block.matrix, coming=chosen.population.name != "all")],
        segments=segments,
        noun=chosen.population.noun,
    )
    return JudgedBlock(
        matrix=matrix,
        test=block,
        chosen=chosen,
        proposed=proposed,
        capacity=capacity,
        capacity_notes=notes,
        segments=segments,
        rubric=rubric,
        compared=compared,
    )


def keep_compared(context: Context, matrix: Matrix, rows: Ints, whom: Whom) -> Ints:
    """Those of the rows that a comparison of these people may learn and judge from: of nobody who objects since."""
    rows = rows[~are_left_out(context, matrix)[rows]]
    if whom == "all":
        return rows
    keys = matrix.keys.iloc[rows].reset_index(drop=True)
    before, _ = is_before_handoff(context.source, load_tables(context.paths), keys)
    return np.asarray(rows[before], dtype=np.int64)


def _propose(context: Context, matrix: Matrix, train: Any) -> Proposal | None:
    """The scorecard learned before the test block, whoever won, as a rubric that hands off what capacity allows."""
    if not TwinScorecardRecord.exists(context.paths):
        return None
    card, source = TwinScorecardRecord.read(context.paths), context.source
    return propose_at_share(card, matrix, train, f"{source.name}_proposed", source.capacity.share)


def build_comparison(run: JudgedRun, folder: Path) -> None:
    """``comparison.json``: policies, the promised threshold, capacity, the rubric's rules."""
    result: dict[str, Any] = run.before.content()
    bundle = EvaluationRecord.read(run.context.paths).judged
    if bundle is not None:
        result["judged"] = bundle
    if run.judged is not None:
        judged, context = run.judged, run.context
        compared = judged.compared.record()
        promise = _promise(context, judged, run.asked)
        result |= compared | {
            "notes": [
                *compared["notes"],
                *judged.capacity_notes,
                *note_of_versions(context.rubrics, judged.test.matrix),
            ],
            "capacity": judged.capacity.model_dump(mode="json"),
            "promise": promise,
            "scores": _scores(context, judged, promise),
            "calibration_by_segment": _calibration(context, judged),
            "population": judged.chosen.population.record(),
            "ranking": judged.chosen.ranking(_points_of_all(context, judged.chosen.whole)),
            "repair": _diagnose_rules(context, judged.matrix, judged.chosen.population.name),
            "plan": _plan(context, judged.test),
        }
    else:
        result |= _judge_points(run.context, run.before)
    ComparisonRecord.of(result).write(folder)


def _judge_points(context: Context, before: StageVerdict) -> dict[str, Any]:
    """The rubric against outcomes as far as there are any, where it scores alone; nothing where it does not.

    On all matured rows of those compared: rules written by people learned nothing from them.
    """
    rubric, folder = context.rubric, context.paths.matrix
    if rubric is None or before.verdict not in (Verdict.TOO_LITTLE_DATA, Verdict.NO_SIGNAL):
        return {}
    matrix = without_objecting(context, load_matrix(folder))
    rows = np.flatnonzero(matrix.matured)
    if not len(rows):
        return {}
    tables, matured = load_tables(context.paths), matrix.take(rows)
    population = population_of(context.source, tables, matured.keys, matured.label, by_model=False)
    rows = rows[population.kept]
    past = matrix.take(rows)
    scored = score_by_history(context.source, tables, context.rubrics, past)
    if scored is None:
        return {}
    capacity, notes = value_of_a_win(context.source.capacity, past, judged=True)
    found = replay_rubric_only(
        scored,
        JudgedRows.of(past, population.noun),
        capacity=SnapshotCapacity.of(context.source, capacity),
        resampling=Resampling.of(context.settings),
    ).record()
    reason = f"No model stands beside the rubric. {before.verdict_text}"
    return found | {
        "sentences": [reason, *found["sentences"]],
        "notes": [*found["notes"], *notes, *note_of_versions(context.rubrics, past)],
        "capacity": capacity.model_dump(mode="json"),
        "population": population.record(),
        "repair": _diagnose_rules(context, matrix, population.name) if past.label.min() != past.label.max() else None,
    }


def build_swap_set(run: JudgedRun, folder: Path) -> None:
    """``swap_set.parquet``: leads only one of the two hands off, with the twin's score then and its three main reasons.

    The reasons speak for a lead that the model hands off, and against one that it does not. There are none where the
    matrix was built anew since the block was judged, and holds other values of the lead.
    """
    swap = pd.DataFrame() if run.judged is None else run.judged.compared.swap
    if run.judged is not None and len(swap):
        twin = load_bundle(run.context.paths.train / "twin")
        score = score_of_log_odds(swap["model_log_odds"].to_numpy(dtype=np.float64), twin.scale)
        told = np.full((len(swap), TOP), "", dtype=object)
        found = explain_swaps(twin, run.judged.test, swap)
        if found is not None and len(found.at):
            by_model = (swap["side"] == "model only").to_numpy(dtype=np.bool_)[found.at]
            writer = ReasonWriter(twin.catalog, twin.facts)
            told[found.at] = reasons_of_side(writer, found.parts, found.values, by_model)
        swap = swap.assign(score=score, **{f"reason_{k + 1}": told[:, k].astype("str") for k in range(TOP)})
    write_parquet(folder / "swap_set.parquet", swap)


def build_proposed_rubric(run: JudgedRun, folder: Path) -> None:
    """``proposed_rubric.yaml``: the learned scorecard as a rubric, where it learned anything."""
    if run.judged is not None and run.judged.proposed is not None:
        write_text(folder / "proposed_rubric.yaml", run.judged.proposed.to_yaml())


def build_lifecycle(run: JudgedRun, folder: Path) -> None:
    """``lifecycle.json`` and ``disagreements.parquet``."""
    write_lifecycle(run.context, folder)


def build_profile(run: JudgedRun, folder: Path) -> None:
    """``profile.json``: attributes won against the rest, and the declared profile judged, on all matured leads."""
    context = run.context
    held = load_matrix(context.paths.matrix) if (context.paths.matrix / "matrix.json").exists() else None
    matrix = None if held is None else without_objecting(context, held)
    if matrix is None or not matrix.matured.any():
        ProfileRecord.write_nothing(folder)
        return
    declared = (context.policy or default_qualification()).profile
    declared.check(matrix.catalog)
    found = judge_profiles(matrix, matrix.group_codes, declared, Resampling.of(context.settings))
    ProfileRecord.of(found.record()).write(folder)


BUILDERS: tuple[Callable[[JudgedRun, Path], None], ...] = (
    build_comparison,
    build_swap_set,
    build_proposed_rubric,
    build_lifecycle,
    build_profile,
)


def _promise(context: Context, judged: JudgedBlock, asked: PromiseAsked) -> dict[str, Any] | None:
    """The lowest threshold that keeps the precision asked for, carried over to the bundle that scores."""
    test, aim = judged.test.matrix, asked.precision
    if aim is None:
        aim = min(HIGHEST_PROMISE, round(PROMISED_LIFT * judged.compared.base_rate, 2))
    if aim <= 0:
        return None
    found = find_promised_threshold(
        judged.test.log_odds, test.keys, test.label, promised=aim, confidence=asked.confidence
    )
    return found.record() | {"mapped": transfer_promise(context, test, found)}


def _scores(context: Context, judged: JudgedBlock, promise: Mapping[str, Any] | None) -> dict[str, Any]:
    """Every whole score to hand off from, and the named ones."""
    mapped = None if promise is None else promise["mapped"]
    return judge_scores(
        context,
        judged.test,
        None if judged.rubric is None else judged.rubric.score,
        judged.compared,
        capacity=judged.capacity,
        promised_score=None if mapped is None or not mapped["fits"] else mapped["score"],
    )


def _calibration(context: Context, judged: JudgedBlock) -> list[dict[str, Any]]:
    """Predicted and observed shares by segment."""
    resampling = Resampling.of(context.settings)
    return calibration_by(judged.test.matrix, judged.test.log_odds, judged.segments, resampling)


def _points_of_all(context: Context, whole: FinalBlock) -> Floats | None:
    """The rubric's points of the whole test block."""
    found = score_by_history(context.source, load_tables(context.paths), context.rubrics, whole.matrix)
    return None if found is None else found.score


def _diagnose_rules(context: Context, matrix: Matrix, whom: Whom) -> dict[str, Any] | None:
    """What each rule of the rubric is worth, on all matured rows of those compared."""
    if context.rubric is None:
        return None
    rows = matrix.take(keep_compared(context, matrix, np.flatnonzero(matrix.matured), whom))
    order = rows.keys["order"].to_numpy(dtype=np.int64) if matrix.ordered else None
    book = RubricCandidate(context.rubric).ledger(rows.values)
    return diagnose_rules(book, rows.values, matrix.catalog, rows.label, rows.weight, rows.group_codes, order).record()


def _plan(context: Context, test: FinalBlock) -> dict[str, Any] | None:
    """What other crews would have found inside their lists; only weekly snapshots have a queue."""
    source = context.source
    if source.kind == "flat":
        return None
    capacity = SnapshotCapacity.of(source)
    replay = capacity.arrange(test.matrix.keys, test.matrix.label)
    resampling = Resampling(PLAN_DRAWS, context.settings.seed)
    return plan_capacity(replay, test.log_odds, capacity, resampling).record()
