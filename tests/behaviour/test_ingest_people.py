"""Ingest leaves people out and counts them: forgotten ones, objections, missing consent, old rows."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.cohort.objections import OBJECTS
from features.schema.load_source import load_source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.retraining.whats_new import find_new, see
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.register import FORGOTTEN, add_to_register
from pipelines.workspace.people.register import OBJECTS as ASKED_NOT_TO
from pipelines.workspace.standing_feedback import read_standing_feedback
from pipelines.workspace.table_files import load_tables
from serving.store.engine import open_store
from serving.store.tables import ActivityRow, Feedback

Cli = Callable[..., tuple[int, str, str]]
SOURCE = """
name: people
kind: relational
data_cutoff: "2026-06-01"
privacy:
  objection: no_profiling
  consent: {email: {column: newsletter, contacts: [mail]}}
  retention: {activities: 60, leads: 400}
tables:
  leads:
    location: {file: leads.csv}
    columns:
      lead_id: {from: Id}
      created_at: {from: Created}
      account_id: {from: Company, when_known: at_creation}
      owner: {from: Owner}
      mail: {from: Mail, role: personal}
      newsletter: {from: Newsletter, type: boolean, role: display}
      no_profiling: {from: No profiling, type: boolean, role: display}
  accounts:
    location: {file: accounts.csv}
    columns: {account_id: {}, contact: {role: display}}
  activities:
    location: {file: activities.csv}
    columns: {activity_id: {}, lead_id: {}, kind: {}, happened_at: {}, channel: {}}
  outcomes:
    location: {file: outcomes.csv}
    columns: {opportunity_id: {}, lead_id: {}, account_id: {}, closed_at: {}, won: {}}
activity_kinds: {visit: {dimension: interest, topic: interest, label: visits}}
"""
LEADS = """Id,Created,Company,Owner,Mail,Newsletter,No profiling
1,2026-03-01,a,rep@us.example,Ann <Ann@x.example>,yes,no
2,2026-03-02,b,rep@us.example,ben@x.example,no,no
3,2026-03-03,b,ann@x.example,cleo@x.example,yes,yes
4,2026-13-03,b,rep@us.example,ann@x.example,yes,no
5,2026-03-05,a,rep@us.example,dora@x.example,yes,no
6,2024-03-05,a,rep@us.example,eve@x.example,yes,no
1,2026-03-01,too,many,ann@x.example,fields,here,now
"""
ACTIVITIES = """activity_id,lead_id,kind,happened_at,channel
a1,1.0,visit,2026-05-01,web
a2,2,visit,2026-05-01,web
a3,2,visit,2026-05-01,Email
a4,3,visit,2026-05-01,web
a5,5,visit,2026-05-01,email
a6,5,visit,2026-03-06,web
a7,99,visit,2026-05-01,web
"""
OUTCOMES = """opportunity_id,lead_id,account_id,closed_at,won
d1,1,a,2026-04-01,true
d2,1,,2026-04-02,false
1,1,a,2026-04-03,false
d3,2,b,2026-04-03,false
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    (tmp_path / "people.yaml").write_text(SOURCE, encoding="utf-8")
    accounts = "account_id,contact\na,ann@x.example\nb,office@b.example\n"
    for name, text in {"leads": LEADS, "activities": ACTIVITIES, "outcomes": OUTCOMES, "accounts": accounts}.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return Paths(tmp_path / "data", "people")


def read(paths: Paths, text: str | None = None) -> CountsRecord:
    declaration = paths.data_dir.parent / "people.yaml"
    if text is not None:
        declaration.write_text(text, encoding="utf-8")
    return ingest(load_source(declaration), paths)


def held(paths: Paths) -> str:
    """Every table that ingest wrote, as text."""
    return "\n".join(pd.read_parquet(file).to_csv() for file in sorted(paths.ingest.rglob("*.parquet")))


def test_forgotten_people_leave_no_row_in_any_table_or_quarantine(paths: Paths) -> None:
    plain = SOURCE.replace("privacy:", "x:").split("x:")[0] + SOURCE[SOURCE.index("tables:") :]
    before = read(paths, plain)
    assert "ann@x.example" in held(paths) and before.rows["leads"].people == {}

    add_to_register(paths.root, FORGOTTEN, ["1"], ["ann@x.example"])
    counts = read(paths, plain)
    text = held(paths)
    assert "ann@x" not in text.casefold().replace("3,2026", "").replace("ann@x.example,cleo", "")
    tables = load_tables(paths)
    assert tables["leads"]["lead_id"].tolist() == ["2", "3", "5", "6"]  # 4 was theirs, too: it would be in quarantine
    assert counts.rows["leads"].people == {"forgotten": 3}  # two rows, and one that does not fit the header
    assert counts.rows["activities"].people == {"forgotten": 1}
    outcomes = tables["outcomes"].set_index("opportunity_id")
    assert sorted(outcomes.index) == ["d1", "d3"] and pd.isna(outcomes.loc["d1", "lead_id"])
    assert counts.rows["outcomes"].people == {"forgotten": 2}
    assert tables["accounts"]["contact"].tolist()[0] is None or pd.isna(tables["accounts"]["contact"].iloc[0])
    for row in counts.rows.values():
        assert row.read == row.kept + row.quarantined + row.set_apart
    assert "of forgotten people left out" in counts.text


