"""The store keeps its promises on SQLite and on PostgreSQL alike."""

import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, event, func, insert, inspect, select, text

from pipelines.privacy.person import Person
from pipelines.workspace.people.register import FORGOTTEN, add_to_register
from serving.auth.api_keys import LOCAL, create_key, list_keys
from serving.lists.export_history import ExportFields, ExportRows, export_changes
from serving.privacy.erase_store import OF_LEADS, erase_from_store, sweep_forgotten
from serving.problems import ConflictError
from serving.store import engine
from serving.store.audit_trail import record_action
from serving.store.engine import Store, open_store
from serving.store.tables import (
    ActivityRow,
    AnswerRow,
    AuditRow,
    Base,
    ExportedLead,
    Feedback,
    FieldRow,
    IdempotencyRecord,
    KeptLine,
    KeptList,
    NoteRow,
    OutboxMessage,
    ScoreRow,
    StageRow,
    Upload,
    Webhook,
    WithdrawnActivity,
)
from serving.store.trail_check import verify_trail
from serving.webhooks.outbox import announce
from tests.reference.postgres import ENGINES, fresh_database
from tests.reference.serving import client_for, worklist_of


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database on each engine."""
    return fresh_database(request, tmp_path)


def test_migrations_make_the_declared_tables(url: str, tmp_path: Path) -> None:
    store = open_store(url, tmp_path)
    open_store(url, tmp_path).close()
    found = inspect(store.engine)
    for table in Base.metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}, table.name
    store.close()


def test_an_empty_store_is_made_as_the_migrations_make_it(url: str, tmp_path: Path) -> None:
    migrated = Store(url)
    with migrated.engine.begin() as connection:
        engine.upgrade_store(connection)
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == engine.newest_revision()
        engine.VERSION.drop(connection)
        Base.metadata.drop_all(connection)
    migrated.migrate()
    with migrated.engine.begin() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == engine.newest_revision()
    migrated.close()


LATER = (
    "spent_states",
    "handed_over",
    "ledgers",
    "stages",
    "field_values",
    "kept_lines",
    "kept_lists",
    "withdrawn_activities",
    "notes",
)  # made by migrations after the first
LATER_COLUMNS = {
    "answers": ("corrects",),
    "activities": ("author",),
    "feedback": ("known_at", "state", "next_action", "undoes"),
    "audit": ("chain", "salt"),
    "sessions": ("groups", "confirmed_at"),
    "uploads": ("taken_by", "taken_until"),
}


UPLOADED = (
    "INSERT INTO uploads (id, caller, status, suffix, done, failed, error, created_at) VALUES "
    "('a', 'kept', 'done', '.csv', 1, 0, '', '2026-01-01'), ('b', 'unknown', 'done', '.csv', 1, 0, '', '2026-01-01')"
)


def test_an_older_store_is_migrated_and_keeps_its_rows(url: str, tmp_path: Path) -> None:
    store = open_store(url, tmp_path)
    create_key(store, "kept", ["read"], "ann")
    with store.engine.begin() as connection:
        for table in LATER:
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("ALTER TABLE uploads DROP COLUMN owner"))
        for table, columns in LATER_COLUMNS.items():
            for column in columns:
                connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(text(UPLOADED))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    store.migrate()
    with store.engine.begin() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == engine.newest_revision()
        assert compare_metadata(context, Base.metadata) == []
    assert [key.name for key in list_keys(store)] == ["kept"]
    check = verify_trail(store)
    assert (check.intact, check.entries) == (True, 2), "what was on record is chained and sealed"
    with store.reading() as session:
        uploads = session.execute(select(Upload.id, Upload.caller, Upload.owner).order_by(Upload.id)).all()
    number = list_keys(store)[0].id
    assert [tuple(row) for row in uploads] == [("a", f"key:{number}", "ann"), ("b", "unknown", None)]
    store.close()


KNOWN_BY_ID = (ScoreRow, Feedback, AnswerRow, ActivityRow, OutboxMessage, StageRow, FieldRow)


def test_no_id_is_given_out_twice_and_an_older_store_keeps_its_own(url: str, tmp_path: Path) -> None:
    store = open_store(url, tmp_path)

    def write(number: int | None = None) -> dict[str, int]:
        found = {}
        with store.engine.begin() as connection:
            for kind in KNOWN_BY_ID:  # by statement: an older table lacks columns that may be empty
                done = connection.execute(insert(kind.__table__).values(_filled(kind, number)))
                found[kind.__tablename__] = int(done.inserted_primary_key[0])
        return found

    with store.engine.begin() as connection:
        config = MigrationContext.configure(connection)
        with Operations.context(config):
            for step in ("r0012_audit_salts", "r0011_notes", "r0010_kept_lists", "r0009_kept_lines", "r0008_ids_once"):
                import_module(f"serving.store.migrations.versions.{step}").downgrade()
        connection.execute(text("UPDATE alembic_version SET version_num = '0007'"))
    if store.engine.dialect.name == "sqlite":
        write(7)
    else:
        [write() for _ in range(7)]
    before = _rows(store)
    store.migrate()
    assert _rows(store) == before
    with store.writing() as session:
        for kind in KNOWN_BY_ID:
            session.execute(delete(kind))
    store.migrate()
    assert set(write().values()) == {8}
    with store.engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    store.close()


def test_an_upgrade_gives_out_no_id_of_an_activity_that_was_erased(url: str, tmp_path: Path) -> None:
    store = open_store(url, tmp_path)
    with store.engine.begin() as connection:
        with Operations.context(MigrationContext.configure(connection)):
            for step in ("r0012_audit_salts", "r0011_notes"):
                import_module(f"serving.store.migrations.versions.{step}").downgrade()
        connection.execute(text("UPDATE alembic_version SET version_num = '0010'"))

    def post() -> int:
        with store.engine.begin() as connection:
            done = connection.execute(insert(ActivityRow.__table__).values(_filled(ActivityRow, None)))
        return int(done.inserted_primary_key[0])

    assert [post() for _ in range(3)] == [1, 2, 3]
    with store.writing() as session:
        session.execute(delete(ActivityRow).where(ActivityRow.id > 1))
    store.migrate()
    assert post() == 4
    with store.engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    store.close()


def _filled(kind: type[Base], number: int | None) -> dict[str, Any]:
    """A row of a table with something in every column that must not be empty."""
    values = {"INTEGER": 1, "FLOAT": 0.5, "DATETIME": datetime(2026, 3, 1), "JSON": {"a": 1}}
    columns = [column for column in kind.__table__.columns if not column.nullable and column.name != "id"]
    found = {column.name: values.get(str(column.type), f"{number or 0}") for column in columns}
    if kind is ActivityRow:
        found["activity_id"] = uuid4().hex
    return found if number is None else found | {"id": number}


def _old_columns(kind: type[Base]) -> list[Any]:
    """Those that the table had when ids began to be given out once."""
    return [column for column in kind.__table__.columns if (kind, column.name) != (ActivityRow, "author")]


def _rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store.engine.connect() as connection:
        return {
            kind.__tablename__: [
                tuple(row) for row in connection.execute(select(*_old_columns(kind)).order_by(kind.id))
            ]
            for kind in KNOWN_BY_ID
        }


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_both_ways_leave_the_same_text(url: str, tmp_path: Path) -> None:
    made, migrated = open_store(url, tmp_path), Store(f"sqlite:///{tmp_path / 'other.sqlite'}")
    with migrated.engine.begin() as connection:
        engine.upgrade_store(connection)
    assert _schema(made) == _schema(migrated) != {}


def _schema(store: Store) -> dict[str, str]:
    with store.engine.connect() as connection:
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return {name: " ".join(sql.split()) for name, sql in rows}


def test_servers_that_start_together_migrate_once(url: str, tmp_path: Path) -> None:
    failures: list[Exception] = []

    def start() -> None:
        try:
            open_store(url, tmp_path).close()
        except Exception as problem:
            failures.append(problem)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_store_that_another_server_is_switching_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite answers "locked" at once where two switch to the write-ahead log together; any other fault is raised."""
    answers = [sqlite3.OperationalError("database is locked"), sqlite3.OperationalError("database is locked"), None]

    class Connection:
        def execute(self, _: str) -> sqlite3.Cursor:
            answer = answers.pop(0)
            if answer is not None:
                raise answer
            return sqlite3.connect(":memory:").cursor()

    engine.switch_to_write_ahead_log(Connection())
    assert answers == []
    answers[:] = [sqlite3.OperationalError("disk I/O error")]
    with pytest.raises(sqlite3.OperationalError, match="disk"):
        engine.switch_to_write_ahead_log(Connection())
    monkeypatch.setattr(engine, "BUSY_SECONDS", -1)
    answers[:] = [sqlite3.OperationalError("database is locked")]
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        engine.switch_to_write_ahead_log(Connection())


