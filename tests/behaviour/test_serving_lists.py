"""Lists and movements: one answer short, one segment, what moved a score; and webhooks that hear of new data."""

import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from pipelines.scoring import list_leads
from pipelines.scoring.one_answer_short import shortlist_leads
from pipelines.workspace.standing_feedback import StandingFeedback
from pipelines.workspace.table_files import load_tables
from serving.leads import lookup, posted_rows
from serving.state.segments import Segments
from serving.state.worklist.worklist_query import WorklistQuery
from serving.store.tables import OutboxMessage
from serving.webhooks.state_changes import announce_state_changes, announce_untold
from tests.reference.serving import client_for, key_for, worklist_of


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def short(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get("/v1/shortlist", params={"limit": 500, **params}).json()["rows"]
    return rows


def test_no_answer_moves_a_lead_whose_state_is_pinned(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        before = short(client)
        lead = before[0]["lead_id"]
        pinned = {"verdict": "override", "reason": "good_fit", "state": "sql"}
        assert client.post(f"/v1/leads/{lead}/feedback", json=pinned).status_code == 201
        assert [row["lead_id"] for row in short(client)] == [row["lead_id"] for row in before if row["lead_id"] != lead]


def test_the_shortlist_is_that_of_the_command_line(reader: TestClient, tiny_demo: Any) -> None:
    expected = shortlist_leads(tiny_demo.context)
    found = short(reader)
    assert len(expected) > 1
    assert {
        row["lead_id"]: (row["question"], row["answers"], row["next_state"], row["score_then"]) for row in found
    } == {
        row.lead_id: (row.question, list(row.answers), row.next_state, row.score_then) for row in expected.itertuples()
    }
    assert [row["next_state"] for row in found] == expected["next_state"].tolist()


def test_the_answer_on_the_shortlist_does_what_it_says(client: TestClient) -> None:
    row = next(row for row in short(client) if row["answers"] and "more" not in row["answers"][0])
    before = client.get("/v1/shortlist").headers["etag"]
    value = re.split(" or | to ", row["answers"][0])[0]
    given = client.post(f"/v1/leads/{row['lead_id']}/answers", json={"question": row["question"], "value": value})
    assert (given.status_code, given.json()["card"]["state"]) == (201, row["next_state"]), given.text
    again = {found["lead_id"]: found for found in short(client)}
    assert again.get(row["lead_id"], {}).get("question") != row["question"]
    assert client.get("/v1/shortlist", headers={"if-none-match": before}).status_code == 200


def test_the_shortlist_keeps_to_owner_state_and_what_sales_put_aside(client: TestClient) -> None:
    rows = short(client)
    state = rows[0]["next_state"]
    assert short(client, next_state=state) == [row for row in rows if row["next_state"] == state]
    owner = rows[0]["owner"]
    mine = [row for row in rows if row["owner"] == owner]
    assert short(client, owner=owner) == mine
    client.post(f"/v1/leads/{mine[0]['lead_id']}/feedback", json={"verdict": "snooze"})
    key = key_for(client, "read", owner=owner)
    assert client.get("/v1/shortlist?limit=500", headers=key).json()["rows"] == mine[1:]
    assert client.get("/v1/shortlist?next_state=hot", headers=key).status_code == 422


@pytest.mark.parametrize("table", ["leads", "accounts"])
def test_a_segment_is_what_a_declared_column_says(reader: TestClient, tiny_demo: Any, table: str) -> None:
    column = {"leads": "lead_source", "accounts": "industry"}[table]
    tables = load_tables(tiny_demo.context.paths)
    leads = tables["leads"].set_index("lead_id")
    last = tables["accounts"].drop_duplicates("account_id", keep="last").set_index("account_id")
    values = leads[column] if table == "leads" else leads["account_id"].map(last[column])
    rows = [row["lead_id"] for row in reader.get("/v1/worklist", params={"size": 500}).json()["rows"]]
    value = values.loc[rows].dropna().iloc[0]
    found = reader.get("/v1/worklist", params={"size": 500, "segment": f"{column}:{value}"}).json()
    wanted = [lead_id for lead_id in rows if values[lead_id] == value]
    assert [row["lead_id"] for row in found["rows"]] == wanted
    assert 0 < len(wanted) < len(rows)


@pytest.mark.parametrize("asked", ["email:a@b.example", "no_such_column:x", "x", ":", "__class__:x"])
def test_personal_and_unknown_columns_are_no_segments(reader: TestClient, asked: str) -> None:
    answer = reader.get("/v1/worklist", params={"segment": asked})
    assert (answer.status_code, answer.json()["code"]) == (422, "LS109")
    assert asked not in answer.json()["detail"] or len(asked) < 2


def test_the_parts_of_a_movement_sum_to_it(client: TestClient, tiny_demo: Any) -> None:
    created = load_tables(tiny_demo.context.paths)["leads"].set_index("lead_id")["created_at"]
    rows = worklist_of(tiny_demo)
    old = next(name for name in rows["lead_id"] if created[name] < pd.Timestamp("2026-06-01"))
    was = client.get(f"/v1/leads/{old}/change").json()
    assert sum(was["points"].values()) == was["score_after"] - was["score_before"]
    assert was["points"]["model"] == 0
    client.post(f"/v1/leads/{old}/activities", json={"kind": "demo_request"})
    now = client.get(f"/v1/leads/{old}/change", params={"since": "2026-06-22T00:00:00"}).json()
    assert now["learned"] == was["learned"] + 1 and now["rows"][-1]["what"].startswith("demo_request")
    assert now["score_after"] == client.get(f"/v1/leads/{old}").json()["score"]
    early = client.get(f"/v1/leads/{old}/change", params={"since": "2001-01-01"})
    assert (early.status_code, early.json()["code"]) == (422, "LS109")
    assert client.get("/v1/leads/nobody/change").status_code == 404


def test_new_data_tell_webhooks_of_new_states_once(client: TestClient) -> None:
    hook = {"url": "http://127.0.0.1:9/x", "events": ["lead.state_changed"]}
    app_state = client.app.state.app_state
    before = app_state.loaded
    first = before.worklist.page(WorklistQuery(size=1)).rows[0]
    before.worklist.update_row({**first, "state": "elsewhere"})
    after = app_state.load()
    (step,) = app_state.untold
    assert announce_state_changes(app_state, step) == 0, "nobody asked to be told"
    assert client.post("/v1/webhooks", json=hook).status_code == 201
    assert client.post("/v1/webhooks", json=hook).status_code == 409
    assert app_state.load() is not after, "another load does not bear on what this one changed"
    assert [announce_state_changes(app_state, step), announce_state_changes(app_state, step)] == [1, 0]
    with app_state.store.reading() as session:
        told = [row.payload for row in session.scalars(select(OutboxMessage))]
    assert told == [{"lead_id": first["lead_id"], "from": "elsewhere", "to": first["state"], "score": first["score"]}]


def test_a_lead_that_entered_its_stage_just_now_stands_before_those_of_which_that_is_unknown(
    client: TestClient,
) -> None:
    worklist = client.app.state.app_state.loaded.worklist
    rows = worklist.page(WorklistQuery(size=500, sort="waiting")).rows
    unknown, just_now = rows[0], rows[1]
    worklist.update_rows([{**unknown, "stage_days": None}, {**just_now, "stage_days": 0.0}])
    order = [row["lead_id"] for row in worklist.page(WorklistQuery(size=500, sort="waiting")).rows]
    assert order.index(just_now["lead_id"]) < order.index(unknown["lead_id"])


def test_lists_without_scores_keep_the_segment_and_refuse_what_they_cannot_filter(reader: TestClient) -> None:
    def rows(**params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = reader.get("/v1/worklist", params={"size": 500, **params}).json()["rows"]
        return found

    data = reader.app.state.app_state.loaded.data
    industry = data.tables["accounts"].drop_duplicates("account_id", keep="last").set_index("account_id")["industry"]
    for name in ("customers", "closed"):
        everybody = [row["lead_id"] for row in rows(list=name)]
        value = str(industry[data.account_id_of(everybody[0])])
        wanted = [lead for lead in everybody if industry.get(data.account_id_of(lead)) == value]
        found = [row["lead_id"] for row in rows(list=name, segment=f"industry:{value}")]
        assert found[: len(wanted)] == wanted != everybody, "in the order of the whole list"
        assert {str(industry[data.account_id_of(lead)]) for lead in found} == {value}
        for wrong in ({"state": "mql"}, {"grade": "A"}, {"minimum": 50}, {"unknown": "budget"}, {"disagree": "true"}):
            assert reader.get("/v1/worklist", params={"list": name, **wrong}).status_code == 422
            assert reader.get("/v1/worklist/export", params={"list": name, **wrong}).status_code == 422

    filtered = {"segment": "industry:retail", "state": "mql", "minimum": 50}
    for asked in ({"list": "customers", **filtered}, filtered):
        html = reader.get("/worklist", params=asked, headers={"accept": "text/html"}).text
        links = [link for link in re.findall(r'href="(/[^"]*)"', html) if "list=customers" in link]
        assert links and not any("minimum=" in link or "state=" in link for link in links)
        assert ("State MQL" in html) is (asked is filtered), "what is shown as on is on"


def test_a_column_by_which_lists_are_filtered_is_read_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    read, values = [], Segments.values
    monkeypatch.setattr(Segments, "values", lambda self, column: read.append(column) or values(self, column))
    answers = [
        client.get("/v1/worklist", params={"list": name, "segment": "industry:retail"}).json()["total"]
        for name in ("customers", "closed", "customers")
    ]
    assert read == ["industry"] and answers[0] == answers[2]


def test_a_lead_returned_as_a_duplicate_is_over_wherever_it_is_looked_up(client: TestClient) -> None:
    def looks_open(lead: str) -> dict[str, Any]:
        people = client.get("/v1/find", params={"q": lead}).json()["people"]
        found = client.get("/v1/lookup", params={"email": address}).json()["person"]
        accounts = client.get("/v1/accounts", params={"search": account}).json()["rows"]
        return {
            "find": [(one["open"], one["score"] is None) for one in people if one["lead_id"] == lead],
            "lookup": [(one["open"], one["score"] is None) for one in found if one["lead_id"] == lead],
            "account": [one["open"] for one in accounts if one["account_id"] == account],
        }

    data = client.app.state.app_state.loaded.data
    rows = client.get("/v1/worklist", params={"size": 500}).json()["rows"]
    lead = next(row["lead_id"] for row in rows if data.account_id_of(row["lead_id"]) and row["display"].get("email"))
    account, address = data.account_id_of(lead), data.display(data.code(lead))["email"]
    before = looks_open(lead)
    body = {"verdict": "reject", "reason": "duplicate"}
    assert client.post(f"/v1/leads/{lead}/feedback", json=body).json()["stage"] == "disqualified"
    after = looks_open(lead)
    assert before["find"] == before["lookup"] == [(True, False)]
    assert after["find"] == after["lookup"] == [(False, True)]
    assert after["account"] == [before["account"][0] - 1]
    client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "withdraw"})
    assert looks_open(lead) == before


def test_nothing_is_advised_on_a_closed_lead_that_must_not_be_contacted(client: TestClient) -> None:
    def listed() -> dict[str, str]:
        names = ("customers", "closed")
        pages = [client.get("/v1/worklist", params={"list": name, "size": 200}).json()["rows"] for name in names]
        return {row["lead_id"]: row["next_action"] for rows in pages for row in rows}

    before = listed()
    lead = next(name for name, action in before.items() if action != "none")
    client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "do_not_contact"})
    assert listed() == before | {lead: "none"}


