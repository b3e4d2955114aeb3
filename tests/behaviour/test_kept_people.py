"""Copies of database tables (``kept/``) hold nobody who was forgotten and no row past its retention."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from features.errors import LeadScoreError
from features.schema.load_source import load_source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.errors import TableLostError
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

Cli = Callable[..., tuple[int, str, str]]
SOURCE = """
name: copies
kind: relational
data_cutoff: "2026-06-01"
tables:
  leads:
    location: {database: {url: CRM_DB, table: leads, watermark: no}}
    columns:
      lead_id: {from: id}
      created_at: {from: created}
      owner: {from: rep}
      mail: {from: mail, role: personal}
      name: {from: name, role: personal}
  accounts:
    location: {database: {url: CRM_DB, table: accounts, watermark: no}}
    columns: {account_id: {from: id}, contact: {role: display}}
  activities:
    location: {database: {url: CRM_DB, table: activities, watermark: id}}
    columns: {activity_id: {from: id}, lead_id: {from: lead}, kind: {}, happened_at: {from: at}}
  outcomes:
    location: {database: {url: CRM_DB, table: deals, watermark: no}}
    columns:
      opportunity_id: {from: deal}
      lead_id: {from: lead}
      account_id: {from: company}
      closed_at: {from: at}
      won: {}
