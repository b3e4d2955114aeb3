"""What was posted about a record that was since merged into another lead: it is of the person, so it goes along.

A *do not contact* that stands stays under the old id, too: another server may still have the lead, and a merge may be
undone. It is one with the other for as long as both stand, or until the one that people see is taken back.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from serving.store.audit_trail import record_action
from serving.store.engine import Store, hold_lock
from serving.store.silenced_leads import SILENT, stands, still_stands
from serving.store.tables import ActivityRow, AnswerRow, Feedback, NoteRow, StageRow, WithdrawnActivity

MERGED = "feedback.merged"  # entry of the trail, by which all servers know whose rows went elsewhere
_SAID: tuple[Any, ...] = (Feedback, NoteRow, StageRow, AnswerRow, ActivityRow, WithdrawnActivity)
_LATE = 200  # numbers looked at again: on PostgreSQL a row may come to the store after one with a higher number
_LOCK = "feedback of merged leads"


@dataclass(frozen=True)
class _Looked:
    """How far a table was looked at: the last number, and which of the last ones there were."""

    last: int
    numbers: frozenset[int]


class MergeFollower:
    """Moves what was posted about merged leads to the leads they became, as ingest does in its own files.

    A verdict goes with the stage that it entered, or undoing it would undo half; *do not contact* must not end because
    somebody's two records became one. Of data that it has not seen yet it looks at all rows, then at those that came
    since.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lead_ids: pd.Index | None = None
        self._became: Mapping[str, str] | None = None
        self._looked: dict[str, _Looked] = {}
        self._lock = threading.Lock()

    def follow(self, lead_ids: pd.Index, read_merged: Callable[[], Mapping[str, str]]) -> dict[str, str]:
        """Move what was said since the last look; returns which lead's went where.

        Parameters
        ----------
        lead_ids : leads of the data by their own ids
        read_merged : merged leads and what they became; asked once for the same data, and only where something was
            said of a lead that is not there
        """
        with self._lock:
            if lead_ids is not self._lead_ids:
                self._lead_ids, self._became, self._looked = lead_ids, None, {}
            with self._store.reading() as session:
                said, looked = self._read_new(session)
                names = pd.Index(sorted(said), dtype="str")
                gone = [str(name) for name in names[lead_ids.get_indexer(names) < 0]]
                if gone and self._became is None:
                    self._became = read_merged()
                became = self._became or {}
                found = {lead: became[lead] for lead in gone if lead in became and became[lead] in lead_ids}
                found = {lead: now for lead, now in found.items() if _find_moving(session, lead, now)}
            if found:
                self._move(found)
            self._looked = looked
        return found

    def _read_new(self, session: Session) -> tuple[set[str], dict[str, _Looked]]:
        """Leads of which something was said since the last look, and how far this one went."""
        said: set[str] = set()
        looked: dict[str, _Looked] = {}
        for table in _SAID:
            before = self._looked.get(table.__tablename__)
            last = (session.scalar(select(func.max(table.id))) or 0) if before is None else before.last
            rows = session.execute(select(table.id, table.lead_id).where(table.id > last - _LATE)).all()
            seen = frozenset[int]() if before is None else before.numbers
            said |= {lead for number, lead in rows if number not in seen}
            if before is None:
                said |= set(session.scalars(select(table.lead_id).distinct()))
            numbers = frozenset(number for number, _ in rows)
            looked[table.__tablename__] = _Looked(max(last, *numbers, 0), numbers)
        return said, looked

    def _move(self, found: Mapping[str, str]) -> None:
        with self._store.writing() as session:
            hold_lock(session, _LOCK)  # servers that share a store may load at once
            for lead, now in found.items():
                rows = _find_moving(session, lead, now)
                said = [row for row in rows if isinstance(row, Feedback)]
                session.add_all([_copy(row) for row in said if row.verdict == SILENT and stands(session, row.id)])
                for row in rows:
                    row.lead_id = now
                if rows:
                    record_action(session, "leadscore", MERGED, now, {"merged": lead})


def take_back_copies(session: Session, withdrawal: Feedback, lead_ids: pd.Index) -> None:
    """With a *do not contact* take back what stayed of it under ids of leads that are not in the data any more."""
    said = session.get(Feedback, withdrawal.undoes)
    if said is None or said.verdict != SILENT:
        return
    copies = select(Feedback).where(*_same(said), Feedback.lead_id != said.lead_id, still_stands())
    for copy in session.scalars(copies).all():
        if copy.lead_id not in lead_ids:
            session.add(_copy(withdrawal, lead_id=copy.lead_id, undoes=copy.id))


def _find_moving(session: Session, lead: str, now: str) -> list[Any]:
    """Rows of a merged lead, but for a *do not contact* that stands under both ids, what took such a one back, and an
    activity that is on record of the other lead under the same id.
    """
    rows = [row for table in _SAID for row in session.scalars(select(table).where(table.lead_id == lead))]
    said = [row for row in rows if isinstance(row, Feedback)]
    stays = {row.id for row in said if row.verdict == SILENT and _is_under(session, row, now)}
    held = set(session.scalars(select(ActivityRow.activity_id).where(ActivityRow.lead_id == now)))

    def goes(row: Any) -> bool:
        if isinstance(row, ActivityRow):
            return row.activity_id not in held
        return not (isinstance(row, Feedback) and stays & {row.id, row.undoes})

    return [row for row in rows if goes(row)]


def _is_under(session: Session, row: Feedback, lead: str) -> bool:
    """Whether a *do not contact* is under the id of another lead as well, and holds there if it does here."""
    found = session.scalars(select(Feedback.id).where(*_same(row), Feedback.lead_id == lead)).all()
    return bool(found) and (not stands(session, row.id) or any(stands(session, number) for number in found))


def _same(row: Feedback) -> tuple[ColumnElement[bool], ...]:
    """Rows that say the same at the same microsecond: one that was said once, under several ids."""
    return Feedback.verdict == row.verdict, Feedback.author == row.author, Feedback.written_at == row.written_at


def _copy(row: Feedback, **changed: Any) -> Feedback:
    columns = [column.name for column in Feedback.__table__.columns if column.name != "id"]
    return Feedback(**{name: getattr(row, name) for name in columns} | changed)