def test_nothing_is_announced_of_a_lead_that_must_not_be_contacted(client: TestClient) -> None:
    app_state = client.app.state.app_state
    before = app_state.loaded
    first, second = before.worklist.page(WorklistQuery(size=2)).rows
    for row in (first, second):
        before.worklist.update_row({**row, "state": "elsewhere"})
    hook = {"url": "http://127.0.0.1:9/x", "events": ["lead.state_changed"]}
    assert client.post("/v1/webhooks", json=hook).status_code == 201
    client.post(f"/v1/leads/{first['lead_id']}/feedback", json={"verdict": "do_not_contact"})
    assert app_state.load() is not None and announce_untold(app_state) == 1
    with app_state.store.reading() as session:
        assert [row.payload["lead_id"] for row in session.scalars(select(OutboxMessage))] == [second["lead_id"]]


def test_a_file_of_what_was_said_tells_whether_there_is_more(
    client: TestClient, tiny_demo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posted_rows, "LIMIT", 2)
    for lead_id in worklist_of(tiny_demo)["lead_id"].iloc[:3]:
        client.post(f"/v1/leads/{lead_id}/feedback", json={"verdict": "accept"})
    first = client.get("/v1/posted/feedback")
    assert (first.headers["x-rows"], first.headers["x-more"]) == ("2", "true")
    last = client.get("/v1/posted/feedback", params={"after": first.headers["x-last-id"]})
    assert (last.headers["x-rows"], last.headers["x-more"]) == ("1", "false")


