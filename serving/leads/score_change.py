"""What changed a lead's score since a point in time: new data, time alone, another model."""

from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import select

from features.errors import BundleError
from models.bundle import Bundle
from pipelines.registry.soundness import load_sound
from pipelines.scoring.score_change import compare_moments
from serving.problems import InvalidError
from serving.state.app_state import AppState
from serving.state.lead_scoring import gather_rows_now
from serving.state.loaded_state import LoadedState
from serving.store.tables import ScoreRow

_WEEK = pd.Timedelta(days=7)


def explain_score_change(
    app_state: AppState, lead_id: str, owner: str | None, since: datetime | None, framework: str | None
) -> dict[str, Any]:
    """The change from ``since`` (a week ago by default) to now, the first score by the model that served the lead then.

    Raises
    ------
    UnknownLeadError : not in the data, or not the caller's
    InvalidError : a source without clocks, or ``since`` is not between its creation and now
    """
    state, chosen = app_state.loaded, app_state.framework(framework)
    code = state.find_lead(lead_id, owner)
    if state.data.flat:
        raise InvalidError("this source has no clocks; nothing in it changes over time.")
    with app_state.store.reading() as session:
        tables, moments = gather_rows_now(app_state, session, state, [code])
        now = pd.Timestamp(moments.iloc[0])
        start = now - _WEEK if since is None else pd.Timestamp(since)
        query = select(ScoreRow.bundle_hash).where(ScoreRow.lead_id == lead_id, ScoreRow.as_of <= start)
        served = session.scalar(query.order_by(ScoreRow.id.desc()).limit(1))

    created = state.data.tables["leads"]["created_at"].iloc[code]
    if start >= now or (not pd.isna(created) and created >= start):
        raise InvalidError(
            f"since must be before {now:%Y-%m-%dT%H:%M} and after the lead was created ({created:%Y-%m-%dT%H:%M})."
        )

    before = _bundle_served_then(app_state, state, served)
    bundles = (before, state.model.bundle)
    listed = None if owner is None else _leads_of_owner(tables["leads"], owner)
    return compare_moments(tables, state.model.source, lead_id, (start, now), bundles, chosen, listed).record()


def _leads_of_owner(leads: pd.DataFrame, owner: str) -> frozenset[str]:
    """Leads of one owner: what became known of a colleague's lead moves the score, but is not shown to others."""
    return frozenset(leads.loc[(leads["owner"] == owner).fillna(False), "lead_id"].astype("str"))


def _bundle_served_then(app_state: AppState, state: LoadedState, served: str | None) -> Bundle:
    """The bundle that served the lead then, if it is kept and has the same features; else the one in use."""
    now = state.model.bundle
    if served is None or served == now.hash:
        return now
    try:
        then = load_sound(app_state.paths, app_state.paths.bundles / served, served)
    except BundleError:
        return now
    return then if then.catalog.hash == now.catalog.hash else now
