"""Days that a CRM writes as midnights in UTC are read alike in every table of its export and in the files to come."""

from pathlib import Path

import pandas as pd
import pytest

from features.schema.load_source import parse_source
from features.schema.source import Source
from pipelines.artifacts.reading_record import ReadingRecord
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.shaping.canonical_shape import shape_table
from pipelines.scoring.leads_file import read_leads_file
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths

DAYS = [f"{day:%Y-%m-%d}" for day in pd.date_range("2024-06-03", periods=40)]
DECLARATION = """\
name: hub
kind: relational
timezone: America/New_York
tables:
  leads:
    location: {file: leads.csv}
    columns: {lead_id: {from: Id}, created_at: {from: Created}}
  outcomes:
    location: {file: deals.csv}
    columns:
      opportunity_id: {from: Id}
      lead_id: {from: Lead}
      closed_at: {from: Closed}
      won: {from: Won}
cohort: {policy: after_creation}
label: {outcome: won, horizon_days: 30}
"""


def export(folder: Path, deals: list[str], created: str = "00:00:00") -> tuple[Source, Paths]:
    leads = "".join(f"L{row},{day}T{created}Z\n" for row, day in enumerate(DAYS))
    (folder / "leads.csv").write_text("Id,Created\n" + leads, encoding="utf-8")
    (folder / "deals.csv").write_text("\n".join(["Id,Lead,Closed,Won", *deals, ""]), encoding="utf-8")
    path = folder / "hub.yaml"
    path.write_text(DECLARATION, encoding="utf-8")
    paths = Paths(folder / "data", "hub")
    source = parse_source(DECLARATION, where="hub.yaml", path=path)
    ingest(source, paths)
    return source, paths


def local(moments: pd.Series) -> list[str]:
    return moments.dt.tz_localize("UTC").dt.tz_convert("America/New_York").dt.strftime("%Y-%m-%d %H:%M").tolist()


@pytest.mark.parametrize("count", [15, 30])
def test_few_closes_are_read_as_the_leads_are(tmp_path: Path, count: int) -> None:
    _, paths = export(tmp_path, [f"D{r},L{r},{DAYS[r]}T00:00:00Z,{('yes', 'no')[r % 2]}" for r in range(count)])
    leads = pd.read_parquet(paths.ingest / "leads.parquet")
    outcomes = pd.read_parquet(paths.ingest / "outcomes.parquet")
    assert local(leads["created_at"]) == [f"{day} 00:00" for day in DAYS]
    assert local(outcomes["closed_at"]) == local(outcomes["known_at"]) == [f"{day} 23:59" for day in DAYS[:count]]


def test_few_midnights_alone_show_nothing_and_a_time_of_day_stays(tmp_path: Path) -> None:
    deals = [f"D{r},L{r},{DAYS[r + 1]}T00:00:00Z,{('yes', 'no')[r % 2]}" for r in range(15)]
    _, paths = export(tmp_path, deals, created="14:05:00")
    closed = pd.read_parquet(paths.ingest / "outcomes.parquet")["closed_at"]
    assert closed.tolist() == [pd.Timestamp(day) for day in DAYS[1:16]]

    (tmp_path / "days").mkdir()
    deals = [f"D{r},L{r},{DAYS[r + 1]}T14:05:00Z,{('yes', 'no')[r % 2]}" for r in range(15)]
    _, paths = export(tmp_path / "days", deals)
    closed = pd.read_parquet(paths.ingest / "outcomes.parquet")["closed_at"]
    assert closed.tolist() == [pd.Timestamp(f"{day} 14:05") for day in DAYS[1:16]]


def test_a_short_file_is_read_as_the_file_trained_on(tmp_path: Path) -> None:
    source, paths = export(tmp_path, [f"D{r},L{r},{DAYS[r]}T00:00:00Z,{('yes', 'no')[r % 2]}" for r in range(15)])
    reading = ReadingRecord.find(paths)
    assert reading.tables["leads"].columns["created_at"].utc_days
    assert reading.tables["outcomes"].columns["closed_at"].utc_days

    new = tmp_path / "new.csv"
    new.write_text("Id,Created\nN1,2024-08-01T00:00:00Z\nN2,2024-08-01T09:30:00Z\n", encoding="utf-8")
    found = read_leads_file(new, source, reading).frame["created_at"]
    assert local(found) == ["2024-08-01 00:00", "2024-08-01 05:30"]
    alone = shape_table(read_file(new, source.tables["leads"].location), "leads", source)
    assert local(alone.frame["created_at"]) == ["2024-07-31 20:00", "2024-08-01 05:30"]
