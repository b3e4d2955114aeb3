"""Rows of a database through SQLAlchemy: only the columns asked for, in batches, as an Arrow table."""

import datetime
import decimal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.types import NullType

from pipelines.ingest.errors import DatabaseError, list_names
from pipelines.ingest.reading.formats.arrow_frames import NUMBER_MARK, text_of_nested
from pipelines.ingest.reading.header_row import match_headers
from pipelines.ingest.reading.read_limits import ReadLimits, limits_of

BATCH_ROWS = 20_000  # held as Python objects at a time: some 50 MB of a wide table


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A table or query, and which of its rows and columns are wanted.

    Parameters
    ----------
    columns : wanted headers; empty means all
    since : only rows whose ``watermark`` is at least this text, or missing
    limit : at most so many rows
    most : what may be read at all; more is refused
    """

    table: str | None = None
    schema: str | None = None
    query: str | None = None
    columns: tuple[str, ...] = ()
    watermark: str | None = None
    since: str | None = None
    limit: int | None = None
    most: ReadLimits | None = None


@dataclass(frozen=True)
class Fetched:
    """Rows of a relation and the columns it has beside them."""

    rows: pa.Table
    not_read: tuple[str, ...]


def fetch_relation(connection: Connection, relation: Relation, *, what: str) -> Fetched:
    """Rows of a table or query, streamed in batches.

    Rows come in order of the watermark and the table's primary key, where it has them, so that the same table is the
    same input; a query comes in its own order.

    Raises
    ------
    DatabaseError
        if there is no such watermark.
    """
    origin = _origin(relation)
    names = _names(connection, origin)
    if relation.watermark is not None and relation.watermark not in names:
        raise DatabaseError(
            f"{what} has no column '{relation.watermark}', which 'watermark' names. It has: {list_names(names)}."
        )
    wanted = match_headers(relation.columns, names) if relation.columns else {name: name for name in names}
    picked = [name for name in names if name in set(wanted.values())]
    if relation.watermark is not None and relation.watermark not in picked:
        picked.append(relation.watermark)
    statement = _statement(connection, origin, picked or names, relation)
    most = relation.most or limits_of()
    most.check_shape(0, len(picked or names), what)
    rows = _stream(connection, statement, picked or names, lambda rows, size: _check(most, rows, size, names, what))
    return Fetched(rows, tuple(name for name in names if name not in (picked or names)))


def list_relations(connection: Connection) -> list[tuple[str | None, str]]:
    """Schema (None: the default one) and name of every table and view that a person made."""
    inspector = sa.inspect(connection)
    found: list[tuple[str | None, str]] = []
    default = inspector.default_schema_name
    hidden = {"information_schema", "pg_catalog", "sys", "mysql", "performance_schema"}
    schemas = inspector.get_schema_names() if default is not None else [None]
    for schema in sorted(set(schemas) - hidden, key=lambda name: (name != default, str(name))):
        shown = None if schema == default or connection.dialect.name == "sqlite" else schema
        names = [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]
        found += [(shown, name) for name in sorted(names)]
    return found


def _origin(relation: Relation) -> sa.FromClause:
    if relation.table is not None:
        return sa.table(relation.table, schema=relation.schema)
    query = (relation.query or "").strip().rstrip(";").replace(":", r"\:")  # a colon in a query is no parameter
    return sa.text(query).columns().subquery("asked")


def _names(connection: Connection, origin: sa.FromClause) -> list[str]:
    nothing: sa.Select[Any] = sa.select(sa.literal_column("*")).select_from(origin).where(sa.false())
    return list(connection.execute(nothing).keys())


def _statement(
    connection: Connection, origin: sa.FromClause, names: Sequence[str], relation: Relation
) -> sa.Select[Any]:
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in names]
    statement = sa.select(*columns).select_from(origin)
    order: list[sa.ColumnElement[Any]] = []
    if relation.watermark is not None:
        mark: sa.ColumnClause[Any] = sa.column(relation.watermark)
        order += [sa.case((mark.is_(None), 1), else_=0), mark]  # rows without a watermark last, in any database
        if relation.since is not None:
            # without a type the database reads the text as the column's own type
            statement = statement.where((mark >= sa.bindparam("since", relation.since, NullType())) | mark.is_(None))
    if relation.table is not None:
        key = sa.inspect(connection).get_pk_constraint(relation.table, schema=relation.schema)["constrained_columns"]
        order += [sa.column(name) for name in key if name != relation.watermark]
    if order:
        statement = statement.order_by(*order)
    return statement.limit(relation.limit) if relation.limit is not None else statement


def _check(most: ReadLimits, rows: int, size: int, names: Sequence[str], what: str) -> None:
    most.check_shape(rows, len(names), what)
    most.check_bytes(size, size, what)


def _stream(
    connection: Connection, statement: sa.Select[Any], names: Sequence[str], check: Callable[[int, int], None]
) -> pa.Table:
    parts: list[list[pa.Array]] = [[] for _ in names]
    marks: list[list[pa.Array]] = [[] for _ in names]
    rows, size = 0, 0
    for batch in _batches(connection, statement):
        for part, mark, values in zip(parts, marks, zip(*batch, strict=True), strict=True):
            part.append(_array(values))
            mark.append(_mark_numbers(values, part[-1].type))
            size += part[-1].nbytes
        rows += len(batch)
        check(rows, size)
    columns = [_unite(part) for part in parts]
    found = {NUMBER_MARK + name: pa.chunked_array(mark, pa.bool_()) for name, mark in zip(names, marks, strict=True)}
    texts = [pa.types.is_string(column.type) for column in columns]
    marked = {
        name: mark for (name, mark), text in zip(found.items(), texts, strict=True) if text and pc.any(mark).as_py()
    }
    return pa.table([*columns, *marked.values()], names=[*names, *marked])


def _batches(connection: Connection, statement: sa.Select[Any]) -> Iterator[Sequence[Any]]:
    options = {"stream_results": True, "max_row_buffer": BATCH_ROWS}
    with connection.execute(statement, execution_options=options) as result:
        yield from result.partitions(BATCH_ROWS)


def _array(values: Sequence[Any]) -> pa.Array:
    """Values of one batch: of one plain type as that type, all else as texts."""
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.nulls(len(values))
    if kinds in ({bool}, {int}, {float}, {str}):
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, OverflowError):  # a whole number of more than 64 bits
            return _texts(values)
    if kinds == {datetime.datetime}:
        zoned = {value.tzinfo is not None for value in values if value is not None}
        if len(zoned) == 1:
            return pa.array(values, pa.timestamp("us", tz="UTC" if zoned.pop() else None))
    return _texts(values)


def _mark_numbers(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Which values the database tells as numbers with decimals; a whole one has no sign as a text."""
    if pa.types.is_floating(kind) or (pa.types.is_string(kind) and {float, decimal.Decimal} & set(map(type, values))):
        return pa.array([isinstance(value, float | decimal.Decimal) for value in values], pa.bool_())
    return pa.array(np.zeros(len(values), dtype=np.bool_))


def _texts(values: Sequence[Any]) -> pa.Array:
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, decimal.Decimal) and value.is_finite():
        text = format(value, "f")
        return text.partition(".")[0] if not text.partition(".")[2].strip("0") else text
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes | memoryview):
        plain = bytes(value)
        try:
            return plain.decode("utf-8")
        except UnicodeDecodeError:
            return plain.hex()
    if isinstance(value, list | dict | tuple | set):
        return text_of_nested(list(value) if isinstance(value, tuple | set) else value)
    return str(value)


def _unite(parts: Sequence[pa.Array]) -> pa.ChunkedArray:
    """One column of the batches; texts where they are of several types."""
    kinds = {part.type for part in parts if not pa.types.is_null(part.type)}
    if not kinds:
        return pa.chunked_array([part.cast(pa.string()) for part in parts], pa.string())
    if len(kinds) == 1:
        kind = kinds.pop()
        return pa.chunked_array([part.cast(kind) for part in parts], kind)
    return pa.chunked_array([_as_text(part) for part in parts], pa.string())


def _as_text(part: pa.Array) -> pa.Array:
    text = part.cast(pa.string())
    return pc.replace_substring_regex(text, r"\.0+$", "") if pa.types.is_floating(part.type) else text
