"""Who may do what: keys, scopes, owners, sessions, other sites; and what hostile senders get."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.app import create_app
from serving.auth.api_keys import create_key, list_keys, revoke_key
from serving.problems import UnprotectedServerError
from tests.reference.serving import client_for, key_for, settings_for, worklist_of


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def first_lead(run: Any) -> str:
    return str(worklist_of(run)["lead_id"].iloc[0])


def test_a_public_address_needs_a_key(tiny_demo: Any, tmp_path: Path) -> None:
    settings = settings_for(tiny_demo, tmp_path, host="0.0.0.0")
    with pytest.raises(UnprotectedServerError, match="leadscore keys create"):
        create_app(settings)


def test_the_command_line_makes_lists_and_revokes_keys(tiny_copy: Any, cli: Any) -> None:
    status, token, _ = cli("keys", "create", "crm", "--scope", "score", *tiny_copy.args)
    assert status == 0
    status, out, _ = cli("keys", "list", "--json", *tiny_copy.args)
    assert [(row["name"], row["scopes"], row["state"]) for row in json.loads(out)] == [("crm", "score", "in use")]
    assert token.strip() not in out
    assert cli("keys", "revoke", json.loads(out)[0]["prefix"], *tiny_copy.args)[0] == 0
    with client_for(tiny_copy, tiny_copy.context.paths.root / "serving") as client:
        answer = client.post("/v1/score", json={"lead": {}}, headers={"authorization": f"Bearer {token.strip()}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("words", "code"),
    [(("create", "x", "--scope", "reed"), "LS109"), (("revoke", "nothing"), "LS102")],
)
def test_a_slip_with_keys_is_wrong_usage(tiny_copy: Any, cli: Any, words: tuple[str, ...], code: str) -> None:
    status, _, said = cli("keys", *words, *tiny_copy.args)
    assert status == 2 and code in said


def test_once_there_is_a_key_everybody_needs_one(client: TestClient) -> None:
    assert client.get("/v1/worklist").status_code == 200
    headers = key_for(client, "read")
    assert client.get("/v1/worklist").status_code == 401
    assert client.get("/v1/worklist", headers=headers).status_code == 200
    assert client.get("/v1/worklist", headers={"x-api-key": "lsk_wrong"}).json()["code"] == "LS103"
    assert client.get("/", headers={"accept": "text/html"}, follow_redirects=False).headers["location"] == "/sign-in"


def test_keys_are_stored_as_hashes_and_end_when_revoked(client: TestClient, tmp_path: Path) -> None:
    store = client.app.state.app_state.store
    token = create_key(store, "rep", ["read"])
    kept = list_keys(store)[0]
    assert token not in (kept.hash, kept.prefix)
    assert token.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("store.sqlite*"))
    revoke_key(store, kept.prefix)
    assert client.get("/v1/worklist", headers={"x-api-key": token}).status_code == 401


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("score", {"score"}),
        ("read", {"read"}),
        ("feedback", {"feedback"}),
        ("admin", {"score", "read", "feedback", "admin"}),
    ],
)
def test_a_scope_opens_its_own_doors_only(client: TestClient, tiny_demo: Any, scope: str, allowed: set[str]) -> None:
    headers, lead = key_for(client, scope), first_lead(tiny_demo)
    asked = {
        "score": client.post("/v1/score", json={"lead": {}}, headers=headers),
        "read": client.get(f"/v1/leads/{lead}", headers=headers),
        "feedback": client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"}, headers=headers),
        "admin": client.get("/v1/audit", headers=headers),
    }
    assert {name for name, answer in asked.items() if answer.status_code < 300} == allowed
    assert {answer.status_code for name, answer in asked.items() if name not in allowed} <= {403}


def test_an_owner_sees_only_their_own_leads(client: TestClient, tiny_demo: Any) -> None:
    frame = worklist_of(tiny_demo)
    owner = frame["owner"].iloc[0]
    theirs = frame[frame["owner"] != owner]["lead_id"].iloc[0]
    headers = key_for(client, "read", "feedback", owner=owner)
    assert client.get("/v1/worklist", params={"owner": "somebody"}, headers=headers).status_code == 403
    rows = client.get("/v1/worklist", params={"size": 500}, headers=headers).json()["rows"]
    assert {row["owner"] for row in rows} == {owner}
    assert client.get(f"/v1/leads/{theirs}", headers=headers).status_code == 404
    assert client.post(f"/v1/leads/{theirs}/feedback", json={"verdict": "accept"}, headers=headers).status_code == 404
    assert client.get(f"/v1/leads/{first_lead(tiny_demo)}", headers=headers).status_code == 200


def sign_in(client: TestClient, token: str) -> Any:
    form = re.search(r'name="token" value="(\w+)"', client.get("/sign-in").text)
    assert form
    return client.post("/sign-in", data={"key": token, "token": form[1]}, follow_redirects=False)


def test_a_session_needs_its_own_form_token(client: TestClient, tiny_demo: Any) -> None:
    lead = first_lead(tiny_demo)
    token = create_key(client.app.state.app_state.store, "rep", ["read", "feedback"])
    client.app.state.callers.forget()
    old = client.cookies.get("leadscore_session")
    assert sign_in(client, token).status_code == 303
    assert client.cookies.get("leadscore_session") != old
    page = client.get(f"/leads/{lead}").text
    mine = re.search(r'name="token" value="(\w+)"', page)
    assert mine
    address = f"/leads/{lead}/feedback"
    assert client.post(address, data={"verdict": "accept", "token": "0" * 64}).status_code == 403
    assert client.post(address, data={"verdict": "accept"}).status_code == 422
    assert client.post(f"/v1{address}", json={"verdict": "accept"}).status_code == 403
    assert client.post(address, data={"verdict": "accept", "token": mine[1]}, follow_redirects=False).status_code == 303
    client.post("/sign-out", data={"token": mine[1]}, follow_redirects=False)
    client.cookies.clear()
    sign_in(client, token)
    replayed = client.post(address, data={"verdict": "accept", "token": mine[1]})
    assert replayed.status_code == 403


@pytest.mark.parametrize("hours", [0.5, 72.0])
def test_a_browser_keeps_a_session_as_long_as_it_lasts(tiny_demo: Any, tmp_path: Path, hours: float) -> None:
    with client_for(tiny_demo, tmp_path, session_hours=hours) as client:
        nobody = client.get("/sign-in").headers["set-cookie"]
        client.cookies.clear()
        answer = sign_in(client, create_key(client.app.state.app_state.store, "rep", ["read"]))
    assert f"Max-Age={int(hours * 3600)};" in answer.headers["set-cookie"]
    assert "Max-Age=86400;" in nobody, "a form that waits to be signed in by"


def test_a_wrong_key_does_not_sign_in(client: TestClient) -> None:
    create_key(client.app.state.app_state.store, "rep", ["read"])
    answer = sign_in(client, "lsk_guess")
    assert (answer.status_code, "not valid" in answer.text) == (401, True)


def test_other_sites_cannot_make_a_browser_write(client: TestClient, tiny_demo: Any) -> None:
    address = f"/v1/leads/{first_lead(tiny_demo)}/feedback"
    for headers in (
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "null"},
        {"origin": "http://[::1"},
    ):
        assert client.post(address, json={"verdict": "accept"}, headers=headers).status_code == 403
    same = {"origin": "http://127.0.0.1:8000"}
    assert client.post(address, json={"verdict": "accept"}, headers=same).status_code == 201


def test_a_foreign_host_name_is_not_answered(client: TestClient) -> None:
    assert client.get("/healthz", headers={"host": "rebound.example"}).status_code == 421


def test_pages_carry_a_strict_policy_and_no_inline_code(client: TestClient, tiny_demo: Any) -> None:
    for path in ("/", f"/leads/{first_lead(tiny_demo)}", "/thresholds", "/team", "/model", "/docs", "/sign-in"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert not re.search(r"\son\w+=|\sstyle=|<script(?![^>]*(src=|application/json))|<style", answer.text), path


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://e")',
    "{{7*7}}",
    "' OR 1=1 --",
]


def test_markup_in_data_is_shown_never_run(tiny_copy: Any, tmp_path: Path) -> None:
    import pandas as pd

    path = tiny_copy.context.paths.ingest / "leads.parquet"
    leads = pd.read_parquet(path)
    chosen = worklist_of(tiny_copy)["lead_id"].iloc[: len(HOSTILE)].tolist()
    for lead_id, text in zip(chosen, HOSTILE, strict=True):
        leads.loc[leads["lead_id"] == lead_id, ["full_name", "record_url"]] = [text, f"javascript:{text}"]
    leads.to_parquet(path, index=False)
    with client_for(tiny_copy, tmp_path) as client:
        for address in ("/", *(f"/leads/{lead_id}" for lead_id in chosen)):
            page = client.get(address).text
            assert "<script>alert" not in page and "<img" not in page and "javascript:" not in page
        assert "{{7*7}}" in client.get(f"/leads/{chosen[3]}").text
        searched = client.get("/", params={"search": HOSTILE[1]}).text
        assert "<img" not in searched
        saved = client.get(f"/leads/{chosen[0]}", params={"saved": "<script>alert(1)"})
        assert "<script>alert" not in saved.text


@pytest.mark.parametrize(
    "body",
    [
        '{"lead": {"lead_id": "x", "free_mailbox": NaN}}',
        '{"lead": {"lead_id": "x"}, "activities": [{"kind": "a", "happened_at": "2026-01-01", "value": Infinity}]}',
        '{"lead": {"lead_id": "x"}, "activities": [{"kind": "a", "happened_at": 1e300}]}',
        '{"lead": {"lead_id": {"a": 1}}}',
        '{"lead": "x"}',
        '{"lead": {}, "as_of": "0001-01-01T00:00:00"}',
        '{"lead": {}, "as_of": "9999-12-31T23:59:59Z"}',
        '{"lead": {"created_at": "yesterday"}}',
        '{"lead": {}, "framework": "../../etc/passwd"}',
        '{"lead": {}, "surprise": 1}',
        '{"lead": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"lead": ' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}",
        "not json",
        "",
        "\x00",
    ],
)
def test_broken_bodies_are_refused_in_words(client: TestClient, body: str) -> None:
    answer = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"code", "detail", "instance"} <= set(answer.json())
    assert "passwd" not in answer.text and "Traceback" not in answer.text


def test_a_hundred_megabytes_are_refused_unread(client: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 1_000_000

    json_type = {"content-type": "application/json"}
    for path in ("/v1/score", "/v1/uploads", "/sign-in"):
        assert client.post(path, content=parts(), headers=json_type).status_code == 413
    packed = gzip.compress(b"0" * 10_000_000)
    assert client.post("/v1/score", content=packed, headers=json_type | {"content-encoding": "gzip"}).status_code < 500


@pytest.mark.parametrize(
    "lead_id", ["..%2f..%2fetc%2fpasswd", "%00", "%0d%0aset-cookie:x=1", "a%2fb", "‮evil", "x" * 5000, "..", "%252e"]
)
def test_path_tricks_in_ids_find_nothing(client: TestClient, lead_id: str) -> None:
    for path in (f"/v1/leads/{lead_id}", f"/v1/leads/{lead_id}/history", f"/leads/{lead_id}", f"/v1/uploads/{lead_id}"):
        answer = client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 404 or answer.url.path in (
            *("/", "/worklist", "/v1/leads/history", "/v1/worklist", "/leads/"),
        )
        assert "set-cookie:x" not in str(answer.headers) and "root:" not in answer.text


def test_too_many_requests_are_put_off(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path, rate_per_second=0.001, rate_burst=3) as client:
        codes = [client.get("/readyz").status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]


def test_neither_logs_nor_errors_hold_personal_data(
    client: TestClient, tiny_demo: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "grace.hopper@example.com"
    answers = [
        client.get("/v1/lookup", params={"email": secret}),
        client.get(f"/v1/leads/{secret}"),
        client.post("/v1/score", json={"lead": {"created_at": secret}}),
        client.post("/v1/score", json={"lead": {"x": [secret]}}),
        client.get("/", params={"search": secret, "size": "many"}),
    ]
    assert not [answer.text for answer in answers[1:] if "hopper" in answer.text]
    logged = capsys.readouterr().err
    assert "hopper" not in logged
    lines = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    assert {line["request_id"] for line in lines} >= {answer.headers["x-request-id"] for answer in answers}
