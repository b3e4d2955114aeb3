"""A lead scored again inside the transaction that changed it, and shown on the list once it is stored."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pandas as pd
from sqlalchemy.orm import Session

from serving.json_values import to_json_values
from serving.leads.feedback import find_silenced
from serving.state.app_state import AppState
from serving.state.clock import TICK
from serving.state.lead_scoring import score_leads
from serving.state.loaded_model import line_of
from serving.state.loaded_state import LoadedState
from serving.store.tables import ScoreRow
from serving.store.wall_clock import wall_now
from serving.webhooks.outbox import announce

_LONG = timedelta(hours=1)  # between two looks at a lead: from here on time alone moves a score


def lock_name(state: LoadedState, code: int) -> str:
    """Name of the lock that writes to a lead share: its account's, or its own."""
    account = int(state.data.account_of[code])
    return f"lead {state.data.lead_ids[code]}" if account < 0 else f"account {state.data.account_ids[account]}"


def rescore(
    app_state: AppState, session: Session, state: LoadedState, code: int, origin: str, *, added: bool = True
) -> dict[str, Any]:
    """Score a lead inside the transaction that changed it; store the score, announce a new state.

    The worklist shows it once the transaction is through: no score is shown that was not stored. ``score_before`` and
    ``state_before`` are as of the same moment, without the row that was ``added``; where one was taken back, as it was
    shown. What is announced is a change of what was shown.
    """
    framework = app_state.framework(None)
    scored = score_leads(app_state, session, state, [code], framework)
    line, card = line_of(scored), to_json_values(scored.card(0))
    lead_id = str(line["lead_id"])

    before = state.worklist.line(lead_id)
    as_of = scored.frame["as_of"].iloc[0]
    row = ScoreRow(
        lead_id=lead_id,
        as_of=as_of.to_pydatetime(warn=False),
        written_at=wall_now(),
        score=int(line["score"]),
        log_odds=float(scored.log_odds[0]),
        probability=float(line["probability"]),
        state=str(line["state"]),
        framework=framework.name,
        bundle_hash=state.model.bundle.hash,
        origin=origin,
        line=line,
    )
    session.add(row)
    session.flush()
    state.scores.show_once_stored(session, row.id, line)

    changed = before is not None and before["state"] != line["state"]
    if before is not None and changed and find_silenced(session, lead_id) is None:
        change = {"lead_id": lead_id, "from": before["state"], "to": line["state"], "score": line["score"]}
        announce(session, "lead.state_changed", change)
    same_moment: Mapping[str, Any] | None = before
    if before is not None and added:
        same_moment = _as_of_now(app_state, session, state, code, before, as_of)
    return {
        "card": card,
        "line": line,
        "score_before": None if same_moment is None else same_moment["score"],
        "state_before": None if same_moment is None else same_moment["state"],
    }


def _as_of_now(
    app_state: AppState, session: Session, state: LoadedState, code: int, before: Mapping[str, Any], as_of: pd.Timestamp
) -> Mapping[str, Any]:
    """The line before a change, scored again where it is old: what the days since did is no work of the change."""
    if pd.isna(as_of) or as_of - pd.Timestamp(before["as_of"]) < _LONG:
        return before
    last = (as_of - TICK).to_pydatetime(warn=False)  # when the last row became known, which does not count yet then
    return line_of(score_leads(app_state, session, state, [code], app_state.framework(None), last))
