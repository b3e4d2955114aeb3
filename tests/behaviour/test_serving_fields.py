"""Missing fields of a company: named with what they could change, and filled on the card, by API and by file."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.people.register import FORGOTTEN, add_to_register
from tests.reference.serving import client_for, key_for, worklist_of

HTML = {"accept": "text/html"}


@pytest.fixture
def lacking(tiny_copy: Any) -> tuple[Any, str, list[str]]:
    """A run in which the companies of three open leads have no number of employees; the first lead, and all three."""
    paths = tiny_copy.context.paths
    leads = read_parquet(paths.ingest / "leads.parquet").set_index("lead_id")
    listed = worklist_of(tiny_copy).set_index("lead_id")
    companies = leads["account_id"].reindex(listed.index).dropna().drop_duplicates()
    nurtured = [name for name in companies.index[10:] if str(listed["next_action"][name]).startswith("nurture")]
    chosen = [*companies.index[[0, 9]].tolist(), nurtured[-1]]
    accounts = read_parquet(paths.ingest / "accounts.parquet")
    gone = accounts["account_id"].isin(companies[chosen])
    accounts["employees"] = accounts["employees"].mask(gone)
    write_parquet(paths.ingest / "accounts.parquet", accounts)
    return tiny_copy, chosen[0], chosen


@pytest.fixture
def client(lacking: tuple[Any, str, list[str]], tmp_path: Any) -> Iterator[TestClient]:
    with client_for(lacking[0], tmp_path / "state") as found:
        yield found


def field_of(card: dict[str, Any], name: str = "employees") -> dict[str, Any] | None:
    rows = [field for item in card["criteria"] for field in item["fields"]]
    return next((field for field in rows if field["field"] == name), None)


def test_a_missing_field_is_named_with_what_it_could_change(client: TestClient, lacking: Any) -> None:
    card = client.get(f"/v1/leads/{lacking[1]}").json()
    field = field_of(card)
    assert field is not None and field["label"] == "employees" and set(field["where"]) == {"card", "api", "csv"}
    assert field["score_low"] <= card["score"] <= field["score_high"] and field["who"]
    assert sum(item["share"] for item in field["outcomes"]) == pytest.approx(1, abs=0.01)
    assert {item["id"] for item in card["criteria"] if item["fields"]} == {"budget"}
    page = client.get(f"/leads/{lacking[1]}", headers=HTML).text
    assert "Not on record: Employees." in page and f'action="/leads/{lacking[1]}/fields"' in page
    other = next(name for name in worklist_of(lacking[0])["lead_id"] if name not in lacking[2])
    assert field_of(client.get(f"/v1/leads/{other}").json()) is None


def test_a_value_counts_at_once_and_can_be_withdrawn(client: TestClient, lacking: Any) -> None:
    lead = lacking[1]
    before = client.get(f"/v1/leads/{lead}").json()
    told = client.post(f"/v1/leads/{lead}/fields", json={"field": "employees", "value": 250}).json()
    assert field_of(told["card"]) is None and told["score_before"] is not None
    facts = [fact["text"] for item in told["card"]["criteria"] for fact in item["facts"]]
    assert client.get(f"/v1/leads/{lead}").json()["score"] == told["card"]["score"]
    assert any("employees: 250" in text for text in facts) or told["card"]["score"] != before["score"]
    gone = client.post(f"/v1/leads/{lead}/fields", json={"field": "employees", "value": ""}).json()
    assert gone["card"]["score"] == before["score"] and field_of(gone["card"]) is not None
    trail = client.get("/v1/audit", params={"limit": 1}).json()[0]
    assert (trail["action"], trail["detail"]["field"]) == ("field", "employees")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"field": "employees", "value": "many"}, "a number from 1"),
        ({"field": "employees", "value": 0}, "a number from 1"),
        ({"field": "employees", "value": True}, "a number"),
        ({"field": "job_title", "value": "CFO"}, "employees"),
        ({"field": "company", "value": "Acme"}, "industry"),
    ],
)
def test_what_cannot_be_a_value_or_was_known_at_creation_is_refused(
    client: TestClient, lacking: Any, body: dict[str, Any], said: str
) -> None:
    answer = client.post(f"/v1/leads/{lacking[1]}/fields", json=body)
    assert answer.status_code == 422 and said in answer.json()["detail"]


def test_a_file_of_one_column_is_handed_out_and_taken_back(client: TestClient, lacking: Any) -> None:
    text = client.get("/v1/fields/employees").text
    rows = list(csv.DictReader(io.StringIO(text)))
    leads = pd.read_parquet(lacking[0].context.paths.ingest / "leads.parquet").set_index("lead_id")["account_id"]
    assert {row["account_id"] for row in rows} == set(leads[lacking[2]])
    assert all(row["employees"] == "" for row in rows)
    rows[0]["employees"], rows[1]["employees"] = "300", "none"
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    told = client.post("/v1/fields/employees", files={"file": ("employees.csv", out.getvalue(), "text/csv")}).json()
    assert (told["stored"], told["empty"], told["refused"]) == (1, 1, 1)
    assert told["problems"] == [{"row": 3, "problem": "this field takes a number from 1."}]
    again = list(csv.DictReader(io.StringIO(client.get("/v1/fields/employees").text)))
    assert len(again) == 2
    wrong = client.post("/v1/fields/employees", files={"file": ("x.csv", "a,b\n1,2\n", "text/csv")})
    assert wrong.status_code == 422 and "lead_id" in wrong.json()["detail"]
    longest = f"lead_id,employees,note\n{rows[1]['lead_id']},300,{'x' * 2_100}\n" + f",,{'x' * 2_100}\n" * 499
    cut = client.post("/v1/fields/employees", files={"file": ("x.csv", longest, "text/csv")})
    assert cut.status_code == 422 and "larger than 1,048,576 bytes" in cut.json()["detail"], "half a file was taken"
    assert client.get("/v1/fields/shoe_size").status_code == 422
    reader = key_for(client, "read")
    assert client.post("/v1/fields/employees", headers=reader, files={"file": ("x.csv", "a")}).status_code == 403


def test_nobody_is_nurtured_before_what_is_missing_was_looked_up(client: TestClient, lacking: Any) -> None:
    found = []
    for card in [client.get(f"/v1/leads/{name}").json() for name in lacking[2]]:
        nurtured = card["qualification"]["rule"] in ("acts_like_a_buyer", "reads", "")
        nurtured &= card["standing"]["phase"] == "before_handoff"  # nobody nurtures what sales has
        # what exceptions of the policy ask for comes first
        nurtured &= card["next_action"] not in ("disqualify", "ask")
        assert (card["next_action"] == "enrich") == nurtured
        assert (card["qualification"]["programme"] == "employees") == nurtured
        found.append(nurtured)
    assert True in found


def test_a_number_beside_words_that_was_somebodys_id_is_no_part_of_the_trail(client: TestClient, lacking: Any) -> None:
    run, lead, _ = lacking
    add_to_register(run.context.paths.root, FORGOTTEN, ["10023"], [])
    called = {"channel": "call of 10023 Ann"}
    for place, body in (
        ("answers", {"question": "budget", "value": "<10k"}),
        ("fields", {"field": "employees", "value": 250}),
    ):
        assert client.post(f"/v1/leads/{lead}/{place}", json={**body, **called}).is_success, place
    told = client.get("/v1/audit", params={"subject": lead}).json()
    assert [row["detail"]["channel"] for row in told if "channel" in row["detail"]] == ["call of [forgotten] Ann"] * 2
