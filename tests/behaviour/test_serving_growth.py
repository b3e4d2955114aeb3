"""What grows while a server is used: posted rows are scored in one batch, and count once when the source has them."""

import io
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, select, update

from serving.leads.retention import apply_retention
from serving.leads.uploads import score_waiting_uploads
from serving.state import build_worklist
from serving.state.gather_rows import append_rows
from serving.state.loaded_model import LoadedModel
from serving.store.tables import (
    AnswerRow,
    AuditRow,
    Feedback,
    IdempotencyRecord,
    OutboxMessage,
    ScoreRow,
    Upload,
)
from serving.store.wall_clock import wall_now
from tests.reference.posted import fill_store
from tests.reference.serving import client_for, worklist_of


def test_leads_with_posted_rows_are_scored_in_one_batch_as_one_by_one(
    tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    whole = LoadedModel.score_tables

    def count(self: LoadedModel, tables: Any, lead_ids: Sequence[str], *others: Any, **named: Any) -> Any:
        batches.append(len(lead_ids))
        return whole(self, tables, list(lead_ids), *others, **named)

    ids = fill_store(tiny_demo, tmp_path, rows=3_000, leads=25)
    monkeypatch.setattr(LoadedModel, "score_tables", count)
    monkeypatch.setattr(build_worklist, "BLOCK", 10)
    with client_for(tiny_demo, tmp_path) as client:
        assert batches == [9, 8, 8], "a call for each lead took half a minute for 485 leads"
        listed = client.app.state.app_state.loaded.worklist
        for lead in ids:
            card = client.get(f"/v1/leads/{lead}").json()
            line = listed.line(lead)
            assert (line["score"], line["state"]) == (card["score"], card["state"])
            assert line["probability"] == pytest.approx(card["probability"], abs=0.0)


def test_a_row_that_was_exported_and_imported_counts_once() -> None:
    at = pd.to_datetime(["2026-01-01 10:00:00", "2026-01-02 10:00:00.5"], format="ISO8601")
    own = pd.DataFrame({"activity_id": ["a1", "a2"], "lead_id": ["L1", "L1"], "kind": "page_view", "known_at": at})
    answers = pd.DataFrame({"lead_id": ["L1"], "question": ["budget"], "value": ["<10k"], "happened_at": at[1:]})
    posted = pd.DataFrame({"activity_id": ["a2", "a2", "a3"], "lead_id": ["L1", "L2", "L1"], "kind": "page_view"})
    given = answers.loc[[0, 0]].assign(happened_at=[at[1].floor("s"), at[0]])
    joined = append_rows(
        {"activities": own, "answers": answers}, {"activities": posted.assign(known_at=at[1]), "answers": given}
    )
    found = joined["activities"][["lead_id", "activity_id"]].to_numpy().tolist()
    assert found == [["L1", "a1"], ["L1", "a2"], ["L2", "a2"], ["L1", "a3"]]
    assert len(joined["answers"]) == 2


def test_what_is_too_old_goes_and_what_is_younger_stays(tiny_demo: Any, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    with client_for(tiny_demo, tmp_path) as client:
        app_state = client.app.state.app_state
        store = app_state.store
        client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["lead.feedback"]})
        for k in range(2):
            headers = {"Idempotency-Key": f"k{k}"}
            client.post(f"/v1/leads/{lead}/answers", json={"question": "budget", "value": "<10k"}, headers=headers)
            client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"})
            client.post("/v1/uploads", files={"file": ("x.csv", b"Lead ID\n1\n")}, headers={"Idempotency-Key": f"u{k}"})
        score_waiting_uploads(app_state)
        kept = counts(store)
        assert sum(apply_retention(app_state).values()) == 0 and counts(store) == kept

        old, orphan = wall_now() - timedelta(days=1_000), tmp_path / "uploads" / "0123"
        orphan.mkdir()
        os.utime(orphan, (0, 0))
        with store.writing() as session:
            for table, moments in (
                (ScoreRow, ("written_at",)),
                (IdempotencyRecord, ("at",)),
                (OutboxMessage, ("delivered_at",)),
                (Upload, ("finished_at",)),
                (AnswerRow, ("known_at",)),
                (AuditRow, ("at",)),
                (Feedback, ("written_at",)),
            ):
                first = session.scalars(select(table).order_by(table.__table__.primary_key.columns[0])).first()
                for name in moments:
                    setattr(first, name, old)
        told = apply_retention(app_state)
        gone = {"scores": 1, "idempotency": 1, "messages": 1, "uploads": 1, "answers": 1, "audit": 1}
        assert {kind: count for kind, count in told.items() if count} == gone
        now = counts(store)
        lost = {name: kept[name] - now[name] for name in kept if kept[name] != now[name]}
        assert lost == {"scores": 1, "idempotency": 1, "outbox": 1, "uploads": 1, "answers": 1}, "and an entry for one"
        assert not orphan.exists() and len(list((tmp_path / "uploads").iterdir())) == 1


def test_nothing_is_too_old_where_the_settings_say_so(tiny_demo: Any, tmp_path: Path) -> None:
    forever = dict.fromkeys(("posted_days", "score_days", "idempotency_days", "upload_days", "audit_days"), 0.0)
    with client_for(tiny_demo, tmp_path, **forever) as client:
        lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
        client.post(f"/v1/leads/{lead}/answers", json={"question": "budget", "value": "<10k"})
        store = client.app.state.app_state.store
        with store.writing() as session:
            for table, name in ((ScoreRow, "written_at"), (AnswerRow, "known_at"), (AuditRow, "at")):
                session.execute(update(table).values(**{name: datetime(2000, 1, 1)}))
        assert sum(apply_retention(client.app.state.app_state).values()) == 0


def test_rows_that_the_source_holds_leave_the_store(tiny_copy: Any, tmp_path: Path) -> None:
    lead = fill_store(tiny_copy, tmp_path, rows=50, leads=1)[0]
    with client_for(tiny_copy, tmp_path) as client:
        before = client.get(f"/v1/leads/{lead}").json()
        assert sum(apply_retention(client.app.state.app_state).values()) == 0
        posted = read_all_posted(client)

    for name, rows in posted.items():
        file = tiny_copy.context.paths.ingest / f"{name}.parquet"
        own = pd.read_parquet(file)
        pd.concat([own, rows.reindex(columns=own.columns).astype(own.dtypes)], ignore_index=True).to_parquet(file)
    with client_for(tiny_copy, tmp_path) as client:
        both = client.get(f"/v1/leads/{lead}").json()
        told = apply_retention(client.app.state.app_state)
        after = client.get(f"/v1/leads/{lead}").json()
    assert (told["answers"], told["activities"]) == (5, 45)
    assert both["score"] == after["score"] == before["score"], "counted twice, they would move it"


def read_all_posted(client: Any) -> dict[str, pd.DataFrame]:
    """Everything posted, as the nightly export brings it to the CRM."""
    return {
        name: pd.read_parquet(io.BytesIO(client.get(f"/v1/posted/{name}").content))
        for name in ("answers", "activities")
    }


def counts(store: Any) -> dict[str, int]:
    with store.reading() as session:
        tables = (ScoreRow, IdempotencyRecord, OutboxMessage, Upload, AnswerRow, AuditRow, Feedback)
        return {t.__tablename__: session.scalar(select(func.count()).select_from(t)) for t in tables}
