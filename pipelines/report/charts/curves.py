"""The curves of a run as rows of numbers, for tools that draw and compare them: DVC's plots."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import roc_curve

from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.final_block import find_test_block
from pipelines.workspace.context import Context

Rows = list[dict[str, Any]]
CURVES = ("calibration", "roc", "thresholds", "wins_by_workload")
_MOST_POINTS = 200  # of a curve: what a plot 300 pixels wide can show


def curves_of(context: Context) -> Mapping[str, Rows]:
    """Each of :data:`CURVES` of the chosen model on the test block, as rows; none of them where no model was made.

    ``calibration``: predicted, observed, low, high, rows. ``roc``: false_positive_rate, true_positive_rate.
    ``thresholds``: per whole score to hand off from, share of the leads, precision, wins, handoffs.
    ``wins_by_workload``: handoffs, the wins inside a list of that length by model and by rubric, read off its curve.
    """
    evaluation, comparison = EvaluationRecord.read(context.paths), ComparisonRecord.read(context.paths)
    return {
        "calibration": [
            {"predicted": row["predicted"], "observed": row["observed"], "low": row["ci"][0], "high": row["ci"][1]}
            | {"rows": row["rows"]}
            for row in evaluation.reliability
        ],
        "roc": _roc(context),
        "thresholds": [
            {name: step[name] for name in ("score", "share", "precision", "wins", "handoffs")}
            for step in (comparison.scores.steps if comparison.scores is not None else ())
        ],
        "wins_by_workload": _wins(comparison),
    }


def _roc(context: Context) -> Rows:
    block = find_test_block(context.paths)
    if block is None:
        return []
    false, true, _ = roc_curve(block.matrix.label, block.log_odds)  # each row counts once, as in every test figure
    kept = np.unique(np.linspace(0, len(false) - 1, _MOST_POINTS).astype(np.int64))
    return [
        {"false_positive_rate": x, "true_positive_rate": y}
        for x, y in zip(false[kept].tolist(), true[kept].tolist(), strict=True)
    ]


def _wins(comparison: ComparisonRecord) -> Rows:
    """The model's curve at its own list lengths; the rubric's wins are read off its curve, between the two nearest."""
    curves = {
        name: [(point["workload"], point["wins"]) for point in points] for name, points in comparison.curves.items()
    }
    if not curves.get("model"):
        return []
    rows: Rows = [{"handoffs": length, "model": wins} for length, wins in curves["model"]]
    if curves.get("rubric"):
        lengths, wins = zip(*curves["rubric"], strict=True)
        rows = [row for row in rows if lengths[0] <= row["handoffs"] <= lengths[-1]]
        for row in rows:
            row["rubric"] = float(np.interp(row["handoffs"], lengths, wins))
    return rows