activity_kinds: {visit: {dimension: interest, topic: interest, label: visits}}
"""
TABLES = (
    "CREATE TABLE leads (no INTEGER PRIMARY KEY, id INTEGER, created TEXT, rep TEXT, mail TEXT, name TEXT)",
    "INSERT INTO leads VALUES (1, 1, '2026-03-01', 'rep@us.example', 'ann@x.example', 'Ann Alone'), "
    "(2, 2, '2026-03-02', 'rep@us.example', 'ben@x.example', 'Ben Brook'), "
    "(3, 3, '2026-03-03', 'ann@x.example', 'cleo@x.example', 'Cleo Clay')",
    "CREATE TABLE accounts (no INTEGER PRIMARY KEY, id TEXT, contact TEXT)",
    "INSERT INTO accounts VALUES (1, 'a', 'ann@x.example'), (2, 'b', 'office@b.example')",
    "CREATE TABLE activities (id INTEGER PRIMARY KEY, lead INTEGER, kind TEXT, at TEXT)",
    "INSERT INTO activities VALUES (1, 2, 'visit', '2026-05-01'), (2, 1, 'visit', '2026-05-02'), "
    "(3, 3, 'visit', '2026-03-05'), (4, 1, 'visit', '2026-05-03')",
    "CREATE TABLE deals (no INTEGER PRIMARY KEY, deal TEXT, lead INTEGER, company TEXT, at TEXT, won TEXT)",
    "INSERT INTO deals VALUES (1, 'd1', 1, 'a', '2026-04-01', 'true'), (2, 'd2', 1, NULL, '2026-04-02', 'false'), "
    "(3, 'd3', 2, 'b', '2026-04-03', 'false')",
)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    monkeypatch.setenv("CRM_DB", f"sqlite:///{tmp_path}/crm.sqlite")
    made = sa.create_engine(f"sqlite:///{tmp_path}/crm.sqlite")
    run(made, *TABLES)
    return made


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


@pytest.fixture
def paths(tmp_path: Path, engine: sa.Engine) -> Paths:
    (tmp_path / "copies.yaml").write_text(SOURCE, encoding="utf-8")
    found = Paths(tmp_path / "data", "copies")
    read(found)
    return found


def read(paths: Paths) -> CountsRecord:
    return ingest(load_source(paths.data_dir.parent / "copies.yaml"), paths)


def args(paths: Paths) -> tuple[str, ...]:
    return ("--source", str(paths.data_dir.parent / "copies.yaml"), "--data-dir", str(paths.data_dir))


def kept(paths: Paths, table: str) -> pd.DataFrame:
    return pd.read_parquet(paths.kept_table(table))


def test_who_is_forgotten_goes_from_the_copies_and_nobody_else(paths: Paths, cli: Cli, engine: sa.Engine) -> None:
    before = {table: kept(paths, table) for table in ("leads", "accounts", "activities", "outcomes")}
    status, said, problem = cli("forget", "1", "--dry-run", *args(paths))
    assert status == 0 and "kept/outcomes.parquet" in said, problem
    assert all(kept(paths, table).equals(frame) for table, frame in before.items())

    status, said, problem = cli("forget", "1", *args(paths))
    assert status == 0, problem
    assert kept(paths, "leads")["id"].tolist() == [2, 3]  # 3 is Ann's as a colleague
    assert kept(paths, "activities")["id"].tolist() == [1, 3]  # 1 is an activity's id, and Ben's
    deals = kept(paths, "outcomes").set_index("deal")
    assert sorted(deals.index) == ["d1", "d3"] and pd.isna(deals.loc["d1", "lead"]) and deals.loc["d3", "lead"] == 2
    assert kept(paths, "accounts")["contact"].fillna("").tolist() == ["", "office@b.example"]

    run(engine, "INSERT INTO activities VALUES (5, 1, 'visit', '2026-05-04')")
    counts = read(paths)
    assert counts.files["activities"]["fetched"] == 3  # the newest of the copy was theirs, so 3, 4 and 5
    assert kept(paths, "activities")["id"].tolist() == [1, 3]  # the database still has theirs, no copy does
    assert load_tables(paths)["leads"]["lead_id"].tolist() == ["2", "3"]
    assert load_tables(paths)["outcomes"]["opportunity_id"].tolist() == ["d1", "d3"]


def test_a_row_of_a_copy_that_mentions_somebody_stays_without_the_address(
    paths: Paths, cli: Cli, engine: sa.Engine
) -> None:
    declaration = paths.data_dir.parent / "copies.yaml"
    declaration.write_text(SOURCE.replace("{from: name, role: personal}", "{from: name, role: display}"))
    noted = "UPDATE leads SET name = 'Ben, sent by ann@x.example' WHERE id = 2"
    run(engine, noted, "UPDATE accounts SET contact = 'ask ann@x.example' WHERE id = 'b'")
    for table in ("leads", "accounts"):
        paths.kept_table(table).unlink()
    read(paths)
    assert cli("forget", "1", *args(paths))[0] == 0
    for _ in range(2):
        assert kept(paths, "leads")["name"].tolist() == ["Ben, sent by [forgotten]", "Cleo Clay"]
        assert kept(paths, "accounts").set_index("id")["contact"].fillna("").to_dict() == {
            "a": "",
            "b": "ask [forgotten]",
        }
        read(paths)
    run(engine, "INSERT INTO leads VALUES (4, 4, '2026-03-04', 'rep@us.example', 'gil@x.example', 'by ann@x.example')")
    read(paths)
    assert kept(paths, "leads")["name"].tolist()[2:] == ["by [forgotten]"]


def test_a_lead_that_only_a_copy_still_has_is_found_and_told(paths: Paths, cli: Cli, engine: sa.Engine) -> None:
    leads = pd.read_parquet(paths.ingest / "leads.parquet")
    leads[leads["lead_id"] != "1"].to_parquet(paths.ingest / "leads.parquet")
    out = paths.data_dir.parent / "told.md"
    status, _, problem = cli("subject", "ann@x.example", "--out", str(out), *args(paths))
    assert status == 0, problem
    told = json.loads(out.with_suffix(".json").read_text())
    assert told["leads"] == ["1"] and [row["id"] for row in told["tables"]["copy of the database's activities"]] == [
        2,
        4,
    ]
    assert "Ann Alone" in out.read_text() and "Ben Brook" not in out.read_text()
    assert cli("forget", "ann@x.example", *args(paths))[0] == 0
    assert kept(paths, "leads")["id"].tolist() == [2, 3]


def test_copies_are_no_longer_kept_than_was_declared(paths: Paths, cli: Cli) -> None:
    declaration = paths.data_dir.parent / "copies.yaml"
    declaration.write_text(SOURCE + "privacy: {retention: {activities: 60}}\n", encoding="utf-8")
    status, said, problem = cli("retention", "--dry-run", "--json", *args(paths))
    assert status == 0, problem
    rows = {row["table"]: row for row in json.loads(said)["tables"]}
    assert rows["kept/activities"] == {
        "table": "kept/activities",
        "days": 60,
        "rows": 4,
        "past": 1,
        "oldest": "2026-03-05",
    }
    assert len(kept(paths, "activities")) == 4
    assert cli("retention", *args(paths))[0] == 0
    assert kept(paths, "activities")["id"].tolist() == [1, 2, 4]
    paths.kept_table("activities").unlink()
    assert read(paths).rows["activities"].people == {"retention": 1}  # the database still has it
    assert kept(paths, "activities")["id"].tolist() == [1, 2, 4]


def test_a_retention_taken_back_brings_back_what_it_took_and_a_refused_ingest_takes_nothing(paths: Paths) -> None:
    declaration = paths.data_dir.parent / "copies.yaml"

    def declare(text: str, days: int | None) -> None:
        keep = "" if days is None else f"privacy: {{retention: {{activities: {days}}}}}\n"
        declaration.write_text(text + keep, encoding="utf-8")

    declare(SOURCE.replace("created_at: {from: created}", "created_at: {from: name}"), 60)
    with pytest.raises(TableLostError):
        read(paths)
    assert len(kept(paths, "activities")) == 4
    declare(SOURCE, 60)
    read(paths)
    declare(SOURCE, 45)
    assert read(paths).files["activities"]["fetched"] == 1, "shorter: newer rows alone are asked for"
    assert kept(paths, "activities")["id"].tolist() == [1, 2, 4]
    for days in (1095, None):
        declare(SOURCE, 60)
        read(paths)
        assert kept(paths, "activities")["id"].tolist() == [1, 2, 4]
        declare(SOURCE, days)
        assert read(paths).rows["activities"].kept == 4
        assert read(paths).files["activities"]["fetched"] == 1, "once"


def test_a_copy_that_is_fetched_anew_stays_until_the_database_has_answered(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaration = paths.data_dir.parent / "copies.yaml"
    declaration.write_text(SOURCE + "privacy: {retention: {activities: 60}}\n", encoding="utf-8")
    read(paths)
    declaration.write_text(SOURCE, encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setenv("CRM_DB", f"sqlite:///{tmp_path}/nowhere/crm.sqlite")
        for _ in range(2):
            with pytest.raises(LeadScoreError, match="crm"):
                read(paths)
            assert kept(paths, "activities")["id"].tolist() == [1, 2, 4]
    assert read(paths).rows["activities"].kept == 4 and kept(paths, "activities")["id"].tolist() == [1, 2, 3, 4]
    assert read(paths).files["activities"]["fetched"] == 1


def test_a_copy_that_a_later_cut_off_shortened_is_fetched_anew(paths: Paths) -> None:
    declaration, keep = paths.data_dir.parent / "copies.yaml", "privacy: {retention: {activities: 60}}\n"

    def rows_after(cutoff: str) -> list[int]:
        declaration.write_text(SOURCE.replace('"2026-06-01"', cutoff) + keep, encoding="utf-8")
        read(paths)
        return [int(number) for number in kept(paths, "activities")["id"]]

    assert rows_after('"2026-06-01"') == [1, 2, 4]
    assert rows_after('"2026-07-02T12:00:00"') == [4], "a slip: a month late"
    assert rows_after('"2026-06-01"') == [1, 2, 4]
    assert rows_after('"2026-07-02T12:00:00"') == [4]
    assert rows_after("null") == [1, 2, 3, 4], "counted back from the newest row, of 3 May"


def test_a_cut_off_still_to_come_is_told_and_makes_nothing_old(paths: Paths) -> None:
    declaration = paths.data_dir.parent / "copies.yaml"
    years = "privacy: {retention: {activities: 18000}}\n"
    declaration.write_text(SOURCE.replace("2026-06-01", "2096-06-01") + years, encoding="utf-8")
    counts = read(paths)
    assert counts.rows["activities"].kept == 4
    assert [note for note in counts.notes if "copies.yaml line 4: 2096-06-01 is still to come" in note]


def test_a_company_s_deal_stays_in_a_copy_that_its_lead_shares(tmp_path: Path, engine: sa.Engine, cli: Cli) -> None:
    run(engine, "ALTER TABLE deals ADD COLUMN name TEXT", "UPDATE deals SET name = 'Ann Alone' WHERE lead = 1")
    leads = SOURCE[SOURCE.index("    location") : SOURCE.index("  accounts:")]
    of_deals = leads.replace("table: leads", "table: deals")[: leads.index("owner")].rstrip()
    of_deals = of_deals.replace("from: id", "from: lead").replace("from: created", "from: at")
    of_deals += "\n      name: {from: name, role: personal}\n"
    shared = SOURCE.replace(leads, of_deals).replace("name: copies", "name: shared")
    declaration = tmp_path / "shared.yaml"
    declaration.write_text(shared, encoding="utf-8")
    paths = Paths(tmp_path / "data", "shared")
    ingest(load_source(declaration), paths)
    where = ("--source", str(declaration), "--data-dir", str(paths.data_dir))
    assert cli("forget", "1", *where)[0] == 0
    for _ in range(2):
        deals = kept(paths, "leads").set_index("deal")
        assert sorted(deals.index) == ["d1", "d3"], "d2 is of no company"
        assert deals.loc["d1", ["lead", "name"]].isna().all() and deals.loc["d1", ["no", "company"]].tolist() == [
            1,
            "a",
        ]
        ingest(load_source(declaration), paths)
        assert sorted(load_tables(paths)["outcomes"]["opportunity_id"]) == ["d1", "d3"]
        assert load_tables(paths)["leads"]["lead_id"].tolist() == ["2"]


def test_a_copy_of_an_earlier_declaration_goes(paths: Paths) -> None:
    paths.kept_table("activities").rename(paths.kept_table("visits"))
    read(paths)
    assert not paths.kept_table("visits").exists() and len(kept(paths, "activities")) == 4


WIDE = """
name: wide
kind: relational
data_cutoff: "2026-06-01"
tables:
  leads:
    location: {database: {url: CRM_DB, table: persons, watermark: no}}
    columns: {lead_id: {from: lead}, created_at: {from: new}}
  stages:
    location: {database: {url: CRM_DB, table: STAGES, watermark: no}}
    wide: {lead: new, mql: met, sal: offered}
    columns: {lead_id: {from: lead}}
  outcomes:
    location: {database: {url: CRM_DB, table: deals, watermark: no}}
    columns: {opportunity_id: {from: deal}, lead_id: {from: lead}, closed_at: {from: at}, won: {}}
