"""The lifecycle's part of the report: sentences, tables, promises kept, disagreements."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from models.judging.lifecycle.service_levels import ASSOCIATION
from pipelines.artifacts.lifecycle_record import LifecycleRecord
from pipelines.diagnostics.lifecycle_figures import FEEDBACK, TITLES, parts_of, table_rows
from pipelines.diagnostics.promises_by_month import promises_by_month
from pipelines.report.charts.stage_flowchart import flowchart_of
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.paths import Paths

DISAGREEMENTS = 12
_WIDE = ("funnel_by_month",)
_APART = ("stages",)  # drawn, and shown as two tables: as agreed, and as they are


def lifecycle_view(paths: Paths) -> dict[str, Any]:
    """What the section shows; empty without stage history."""
    record = LifecycleRecord.read_if_any(paths)
    if record is None:
        return {}
    listed = read_parquet(paths.thresholds / "disagreements.parquet")
    said = {name: FEEDBACK[name] for name in ("agreement", "verdicts")}
    heads = {**TITLES, **said, "funnel_by_month": "The funnel by month of creation"}
    tables = {
        name: table
        for name, title in heads.items()
        if name not in _APART and (table := _table(record.table(name), title, record.columns.get(name, ())))
    }
    agreed = pd.DataFrame(record.table("stages"))
    kept = promises_by_month(record.sla_by_month, record.sla)
    return {
        "sentences": [line for line in record.sentences if line != ASSOCIATION],
        "waste": waste_line(record),
        "tables": [table for name, table in tables.items() if name not in _WIDE],
        "folded": [table for name, table in tables.items() if name in _WIDE],
        "flowchart": flowchart_of(record.table("stages"), record.table("transitions")),
        "stages": [
            {"title": title, "columns": list(part.columns), "rows": table_rows(part)}
            for title, part in parts_of("stages", agreed)
        ],
        "undeclared": undeclared_ways(record.table("transitions")),
        "kept": kept,
        "kept_lately": kept.last(),
        "hours": record.hours,
        "disagreements": _disagreements(listed),
        "disagreeing": len(listed),
    }


def undeclared_ways(ways: Sequence[Mapping[str, Any]]) -> str:
    """Ways leads took that nobody declared, the most frequent first; empty where there are none."""
    taken = sorted((way for way in ways if not way["declared"]), key=lambda way: -way["leads"])
    named = [f"{way['from']} to {way['to']} ({way['leads']:,})" for way in taken[:8]]
    return f"Taken, but not declared: {', '.join(named)}." if named else ""


def waste_line(record: LifecycleRecord) -> str:
    """The share of all leads that was sent and never qualified, from the funnel's own counts."""
    counts = {row["stage"]: int(row["leads"]) for row in record.funnel}
    sent = sum(int(row["sent"]) for row in record.volumes)
    qualified = sum(int(row["qualified"]) for row in record.volumes)
    if not sent or not counts.get("lead"):
        return ""
    return (
        f"{sent - qualified:,} of {sent:,} leads that were sent to sales were not qualified so far "
        f"({(sent - qualified) / sent:.0%}); the youngest of them may still be."
    )


def _table(rows: Sequence[Mapping[str, Any]], title: str, order: Sequence[str]) -> dict[str, Any] | None:
    if not rows:
        return None
    frame = pd.DataFrame(rows)[list(order)]
    return {"title": title, "columns": list(frame.columns), "rows": table_rows(frame)}


def _disagreements(listed: pd.DataFrame) -> list[dict[str, Any]]:
    """Half of the list from each side, worst first."""
    if not len(listed):
        return []
    sides = [
        listed[(listed["decision"] == side).to_numpy()].head(DISAGREEMENTS // 2) for side in ("returned", "accepted")
    ]
    plain = pd.concat(sides).astype(object)
    rows = plain.where(plain.notna(), None).to_dict(orient="records")
    return [{str(name): value for name, value in row.items()} for row in rows]
