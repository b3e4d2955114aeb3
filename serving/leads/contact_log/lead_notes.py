"""Notes about leads: people read them, nothing counts them, and they are no activity of the lead."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.auth.api_keys import Caller
from serving.leads.contact_log.activity_writes import moment_of
from serving.leads.rescoring import lock_name
from serving.leads.writes import run_once
from serving.problems import NotFoundError
from serving.schemas import NoteGiven
from serving.state.app_state import AppState
from serving.store.audit_trail import record_action
from serving.store.engine import hold_lock
from serving.store.tables import ActivityRow, NoteRow


def store_note(
    app_state: AppState, caller: Caller, lead_id: str, body: NoteGiven, key: str | None = None
) -> dict[str, Any]:
    """Store a note; the score stays what it is."""
    state = app_state.loaded
    code = state.find_lead(lead_id, caller.owner)

    def work(session: Session) -> dict[str, Any]:
        hold_lock(session, lock_name(state, code))
        now = app_state.clock.next_known_at()
        row = NoteRow(lead_id=lead_id, activity=None, note=body.note, author=caller.name, known_at=now)
        row.happened_at = moment_of(body.happened_at, now)
        session.add(row)
        session.flush()
        record_action(session, caller.name, "note", lead_id, {"note": row.id})
        return {"note": row.id}

    return run_once(app_state, caller, key, {"lead": lead_id, **body.model_dump()}, work)


def withdraw_note(
    app_state: AppState, caller: Caller, lead_id: str, note: int, key: str | None = None
) -> dict[str, Any]:
    """Take back a note: its text goes, the activity it is about stays.

    Raises
    ------
    NotFoundError : there is no such note on this lead
    """
    app_state.loaded.find_lead(lead_id, caller.owner)

    def work(session: Session) -> dict[str, Any]:
        row = session.get(NoteRow, note)
        if row is None or row.lead_id != lead_id:
            raise NotFoundError("there is no such note on this lead, or it was taken back before.")
        session.delete(row)
        record_action(session, caller.name, "note.withdrawn", lead_id, {"note": note})
        return {"withdrawn": note}

    return run_once(app_state, caller, key, {"lead": lead_id, "withdraw_note": note}, work)


def list_notes(app_state: AppState, lead_id: str, owner: str | None) -> list[dict[str, Any]]:
    """Notes about a lead, newest first, each with its author and the id of the activity it is about, if any."""
    app_state.loaded.find_lead(lead_id, owner)
    with app_state.store.reading() as session:
        rows = session.scalars(select(NoteRow).where(NoteRow.lead_id == lead_id).order_by(NoteRow.id.desc())).all()
    return [
        {
            "id": row.id,
            "activity": row.activity,
            "note": row.note,
            "author": row.author,
            "happened_at": row.happened_at.isoformat(),
            "known_at": row.known_at.isoformat(),
        }
        for row in rows
    ]


@dataclass(frozen=True, kw_only=True)
class LoggedEntry:
    """What somebody wrote down here about a lead: an activity, a note, or both; ids are None where there is none."""

    lead_id: str
    activity: int | None
    note_id: int | None
    kind: str
    author: str
    note: str
    happened_at: datetime
    known_at: datetime


def read_logged(session: Session, lead_ids: Collection[str]) -> list[LoggedEntry]:
    """All that was written down here about some leads, activities first."""
    names = list(lead_ids)
    acts = session.scalars(select(ActivityRow).where(ActivityRow.lead_id.in_(names))).all()
    notes = session.scalars(select(NoteRow).where(NoteRow.lead_id.in_(names)).order_by(NoteRow.id)).all()
    about = {row.activity: row for row in notes if row.activity is not None}
    found = []
    for act in acts:
        note = about.pop(act.id, None)
        found.append(
            LoggedEntry(
                lead_id=act.lead_id,
                activity=act.id,
                note_id=None if note is None else note.id,
                kind=act.kind,
                author=act.author or "",
                note="" if note is None else note.note,
                happened_at=act.happened_at,
                known_at=act.known_at,
            )
        )
    alone = [*(row for row in notes if row.activity is None), *about.values()]  # an activity may be too old to be kept
    return found + [
        LoggedEntry(
            lead_id=row.lead_id,
            activity=None,
            note_id=row.id,
            kind="",
            author=row.author,
            note=row.note,
            happened_at=row.happened_at,
            known_at=row.known_at,
        )
        for row in alone
    ]
