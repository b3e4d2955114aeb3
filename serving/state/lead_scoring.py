"""Scores of known leads, with everything posted about them."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from features.assembly.closed_leads import ClosedLead, closed_leads
from features.assembly.crm_facts import Closes
from features.point_in_time.microseconds import micros
from models.explaining.framework import Framework
from models.explaining.language import ENGLISH, Language
from models.scored_leads import Scored
from models.standing.unscored_lists import list_resting
from serving.state.app_state import AppState
from serving.state.gather_rows import GatheredRows, gather_rows
from serving.state.lead_data import LeadData, to_records
from serving.state.loaded_state import LoadedState
from serving.state.posted_frames import ASKED_AT_ONCE, POSTED_TABLES
from serving.store.tables import Feedback, FieldRow, WithdrawnActivity
from serving.store.wall_clock import wall_now


def score_leads(
    app_state: AppState,
    session: Session,
    state: LoadedState,
    codes: Sequence[int],
    framework: Framework,
    as_of: datetime | None = None,
    language: Language = ENGLISH,
) -> Scored:
    """Score the leads at these rows of the data as of ``as_of``, or each as of what is known of it; those that
    are over as they stood at their close.
    """
    ids = [str(state.data.lead_ids[code]) for code in codes]
    rows = gather_rows(session, state.data, codes)
    closed = _find_all_closed(app_state, state, rows, codes, as_of)
    if state.data.flat:
        return state.model.score_tables(rows.tables, ids, None, framework, language, Closes(None, closed))

    looked = rows.scored_as_of(state.data, codes, app_state.clock)
    looked = looked if as_of is None else pd.Series([as_of] * len(ids), dtype="datetime64[us]")
    moments = [closed[name].scored_at(at) if name in closed else at for name, at in zip(ids, looked, strict=True)]
    if len(codes) == 1:  # as a posted request is scored: from records, without the batch's tables
        closes = Closes(looked.iloc[0], closed)
        return state.model.score_one(to_records(rows.tables), ids[0], moments[0], framework, language, closes)
    when = pd.Series(moments, dtype="datetime64[us]")
    closes = Closes(micros(looked), closed)
    return state.model.score_tables(rows.tables, ids, when, framework, language, closes)


def gather_rows_now(
    app_state: AppState, session: Session, state: LoadedState, codes: Sequence[int]
) -> tuple[dict[str, pd.DataFrame], pd.Series]:
    """Tables of the leads and of their accounts, and as of when each of the leads is scored now, in their order."""
    rows = gather_rows(session, state.data, codes)
    return rows.tables, rows.scored_as_of(state.data, codes, app_state.clock)


def version_of(app_state: AppState, session: Session, data: LeadData, code: int) -> tuple[object, ...]:
    """Differs once anything became known, was taken back or forgotten of a lead or its account, and every hour.

    What is worked out from the rows of :func:`gather_rows` may be kept for as long as it stays the same. Not to be
    asked inside a transaction that writes: what it then saw may be rolled back.
    """
    mates = [str(name) for name in data.lead_ids[data.with_account_mates([code])]]
    account = data.account_id_of(str(data.lead_ids[code]))
    found: list[object] = []
    for table in (*POSTED_TABLES.values(), Feedback, WithdrawnActivity):
        for first in range(0, len(mates), ASKED_AT_ONCE):
            of = table.lead_id.in_(mates[first : first + ASKED_AT_ONCE])
            found += session.execute(select(func.max(table.id), func.count()).where(of)).one()
    if account:
        looked_up = select(func.max(FieldRow.id), func.count()).where(FieldRow.account_id == account)
        found += session.execute(looked_up).one()
    now = app_state.clock.now() or wall_now()
    return (*found, app_state.people.stamp, now.replace(minute=0, second=0, microsecond=0))


def find_closed(
    app_state: AppState, session: Session, state: LoadedState, code: int, as_of: datetime | None = None
) -> ClosedLead | None:
    """How a lead ended, with what was posted about it; None while it is open. ``as_of``: as far as was known then."""
    rows = gather_rows(session, state.data, [code])
    return _find_all_closed(app_state, state, rows, [code], as_of).get(str(state.data.lead_ids[code]))


def find_back_at(app_state: AppState, session: Session, state: LoadedState, code: int) -> pd.Timestamp | None:
    """When a recycled lead that rests comes back, with what was posted about it; None where none rests."""
    rows, lead_id = gather_rows(session, state.data, [code]), str(state.data.lead_ids[code])
    looked = pd.Timestamp(rows.scored_as_of(state.data, [code], app_state.clock).iloc[0])
    now = max(looked, pd.Timestamp(app_state.clock.now() or wall_now()))
    resting = list_resting(rows.tables, state.data.source, [lead_id], {}, now)
    return None if resting.empty else pd.Timestamp(resting["back_at"].iloc[0])


def _find_all_closed(
    app_state: AppState, state: LoadedState, rows: GatheredRows, codes: Sequence[int], as_of: datetime | None
) -> dict[str, ClosedLead]:
    """Those of the leads that are over, by the source's rows and what was posted."""
    if not rows.edited:
        ends = {str(state.data.lead_ids[code]): state.data.closed(code, as_of) for code in codes}
        return {name: end for name, end in ends.items() if end is not None}
    when = as_of or app_state.clock.scored_as_of(rows.latest)
    found = closed_leads(rows.tables, state.data.source, None if when is None else pd.Timestamp(when))
    ids = {str(state.data.lead_ids[code]) for code in codes}
    return {name: end for name, end in found.items() if name in ids}
