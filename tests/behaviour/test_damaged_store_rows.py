"""A row of the store that somebody changed by hand is left out, logged and counted, and no page fails over it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, func, select

from serving.store.audit_trail import record_action
from serving.store.damaged_rows import DamagedRows
from serving.store.engine import Store, open_store
from serving.store.tables import ActivityRow, AuditRow, ExportedLead, Feedback, NoteRow, ScoreRow
from serving.store.trail_check import verify_trail
from serving.store.wall_clock import wall_now
from tests.reference.postgres import ENGINES, fresh_database
from tests.reference.serving import client_for, key_for, worklist_of

NOW = wall_now()
SCORE = {
    "as_of": None, "written_at": NOW, "score": 50, "log_odds": 0.0, "probability": 0.5, "state": "lead",
    "framework": "bant", "bundle_hash": "b", "origin": "api", "line": {"a": [1, None]},
}  # fmt: skip

TOLD = {"reason": "", "note": "", "score": None, "bundle_hash": None, "written_at": NOW}


def change(store: Store, sql: str) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql(sql)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_database(request, tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = open_store(None, tmp_path)
    with found.writing() as session:
        session.add_all(ScoreRow(lead_id=f"L{k}", **SCORE) for k in range(4))
        session.add_all(ExportedLead(ledger="a", lead_id=f"L{k}", mark="", state="", number=1) for k in range(2))
    return found


@pytest.mark.parametrize(
    "value",
    ["line = 'no json'", "line = '[1]'", "line = x'ff'", "line = 'null'", "score = 'high'", "log_odds = 'x'",
     "written_at = 'today'", "written_at = '2026-02-30 00:00:00.000000'", "as_of = 5", "lead_id = x'00'",
     "written_at = '2026-02-20T00:00:00+01:00'", "lead_id = CAST(x'fffe41' AS TEXT)",
     "line = CAST(x'7b2261223a22ff227d' AS TEXT)"],
)  # fmt: skip
def test_a_row_that_leadscore_never_writes_is_left_out(
    store: Store, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    assert not store.damaged.look() and store.damaged.describe() == "" and store.damaged.counts == {}
    change(store, f"UPDATE scores SET {value} WHERE id = 2")
    change(store, "UPDATE handed_over SET number = 'n' WHERE lead_id = 'L1'")
    assert DamagedRows(store.engine).look() and store.damaged.look()
    assert store.damaged.counts == {"handed_over": 1, "scores": 1} and "1 in scores" in store.damaged.describe()
    with store.reading() as session:
        assert [row.id for row in session.scalars(select(ScoreRow).order_by(ScoreRow.id))] == [1, 3, 4]
        assert session.scalar(select(func.count()).select_from(ScoreRow)) == 3 and session.get(ScoreRow, 2) is None
        newest = select(func.max(ScoreRow.id)).where(ScoreRow.id < 3)
        assert session.scalar(select(ScoreRow.lead_id).where(ScoreRow.id.in_(newest))) == "L0"
        assert session.scalars(select(ExportedLead.lead_id)).all() == ["L0"]
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = {(line["table"], str(line["key"])) for line in lines if line["event"] == "damaged row left out"}
    assert told == {("scores", "[2]"), ("handed_over", "['...', '...']")}, "an id of a lead is no part of the log"

    change(store, "DELETE FROM handed_over")
    change(store, "DELETE FROM scores WHERE id = 2")
    assert not store.damaged.look() and store.damaged.describe() == ""
    store.close()


def test_a_key_that_is_no_utf_8_is_left_out_and_letters_of_any_script_are_not(store: Store) -> None:
    change(store, "UPDATE handed_over SET state = 'Łódź 서울' WHERE lead_id = 'L0'")
    change(store, "UPDATE handed_over SET lead_id = CAST(x'4cc3' AS TEXT) WHERE lead_id = 'L1'")
    assert store.damaged.look() and store.damaged.counts == {"handed_over": 1}
    with store.reading() as session:
        assert [row.state for row in session.scalars(select(ExportedLead))] == ["Łódź 서울"]
    store.close()


def test_a_start_looks_through_tables_of_as_many_rows_as_it_is_told(store: Store) -> None:
    change(store, "UPDATE scores SET score = 'high' WHERE id = 2")
    change(store, "UPDATE handed_over SET number = 'n' WHERE lead_id = 'L1'")
    for most, found in (
        (1, {}),
        (2, {"handed_over": 1}),
        (3, {"handed_over": 1}),
        (4, {"handed_over": 1, "scores": 1}),
    ):
        rows = DamagedRows(store.engine)
        assert rows.look(most) is bool(found) and rows.counts == found
    store.close()


@pytest.mark.parametrize("url", ENGINES, indirect=True)
def test_no_table_is_counted_and_only_those_are_read_that_can_be_damaged(url: str, tmp_path: Path) -> None:
    store, asked = open_store(url, tmp_path), list[str]()
    with store.writing() as session:
        record_action(session, "Ann", "answer", "L1")
        session.add(Feedback(lead_id="L1", verdict="loved", author="kim", **TOLD))
    event.listen(store.engine, "before_cursor_execute", lambda *said: asked.append(str(said[2])))
    assert store.damaged.look(1) and store.damaged.counts == {"feedback": 1}
    assert not [sql for sql in asked if "count(" in sql.lower()]
    if store.engine.dialect.name == "postgresql":  # whose columns hold nothing else than what they are for
        assert {name for sql in asked for name in re.findall(r'FROM "?(\w+)', sql)} == {"activities", "feedback"}
    store.close()


def test_a_damaged_entry_of_the_trail_stays_part_of_its_chain(store: Store) -> None:
    for number in range(3):
        with store.writing() as session:
            record_action(session, "Ann", "answer", f"L{number}")
    change(store, "UPDATE audit SET detail = 'x' WHERE id = 3")
    assert store.damaged.look()
    with store.writing() as session:
        record_action(session, "Ann", "answer", "L3")
    with store.reading() as session:
        assert session.scalars(select(AuditRow.id)).all() == [1, 2, 4]
    assert "entry 3 holds what leadscore never writes" in verify_trail(store).problem
    change(store, "UPDATE audit SET detail = '{}' WHERE id = 3")
    assert store.damaged.look() is False and verify_trail(store).intact
    store.close()


def test_pages_go_on_without_damaged_rows_and_healthz_says_why(tiny_demo: Any, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    with client_for(tiny_demo, tmp_path) as client:
        headers = key_for(client, "read", "score", "admin")
        damage(client, lead)
        for path in ("", "worklist", f"leads/{lead}", f"v1/leads/{lead}", "v1/worklist", "v1/audit", "team", "process"):
            answer = client.get(f"/{path}", headers=headers)
            assert answer.status_code in (200, 303), (path, answer.text)
        health = client.get("/healthz").json()
        assert health["status"] == "degraded"
        assert "1 in activities, 1 in audit, 1 in feedback, 1 in notes, 1 in scores" in health["problem"]
        assert 'leadscore_store_rows_left_out{table="feedback"} 1.0' in client.get("/metrics").text
        assert "sound note" in client.get(f"/leads/{lead}", headers=headers).text
        assert client.get(f"/v1/leads/{lead}", headers=headers).json()["silenced"] is None
        store = client.app.state.app_state.store
        change(store, "UPDATE notes SET happened_at = known_at, note = CAST(x'fffe41' AS TEXT) WHERE note = 'x note'")
        notes = client.get(f"/v1/leads/{lead}/notes", headers=headers)
        assert notes.status_code == 200 and "sound note" in notes.text, notes.text
        change(store, "UPDATE feedback SET verdict = 'do_not_contact', written_at = 'then'")
        card = client.get(f"/v1/leads/{lead}", headers=headers).json()
        assert card["silenced"]["verdict"] == "do_not_contact", "whoever must not be contacted is not, whatever else"


def damage(client: TestClient, lead: str) -> None:
    """A damaged row of most kinds about a lead, beside a sound note."""
    store, own = client.app.state.app_state.store, {"lead_id": lead, "author": "kim"}
    act = {"actor": "lead", "asset": None, "channel": None, "value": None, "happened_at": NOW, "known_at": NOW}
    with store.writing() as session:
        session.add(ScoreRow(lead_id=lead, **SCORE))
        session.add(Feedback(verdict="snooze", **own, **TOLD))
        session.add(ActivityRow(activity_id="a1", kind="page_view", **own, **act))
        session.add_all(NoteRow(note=f"{how} note", happened_at=NOW, known_at=NOW, **own) for how in ("sound", "x"))
    change(store, "UPDATE scores SET line = '{'")
    change(store, "UPDATE feedback SET verdict = 'loved'")
    change(store, "UPDATE activities SET value = 'much'")
    change(store, "UPDATE notes SET happened_at = 'then' WHERE note = 'x note'")
    change(store, "UPDATE audit SET detail = 'x' WHERE id = 1")
