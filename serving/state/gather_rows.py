"""All rows that bear on a lead's score: the source's own, and what was posted to the server since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from features.assembly.looked_up_fields import add_looked_up
from serving.state.lead_data import LeadData
from serving.store.engine import Store
from serving.store.tables import ActivityRow, AnswerRow, Feedback, FieldRow, StageRow

POSTED_TABLES: Mapping[str, type[AnswerRow | ActivityRow | StageRow]] = {
    "answers": AnswerRow,
    "activities": ActivityRow,
    "stages": StageRow,
}


@dataclass(frozen=True)
class GatheredRows:
    """Canonical tables of some leads and their accounts.

    ``latest`` is the last known_at among the posted rows, ``edited`` whether anything posted changed the source's rows.
    """

    tables: dict[str, pd.DataFrame]
    latest: datetime | None
    edited: bool = False


def gather_rows(session: Session, data: LeadData, codes: Sequence[int]) -> GatheredRows:
    """Rows of the leads at these rows of the data and of their accounts, posted ones last."""
    tables = data.tables_for(codes)
    if data.flat:
        return GatheredRows(tables, None)

    posted = read_posted_rows(session, tables["leads"]["lead_id"].astype("str").tolist(), data)
    looked_up = read_looked_up(session, tables["leads"]["account_id"].dropna().astype("str").unique().tolist(), data)
    everything = [*looked_up, *(row for rows in posted.values() for row in rows)]
    latest = max((row["known_at"] for row in everything), default=None)
    joined = append_rows(tables, posted)
    joined["accounts"] = add_looked_up(joined["accounts"], looked_up)
    before = len(joined["stages"])
    joined["stages"] = drop_undone(session, joined["stages"])
    return GatheredRows(joined, latest, bool(everything) or len(joined["stages"]) < before)


def gather_all_rows(session: Session, data: LeadData) -> GatheredRows:
    """Rows of all leads, posted ones last."""
    posted = {
        name: [
            _record(row)
            for row in session.scalars(select(table).where(data.posted.is_missing(name, table), _stands(table)))
        ]
        for name, table in POSTED_TABLES.items()
    }
    latest = max((row["known_at"] for rows in posted.values() for row in rows), default=None)
    joined = append_rows(data.tables, posted)
    joined["stages"] = drop_undone(session, joined["stages"])
    return GatheredRows(joined, latest, latest is not None)


def count_posted(store: Store) -> tuple[int, ...]:
    """The last id of each table of posted rows: changes whenever something is posted."""
    with store.reading() as session:
        tables = (*POSTED_TABLES.values(), Feedback)
        return tuple(session.scalar(select(func.max(table.id))) or 0 for table in tables)


def read_posted_rows(session: Session, lead_ids: Sequence[str], data: LeadData) -> dict[str, list[dict[str, Any]]]:
    """Answers, activities and stages posted about some leads and not in the data yet, in the order they arrived."""
    posted: dict[str, list[dict[str, Any]]] = {}
    for name, table in POSTED_TABLES.items():
        found = select(table).where(
            table.lead_id.in_(list(lead_ids)), data.posted.is_missing(name, table), _stands(table)
        )
        posted[name] = [_record(row) for row in session.scalars(found.order_by(table.id))]
    return posted


def _stands(table: Any) -> ColumnElement[bool]:
    """Rows that nobody took back: a stage goes with the verdict that entered it."""
    if table is not StageRow:
        return true()
    undone = select(Feedback.undoes).where(Feedback.undoes.is_not(None))
    return StageRow.feedback_id.is_(None) | StageRow.feedback_id.not_in(undone)


def drop_undone(session: Session, stages: pd.DataFrame) -> pd.DataFrame:
    """Stages without those entered by verdicts taken back since the data were ingested."""
    undone = select(StageRow.lead_id, StageRow.stage, StageRow.entered_at).where(~_stands(StageRow))
    gone = {(lead, stage, pd.Timestamp(at)) for lead, stage, at in session.execute(undone)}
    if not gone or not len(stages):
        return stages
    at = pd.to_datetime(stages["entered_at"])
    keys = zip(stages["lead_id"].astype("str"), stages["stage"].astype("str"), at, strict=True)
    kept = [key not in gone for key in keys]
    return stages if all(kept) else stages[kept].reset_index(drop=True)


def read_looked_up(session: Session, account_ids: Sequence[str], data: LeadData) -> list[dict[str, Any]]:
    """Values that were looked up of some accounts and are not in the data yet, in the order they arrived."""
    found = select(FieldRow).where(FieldRow.account_id.in_(list(account_ids)))
    found = found.where(data.posted.is_missing(FieldRow.__tablename__, FieldRow))
    return [_record(row) for row in session.scalars(found.order_by(FieldRow.id))]


def _record(row: Any) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


def append_rows(
    tables: Mapping[str, pd.DataFrame], posted: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, pd.DataFrame]:
    """The tables with posted rows behind their own, in the columns and types of the table."""
    joined = dict(tables)
    for name, rows in posted.items():
        if rows:
            own = tables[name]
            new = pd.DataFrame([{k: v for k, v in row.items() if k in own.columns} for row in rows])
            new = new.reindex(columns=own.columns).astype(own.dtypes)
            joined[name] = pd.concat([own, new], ignore_index=True) if len(own) else new
    return joined