def test_a_failed_transaction_leaves_nothing(url: str, tmp_path: Path) -> None:
    store = open_store(url, tmp_path)
    with pytest.raises(RuntimeError), store.writing() as session:
        session.add(Webhook(url="https://e.com", secret="s", events=["lead.feedback"], active=True, created_at=_now()))
        session.flush()
        announce(session, "lead.feedback", {})
        raise RuntimeError
    with store.reading() as session:
        assert list(session.scalars(select(OutboxMessage))) == []
        assert list(session.scalars(select(Webhook))) == []
    store.close()


def _now() -> Any:
    from serving.store.wall_clock import wall_now

    return wall_now()


@pytest.mark.parametrize("apart", [False, True])
def test_of_two_exports_at_once_one_is_refused(url: str, tmp_path: Path, apart: bool) -> None:
    store = open_store(url, tmp_path)
    told = {"score": 50, "state": "mql", "grade": "A", "next_action": "call", "question": "Who decides?"}
    rows = [{"lead_id": f"lead-{k}", **told} for k in range(400)]
    both_read = threading.Barrier(2, timeout=10)
    ends: list[str] = []
    fields = ExportFields("csv", {name: name for name in ("lead_id", *told)})

    def read(part: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        yield from part
        both_read.wait()

    def export(part: list[dict[str, Any]]) -> None:
        try:
            done = export_changes(store, LOCAL, "crm", ExportRows(read(part)), fields, None, again=False)
            ends.append(f"number {done.number}")
        except Exception as problem:
            ends.append(type(problem).__name__)

    parts = (rows[::2], rows[1::2]) if apart else (rows, rows)
    threads = [threading.Thread(target=export, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["ConflictError", "number 1"]
    store.close()


def test_keys_and_audit_are_kept(url: str, tmp_path: Path) -> None:
    store = open_store(url, tmp_path)
    create_key(store, "crm", ["score", "read"], "ann")
    key = list_keys(store)[0]
    assert (key.name, key.scopes, key.owner) == ("crm", ["read", "score"] and ["score", "read"], "ann")
    with store.reading() as session:
        assert [row.action for row in session.scalars(select(AuditRow))] == ["key.created"]
    store.close()


def test_writers_at_once_lose_nothing(url: str, tiny_demo: Any, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[3])
    body = {"question": "budget", "value": ">50k"}
    with client_for(tiny_demo, tmp_path, store_url=url) as client:
        codes: list[int] = []

        def write(key: str) -> None:
            answer = client.post(f"/v1/leads/{lead}/answers", json=body, headers={"Idempotency-Key": key})
            codes.append(answer.status_code)

        threads = [threading.Thread(target=write, args=(f"key-{k % 4}",)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        served = client.get(f"/v1/leads/{lead}/history").json()["served"]
        moments = [row["as_of"] for row in served]
    assert set(codes) <= {201, ConflictError.status}
    assert len(served) == 4
    assert moments == sorted(set(moments), reverse=True)


def test_who_asks_what_another_server_was_answering_gets_its_answer(url: str, tiny_demo: Any, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[3])
    with client_for(tiny_demo, tmp_path, store_url=url) as client:
        missed: list[str] = []

        def look_too_early(*given: Any) -> tuple[str, Any]:
            _, _, statement, values, *_ = given
            if "FROM idempotency" in statement and not missed:
                missed.append(statement)
                statement = statement.replace("WHERE ", "WHERE 1 = 0 AND ")
            return statement, values

        def ask(value: str) -> Any:
            body = {"question": "budget", "value": value}
            return client.post(f"/v1/leads/{lead}/answers", json=body, headers={"Idempotency-Key": "key"})

        first, engine = ask(">50k"), client.app.state.app_state.store.engine
        event.listen(engine, "before_cursor_execute", look_too_early, retval=True)
        second = ask(">50k")
        assert missed and (second.status_code, second.json()) == (first.status_code, first.json())
        missed.clear()
        other = ask("none")
        assert other.status_code == ConflictError.status and "used for another request" in other.text
        with client.app.state.app_state.store.reading() as session:
            assert session.scalar(select(func.count()).select_from(AnswerRow)) == 1


def test_a_state_change_reaches_the_outbox_with_its_answer(url: str, tiny_demo: Any, tmp_path: Path) -> None:
    frame = worklist_of(tiny_demo)
    with client_for(tiny_demo, tmp_path, store_url=url) as client:
        hook = {"url": "https://crm.example.com/hook", "events": ["lead.state_changed"]}
        local = {"url": "http://127.0.0.1:1/hook", "events": ["lead.feedback"]}
        assert client.post("/v1/webhooks", json=hook).json()["secret"]
        assert client.post("/v1/webhooks", json=local).status_code == 201
        changes = []
        for lead_id in frame["lead_id"].iloc[:30]:
            for question, value in (("budget", "none"), ("decision_role", "uses"), ("start", "no plan"), ("pain", 0)):
                body = {"question": question, "value": value}
                told = client.post(f"/v1/leads/{lead_id}/answers", json=body).json()
                if told["card"]["state"] != told["state_before"]:
                    changes.append((lead_id, told["state_before"], told["card"]["state"]))
            if changes:
                break
        with client.app.state.app_state.store.reading() as session:
            waiting = [row.payload for row in session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))]
    assert changes
    assert [(row["lead_id"], row["from"], row["to"]) for row in waiting] == changes


def fill_about(session: Any, lead: str, number: int) -> None:
    """A row about a lead in every table that can hold one."""
    now = datetime(2026, 3, 1, 9, number)
    said = {"reason": "", "author": "rep", "expires_at": None, "score": 1, "bundle_hash": "b", "known_at": now}
    said |= {"state": None, "next_action": None, "undoes": None, "written_at": now}
    session.add(Feedback(lead_id=lead, verdict="accept", note="", **said))
    answer = {"question": "budget", "value": "1", "channel": "call", "author": "rep", "happened_at": now}
    session.add(AnswerRow(lead_id=lead, known_at=now, **answer))
    session.add(
        ActivityRow(activity_id=f"a{number}", lead_id=lead, kind="visit", actor="lead", happened_at=now, known_at=now)
    )
    session.add(StageRow(lead_id=lead, stage="accepted", entered_at=now, known_at=now, author="rep", feedback_id=None))
    session.add(
        FieldRow(
            account_id="acme", lead_id=lead, field="employees", value="5", channel="web", author="rep", known_at=now
        )
    )
    session.add(WithdrawnActivity(lead_id=lead, kind="visit", known_at=now, author="rep", written_at=now))
    session.add(NoteRow(lead_id=lead, activity=None, note="met", author="rep", happened_at=now, known_at=now))
    session.add(ExportedLead(ledger="/crm", lead_id=lead, mark="m", state="mql", number=1))
    line = {"lead_id": lead, "score": 60}
    scored = {"score": 60, "log_odds": 0.1, "probability": 0.5, "state": "mql", "framework": "bant", "origin": "answer"}
    session.add(ScoreRow(lead_id=lead, as_of=now, written_at=now, bundle_hash="b", line=line, **scored))
    session.add(KeptLine(lead_id=lead, under="u", known="1,1", written_at=now, line=line))
    session.merge(KeptList(under="u", written_at=now, rows=b""))
    session.add(IdempotencyRecord(caller="c", key=lead, request_hash="h", answer={"line": line}, at=now))
    sent = {
        "webhook_id": 1,
        "event": "lead.feedback",
        "created_at": now,
        "due_at": now,
        "attempts": 0,
        "last_error": "",
    }
    session.add(OutboxMessage(payload={"data": {"lead_id": lead}}, **sent))
    record_action(session, "rep", "answer", lead, {"question": "budget"})


def test_a_person_is_taken_out_of_every_table_and_nobody_else_is(url: str, tmp_path: Path) -> None:
    store = open_store(url, tmp_path)
    with store.writing() as session:
        fill_about(session, "1000", 1)
        fill_about(session, "10001", 2)
    person = Person(lead_ids=frozenset({"1000"}), addresses=frozenset())
    tables = (*OF_LEADS, IdempotencyRecord, OutboxMessage)

    def counted() -> list[int]:
        with store.reading() as session:
            return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]

    rehearsed = erase_from_store(store, tmp_path / "uploads", person, "", dry_run=True)
    assert counted() == [2] * len(tables)
    done = erase_from_store(store, tmp_path / "uploads", person, "0123", dry_run=False)
    assert [place.record() for place in rehearsed] == [place.record() for place in done]
    assert counted() == [1] * len(tables)
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(KeptList)) == 0, "a whole list goes with anyone on it"
        assert {session.scalar(select(table.lead_id)) for table in OF_LEADS} == {"10001"}
        assert session.scalars(select(FieldRow.lead_id).order_by(FieldRow.id)).all() == ["", "10001"]
        subjects = session.scalars(select(AuditRow.subject).order_by(AuditRow.id)).all()
    assert subjects == ["forgotten:0123", "10001", "forgotten:0123", "forgotten:0123"]
    assert verify_trail(store).intact

    register = add_to_register(tmp_path, FORGOTTEN, ["10001"], [])
    assert sweep_forgotten(store, tmp_path / "uploads", register) == 1
    assert counted() == [0] * len(tables) and verify_trail(store).intact
    assert sweep_forgotten(store, tmp_path / "uploads", register) == 0
    store.close()


def test_an_account_or_a_webhook_with_the_number_of_a_forgotten_lead_is_not_swept(url: str, tmp_path: Path) -> None:
    store, uploads = open_store(url, tmp_path), tmp_path / "uploads"
    with store.writing() as session:
        fill_about(session, "1000", 1)
        record_action(session, "ann", "saw", "1042", {"route": "/v1/accounts/{account_id}"})
        record_action(session, "ann", "webhook.removed", "1042")
    register = add_to_register(tmp_path, FORGOTTEN, ["1042"], [])
    with store.reading() as session:
        before = session.scalars(select(AuditRow.id)).all()
    assert sweep_forgotten(store, uploads, register) == 0
    with store.reading() as session:
        assert session.scalars(select(AuditRow.id)).all() == before, "nothing was removed, so nothing says so"
        assert session.scalar(select(func.count()).select_from(KeptList)) == 1

    with store.writing() as session:
        record_action(session, "ann", "saw", "1042", {"route": "/v1/leads/{lead_id}"})
        record_action(session, "ann", "saw", "1042 budget", {"route": "/v1/leads/{lead_id}/questions/{question}"})
    assert sweep_forgotten(store, uploads, register) == 1
    with store.reading() as session:
        left = session.scalars(select(AuditRow.subject).where(AuditRow.subject.like("1042%"))).all()
    assert left == ["1042", "1042"] and sweep_forgotten(store, uploads, register) == 0
    store.close()
