"""An activity stored as it happens, with a note for people to read, and taken back where it never took place."""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from serving.auth.api_keys import Caller
from serving.leads.contact_log.log_kinds import is_new_to_model
from serving.leads.rescoring import lock_name, rescore
from serving.leads.writes import run_once
from serving.problems import ConflictError, InvalidError, NotFoundError
from serving.request_records import find_undeclared_kind
from serving.schemas import ActivityPosted
from serving.state.app_state import AppState
from serving.state.loaded_state import LoadedState
from serving.store.audit_trail import record_action
from serving.store.engine import hold_lock
from serving.store.tables import ActivityRow, NoteRow, WithdrawnActivity
from serving.store.wall_clock import wall_now

_CLOCK_SKEW = timedelta(days=1)  # how far ahead of ours another system's clock may be, its time zone included


def store_activity(
    app_state: AppState, caller: Caller, lead_id: str, body: ActivityPosted, key: str | None = None
) -> dict[str, Any]:
    """Store an activity as it happens and rescore its lead; the same ``activity_id`` counts once.

    Its note is a row of its own: what people wrote is no part of what models read, and of no file of activities.
    """
    state = app_state.loaded
    code = state.find_lead(lead_id, caller.owner)
    if state.data.flat:
        raise InvalidError("this source has no clocks, so it cannot use activities.")

    _check_consent(state, code, body.channel)

    def work(session: Session) -> dict[str, Any]:
        hold_lock(session, lock_name(state, code))  # so that known_at follows the order of writing
        now = app_state.clock.next_known_at()
        happened = moment_of(body.happened_at, now)
        row = ActivityRow(lead_id=lead_id, kind=body.kind, actor=body.actor, asset=body.asset, channel=body.channel)
        row.value, row.happened_at, row.known_at = body.value, happened, now
        row.activity_id = body.activity_id or f"posted-{now.isoformat()}"
        row.author = caller.name
        session.add(row)

        kind = app_state.people.register.hide_in_text(body.kind, numbers=True)
        detail: dict[str, Any] = {"kind": kind, "actor": body.actor} | ({"noted": True} if body.note else {})
        record_action(session, caller.name, "activity", lead_id, detail)
        session.flush()
        if body.note:
            note = NoteRow(lead_id=lead_id, activity=row.id, note=body.note, author=caller.name)
            note.happened_at, note.known_at = happened, now
            session.add(note)

        ignored = find_undeclared_kind(body.kind, body.actor, state.data.source)
        untrained = [f"activities.kind={body.kind} by {body.actor}"]
        told = {"untrained": untrained if is_new_to_model(app_state, body.kind, body.actor) else []}
        return {"activity": row.id, "ignored": ignored} | told | rescore(app_state, session, state, code, "activity")

    since = {"note"} if not body.note else None  # an older server kept its keys without it
    try:
        return run_once(app_state, caller, key, {"lead": lead_id, **body.model_dump(exclude=since)}, work)
    except IntegrityError as problem:
        raise ConflictError(f"activity '{body.activity_id}' of this lead is already on record.") from problem


def moment_of(happened_at: datetime | None, now: datetime) -> datetime:
    """When something happened: now where nobody says.

    Raises
    ------
    InvalidError : it has not happened yet
    """
    if happened_at is not None and happened_at > max(now, wall_now()) + _CLOCK_SKEW:
        raise InvalidError("happened_at is more than a day in the future; send activities that have happened.")
    return happened_at or now


def _check_consent(state: LoadedState, code: int, channel: str | None) -> None:
    """Refuse an activity of a channel that the lead has not agreed to: ingest would leave it out, too."""
    privacy = state.data.source.privacy
    consent = {} if privacy is None else {name.casefold(): one for name, one in privacy.consent.items()}
    one = consent.get((channel or "").casefold())
    if one is None:
        return
    leads = state.data.tables["leads"]
    said = leads[one.column].iloc[code] if one.column in leads else None
    if said is None or pd.isna(said) or not said:
        raise InvalidError(f"this lead has not agreed to be reached by {channel}; such activities are not kept.")


def withdraw_activity(
    app_state: AppState, caller: Caller, lead_id: str, activity: int, key: str | None = None
) -> dict[str, Any]:
    """Take back an activity that was posted here, its note with it, and rescore its lead: as if it had never been said.

    The row goes; what stays is who posted it and who took it back, in the audit trail, and a mark by which an activity
    that an ingest took along counts no more.

    Raises
    ------
    NotFoundError : no such activity was posted about this lead, or it was taken back before
    """
    state = app_state.loaded
    code = state.find_lead(lead_id, caller.owner)

    def work(session: Session) -> dict[str, Any]:
        hold_lock(session, lock_name(state, code))
        row = session.get(ActivityRow, activity)
        if row is None or row.lead_id != lead_id:
            raise NotFoundError("no such activity was posted about this lead, or it was taken back before.")
        gone = WithdrawnActivity(lead_id=lead_id, kind=row.kind, known_at=row.known_at, author=caller.name)
        gone.written_at = wall_now()
        session.add(gone)
        session.execute(delete(NoteRow).where(NoteRow.lead_id == lead_id, NoteRow.activity == activity))
        session.delete(row)
        detail = {"activity": activity, "kind": row.kind, "actor": row.actor}
        record_action(session, caller.name, "activity.withdrawn", lead_id, detail)
        session.flush()
        return {"withdrawn": activity} | rescore(app_state, session, state, code, "activity", added=False)

    return run_once(app_state, caller, key, {"lead": lead_id, "withdraw_activity": activity}, work)
