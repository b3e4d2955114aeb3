"""Backtest: all candidates on rolling origins, the signal test and the ladder."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from features.catalog.segment_feature import segment_feature
from features.cohort.splits import Chop
from features.errors import DataError, TooLittleDataError
from features.matrix import Matrix
from features.schema.vocabulary import TRAINED, Verdict
from models.calibration.level import LevelHistory
from models.interfaces import Calibration
from models.judging.cluster_bootstrap import Resampling
from models.judging.evaluation.backtest import Backtest, OutOfFold
from models.judging.evaluation.candidate_selection import Choice
from models.judging.evaluation.paired_blocks import compare_by_block
from models.judging.evaluation.random_split_optimism import measure_split_optimism
from models.judging.evaluation.signal_test import Signal
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.training.prior_bundle import is_scarce, try_prior
from models.training.recipe import Recipe, backtest_candidates
from models.training.segment_decision import judge_segments
from models.training.segmentation import Segmentation
from models.training.twin import common_model
from models.training.verdict import Decision, decide
from pipelines.artifacts.backtest_record import BacktestRecord, write_trials
from pipelines.artifacts.verdict_record import StageVerdict
from pipelines.own_code.own_candidates import own_candidates
from pipelines.registry.prior_bundle import load_prior, names_prior
from pipelines.rubrics.rubric_candidate import rubric_candidate
from pipelines.workspace.atomic_files import read_parquet, stage_dir, write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.objecting import LearnedRows

LEFT_OUT = "Candidates of your own are left out: where wins are few, only a prior bundle and the points are judged."
NO_SEGMENTS = (
    "Segments are not tried: a candidate of your own was chosen, and only models of ours are fitted by segment."
)
ENOUGH = "A prior bundle is named, and not used: there are enough won and lost leads here to learn from."


def run_backtest_stage(context: Context) -> BacktestRecord:
    """Write out-of-fold predictions and the decision; nothing is trained after a leak or with too little data."""
    before = StageVerdict.read(context.paths, "audit")
    result: dict[str, Any] = {**before.content(), "candidates": [], "folds": [], "by_block": [], "random_gap": None}
    found: Backtest | None = None
    if before.verdict == Verdict.OK:
        learned = LearnedRows.of(context)
        matrix = learned.matrix
        try:
            found, decision = _judge(context, matrix, learned.split)
            if decision.verdict == Verdict.TOO_LITTLE_DATA:  # a prior bundle that does not help: nothing is trained
                found, kept = None, {"verdict": decision.verdict, "verdict_text": decision.verdict_text}
                result |= kept | {"notes": list(decision.notes)}
            else:
                result = decision.record() | _content(found) | _beside_winner(context, matrix, found, decision.winner)
            result["left_out"] = learned.left_out
        except TooLittleDataError as error:
            result |= {"verdict": Verdict.TOO_LITTLE_DATA, "verdict_text": error.message}

    record = BacktestRecord.of(result)
    with stage_dir(context.paths.backtest) as folder:
        if found is not None:
            write_parquet(folder / "rolling.parquet", _frame(found.rolling, learned))
            if found.random is not None:
                write_parquet(folder / "random.parquet", _frame(found.random, learned))
        write_trials(folder, () if found is None else found.trials)
        record.write(folder)
        StageVerdict.of({"verdict": record.verdict, "verdict_text": record.verdict_text}).write(folder)
    return record


def _judge(context: Context, matrix: Matrix, split: Chop) -> tuple[Backtest, Decision]:
    """All candidates on the blocks; where wins are few and a prior bundle is named, that bundle on folds."""
    settings, rubric, named = context.settings, rubric_candidate(context), names_prior(context)
    scarce = is_scarce(matrix, split, settings) if named else ""
    prior = load_prior(context, matrix) if scarce else None
    if prior is not None:
        trial = try_prior(matrix, split, prior.candidate, settings, rubric, scarce=scarce)
        left_out = (LEFT_OUT,) if context.source.candidates else ()
        return trial.backtest, replace(trial.decision, notes=(*prior.notes, *trial.decision.notes, *left_out))

    own = own_candidates(context.source, context.source_path.parent)
    found = backtest_candidates(matrix, split, settings, rubric, own)
    decision = decide(matrix, found, settings, newest_level=context.source.prior_correction == "newest")
    decision = _with_segments(
        context, matrix, split, Recipe(backtest=found, decision=decision, settings=settings, rubric=rubric, own=own)
    )
    if named:
        decision = replace(decision, notes=(*decision.notes, ENOUGH))
    return found, decision


def _with_segments(context: Context, matrix: Matrix, split: Chop, recipe: Recipe) -> Decision:
    """The decision with what is decided on the declared segments, where a model is trained at all."""
    feature, decision = segment_feature(matrix.catalog, context.source), recipe.decision
    if feature is None or decision.verdict not in TRAINED:
        return decision
    if decision.winner in {one.name for one in recipe.own}:
        return replace(decision, notes=(*decision.notes, NO_SEGMENTS))
    decided = judge_segments(
        matrix,
        split,
        recipe.backtest,
        common_model(recipe),
        context.settings,
        feature=feature.name,
        capacity=SnapshotCapacity.of(context.source),
    )
    return replace(decision, segments=decided, notes=(*decision.notes, decided.sentence))


def _content(found: Backtest) -> dict[str, Any]:
    return {
        "candidates": list(found.table),
        "folds": list(found.folds),
        "blend_weights": dict(found.weights),
        "booster_parameters": dict(found.parameters),
        "blocks": list(found.rolling.names),
        "random_blocks": None if found.random is None else list(found.random.names),
        "beside": list(found.beside),
    }


def _beside_winner(context: Context, matrix: Matrix, found: Backtest, winner: str) -> dict[str, Any]:
    """Block by block against the winner, and how optimistic a random split is."""
    resampling = Resampling.of(context.settings)
    blocks = compare_by_block(
        matrix,
        found.rolling,
        winner,
        SnapshotCapacity.of(context.source),
        blocks=len(found.folds),
        resampling=resampling,
    )
    gap = measure_split_optimism(matrix, found, winner, resampling)
    return {"by_block": blocks, "random_gap": None if gap is None else gap.record()}


def _frame(found: OutOfFold, learned: LearnedRows) -> pd.DataFrame:
    return pd.DataFrame({"row": learned.rows_of(found.rows), "block": found.block, **found.log_odds})


def load_backtest(paths: Paths) -> tuple[Backtest, Decision]:
    """What :func:`run_backtest_stage` wrote, as values.

    Raises
    ------
    DataError : it decided nothing, or its files are missing or damaged
    """
    record = BacktestRecord.read(paths)
    rolling = _predictions(read_parquet(paths.backtest / "rolling.parquet"), record.blocks)
    shuffled = None
    if record.random_blocks is not None:
        shuffled = _predictions(read_parquet(paths.backtest / "random.parquet"), record.random_blocks)
    found = Backtest(
        rolling=rolling,
        random=shuffled,
        weights=record.blend_weights,
        parameters=record.booster_parameters,
        folds=tuple(dict(fold) for fold in record.folds),
        table=tuple(dict(row) for row in record.candidates),
        notes=record.notes,
        beside=record.beside,
    )
    return found, _decision(record)


def _predictions(frame: pd.DataFrame, names: Sequence[str]) -> OutOfFold:
    log_odds = {name: frame[name].to_numpy(dtype=np.float64) for name in frame.columns if name not in ("row", "block")}
    rows, block = (frame[name].to_numpy(dtype=np.int64) for name in ("row", "block"))
    return OutOfFold(rows, block, tuple(names), log_odds)


def _decision(record: BacktestRecord) -> Decision:
    signal, winner = record.signal, record.winner
    if signal is None or winner is None:
        raise DataError("the backtest decided nothing: its verdict is " + str(record.verdict) + ".")
    gain, p_value = (
        {name: float("nan") if figure is None else float(figure) for name, figure in figures.items()}
        for figures in (signal.gain, signal.p)
    )
    above = {name: (float(gap), float(error)) for name, (gap, error) in record.above_best.items()}
    return Decision(
        verdict=record.verdict,
        verdict_text=record.verdict_text,
        winner=winner,
        why=record.why,
        weights=record.weights,
        calibrations={name: Calibration(**pair) for name, pair in record.calibrations.items()},
        signal=Signal(record.verdict != Verdict.NO_SIGNAL, signal.alpha, gain, p_value, signal.lasting),
        choice=Choice(winner, min(above, key=lambda name: above[name][0]), record.why, above),
        notes=record.notes,
        levels={name: LevelHistory(**row.model_dump()) for name, row in record.levels.items()},
        segments=None if record.segments is None else Segmentation.restore(record.segments.model_dump(mode="json")),
    )
