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
    ``wins_by_workload``: handoffs, and the wins inside a list of that length by model and by rubric.
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
    false, true, _ = roc_curve(block.matrix.label, block.log_odds, sample_weight=block.matrix.weight)
    kept = np.unique(np.linspace(0, len(false) - 1, _MOST_POINTS).astype(np.int64))
    return [
        {"false_positive_rate": x, "true_positive_rate": y}
        for x, y in zip(false[kept].tolist(), true[kept].tolist(), strict=True)
    ]


def _wins(comparison: ComparisonRecord) -> Rows:
    """Curves of several rankings side by side, at the list lengths they share."""
    by_length: dict[int, dict[str, Any]] = {}
    for name, points in comparison.curves.items():
        for point in points:
            by_length.setdefault(point["workload"], {"handoffs": point["workload"]})[name] = point["wins"]
    return [row for _, row in sorted(by_length.items()) if len(row) == 1 + len(comparison.curves)]
