"""What is too old to keep: removed in small steps, so that nobody who writes waits for it."""

import shutil
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select

from pipelines.workspace.left_overs import remove_left_overs
from serving.leads.uploads import upload_folder
from serving.logs import logger
from serving.settings import ServeSettings
from serving.state.app_state import AppState
from serving.store.audit_trail import prune_trail
from serving.store.compaction import give_back_space
from serving.store.engine import Store
from serving.store.tables import (
    ActivityRow,
    AnswerRow,
    IdempotencyRecord,
    KeptLine,
    KeptList,
    NoteRow,
    OutboxMessage,
    ScoreRow,
    SpentState,
    Upload,
    WebSession,
)
from serving.store.trail_check import verify_trail
from serving.store.wall_clock import wall_now
from serving.webhooks.outbox import ATTEMPTS

_STEP = 1_000  # rows of one transaction: a few milliseconds
_ORPHAN_SECONDS = 86_400.0  # after which a folder without an upload is none that is just arriving


def apply_retention(app_state: AppState) -> dict[str, int]:
    """Remove what the settings do not keep; returns how many of each kind.

    Feedback, stages, looked-up values and keys always stay.
    """
    store, settings, now = app_state.store, app_state.settings, wall_now()
    removed = {
        kind: _remove(store, table, bound)
        for kind, (table, bound) in _too_old(settings, now).items()
        if bound is not None
    }
    if settings.upload_days:
        removed["uploads"] = _remove_uploads(app_state, now - timedelta(days=settings.upload_days))
    if settings.posted_days and app_state.ready:
        removed |= _remove_posted(app_state)
    if settings.audit_days:
        removed["audit"] = prune_trail(store, now - timedelta(days=settings.audit_days))

    for name in ("store.sqlite", "last_served.json"):
        remove_left_overs(app_state.folder, f".{name}.part.")
    found = verify_trail(store, kept_days=settings.audit_days)
    head = {"head": f"{found.last_id}:{found.head}", "intact": found.intact}  # noted where the database is not
    logger().info("retention", **{kind: count for kind, count in removed.items() if count}, **head)
    freed = give_back_space(store)  # last, as it may fail where the disk is full
    if freed:
        logger().info("store got shorter", bytes=freed)
    return removed


def _too_old(settings: ServeSettings, now: datetime) -> Mapping[str, tuple[Any, ColumnElement[bool] | None]]:
    """By kind the table, and which of its rows go; None where they stay for good."""

    def before(days: float) -> datetime | None:
        return now - timedelta(days=days) if days else None

    scores, answers, messages = (
        before(days) for days in (settings.score_days, settings.idempotency_days, settings.message_days)
    )
    dead = and_(OutboxMessage.attempts >= ATTEMPTS, OutboxMessage.due_at < messages) if messages else None
    return {
        "sessions": (WebSession, WebSession.expires_at < now),
        "sign_ins": (SpentState, SpentState.expires_at < now),
        "scores": (ScoreRow, None if scores is None else ScoreRow.written_at < scores),
        "kept_lines": (KeptLine, None if scores is None else KeptLine.written_at < scores),
        "kept_lists": (KeptList, None if scores is None else KeptList.written_at < scores),
        "idempotency": (IdempotencyRecord, None if answers is None else IdempotencyRecord.at < answers),
        "messages": (OutboxMessage, None if dead is None else or_(OutboxMessage.delivered_at < messages, dead)),
    }


def _remove(store: Store, table: Any, bound: ColumnElement[bool]) -> int:
    """Delete the rows of a table that are bound to go, step by step."""
    keys, count = list(table.__table__.primary_key.columns), 0
    while True:
        with store.writing() as session:
            rows = session.execute(select(*keys).where(bound).limit(_STEP)).all()
            for row in rows if len(keys) > 1 else ():
                session.execute(delete(table).where(*(key == value for key, value in zip(keys, row, strict=True))))
            if rows and len(keys) == 1:
                session.execute(delete(table).where(keys[0].in_([row[0] for row in rows])))
        count += len(rows)
        if len(rows) < _STEP:
            return count
        time.sleep(0.01)  # others have their turn


def _remove_uploads(app_state: AppState, before: datetime) -> int:
    """Delete finished uploads with their files, and files that no upload names: of one that a kill cut off."""
    with app_state.store.writing() as session:
        old = list(session.scalars(select(Upload.id).where(Upload.finished_at < before)))
        for start in range(0, len(old), _STEP):
            session.execute(delete(Upload).where(Upload.id.in_(old[start : start + _STEP])))
        known = set(session.scalars(select(Upload.id)))
    for number in old:
        shutil.rmtree(upload_folder(app_state, number), ignore_errors=True)

    place = app_state.folder / "uploads"
    for folder in place.iterdir() if place.is_dir() else ():
        if folder.name not in known and time.time() - folder.stat().st_mtime > _ORPHAN_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def _remove_posted(app_state: AppState) -> dict[str, int]:
    """Delete posted answers, activities and notes older than their days, counted back from the present of the clock."""
    before = (app_state.clock.now() or wall_now()) - timedelta(days=app_state.settings.posted_days)
    return {
        name: _remove(app_state.store, table, table.known_at < before)
        for name, table in (("answers", AnswerRow), ("activities", ActivityRow), ("notes", NoteRow))
    }
