"""Texts of rows about others in which somebody may be named who is forgotten, hidden as they are written."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from pipelines.workspace.people.register import PeopleRegister
from serving.store.engine import Store
from serving.store.tables import ActivityRow, AnswerRow, Feedback, FieldRow, NoteRow

TEXTS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Feedback, ("note",)),
    (NoteRow, ("note",)),
    (AnswerRow, ("value", "channel")),
    (ActivityRow, ("asset", "channel")),
    (FieldRow, ("value", "channel")),
)


def hide_as_written(session: Session, register: PeopleRegister) -> None:
    """Whatever the session writes names nobody who is forgotten by then."""
    if register.has_forgotten:
        event.listen(session, "before_flush", lambda writing, *_: _hide_in_rows(writing, register))


def _hide_in_rows(session: Session, register: PeopleRegister) -> None:
    names_of = dict(TEXTS)
    for row in (*session.new, *session.dirty):
        for name in names_of.get(type(row), ()):
            said = getattr(row, name)
            hidden = _hide(said, name, register) if said else said
            if hidden != said:
                setattr(row, name, hidden)


def hide_everywhere(store: Store, register: PeopleRegister) -> int:
    """Hide what was written in the moment in which somebody was forgotten; in how many texts there was something."""
    with store.reading() as session:
        found = list(_find_named(session, register))
    if found:
        with store.writing() as session:
            for column, said, hidden in found:
                session.execute(update(column.class_).where(column == said).values({column: hidden}))
    return len(found)


def _find_named(session: Session, register: PeopleRegister) -> Iterator[tuple[Any, str, str]]:
    for table, names in TEXTS:
        for name in names:
            column = getattr(table, name)
            for said in session.scalars(select(column).where(column != "").distinct()):
                hidden = _hide(said, name, register)
                if hidden != said:
                    yield column, said, hidden


def _hide(said: str, name: str, register: PeopleRegister) -> str:
    """Numbers are looked for in notes alone: as an answer or a channel one is more likely to be an amount."""
    return register.hide_in_text(said, numbers=name == "note")
