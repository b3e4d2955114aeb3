"""What sales says about leads: who is accepted, rejected, silenced or pinned, and how each is undone.

Nothing here is part of the score. Accepting and rejecting are stages that the lead enters
(:mod:`serving.leads.verdicts`), rows of the source like those of the CRM.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from features.assembly.closed_leads import ClosedLead
from models.standing.pinned import Pins
from pipelines.scoring.shown_feedback import meanings_in
from pipelines.workspace.standing_feedback import StandingFeedback
from serving.state.lead_data import LeadData
from serving.state.loaded_model import LoadedModel
from serving.state.loaded_state import LoadedState
from serving.state.posted_frames import ASKED_AT_ONCE
from serving.store.damaged_rows import WHOLE
from serving.store.engine import Store
from serving.store.silenced_leads import SILENT, find_silenced_leads, still_stands
from serving.store.tables import Feedback, StageRow
from serving.store.wall_clock import wall_now

HIDING = ("snooze", "reject")
MOVING = ("accept", "reject")  # by which a lead enters a stage: they hold until it enters another one
OVERRIDE = "override"


def _is_valid_at(now: Any) -> ColumnElement[bool]:
    # silence ends by hand alone; an expiry that an earlier version stored with it counts for nothing
    return or_(Feedback.expires_at.is_(None), Feedback.expires_at > now, Feedback.verdict == SILENT)


def _latest_ids(*conditions: ColumnElement[bool]) -> Any:
    """The id of the latest feedback of each lead that stands."""
    return select(func.max(Feedback.id)).where(still_stands(), *conditions).group_by(Feedback.lead_id)


def find_hidden_leads(store: Store, data: LeadData) -> frozenset[str]:
    """Leads that sales put aside: snoozed, rejected, or not to be contacted."""
    with store.reading() as session:
        aside = frozenset(row.lead_id for row in _find_decided(session, data, among=Feedback.verdict.in_(HIDING)))
    return aside | find_silenced_leads(store)


def find_unlisted_leads(store: Store, state: LoadedState) -> frozenset[str]:
    """Leads on no open list: those that sales put aside, and those that by what was posted rest or are over."""
    return find_hidden_leads(store, state.data) | state.find_gone()


def find_snoozed_leads(store: Store) -> frozenset[str]:
    """Leads that are put aside until a day yet to come."""
    decided = _latest_ids(Feedback.verdict != OVERRIDE)
    asleep = Feedback.id.in_(decided) & (Feedback.verdict == "snooze") & _is_valid_at(wall_now())
    with store.reading() as session:
        return frozenset(session.scalars(select(Feedback.lead_id).where(asleep)))


def find_returned_leads(store: Store, data: LeadData) -> frozenset[str]:
    """Leads that sales gave back, as far as that stands."""
    with store.reading() as session:
        return frozenset(row.lead_id for row in _find_decided(session, data, among=Feedback.verdict == "reject"))


def find_silenced(session: Session, lead_id: str) -> Feedback | None:
    """The feedback by which a lead must not be contacted, None where it may be."""
    found = select(Feedback.id).where(Feedback.lead_id == lead_id, Feedback.verdict == SILENT, still_stands())
    newest = found.order_by(Feedback.id.desc()).limit(1).execution_options(**{WHOLE: True})
    number = session.scalar(newest)
    if number is None:
        return None
    # of one that is damaged otherwise nobody can say when and by whom, but it holds
    unknown = {"reason": "", "note": "", "author": "", "written_at": wall_now()}
    return session.get(Feedback, number) or Feedback(id=number, lead_id=lead_id, verdict=SILENT, **unknown)


def find_latest_feedback(store: Store, data: LeadData, lead_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The latest decision on each lead, where it has not expired, been taken back or been overtaken by the CRM: by it,
    leads are put aside.

    An override is none: it pins, and lets what was decided before it stand (:func:`find_overrides`).
    """
    with store.reading() as session:
        found = _find_decided(session, data, of=Feedback.lead_id.in_(list(lead_ids)))
        return {row.lead_id: feedback_record(row) for row in found}


def find_decision(session: Session, data: LeadData, lead_id: str) -> Feedback | None:
    """The latest decision on a lead that still holds, as :func:`find_latest_feedback` has it."""
    return next(iter(_find_decided(session, data, of=Feedback.lead_id == lead_id)), None)


def _find_decided(
    session: Session, data: LeadData, *, of: ColumnElement[bool] | None = None, among: ColumnElement[bool] | None = None
) -> list[Feedback]:
    """The latest decision on each lead (``of`` some), where it is one ``among`` some and still holds."""
    latest = _latest_ids(Feedback.verdict != OVERRIDE, *([] if of is None else [of]))
    asked = select(Feedback).where(Feedback.id.in_(latest), _is_valid_at(wall_now()))
    found = session.scalars(asked if among is None else asked.where(among)).all()
    gone = _find_overtaken(session, data, [row for row in found if row.verdict in MOVING])
    return [row for row in found if row.id not in gone]