def test_a_lookup_says_how_many_there_are_beyond_those_it_names(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = client.app.state.app_state.loaded.data.tables["leads"]  # type: ignore[attr-defined]
    hosts = leads["email"].str.split("@").str[1].value_counts()
    domain = next(host for host, count in hosts.items() if count > 2 and "freemail" not in str(host))
    whole = client.get("/v1/lookup", params={"domain": domain}).json()
    assert len(whole["company"]) == whole["company_total"] > 1 and whole["person_total"] == 0
    monkeypatch.setattr(lookup, "MOST_LEADS", 1)
    found = client.get("/v1/lookup", params={"domain": domain}).json()
    assert (len(found["company"]), found["company_total"]) == (1, whole["company_total"])


def test_what_was_said_is_handed_out_once_each(client: TestClient, tiny_demo: Any) -> None:
    lead_id = str(worklist_of(tiny_demo)["lead_id"].iloc[0])

    def handed_out(table: str, after: str = "0") -> tuple[pd.DataFrame, str]:
        answer = client.get(f"/v1/posted/{table}", params={"after": after})
        return pd.read_parquet(io.BytesIO(answer.content)), answer.headers["x-last-id"]

    empty, start = handed_out("answers")
    assert empty.empty and start == "0" and str(empty["known_at"].dtype) == "datetime64[us]"
    for value in ("uses", "=decides"):
        client.post(f"/v1/leads/{lead_id}/answers", json={"question": "decision_role", "value": value})
    client.post(f"/v1/leads/{lead_id}/answers", json={"question": "decision_role", "value": "decides"})
    rows, last = handed_out("answers")
    assert rows[["lead_id", "question", "value", "channel", "author"]].to_numpy().tolist() == [
        [lead_id, "decision_role", value, "call", "local"] for value in ("uses", "decides")
    ]
    assert handed_out("answers", last)[0].empty
    client.post(f"/v1/leads/{lead_id}/activities", json={"kind": "demo_request", "value": 2.5})
    client.post(f"/v1/leads/{lead_id}/feedback", json={"verdict": "accept"})
    assert handed_out("activities")[0]["value"].tolist() == [2.5]
    assert handed_out("feedback")[0]["verdict"].tolist() == ["accept"]
    assert client.get("/v1/posted/api_keys").status_code == 422
    reader = key_for(client, "read", "feedback")
    assert client.get("/v1/posted/answers", headers=reader).status_code == 403


def test_a_repeated_upload_is_taken_in_once(client: TestClient) -> None:
    file = {"file": ("leads.csv", "Lead ID,Created Date\nnew-1,2026-06-01\n", "text/csv")}
    other = {"file": ("leads.csv", "Lead ID,Created Date\nnew-2,2026-06-01\n", "text/csv")}
    key = {"idempotency-key": hashlib.sha256(b"x").hexdigest()}
    first, again = (client.post("/v1/uploads", files=file, headers=key).json() for _ in range(2))
    assert first == again
    assert client.post("/v1/uploads", files=other, headers=key).status_code == 409
    assert client.post("/v1/uploads", files=file).json()["id"] != first["id"]


def test_a_repeated_rollback_does_not_go_forth_again(client: TestClient) -> None:
    now = client.get("/v1/model").json()["champion"]["hash"]
    answer = client.post("/v1/champion/rollback", params={"leaving": "0" * 12})
    assert (answer.status_code, answer.json()["code"]) == (409, "LS108")
    assert client.get("/v1/model").json()["champion"]["hash"] == now
    assert client.post("/v1/champion/rollback").status_code == 409
    assert client.post("/v1/champion", json={"hash": "0" * 12}).status_code == 404


def test_a_lookup_counts_what_was_posted(client: TestClient, tiny_demo: Any) -> None:
    leads = load_tables(tiny_demo.context.paths)["leads"].set_index("lead_id")
    lead_id = next(name for name in worklist_of(tiny_demo)["lead_id"] if pd.notna(leads.loc[name, "email"]))

    def counted() -> int:
        found = client.get("/v1/lookup", params={"email": leads.loc[lead_id, "email"]}).json()["person"]
        return int(next(row["activities"] for row in found if row["lead_id"] == lead_id))

    before = counted()
    client.post(f"/v1/leads/{lead_id}/activities", json={"kind": "demo_request"})
    assert counted() == before + 1


def test_the_document_names_errors_keys_and_examples(reader: TestClient) -> None:
    document = reader.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert {"bearer", None} == {scheme.get("scheme") for scheme in document["components"]["securitySchemes"].values()}
    assert "HTTPValidationError" not in schemas and schemas["Problem"]["required"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert "4XX" in operation["responses"], path
            assert bool(operation["security"]) == path.startswith("/v1/"), path
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if body is not None:
                named = schemas[body["$ref"].rpartition("/")[2]]
                assert named.get("examples"), f"{method} {path} has no example"


def test_the_terminal_advises_nothing_of_closed_leads_nobody_may_contact(
    tiny_demo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def advised() -> pd.Series:
        return list_leads.read_unscored(tiny_demo.context, {}).set_index("lead_id")["next_action"]

    before = advised()
    lead = str(before.index[before.eq("expand")][0])
    said = StandingFeedback(frozenset({lead}), {})
    monkeypatch.setattr(list_leads, "read_standing_feedback", lambda paths: said)
    after = advised()
    assert after[lead] == "none" and after.drop(lead).equals(before.drop(lead))
