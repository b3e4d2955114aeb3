"""Rows posted to the server, as a file to import into the CRM, so that the next training knows them too."""

import io
from typing import Any, Literal

import pandas as pd
from sqlalchemy import select

from serving.store.engine import Store
from serving.store.tables import ActivityRow, AnswerRow, Feedback

Table = Literal["answers", "activities", "feedback"]
_TABLES: dict[Table, Any] = {"answers": AnswerRow, "activities": ActivityRow, "feedback": Feedback}
LIMIT = 100_000  # rows of one file, which is built in memory


def export_posted_rows(store: Store, table: Table, after: int) -> tuple[bytes, int, int]:
    """A Parquet file of the rows behind an id, oldest first, how many there are, and the id to go on from.

    Answers and activities carry the names of the canonical tables (docs/sources.md), moments are UTC.
    """
    kind = _TABLES[table]
    names = [column.name for column in kind.__table__.columns]
    with store.reading() as session:
        found = session.scalars(select(kind).where(kind.id > after).order_by(kind.id).limit(LIMIT))
        rows = [{name: getattr(row, name) for name in names} for row in found]
    frame = pd.DataFrame(rows, columns=names)
    for column in kind.__table__.columns:
        if str(column.type) == "DATETIME":
            frame[column.name] = pd.to_datetime(frame[column.name]).astype("datetime64[us]")
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue(), len(rows), max([after, *(row["id"] for row in rows)])