def _find_overtaken(session: Session, data: LeadData, said: Sequence[Feedback]) -> set[int]:
    """Ids of those decisions after which the lead entered another stage in the CRM: opened again, or worked on."""
    if data.flat or not said:
        return set()
    posted = _find_entries(session, [row.lead_id for row in said])
    entered = {row.feedback_id: row for row in posted if row.feedback_id is not None}
    own = {(row.lead_id, row.stage, pd.Timestamp(row.entered_at)) for row in posted}
    since: dict[str, tuple[int, pd.Timestamp, str]] = {}
    for one in said:
        entry = entered.get(one.id)
        moment = one.known_at if entry is None else entry.entered_at
        if moment is not None:
            since[one.lead_id] = one.id, pd.Timestamp(moment), "" if entry is None else entry.stage
    rows = data.stages_of(list(since))
    if len(rows):
        rows = rows[(rows["entered_at"] > min(moment for _, moment, _ in since.values())).to_numpy(dtype=bool)]
    gone = set[int]()
    for lead, stage, at in zip(
        rows["lead_id"].astype("str"), rows["stage"].astype("str"), rows["entered_at"], strict=True
    ):
        said_id, moment, into = since[lead]
        if at > moment and stage != into and (lead, stage, at) not in own:  # the CRM's echo of it is no other stage
            gone.add(said_id)
    return gone


def _find_entries(session: Session, leads: Sequence[str]) -> list[Any]:
    """The stages that some leads entered by what was said on their cards: whose verdict, which, and when."""
    found: list[Any] = []
    for first in range(0, len(leads), ASKED_AT_ONCE):
        columns = (StageRow.lead_id, StageRow.stage, StageRow.entered_at, StageRow.feedback_id)
        found += session.execute(select(*columns).where(StageRow.lead_id.in_(leads[first : first + ASKED_AT_ONCE])))
    return found