def test_a_colleagues_address_takes_no_lead_away(paths: Paths) -> None:
    add_to_register(paths.root, FORGOTTEN, [], ["rep@us.example"])
    assert read(paths).rows["leads"].people.get("forgotten", 0) == 0


NOTED = SOURCE.replace("      mail: {from", "      note: {from: Note, role: display}\n      mail: {from")
NOTE = "referred by Ann@x.example; told eve@x.example"


def write_notes(paths: Paths) -> None:
    """Lead 2 and lead 4, which a wrong date keeps in quarantine, are about others than those their note mentions."""
    header, *rows = LEADS.splitlines()[:-1]
    notes = {"2": NOTE, "4": NOTE}
    lines = [f"{header},Note", *(f"{row},{notes.get(row[0], '')}" for row in rows)]
    text = "\n".join([*lines, ""]).replace("-13-03,b,rep@us.example,ann@x", "-13-03,b,rep@us.example,fay@x")
    (paths.data_dir.parent / "leads.csv").write_text(text, encoding="utf-8")


def test_a_note_that_mentions_a_forgotten_person_stays_without_the_mention(paths: Paths) -> None:
    write_notes(paths)
    add_to_register(paths.root, FORGOTTEN, [], ["ann@x.example", "cleo@x.example"])
    counts = read(paths, NOTED)
    leads = load_tables(paths)["leads"].set_index("lead_id")
    assert leads.loc["2", "note"] == "referred by [forgotten]; told eve@x.example" and "1" not in leads.index
    assert counts.rows["leads"].people["forgotten"] == 2 and counts.rows["leads"].quarantined == 1
    assert "[forgotten]; told eve" in held(paths) and "ann@x" not in held(paths).casefold()


def test_an_objection_is_of_whose_address_it_is_not_of_who_is_mentioned_or_works_here(paths: Paths) -> None:
    write_notes(paths)
    add_to_register(paths.root, ASKED_NOT_TO, [], ["ann@x.example", "rep@us.example"])
    read(paths, NOTED)
    leads = load_tables(paths)["leads"].set_index("lead_id")
    assert leads[OBJECTS].to_dict() == {"1": True, "2": False, "3": False, "5": False}


def test_objection_consent_and_retention_are_honoured_and_counted(paths: Paths) -> None:
    counts = read(paths)
    tables = load_tables(paths)
    assert counts.rows["activities"].people == {"objection": 1, "consent": 1, "retention": 1}
    assert tables["activities"]["activity_id"].tolist() == ["a1", "a2", "a5"]
    leads = tables["leads"].set_index("lead_id")
    assert "6" not in leads.index and counts.rows["leads"].people == {"retention": 1}
    assert pd.isna(leads.loc["2", "mail"]) and leads.loc["5", "mail"] == "dora@x.example"
    assert OBJECTS not in leads  # nobody told leadscore, the column of the CRM speaks


def test_an_old_export_is_as_old_as_its_newest_row_says(paths: Paths, cli: Cli) -> None:
    for file in ("leads", "activities", "outcomes"):
        text = (paths.data_dir.parent / f"{file}.csv").read_text(encoding="utf-8")
        (paths.data_dir.parent / f"{file}.csv").write_text(
            text.replace("2024-", "2017-").replace("2026-", "2019-"), encoding="utf-8"
        )
    text = SOURCE.replace('data_cutoff: "2026-06-01"\n', "").replace("activities: 60", "activities: 50")
    counts = read(paths, text)
    assert counts.rows["activities"].people == {"objection": 1, "consent": 1, "retention": 1}  # a6, of 56 days before
    assert counts.rows["leads"].people == {"retention": 1}
    assert counts.data_cutoff is not None and counts.data_cutoff.startswith("2019-05-01")
    args = ("--source", str(paths.data_dir.parent / "people.yaml"), "--data-dir", str(paths.data_dir))
    status, told, problem = cli("retention", "--dry-run", "--json", *args)
    assert status == 0, problem
    assert [row["past"] for row in json.loads(told)["tables"]] == [0] * 6


def test_what_was_posted_from_a_moment_on_is_no_news_as_of_it(paths: Paths) -> None:
    read(paths)
    store, late = open_store(None, paths.root / "serving"), datetime(2026, 5, 20)
    with store.writing() as session:
        given: dict[str, Any] = {
            "lead_id": "1",
            "kind": "visit",
            "actor": "lead",
            "known_at": late,
            "happened_at": late,
        }
        session.add(ActivityRow(activity_id="p1", **given))
    before, then = see(paths, "f", as_of=pd.Timestamp("2026-05-20")), see(paths, "f")
    assert (before.said["activities"], then.said["activities"]) == (0, 1)
    assert find_new(paths, None, before, pd.Timestamp("2026-05-20")).said == {}
    assert find_new(paths, None, then).said == {"activities": 1}


