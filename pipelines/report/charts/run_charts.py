"""The charts of a finished run, from what its stages left on disk."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.judging.handoff.policy_names import pick_same_workload
from pipelines.report.charts import chart_records, influence_charts, marketing_charts
from pipelines.report.charts.chart_records import Axis, Chart
from pipelines.workspace.atomic_files import read_json, read_parquet
from pipelines.workspace.context import Context

DEPENDENCES = 4  # the strongest numeric features; a chart each


def charts_of(context: Context) -> list[Chart]:
    """Every chart the run has data for, in the report's order."""
    paths = context.paths
    backtest = read_json(paths.backtest / "backtest.json")
    evaluation = read_json(paths.evaluate / "evaluation.json")
    comparison = read_json(paths.thresholds / "comparison.json")

    found = [_base_rate_chart(context), *_candidate_charts(backtest, evaluation), *_comparison_charts(comparison)]

    stages = read_json(paths.thresholds / "lifecycle.json").get("funnel", [])
    if stages:
        found.append(marketing_charts.funnel(stages))
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
        ordered = read_json(context.paths.matrix / "matrix.json")["ordered"]
        if not ordered:
            return None
        tenth = (keys["order"].rank(method="first", pct=True) * 10).clip(upper=9.999).astype("int64") + 1
        period, unit = "tenth " + tenth.astype("str").str.zfill(2), "tenth of the rows, in file order"

    grouped = keys.groupby(period.rename("period"))["label"].agg(["size", "sum"])
    months = [
        {"period": str(name), "rows": int(row["size"]), "won": int(row["sum"]), "share": row["sum"] / row["size"]}
        for name, row in grouped.iterrows()
    ]

    return chart_records.base_rate(months, unit)


def _candidate_charts(backtest: Mapping[str, Any], evaluation: Mapping[str, Any]) -> list[Chart]:
    found: list[Chart] = []
    winner = backtest.get("winner")

    if backtest["candidates"]:
        judged = sum(int(fold["test"]) for fold in backtest["folds"])
        found.append(chart_records.cv_loss(backtest["candidates"], winner, judged))
        if len(backtest["folds"]) > 1:
            found.append(chart_records.by_block(backtest["candidates"], backtest["folds"], winner))

    figures = evaluation["figures"]
    if figures:
        found.append(
            chart_records.test_metric(
                figures,
                "auc",
                "Test AUC per candidate",
                Axis(title="AUC (bar: 90 % interval)", form=".2f"),
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
                Axis(title="log loss (bar: 90 % interval)", form=".3f"),
                "Lower is better: log loss judges order and probabilities together. The bars overlap more than the "
                "paired differences in the table.",
                winner,
            )
        )

        rows = sum(int(row["rows"]) for row in evaluation["reliability"])
        found.append(chart_records.calibration(evaluation["reliability"], rows))

    return found


def _comparison_charts(comparison: Mapping[str, Any]) -> list[Chart]:
    if not comparison.get("curves"):
        return []
    found = [chart_records.workload(comparison, "wins"), chart_records.workload(comparison, "precision")]

    held = {row["policy"] for row in comparison["by_month"]}
    pair = pick_same_workload(held)
    if len({row["month"] for row in comparison["by_month"]}) > 1:
        found.append(chart_records.by_month(comparison["by_month"], pair))

    plan = comparison.get("plan")
    if plan and len(plan["waiting"]) > 1:
        found.append(marketing_charts.waiting(plan["waiting"]))
    return found


def _score_charts(context: Context) -> list[Chart]:
    record = read_json(context.paths.score / "score.json")
    if not record["leads"]:
        return []

    worklist = read_parquet(context.paths.score / "worklist.parquet")
    found = [chart_records.scores(score_counts(worklist["score"]), len(worklist), record["kind"])]

    for kind in ("criterion", "feature"):
        rows: Sequence[Mapping[str, Any]] = record.get("importance", {}).get(kind, ())
        if rows:
            found.append(influence_charts.importance(rows, record["leads"], kind))

    sample = record["influence"]
    if sample["leads"] > 1 and sample["features"]:
        found.append(influence_charts.beeswarm(sample["features"], sample["leads"]))
        numbers = [feature for feature in sample["features"] if feature["number"]][:DEPENDENCES]
        found += [influence_charts.dependence(feature, sample["leads"]) for feature in numbers]

    return found


def score_counts(scores: pd.Series) -> list[dict[str, int]]:
    """Leads per step of five points; a step is named by its middle."""
    step = np.minimum(scores.to_numpy(dtype=np.int64) // 5, 19)
    counts = np.bincount(step, minlength=20)
    return [{"score": 5 * k + 2, "leads": int(count)} for k, count in enumerate(counts)]
