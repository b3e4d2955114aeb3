"""The charts of a finished run, from what its stages left on disk."""

import numpy as np
import pandas as pd

from models.judging.handoff.policy_names import pick_same_workload
from pipelines.artifacts.backtest_record import BacktestRecord
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.lifecycle_record import LifecycleRecord
from pipelines.artifacts.score_record import ScoreRecord
from pipelines.report.charts import chart_records, influence_charts, marketing_charts
from pipelines.report.charts.chart_records import Axis, Chart
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import is_ordered

DEPENDENCES = 4  # the strongest numeric features; a chart each


def charts_of(context: Context) -> list[Chart]:
    """Every chart the run has data for, in the report's order."""
    paths = context.paths
    backtest, evaluation = BacktestRecord.read(paths), EvaluationRecord.read(paths)
    comparison, lifecycle = ComparisonRecord.read(paths), LifecycleRecord.read_if_any(paths)
    found = [_base_rate_chart(context), *_candidate_charts(backtest, evaluation), *_comparison_charts(comparison)]
    if lifecycle is not None and lifecycle.funnel:
        found.append(marketing_charts.funnel(lifecycle.funnel))
    found += _score_charts(context)
    return [chart for chart in found if chart is not None]


def _base_rate_chart(context: Context) -> Chart | None:
    keys = read_parquet(context.paths.matrix / "matrix_keys.parquet")
    keys = keys[keys["matured"]]
    if not len(keys):
        return None

    if keys["as_of"].notna().any():
        period, unit = keys["as_of"].dt.strftime("%Y-%m"), "month"
    else:
        if not is_ordered(context.paths.matrix):
            return None
        tenth = (keys["order"].rank(method="first", pct=True) * 10).clip(upper=9.999).astype("int64") + 1
        period, unit = "tenth " + tenth.astype("str").str.zfill(2), "tenth of the rows, in file order"

    grouped = keys.groupby(period.rename("period"))["label"].agg(["size", "sum"])
    months = [
        {"period": str(name), "rows": int(row["size"]), "won": int(row["sum"]), "share": row["sum"] / row["size"]}
        for name, row in grouped.iterrows()
    ]

    return chart_records.base_rate(months, unit)


def _candidate_charts(backtest: BacktestRecord, evaluation: EvaluationRecord) -> list[Chart]:
    found: list[Chart] = []
    winner = backtest.winner
    if backtest.candidates:
        judged = sum(int(fold["test"]) for fold in backtest.folds)
        in_time = any(fold["test_from"] for fold in backtest.folds)
        found.append(chart_records.cv_loss(backtest.candidates, winner, judged, in_time=in_time))
        if len(backtest.folds) > 1:
            found.append(chart_records.by_block(backtest.candidates, backtest.folds, winner))
    figures = evaluation.figures
    if figures:
        found.append(
            chart_records.test_metric(
                figures,
                "auc",
                "Test AUC per candidate",
                Axis(title="AUC (bar: 90% interval)", form=".2f"),
                "The chance that a won row ranks above another; .5 is a coin toss. AUC judges only the order, not "
                "whether the probabilities are right.",
                winner,
            )
        )
        found.append(
            chart_records.test_metric(
                figures,
                "log_loss",
                "Test log loss per candidate",
                Axis(title="log loss (bar: 90% interval)", form=".3f"),
                "Lower is better: log loss judges order and probabilities together. The bars overlap more than the "
                "paired differences in the table.",
                winner,
            )
        )
        rows = sum(int(row["rows"]) for row in evaluation.reliability)
        found.append(chart_records.calibration(evaluation.reliability, rows))
    return found


def _comparison_charts(comparison: ComparisonRecord) -> list[Chart]:
    if not comparison.curves:
        return []
    found = [chart_records.workload(comparison, "wins"), chart_records.workload(comparison, "precision")]
    held = {row["policy"] for row in comparison.by_month}
    pair = pick_same_workload(held)
    if len({row["month"] for row in comparison.by_month}) > 1:
        found.append(chart_records.by_month(comparison.by_month, pair))
    if comparison.plan is not None and len(comparison.plan.waiting) > 1:
        found.append(marketing_charts.waiting(comparison.plan.waiting))
    return found


def _score_charts(context: Context) -> list[Chart]:
    record = ScoreRecord.read(context.paths)
    if not record.leads:
        return []

    worklist = read_parquet(context.paths.score / "worklist.parquet")
    found = [chart_records.scores(score_counts(worklist["score"]), len(worklist), str(record.kind))]
    sizes, sample = record.importance, record.influence
    if sizes is not None:
        for kind, rows in (("criterion", sizes.criterion), ("feature", sizes.feature)):
            found += [influence_charts.importance(rows, record.leads, kind)] if rows else []
    if sample is not None and sample.leads > 1 and sample.features:
        found.append(influence_charts.beeswarm(sample.features, sample.leads))
        numbers = [feature for feature in sample.features if feature["number"]][:DEPENDENCES]
        found += [influence_charts.dependence(feature, sample.leads) for feature in numbers]
    return found


def score_counts(scores: pd.Series) -> list[dict[str, int]]:
    """Leads per step of five points; a step is named by its middle."""
    step = np.minimum(scores.to_numpy(dtype=np.int64) // 5, 19)
    counts = np.bincount(step, minlength=20)
    return [{"score": 5 * k + 2, "leads": int(count)} for k, count in enumerate(counts)]
