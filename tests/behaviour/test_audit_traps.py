"""A simulator's traps, mapped as plain attributes: the audit names every one, and no honest column."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from features.schema.operations import ColumnValue, CurrentStage
from models.settings import TrainSettings
from pipelines.stages.audit import run_audit
from pipelines.stages.ingest import ingest
from pipelines.stages.matrix import build
from pipelines.synth.third_party import write_leadforge
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.matrix_files import load_matrix

SHIPPED = Path(__file__).parents[2] / "data/sources/leadforge.yaml"
REASON = "kept to see what the audit says"
TRAPS: dict[str, dict[str, Any]] = {
    "current_stage": {"type": "category", "accepted_because": REASON},  # refused by its name alone otherwise
    "is_sql": {"type": "boolean"},
    "converted_within_90_days": {"type": "boolean"},
    "conversion_timestamp": {"type": "timestamp"},
    "total_touches_all": {"type": "number"},
}


@pytest.fixture(scope="module", name="context")
def _context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("traps")
    write_leadforge(folder, seed=42, leads=2000, difficulty="intermediate")
    leads = pd.read_csv(folder / "leads.csv")
    touches = pd.read_csv(folder / "activities.csv")["lead_id"].value_counts()
    leads["total_touches_all"] = leads["lead_id"].map(touches).fillna(0)
    leads.to_csv(folder / "leads.csv", index=False)
    declared = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    del declared["generator"]
    declared["tables"]["leads"]["columns"].update(TRAPS)
    path = folder / "leadforge.yaml"
    path.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
    context = open_context(str(path), folder / "data", TrainSettings())
    ingest(context.source, context.paths)
    build(context)
    return context


def test_every_trap_is_named_a_leak_and_no_honest_column_is(context: Context) -> None:
    found = run_audit(context)
    leaks = {f.column: f for f in found.findings if f.severity == "leak"}
    timed = {"conversion_timestamp", "conversion_timestamp_age_days"}
    assert set(leaks) == {*(set(TRAPS) - {"current_stage"} - timed), "leads_current_stage", *timed}
    honest = [f.column for f in found.findings if f.severity == "suspect" and f.column not in leaks]
    assert honest == []
    assert found.accepted == {"leads_current_stage": REASON}
    assert found.verdict == "leak"
    assert "total_touches_all carry the outcome. Declare each" in found.verdict_text
    assert "leads_current_stage" not in found.verdict_text


def test_the_stage_as_of_the_moment_stands_beside_the_recorded_one(context: Context) -> None:
    catalog = load_matrix(context.paths.matrix).catalog
    assert catalog["current_stage"].params == CurrentStage()
    assert catalog["leads_current_stage"].params == ColumnValue(table="leads", column="current_stage")
    assert catalog["leads_current_stage"].label == "current stage as recorded"
