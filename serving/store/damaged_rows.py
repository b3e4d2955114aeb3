"""Rows that leadscore never writes: changed by hand, a JSON that is none, a text for a number or in no UTF-8, an
unknown verdict.

SQLite keeps any value in any column, and SQLAlchemy fails over the whole answer when it reads such a row. So damaged
rows are looked for, logged and counted, and left out of whatever is read; nothing of them is changed or removed.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Any, get_args

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Text,
    and_,
    cast,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from serving.logs import logger
from serving.schemas import Actor, FeedbackVerdict
from serving.store.tables import ActivityRow, Base, Feedback

WHOLE = "damaged_too"  # in the options of a statement: it wants every row
_NOTED = "damaged_rows"  # in the notes of a session: those of its store
_PART = 1 / 200  # of the time spent looking, at most, however large the store is
_PART_AFTER_FAILURE = 1 / 10
_AT_ONCE = 400  # keys of a condition: SQLite nests no more than a thousand
MOST_AT_START = 20_000  # rows of a table that a start looks through; larger ones are looked through beside requests
_CLOSED: Mapping[Any, tuple[str, ...]] = {
    Feedback.__table__.c.verdict: get_args(FeedbackVerdict),
    ActivityRow.__table__.c.actor: get_args(Actor),
}

_JSON = (dict, list)
_NOT_ASCII = "GLOB '*[^' || char(1) || '-' || char(127) || ']*'"

Key = tuple[Any, ...]


class BrokenText(bytes):
    """A text of SQLite that is not UTF-8, as its bytes."""


@contextmanager
def reading_any_text(connection: Connection) -> Iterator[None]:
    """Let a connection to SQLite read texts that are not UTF-8 as :class:`BrokenText`, where it would fail."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        yield
        return
    driver.text_factory = _read_text
    try:
        yield
    finally:
        driver.text_factory = str  # many times as fast, and what every other read wants


def _read_text(content: bytes) -> str | BrokenText:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return BrokenText(content)


class DamagedRows:
    """The damaged rows of one store that are known."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._found: Mapping[str, frozenset[Key]] = MappingProxyType({})
        self._criteria: tuple[Any, ...] = ()
        self.changes = 0  # how often other rows were left out than before
        self._one = threading.Lock()
        self._ended, self._took = float("-inf"), 0.0

    @property
    def counts(self) -> dict[str, int]:
        """How many there are, by table."""
        return {table: len(keys) for table, keys in sorted(self._found.items())}

    def describe(self) -> str:
        """What is wrong with the store, in a sentence; empty if nothing is."""
        if not self._found:
            return ""
        told = ", ".join(f"{count:,} in {table}" for table, count in self.counts.items())
        return (
            f"The store holds rows that leadscore never writes ({told}): they were changed by other means and are left "
            "out of what is shown. The log names each; mend or remove them, or bring the store back from a backup."
        )

    def look_in_turn(self, *, failed: bool = False) -> bool:
        """:meth:`look`, unless that was done a moment ago: large stores are looked through for a part of the time.

        ``failed``: something could not be read, so that looking is worth more of it.
        """
        pause = self._took / (_PART_AFTER_FAILURE if failed else _PART)
        return time.monotonic() - self._ended >= pause and self.look()

    def look(self, most: int | None = None) -> bool:
        """Look through the store, but for tables of over ``most`` rows; whether more is left out than before."""
        with self._one:
            started = time.monotonic()
            try:
                return self._take(dict(_find_damaged(self._engine, most)))
            except SQLAlchemyError:  # the store is away, which others say
                return False
            finally:
                self._ended = time.monotonic()
                self._took = 0.0 if most is not None else self._ended - started

    def _take(self, found: dict[str, frozenset[Key]]) -> bool:
        before, more = self._found, False
        for table, keys in found.items():
            for key in sorted(keys - before.get(table, frozenset()), key=str):
                more = True
                # where ids are numbers they name the row; others may name a person, and are found by /healthz's counts
                shown = [part if isinstance(part, int) else "..." for part in key]
                logger().error("damaged row left out", table=table, key=shown)
        if found != before:
            tables = [mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__tablename__ in found]
            self._criteria = tuple(
                with_loader_criteria(table, is_sound(table.__table__, found[table.__tablename__])) for table in tables
            )
            self._found = MappingProxyType(found)
            self.changes += 1
        return more

    def sound(self, table: Any) -> list[ColumnElement[bool]]:
        """Conditions for a statement of columns alone, which no session knows the table of."""
        keys = self._found.get(table.__tablename__)
        return [] if keys is None else [is_sound(table.__table__, keys)]

    @property
    def criteria(self) -> tuple[Any, ...]:
        """Options of a statement by which they are left out."""
        return self._criteria


def follow(session: Session, rows: DamagedRows) -> None:
    """Let a session leave out what is damaged."""
    session.info[_NOTED] = rows


def leave_out_damaged(state: ORMExecuteState) -> None:
    """Add the conditions to what a session asks for; for SQLAlchemy's event of that."""
    rows = state.session.info.get(_NOTED)
    if isinstance(rows, DamagedRows) and rows.criteria and state.is_select and not state.execution_options.get(WHOLE):
        state.statement = state.statement.options(*rows.criteria)


