"""Rows posted to the server and not in the data yet, as tables; those of all leads are read from the store once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, DateTime, Select, String, and_, func, select, true, type_coerce
from sqlalchemy.orm import Session

from serving.state.lead_data import KeptPosted, LeadData
from serving.store.damaged_rows import sound_rows
from serving.store.silenced_leads import taken_back
from serving.store.tables import ActivityRow, AnswerRow, StageRow

POSTED_TABLES: Mapping[str, type[AnswerRow | ActivityRow | StageRow]] = {
    "answers": AnswerRow,
    "activities": ActivityRow,
    "stages": StageRow,
}
ASKED_AT_ONCE = 10_000  # ids of one query: a third of what SQLite takes


def read_posted_rows(session: Session, lead_ids: Sequence[str], data: LeadData) -> dict[str, pd.DataFrame]:
    """Answers, activities and stages posted about some leads and not in the data yet, in the order they came."""
    posted = {}
    for name, table in POSTED_TABLES.items():
        blocks = [lead_ids[k : k + ASKED_AT_ONCE] for k in range(0, len(lead_ids), ASKED_AT_ONCE)]
        asked = _select(session, name, data)
        posted[name] = _frame_of(session, [asked.where(table.lead_id.in_(block)) for block in blocks], name, data)
    return posted


def read_all_posted(session: Session, data: LeadData) -> dict[str, pd.DataFrame]:
    """The same of all leads. What was read before is kept with the data, and only newer rows are read.

    Rows are added and removed, and changed only where they go to another lead (``moved`` of the data): as many as
    before up to the last id, with the same sum of ids and the same last moment, are the same ones.
    """
    return {name: _read_newer(session, name, data) for name in POSTED_TABLES}


def _read_newer(session: Session, name: str, data: LeadData) -> pd.DataFrame:
    table = POSTED_TABLES[name]
    if table is StageRow:  # few, and a verdict taken back is put in force again
        return _frame_of(session, [_select(session, name, data)], name, data)

    def mark(*among: ColumnElement[bool]) -> tuple[int, int, datetime]:
        """How many rows there are among some, which, and when the last became known: an id may come again."""
        asked = select(func.count(), func.coalesce(func.sum(table.id), 0), func.max(table.known_at))
        count, ids, known = session.execute(asked.where(data.posted.is_missing(name, table), *among)).one()
        return int(count), int(ids), known or datetime.min

    moved, newest = data.moved, session.scalar(select(func.max(table.id))) or 0
    kept = data.kept_posted.get(name)
    if kept is not None and (kept.moved != moved or mark(table.id <= kept.last) != kept.mark):
        kept = None
    among = table.id <= newest if kept is None else and_(table.id > kept.last, table.id <= newest)
    found = mark(among)  # before they are read: what goes or comes meanwhile is seen by the next look
    frame = _frame_of(session, [_select(session, name, data).where(among)], name, data)
    if kept is not None:
        (count, ids, known), (before, ids_before, known_before) = found, kept.mark
        found = before + count, ids_before + ids, max(known_before, known)
        if len(kept.rows):
            frame = pd.concat([kept.rows, frame], ignore_index=True) if len(frame) else kept.rows
    data.kept_posted[name] = KeptPosted(newest, found, frame, moved)
    return frame


def _select(session: Session, name: str, data: LeadData) -> Select[Any]:
    """Moments as the database hands them out: texts of SQLite become times column by column, not one by one."""
    table = POSTED_TABLES[name]
    read = [
        type_coerce(table.__table__.c[column], String) if kind == "DATETIME" else table.__table__.c[column]
        for column, kind in _columns(name, data)
    ]
    wanted = (data.posted.is_missing(name, table), stands(table), *sound_rows(session, table))
    return select(*read).where(*wanted).order_by(table.id)


def _columns(name: str, data: LeadData) -> tuple[tuple[str, str], ...]:
    """Name and kind of the columns that the data's table has, too."""
    wanted = {*data.tables[name], "lead_id", "known_at"}
    columns = [column for column in POSTED_TABLES[name].__table__.columns if column.name in wanted]
    return tuple((column.name, "DATETIME" if isinstance(column.type, DateTime) else "") for column in columns)


def _frame_of(session: Session, asked: Sequence[Select[Any]], name: str, data: LeadData) -> pd.DataFrame:
    connection = session.connection()  # no objects are made: the session would go through the rows one by one
    rows = [row for one in asked for row in connection.execute(one).all()]
    columns = _columns(name, data)
    if not rows:
        return _empty_frame(columns)
    values: dict[str, Any] = dict(zip((column for column, _ in columns), zip(*rows, strict=True), strict=True))
    for column, kind in columns:
        if kind == "DATETIME":
            values[column] = pd.to_datetime(pd.Series(values[column]), format="ISO8601").astype("datetime64[us]")
    own = data.tables[name].dtypes
    return pd.DataFrame(values).astype({column: own[column] for column in values if column in own})


@cache
def _empty_frame(columns: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    """No rows of a table: of most leads nothing is posted, and making a frame takes a millisecond."""
    return pd.DataFrame(
        {name: pd.Series([], dtype="datetime64[us]" if kind == "DATETIME" else "object") for name, kind in columns}
    )


def stands(table: Any) -> ColumnElement[bool]:
    """Rows that nobody took back: a stage goes with the verdict that entered it."""
    if table is not StageRow:
        return true()
    return StageRow.feedback_id.is_(None) | StageRow.feedback_id.not_in(taken_back())
