"""What callers of the API notice: scores of odd leads, answers that count at once, lists that hold still."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from serving.schemas import CardOut, ManyOut
from tests.reference.serving import client_for, rows_sent, score_uploads, worklist_of

LATER = "2026-06-29T00:00:00"


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def adds_up(card: dict[str, Any]) -> bool:
    bars = card["points_base"] + card["points_clip"] + sum(item["points"] for item in card["criteria"])
    return bool(50 + bars == card["score"])


def unknown_lead(run: Any) -> tuple[str, str]:
    """A lead whose authority nobody knows, and its score."""
    frame = worklist_of(run)
    row = frame[frame["status_authority"] == "unknown"].iloc[0]
    return str(row["lead_id"]), int(row["score"])


def test_a_lead_of_which_nothing_is_known_has_a_score(reader: TestClient) -> None:
    card = reader.post("/v1/score", json={"lead": {}}).json()
    assert adds_up(card)
    assert {item.get("status") for item in card["criteria"]} <= {"unknown", None}


def test_unknown_categories_score_and_undeclared_columns_are_listed(reader: TestClient) -> None:
    lead = {"lead_id": "x", "lead_source": "smoke signals", "shoe_size": 43, "contract_number": "C-1"}
    card = reader.post("/v1/score", json={"lead": lead}).json()
    assert adds_up(card)
    assert card["ignored"] == ["leads.contract_number", "leads.shoe_size"]


def test_rows_nothing_is_declared_of_are_named(reader: TestClient) -> None:
    body: dict[str, Any] = {"lead": {"lead_id": "x", "created_at": "2026-05-01T00:00:00"}, "as_of": LATER}
    odd: dict[str, Any] = {
        "activities": [
            {"lead_id": "x", "kind": "smoke_signal", "happened_at": "2026-06-01T00:00:00"},
            {"lead_id": "x", "kind": "rep_call", "actor": "rep", "happened_at": "2026-06-01T00:00:00"},
            {"lead_id": "x", "kind": "demo_request", "happened_at": "2026-06-01T00:00:00"},
        ],
        "answers": [{"lead_id": "x", "question": "shoe_size", "value": 44, "known_at": "2026-06-02T00:00:00"}],
        "stages": [{"lead_id": "x", "stage": "limbo", "entered_at": "2026-06-02T00:00:00"}],
    }
    named = ["activities.kind=smoke_signal", "answers.question=shoe_size", "stages.stage=limbo"]
    assert reader.post("/v1/score", json=body | odd).json()["ignored"] == named
    many = {"leads": [body["lead"]], "as_of": LATER} | odd
    assert reader.post("/v1/score/batch", json=many).json()["ignored"] == named
    flood = [{"kind": f"kind {k:04d}", "happened_at": "2026-06-01T00:00:00"} for k in range(100)]
    told = reader.post("/v1/score", json=body | {"activities": flood}).json()["ignored"]
    assert len(told) == 21 and told[-1] == "activities.kind: 80 more"


def test_a_posted_activity_nothing_is_declared_of_is_kept_and_named(client: TestClient, tiny_demo: Any) -> None:
    lead, score = unknown_lead(tiny_demo)
    url = f"/v1/leads/{lead}/activities"
    odd = client.post(url, json={"kind": "smoke_signal"}).json()
    assert odd["ignored"] == ["activities.kind=smoke_signal"]
    assert abs(odd["card"]["score"] - score) <= 1
    assert client.post(url, json={"kind": "demo_request"}).json()["ignored"] == []
    entry = client.get("/v1/audit", params={"limit": 1}).json()[0]
    assert (entry["action"], entry["subject"], entry["detail"]["kind"]) == ("activity", lead, "demo_request")


def test_a_number_outside_the_question_s_range_is_refused(client: TestClient, tiny_demo: Any) -> None:
    lead, _ = unknown_lead(tiny_demo)
    for value in (99, -1, "1e400", True, "11"):
        told = client.post(f"/v1/leads/{lead}/answers", json={"question": "pain", "value": value})
        assert told.status_code == 422, value
        assert "from 0 to 10" in told.json()["detail"]
    raw = {"question": "pain", "value": 99, "known_at": "2026-06-02T00:00:00"}
    told = client.post("/v1/score", json={"lead": {"lead_id": "x"}, "answers": [raw], "as_of": LATER})
    assert (told.status_code, "answers.pain" in told.json()["detail"]) == (422, True)
    assert (
        client.post("/v1/score", json={"lead": {}, "answers": [raw | {"value": 10}], "as_of": LATER}).status_code == 200
    )
    wrong = client.post(f"/v1/leads/{lead}/answers", json={"question": "pain", "value": 3, "corrects": 1})
    assert (wrong.status_code, "no such answer" in wrong.json()["detail"]) == (422, True)


def test_what_is_not_known_yet_does_not_count(reader: TestClient) -> None:
    body: dict[str, Any] = {"lead": {"lead_id": "x", "created_at": "2026-06-01T00:00:00"}, "as_of": LATER}
    plain = reader.post("/v1/score", json=body).json()
    late = {"kind": "demo_request", "happened_at": "2026-06-10T00:00:00", "known_at": LATER}
    again = reader.post("/v1/score", json=body | {"activities": [late]}).json()
    assert again["not_yet_known"] == 1
    assert again["probability"] == plain["probability"]
    known = late | {"known_at": "2026-06-28T23:59:59.999999"}
    counted = reader.post("/v1/score", json=body | {"activities": [known]}).json()
    assert counted["not_yet_known"] == 0
    assert counted["probability"] != plain["probability"]


def test_ten_thousand_events_of_one_lead_are_scored(reader: TestClient) -> None:
    start = pd.Timestamp("2026-05-01")
    acts = [
        {"kind": "page_view", "happened_at": (start + timedelta(minutes=k)).isoformat(), "asset": "pricing"}
        for k in range(10_000)
    ]
    answer = reader.post("/v1/score", json={"lead": {"lead_id": "x"}, "activities": acts, "as_of": LATER})
    assert answer.status_code == 200
    assert adds_up(answer.json())


def test_a_lead_created_after_the_moment_is_refused(reader: TestClient) -> None:
    answer = reader.post("/v1/score", json={"lead": {"created_at": "2026-07-01T00:00:00"}, "as_of": LATER})
    assert (answer.status_code, answer.json()["code"]) == (422, "LS109")


def test_a_batch_keeps_its_order_and_drops_nothing(reader: TestClient) -> None:
    leads = [{"lead_id": "a"}, {}, {"lead_id": "b", "created_at": "2027-01-01"}, {"lead_id": "a"}, {"lead_id": "c"}]
    rows = reader.post("/v1/score/batch", json={"leads": leads, "as_of": LATER}).json()["rows"]
    assert [row["lead_id"] for row in rows] == ["a", None, "b", "a", "c"]
    assert ["error" in row for row in rows] == [False, True, True, True, False]


def test_what_cannot_be_read_of_one_lead_is_an_error_of_that_row_alone(reader: TestClient) -> None:
    good = {"lead_id": "good", "account_id": "well", "created_at": "2026-05-01"}
    leads = [
        good,
        {"lead_id": "when", "created_at": "2026-13-45"},
        {"lead_id": "whose", "account_id": "huge"},
        {"lead_id": "said"},
        {"lead_id": "when"},
    ]
    accounts = [{"account_id": "well", "employees": 250}, {"account_id": "huge", "employees": int("9" * 401)}]
    answers = [{"lead_id": "said", "question": "pain", "value": 99, "known_at": "2026-06-01"}]
    body = {"leads": leads, "accounts": accounts, "answers": answers, "as_of": LATER}
    answer = reader.post("/v1/score/batch", json=body)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["rows"]
    told = {row["error"].split()[0] for row in rows if "error" in row}
    assert told == {"leads.created_at", "accounts.employees", "answers.pain"}
    assert [row["lead_id"] for row in rows if "error" not in row] == ["good", "when"]
    alone = reader.post(
        "/v1/score/batch", json=body | {"leads": [good], "accounts": accounts[:1], "answers": []}
    ).json()
    assert rows[0] == alone["rows"][0]
    lost = reader.post("/v1/score/batch", json=body | {"accounts": [{"employees": "many"}]})
    assert lost.status_code == 422, "a row of no account is of no lead"


def test_a_row_that_does_not_fit_the_schema_is_an_error_of_its_lead_alone(reader: TestClient) -> None:
    sound = {"lead_id": "sound", "created_at": "2026-05-01"}
    leads = [sound, {"lead_id": ["a"]}, {"lead_id": "list", "job_title": {"a": 1}}, None, "text"]
    leads += [{"lead_id": "x" * 100_000}, {"lead_id": "when"}, {"lead_id": "whose", "account_id": "odd"}]
    act = {"lead_id": "sound", "kind": "demo_request", "happened_at": "2026-05-20T23:30:00+01:00"}
    acts = [act, {"lead_id": "when", "kind": "page_view", "happened_at": "2026-13-45"}]
    body = {"leads": leads, "activities": acts, "accounts": [{"account_id": "odd", "industry": []}], "as_of": LATER}
    answer = reader.post("/v1/score/batch", json=body)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["rows"]
    assert [row["lead_id"] for row in rows] == ["sound", None, "list", None, None, None, "when", "whose"]
    assert [row.get("error", "").split(":")[0] for row in rows] == [
        "", "leads.lead_id", "leads.job_title", "leads", "leads", "leads.lead_id", "activities.happened_at",
        "accounts.industry",
    ]  # fmt: skip
    alone = reader.post("/v1/score/batch", json={"leads": [sound], "activities": [act], "as_of": LATER}).json()
    assert rows[0] == alone["rows"][0]
    assert all("error" in row for row in reader.post("/v1/score/batch", json={"leads": [None]}).json()["rows"])
    for lost in ({"activities": [{"kind": "page_view"}]}, {"activities": [None]}, {"leads": []}, {"leads": {}}):
        assert reader.post("/v1/score/batch", json=body | lost).status_code == 422, "a row of nobody is no lead's error"


def test_long_ids_stay_apart_and_any_encoding_of_json_is_read(reader: TestClient) -> None:
    ids = [12345678901234567890123, 12345678901234567890124]
    body = {"leads": [{"lead_id": name} for name in ids], "as_of": "2026-06-01T00:00:00"}
    rows = reader.post("/v1/score/batch", json=body).json()["rows"]
    assert [row["lead_id"] for row in rows] == [str(name) for name in ids]
    for written in ("utf-8-sig", "utf-16"):
        text = json.dumps({"lead": {"lead_id": "x"}}).encode(written)
        answer = reader.post("/v1/score", content=text, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["lead_id"]) == (200, "x")
    text = '{"lead": {"lead_id": "x", "free_mailbox": NaN}}'
    told = reader.post("/v1/score", content=text, headers={"content-type": "application/json"}).json()
    assert told["errors"][0]["where"].startswith("body.lead.free_mailbox")


def test_an_answer_counts_at_once_and_can_be_withdrawn(client: TestClient, tiny_demo: Any) -> None:
    lead_id, score = unknown_lead(tiny_demo)
    told = client.post(f"/v1/leads/{lead_id}/answers", json={"question": "decision_role", "status": "met"}).json()
    status = {item["id"]: item.get("status") for item in told["card"]["criteria"]}
    assert told["score_before"] == score
    assert status["authority"] == "met"
    assert client.get(f"/v1/leads/{lead_id}").json()["score"] == told["card"]["score"]
    listed = client.get("/v1/worklist", params={"search": lead_id}).json()["rows"][0]
    assert (listed["score"], listed["status_authority"]) == (told["card"]["score"], "met")
    undone = client.post(f"/v1/leads/{lead_id}/answers", json={"question": "decision_role", "status": "dont_know"})
    status = {item["id"]: item.get("status") for item in undone.json()["card"]["criteria"]}
    assert status["authority"] == "unknown"
    assert undone.json()["card"]["score"] == score


def test_answers_outlive_the_server(tiny_demo: Any, tmp_path: Path) -> None:
    lead_id, _ = unknown_lead(tiny_demo)
    with client_for(tiny_demo, tmp_path) as client:
        told = client.post(f"/v1/leads/{lead_id}/answers", json={"question": "decision_role", "status": "not_met"})
    with client_for(tiny_demo, tmp_path) as client:
        row = client.get("/v1/worklist", params={"search": lead_id}).json()["rows"][0]
        served = client.get(f"/v1/leads/{lead_id}/history").json()["served"]
    assert (row["score"], row["status_authority"]) == (told.json()["card"]["score"], "not_met")
    assert [item["origin"] for item in served] == ["answer"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"question": "shoe_size", "value": "43"}, "budget, decision_role"),
        ({"question": "decision_role", "value": "the cat"}, "uses, recommends, decides"),
        ({"question": "pain", "value": "a lot"}, "a number"),
        ({"question": "decision_role"}, "no value"),
        ({"question": "pain", "value": True}, "a number"),
        ({"question": "pain", "status": "met", "value": 2}, "contradict"),
    ],
)
def test_answers_that_mean_nothing_are_refused(
    reader: TestClient, tiny_demo: Any, body: dict[str, Any], words: str
) -> None:
    lead_id, score = unknown_lead(tiny_demo)
    answer = reader.post(f"/v1/leads/{lead_id}/answers", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert reader.get(f"/v1/leads/{lead_id}").json()["score"] == score


def test_an_activity_counts_at_once_and_only_once(client: TestClient, tiny_demo: Any) -> None:
    lead_id, _ = unknown_lead(tiny_demo)
    body = {"kind": "demo_request", "activity_id": "web-0"}
    seen = {client.get(f"/v1/leads/{lead_id}").json()["probability"]}
    for number, kind in enumerate(("demo_request", "page_view", "chat", "product_event", "demo_request")):
        posted = client.post(
            f"/v1/leads/{lead_id}/activities", json={**body, "kind": kind, "activity_id": f"web-{number}"}
        )
        seen.add(posted.json()["card"]["probability"])
    assert len(seen) > 1  # a small model may overlook one of them, not all
    assert client.post(f"/v1/leads/{lead_id}/activities", json=body).status_code == 409
    for _ in range(2):  # another key of the same activity: it is on record, and nothing is running
        again = client.post(f"/v1/leads/{lead_id}/activities", json=body, headers={"Idempotency-Key": "another"})
        assert again.status_code == 409 and "already on record" in again.json()["detail"]


def test_a_repeated_write_counts_once(client: TestClient, tiny_demo: Any) -> None:
    lead_id, _ = unknown_lead(tiny_demo)
    key = {"Idempotency-Key": "call-7"}
    body = {"question": "decision_role", "value": "decides"}
    first = client.post(f"/v1/leads/{lead_id}/answers", json=body, headers=key)
    again = client.post(f"/v1/leads/{lead_id}/answers", json=body, headers=key)
    assert first.json() == again.json()
    assert len(client.get(f"/v1/leads/{lead_id}/history").json()["served"]) == 1
    other = client.post(f"/v1/leads/{lead_id}/answers", json=body | {"value": "uses"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "LS108")


def test_a_rejected_lead_is_off_the_list_and_undoing_it_leaves_no_trace(client: TestClient, tiny_demo: Any) -> None:
    lead_id, score = unknown_lead(tiny_demo)
    refused = client.post(f"/v1/leads/{lead_id}/feedback", json={"verdict": "reject"})
    assert (refused.status_code, "reason" in refused.json()["detail"]) == (422, True)
    client.post(f"/v1/leads/{lead_id}/feedback", json={"verdict": "reject", "reason": "no_budget"})
    assert client.get("/v1/worklist", params={"search": lead_id}).json()["total"] == 0
    row = client.get("/v1/worklist", params={"search": lead_id, "show": "all"}).json()["rows"][0]
    assert row["feedback"]["reason"] == "no_budget"
    client.post(f"/v1/leads/{lead_id}/feedback", json={"verdict": "withdraw"})
    again = client.get("/v1/worklist", params={"search": lead_id}).json()
    assert (again["total"], again["rows"][0]["score"]) == (1, score)


def test_pages_of_the_worklist_never_overlap(reader: TestClient, tiny_demo: Any) -> None:
    size, seen = 37, []
    first = reader.get("/v1/worklist", params={"size": size}).json()
    for number in range(1, first["pages"] + 1):
        seen += reader.get("/v1/worklist", params={"size": size, "page": number}).json()["rows"]
    assert sorted(row["lead_id"] for row in seen) == sorted(worklist_of(tiny_demo)["lead_id"])
    chances = [row["probability"] for row in seen]
    assert chances == sorted(chances, reverse=True)
    assert [row["rank"] for row in seen] == list(range(1, len(seen) + 1))


def test_the_place_of_a_rescored_lead_is_that_of_its_new_score(client: TestClient, tiny_demo: Any) -> None:
    for lead_id in worklist_of(tiny_demo)["lead_id"].iloc[[5, 50, 0]]:
        client.post(f"/v1/leads/{lead_id}/answers", json={"question": "budget", "value": ">50k"})
        client.post(f"/v1/leads/{lead_id}/answers", json={"question": "pain", "value": 0})
    rows = client.get("/v1/worklist", params={"size": 500}).json()["rows"]
    key = [(-row["probability"], row["lead_id"]) for row in rows]
    assert key == sorted(key)
    assert len({row["lead_id"] for row in rows}) == len(rows)


def test_filters_keep_what_they_say(reader: TestClient) -> None:
    rows = reader.get("/v1/worklist", params={"size": 500}).json()["rows"]
    owner, state = rows[3]["owner"], rows[3]["state"]
    found = reader.get("/v1/worklist", params={"size": 500, "owner": owner, "state": state, "minimum": 40}).json()
    wanted = [r["lead_id"] for r in rows if r["owner"] == owner and r["state"] == state and r["score"] >= 40]
    assert [row["lead_id"] for row in found["rows"]] == wanted


def test_an_unchanged_answer_is_not_sent_twice(client: TestClient, tiny_demo: Any) -> None:
    lead_id, _ = unknown_lead(tiny_demo)
    for path in ("/v1/worklist", f"/v1/leads/{lead_id}", "/v1/model"):
        tag = client.get(path).headers["etag"]
        assert client.get(path, headers={"if-none-match": tag}).status_code == 304
    tag = client.get(f"/v1/leads/{lead_id}").headers["etag"]
    client.post(f"/v1/leads/{lead_id}/answers", json={"question": "decision_role", "status": "met"})
    assert client.get(f"/v1/leads/{lead_id}", headers={"if-none-match": tag}).status_code == 200


@pytest.mark.parametrize(("form", "key"), [("csv", "lead_id"), ("salesforce", "Leadscore_Lead_Id__c")])
def test_an_export_holds_the_list_from_a_state_up(reader: TestClient, form: str, key: str) -> None:
    rows = reader.get("/v1/worklist", params={"size": 500}).json()["rows"]
    text = reader.get("/v1/worklist/export", params={"form": form, "from_state": "mql"}).text
    exported = list(csv.DictReader(io.StringIO(text)))
    assert [line[key] for line in exported] == [
        r["lead_id"] for r in rows if r["state"] in ("mql", "pql", "sal", "sql")
    ]
    assert not [cell for line in exported for cell in line.values() if cell[:1] in "=+@" if cell]


def test_people_and_companies_are_found_by_address(reader: TestClient, tiny_demo: Any) -> None:
    from pipelines.workspace.table_files import load_tables

    leads = load_tables(tiny_demo.context.paths)["leads"]
    lead = leads[leads["email"].notna()].iloc[0]
    found = reader.get("/v1/lookup", params={"email": str(lead["email"]).upper()}).json()
    assert lead["lead_id"] in [row["lead_id"] for row in found["person"]]
    assert reader.get("/v1/lookup").status_code == 422


def test_questions_name_what_is_unknown_and_the_answers_it_takes(reader: TestClient, tiny_demo: Any) -> None:
    lead_id, _ = unknown_lead(tiny_demo)
    asked = {row["criterion"]: row for row in reader.get(f"/v1/leads/{lead_id}/questions").json()}
    assert asked["authority"]["question"] == "decision_role"
    assert asked["authority"]["values"] == ["uses", "recommends", "decides"]


def test_an_uploaded_file_comes_back_row_by_row(client: TestClient) -> None:
    lines = ["Lead ID,Created Date,Job Title", "new-1,2026-06-01,CFO", ",2026-06-01,x", "new-2,2026-06-02,", ""]
    text = "\n".join(lines)
    taken = client.post("/v1/uploads", files={"file": ("../../etc/leads.csv", text, "text/csv")}).json()
    assert taken["status"] == "waiting"
    assert client.get(f"/v1/uploads/{taken['id']}/result").status_code == 409
    score_uploads(client)
    done = client.get(f"/v1/uploads/{taken['id']}").json()
    assert (done["status"], done["rows"], done["failed"]) == ("done", 3, 1)
    rows = list(csv.DictReader(io.StringIO(client.get(done["result"]).text)))
    assert [row["lead_id"] for row in rows] == ["new-1", "", "new-2"]
    assert rows[0]["score"] and rows[1]["error"]
    assert done["reasons"] == ["1 row, e.g. row 2: lead_id is missing"] and done["unseen"] == []


def test_values_that_training_never_saw_are_told(reader: TestClient) -> None:
    lead = {"lead_id": "odd", "lead_source": "asteroid mining"}
    told = reader.post("/v1/score", json={"lead": lead, "as_of": LATER}).json()["unseen"]
    assert told == ["lead source: 'asteroid mining' never seen in training"]
    many = reader.post("/v1/score/batch", json={"leads": [lead, {"lead_id": "b"}], "as_of": LATER}).json()
    assert many["unseen"] == ["lead source: values never seen in training in 1 of 2 rows ('asteroid mining' 1)"]
    assert many["rows"][0]["unseen"] == told and "unseen" not in many["rows"][1]


def test_thresholds_are_the_figures_of_the_run(reader: TestClient, tiny_demo: Any) -> None:
    from pipelines.workspace.atomic_files import read_json

    stored = read_json(tiny_demo.context.paths.thresholds / "comparison.json")
    assert reader.get("/v1/thresholds").json()["policies"] == stored["policies"]
    capacity = tiny_demo.context.source.capacity.handoffs_per_week
    tried = reader.get("/v1/thresholds/simulate", params={"handoffs_per_week": capacity}).json()
    found = {row["policy"]: (row["workload"], row["wins"]) for row in stored["policies"]}
    mine = {row["policy"]: (row["workload"], row["wins"]) for row in tried["policies"]}
    assert mine == {name: figures for name, figures in found.items() if name != "proposed_rubric"}


def test_scores_written_as_they_are_keep_what_the_document_promises(reader: TestClient, tiny_demo: Any) -> None:
    sent = rows_sent(tiny_demo, unknown_lead(tiny_demo)[0])
    bare = {"lead": {"lead_id": "bare"}, "as_of": "2026-01-01T00:00:00Z"}
    document = reader.get("/openapi.json").json()["paths"]["/v1/score"]["post"]["responses"]["200"]
    assert document["content"]["application/json"]["schema"]["$ref"].endswith("/CardOut")
    for body in (sent, bare):
        card = reader.post("/v1/score", json=body).json()
        read = CardOut.model_validate(card, strict=True).model_dump()
        criteria = read.pop("criteria")
        assert {name: card[name] for name in read} == read
        assert len(criteria) >= 4
        for read_row, row in zip(criteria, card["criteria"], strict=True):
            assert {name: value for name, value in read_row.items() if name in row} == row
    many = reader.post("/v1/score/batch", json={"leads": [bare["lead"]], "as_of": bare["as_of"]}).json()
    assert ManyOut.model_validate(many, strict=True).model_dump() == many
    assert many["rows"][0]["score"] == reader.post("/v1/score", json=bare).json()["score"]
