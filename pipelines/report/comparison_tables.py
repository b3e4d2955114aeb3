"""The comparison as tables: for the terminal, CSV files and spreadsheets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from models.judging.handoff.policy_names import policy_label
from pipelines.report.formatting import count, pct, short
from pipelines.workspace.atomic_files import read_json, read_parquet, write_text

POLICY_COLUMNS = (
    *("policy", "by", "rule", "threshold", "workload", "wins", "precision", "recall", "lift", "missed"),
    *("revenue", "net", "days_to_handoff"),
)
HEADS = ("policy", "handoffs", "wins", "90 %", "precision", "recall", "lift", "missed", "revenue", "days")


def tables_of(folder: Path) -> dict[str, pd.DataFrame]:
    """Every table of the thresholds stage by name; intervals as ``<figure>_low`` and ``<figure>_high``."""
    record = read_json(folder / "comparison.json")
    promise, plan, repair = (record.get(name) or {} for name in ("promise", "plan", "repair"))
    found = {
        "policies": _flat(record.get("policies", []), POLICY_COLUMNS),
        "confusion": pd.DataFrame([{"policy": r["policy"], **r["confusion"]} for r in record.get("policies", [])]),
        "differences": _flat(record.get("differences", [])),
        "curves": pd.concat(
            [_flat(points).assign(by=name) for name, points in record.get("curves", {}).items()] or [pd.DataFrame()]
        ),
        "by_month": pd.DataFrame(record.get("by_month", [])),
        "by_segment": pd.DataFrame(record.get("by_segment", [])),
        "promise": pd.DataFrame(promise.get("tested", [])),
        "capacity": pd.DataFrame(plan.get("table", [])),
        "waiting": pd.DataFrame(plan.get("waiting", [])),
        "rules": pd.DataFrame(repair.get("worth", [])),
        "missing_rules": pd.DataFrame(repair.get("missing", [])),
        "swap_set": read_parquet(folder / "swap_set.parquet"),
    }
    return {name: frame for name, frame in found.items() if len(frame)}


def write_csv(folder: Path, destination: Path) -> list[Path]:
    """One CSV per table, atomically written; their paths."""
    destination.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, frame in tables_of(folder).items():
        write_text(destination / f"{name}.csv", frame.to_csv(index=False))
        paths.append(destination / f"{name}.csv")
    return paths


def policy_rows(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
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
        for r in record.get("policies", [])
    ]


def _span(pair: Sequence[float | None] | None) -> str:
    return "-" if not pair or pair[0] is None or pair[1] is None else f"{pair[0]:.0f} to {pair[1]:.0f}"


def _flat(records: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Records with intervals spread over two columns and nested parts left out."""
    rows = []
    for record in records:
        row = {name: value for name, value in record.items() if not isinstance(value, list | dict)}
        for name, value in record.items():
            if name.endswith("_ci") and value:
                row |= {f"{name[:-3]}_low": value[0], f"{name[:-3]}_high": value[1]}
        rows.append(row)
    frame = pd.DataFrame(rows)
    return frame[[*columns, *(name for name in frame if name not in columns)]] if len(frame) else frame
