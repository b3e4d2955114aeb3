"""One score for one lead and moment: batch, API by id, API from raw rows, and many at once."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.reference.serving import client_for, rows_sent, worklist_of

FIELDS = ("score", "probability", "probability_low", "probability_high", "grade", "state", "next_action", "question")


@pytest.fixture(scope="module")
def client(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path_factory.mktemp("serving")) as found:
        yield found


def chosen(run: Any) -> list[dict[str, Any]]:
    frame = worklist_of(run)
    return frame.iloc[:: max(1, len(frame) // 12)].to_dict("records")


def test_the_api_scores_a_known_lead_as_the_batch_did(client: TestClient, tiny_demo: Any) -> None:
    for row in chosen(tiny_demo):
        card = client.get(f"/v1/leads/{row['lead_id']}").json()
        assert {name: card[name] for name in FIELDS} == {name: row[name] for name in FIELDS}
        assert card["as_of"] == row["as_of"].isoformat()
        points = {item["id"]: item["points"] for item in card["criteria"]}
        assert points == {name: row[f"points_{name}"] for name in points}


def test_raw_rows_score_as_the_batch_did(client: TestClient, tiny_demo: Any) -> None:
    for row in chosen(tiny_demo)[:6]:
        body = rows_sent(tiny_demo, row["lead_id"]) | {"as_of": row["as_of"].isoformat()}
        card = client.post("/v1/score", json=body).json()
        assert {name: card[name] for name in FIELDS} == {name: row[name] for name in FIELDS}, card


def test_many_raw_leads_score_as_the_batch_did(client: TestClient, tiny_demo: Any) -> None:
    rows = chosen(tiny_demo)[:6]
    body: dict[str, Any] = {"leads": [], "accounts": [], "as_of": rows[0]["as_of"].isoformat()}
    sent: dict[str, dict[str, Any]] = {}
    for row in rows:
        own = rows_sent(tiny_demo, row["lead_id"])
        for lead in [own["lead"], *own["colleagues"]]:
            sent.setdefault(lead["lead_id"], lead)
        for name in ("accounts", "activities", "answers", "stages", "outcomes"):
            known = body.setdefault(name, [])
            known += [item for item in own[name] if item not in known]
    body["leads"] = list(sent.values())
    found = {line["lead_id"]: line for line in client.post("/v1/score/batch", json=body).json()["rows"]}
    for row in rows:
        line = found[row["lead_id"]]
        assert {k: line[k] for k in (*FIELDS, "reason_1", "points_base")} == {
            k: row[k] for k in (*FIELDS, "reason_1", "points_base")
        }


def test_the_command_line_explains_what_the_api_does(client: TestClient, tiny_demo: Any, cli: Any) -> None:
    import json

    lead_id = chosen(tiny_demo)[1]["lead_id"]
    status, out, _ = cli("explain", lead_id, *tiny_demo.args, "--json")
    card = client.get(f"/v1/leads/{lead_id}").json()
    told = json.loads(out)
    assert status == 0
    assert {name: told[name] for name in ("score", "probability", "criteria", "for", "against")} == {
        name: card[name] for name in ("score", "probability", "criteria", "for", "against")
    }


@pytest.mark.parametrize("framework", ["champ", "meddicc", "nibta"])
def test_every_framework_adds_up_to_the_same_score(client: TestClient, tiny_demo: Any, framework: str) -> None:
    for row in chosen(tiny_demo)[:4]:
        card = client.get(f"/v1/leads/{row['lead_id']}", params={"framework": framework}).json()
        bars = card["points_base"] + card["points_clip"] + sum(item["points"] for item in card["criteria"])
        assert 50 + bars == card["score"] == row["score"]
