"""Rows of a scored file that have a number alone: what is on record of that number in the source is somebody else's."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.cohort.objections import OBJECTS
from models.settings import TrainSettings
from pipelines.run import run_stage
from pipelines.scoring.leads_file import read_leads_file
from pipelines.scoring.score_file import OffRecord, score_file, score_leads
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.standing_feedback import FEEDBACK
from tests.reference.calls import DECLARATION, calls, write_calls

WITH_IDS = DECLARATION.replace("flat:\n", "flat:\n  lead_id: id\n").replace("columns:\n", "columns:\n      id: {}\n")
HELD = calls(400).assign(id=["" if k < 10 else f"L{k}" for k in range(400)])  # the file learned from
NEW = pd.concat([calls(10, seed=8).assign(id=""), HELD.iloc[10:13]], ignore_index=True).drop(columns=["phone", "y"])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned")
    settings = TrainSettings.tiny().model_copy(update={"alpha": 0.2})
    context = open_context(str(write_calls(folder, HELD, WITH_IDS)), folder / "data", settings)
    for stage in ("ingest", "matrix", "audit", "backtest", "train"):
        run_stage(context, stage)
    return context.paths.train / "bundle"


def say(context: Context, pinned: list[str], silenced: list[str]) -> None:
    """What sales said of leads of the source, as the last ingest read it."""
    said = [{"lead_id": lead, "verdict": "override", "state": "sql"} for lead in pinned]
    said += [{"lead_id": lead, "verdict": "do_not_contact", "state": None} for lead in silenced]
    frame = pd.DataFrame(said).assign(id=range(len(said)), next_action=None, undoes=None, expires_at=pd.NaT)
    write_parquet(context.paths.ingest / FEEDBACK, frame.astype({"expires_at": "datetime64[us]"}))


def scored(context: Context, bundle: Path, folder: Path, **columns: Any) -> pd.DataFrame:
    NEW.assign(**columns).to_csv(folder / "new.csv", index=False)
    assert score_file(context, folder / "new.csv", folder / "out.parquet", bundle=str(bundle)).errors == 0
    return pd.read_parquet(folder / "out.parquet")


@pytest.mark.parametrize(("declaration", "number"), [(DECLARATION, "{}"), (WITH_IDS, "row {}")])
def test_what_is_on_record_of_a_number_is_of_no_row_of_another_file(
    bundle: Path, tmp_path: Path, declaration: str, number: str
) -> None:
    context = open_context(str(write_calls(tmp_path, HELD, declaration)), tmp_path / "data")
    run_stage(context, "ingest")
    plain = scored(context, bundle, tmp_path)
    assert plain["lead_id"].tolist()[:10] == [number.format(k) for k in range(1, 11)]
    say(context, pinned=[number.format(3)], silenced=[number.format(4)])

    for columns in ({}, {"y": ""}):  # the target is not in the file, or not filled yet
        found = scored(context, bundle, tmp_path, **columns)
        pd.testing.assert_frame_equal(found.head(10), plain.head(10))
        assert (found["note"].head(10) == "").all() and (found["next_action"].head(10) != "none").all()
        assert "phone" not in found or found["phone"].head(10).isna().all()

    if declaration == WITH_IDS:  # what is on record of an id is of whoever has it
        assert found["phone"].tolist()[10:] == HELD["phone"].tolist()[10:13]
        assert found["note"].iloc[10:].str.endswith(", not open any more").all()


def test_who_objects_gets_no_score_whoever_asks(bundle: Path, tmp_path: Path) -> None:
    context = open_context(str(write_calls(tmp_path, HELD, WITH_IDS)), tmp_path / "data")
    run_stage(context, "ingest")
    file = context.paths.ingest / "leads.parquet"
    leads = read_parquet(file)
    write_parquet(file, leads.assign(**{OBJECTS: leads["lead_id"] == "L11"}))
    NEW.to_csv(tmp_path / "new.csv", index=False)
    rows = read_leads_file(tmp_path / "new.csv", context.source)
    for unknown in (OffRecord(), OffRecord(frozenset({"L10", "L11"}))):  # leads of another owner than the caller's
        found = score_leads(context, rows, bundle=str(bundle), unknown=unknown).frame
        assert found.loc[found["error"] != "", "lead_id"].tolist() == ["L11"]
