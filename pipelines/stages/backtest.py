"""Backtest: all candidates on rolling origins, the signal test and the ladder."""

from typing import Any

import numpy as np
import pandas as pd

from features.errors import TooLittleDataError
from features.matrix import Matrix
from models.interfaces import Calibration
from models.judging.cluster_bootstrap import Resampling
from models.judging.evaluation.backtest import Backtest, OutOfFold
from models.judging.evaluation.candidate_selection import Choice
from models.judging.evaluation.paired_blocks import compare_by_block
from models.judging.evaluation.random_split_optimism import measure_split_optimism
from models.judging.evaluation.signal_test import Signal
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.training.fit import backtest_candidates
from models.training.verdict import Decision, decide
from pipelines.rubrics.rubric_candidate import rubric_candidate
from pipelines.workspace.atomic_files import read_json, read_parquet, stage_dir, write_json, write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix
from pipelines.workspace.paths import Paths


def run_backtest_stage(context: Context) -> dict[str, Any]:
    """Write out-of-fold predictions and the decision; nothing is trained after a leak or with too little data."""
    before = read_json(context.paths.audit / "verdict.json")
    result: dict[str, Any] = {**before, "candidates": [], "folds": [], "by_block": [], "random_gap": None}
    found: Backtest | None = None
    if before["verdict"] == "ok":
        matrix, split = load_matrix(context.paths.matrix), load_chop(context.paths.matrix)
        try:
            found = backtest_candidates(matrix, split, context.settings, rubric_candidate(context))
            decision = decide(matrix, found, context.settings, newest_level=context.source.prior_correction == "newest")
            result = {**decision.record(), **_record(found), **_judged(context, matrix, found, decision.winner)}
        except TooLittleDataError as error:
            result |= {"verdict": "too_little_data", "verdict_text": error.message}
    with stage_dir(context.paths.backtest) as folder:
        if found is not None:
            write_parquet(folder / "rolling.parquet", _frame(found.rolling))
            if found.random is not None:
                write_parquet(folder / "random.parquet", _frame(found.random))
        write_json(folder / "backtest.json", result)
        write_json(folder / "verdict.json", {"verdict": result["verdict"], "verdict_text": result["verdict_text"]})
    return result


def _record(found: Backtest) -> dict[str, Any]:
    return {
        "candidates": list(found.table),
        "folds": list(found.folds),
        "blend_weights": dict(found.weights),
        "booster_parameters": dict(found.parameters),
        "blocks": list(found.rolling.names),
        "random_blocks": None if found.random is None else list(found.random.names),
    }


def _judged(context: Context, matrix: Matrix, found: Backtest, winner: str) -> dict[str, Any]:
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


def _frame(found: OutOfFold) -> pd.DataFrame:
    return pd.DataFrame({"row": found.rows, "block": found.block, **found.log_odds})


def load_backtest(paths: Paths) -> tuple[Backtest, Decision]:
    """What :func:`run_backtest_stage` wrote, as values."""
    record = read_json(paths.backtest / "backtest.json")
    rolling = _predictions(read_parquet(paths.backtest / "rolling.parquet"), record["blocks"])
    shuffled = None
    if record["random_blocks"] is not None:
        shuffled = _predictions(read_parquet(paths.backtest / "random.parquet"), record["random_blocks"])
    weights = record["blend_weights"]
    found = Backtest(
        rolling=rolling,
        random=shuffled,
        weights=weights,
        parameters=record["booster_parameters"],
        folds=tuple(record["folds"]),
        table=tuple(record["candidates"]),
        notes=tuple(record["notes"]),
    )
    return found, _decision(record)


def _predictions(frame: pd.DataFrame, names: list[str]) -> OutOfFold:
    log_odds = {name: frame[name].to_numpy(dtype=np.float64) for name in frame.columns if name not in ("row", "block")}
    rows, block = (frame[name].to_numpy(dtype=np.int64) for name in ("row", "block"))
    return OutOfFold(rows, block, tuple(names), log_odds)


def _decision(record: dict[str, Any]) -> Decision:
    from features.schema.vocabulary import Verdict

    signal = record["signal"]
    above = {name: (float(gap), float(error)) for name, (gap, error) in record["above_best"].items()}
    verdict = Verdict(record["verdict"])
    return Decision(
        verdict=verdict,
        verdict_text=record["verdict_text"],
        winner=record["winner"],
        why=record["why"],
        weights=record["weights"],
        calibrations={name: Calibration(**pair) for name, pair in record["calibrations"].items()},
        signal=Signal(verdict != Verdict.NO_SIGNAL, signal["alpha"], signal["gain"], signal["p"], signal["lasting"]),
        choice=Choice(record["winner"], min(above, key=lambda name: above[name][0]), record["why"], above),
        notes=tuple(record["notes"]),
        level_shift=float(record["level_shift"]),
    )
