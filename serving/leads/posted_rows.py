"""Rows posted to the server, as a file to import into the CRM, so that the next training knows them too."""

import io
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from sqlalchemy import select

from serving.http.shown_leads import note_shown
from serving.store.engine import Store
from serving.store.tables import ActivityRow, AnswerRow, Feedback, NoteRow

Table = Literal["answers", "activities", "feedback", "notes"]
_TABLES: dict[Table, Any] = {"answers": AnswerRow, "activities": ActivityRow, "feedback": Feedback, "notes": NoteRow}
LIMIT = 100_000  # rows of one file, which is built in memory


@dataclass(frozen=True)
class PostedFile:
    """A Parquet file, how many rows it holds, the id of the last one, to continue from, and whether there are more."""

    content: bytes
    rows: int
    last_id: int
    more: bool


def export_posted_rows(store: Store, table: Table, after: int) -> PostedFile:
    """The rows after an id, oldest first.

    Answers and activities carry the names of the canonical tables (docs/sources.md); timestamps are UTC.
    """
    kind = _TABLES[table]
    names = [column.name for column in kind.__table__.columns]
    with store.reading() as session:
        found = session.scalars(select(kind).where(kind.id > after).order_by(kind.id).limit(LIMIT + 1))
        rows = [{name: getattr(row, name) for name in names} for row in found]
    more, rows = len(rows) > LIMIT, rows[:LIMIT]
    for row in rows:
        note_shown(row["lead_id"])

    frame = pd.DataFrame(rows, columns=names)
    for column in kind.__table__.columns:
        if str(column.type) == "DATETIME":
            frame[column.name] = pd.to_datetime(frame[column.name]).astype("datetime64[us]")

    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return PostedFile(buffer.getvalue(), len(rows), max([after, *(row["id"] for row in rows)]), more)
