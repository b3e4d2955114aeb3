"""All rows that bear on a lead's score: the source's own, and what was posted to the server since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from serving.state.lead_data import LeadData
from serving.store.tables import ActivityRow, AnswerRow

POSTED_TABLES: Mapping[str, type[AnswerRow | ActivityRow]] = {"answers": AnswerRow, "activities": ActivityRow}


@dataclass(frozen=True)
class GatheredRows:
    """Canonical tables of some leads and their accounts; ``latest`` is the last known_at among the posted rows."""

    tables: dict[str, pd.DataFrame]
    latest: datetime | None


def gather_rows(session: Session, data: LeadData, codes: Sequence[int]) -> GatheredRows:
    """Rows of the leads at these rows of the data and of their accounts, posted ones last."""
    tables = data.tables_for(codes)
    if data.flat:
        return GatheredRows(tables, None)

    posted = read_posted_rows(session, tables["leads"]["lead_id"].astype("str").tolist())
    latest = max((row["known_at"] for rows in posted.values() for row in rows), default=None)
    return GatheredRows(append_rows(tables, posted), latest)


def read_posted_rows(session: Session, lead_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Answers and activities posted about some leads, in the order they arrived."""
    posted: dict[str, list[dict[str, Any]]] = {}
    for name, table in POSTED_TABLES.items():
        rows = session.scalars(select(table).where(table.lead_id.in_(list(lead_ids))).order_by(table.id))
        posted[name] = [{c.name: getattr(row, c.name) for c in table.__table__.columns} for row in rows]
    return posted


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
