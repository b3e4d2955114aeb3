"""Who saw which leads in lists and files, and who was let in and went, is in the audit trail."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select
from starlette.requests import Request
from starlette.testclient import TestClient

from features.rubric.yaml_format import rubric_yaml
from pipelines.workspace.people.register import FORGOTTEN, add_to_register
from serving.auth.api_keys import Caller, create_key, list_keys, revoke_key
from serving.auth.oidc_claims import Person
from serving.auth.provider_sessions import end_sessions, open_session
from serving.auth.viewed import views_of
from serving.http.request_view import request_view
from serving.http.shown_leads import leads_noted, note_leads_in
from serving.privacy.erase_store import sweep_forgotten
from serving.scopes import Scope
from serving.store.audit_trail import AuditEntry, read_entries
from serving.store.engine import open_store
from serving.store.tables import AuditRow
from serving.store.trail_check import verify_trail
from serving.store.view_log import ViewLog
from serving.store.wall_clock import wall_now
from tests.reference.serving import client_for, key_for, score_uploads


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def told(client: TestClient) -> list[dict[str, Any]]:
    """Entries, oldest first."""
    client.app.state.views.flush()
    with client.app.state.app_state.store.reading() as session:
        return list(read_entries(session))


def shown_by(client: TestClient, route: str) -> list[str]:
    rows = [row["detail"] for row in told(client) if row["action"] == "showed" and row["detail"]["route"] == route]
    return [lead for detail in rows for lead in detail["leads"]]


def test_lists_pages_and_files_say_which_leads_they_showed(client: TestClient) -> None:
    rows = client.get("/v1/worklist", params={"size": 120}).json()["rows"]
    assert len(rows) == 120 and shown_by(client, "/v1/worklist") == [row["lead_id"] for row in rows]
    parts = [len(row["detail"]["leads"]) for row in told(client) if row["action"] == "showed"]
    assert parts == [100, 20], "whoever is forgotten blanks a part"

    page = client.get("/worklist", headers={"accept": "text/html"}).text
    listed = shown_by(client, "/worklist")
    assert listed and all(f"/leads/{lead}" in page for lead in listed)
    file = client.get("/v1/worklist/export", params={"state": "mql"}).text.splitlines()
    assert shown_by(client, "/v1/worklist/export") == [line.split(",")[0] for line in file[1:]]
    sheet = client.get("/worklist/file", params={"state": "mql"}).text
    assert sheet.count("\n") - 1 == len(shown_by(client, "/worklist/file")) > 0
    lead = rows[0]["lead_id"]
    found = client.get("/v1/audit", params={"subject": lead}).json()
    assert {"/v1/worklist", "/worklist"} <= {row["detail"]["route"] for row in found}
    assert verify_trail(client.app.state.app_state.store).intact


def test_of_a_long_file_there_are_the_number_and_a_hash(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.auth.viewed._MOST_NAMED", 30)
    lines = client.get("/v1/worklist/export").text.splitlines()[1:]
    ids = sorted(line.split(",")[0] for line in lines)
    detail = next(row["detail"] for row in told(client) if row["action"] == "showed")
    assert detail["count"] == len(ids) > 30
    assert detail["sha256"] == hashlib.sha256("\n".join(ids).encode()).hexdigest()


def test_a_comparison_of_rubrics_and_an_upload_are_told(client: TestClient, tiny_demo: Any) -> None:
    active = tiny_demo.context.rubric
    changes = {"downloads": {"points": 2.0}, "demo_request": {"points": 30.0, "within_days": 60}}
    rules = tuple(rule.model_copy(update=changes.get(rule.id, {})) for rule in active.rules)
    draft = rubric_yaml(active.model_copy(update={"version": "2", "rules": rules}))
    found = client.post("/v1/rubric/compare", json={"rubric": draft}).json()
    moved = {row["lead_id"] for row in (*found["moves"], *found["now"]["moves"])}
    assert moved and set(shown_by(client, "/v1/rubric/compare")) == moved
    sent = {"file": ("a.csv", b"lead_id,created_at\nnew-1,2026-01-05\n")}
    number = client.post("/v1/uploads", files=sent).json()["id"]
    entries = [(row["action"], row["subject"], row["detail"].get("route")) for row in told(client)]
    assert ("scored", number, "/v1/uploads") in entries
    assert ("saw", "", "/v1/rubric/compare") in entries


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_leads_of_an_uploads_result_are_told(client: TestClient, suffix: str) -> None:
    ids = ["new-1", "=new-2", "", "new-3"]
    rows = pd.DataFrame({"Lead ID": ids, "Created Date": "2026-01-05T09:00:00+00:00", "Lead Source": "referral"})
    content = rows.to_csv(index=False).encode() if suffix == "csv" else rows.to_parquet(index=False)
    number = client.post("/v1/uploads", files={"file": (f"a.{suffix}", content)}).json()["id"]
    score_uploads(client)
    assert shown_by(client, "/v1/uploads/{number}/result") == []
    assert client.get(f"/v1/uploads/{number}/result").status_code == 200
    assert shown_by(client, "/v1/uploads/{number}/result") == ["new-1", "=new-2", "new-3"]
    found = client.get("/v1/audit", params={"subject": "=new-2"}).json()
    assert [row["action"] for row in found] == ["showed"]


def test_leads_of_long_answers_are_named_up_to_some_thousands() -> None:
    request = Request({"type": "http", "method": "GET", "headers": [], "query_string": b"", "path_params": {}})
    request.scope["route"] = SimpleNamespace(path="/v1/worklist/export")
    request.state.known_caller = Caller(name="ann", scopes=frozenset({Scope.READ}), owner=None, identity="key:1")
    for count in (501, 5_000):
        leads = [f"L{k}" for k in range(count)]
        details = [entry.detail for entry in views_of(request, 200, leads) if entry.action == "showed"]
        assert [lead for detail in details for lead in detail["leads"]] == leads
        assert max(len(detail["leads"]) for detail in details) == 100


def test_who_signs_out_or_is_not_let_in_is_told(client: TestClient) -> None:
    store = client.app.state.app_state.store
    token = key_for(client, "read")["authorization"].removeprefix("Bearer ")
    form = {"token": token_of(client.get("/sign-in").text), "next": "/"}
    for tried in ("lsk_a-secret-that-was-tried", "lsk_another"):
        assert client.post("/sign-in", data={**form, "key": tried}).status_code == 401
    client.app.state.views.flush()
    assert client.post("/sign-in", data={**form, "key": token}, follow_redirects=False).status_code == 303
    page = client.get("/", headers={"accept": "text/html"}).text
    assert client.post("/sign-out", data={"token": token_of(page)}, follow_redirects=False).status_code == 303
    prefix = list_keys(store)[0].prefix
    entries = [(row["actor"], row["action"], row["subject"], row["detail"]) for row in told(client)]
    signed = [entry for entry in entries if entry[1].startswith("signed.")]
    assert signed == [
        ("nobody", "signed.refused", "key", {"times": 2}),
        ("tester", "signed.in", prefix, {}),
        ("tester", "signed.out", prefix, {}),
    ]
    assert "secret-that-was-tried" not in str(entries)


def test_sessions_that_end_with_a_group_or_a_key_are_told(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    person = Person(name="ann@corp.example", scopes=("read",), owner=None, groups=("sales",))
    for _ in range(2):
        open_session(store, person, 1.0)
    end_sessions(store, person.name)
    end_sessions(store, person.name)
    create_key(store, "crm", ["read"])
    revoke_key(store, list_keys(store)[0].prefix)
    with store.reading() as session:
        entries = [(row["actor"], row["action"], row["detail"]) for row in read_entries(session)]
    assert entries[2:] == [
        ("ann@corp.example", "signed.out", {"why": "not let in any more", "sessions": 2}),
        ("cli", "key.created", {"scopes": ["read"]}),
        ("cli", "key.revoked", {}),
    ]
    store.close()


def showed(leads: list[str]) -> AuditEntry:
    detail = {"route": "/v1/worklist", "by": "key:1", "leads": leads}
    return AuditEntry(actor="ann", action="showed", subject="", detail=detail, at=wall_now())


def test_a_view_that_is_written_after_somebody_is_forgotten_is_blanked(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    register = add_to_register(tmp_path, FORGOTTEN, ["L7"], [])
    views = ViewLog(store)
    views.note([showed(["L6", "L7"]), showed(["L8"])])
    views.close()
    assert sweep_forgotten(store, tmp_path / "uploads", register) == 1
    with store.reading() as session:
        left = [row.detail.get("leads") for row in session.scalars(select(AuditRow).where(AuditRow.action == "showed"))]
    assert left == [None, ["L8"]] and sweep_forgotten(store, tmp_path / "uploads", register) == 0
    assert verify_trail(store).intact
    store.close()


def test_views_that_cannot_be_written_are_bounded_by_the_leads_they_name(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    views = ViewLog(store)
    for _ in range(400):
        views.note([showed(["L1"] * 999)])
    assert views.lost == 100
    store.close()


def test_ids_are_read_from_answers_whatever_they_hold() -> None:
    kept = dict[object, Any]()
    with request_view(kept):
        note_leads_in(
            b'{"lead_id":"a\\"b","x":{"best_lead":"\\u00e9"},"leads":["c","d"],"lead_id":null}', "application/json"
        )
        note_leads_in(b'<a href="/leads/e%20f?x=1"><a href="/leads/g#h">', "text/html; charset=utf-8")
        note_leads_in(b'"lead_id":"z"', "text/csv")
    assert leads_noted(kept) == ['a"b', "é", "c", "d", "e f", "g"]
