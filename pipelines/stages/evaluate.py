"""Evaluate: test figures of every candidate's twin on the final block."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.matrix import Matrix
from features.schema.vocabulary import Verdict
from models.candidates.scorecard import ScorecardCandidate
from models.interfaces import Candidate
from models.judging.cluster_bootstrap import Resampling
from models.judging.evaluation.test_block import Evaluation, rank_figures
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.training.fit import Recipe, evaluate_twin, fit_twin
from pipelines.diagnostics.explanation_fidelity import fidelity_of
from pipelines.report.scorecard_page import STORED, stored
from pipelines.rubrics.recorded_baselines import recorded_policies
from pipelines.rubrics.rubric_candidate import rubric_candidate
from pipelines.stages.backtest import load_backtest
from pipelines.workspace.atomic_files import read_json, stage_dir, write_json, write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix

JUDGED = (Verdict.OK, Verdict.WEAK_SIGNAL, Verdict.NO_SIGNAL)


def run_evaluate(context: Context) -> dict[str, Any]:
    """Write test figures and calibrated test log-odds, also where there is no signal: the reader may look."""
    before = read_json(context.paths.backtest / "verdict.json")
    result: dict[str, Any] = {**before, "figures": {}}
    test: pd.DataFrame | None = None
    card: dict[str, Any] | None = None
    if before["verdict"] in JUDGED:
        matrix, split = load_matrix(context.paths.matrix), load_chop(context.paths.matrix)
        found, decision = load_backtest(context.paths)
        twin = fit_twin(matrix, split, found, context.settings, rubric_candidate(context))
        recipe = Recipe(found, decision, context.settings)
        judged = evaluate_twin(twin, matrix, split, recipe, SnapshotCapacity.of(context.source))
        base_train = float(matrix.label[split.final.train].mean())
        result |= {**judged.record(), "winner": decision.winner, "base_rate_train": base_train}
        result["recorded"] = _recorded(context, matrix.take(split.final.test))
        card = _card(twin, matrix)
        result["accounts"] = _by_account(
            matrix.keys, split.final.train, split.final.test, matrix.label, judged, decision
        )
        result["fidelity"] = fidelity_of(context, matrix, split, found, decision, twin)
        test = pd.DataFrame({"row": split.final.test, **judged.log_odds})
    with stage_dir(context.paths.evaluate) as folder:
        if test is not None:
            write_parquet(folder / "test_log_odds.parquet", test)
        if card is not None:
            write_json(folder / STORED, card)
        write_json(folder / "evaluation.json", result)
        write_json(folder / "verdict.json", before)
    return result


def _recorded(context: Context, test: Matrix) -> dict[str, dict[str, Any]]:
    """Rank figures of what the source recorded at the time."""
    judges = recorded_policies(context, test)
    if not judges:
        return {}
    return rank_figures(test, judges, SnapshotCapacity.of(context.source), Resampling.of(context.settings))


def _card(twin: Mapping[str, Candidate], matrix: Matrix) -> dict[str, Any] | None:
    """The twin's scorecard, kept whoever won: the rubric proposed from it is judged on the test block."""
    card = twin.get("scorecard")
    return stored(card, matrix.catalog) if isinstance(card, ScorecardCandidate) else None


def _by_account(
    keys: pd.DataFrame, train: Any, test: Any, label: Any, judged: Evaluation, decision: Any
) -> dict[str, dict[str, Any]]:
    """The winner's AUC apart for accounts (or leads) the training rows had seen, and for new ones."""
    from models.judging.evaluation.metrics import auc

    seen = keys["group"].iloc[test].isin(set(keys["group"].iloc[train])).to_numpy()
    found = {}
    for name, rows in (("seen", seen), ("unseen", ~seen)):
        won = label[test][rows]
        z = judged.log_odds[decision.winner][rows]
        found[name] = {
            "n": int(rows.sum()),
            "won": int(won.sum()),
            "auc": auc(won, z, np.ones(len(won))) if len(won) else None,
        }
    return found
