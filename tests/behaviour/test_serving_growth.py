"""What grows while a server is used: posted rows are scored in one batch, and what is too old is removed by rule."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import delete, func, select, update

from serving.leads.retention import apply_retention
from serving.state.lead_data import LeadData, load_data
from serving.state.loaded_model import LoadedModel
from serving.state.loading import build_worklist
from serving.state.posted_frames import read_all_posted
from serving.store.engine import open_store
from serving.store.tables import (
    ActivityRow,
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
from tests.reference.serving import client_for, score_uploads, worklist_of


def test_leads_with_posted_rows_are_scored_in_one_batch_as_one_by_one(
    tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    told: list[Any] = []
    whole = LoadedModel.score_tables

    def count(self: LoadedModel, tables: Any, lead_ids: Sequence[str], *others: Any, **named: Any) -> Any:
        batches.append(len(lead_ids))
        told.append(named.get("closes"))
        return whole(self, tables, list(lead_ids), *others, **named)

    ids = fill_store(tiny_demo, tmp_path, rows=3_000, leads=25)
    monkeypatch.setattr(LoadedModel, "score_tables", count)
    monkeypatch.setattr(build_worklist, "BLOCK", 10)
    with client_for(tiny_demo, tmp_path) as client:
        assert batches == [9, 8, 8], "a call for each lead took half a minute for 485 leads"
        assert all(one is not None and len(one.as_of) == size for one, size in zip(told, batches, strict=True)), (
            "stages alone would close a lead whose win outcomes have taken back"
        )
        listed = client.app.state.app_state.loaded.worklist
        for lead in ids:
            card = client.get(f"/v1/leads/{lead}").json()
            line = listed.line(lead)
            assert (line["score"], line["state"]) == (card["score"], card["state"])
            stands = card["standing"]
            for name in ("stage", "lead_list", "next_action", "missing_seat"):
                assert line[name] == stands[name]
            assert line["probability"] == pytest.approx(card["probability"], abs=0.0)


def test_posted_rows_kept_with_the_data_are_those_of_the_store(tiny_demo: Any, tmp_path: Path) -> None:
    ids = fill_store(tiny_demo, tmp_path, rows=300, leads=25)
    data, store = load_data(tiny_demo.context), open_store(None, tmp_path)
    draw = np.random.default_rng(5)

    def read(of: LeadData) -> dict[str, pd.DataFrame]:
        with store.reading() as session:
            return read_all_posted(session, of)

    def answer(**given: Any) -> None:
        moment = wall_now()
        row = {"question": "budget", "value": "<10k", "channel": "call", "author": "x", "happened_at": moment}
        with store.writing() as session:
            session.add(AnswerRow(**row, lead_id=ids[0], known_at=moment, **given))

    def forget(lead_id: str) -> None:
        with store.writing() as session:
            for table in (AnswerRow, ActivityRow):
                session.execute(delete(table).where(table.lead_id == lead_id))

    def forget_one_and_answer_before(lead_id: str) -> None:
        """As many rows as before: a transaction that began earlier ends later."""
        with store.writing() as session:
            first = session.scalars(select(AnswerRow.id).where(AnswerRow.lead_id == lead_id).limit(1)).one()
            session.execute(delete(AnswerRow).where(AnswerRow.id == first))
        answer(id=-1)

    def forget_the_last_and_answer() -> None:
        """SQLite gives the id of the last row out again."""
        with store.writing() as session:
            session.execute(delete(AnswerRow).where(AnswerRow.id == select(func.max(AnswerRow.id)).scalar_subquery()))
        answer()

    before = read(data)
    assert sum(map(len, before.values())) == 300 and read(data)["activities"] is before["activities"]
    steps = (answer, lambda: forget(ids[3]), lambda: (forget(ids[4]), answer()))
    for step in [
        *(steps[k] for k in draw.integers(0, 3, 8)),
        lambda: forget_one_and_answer_before(ids[0]),
        forget_the_last_and_answer,
    ]:
        step()
        for name, rows in read(load_data(tiny_demo.context)).items():
            pd.testing.assert_frame_equal(read(data)[name], rows)
    store.close()


def test_what_is_too_old_goes_and_what_is_younger_stays(tiny_demo: Any, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    with client_for(tiny_demo, tmp_path, posted_days=730.0) as client:
        app_state = client.app.state.app_state
        store = app_state.store
        client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["lead.feedback"]})
        for k in range(2):
            headers = {"Idempotency-Key": f"k{k}"}
            client.post(f"/v1/leads/{lead}/answers", json={"question": "budget", "value": "<10k"}, headers=headers)
            client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"})
            client.post("/v1/uploads", files={"file": ("x.csv", b"Lead ID\n1\n")}, headers={"Idempotency-Key": f"u{k}"})
        score_uploads(client)
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


def test_the_file_gets_shorter_with_what_is_removed(tiny_demo: Any, tmp_path: Path) -> None:
    fill_store(tiny_demo, tmp_path, rows=30_000)
    file = tmp_path / "store.sqlite"
    with client_for(tiny_demo, tmp_path, posted_days=730.0) as client:
        app_state = client.app.state.app_state
        with app_state.store.writing() as session:
            for table in (AnswerRow, ActivityRow):
                session.execute(update(table).values(known_at=datetime(2000, 1, 1)))
        before = file.stat().st_size
        assert apply_retention(app_state)["activities"] == 27_000
        assert file.stat().st_size < 0.5 * before


def counts(store: Any) -> dict[str, int]:
    with store.reading() as session:
        tables = (ScoreRow, IdempotencyRecord, OutboxMessage, Upload, AnswerRow, AuditRow, Feedback)
        return {t.__tablename__: session.scalar(select(func.count()).select_from(t)) for t in tables}
