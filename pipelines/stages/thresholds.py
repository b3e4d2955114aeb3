"""Thresholds: the rubric and the model on the same matured test leads, and a threshold that keeps a promise."""

from typing import Any

import numpy as np
import pandas as pd

from features.matrix import Matrix
from models.bundle import load_bundle
from models.candidates.rubric import RubricCandidate
from models.candidates.scorecard import ScorecardCandidate
from models.explaining.reasons import Wordsmith, top_reasons
from models.judging.backtest import group_codes
from models.judging.handing import Judge
from models.judging.planner import plan_capacity
from models.judging.promise import promise
from models.judging.proposal import Proposal, propose
from models.judging.recorded import actual_handoff, recorded_score
from models.judging.repair import repair
from models.judging.replay import arrange
from models.judging.thresholds import compare
from models.logistic import sigmoid
from models.scorer import Floats, Ints
from pipelines.context import Context
from pipelines.matrices import load_chop, load_matrix
from pipelines.stages.train import TRAINED
from pipelines.store import read_json, read_parquet, stage_dir, write_json, write_parquet, write_text
from pipelines.tables import load_tables

PROMISED_LIFT = 2.0


def run_thresholds(context: Context, *, promised: float | None = None, confidence: float = 0.9) -> dict[str, Any]:
    """Write ``comparison.json``, ``swap_set.parquet`` and, from the twin's scorecard, ``proposed_rubric.yaml``.

    ``promised`` is the precision to promise; by default twice the base rate of the test block.
    """
    before = read_json(context.paths.evaluate / "verdict.json")
    result: dict[str, Any] = dict(before)
    swap, proposed = pd.DataFrame(), None
    if before["verdict"] in TRAINED:
        matrix, split = load_matrix(context.paths.matrix), load_chop(context.paths.matrix)
        test = matrix.take(split.final.test)
        winner = read_json(context.paths.evaluate / "evaluation.json")["winner"]
        log_odds = read_parquet(context.paths.evaluate / "test_log_odds.parquet")[winner].to_numpy(dtype=np.float64)
        proposed = _proposal(context, matrix, split.final.train)
        compared = compare(
            Judge("model", log_odds, probability=sigmoid(log_odds)),
            _rubric_judge(context, test),
            test.keys,
            test.label,
            test.amount,
            capacity=context.source.capacity,
            every_days=context.source.cohort.every_days,
            others=_others(context, test, proposed),
            draws=context.settings.draws,
            seed=context.settings.seed,
        )
        base = compared.base_rate
        aim = promised if promised is not None else min(0.9, round(PROMISED_LIFT * base, 2))
        kept = promise(log_odds, test.keys, test.label, promised=aim, confidence=confidence) if aim > 0 else None
        result |= compared.record() | {"promise": None if kept is None else kept.record()}
        swap = _with_reasons(context, test, compared.swap)
        result |= {"repair": _repair(context, matrix), "plan": _plan(context, test, log_odds)}
    with stage_dir(context.paths.thresholds) as folder:
        write_parquet(folder / "swap_set.parquet", swap)
        write_json(folder / "comparison.json", result)
        if proposed is not None:
            write_text(folder / "proposed_rubric.yaml", proposed.to_yaml())
        write_json(folder / "verdict.json", before)
    return result


def _others(context: Context, test: Matrix, proposed: Proposal | None) -> list[Judge]:
    """What else stands beside rubric and model: the proposed rubric, a recorded score, the handoffs that happened."""
    found = [] if proposed is None else [Judge("proposed_rubric", proposed.points(test.values))]
    source = context.source
    tables = load_tables(context.paths) if source.recorded_score or source.actual_handoff else {}
    if source.recorded_score is not None:
        found.append(recorded_score(tables["leads"], source.recorded_score, test.keys))
    if source.actual_handoff is not None and source.kind == "relational":
        found.append(actual_handoff(tables["stages"], source.actual_handoff, test.keys))
    return found


def _proposal(context: Context, matrix: Matrix, train: Ints) -> Proposal | None:
    """The twin's scorecard as a rubric that hands off as large a share as capacity allows."""
    card = load_bundle(context.paths.train / "twin").components.get("scorecard")
    if not isinstance(card, ScorecardCandidate) or not card.bins:
        return None
    name, share = f"{context.source.name}_proposed", context.source.capacity.share
    points = propose(card, matrix.catalog, name, 0.0).points(matrix.values.iloc[train])
    return propose(card, matrix.catalog, name, float(np.quantile(points, 1 - share)))


def _repair(context: Context, matrix: Matrix) -> dict[str, Any] | None:
    """What each rule of the rubric is worth, on all matured rows."""
    if context.rubric is None:
        return None
    rows = matrix.take(np.flatnonzero(matrix.matured))
    order = rows.keys["order"].to_numpy(dtype=np.int64) if matrix.ordered else None
    book = RubricCandidate(context.rubric).ledger(rows.values)
    return repair(book, rows.values, matrix.catalog, rows.label, rows.weight, group_codes(rows), order).record()


def _plan(context: Context, test: Matrix, log_odds: Floats) -> dict[str, Any] | None:
    """What other crews would have found inside their lists; only weekly snapshots have a queue."""
    if context.source.kind == "flat":
        return None
    every = context.source.cohort.every_days
    replay = arrange(test.keys, test.label)
    return plan_capacity(
        replay, log_odds, context.source.capacity, every_days=every, seed=context.settings.seed
    ).record()


def _rubric_judge(context: Context, test: Matrix) -> Judge | None:
    if context.rubric is None:
        return None
    book = RubricCandidate(context.rubric).ledger(test.values)
    threshold = context.rubric.handoff_threshold
    return Judge(
        "rubric", book.points, handed_off=book.handed_off, threshold=None if threshold is None else threshold.points
    )


def _with_reasons(context: Context, test: Matrix, swap: pd.DataFrame) -> pd.DataFrame:
    """The swap set with the twin's three main reasons per lead."""
    if not len(swap):
        return swap
    twin = load_bundle(context.paths.train / "twin")
    values = test.values.iloc[swap["row"].to_numpy()].reset_index(drop=True)
    reasons = top_reasons(Wordsmith(twin.catalog, twin.facts), twin.contributions(values), values)
    return swap.assign(**{f"reason_{k + 1}": [row[k] for row in reasons] for k in range(3)})