def test_what_was_posted_is_left_out_alike(paths: Paths) -> None:
    store = open_store(None, paths.root / "serving")
    early = datetime(2026, 5, 20)
    with store.writing() as session:
        for number, (lead, channel) in enumerate((("2", "web"), ("2", "email"), ("3", "web"), ("5", "email"))):
            row = {"activity_id": f"p{number}", "lead_id": lead, "kind": "visit", "actor": "lead", "channel": channel}
            session.add(ActivityRow(**row, asset=None, value=None, happened_at=early, known_at=early))
    (paths.data_dir.parent / "outcomes.csv").write_text(OUTCOMES + "d9,5,a,2026-05-30,true\n")
    read(paths)
    found = load_tables(paths)["activities"]["activity_id"].tolist()
    assert [name for name in found if name.startswith("p")] == ["p0", "p3"]
    store.close()


def test_an_objection_told_to_leadscore_marks_the_lead(paths: Paths) -> None:
    add_to_register(paths.root, ASKED_NOT_TO, [], ["ben@x.example"])
    read(paths)
    leads = load_tables(paths)["leads"].set_index("lead_id")
    assert leads[OBJECTS].to_dict() == {"1": False, "2": True, "3": False, "5": False}
    assert "a2" not in load_tables(paths)["activities"]["activity_id"].tolist()


MERGING = SOURCE.replace("privacy:", "identity: {email: mail}\nprivacy:", 1)


def add_records(paths: Paths, *rows: str) -> None:
    (paths.data_dir.parent / "leads.csv").write_text("\n".join([*LEADS.splitlines()[:-1], *rows, ""]), encoding="utf-8")


def test_the_objection_of_a_newer_record_counts_for_the_person_it_is_merged_into(paths: Paths) -> None:
    add_records(paths, "7,2026-03-09,a,rep@us.example,ann+news@x.example,yes,yes")
    counts = read(paths, MERGING)
    leads = load_tables(paths)["leads"].set_index("lead_id")
    assert "7" not in leads.index and leads.loc["1", "no_profiling"], "merged, and the person objects"
    assert not leads.loc["2", "no_profiling"]
    assert load_tables(paths)["activities"]["activity_id"].tolist() == ["a2", "a5"]
    assert counts.rows["activities"].people["objection"] == 2  # of lead 3, and of lead 1 by what lead 7 says


def test_records_of_one_person_that_do_not_agree_are_no_consent(paths: Paths) -> None:
    add_records(
        paths,
        "7,2026-03-09,a,rep@us.example,DORA@x.example,no,no",
        "8,2026-03-09,a,rep@us.example,ann@x.example,yes,no",
        "9,2026-03-10,a,rep@us.example,ben@x.example,yes,no",
    )
    counts = read(paths, MERGING)
    leads = load_tables(paths)["leads"].set_index("lead_id")
    assert leads.index.tolist() == ["1", "2", "3", "5"]
    assert leads["newsletter"].tolist() == [True, False, True, False]
    assert pd.isna(leads.loc["5", "mail"]) and pd.isna(leads.loc["2", "mail"]) and pd.notna(leads.loc["1", "mail"])
    assert counts.rows["activities"].people["consent"] == 2  # the mails to lead 2 and to lead 5


def test_who_comes_back_objects_as_before_unless_kept_apart(paths: Paths) -> None:
    (paths.data_dir.parent / "outcomes.csv").write_text(OUTCOMES.replace("d2,1,,2026-04-02", "d2,3,b,2026-03-05"))
    add_records(paths, "7,2026-05-09,a,rep@us.example,cleo@x.example,yes,no")
    read(paths, MERGING)
    leads = load_tables(paths)["leads"].set_index("lead_id")
    assert leads.loc[["3", "7"], "no_profiling"].tolist() == [True, True]
    read(paths, MERGING.replace("{email: mail}", "{email: mail, keep_apart: ['7']}"))
    assert not load_tables(paths)["leads"].set_index("lead_id").loc["7", "no_profiling"]


def test_what_sales_said_of_a_merged_lead_follows_it(paths: Paths) -> None:
    add_records(paths, "7,2026-03-09,a,rep@us.example,ann@x.example,yes,no")
    store, then = open_store(None, paths.root / "serving"), datetime(2026, 5, 20)
    said = {"reason": "asked", "note": "", "author": "kim", "written_at": then, "known_at": then, "expires_at": None}
    with store.writing() as session:
        session.add(Feedback(lead_id="7", verdict="do_not_contact", **said))
    store.close()
    read(paths, SOURCE)
    assert read_standing_feedback(paths).silenced == {"7"}
    read(paths, MERGING)
    assert read_standing_feedback(paths).silenced == {"1"}
