"""Somebody's two records become one: what sales said of the one that is gone holds for the one that stays."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from starlette.testclient import TestClient

from pipelines.ingest.identity_files import IDENTITY
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from serving.store.engine import open_store
from serving.store.tables import Feedback, NoteRow
from tests.reference.serving import client_for


def listed_by(client: TestClient) -> set[str]:
    return {row["lead_id"] for row in client.get("/v1/worklist", params={"limit": 500}).json()["rows"]}


def test_who_must_not_be_contacted_stays_so_under_the_id_that_was_kept(tiny_copy: Any, tmp_path: Path) -> None:
    paths = tiny_copy.context.paths
    with client_for(tiny_copy, tmp_path) as client:
        listed = listed_by(client)
    gone, kept = "their-second-record", min(listed)
    log = read_parquet(paths.ingest / IDENTITY)
    row = pd.DataFrame([{"lead_id": gone, "became": kept, "rule": "same_email", "known_at": pd.NaT}]).astype(log.dtypes)
    write_parquet(paths.ingest / IDENTITY, pd.concat([log, row], ignore_index=True))
    asked = {"reason": "", "note": "", "author": "kim", "written_at": datetime(2026, 6, 1)}
    said = datetime(2026, 6, 1)
    with open_store(None, tmp_path).writing() as session:
        session.add(Feedback(lead_id=gone, verdict="do_not_contact", **asked))
        session.add(NoteRow(lead_id=gone, note="asked by telephone", author="kim", happened_at=said, known_at=said))

    with client_for(tiny_copy, tmp_path) as client:
        card = client.get(f"/v1/leads/{kept}").json()
        assert card["feedback"]["verdict"] == "do_not_contact" and card["feedback"]["author"] == "kim"
        assert kept not in listed_by(client)
        assert [note["note"] for note in client.get(f"/v1/leads/{kept}/notes").json()] == ["asked by telephone"]
        moves = [entry for entry in client.get("/v1/audit").json() if entry["action"] == "feedback.merged"]
        assert [(one["subject"], one["actor"]) for one in moves] == [(kept, "leadscore")]
        assert client.post(f"/v1/leads/{kept}/feedback", json={"verdict": "withdraw"}).status_code == 201

    with client_for(tiny_copy, tmp_path) as client:  # what was taken back stays so, and nothing moves twice
        assert client.get(f"/v1/leads/{kept}").json()["feedback"] is None and kept in listed_by(client)
        moves = [entry for entry in client.get("/v1/audit").json() if entry["action"] == "feedback.merged"]
        assert len(moves) == 1
