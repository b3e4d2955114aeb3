"""Databases by URL, and SQLite and DuckDB files: a declared table or query as rows, whole or what is new of it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.schema.table_source import Database, Location
from pipelines.ingest.errors import DatabaseError, EmptyFileError, UnreadableFileError, list_names
from pipelines.ingest.reading.formats.arrow_frames import NUMBER_MARK, arrow_to_frame, rows_of_numbers
from pipelines.ingest.reading.formats.connections import connect_duckdb, connect_server, connect_sqlite
from pipelines.ingest.reading.formats.database_address import Address, resolve_address
from pipelines.ingest.reading.formats.database_files import DUCKDB
from pipelines.ingest.reading.formats.one_moment import OneMoment
from pipelines.ingest.reading.formats.sql_tables import BATCH_ROWS, Relation, fetch_relation, list_relations
from pipelines.ingest.reading.raw_table import RawTable, number_rows
from pipelines.ingest.reading.read_limits import ReadLimits, limits_of
from pipelines.workspace.atomic_files import write_bytes

_ISO_PARTS = r"^\d{4}-\d{2}-\d{2}(?P<sign>[T ]?).*?(?P<zone>[zZ]|[+-]\d{2}(?::?\d{2})?)?$"
_ISO = r"^\d{4}-\d{2}-\d{2}"  # texts of one such form lie in order of time by any collation
_COPIES = 2  # form of a kept copy: one of another is fetched anew
_STATE = b"leadscore"  # key of what a kept copy is a copy of, in its Parquet metadata


def read_database(
    database: Database,
    *,
    columns: Sequence[str] = (),
    kept: Path | None = None,
    limit: int | None = None,
    moment: OneMoment | None = None,
) -> RawTable:
    """Rows of a declared table or query.

    Parameters
    ----------
    columns : headers the declaration speaks of; only these are asked for (empty: all)
    kept : where a table with a watermark is kept between runs, so that only newer rows are asked for
    limit : at most so many rows
    moment : what holds the connection, so that several tables are read as of one moment

    Raises
    ------
    DatabaseError
        if the database does not answer, or refuses the table or query.
    EmptyFileError
        if there are no rows.
    """
    address = resolve_address(database.url)
    what = f"{database.table or 'the query'} of {address.shown}"
    relation = Relation(
        table=database.table,
        schema=database.schema_name,
        query=database.query,
        columns=tuple(columns),
        watermark=database.watermark,
        since=database.newer_than,
        limit=limit,
    )
    form: dict[str, Any] = {"format": "database", "database": address.shown, "table": database.table or "query"}
    incremental = kept is not None and database.watermark is not None and limit is None
    old = _read_kept(kept, database, columns) if incremental and kept is not None else None
    with _within(moment) as held, _told(address, what):
        connection = held.hold(address.url, lambda: connect_server(address))
        fetched = fetch_relation(connection, _since(relation, old), what=what)
        if old is not None and not _fits(old, fetched.rows):  # a column changed its type: no longer the same table
            old, fetched = None, fetch_relation(connection, relation, what=what)

    rows = fetched.rows
    _check_watermark(database.watermark, rows, old, what)
    if incremental and kept is not None and database.watermark is not None:
        form |= {"fetched": rows.num_rows}
        rows = _join(old, rows, database.watermark)
        if rows.num_rows:
            _keep(kept, rows, database, columns)
        form |= {"watermark": _newest(rows, database.watermark)}
    return _raw(rows, form, what, fetched.not_read)


def list_database(declared: str) -> list[tuple[str | None, str]]:
    """Schema (None: the default one) and name of each table and view."""
    address = resolve_address(declared)
    with _told(address, address.shown), connect_server(address) as connection:
        return list_relations(connection)


def read_database_file(
    path: Path, location: Location, *, what: str, columns: Sequence[str] = (), moment: OneMoment | None = None
) -> RawTable:
    """Rows of a table or query of an SQLite or DuckDB file, which is opened for reading only.

    ``moment`` holds the connection, so that several tables are read as of one moment.
    """
    with _within(moment) as held:
        return _read_file_within(held, path, location, what, columns)


def _read_file_within(held: OneMoment, path: Path, location: Location, what: str, columns: Sequence[str]) -> RawTable:
    names = list_file_tables(path, what=what, moment=held)
    table = location.table
    if location.query is None and table is None:
        if len(names) != 1:
            holds = f"{len(names)} tables: {list_names(names)}" if names else "no tables"
            raise UnreadableFileError(f"{what} holds {holds}. Name one as 'table:', or write a 'query:'.")
        table = names[0]
    if table is not None and table not in names:
        raise UnreadableFileError(f"{what} has no table '{table}'. It has: {list_names(names)}.")

    limits = limits_of(location)
    relation = Relation(table=table, query=location.query, columns=tuple(columns), most=limits)
    kind = "duckdb" if _is_duckdb(path) else "sqlite"
    form = {"format": kind, "table": table or "query"}
    if kind == "duckdb":
        with _told_duckdb(what):
            connection = held.hold(path, lambda: connect_duckdb(path))
            quoted = '"' + (table or "").replace('"', '""') + '"'
            origin = quoted if table is not None else f"({(location.query or '').strip().rstrip(';')})"
            asked = f"SELECT * FROM {origin}"  # noqa: S608  the declared query, or a quoted name
            return _raw(_fetch_within(connection, asked, limits, what), form, f"{form['table']} of {what}", ())
    with _told(_file_address(path, what), what):
        fetched = fetch_relation(held.hold(path, lambda: connect_sqlite(path)), relation, what=what)
    return _raw(fetched.rows, form, f"{form['table']} of {what}", fetched.not_read)


def _fetch_within(connection: duckdb.DuckDBPyConnection, asked: str, limits: ReadLimits, what: str) -> pa.Table:
    """All rows, or TooLargeError once there are more than there may be: a view can make any number of them."""
    reader = connection.execute(asked).to_arrow_reader(BATCH_ROWS)
    batches: list[pa.RecordBatch] = []
    rows, size = 0, 0
    for batch in reader:
        batches.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        limits.check_shape(rows, batch.num_columns, what)
        limits.check_bytes(size, size, what)
    return pa.Table.from_batches(batches, reader.schema)


def list_file_tables(path: Path, *, what: str, moment: OneMoment | None = None) -> list[str]:
    """Names of the tables and views of an SQLite or DuckDB file."""
    if _is_duckdb(path):
        with _within(moment) as held, _told_duckdb(what):
            connection = held.hold(path, lambda: connect_duckdb(path))
            asked = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' ORDER BY table_name"
            return [str(name) for (name,) in connection.execute(asked).fetchall()]
    with _within(moment) as held, _told(_file_address(path, what), what):
        return [name for _, name in list_relations(held.hold(path, lambda: connect_sqlite(path)))]


def _is_duckdb(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(12)[8:12] == DUCKDB


def _file_address(path: Path, what: str) -> Address:
    return Address(sa.URL.create("sqlite", database=str(path)), what, ())


@contextmanager
def _within(moment: OneMoment | None) -> Iterator[OneMoment]:
    """The moment that was begun, or one of our own."""
    if moment is not None:
        yield moment
        return
    with OneMoment() as own:
        yield own


@contextmanager
def _told_duckdb(what: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as problem:
        raise UnreadableFileError(
            f"{what} cannot be read: {_first_line(problem)}. Check the table or query."
        ) from problem


@contextmanager
def _told(address: Address, what: str) -> Iterator[None]:
    """Errors of the database as ours, without its secrets and without the chain that holds them."""
    problem: Exception | None = None
    try:
        yield
    except (SQLAlchemyError, OSError, OverflowError, ValueError) as caught:
        problem = caught
    if problem is not None:
        reason = address.hide(_first_line(getattr(problem, "orig", None) or problem))
        raise DatabaseError(f"{what} cannot be read: {reason}. Check the address, the name and what you may read.")


def _first_line(problem: object) -> str:
    return next(
        (line.strip().rstrip(".") for line in str(problem).splitlines() if line.strip()), type(problem).__name__
    )


def _raw(rows: pa.Table, form: dict[str, Any], what: str, not_read: Sequence[str]) -> RawTable:
    if not rows.num_rows:
        raise EmptyFileError(f"{what} has no rows. Check the table, the query and 'newer_than'.")
    return RawTable(
        frame=arrow_to_frame(rows),
        rows=number_rows(rows.num_rows),
        broken=(),
        form=form,
        not_read=tuple(not_read),
        numbers=rows_of_numbers(rows),
    )


def _copy_of(database: Database, columns: Sequence[str]) -> bytes:
    """What a kept copy is a copy of; with another declaration it is fetched anew. It names no secret."""
    return json.dumps([_COPIES, database.model_dump(mode="json"), sorted(columns)]).encode()


def _read_kept(kept: Path, database: Database, columns: Sequence[str]) -> pa.Table | None:
    try:
        table = pq.read_table(kept)
    except (OSError, pa.ArrowException):
        return None  # none yet, or damaged: fetched anew
    return table if (table.schema.metadata or {}).get(_STATE) == _copy_of(database, columns) else None


def _keep(kept: Path, rows: pa.Table, database: Database, columns: Sequence[str]) -> None:
    buffer = pa.BufferOutputStream()
    pq.write_table(rows.replace_schema_metadata({_STATE: _copy_of(database, columns)}), buffer)
    write_bytes(kept, buffer.getvalue().to_pybytes())


def _newest(rows: pa.Table, watermark: str | None) -> str | None:
    """The largest value of the watermark as a text that the database reads back as the same value."""
    value = pc.max(rows.column(watermark)).as_py() if watermark is not None else None
    return None if value is None else value.isoformat(sep=" ") if hasattr(value, "isoformat") else str(value)


def _since(relation: Relation, old: pa.Table | None) -> Relation:
    newest = _newest(old, relation.watermark) if old is not None else None
    return relation if newest is None else replace(relation, since=newest)


def _fits(old: pa.Table, new: pa.Table) -> bool:
    return not new.num_rows or _types(old) == _types(new)


def _types(table: pa.Table) -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in table.schema if not field.name.startswith(NUMBER_MARK)]


def _join(old: pa.Table | None, new: pa.Table, watermark: str) -> pa.Table:
    """Old rows and new ones; those at the old watermark were asked for again, as more may have come at that moment."""
    if old is None or not old.num_rows:
        return new
    if not new.num_rows:
        return old
    earlier = pc.less(old.column(watermark), pc.max(old.column(watermark)))
    return pa.concat_tables([old.filter(earlier), new], promote_options="default")  # marks may be in one of them only


def _check_watermark(watermark: str | None, rows: pa.Table, old: pa.Table | None, what: str) -> None:
    """A watermark must be a column whose largest value the database and we agree on."""
    if watermark is None or not pa.types.is_string(rows.column(watermark).type):
        return
    column = rows.column(watermark)
    if not pc.all(pc.match_substring_regex(column, _ISO), min_count=0).as_py():
        why = "holds texts, whose order depends on the database"
    elif not _has_one_form([column] if old is None else [column, old.column(watermark)]):
        why = "holds times with 'T' and with a blank, or with several offsets, whose order is not that of time"
    else:
        return
    raise DatabaseError(
        f"{what}: '{watermark}' {why}. A watermark is a time, a date or a whole number; name such a column, or leave "
        "'watermark' out."
    )


def _has_one_form(columns: Sequence[pa.ChunkedArray]) -> bool:
    """Whether all texts with a time of day have the same sign before it and the same offset, or none, behind it."""
    found: set[tuple[str, str]] = set()
    for column in columns:
        parts = pc.extract_regex(pc.unique(column.drop_null()), _ISO_PARTS)
        pairs = pa.table({name: pc.struct_field(parts, name) for name in ("sign", "zone")})
        kinds = pairs.group_by(["sign", "zone"]).aggregate([]).to_pylist()
        found |= {(kind["sign"] or "", kind["zone"] or "") for kind in kinds}
    return len({kind for kind in found if kind[0]}) <= 1
