"""The lifecycle of a source in figures: tables for the terminal, JSON, CSV and the report."""

from pathlib import Path
from typing import Any

import pandas as pd

from features.errors import ContractError
from models.judging.lifecycle import Lifecycle, lifecycle
from models.judging.lifecycle_policy import LifecyclePolicy, load_policy
from pipelines.context import Context
from pipelines.locate import find_policy
from pipelines.matrices import load_matrix
from pipelines.store import read_json, write_text
from pipelines.tables import load_tables

DEFAULT = "lifecycle"
TITLES = {
    "funnel": "Funnel: leads per stage",
    "sla": "Service levels, in business hours",
    "volumes": "Promised, sent, accepted and qualified per quarter",
    "first_touch": "Hours to the first touch and win rate (association only)",
    "nurtured": "Nurtured and not (association only)",
    "tools": "Capture tools",
    "recycled": "Recycled leads and what became of them",
}


def policy_of(context: Context) -> LifecyclePolicy:
    """The lifecycle policy a source names, or the one that ships."""
    return load_policy(find_policy(context.source.lifecycle or DEFAULT, beside=context.source_path.parent))


def lifecycle_of(context: Context) -> Lifecycle:
    """Figures of the lifecycle as known at the data cut-off.

    Raises
    ------
    ContractError : the source has no clocks, or its tables and matrix were not built yet
    """
    if context.source.kind == "flat":
        raise ContractError(
            f"source '{context.source.name}' is flat: without stage history there is no lifecycle to measure. "
            "Map a 'stages' table in a relational source."
        )
    counts = read_json(context.paths.ingest / "counts.json")
    matrix = load_matrix(context.paths.matrix)
    won = pd.Series(matrix.label, index=matrix.keys["lead_id"]).groupby(level=0).max()
    tables = load_tables(context.paths)
    return lifecycle(tables, policy_of(context), pd.Timestamp(counts["data_cutoff"]), won)


def write_csv(found: Lifecycle, folder: Path) -> list[Path]:
    """One CSV per table, atomically written; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in (*TITLES, "funnel_by_month"):
        frame: pd.DataFrame = getattr(found, name)
        write_text(folder / f"{name}.csv", frame.to_csv(index=False))
        paths.append(folder / f"{name}.csv")
    return paths


def table_rows(frame: pd.DataFrame) -> list[list[Any]]:
    """A table's cells for the eye: shares in per cent, missing as a dash."""
    shares = {"went_further", "attained", "low", "high", "rate", "qualified"}
    rows = []
    for record in frame.to_dict(orient="records"):
        cells = []
        for name, value in record.items():
            if pd.isna(value):
                cells.append("-")
            elif name in shares and isinstance(value, float):
                cells.append(f"{value:.0%}")
            else:
                cells.append(f"{value:,.1f}" if isinstance(value, float) and not value.is_integer() else f"{value}")
        rows.append(cells)
    return rows
