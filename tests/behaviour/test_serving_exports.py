"""Exports of a name: each holds what changed since the one before, for a CRM that is fed again and again."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from pipelines.run import run_stage
from serving.api.routes import exports
from serving.auth.api_keys import LOCAL
from serving.lists import whole_list
from serving.state.worklist.worklist_query import WorklistQuery
from serving.store.tables import AuditRow, ExportedLead
from tests.reference.serving import client_for, key_for, worklist_of
from tests.reference.tiny_run import open_run

MARKS = ("score", "state", "grade", "next_action", "question")


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def handed(client: TestClient, name: str = "crm", **asked: Any) -> dict[str, dict[str, str]]:
    """The rows of an export under a name, by lead."""
    headers = asked.pop("headers", {})
    answer = client.post(f"/v1/exports/{name}", params={"show": "all", **asked}, headers=headers)
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == int(answer.headers["x-export-rows"])
    return {row.get("lead_id") or row["leadscore_lead_id"]: row for row in rows}


def listed(client: TestClient) -> list[str]:
    return [row["lead_id"] for row in client.get("/v1/worklist", params={"size": 500, "show": "all"}).json()["rows"]]


def moved_by_an_answer(client: TestClient, lead_id: str) -> bool:
    """Give an answer; whether anything an export looks at moved."""
    before = client.get(f"/v1/leads/{lead_id}").json()
    said = {"question": "decision_role", "value": "decides"}
    after = client.post(f"/v1/leads/{lead_id}/answers", json=said).json()["card"]
    return any(before[name] != after[name] for name in MARKS)


def test_each_export_holds_what_moved_since_the_one_before(client: TestClient) -> None:
    everybody = listed(client)
    first = handed(client)
    assert sorted(first) == sorted(everybody)
    assert handed(client) == {}
    lead_id = next(name for name in everybody if moved_by_an_answer(client, name))
    touched = handed(client)
    assert lead_id in touched
    assert len(touched) < len(everybody)
    assert all(any(row[k] != first[name][k] for k in MARKS) for name, row in touched.items())
    assert handed(client, again=True) == touched  # the file was lost on its way
    assert handed(client) == {}
    assert sorted(handed(client, name="warehouse")) == sorted(everybody)
    other_fields = client.post("/v1/exports/crm", params={"show": "all", "form": "hubspot"})
    assert int(other_fields.headers["x-export-rows"]) == len(everybody)


def test_a_lead_that_fell_below_the_state_is_told_of_once(client: TestClient) -> None:
    store = client.app.state.app_state.store  # type: ignore[attr-defined]
    high = handed(client, from_state="mql")
    low = next(name for name in listed(client) if name not in high)
    assert handed(client, from_state="mql") == {}
    with store.writing() as session:  # as if it had been an MQL at the last export
        session.add(ExportedLead(ledger="/crm", lead_id=low, mark="", state="mql", number=1))
    assert list(handed(client, from_state="mql")) == [low]
    with store.writing() as session:
        session.get(ExportedLead, ("/crm", low)).mark = "moved again, down there"
    assert handed(client, from_state="mql") == {}


@pytest.mark.parametrize("verdict", [{"verdict": "do_not_contact"}, {"verdict": "reject", "reason": "no_budget"}])
def test_a_lead_that_must_not_be_worked_any_more_is_told_of_once(client: TestClient, verdict: dict[str, str]) -> None:
    before = handed(client, show="open")
    lead, never = list(before)[:2]
    exported = set(handed(client, name="high", show="open", from_state="mql"))
    said = client.post(f"/v1/leads/{lead}/feedback", json=verdict)
    assert said.status_code == 201
    told = handed(client, show="open")
    assert (told[lead]["next_action"], told[lead]["question"]) == ("none", "")
    assert never not in told
    assert (lead in handed(client, name="high", show="open", from_state="mql")) is (lead in exported)
    assert lead not in handed(client, name="new", show="open"), "who never got it need not hear of it"
    assert handed(client, show="open", again=True) == told
    assert handed(client, show="open") == {}
    client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "withdraw"})
    assert handed(client, show="open")[lead]["next_action"] == before[lead]["next_action"]


def ingest_next_week(run: Any) -> None:
    """A later export of the CRM that tells nothing new: what was posted meanwhile is part of the data from now on."""
    document = yaml.safe_load(run.source.read_text(encoding="utf-8")) | {"data_cutoff": "2026-07-06T00:00:00"}
    run.source.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    for stage in ("ingest", "matrix", "score"):
        run_stage(open_run(run.folder).context, stage)


def test_a_lead_that_an_ingest_closed_is_told_of_once_too(tiny_copy: Any) -> None:
    run = tiny_copy
    with client_for(run, run.context.paths.root / "serving", clock="data") as client:
        client.headers.update(key_for(client, "read", "feedback"))
        before = handed(client, show="open", form="hubspot")
        told, untold, resting, silent = list(before)[:4]
        answers = {
            told: {"verdict": "reject", "reason": "no_need"},
            untold: {"verdict": "reject", "reason": "no_need"},
            resting: {"verdict": "reject", "reason": "bad_timing"},
            silent: {"verdict": "do_not_contact"},
        }
        owners = {row["lead_id"]: row["owner"] for row in client.get("/v1/worklist?size=500").json()["rows"]}
        headers = key_for(client, "read", "feedback", owner=owners[untold])
        assert untold in handed(client, show="open", headers=headers)
        for lead, said in answers.items():
            assert client.post(f"/v1/leads/{lead}/feedback", json=said).status_code == 201
            if lead == told:
                assert list(handed(client, show="open", form="hubspot")) == [told]
        ingest_next_week(run)
        assert client.app.state.app_state.load() is not None  # type: ignore[attr-defined]

        after = handed(client, show="open", form="hubspot")
        assert told not in after, "told of before the ingest"
        assert {untold, resting, silent} <= set(after)
        for lead, found in ((untold, "closed"), (resting, "resting")):
            row = after[lead]
            assert (row["leadscore_next_action"], row["leadscore_question"], row["leadscore_state"]) == ("none", "", "")
            assert row["leadscore_list"] == found
        assert handed(client, show="open", form="hubspot") == {}
        own = handed(client, show="open", headers=headers)
        quiet = {lead for lead in answers if owners[lead] == owners[untold]}
        assert quiet <= set(own) and all(owners.get(lead, owners[untold]) == owners[untold] for lead in own)


@pytest.mark.parametrize("name", ["customers", "closed", "resting"])
def test_a_list_without_scores_is_exported_whole_or_not_at_all(client: TestClient, name: str) -> None:
    page, found = client.get("/v1/worklist", params={"list": name}).json(), handed(client, list=name)
    assert {row["lead_id"] for row in page["rows"]} <= set(found) and len(found) == page["total"] > 0
    assert {row["lead_list"] for row in found.values()} == {name} and {row["score"] for row in found.values()} == {""}
    assert handed(client, list=name) == {}
    answer = client.get("/v1/worklist/export", params={"list": name})
    assert {row["lead_id"] for row in csv.DictReader(io.StringIO(answer.text))} == set(found)
    for method, path, asked in (
        ("GET", "/v1/worklist/export", {"from_state": "mql"}),
        ("GET", "/v1/worklist/export", {"changed": "true"}),
        ("POST", "/v1/exports/crm", {"from_state": "mql"}),
    ):
        refused = client.request(method, path, params={"list": name, **asked})
        assert refused.status_code == 422 and "have no score" in refused.text, (path, asked)
    for show in ("new", "snoozed"):
        for method, path in (("GET", "/v1/worklist"), ("GET", "/v1/worklist/export"), ("POST", "/v1/exports/crm")):
            refused = client.request(method, path, params={"list": name, "show": show})
            assert refused.status_code == 422 and "show=snoozed" in refused.text, (path, show)
    assert client.get("/v1/worklist", params={"list": name, "show": "all"}).json()["total"] == len(found)
    shown = client.get("/worklist", params={"list": name, "show": "new"}, headers={"accept": "text/html"})
    assert shown.status_code == 200 and "New today" not in shown.text, "what is not left out does not look filtered"


def test_no_lead_is_left_out_or_told_twice_while_the_order_moves(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_list, "PAGE_LIMIT", 20)
    app_state = client.app.state.app_state  # type: ignore[attr-defined]
    worklist, everybody = app_state.loaded.worklist, listed(client)
    rows = whole_list.iterate_rows(app_state, app_state.loaded, WorklistQuery(), LOCAL, "all")
    told = [next(rows)["lead_id"]]
    worklist.update_row({**worklist.line(everybody[50]), "probability": 0.999, "score": 99})
    worklist.update_row({**worklist.line(everybody[3]), "probability": 0.0001, "score": 1})
    assert listed(client) != everybody
    assert told + [row["lead_id"] for row in rows] == everybody


def seen_as(monkeypatch: pytest.MonkeyPatch, lead_id: str, **changes: Any) -> None:
    """From now on the list has other values for a lead."""
    every = whole_list.iterate_rows

    def changed(*asked: Any) -> Iterator[dict[str, Any]]:
        yield from (row | changes if row["lead_id"] == lead_id else row for row in every(*asked))

    monkeypatch.setattr(exports, "iterate_rows", changed)


def test_a_fall_whose_file_was_lost_is_told_again(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    lead_id = next(iter(handed(client, from_state="mql")))
    seen_as(monkeypatch, lead_id, state="lead", score=1)
    fall = handed(client, from_state="mql")
    assert list(fall) == [lead_id]
    assert handed(client, from_state="mql", again=True) == fall
    assert handed(client, from_state="mql", again=True) == fall  # lost once more
    assert handed(client, from_state="mql") == {}


def test_the_first_export_of_a_name_has_nothing_to_repeat(client: TestClient) -> None:
    assert handed(client, name="new", from_state="mql", again=True) == handed(client, name="old", from_state="mql")


def test_every_export_has_a_number_of_its_own(client: TestClient) -> None:
    sizes, numbers = [], []
    for again in (False, True, False, False, True, False):
        answer = client.post("/v1/exports/crm", params={"show": "all", "again": again})
        sizes.append(int(answer.headers["x-export-rows"]))
        numbers.append(int(answer.headers["x-export-number"]))
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert sizes[0] == sizes[1] > 0 == sum(sizes[2:])  # after an empty export there is nothing to repeat


@pytest.mark.parametrize("again", [False, True])
def test_an_export_that_ended_meanwhile_counts_though_it_moved_nothing(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    handed(client)
    every = whole_list.iterate_rows

    def slow(*asked: Any) -> Iterator[dict[str, Any]]:
        yield from every(*asked)
        monkeypatch.undo()
        handed(client, again=again)

    monkeypatch.setattr(exports, "iterate_rows", slow)
    assert client.post("/v1/exports/crm", params={"show": "all"}).status_code == 409


def test_a_file_for_people_says_who_the_leads_are_and_why(client: TestClient) -> None:
    plain, marked = (
        client.get("/v1/worklist/export", params={"form": form, "show": "all"}).content.decode()
        for form in ("csv", "spreadsheet")
    )
    assert marked.removeprefix("\ufeff") == plain and marked.startswith("\ufeff") != plain.isascii()
    row = next(csv.DictReader(io.StringIO(plain)))
    names = list(row)
    assert names[0] == "lead_id" and {"owner", "email"} <= set(names[: names.index("score")])
    assert any(name.startswith("points_") for name in names) and any(name.startswith("status_") for name in names)
    assert row["reason_1"].startswith(("for: ", "against: ")) and len(row["probability"]) <= 6
    assert 50 + sum(int(row[name]) for name in names if name.startswith("points_")) == int(row["score"])


@pytest.mark.parametrize("asked", ["GET /v1/worklist/export", "POST /v1/exports/crm"])
def test_a_refusal_is_no_half_a_file(client: TestClient, tiny_demo: Any, tmp_path: Path, asked: str) -> None:
    method, path = asked.split()
    assert client.request(method, path, params={"segment": "nothing:like it"}).status_code == 422
    with client_for(tiny_demo, tmp_path / "without a model", bundle=str(tmp_path / "no bundle")) as unready:
        answer = unready.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (503, "LS110")


def test_an_export_takes_the_right_to_read_what_it_holds(client: TestClient) -> None:
    for scopes, status in (
        (["feedback"], 403),
        (["read", "score"], 403),
        (["read", "feedback"], 200),
        (["admin"], 200),
    ):
        answer = client.post("/v1/exports/crm", headers=key_for(client, *scopes))
        assert answer.status_code == status, scopes


def test_an_owner_s_export_is_their_own_and_takes_the_right_to_write(client: TestClient, tiny_demo: Any) -> None:
    owner = str(worklist_of(tiny_demo)["owner"].iloc[0])
    everybody = handed(client, headers=key_for(client, "read", "feedback"))
    key = key_for(client, "read", "feedback", owner=owner)
    own = handed(client, headers=key)
    assert 0 < len(own) < len(everybody)
    assert handed(client, headers=key) == {}
    assert client.post("/v1/exports/crm", headers=key_for(client, "read")).status_code == 403
    with client.app.state.app_state.store.reading() as session:  # type: ignore[attr-defined]
        told = [(row.subject, row.detail["rows"]) for row in session.query(AuditRow).filter_by(action="export")]
    assert told == [("crm", len(everybody)), ("crm", len(own)), ("crm", 0)]


def test_a_name_is_plain(client: TestClient) -> None:
    for name in ("..%2f..%2fetc", "Sales Team", "-crm", "x" * 61):
        assert client.post(f"/v1/exports/{name}").status_code in (404, 422)


def test_time_alone_is_no_change_and_each_mark_is_one(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    every = whole_list.iterate_rows

    def with_changes(**changes: Any) -> dict[str, dict[str, str]]:
        def changed(*asked: Any) -> Iterator[dict[str, Any]]:
            for k, row in enumerate(every(*asked)):
                yield row | changes if k == 0 else row

        monkeypatch.setattr(exports, "iterate_rows", changed)
        return handed(client)

    handed(client)
    assert with_changes(as_of="2031-01-01T00:00:00", probability=0.5, percentile=1.0, reason_1="+ other words") == {}
    first = listed(client)[0]
    for name, value in (
        ("score", 101),
        ("state", "sal"),
        ("grade", "Z9"),
        ("next_action", "wave"),
        ("question", "Why?"),
    ):
        assert list(with_changes(**{name: value})) == [first], name
        assert list(with_changes()) == [first], name


def test_two_exports_at_once_do_not_mix(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    every = whole_list.iterate_rows

    def slow(*asked: Any) -> Iterator[dict[str, Any]]:
        yield from every(*asked)
        monkeypatch.undo()
        handed(client)  # another one ends while the first still reads

    monkeypatch.setattr(exports, "iterate_rows", slow)
    answer = client.post("/v1/exports/crm", params={"show": "all"})
    assert answer.status_code == 409
    assert "ask again" in answer.json()["detail"]
    assert handed(client) == {}