privacy: {retention: {leads: 60}}
"""
_DATED = "(no INTEGER PRIMARY KEY, lead TEXT, new TEXT, met TEXT, offered TEXT)"
_ROWS = (
    "VALUES (1, 'L1', '2026-05-01', '2026-05-02', '2026-05-03'), (2, 'L2', '2025-05-01', '2025-05-02', '2025-05-03'), "
    "(3, 'L3', '2026-05-01', NULL, NULL), (4, 'L4', '2026-05-01', '2026-05-02', '2026-05-03')"
)


@pytest.mark.parametrize("stages", ["persons", "dated"])  # leads and stages of one copy, and of two
def test_a_row_of_several_dates_goes_from_its_copy_once_all_of_them_went(
    tmp_path: Path, engine: sa.Engine, cli: Cli, stages: str
) -> None:
    for table in ("persons", "dated"):
        run(engine, f"CREATE TABLE {table} {_DATED}", f"INSERT INTO {table} {_ROWS}")
    run(engine, "DELETE FROM deals", "INSERT INTO deals VALUES (9, 'd9', 'L1', 'a', '2026-05-20', 'true')")
    declaration = tmp_path / "wide.yaml"
    declaration.write_text(WIDE.replace("STAGES", stages).replace("privacy:", "# privacy:"), encoding="utf-8")
    paths, source = Paths(tmp_path / "data", "wide"), lambda: load_source(declaration)
    own = "leads" if stages == "persons" else "stages"
    ingest(source(), paths)
    declaration.write_text(WIDE.replace("STAGES", stages), encoding="utf-8")
    where = ("--source", str(declaration), "--data-dir", str(paths.data_dir))
    before = paths.kept_table(own).read_bytes()
    assert cli("retention", *where)[0] == 0
    assert kept(paths, own)["lead"].tolist() == ["L1", "L3", "L4"]

    paths.kept_table(own).write_bytes(before)
    ingest(source(), paths)
    assert kept(paths, own)["lead"].tolist() == ["L1", "L3", "L4"]
    assert cli("forget", "L4", *where)[0] == 0
    for _ in range(2):  # the database is asked for their row again, each time
        ingest(source(), paths)
        assert kept(paths, own)["lead"].tolist() == ["L1", "L3"]
    assert load_tables(paths)["stages"]["lead_id"].tolist() == ["L1"] * 3 + ["L3"]


def test_a_copy_that_an_ingest_did_not_read_goes(paths: Paths, engine: sa.Engine) -> None:
    declaration = paths.data_dir.parent / "copies.yaml"
    declaration.write_text(SOURCE.replace("table: activities, watermark: id", "table: activities"), encoding="utf-8")
    unread = declaration.read_text(encoding="utf-8")
    declaration.write_text(unread.replace("created_at: {from: created}", "created_at: {from: name}"), encoding="utf-8")
    with pytest.raises(TableLostError):
        read(paths)
    assert len(kept(paths, "activities")) == 4, "a refused ingest takes nothing"
    declaration.write_text(unread, encoding="utf-8")
    assert read(paths).rows["activities"].read == 4 and not paths.kept_table("activities").exists()
    assert paths.kept_table("leads").exists()
