"""What people say to the server is part of the source: the next ingest takes it along, as of when it was said."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.errors import DataError
from features.schema.load_source import load_source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.posted.posted_store import COLUMNS, read_posted
from pipelines.posted.taken_record import TakenRecord
from pipelines.stages.ingest import ingest
from pipelines.stages.validate import validate
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables
from serving.store.engine import Store, open_store
from serving.store.tables import ActivityRow, AnswerRow, Base, FieldRow, StageRow

SOURCE = """
name: posted
kind: relational
tables:
  leads:
    location: {file: leads.csv}
    columns: {lead_id: {}, created_at: {}, account_id: {when_known: at_creation}}
  accounts:
    location: {file: accounts.csv}
    columns:
      account_id: {}
      known_at: {}
      employees: {type: number, when_known: known_at, label: employees}
      industry: {type: category, when_known: known_at}
  answers:
    location: {file: answers.csv}
    columns: {lead_id: {}, question: {}, value: {}, known_at: {}}
  outcomes:
    location: {file: outcomes.csv}
    columns: {opportunity_id: {}, lead_id: {}, closed_at: {}, won: {}}
questions:
  budget: {topic: budget, text: "What budget?", values: [none, some]}
  pain: {topic: need, text: "How much?", type: number, minimum: 0, maximum: 10}
