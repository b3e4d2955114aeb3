"""Who saw and changed what: on record, exportable, and a change to the record itself shows."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, text, update

from features.errors import ExitStatus
from serving.leads.retention import apply_retention
from serving.store.audit_trail import (
    AuditEntry,
    append_entries,
    prune_trail,
    read_entries,
    record_action,
)
from serving.store.engine import Store, open_store
from serving.store.tables import AuditRow
from serving.store.trail_check import TrailNotes, read_notes, verify_trail
from serving.store.wall_clock import wall_now
from tests.reference.serving import client_for, key_for, worklist_of

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store with ten entries."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres")
    found = open_store(url, tmp_path)
    with found.writing() as session:
        session.execute(delete(AuditRow))
    for k in range(10):
        with found.writing() as session:
            record_action(session, "Ann", "answer", f"L{k}", {"value": k / 3, "né": ["a", None]})
    yield found
    found.close()


def ids(store: Store) -> list[int]:
    with store.reading() as session:
        return [entry["id"] for entry in read_entries(session)]


def tamper(store: Store, statement: Any) -> None:
    with store.writing() as session:
        session.execute(statement)


def test_a_trail_is_whole_until_somebody_changes_it(store: Store) -> None:
    whole = verify_trail(store)
    assert (whole.intact, whole.entries, whole.last_id) == (True, 10, ids(store)[-1])
    noted = f"{whole.last_id}:{whole.head}"
    assert verify_trail(store, noted).intact and verify_trail(store, noted[:30]).intact

    fourth, last = ids(store)[3], ids(store)[-1]
    tamper(store, update(AuditRow).where(AuditRow.id == fourth).values(detail={"value": 9.0}))
    changed = verify_trail(store)
    assert not changed.intact and f"entry {fourth} " in changed.problem
    tamper(store, delete(AuditRow).where(AuditRow.id == fourth))
    assert f"entry {ids(store)[3]} " in verify_trail(store).problem

    tamper(store, delete(AuditRow).where(AuditRow.id >= fourth))
    assert verify_trail(store).intact, "a shorter chain is a chain"
    cut = verify_trail(store, noted)
    assert not cut.intact and f"entry {last} is not the one that was noted" in cut.problem


@pytest.mark.parametrize(
    ("column", "value"),
    [("at", "'x'"), ("at", "999"), ("actor", "x'ff'"), ("subject", "x'ff'"), ("detail", "'x'"), ("detail", "x'ff'")],
)
def test_an_entry_of_another_kind_is_named_not_an_error(tmp_path: Path, column: str, value: str) -> None:
    store = open_store(None, tmp_path)  # SQLite's columns take values of any kind
    for number in range(6):
        with store.writing() as session:
            record_action(session, "ann", "lead.seen", f"L{number}")
    fourth = ids(store)[3]
    tamper(store, text(f"UPDATE audit SET {column} = {value} WHERE id = {fourth}"))
    changed = verify_trail(store)
    assert not changed.intact and f"entry {fourth} " in changed.problem
    store.close()


def test_an_entry_put_in_between_shows(store: Store) -> None:
    at = {"at": wall_now(), "actor": "Eve", "action": "saw", "subject": "", "detail": {}}
    tamper(store, insert(AuditRow).values(**at, chain="f" * 64))
    assert not verify_trail(store).intact


@pytest.mark.parametrize("first", [ids, lambda store: ids(store)[1:]], ids=["the first", "a later one"])
def test_what_is_pruned_by_rule_leaves_the_chain_whole(store: Store, first: Callable[[Store], list[int]]) -> None:
    noted = verify_trail(store)
    old = first(store)[:4]
    tamper(store, update(AuditRow).where(AuditRow.id.in_(old)).values(at=wall_now() - timedelta(days=900)))
    assert not verify_trail(store).intact, "even its time is covered"
    tamper(store, delete(AuditRow))

    past, now = wall_now() - timedelta(days=900), wall_now()
    moments = [past] * 4 + [now] * 6
    with store.writing() as session:
        append_entries(
            session,
            [AuditEntry(actor="Ann", action="saw", subject=f"L{k}", detail={}, at=at) for k, at in enumerate(moments)],
        )
    before = verify_trail(store)
    assert prune_trail(store, now - timedelta(days=730)) == 4
    after = verify_trail(store, f"{before.last_id}:{before.head}")
    assert (after.intact, after.entries) == (True, 7) and prune_trail(store, now - timedelta(days=730)) == 0
    assert verify_trail(store, f"{ids(store)[0] - 1}:{'0' * 64}").intact, "a noted head that was pruned is no fault"
    assert not verify_trail(store, f"{noted.last_id + 500}:{noted.head}").intact
    tamper(store, delete(AuditRow).where(AuditRow.id == ids(store)[0]))
    assert not verify_trail(store).intact, "removing more than the rule did shows"


def test_a_check_beside_a_removal_by_rule_cries_no_wolf(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tamper(store, delete(AuditRow))
    with store.writing() as session:
        past = {"actor": "Ann", "action": "saw", "detail": {}, "at": wall_now() - timedelta(days=900)}
        append_entries(session, [AuditEntry(**past, subject=f"L{k}") for k in range(10)])

    def removed_meanwhile(session: Any) -> TrailNotes:
        notes = read_notes(session)
        assert prune_trail(store, wall_now() - timedelta(days=730)) == 10
        return notes

    monkeypatch.setattr("serving.store.trail_check.read_notes", removed_meanwhile)
    check = verify_trail(store)
    assert (check.intact, check.entries, check.problem) == (True, 10, "")
    monkeypatch.undo()
    assert verify_trail(store).intact


def test_the_trail_tells_who_saw_and_who_changed_what(tiny_demo: Any, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    with client_for(tiny_demo, tmp_path) as client:
        headers = key_for(client, "read", "feedback", "score")
        admin = key_for(client, "admin")
        client.get(f"/v1/leads/{lead}", headers=headers)
        client.get("/v1/worklist", params={"search": "Kowalski", "state": "mql"}, headers=headers)
        client.get("/v1/find", params={"q": "ann@example.com"}, headers=headers)
        client.get("/v1/leads/nobody", headers=headers)
        client.get("/v1/worklist")
        client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"}, headers=headers)
        client.post("/v1/score", json={"lead": {"lead_id": "new"}}, headers=headers)
        client.get("/healthz")
        client.app.state.views.flush()

        told = client.get("/v1/audit", headers=admin).json()
        seen = [(row["action"], row["subject"], row["detail"].get("route")) for row in reversed(told)]
        assert seen == [
            ("key.created", "tester", None),
            ("key.created", "tester", None),
            ("feedback", lead, None),
            ("saw", lead, "/v1/leads/{lead_id}"),
            ("saw", "", "/v1/worklist"),
            ("saw", "", "/v1/find"),
            ("scored", "", "/v1/score"),
            ("showed", "", "/v1/score"),
        ]
        assert told[2]["detail"]["asked"] == {"q": "..."}, "whom somebody looked for is no part of the trail"
        assert told[3]["detail"]["asked"] == {"search": "...", "state": "mql"} and told[3]["detail"]["by"] == "key:1"
        mine = client.get("/v1/audit", params={"subject": lead}, headers=admin).json()
        assert [row["action"] for row in mine] == ["saw", "feedback"]

        exported = [json.loads(line) for line in client.get("/v1/audit/export", headers=admin).text.splitlines()]
        assert [row["id"] for row in exported] == [row["id"] for row in reversed(told)]
        check = client.get("/v1/audit/check", headers=admin).json()
        assert check == {"intact": True, "entries": 8, "last_id": exported[-1]["id"], "head": exported[-1]["chain"]}
        for path in ("/v1/audit", "/v1/audit/export", "/v1/audit/check"):
            assert client.get(path, headers=headers).status_code == 403


def test_what_was_asked_for_is_no_place_for_a_name(tiny_demo: Any, tmp_path: Path) -> None:
    owner, name = str(worklist_of(tiny_demo)["owner"].iloc[0]), "Kowalski"
    with client_for(tiny_demo, tmp_path) as client:
        headers = key_for(client, "read", "admin")
        api = client.get("/openapi.json").json()["paths"]
        asked = {
            path: {one["name"] for one in item["get"].get("parameters", ()) if one["in"] == "query"}
            for path, item in api.items()
            if "get" in item and "{" not in path
        }
        asked |= {
            path: {"owner", "search", "product", "saved", "done", "of", "q"}
            for path in ("/", "/worklist", "/accounts", "/expansion", "/find", "/team", "/model", "/rubric")
        }
        for path, names in asked.items():
            for one in (*names, "kind", "role", "framework", "note"):
                for text in (name, f"{name}@corp.example", owner):
                    client.get(path, params={one: text}, headers=headers)
            client.get(path, params={f"{name}@corp.example": "1"}, headers=headers)
        closed = {"list": "to_work", "stage": "mql", "unknown": "budget", "sort": "name", "page": "2", "grade": "A1"}
        client.get("/v1/worklist", params={**closed, "owner": owner, "segment": "industry:retail"}, headers=headers)
        client.app.state.views.flush()
        told = client.get("/v1/audit", params={"limit": 500}, headers=headers).json()
        seen = [row["detail"]["asked"] for row in told if row["action"] == "saw" and "asked" in row["detail"]]
        assert len(seen) > 100 and seen[0] == {**closed, "owner": "...", "segment": "..."}
        assert not [row for row in seen for text in (name, owner) if text in str(row)]


def test_views_can_be_left_out_and_are_written_when_the_server_stops(tiny_demo: Any, tmp_path: Path) -> None:
    for views, expected in ((True, ["saw", "showed"]), (False, ["saw", "showed"])):
        with client_for(tiny_demo, tmp_path, audit_views=views) as client:
            client.get("/v1/worklist")
        found = open_store(None, tmp_path)
        with found.reading() as session:
            assert [entry["action"] for entry in read_entries(session)] == expected
        found.close()


def test_views_wait_while_the_store_cannot_be_written_to(
    tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def full(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    with client_for(tiny_demo, tmp_path) as client:
        with monkeypatch.context() as patched:
            patched.setattr("serving.store.view_log.append_entries", full)
            assert client.get("/v1/worklist").status_code == 200
            assert client.app.state.views.flush() == 0
        assert client.app.state.views.flush() == 2


def test_the_command_line_exports_and_checks_it(cli: Cli, tiny_copy: Any, tmp_path: Path) -> None:
    assert cli("keys", "create", "crm", "--scope", "read", *tiny_copy.args)[0] == 0
    folder = tiny_copy.context.paths.root / "serving"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes["serving"] == 0o700 and set(modes.values()) == {0o700, 0o600}, modes
    status, out, _ = cli("trail", "verify", *tiny_copy.args)
    assert status == 0 and out.startswith("1 entries, intact.\nhead 1:")
    noted = out.strip().rpartition(" ")[2]
    file = str(tmp_path / "trail.jsonl")
    assert cli("trail", "export", "--out", file, *tiny_copy.args)[0] == 0
    assert cli("trail", "verify", "--file", file, "--expect", noted, *tiny_copy.args)[1] == out
    assert json.loads((tmp_path / "trail.jsonl").read_text())["action"] == "key.created"

    store = open_store(None, tiny_copy.context.paths.root / "serving")
    tamper(store, update(AuditRow).values(actor="somebody else"))
    status, out, _ = cli("trail", "verify", "--json", *tiny_copy.args)
    assert status == ExitStatus.ACT and json.loads(out)["intact"] is False
    tamper(store, delete(AuditRow))
    assert cli("trail", "verify", *tiny_copy.args)[0] == 0
    assert cli("trail", "verify", "--expect", noted, *tiny_copy.args)[0] == ExitStatus.ACT
    store.close()


def test_an_exported_file_is_of_one_moment(
    cli: Cli, tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(None, tiny_copy.context.paths.root / "serving")
    past = {"actor": "Ann", "action": "saw", "detail": {}, "at": wall_now() - timedelta(days=900)}
    with store.writing() as session:
        append_entries(session, [AuditEntry(**past, subject=f"L{k}") for k in range(1_200)])
    pruned: list[int] = []

    def line_while_old_ones_go(entry: Any) -> str:
        if not pruned:
            pruned.append(prune_trail(store, wall_now() - timedelta(days=730)))
        return json.dumps(entry) + "\n"

    monkeypatch.setattr("serving.store.audit_trail.to_line", line_while_old_ones_go)
    file = tmp_path / "trail.jsonl"
    assert cli("trail", "export", "--out", str(file), *tiny_copy.args)[0] == 0
    assert pruned == [1_200] and len(file.read_text().splitlines()) == 1_200
    store.close()


def test_retention_notes_the_head_in_the_log(
    tiny_demo: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        client.get("/v1/worklist")
        client.app.state.views.flush()
        apply_retention(client.app.state.app_state)
        head = client.get("/v1/audit/check").json()["head"]
    assert f"2:{head}" in capsys.readouterr().err
