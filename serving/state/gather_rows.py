"""All rows that bear on a lead's score: the source's own, and what was posted to the server since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from features.array_types import Ints
from features.assembly.looked_up_fields import add_looked_up
from features.assembly.stage_at import after_rest
from features.kernel.column_reader import FrameRows, micros_of
from features.point_in_time.microseconds import micros
from serving.state.clock import ServingClock
from serving.state.lead_data import LeadData
from serving.state.posted_frames import ASKED_AT_ONCE, POSTED_TABLES, read_all_posted, read_posted_rows, stands
from serving.store.engine import Store
from serving.store.tables import Feedback, FieldRow, StageRow, WithdrawnActivity


@dataclass(frozen=True)
class GatheredRows:
    """Canonical tables of some leads and their accounts.

    ``latest`` is the last known_at among the posted rows, ``edited`` whether anything posted changed the source's rows.
    """

    tables: dict[str, pd.DataFrame]
    latest: datetime | None
    edited: bool = False
    posted: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    looked_up: Sequence[Mapping[str, Any]] = ()

    def scored_as_of(self, data: LeadData, codes: Sequence[int] | Ints, clock: ServingClock) -> pd.Series:
        """As of when to score each lead: the last that was posted about it or looked up of its company.

        What was posted about a colleague counts with the next row of its own: else every row would move all rows of
        its account on the list. On real time a rest ends with its day.
        """
        last: dict[int, Any] = {}
        for rows in self.posted.values():
            for code, moment in rows["known_at"].groupby(data.codes(rows["lead_id"])).max().items():
                last[int(str(code))] = max(moment, last.get(int(str(code)), moment))
        fields = {str(row["account_id"]): pd.Timestamp(row["known_at"]) for row in self.looked_up}  # as they arrived
        found = []
        for code in map(int, codes):
            known = [last.get(code), fields.get(data.account_id_of(str(data.lead_ids[code])) or "")]
            latest = max((moment for moment in known if moment is not None), default=None)
            found.append(clock.scored_as_of(None if latest is None else latest.to_pydatetime(warn=False)))
        moments = pd.Series(found, dtype="datetime64[us]")
        now = clock.now()
        if not clock.real or now is None:
            return moments
        names = [str(name) for name in data.lead_ids[np.asarray(codes, dtype=np.int64)]]
        held = FrameRows(self.tables["stages"])
        return pd.Series(
            after_rest(held, names, micros(moments), micros_of(now), data.source.label).view("datetime64[us]")
        )


def gather_rows(
    session: Session, data: LeadData, codes: Sequence[int], posted: Mapping[str, pd.DataFrame] | None = None
) -> GatheredRows:
    """Rows of the leads at these rows of the data and of their accounts, posted ones last.

    ``posted`` are all rows of :func:`read_posted_rows`, where they were read already.
    """
    tables = data.tables_for(codes)
    if data.flat:
        return GatheredRows(tables, None)

    ids = tables["leads"]["lead_id"].astype("str")
    if posted is None:
        posted = read_posted_rows(session, ids.tolist(), data)
    else:
        posted = {name: rows[rows["lead_id"].isin(ids)] for name, rows in posted.items()}
    looked_up = read_looked_up(session, tables["leads"]["account_id"].dropna().astype("str").unique().tolist(), data)
    latest = max((row["known_at"] for row in looked_up), default=None)
    latest = max(filter(None, [latest, _latest(posted)]), default=None)
    held = drop_withdrawn(session, tables["activities"], ids.tolist())
    joined = append_rows({**tables, "activities": held}, posted)
    joined["accounts"] = add_looked_up(joined["accounts"], looked_up)
    before = len(joined["stages"])
    joined["stages"] = drop_undone(session, joined["stages"])
    edited = latest is not None or len(joined["stages"]) < before or len(held) < len(tables["activities"])
    return GatheredRows(joined, latest, edited, posted, looked_up)


def gather_all_rows(session: Session, data: LeadData) -> GatheredRows:
    """Rows of all leads, posted ones last."""
    posted = read_all_posted(session, data)
    latest = _latest(posted)
    held = drop_withdrawn(session, data.tables["activities"])
    joined = append_rows({**data.tables, "activities": held}, posted)
    joined["stages"] = drop_undone(session, joined["stages"])
    return GatheredRows(joined, latest, latest is not None)


@dataclass(frozen=True)
class PostedMark:
    """How far the tables of posted rows go: of each the last id, how many rows there are, and when the last came.

    Differs whenever something is posted or removed: SQLite gives the id of a last row that was removed out again.
    """

    last: tuple[int, ...]
    counts: tuple[int, ...]
    moments: tuple[datetime | None, ...]


_MARKED: Mapping[Any, Any] = {
    **{table: table.known_at for table in POSTED_TABLES.values()},
    Feedback: Feedback.written_at,
    WithdrawnActivity: WithdrawnActivity.written_at,
}


def count_posted(store: Store) -> PostedMark:
    """How far what was posted goes now."""
    found = []
    with store.reading() as session:
        for table, moment in _MARKED.items():
            count, last = session.execute(select(func.count(), func.max(table.id))).one()
            found.append((last or 0, count, session.scalar(select(moment).where(table.id == last))))
    return PostedMark(*zip(*found, strict=True))


def find_posted_since(session: Session, mark: PostedMark) -> set[str]:
    """Leads about which something was posted or said after a mark, or taken back."""
    found: set[str] = set()
    for (table, moment), last, then in zip(_MARKED.items(), mark.last, mark.moments, strict=True):
        newer = table.id > last if then is None else or_(table.id > last, moment > then)
        found |= set(session.scalars(select(table.lead_id).where(newer).distinct()))
    return found


def _latest(posted: Mapping[str, pd.DataFrame]) -> datetime | None:
    moments = [rows["known_at"].max() for rows in posted.values() if len(rows)]
    return max(moments).to_pydatetime(warn=False) if moments else None


def find_touched_leads(session: Session, data: LeadData) -> Ints:
    """Rows of the leads whose score the batch cannot know: of what was posted, looked up or undone since the ingest."""
    ids = set(session.scalars(select(StageRow.lead_id).where(~stands(StageRow))))
    ids |= set(session.scalars(select(WithdrawnActivity.lead_id).distinct()))
    for name, table in POSTED_TABLES.items():
        ids |= set(session.scalars(select(table.lead_id).where(data.posted.is_missing(name, table)).distinct()))
    missing = data.posted.is_missing(FieldRow.__tablename__, FieldRow)
    for account in session.scalars(select(FieldRow.account_id).where(missing).distinct()):
        ids |= set(data.leads_of_account(account))
    codes = data.codes(pd.Index(sorted(ids), dtype="str"))
    return codes[codes >= 0]


UndoneStages = frozenset[tuple[str, str, pd.Timestamp]]  # lead, stage, when it was entered


def find_undone_stages(session: Session) -> UndoneStages:
    """Stages that leads entered by verdicts that were taken back; the data may hold them still."""
    undone = select(StageRow.lead_id, StageRow.stage, StageRow.entered_at).where(~stands(StageRow))
    return frozenset((lead, stage, pd.Timestamp(at)) for lead, stage, at in session.execute(undone))


def drop_undone(session: Session, stages: pd.DataFrame) -> pd.DataFrame:
    """Stages without those entered by verdicts taken back since the data were ingested."""
    return without_stages(stages, find_undone_stages(session))


def without_stages(stages: pd.DataFrame, gone: UndoneStages) -> pd.DataFrame:
    """Stages without some."""
    if not gone or not len(stages):
        return stages
    at = pd.to_datetime(stages["entered_at"])
    keys = zip(stages["lead_id"].astype("str"), stages["stage"].astype("str"), at, strict=True)
    kept = [key not in gone for key in keys]
    return stages if all(kept) else stages[kept].reset_index(drop=True)


def drop_withdrawn(session: Session, activities: pd.DataFrame, lead_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Activities of the data without those that were posted, ingested and taken back since; of some leads, or of all
    (None). The row of one that no ingest took along went with its taking back: posted rows need no look.
    """
    gone: set[tuple[str, str, pd.Timestamp]] = set()
    asked = select(WithdrawnActivity.lead_id, WithdrawnActivity.kind, WithdrawnActivity.known_at)
    some = [asked] if lead_ids is None else []
    for first in range(0, len(lead_ids or ()), ASKED_AT_ONCE):
        some.append(asked.where(WithdrawnActivity.lead_id.in_(list(lead_ids or ())[first : first + ASKED_AT_ONCE])))
    for one in some:
        gone |= {(lead, kind, pd.Timestamp(at)) for lead, kind, at in session.execute(one)}
    if not gone or not len(activities):
        return activities
    rows = activities[activities["known_at"].isin({at for *_, at in gone}).to_numpy(dtype=bool)]
    keys = zip(rows["lead_id"].astype("str"), rows["kind"].astype("str"), pd.to_datetime(rows["known_at"]), strict=True)
    dropped = rows.index[[key in gone for key in keys]]
    return activities.drop(index=dropped).reset_index(drop=True) if len(dropped) else activities


def read_looked_up(session: Session, account_ids: Sequence[str], data: LeadData) -> list[dict[str, Any]]:
    """Values that were looked up of some accounts and are not in the data yet, in the order they arrived."""
    found = select(FieldRow).where(FieldRow.account_id.in_(list(account_ids)))
    found = found.where(data.posted.is_missing(FieldRow.__tablename__, FieldRow))
    return [_record(row) for row in session.scalars(found.order_by(FieldRow.id))]


def _record(row: Any) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


def append_rows(tables: Mapping[str, pd.DataFrame], posted: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with posted rows behind their own, in the columns and types of the table."""
    joined = dict(tables)
    for name, rows in posted.items():
        if len(rows):
            own = tables[name]
            new = rows.reindex(columns=own.columns).astype(own.dtypes)
            joined[name] = pd.concat([own, new], ignore_index=True) if len(own) else new
    return joined
