"""A verdict of sales stored with what follows from it: the stage the lead enters, its expiry, and its undoing."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from features.schema.vocabulary import Stage
from models.explaining.qualification_policy import Action
from serving.auth.api_keys import Caller
from serving.leads.feedback import (
    HIDING,
    feedback_record,
    find_decision,
    find_silenced,
    find_standing_feedback,
)
from serving.leads.rescoring import lock_name, rescore
from serving.problems import ConflictError, InvalidError
from serving.schemas import FeedbackGiven
from serving.state.app_state import AppState
from serving.state.gather_rows import gather_rows
from serving.state.lead_scoring import find_back_at, find_closed
from serving.state.loaded_state import LoadedState
from serving.store.audit_trail import record_action
from serving.store.engine import hold_lock
from serving.store.merged_feedback import take_back_copies
from serving.store.silenced_leads import SILENT, WITHDRAW, stands
from serving.store.tables import Feedback, StageRow
from serving.store.wall_clock import wall_now

if TYPE_CHECKING:
    from models.judging.lifecycle.policy import LifecyclePolicy

_DAYS = {"override": 90, "snooze": 7}  # until they expire unless the caller says otherwise: a quarter, a week
_PINNED_ONLY = ("state", "next_action")
_REACHED = (Stage.SAL, Stage.SQL, Stage.OPPORTUNITY)


def add_feedback(
    app_state: AppState, session: Session, state: LoadedState, code: int, body: FeedbackGiven, caller: Caller
) -> dict[str, Any]:
    """Store a verdict on a lead the caller may see, and the stage it enters; the lead is then scored again.

    Raises
    ------
    InvalidError : a rejection without a reason, an expiry in the past, nothing to undo
    ConflictError : the lead must not be contacted, rests, or is over; what is to be undone no longer stands
    """
    hold_lock(session, lock_name(state, code))
    lead_id = str(state.data.lead_ids[code])
    _check_body(body)
    undone = _find_undone(session, lead_id, body) if body.verdict == WITHDRAW else None
    if body.verdict != WITHDRAW and find_silenced(session, lead_id) is not None:
        raise ConflictError("this lead must not be contacted; undo that first, if it was a mistake.")

    stage = _stage_entered(app_state, session, state, code, body)
    row = _row(app_state, state, lead_id, body, caller, stage)
    row.undoes = undone
    session.add(row)
    session.flush()
    if undone is not None:
        take_back_copies(session, row, state.data.lead_ids)

    detail: dict[str, Any] = {"verdict": body.verdict, "reason": body.reason}
    detail |= {"undoes": row.undoes} if row.undoes is not None else {}
    detail |= {name: getattr(row, name) for name in _PINNED_ONLY if getattr(row, name) is not None}
    found = feedback_record(row)
    if stage is not None:
        owner = state.data.owner(code) or caller.name
        entry = StageRow(lead_id=lead_id, stage=str(stage), owner=owner, reason=body.reason or None, author=caller.name)
        entry.entered_at = entry.known_at = row.known_at or wall_now()
        entry.feedback_id = row.id
        session.add(entry)
        session.flush()
        detail |= {"stage": str(stage)}
        found |= {"stage": str(stage)}
    record_action(session, caller.name, "feedback", lead_id, detail)  # takes the trail's lock, as rescore wants it
    if stage is not None or _undoes_a_stage(session, row):
        found |= rescore(app_state, session, state, code, "feedback", added=stage is not None)
        if stage is None:  # one that an ingest took along: the lead is on no list until the next load
            found |= {"listed": state.worklist.current_state_of(lead_id) is not None}
    return found


def _find_undone(session: Session, lead_id: str, body: FeedbackGiven) -> int:
    """The id of the feedback that a withdrawal takes back: the one it names, else the last one that stands."""
    if body.undoes is None:
        standing = find_standing_feedback(session, lead_id)
        if standing is None:
            raise InvalidError("nothing was said about this lead, so there is nothing to undo.")
        return standing.id

    said = session.get(Feedback, body.undoes)
    if said is None or said.lead_id != lead_id or said.verdict == WITHDRAW:
        raise InvalidError("there is no such feedback on this lead to take back; its card lists what was said.")
    if not stands(session, said.id):
        raise ConflictError("this was taken back before; look at the lead again.")
    return said.id


def _undoes_a_stage(session: Session, row: Feedback) -> bool:
    """Whether a withdrawal takes back a verdict by which the lead entered a stage: that entry goes with it."""
    entered = select(StageRow.id).where(StageRow.lead_id == row.lead_id, StageRow.feedback_id == row.undoes)
    return row.undoes is not None and session.scalar(entered.limit(1)) is not None


def _check_body(body: FeedbackGiven) -> None:
    if body.verdict in ("reject", "override") and not body.reason:
        raise InvalidError(f"'{body.verdict}' needs a reason, so that the rules can learn from it; see /docs.")
    if body.verdict != "override" and (body.state is not None or body.next_action is not None):
        raise InvalidError("only an override pins a state or a next action.")
    if body.next_action is not None and body.next_action not in get_args(Action):
        raise InvalidError(f"there is no such next action; choose {', '.join(get_args(Action))}.")
    if body.verdict != WITHDRAW and body.undoes is not None:
        raise InvalidError("only a withdraw names what it undoes.")
    if body.verdict == SILENT and body.expires_at is not None:
        raise InvalidError("do_not_contact stands until it is taken back; leave expires_at out, or send a snooze.")
    if body.expires_at is not None and body.expires_at <= wall_now():
        raise InvalidError("expires_at is in the past; leave it out, or send a later time.")


def _row(
    app_state: AppState, state: LoadedState, lead_id: str, body: FeedbackGiven, caller: Caller, stage: Stage | None
) -> Feedback:
    now, line = wall_now(), state.worklist.line(lead_id)
    row = Feedback(
        lead_id=lead_id,
        verdict=body.verdict,
        reason=body.reason,
        note=body.note,
        author=caller.name,
        written_at=now,
        expires_at=body.expires_at or _expiry(state, body, stage),
        score=None if line is None else int(line["score"]),
        bundle_hash=state.model.bundle.hash,
        known_at=None if state.data.flat else app_state.clock.next_known_at(),
    )
    if body.verdict == "override":
        row.state, row.next_action = body.state, body.next_action
        if body.state is None and body.next_action is None and line is not None:  # all stays as it is now
            row.state, row.next_action = line["state"], line["next_action"]
    return row


def _expiry(state: LoadedState, body: FeedbackGiven, stage: Stage | None) -> Any:
    """When a verdict ends by itself: a recycled lead is back on the list once it has cooled down."""
    days: float | None = _DAYS.get(body.verdict)
    if body.verdict == "reject" and stage is Stage.RECYCLED:
        days = state.data.source.label.recycle_cool_down_days
    return None if days is None else wall_now() + timedelta(days=days)


def _stage_entered(
    app_state: AppState, session: Session, state: LoadedState, code: int, body: FeedbackGiven
) -> Stage | None:
    """The stage a lead enters by a verdict, None where it stays where it is; sources without clocks have no stages."""
    if state.data.flat or body.verdict not in ("accept", *HIDING):
        return None
    closed = find_closed(app_state, session, state, code)
    if closed is not None and body.verdict == "snooze":
        raise ConflictError(f"the lead is {closed.sentence}; there is nothing to put aside.")
    if closed is not None:
        raise ConflictError(f"the lead is {closed.sentence}; there is nothing to accept or reject.")
    back = None if body.verdict == "reject" else find_back_at(app_state, session, state, code)
    if back is not None and body.verdict == "snooze":
        raise ConflictError(f"the lead rests until {back:%Y-%m-%d}; there is nothing to put aside.")
    if back is not None:  # accepted, it would come back no sooner
        said = find_decision(session, state.data, str(state.data.lead_ids[code]))
        if said is None or said.verdict != "reject":  # the CRM has it rest
            raise ConflictError(f"the lead rests until {back:%Y-%m-%d}; accept it then.")
        raise ConflictError(f"the lead rests until {back:%Y-%m-%d}; accept it then, or take its return back first.")
    if body.verdict == "snooze":
        return None

    policy = read_lifecycle_policy(app_state)
    if body.verdict == "reject":
        return policy.stage_after_rejection(body.reason)
    now = _stage_now(session, state, code)
    return None if now is policy.accepted or now in _REACHED else policy.accepted


def _stage_now(session: Session, state: LoadedState, code: int) -> Stage | None:
    """The stage a lead is in, None where none is on record."""
    lead_id = str(state.data.lead_ids[code])
    rows = gather_rows(session, state.data, [code]).tables["stages"]
    own = rows[(rows["lead_id"].astype("str") == lead_id).to_numpy(dtype=bool)]
    own = own.sort_values(["entered_at", "known_at"], kind="stable")
    return Stage(str(own["stage"].iloc[-1])) if len(own) else None


def read_lifecycle_policy(app_state: AppState) -> "LifecyclePolicy":
    """What both teams agreed on, read once for the data in use."""
    # imported with the first verdict: the figures behind it would be felt in the server's start
    from pipelines.diagnostics.lifecycle_figures import policy_of

    return app_state.results.get("lifecycle policy", app_state.loaded.number, lambda: policy_of(app_state.context))