def find_ended_snoozes(store: Store, lead_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The snooze of each lead that ran out, as long as nothing was decided since: by it, a lead is back on the list."""
    decided = _latest_ids(Feedback.verdict != OVERRIDE, Feedback.lead_id.in_(list(lead_ids)))
    ended = (Feedback.verdict == "snooze") & (Feedback.expires_at <= wall_now())
    with store.reading() as session:
        query = select(Feedback).where(Feedback.id.in_(decided), ended)
        return {row.lead_id: feedback_record(row) for row in session.scalars(query)}


def find_ended_by(session: Session, lead_id: str, closed: ClosedLead) -> dict[str, Any] | None:
    """What sales said by which a lead is over: it entered the stage that closed it, and nobody took it back."""
    entered = select(StageRow.feedback_id).where(StageRow.lead_id == lead_id, StageRow.stage == closed.outcome)
    entered = entered.where(StageRow.entered_at == closed.at, StageRow.feedback_id.is_not(None))
    found = select(Feedback).where(Feedback.id.in_(entered), still_stands()).order_by(Feedback.id.desc()).limit(1)
    row = None if closed.at is None else session.scalar(found)
    return None if row is None else feedback_record(row)


def gave_back_a_stage(store: Store, data: LeadData, lead_id: str, withdrawal: int | None) -> bool:
    """Whether a withdrawal took back a return by which its lead left its list: the data hold the stage it entered."""
    with store.reading() as session:
        row = None if withdrawal is None else session.get(Feedback, withdrawal)
        if row is None or row.lead_id != lead_id or row.undoes is None or data.flat:
            return False
        entered = select(StageRow.stage, StageRow.entered_at).join(Feedback, Feedback.id == StageRow.feedback_id)
        entered = entered.where(StageRow.lead_id == lead_id, Feedback.id == row.undoes, Feedback.verdict == "reject")
        given = {(stage, pd.Timestamp(at)) for stage, at in session.execute(entered)}
    rows = data.stages_of([lead_id]) if given else None
    return rows is not None and not given.isdisjoint(zip(rows["stage"].astype("str"), rows["entered_at"], strict=True))


def find_leads_with_feedback(store: Store) -> frozenset[str]:
    """Leads of which anything was said that has not expired or been taken back, a pin included."""
    said = select(Feedback.lead_id).where(still_stands(), _is_valid_at(wall_now()))
    with store.reading() as session:
        return frozenset(session.scalars(said))


def find_overrides(store: Store, lead_ids: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """The overrides in force by lead, of some leads or of all."""
    of = [] if lead_ids is None else [Feedback.lead_id.in_(list(lead_ids))]
    latest = _latest_ids(Feedback.verdict == OVERRIDE, *of)
    with store.reading() as session:
        rows = session.scalars(select(Feedback).where(Feedback.id.in_(latest), _is_valid_at(wall_now())))
        return {row.lead_id: feedback_record(row) for row in rows}


def find_unpinned_leads(store: Store, since: datetime) -> frozenset[str]:
    """Leads of which a pin of the state ended since a time: it ran out, was taken back, or another took its place."""
    now = wall_now()
    ran_out = (Feedback.verdict == OVERRIDE) & (Feedback.expires_at > since) & (Feedback.expires_at <= now)
    touched = select(Feedback.lead_id).where(or_(Feedback.written_at > since, ran_out))
    asked = select(Feedback).where(Feedback.lead_id.in_(touched))  # few leads, found by the index of their id
    asked = asked.where(or_(Feedback.verdict == OVERRIDE, Feedback.undoes.is_not(None))).order_by(Feedback.id)
    said = defaultdict[str, list[Feedback]](list)
    with store.reading() as session:
        for row in session.scalars(asked):
            said[row.lead_id].append(row)
    return frozenset(name for name, rows in said.items() if _has_lost_its_pin(rows, since, now))


def _has_lost_its_pin(rows: Sequence[Feedback], since: datetime, now: datetime) -> bool:
    """Whether a state was pinned then or since by what pins no longer, of one lead's overrides and withdrawals."""
    moments = {since, *(row.written_at for row in rows if row.written_at > since)}
    held = [pin for pin in (_pin_at(rows, moment) for moment in moments) if pin is not None and pin.state is not None]
    return bool({pin.id for pin in held} - {pin.id for pin in (_pin_at(rows, now),) if pin is not None})


def _pin_at(rows: Sequence[Feedback], moment: datetime) -> Feedback | None:
    """The override in force at a moment: the latest one that nobody had taken back by then, unless it ran out."""
    known = [row for row in rows if row.written_at <= moment]
    undone = {row.undoes for row in known}
    latest = next((row for row in reversed(known) if row.verdict == OVERRIDE and row.id not in undone), None)
    over = latest is not None and latest.expires_at is not None and latest.expires_at <= moment
    return None if over else latest


def find_pinned_states(store: Store) -> dict[str, str]:
    """The states that overrides in force pin, by lead."""
    return {name: said["state"] for name, said in find_overrides(store).items() if said["state"]}


def pins_of(overrides: Mapping[str, Mapping[str, Any]], model: LoadedModel) -> Pins:
    """What overrides in force pin, and what follows from it under the policy of the model in use."""
    pinned = {name: (said["state"] or "", said["next_action"] or "") for name, said in overrides.items()}
    return Pins(pinned, meanings_in(model.context, by_points=model.bundle.by_points))


def read_all_standing(store: Store, data: LeadData) -> StandingFeedback:
    """Whom nobody may contact, who is put aside, and what is pinned, of all leads."""
    pinned = {name: (said["state"] or "", said["next_action"] or "") for name, said in find_overrides(store).items()}
    return StandingFeedback(find_silenced_leads(store), pinned, find_hidden_leads(store, data))


def find_standing_feedback(session: Session, lead_id: str) -> Feedback | None:
    """The latest feedback on a lead that nobody took back, expired or not: what ``withdraw`` undoes."""
    found = select(Feedback).where(Feedback.lead_id == lead_id, still_stands())
    return session.scalar(found.order_by(Feedback.id.desc()).limit(1))


def read_feedback(session: Session, lead_id: str, limit: int = 50) -> list[dict[str, Any]]:
    """All that was said about a lead, newest first; ``undone`` says whether it was taken back."""
    rows = session.scalars(select(Feedback).where(Feedback.lead_id == lead_id).order_by(Feedback.id.desc())).all()
    undone = {row.undoes for row in rows}
    return [feedback_record(row) | {"undone": row.id in undone} for row in rows[:limit]]


def feedback_record(row: Feedback) -> dict[str, Any]:
    """Feedback as JSON."""
    return {
        "id": row.id,
        "lead_id": row.lead_id,
        "verdict": row.verdict,
        "reason": row.reason,
        "note": row.note,
        "author": row.author,
        "written_at": row.written_at.isoformat(),
        "expires_at": None if row.expires_at is None else row.expires_at.isoformat(),
        "score": row.score,
        "state": row.state,
        "next_action": row.next_action,
        "undoes": row.undoes,
    }


def pin(line: dict[str, Any], override: dict[str, Any] | None, pins: Pins) -> dict[str, Any]:
    """A row or a card with the state and the next action that an override pins, and what follows from them; what the
    rules say stays beside it.
    """
    if override is None:
        return line | {"pinned": None}
    by = {name: override[name] for name in ("id", "author", "reason", "note", "expires_at", "written_at")}
    by |= {"state_pinned": override["state"], "next_pinned": override["next_action"]}
    by |= {"state_by_rules": line["state"], "next_by_rules": line["next_action"]}
    if "standing" in line:
        return pins.lay_over(line) | {"pinned": by}
    return line | {name: text for name, text in pins.changes(line).items() if name in line} | {"pinned": by}


def silence(line: dict[str, Any]) -> dict[str, Any]:
    """A row or a card of a lead that must not be contacted: it advises nothing and asks nothing."""
    found = line | {"next_action": "none", "question": ""}
    if "criteria" in found:
        found["criteria"] = [row | {"question": ""} if "question" in row else row for row in found["criteria"]]
    if "standing" in found:
        found["standing"] = found["standing"] | {"next_action": "none", "why": ""}
    return found
