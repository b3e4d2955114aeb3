"""Who is forgotten and sent in again is not kept: not in the upload, not in its result, not in the trail."""

import io
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from pipelines.workspace.people.register import FORGOTTEN, add_to_register
from tests.reference.file_texts import text_of
from tests.reference.serving import client_for, score_uploads

GONE, NAME = "Gone-17", "Henrietta Vanished"
ROWS = pd.DataFrame(
    {
        "Lead ID": [GONE.lower(), "new-2"],
        "Created Date": ["2026-01-05", "2026-01-06"],
        "Name": [NAME, "Ben Brook"],
        "Record URL": [f"https://crm.example/{GONE}", "https://crm.example/new-2"],
        "Job Title": ["CFO", "CEO"],
    }
)


@pytest.fixture
def client(tiny_copy: Any) -> Iterator[TestClient]:
    root = tiny_copy.context.paths.root
    add_to_register(root, FORGOTTEN, [GONE], [])
    with client_for(tiny_copy, root / "serving") as found:
        yield found


def send(client: TestClient, rows: pd.DataFrame) -> dict[str, Any]:
    """The upload's progress once it is scored."""
    sent = client.post("/v1/uploads", files={"file": ("a.csv", rows.to_csv(index=False).encode())})
    assert sent.status_code == 202, sent.text
    score_uploads(client)
    return dict(client.get(f"/v1/uploads/{sent.json()['id']}").json())


@pytest.mark.parametrize("created", ["2026-01-05", "no day"])
def test_an_upload_keeps_nothing_of_their_row(client: TestClient, created: str) -> None:
    progress = send(client, ROWS.assign(**{"Created Date": [created, "2026-01-06"]}))
    assert (progress["status"], progress["failed"]) == ("done", 1), progress
    answer = client.get(progress["result"])
    result = pd.read_csv(io.StringIO(answer.text), dtype=str, keep_default_na=False)
    assert result["lead_id"].tolist() == ["[forgotten]", "new-2"]
    assert result["error"].tolist() == ["this person is forgotten and is not scored", ""]
    assert result["record_url"].tolist() == ["", "https://crm.example/new-2"]

    client.app.state.views.close()
    words = (GONE.lower(), GONE, NAME)
    folder = client.app.state.app_state.folder
    held = [file for file in folder.rglob("*") if file.is_file() and any(word in text_of(file) for word in words)]
    assert held == []


def test_an_upload_without_them_stays_as_it_was_sent(client: TestClient) -> None:
    progress = send(client, ROWS.tail(1))
    folder = client.app.state.app_state.folder / "uploads" / progress["id"]
    assert (folder / "input.csv").read_bytes() == ROWS.tail(1).to_csv(index=False).encode()


def test_the_trail_names_nobody_whom_a_batch_is_refused_for(client: TestClient) -> None:
    leads = [{"lead_id": f"{GONE}.0", "created_at": "2026-01-05T00:00:00Z"}, {"lead_id": "new-2"}]
    rows = client.post("/v1/score/batch", json={"leads": leads}).json()["rows"]
    assert rows[0]["lead_id"] == f"{GONE}.0" and "forgotten" in rows[0]["error"]
    client.app.state.views.close()
    shown = [entry["detail"].get("leads", []) for entry in client.get("/v1/audit").json()]
    assert ["new-2"] in shown and not any(f"{GONE}.0" in named for named in shown)


def test_neither_a_webhook_nor_a_kind_of_activity_names_them(client: TestClient) -> None:
    hook = {"url": f"https://x.example/?about={GONE}", "events": ["lead.feedback"]}
    refused = client.post("/v1/webhooks", json=hook)
    assert refused.status_code == 422 and "somebody who is forgotten" in refused.text, refused.text
    lead = client.get("/v1/worklist").json()["rows"][0]["lead_id"]
    assert client.post(f"/v1/leads/{lead}/activities", json={"kind": f"call of {GONE}"}).status_code == 201
    entries = client.get("/v1/audit", params={"subject": lead}).json()
    assert "call of [forgotten]" in [entry["detail"].get("kind") for entry in entries]
