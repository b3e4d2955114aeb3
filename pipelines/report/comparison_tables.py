"""The comparison as tables: for the terminal, CSV files and spreadsheets."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from models.judging.handoff.policy_names import policy_label
from pipelines.artifacts.comparison_record import ComparisonRecord, ScoresRecord
from pipelines.report.formatting import count, pct, short
from pipelines.workspace import csv_files
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.paths import Paths

POLICY_COLUMNS = (
    *("policy", "by", "rule", "threshold", "workload", "wins", "precision", "recall", "lift", "missed"),
    *("revenue", "net", "days_to_handoff"),
)
HEADS = ("policy", "handoffs", "wins", "90%", "precision", "recall", "lift", "missed", "revenue", "days")

SCORE_HEADS = ("hand off from", "score", "handoffs", "a week", "wins", "90%", "precision", "rubric's wins")
POINT_LABELS = {
    "promise": "keep the promise",
    "capacity": "fill the team",
    "rubric_precision": "match the rubric's precision",
}

RANKING_HEADS = ("of whom", "rows", "leads", "won", "base rate", "model AUC", "best tenth", "rubric AUC", "best tenth")


def tables_of(paths: Paths) -> dict[str, pd.DataFrame]:
    """Every table of the thresholds stage by name; intervals as ``<figure>_low`` and ``<figure>_high``."""
    record = ComparisonRecord.read(paths)
    promise, plan, repair = record.promise, record.plan, record.repair
    curves = [_flatten(points).assign(by=name) for name, points in record.curves.items()]
    found = {
        "policies": _flatten(record.policies, POLICY_COLUMNS),
        "confusion": pd.DataFrame([{"policy": row["policy"], **row["confusion"]} for row in record.policies]),
        "ranking": pd.DataFrame(record.ranking),
        "differences": _flatten(record.differences),
        "curves": pd.concat(curves or [pd.DataFrame()]),
        "by_month": pd.DataFrame(record.by_month),
        "by_segment": pd.DataFrame(record.by_segment),
        "scores": pd.DataFrame() if record.scores is None else _flatten(record.scores.steps),
        "promise": pd.DataFrame(() if promise is None else promise.tested),
        "capacity": pd.DataFrame(() if plan is None else plan.table),
        "waiting": pd.DataFrame(() if plan is None else plan.waiting),
        "rules": pd.DataFrame(() if repair is None else repair.worth),
        "missing_rules": pd.DataFrame(() if repair is None else repair.missing),
        "swap_set": read_parquet(paths.thresholds / "swap_set.parquet"),
    }
    return {name: frame for name, frame in found.items() if len(frame)}


def write_csv(
    paths: Paths, destination: Path, named: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame
) -> list[Path]:
    """One CSV per table, atomically written; their paths. ``named`` adds to a list of leads who they are."""
    destination.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in tables_of(paths).items():
        csv_files.write_csv(destination / f"{name}.csv", named(frame))
        written.append(destination / f"{name}.csv")
    return written


def policy_rows(policies: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Cells of the policies under :data:`HEADS`."""
    return [
        (
            policy_label(r["policy"]),
            count(r["workload"]),
            count(r["wins"]),
            _span(r.get("wins_ci")),
            pct(r["precision"]),
            pct(r["recall"]),
            "-" if r["lift"] is None else f"{r['lift']:.2f}",
            count(r["missed"]),
            short(r["revenue"]),
            "-" if r["days_to_handoff"] is None else f"{r['days_to_handoff']:.0f}",
        )
        for r in policies
    ]


def score_rows(scores: ScoresRecord) -> list[tuple[str, ...]]:
    """Cells of the named scores under :data:`SCORE_HEADS`."""
    found = [(POINT_LABELS[point["name"]], scores.step(point["score"])) for point in scores.points]
    return [
        (
            label,
            str(row["score"]),
            count(row["handoffs"]),
            "-" if row["per_week"] is None else f"{row['per_week']:.1f}",
            count(row["wins"]),
            _span(row["wins_ci"]),
            pct(row["precision"]),
            "-" if row["rubric_wins"] is None else count(row["rubric_wins"]),
        )
        for label, row in found
        if row is not None
    ]


def ranking_rows(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Cells of the parts of the test rows under :data:`RANKING_HEADS`."""
    judged = [
        [cell for judge in ("model", "rubric") for cell in (_auc(row, judge), pct(row.get(f"{judge}_best_tenth")))]
        for row in rows
    ]
    return [
        (row["population"], count(row["rows"]), count(row["leads"]), count(row["won"]), pct(row["base_rate"]), *cells)
        for row, cells in zip(rows, judged, strict=True)
    ]


def _auc(row: Mapping[str, Any], judge: str) -> str:
    found = row.get(f"{judge}_auc")
    return "-" if found is None else f"{found:.3f}"


def _span(pair: Sequence[float | None] | None) -> str:
    return "-" if not pair or pair[0] is None or pair[1] is None else f"{pair[0]:.0f} to {pair[1]:.0f}"


def _flatten(records: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Records with intervals spread over two columns and nested parts left out."""
    rows = []
    for record in records:
        row = {name: value for name, value in record.items() if not isinstance(value, list | tuple | dict)}
        for name, value in record.items():
            if name.endswith("_ci") and value:
                row |= {f"{name[:-3]}_low": value[0], f"{name[:-3]}_high": value[1]}
        rows.append(row)
    frame = pd.DataFrame(rows)
    return frame[[*columns, *(name for name in frame if name not in columns)]] if len(frame) else frame