def sound_rows(session: Session, table: Any) -> list[ColumnElement[bool]]:
    """Conditions under which a session's statement of a table's columns leaves out what is damaged."""
    rows = session.info.get(_NOTED)
    return rows.sound(table) if isinstance(rows, DamagedRows) else []


def is_sound(table: Any, keys: frozenset[Key]) -> ColumnElement[bool]:
    """Whether a row is none of those."""
    columns, listed = list(table.primary_key.columns), sorted(keys, key=str)
    if len(columns) == 1:
        parts = [listed[k : k + _AT_ONCE] for k in range(0, len(listed), _AT_ONCE)]
        return and_(*(columns[0].not_in([_as_stored(key[0]) for key in part]) for part in parts))
    ones = [and_(*(c == _as_stored(value) for c, value in zip(columns, key, strict=True))) for key in listed]
    return and_(*(not_(or_(*ones[k : k + _AT_ONCE])) for k in range(0, len(ones), _AT_ONCE)))


def _as_stored(value: Any) -> Any:
    return cast(literal(bytes(value), LargeBinary), Text) if isinstance(value, BrokenText) else value


def _find_damaged(engine: Engine, most: int | None) -> Iterator[tuple[str, frozenset[Key]]]:
    """The primary keys of damaged rows by table; tables with more rows than ``most`` are passed over."""
    with engine.connect() as connection, reading_any_text(connection):
        for mapper in sorted(Base.registry.mappers, key=lambda one: str(one.class_.__tablename__)):
            table: Any = mapper.local_table
            columns = list(table.columns)
            kinds = [_kind_of(mapper.class_, column) for column in columns]
            suspect = _suspect_in_sqlite if engine.dialect.name == "sqlite" else _suspect_word
            conditions = [*map(suspect, columns, kinds)]
            if most is None and engine.dialect.name == "sqlite":  # ten times as long as the rest: not for a start
                conditions += [f'"{c.name}" {_NOT_ASCII}' for c, k in zip(columns, kinds, strict=True) if k in _JSON]
            asked = " OR ".join(filter(None, conditions))
            if not asked or (most is not None and _has_over(connection, table, most)):
                continue
            names = ", ".join(f'"{column.name}"' for column in columns)
            # as the file has them: the types of the columns would fail over what is looked for
            sql = f'SELECT {names} FROM "{table.name}" WHERE {asked}'  # noqa: S608  names and words of our own
            rows = connection.exec_driver_sql(sql).all()
            keys = [columns.index(column) for column in table.primary_key.columns]
            check = _is_damaged if engine.dialect.name == "sqlite" else _is_unknown_word
            wrong = [row for row in rows if any(map(check, columns, kinds, row))]
            if wrong:
                yield table.name, frozenset(tuple(row[k] for k in keys) for row in wrong)


def _has_over(connection: Connection, table: Any, most: int) -> bool:
    """Whether a table has more rows than ``most``, without counting them all, which PostgreSQL reads the table for."""
    return connection.execute(select(literal(1)).select_from(table).offset(most).limit(1)).first() is not None


def _kind_of(table: type[Any], column: Any) -> type:
    """What a column's values are once they are read."""
    if isinstance(column.type, JSON):
        return list if "list[" in str(table.__annotations__[column.key]) else dict
    kind: type = column.type.python_type
    return kind


def _suspect_in_sqlite(column: Any, kind: type) -> str:
    """Which values may be damaged, told by SQLite alone, which a store of many rows is looked through by."""
    name = f'"{column.name}"'
    if kind in _JSON:
        known = f"'{'object' if kind is dict else 'array'}'" + (", 'null'" if column.nullable else "")
        return f"CASE WHEN json_valid({name}) THEN json_type({name}) NOT IN ({known}) ELSE {name} IS NOT NULL END"
    if kind is datetime:
        day = f"date(julianday({name})) IS NOT substr({name}, 1, 10)"
        return f"({name} IS NOT NULL AND ({day} OR length({name}) NOT IN (19, 26)))"
    if kind is bool:
        return f"{name} NOT IN (0, 1)"
    stored = {int: "'integer'", float: "'real', 'integer'", bytes: "'blob'"}.get(kind, "'text'")
    wrong = f"typeof({name}) NOT IN ({stored}, 'null')"
    coded = f"{name} {_NOT_ASCII}" if kind is str else ""  # whether it is UTF-8 is for Python to say
    return " OR ".join(filter(None, (wrong, coded, _suspect_word(column, kind))))


def _suspect_word(column: Any, _: type) -> str:
    words = _CLOSED.get(column)
    return "" if words is None else f'"{column.name}" NOT IN ({", ".join(map(repr, words))})'


def _is_damaged(column: Any, kind: type, value: Any) -> bool:
    """Whether a value as the file has it is none that its column holds."""
    if value is None:
        return not column.nullable
    try:
        if kind in _JSON:
            read = json.loads(value)
            return not (isinstance(read, kind) or (read is None and column.nullable))
        if kind is datetime:
            return datetime.fromisoformat(value).tzinfo is not None
    except (ValueError, TypeError):
        return True
    if kind is bool:
        return value not in (0, 1)
    return not isinstance(value, (int, float) if kind is float else kind) or _is_unknown_word(column, kind, value)


def _is_unknown_word(column: Any, _: type, value: Any) -> bool:
    return column in _CLOSED and value not in _CLOSED[column]
