"""The lifecycle of a source in figures: tables for the terminal, JSON, CSV and the report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.assembly.closed_leads import closed_leads
from features.errors import ContractError
from features.pause_points import pause_point
from models.explaining.language import ENGLISH
from models.judging.handoff.replay import snapshot_starts
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.lifecycle.figures import Lifecycle, measure_lifecycle
from models.judging.lifecycle.policy import LifecyclePolicy, load_policy
from models.judging.lifecycle.sales_feedback import agreement, disagreements, scored_decisions, who_was_right
from models.logistic import sigmoid
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.final_block import find_test_block
from pipelines.artifacts.lifecycle_record import LifecycleRecord
from pipelines.rubrics.compared_leads import take_rows
from pipelines.workspace import csv_files
from pipelines.workspace.atomic_files import write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.find_declarations import find_policy
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.people.objecting import are_left_out
from pipelines.workspace.table_files import load_tables, records_of

DEFAULT = "lifecycle"
TITLES = {
    "stages": "Stages as agreed, and as they are",
    "goals": "Shared goals per quarter: promised and reached",
    "programmes": "Nurture programmes against comparable others (association only)",
    "funnel": "Funnel: leads per stage",
    "sla": "Service levels, in business hours",
    "volumes": "Promised, sent, accepted and qualified per quarter",
    "first_touch": "Hours to the first touch and win rate (association only)",
    "nurtured": "Nurtured and not (association only)",
    "tools": "Capture tools",
    "recycled": "Recycled leads and what became of them",
    "returns": "Leads sales sent back, by reason",
    "worked": "Worked and never worked (not comparable: who is worked was chosen)",
}
_STAGE_PARTS = {
    "Stages as agreed": ("stage", "owner", "meaning", "entry", "expectation", "sla", "metric", "target"),
    "Stages as they are": (
        "stage",
        "leads",
        "in_it_now",
        "median_days",
        "went_further",
        "next_step_in_time",
        "first_touch_in_time",
        "metric",
        "actual",
        "kept",
    ),
}
CSV_ONLY = ("funnel_by_month", "sla_by_month", "decisions", "transitions", "members")
FEEDBACK = {
    "agreement": "What sales said, what the score said, and what became of it (test weeks, within the horizon)",
    "verdicts": "Where sales decided against the score, and who was right (returned leads were not worked)",
    "disagreements": "Where sales and score disagree most",
}


def policy_of(context: Context) -> LifecyclePolicy:
    """The lifecycle policy a source names, or the one that ships."""
    return load_policy(find_policy(context.source.lifecycle or DEFAULT, beside=context.source_path.parent))


def lifecycle_of(context: Context, tables: Tables | None = None, as_of: pd.Timestamp | None = None) -> Lifecycle:
    """Figures of the lifecycle as known at the data cut-off, or of other ``tables`` at another moment.

    Raises
    ------
    ContractError : the source has no clocks, or its tables and matrix were not built yet
    """
    if context.source.kind == "flat":
        raise ContractError(
            f"source '{context.source.name}' is flat: without stage history there is no lifecycle to measure. "
            "Map a 'stages' table in a relational source."
        )
    cutoff = as_of or pd.Timestamp(CountsRecord.read(context.paths).data_cutoff or "NaT")
    matrix = load_matrix(context.paths.matrix)
    tables = load_tables(context.paths) if tables is None else tables
    looks = matrix.keys[["lead_id", "as_of", "age_days"]].assign(label=matrix.label)
    looks = looks[~are_left_out(context, matrix)].reset_index(drop=True)
    policy = policy_of(context)
    closed = closed_leads(tables, context.source, cutoff)
    pause_point()
    return measure_lifecycle(tables, policy, cutoff, looks, closed)


def feedback_of(context: Context, found: Lifecycle) -> dict[str, pd.DataFrame]:
    """Sales' decisions against the evaluated twin's score at that time, of nobody who objects to profiling since; empty
    without a trained model.
    """
    judged = find_test_block(context.paths)
    if judged is None:
        return {}
    block = take_rows(judged, ~are_left_out(context, judged.matrix))
    keys, every_days = block.matrix.keys, SnapshotCapacity.of(context.source).every_days
    week = snapshot_starts(keys["as_of"], every_days)
    scored = scored_decisions(found.decisions, keys, sigmoid(block.log_odds), block.matrix.label, week)
    if not len(scored):
        return {}
    verdicts = who_was_right(scored, policy_of(context).minimum_n)
    return {"agreement": agreement(scored), "verdicts": verdicts, "disagreements": disagreements(scored)}


def write_lifecycle(context: Context, folder: Path) -> None:
    """``lifecycle.json`` for the report (empty without stages) and ``disagreements.parquet``."""
    if context.source.kind == "flat" or "stages" not in context.source.tables:
        LifecycleRecord.write_nothing(folder)
        return

    found = lifecycle_of(context)
    feedback = feedback_of(context, found)
    agreed = feedback.get("agreement", pd.DataFrame())
    verdicts = feedback.get("verdicts", pd.DataFrame())
    record: dict[str, Any] = {"agreement": records_of(agreed), "verdicts": records_of(verdicts)}

    record["columns"] = {name: list(getattr(found, name)) for name in (*TITLES, *CSV_ONLY)} | {
        "agreement": list(agreed),
        "verdicts": list(verdicts),
    }

    hours = policy_of(context).business_hours
    record["hours"] = f"{', '.join(hours.days)}, {hours.start:g} to {hours.end:g}, {hours.timezone}"
    LifecycleRecord.of(found.record() | record).write(folder)
    write_parquet(folder / "disagreements.parquet", feedback.get("disagreements", pd.DataFrame()))


def write_csv(found: Lifecycle, folder: Path, feedback: Mapping[str, pd.DataFrame] | None = None) -> list[Path]:
    """One CSV per table, atomically written; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    tables = {name: getattr(found, name) for name in (*TITLES, *CSV_ONLY)} | dict(feedback or {})
    for name, frame in tables.items():
        csv_files.write_csv(folder / f"{name}.csv", frame)
        paths.append(folder / f"{name}.csv")
    return paths


def parts_of(name: str, frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """A table as it is shown, under its titles: what is too wide for one comes in two."""
    if name != "stages":
        return [(TITLES[name], frame)]
    return [(title, frame[list(columns)]) for title, columns in _STAGE_PARTS.items()] if len(frame) else []


def table_rows(frame: pd.DataFrame) -> list[list[Any]]:
    """A table's cells for the eye: shares in per cent, missing as a dash."""
    shares = {"went_further", "attained", "low", "high", "rate", "qualified", "probability", "base", "share"}
    shares |= {"next_step_in_time", "first_touch_in_time", "others_rate", "others_low", "others_high"}
    rows = []

    for record in frame.to_dict(orient="records"):
        cells = []
        for name, value in record.items():
            if value is None or value == "" or pd.isna(value):
                cells.append("-")
            elif isinstance(value, bool | np.bool_):
                cells.append("yes" if value else "no")
            elif isinstance(value, float) and (name in shares or _is_share(record, str(name))):
                cells.append(ENGLISH.chance(value, 0))
            else:
                cells.append(f"{value:,.1f}" if isinstance(value, float) and not value.is_integer() else f"{value}")
        rows.append(cells)
    return rows


def _is_share(record: Mapping[Any, Any], name: str) -> bool:
    """Whether a figure is a share by what its row is about: a stage's metric, or a goal."""
    if name in ("target", "actual"):
        return "days" not in str(record.get("metric", "days"))
    return name in ("promised", "reached", "change") and record.get("goal", "qualified leads") != "qualified leads"