"""
LAST = "2026-03-31T18:00:00"
EARLY, LATE = datetime(2026, 3, 30, 9), datetime(2026, 4, 2, 9)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    (tmp_path / "posted.yaml").write_text(SOURCE, encoding="utf-8")
    raw = tmp_path / "data" / "posted" / "raw"
    raw.mkdir(parents=True)
    for folder in (raw, tmp_path):
        (folder / "leads.csv").write_text("lead_id,created_at,account_id\n1,2026-03-01,a\n2,2026-03-02,b\n")
        (folder / "accounts.csv").write_text("account_id,known_at,employees,industry\na,2026-03-01,,retail\n")
        (folder / "answers.csv").write_text(f"lead_id,question,value,known_at\n1,budget,none,{LAST}\n")
        (folder / "outcomes.csv").write_text("opportunity_id,lead_id,closed_at,won\nd,2,2026-03-20,true\n")
    return Paths(tmp_path / "data", "posted")


@pytest.fixture
def store(paths: Paths) -> Any:
    found = open_store(None, paths.root / "serving")
    yield found
    found.close()


def say(store: Store, *rows: Base) -> None:
    with store.writing() as session:
        session.add_all(rows)


def answer(lead: str, value: str, at: datetime) -> AnswerRow:
    return AnswerRow(
        lead_id=lead, question="budget", value=value, channel="call", author="ann", happened_at=at, known_at=at
    )


def field(value: str, at: datetime, name: str = "employees") -> FieldRow:
    return FieldRow(account_id="a", lead_id="1", field=name, value=value, channel="research", author="ann", known_at=at)


def read(paths: Paths) -> tuple[dict[str, pd.DataFrame], CountsRecord]:
    source = load_source(paths.data_dir.parent / "posted.yaml")
    counts = ingest(source, paths)
    return dict(load_tables(paths)), counts


def test_what_is_read_of_the_store_is_what_the_server_has() -> None:
    tables = Base.metadata.tables
    for name, columns in COLUMNS.items():
        assert set(columns) <= {column.name for column in tables[name].columns}


def test_answers_activities_and_stages_become_rows_of_the_source(paths: Paths, store: Store) -> None:
    stage = StageRow(lead_id="1", stage="sal", entered_at=EARLY, known_at=EARLY, owner="ann", author="ann")
    act = ActivityRow(activity_id="p1", lead_id="1", kind="call", actor="rep", happened_at=EARLY, known_at=EARLY)
    say(store, answer("1", "some", EARLY), stage, act)
    tables, counts = read(paths)
    told = tables["answers"].set_index("known_at").loc[pd.Timestamp(EARLY)]
    assert (told["value"], told["author"], told["channel"]) == ("some", "ann", "call")
    assert tables["stages"][["lead_id", "stage", "owner"]].to_numpy().tolist() == [["1", "sal", "ann"]]
    assert tables["activities"][["activity_id", "kind", "actor"]].to_numpy().tolist() == [["p1", "call", "rep"]]
    assert counts.rows["answers"].read == counts.rows["answers"].kept == 2
    assert any("now part of the source: answers 1, activities 1, stages 1" in note for note in counts.notes)


def test_what_was_said_after_the_export_waits_and_moves_no_cut_off(paths: Paths, store: Store) -> None:
    say(store, answer("1", "some", LATE))
    tables, counts = read(paths)
    assert len(tables["answers"]) == 1 and counts.data_cutoff is not None
    assert pd.Timestamp(counts.data_cutoff) == pd.Timestamp(LAST)
    assert any("after the data cut-off" in note for note in counts.notes)
    record = TakenRecord.read(paths)
    assert (record.last, record.waiting["answers"], record.moment) == ({"answers": 1}, 1, pd.Timestamp(LAST))


def test_a_row_that_the_crm_exports_too_counts_once(paths: Paths, store: Store) -> None:
    say(store, answer("1", "none", datetime.fromisoformat(LAST)))
    tables, _ = read(paths)
    assert len(tables["answers"]) == 1


def test_a_row_exported_of_a_record_that_is_merged_and_posted_of_the_lead_it_became_counts_once(
    paths: Paths, store: Store
) -> None:
    """The server passes rows of a merged lead to the one that stays; the CRM has them where they were sent to."""
    declared = SOURCE.replace("kind: relational", "kind: relational\nidentity: {email: email, merge: same_email}")
    declared = declared.replace("created_at: {},", "created_at: {}, email: {role: display},")
    (paths.data_dir.parent / "posted.yaml").write_text(declared, encoding="utf-8")
    people = ("1,2026-03-01,a,ann@x.com", "2,2026-03-02,b,bob@x.com", "3,2026-03-03,b,ann@x.com")
    told = (f"3,budget,none,{LAST}", f"2,budget,some,{LAST}")
    for folder in (paths.raw, paths.data_dir.parent):
        (folder / "leads.csv").write_text("\n".join(["lead_id,created_at,account_id,email", *people]))
        (folder / "answers.csv").write_text("\n".join(["lead_id,question,value,known_at", *told]))
    at = datetime.fromisoformat(LAST)
    say(store, answer("1", "none", at), answer("1", "some", at))
    tables, counts = read(paths)
    found = tables["answers"].sort_values(["lead_id", "value"])[["lead_id", "value"]].astype("str").to_numpy().tolist()
    assert found == [["1", "none"], ["1", "some"], ["2", "some"]], "of another person it is another answer"
    assert any("now part of the source: answers 1" in note for note in counts.notes)


def test_one_id_of_several_leads_is_an_activity_of_each(paths: Paths, store: Store) -> None:
    declared = SOURCE.replace("  outcomes:", ACTIVITIES, 1)
    (paths.data_dir.parent / "posted.yaml").write_text(declared, encoding="utf-8")
    for folder in (paths.raw, paths.data_dir.parent):
        (folder / "activities.csv").write_text(f"activity_id,lead_id,kind,happened_at\nw,1,webinar,{LAST}\n")
    say(store, *(activity(lead, name) for lead, name in (("1", "w"), ("2", "w"), ("1", "v"), ("2", "v"), ("2", "u"))))
    tables, counts = read(paths)
    assert counts.rows["activities"].quarantined == 0
    found = tables["activities"].sort_values(["lead_id", "activity_id"])[["lead_id", "activity_id"]].astype("str")
    assert found.to_numpy().tolist() == [["1", "1/v"], ["1", "w"], ["2", "2/v"], ["2", "2/w"], ["2", "u"]]


def test_an_activity_that_an_export_moved_to_another_lead_counts_there_alone(paths: Paths, store: Store) -> None:
    declared = SOURCE.replace("  outcomes:", ACTIVITIES, 1)
    (paths.data_dir.parent / "posted.yaml").write_text(declared, encoding="utf-8")
    second = EARLY.replace(microsecond=0)
    rows = [f"w,2,webinar,{second}", f"v,2,call,{second}", f"x,2,webinar,{LAST}", f"y,1,webinar,{second}"]
    for folder in (paths.raw, paths.data_dir.parent):
        text = "\n".join(["activity_id,lead_id,kind,happened_at", *rows])
        (folder / "activities.csv").write_text(text, encoding="utf-8")
    posted = [("1", "w"), ("1", "v"), ("1", "x"), ("1", "y"), ("2", "y")]  # v and x: one id, another thing or moment
    say(store, *(activity(lead, name) for lead, name in posted))
    found = read(paths)[0]["activities"].sort_values(["lead_id", "activity_id"])[["lead_id", "activity_id"]]
    apart = [["1", "1/v"], ["1", "1/x"], ["1", "y"], ["2", "2/y"], ["2", "v"], ["2", "w"], ["2", "x"]]
    assert found.astype("str").to_numpy().tolist() == apart


ACTIVITIES = """  activities:
    location: {file: activities.csv}
    columns: {activity_id: {}, lead_id: {}, kind: {}, happened_at: {}}
  outcomes:"""


def activity(lead: str, name: str) -> ActivityRow:
    return ActivityRow(activity_id=name, lead_id=lead, kind="webinar", actor="lead", happened_at=EARLY, known_at=EARLY)


def test_a_row_of_a_lead_that_is_gone_is_in_quarantine(paths: Paths, store: Store) -> None:
    say(store, answer("9", "some", EARLY))
    tables, counts = read(paths)
    assert (len(tables["answers"]), counts.rows["answers"].quarantined) == (1, 1)
    assert counts.rules["answers"] == {"reference": 1}


def test_a_value_looked_up_is_a_snapshot_from_then_on(paths: Paths, store: Store) -> None:
    say(store, field("250", EARLY), field("300", datetime(2026, 3, 30, 10)), field("9", LATE))
    tables, counts = read(paths)
    found = tables["accounts"].sort_values("known_at")
    assert found["employees"].tolist()[1:] == [250.0, 300.0] and pd.isna(found["employees"].iloc[0])
    assert set(found["industry"]) == {"retail"}
    assert any("field values 2" in note for note in counts.notes)


def test_impossible_answers_of_a_file_are_quarantined(paths: Paths) -> None:
    for folder in (paths.raw, paths.data_dir.parent):
        with (folder / "answers.csv").open("a") as file:
            file.write(
                f"1,pain,99,{LAST}\n2,pain,-1,{LAST}\n2,pain,10,2026-03-30\n2,pain,,2026-03-29\n2,pain,x,2026-03-28\n"
            )
    tables, counts = read(paths)
    assert counts.rules["answers"] == {"maximum": 1, "minimum": 1}
    pains = tables["answers"].loc[(tables["answers"]["question"] == "pain").to_numpy(), "value"]
    assert pains.fillna("").tolist() == ["10", "", "x"]
    assert any("99" in reason.example for reason in counts.reasons["answers"])


def test_the_data_check_sees_what_was_posted(paths: Paths, store: Store) -> None:
    say(store, answer("1", "some", EARLY), field("250", EARLY))
    read(paths)
    report = validate(load_source(paths.data_dir.parent / "posted.yaml"), paths)
    filled = {table: {column["column"]: column for column in columns} for table, columns in report.columns.items()}
    assert report.verdict == "ok" and report.rows["answers"].kept == 2
    assert filled["accounts"]["employees"]["missing"] < 1


def test_without_a_server_nothing_changes(paths: Paths) -> None:
    read(paths)
    assert not TakenRecord.exists(paths) and not (paths.root / "serving").exists()


def test_a_store_elsewhere_is_read_where_the_settings_are_of_this_source(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = open_store(f"sqlite:///{tmp_path / 'other.sqlite'}", tmp_path)
    say(other, answer("1", "some", EARLY))
    other.close()
    monkeypatch.setenv("LEADSCORE_SERVE_STORE_URL", f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert len(read_posted(paths)) == 0
    monkeypatch.setenv("LEADSCORE_SERVE_SOURCE", str(tmp_path / "posted.yaml"))
    assert len(read_posted(paths)) == 1


def test_rows_that_the_server_never_writes_are_left_out_and_counted(paths: Paths, store: Store) -> None:
    say(store, *(answer("1", value, EARLY) for value in ("some", "none", "none", "none")), field("7", EARLY))
    with store.engine.begin() as connection:
        for number, damage in ((2, "known_at = 'zzz'"), (3, "value = CAST(x'fffe41' AS TEXT)"), (4, "value = x'41'")):
            connection.exec_driver_sql(f"UPDATE answers SET {damage} WHERE id = {number}")
        connection.exec_driver_sql("UPDATE field_values SET known_at = 7")
    tables, counts = read(paths)
    assert sorted(tables["answers"]["value"]) == ["none", "some"]
    assert [note for note in counts.notes if "left out: answers 3, field values 1." in note]
    assert [note for note in counts.notes if "now part of the source: answers 1." in note]


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    odd = Paths(tmp_path / "50% off #1", "posted")
    with_rows = open_store(None, odd.root / "serving")
    say(with_rows, answer("1", "some", EARLY))
    with_rows.close()
    assert len(read_posted(odd)) == 1


def test_a_damaged_store_is_an_error_that_names_it(paths: Paths) -> None:
    (paths.root / "serving").mkdir()
    (paths.root / "serving" / "store.sqlite").write_bytes(b"no database at all" * 300)
    with pytest.raises(DataError, match=r"store\.sqlite"):
        read_posted(paths)
