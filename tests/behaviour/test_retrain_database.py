"""A source in PostgreSQL: what a retrain finds new is what the database got, and only newer rows are asked for."""

from pathlib import Path

import pandas as pd
import pytest

from pipelines.artifacts.counts_record import CountsRecord
from pipelines.retraining.fingerprints import fingerprint_of
from pipelines.retraining.retrain_record import WhatsNew
from pipelines.retraining.whats_new import find_new, keep_seen, read_seen, see
from pipelines.run import run_stage
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.table_files import load_tables
from tests.reference.crm_database import SCHEMA, VARIABLE, CrmDatabase, make_frames, write_declaration
from tests.reference.mlflow_server import new_database

pytestmark = pytest.mark.postgres
MARCH, APRIL, MAY = (pd.Timestamp(f"2022-{month:02d}-01", tz="UTC") for month in (3, 4, 5))


@pytest.fixture
def database(postgres: str, monkeypatch: pytest.MonkeyPatch) -> CrmDatabase:
    """A CRM of a few hundred leads, of whom those until March are known."""
    url = new_database(postgres, "retrain_database")
    monkeypatch.setenv(VARIABLE, url)
    found = CrmDatabase(url, make_frames(seed=7, leads=300, months=12, weeks_back=156))
    found.create()
    found.advance(MARCH)
    return found


def take_in(context: Context) -> WhatsNew:
    """What a retrain does first, and last."""
    before = read_seen(context.paths)
    run_stage(context, "ingest")
    now = see(context.paths, fingerprint_of(context))
    keep_seen(context.paths, now)
    return find_new(context.paths, before, now)


def fetched(context: Context, table: str) -> int:
    found: int = CountsRecord.read(context.paths).files[table]["fetched"]
    return found


def lead_ids(context: Context) -> set[str]:
    return set(load_tables(context.paths)["leads"]["lead_id"])


def rows_between(database: CrmDatabase, table: str, clock: str, low: pd.Timestamp, high: pd.Timestamp) -> int:
    known = database.frames[table][clock]
    return int(((known >= low) & (known < high)).sum())


def test_new_late_and_corrected_rows_are_counted_and_only_newer_ones_are_fetched(
    database: CrmDatabase, tmp_path: Path
) -> None:
    context = open_context(str(write_declaration(tmp_path / "crm.yaml")), tmp_path / "data")
    first = take_in(context)
    assert first.since is None and first.tables["activities"].new > 500
    assert fetched(context, "activities") == rows_between(
        database, "activities", "Logged", pd.Timestamp(0, tz="UTC"), MARCH
    )

    nothing = take_in(context)
    assert not nothing.changed and fetched(context, "activities") == 1, "the newest row is asked for again"

    known = lead_ids(context)
    database.advance(APRIL, {"activities": MARCH + pd.Timedelta(days=10)})
    month = take_in(context)
    assert month.new_leads == len(lead_ids(context) - known) > 20  # second records of a person are merged
    assert 0 < fetched(context, "activities") - 1 < rows_between(database, "activities", "Logged", MARCH, APRIL)

    missing = len(database.held_back["activities"])
    database.deliver()
    late = take_in(context)
    assert fetched(context, "activities") == missing + 1, "a number that grows finds what came late"
    assert late.tables["activities"].new + late.tables["activities"].late == pytest.approx(missing, abs=5)
    assert late.tables["activities"].late > 0 and late.new_leads == 0

    won = database.frames["outcomes"].query("Won == 'yes' and Booked < @APRIL")["Deal ID"].iloc[:2].tolist()
    database.change(f"UPDATE {SCHEMA}.outcomes SET \"Won\" = 'no' WHERE \"Deal ID\" IN ('{won[0]}', '{won[1]}')")
    assert take_in(context).reversed == 2

    database.advance(MAY)
    assert take_in(context).newly_won == int(
        (
            (database.frames["outcomes"]["Booked"] >= APRIL)
            & (database.frames["outcomes"]["Booked"] < MAY)
            & (database.frames["outcomes"]["Won"] == "yes")
        ).sum()
    )
