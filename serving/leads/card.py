"""What is shown of one lead: card, history, timeline and open questions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from features.assembly.closed_leads import ClosedLead
from features.schema.vocabulary import EvidenceStatus
from models.explaining.framework import CONTEXT, Framework
from pipelines.scoring.shown_columns import hide_contacts
from serving.json_values import to_json_values
from serving.leads.feedback import (
    feedback_record,
    find_ended_by,
    find_ended_snoozes,
    find_latest_feedback,
    find_overrides,
    find_silenced,
    pin,
    pins_of,
    read_feedback,
    silence,
)
from serving.problems import InvalidError
from serving.request_language import find_language
from serving.state.app_state import AppState
from serving.state.kept_views import KeptView
from serving.state.lead_data import rows_of
from serving.state.lead_scoring import find_closed, gather_rows_now, score_leads, version_of
from serving.state.loaded_state import LoadedState
from serving.store.tables import ScoreRow

WEEKS = 12  # a quarter
_OPEN = (EvidenceStatus.UNKNOWN, EvidenceStatus.INDICATED)
_SHOWN_SCORES = 50


def build_card(
    app_state: AppState,
    lead_id: str,
    owner: str | None,
    framework: str | None = None,
    as_of: datetime | None = None,
    language: str | None = None,
) -> dict[str, Any]:
    """The card of a known lead, with what is displayed of it, what sales decided last and all that was said.

    Of a lead that is over, ``closed`` says how, and ``ended_by`` what sales said that ended it, None where somebody
    else did; its score is of when it was last open.
    """
    state, chosen = app_state.loaded, app_state.framework(framework)
    code = state.find_lead(lead_id, owner)
    _check_created(state, code, as_of)
    with app_state.store.reading() as session:
        closed = find_closed(app_state, session, state, code, as_of)
        _check_was_open(state, code, closed)
        scored = score_leads(app_state, session, state, [code], chosen, as_of, find_language(language))
        card = _with_handoff(app_state, session, state, code, scored.card(0))
        said = read_feedback(session, lead_id)
        silenced = find_silenced(session, lead_id)
        ended_by = None if closed is None else find_ended_by(session, lead_id, closed)
    overrides = find_overrides(app_state.store, [lead_id]) if closed is None and as_of is None else {}
    card = pin(card, overrides.get(lead_id), pins_of(overrides, state.model))
    card = card if silenced is None else silence(card)
    display = state.data.display(code)
    return to_json_values(card) | {
        "display": display if silenced is None else hide_contacts(display, state.data.source),
        "feedback": find_latest_feedback(app_state.store, state.data, [lead_id]).get(lead_id),
        "ended_by": ended_by,
        "snooze_ended": find_ended_snoozes(app_state.store, [lead_id]).get(lead_id),
        "said": said,
        "silenced": None if silenced is None else feedback_record(silenced),
    }


def _check_created(state: LoadedState, code: int, as_of: datetime | None) -> None:
    if as_of is None:
        return
    if state.data.flat:
        raise InvalidError("this source has no clocks, so as_of has no meaning here; leave it out.")
    created = state.data.tables["leads"]["created_at"].iloc[code]
    if not pd.isna(created) and created >= as_of:
        raise InvalidError(
            f"the lead was created on {created:%Y-%m-%d}, which is not before as_of; send a later as_of."
        )


def _with_handoff(
    app_state: AppState, session: Session, state: LoadedState, code: int, card: dict[str, Any]
) -> dict[str, Any]:
    """The card with the score the lead had when it went to sales, by the model in use."""
    handed = card["standing"]["handed_over_at"]
    created = None if handed is None else state.data.tables["leads"]["created_at"].iloc[code]
    if handed is None or (not pd.isna(created) and created >= pd.Timestamp(handed)):
        return card
    when = pd.Timestamp(handed).to_pydatetime()

    def compute() -> int:
        then = score_leads(app_state, session, state, [code], app_state.framework(None), when)
        return int(then.columns["score"][0])

    version = version_of(app_state, session, state.data, code)
    then = state.keep(KeptView(("score at handoff", code, when, version), compute))
    return card | {"standing": card["standing"] | {"score_at_handoff": then}}


def _check_was_open(state: LoadedState, code: int, closed: ClosedLead | None) -> None:
    """Refuse a lead that closed when it came into being: there is no moment at which it was open."""
    if closed is None or closed.last_open is None:
        return
    created = state.data.tables["leads"]["created_at"].iloc[code]
    if not pd.isna(created) and created >= closed.last_open:
        raise InvalidError(f"the lead is closed ({closed.sentence}) and was never open, so it has no score.")


def read_history(app_state: AppState, lead_id: str, owner: str | None) -> dict[str, Any]:
    """Weekly scores by the model in use, oldest first, each from what was known then; and the scores it served."""
    state = app_state.loaded
    code = state.find_lead(lead_id, owner)

    with app_state.store.reading() as session:
        rows = select(ScoreRow).where(ScoreRow.lead_id == lead_id).order_by(ScoreRow.id.desc()).limit(_SHOWN_SCORES)
        stored = [
            {
                "as_of": None if row.as_of is None else row.as_of.isoformat(),
                "score": row.score,
                "state": row.state,
                "origin": row.origin,
                "bundle_hash": row.bundle_hash,
            }
            for row in session.scalars(rows)
        ]
    weekly = read_weekly_scores(app_state, state, code)
    return {"lead_id": lead_id, "weekly": weekly, "served": stored}


def read_weekly_scores(app_state: AppState, state: LoadedState, code: int) -> list[dict[str, Any]]:
    """Scores of the last weeks of the lead at a row of ``state``, oldest first, each from what was known then; none
    without clocks, or of a lead that is too new. They end with the lead, by what was posted, too.
    """
    if state.data.flat:
        return []
    with app_state.store.reading() as session:
        records, looked = gather_rows_now(app_state, session, state, [code])
        closed = find_closed(app_state, session, state, code)
    created = state.data.tables["leads"]["created_at"].iloc[code]
    moments = pd.Series([looked.iloc[0] - pd.Timedelta(weeks=k) for k in range(WEEKS, -1, -1)], dtype="datetime64[us]")
    moments = moments[moments > created] if not pd.isna(created) else moments
    until = None if closed is None else closed.last_open
    moments = moments if until is None else moments[moments <= until]
    if not len(moments):
        return []
    ids = [str(state.data.lead_ids[code])] * len(moments)
    scored = state.model.score_tables(records, ids, moments.reset_index(drop=True), app_state.framework(None))
    columns = ["as_of", "score", "probability", "grade", "state"]
    return [to_json_values(row) for row in rows_of(scored.frame[columns])]


def list_questions(
    app_state: AppState, lead_id: str, owner: str | None, framework: str | None = None
) -> list[dict[str, Any]]:
    """Questions on criteria that are unknown or only indicated, with the answers they accept."""
    card = build_card(app_state, lead_id, owner, framework)
    return list_open_questions(card, app_state.framework(framework), app_state.loaded)


def list_open_questions(card: Mapping[str, Any], framework: Framework, state: LoadedState) -> list[dict[str, Any]]:
    """Each unknown or only indicated criterion of a card with its question, the card's own first; none once closed."""
    if card["closed"] is not None:
        return []
    asked = []
    for row in card["criteria"]:
        if row["id"] == CONTEXT or row.get("status") not in _OPEN:
            continue
        name, declared = next(
            (
                (name, question)
                for name, question in state.data.source.questions.items()
                if framework.criterion_of(question.topic) == row["id"]
            ),
            (None, None),
        )

        asked.append(
            {
                "criterion": row["id"],
                "label": row["label"],
                "status": row["status"],
                "text": row["question"],
                "question": name,
                "type": None if declared is None else str(declared.type),
                "values": [] if declared is None else list(declared.values),
                "minimum": None if declared is None else declared.minimum,
                "maximum": None if declared is None else declared.maximum,
                "next": bool(row["question"]) and row["question"] == card["question"],
            }
        )
    return sorted(asked, key=lambda item: not item["next"])
