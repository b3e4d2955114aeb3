"""Texts of rows about others in which somebody may be named who is forgotten, hidden as they are written.

Values that are declared, or numbers where numbers are asked for, name nobody and stay.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from features.kernel.column_reader import number_of
from features.schema.columns import Column
from features.schema.evidence import ActivityKind, Question
from features.schema.source import Source
from features.schema.vocabulary import ColumnType
from pipelines.workspace.people.register import PeopleRegister
from serving.store.damaged_rows import reading_any_text
from serving.store.engine import Store
from serving.store.tables import ActivityRow, AnswerRow, Feedback, FieldRow, NoteRow

TEXTS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Feedback, ("note",)),
    (NoteRow, ("note",)),
    (AnswerRow, ("value", "channel")),
    (ActivityRow, ("asset", "channel", "kind")),
    (FieldRow, ("value", "channel")),
)
_DECLARED = ("value", "kind")  # columns of which a source declares what may stand there
Declared = Mapping[Any, tuple[Any, Mapping[str, Any]]]  # by table: the column that says what a value is of, and those


def declared_values(source: Source | None) -> Declared:
    """What is declared of the values of answers and looked-up fields, and which kinds of activities."""
    if source is None:
        return {}
    fields = source.tables["accounts"].columns if "accounts" in source.tables else {}
    return {
        AnswerRow: (AnswerRow.question, source.questions),
        FieldRow: (FieldRow.field, fields),
        ActivityRow: (ActivityRow.kind, source.activity_kinds),
    }


def is_declared_value(declared: Column | Question | ActivityKind | None, said: str) -> bool:
    """Whether a value is one of those declared, or a number where numbers are asked for: it names nobody."""
    if declared is None or isinstance(declared, ActivityKind):
        return declared is not None
    if declared.type in (ColumnType.NUMBER, ColumnType.BOOLEAN) and math.isfinite(number_of(said)):
        return True
    return said in (*declared.values, *(declared.met if isinstance(declared, Question) else declared.map.values()))


def hide_as_written(session: Session, register: PeopleRegister, source: Source) -> None:
    """Whatever the session writes names nobody who is forgotten by then."""
    if register.has_forgotten:
        declared = declared_values(source)
        event.listen(session, "before_flush", lambda writing, *_: _hide_in_rows(writing, register, declared))


def _hide_in_rows(session: Session, register: PeopleRegister, declared: Declared) -> None:
    names_of = dict(TEXTS)
    for row in (*session.new, *session.dirty):
        for name in names_of.get(type(row), ()):
            said = getattr(row, name)
            of, known = declared.get(type(row), (None, {})) if name in _DECLARED else (None, {})
            if not said or (of is not None and is_declared_value(known.get(getattr(row, of.key)), said)):
                continue
            hidden = register.hide_in_text(said, numbers=True)
            if hidden != said:
                setattr(row, name, hidden)


def hide_everywhere(store: Store, register: PeopleRegister, source: Source | None) -> int:
    """Hide what was written in the moment in which somebody was forgotten; in how many texts there was something."""
    with store.reading(whole=True) as session, reading_any_text(session.connection()):
        found = list(_find_named(session, register, declared_values(source)))
    if found:
        with store.writing() as session:
            for statement in found:
                session.execute(statement)
    return len(found)


def _find_named(session: Session, register: PeopleRegister, declared: Declared) -> Iterator[Any]:
    """The statements that hide them."""
    for table, names in TEXTS:
        for column in (getattr(table, name) for name in names):
            of, known = declared.get(table, (None, {})) if column.key in _DECLARED else (None, {})
            keys = [column] if of is None else [of, column]
            for *asked, said in session.execute(select(*keys).where(column != "").distinct()).all():
                if not isinstance(said, str) or any(is_declared_value(known.get(name), said) for name in asked):
                    continue  # bytes, which SQLite lets in, are no text
                hidden = register.hide_in_text(said, numbers=True)
                if hidden != said:
                    same = [key == value for key, value in zip(keys, (*asked, said), strict=True)]
                    yield update(table).where(*same).values({column: hidden})
