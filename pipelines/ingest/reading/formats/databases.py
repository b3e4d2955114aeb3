"""Databases by URL, and SQLite and DuckDB files; secrets come from the environment and are never shown."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from features.schema.secrets import HIDDEN, hide_secrets, holds_secret
from features.schema.table_source import Database, Location
from pipelines.ingest.errors import DatabaseError, EmptyFileError, UnreadableFileError
from pipelines.ingest.reading.formats.arrow_frames import arrow_to_frame
from pipelines.ingest.reading.formats.database_files import DUCKDB
from pipelines.ingest.reading.formats.sql_tables import BATCH_ROWS, Fetched, Relation, fetch_relation, list_relations
from pipelines.ingest.reading.raw_table import RawTable, number_rows
from pipelines.ingest.reading.read_limits import ReadLimits, limits_of
from pipelines.workspace.atomic_files import write_bytes

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}  # the driver we are tested with
_ISO = r"^\d{4}-\d{2}-\d{2}"  # texts of one such form lie in order of time by any collation
_STATE = b"leadscore"  # key of what a kept copy is a copy of, in its Parquet metadata


@dataclass(frozen=True)
class Address:
    """A database's URL with its secrets filled in, and how to speak of it without them."""

    url: URL
    shown: str
    secrets: tuple[str, ...] = field(repr=False)

    def hide(self, text: object) -> str:
        """A message without any of the secrets."""
        found = str(text)
        for secret in self.secrets:
            found = found.replace(secret, HIDDEN)
        return hide_secrets(found)


def resolve_address(declared: str) -> Address:
    """The URL meant by ``${NAME}``, a NAME of the environment, or a URL.

    Raises
    ------
    DatabaseError
        if a variable is not set, the URL is none, or it holds a password in plain text.
    """
    if holds_secret(declared):
        raise DatabaseError(
            "the database's URL holds a password, which ends up in histories and logs. Put the URL into an environment "
            "variable, e.g. LEADSCORE_DB, and name that: '${LEADSCORE_DB}'."
        )
    names = [declared] if _NAME.fullmatch(declared) else _VARIABLE.findall(declared)
    unset = [name for name in names if not os.environ.get(name)]
    if unset:
        raise DatabaseError(
            f"the environment variable {', '.join(unset)} is not set; it names the database to read. Set it to a URL "
            "such as postgresql://user:password@host/name, and run again."
        )
    if _NAME.fullmatch(declared):
        declared = f"${{{declared}}}"

    whole = declared.startswith("${") and declared.endswith("}") and len(names) == 1
    filled = _VARIABLE.sub(
        lambda found: os.environ[found[1]] if whole else quote(os.environ[found[1]], safe=""), declared
    )
    try:
        url = make_url(filled)
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    except (ArgumentError, ValueError):
        raise DatabaseError(
            f"{'the URL in ' + names[0] if names else 'the database'} is not a URL such as "
            "postgresql://user:password@host/name or sqlite:///file.db. Correct it."
        ) from None

    secrets = {os.environ[name] for name in names}
    if url.password is not None:
        secrets |= {str(url.password), quote(str(url.password), safe=""), quote(str(url.password))}
    secrets |= {v for k, v in url.query.items() if isinstance(v, str) and holds_secret(f"?{k}={v}")}
    secrets |= {unquote(secret) for secret in secrets}
    shown = f"{url.get_backend_name()} database '{url.database or ''}'" + (f" on {url.host}" if url.host else "")
    return Address(url, hide_secrets(shown), tuple(sorted((s for s in secrets if s), key=len, reverse=True)))


def read_database(
    database: Database, *, columns: Sequence[str] = (), kept: Path | None = None, limit: int | None = None
) -> RawTable:
    """Rows of a declared table or query.

    Parameters
    ----------
    columns : headers the declaration speaks of; only these are asked for (empty: all)
    kept : where a table with a watermark is kept between runs, so that only newer rows are asked for
    limit : at most so many rows

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
    with _connected(address) as engine, _told(address, what):
        fetched = fetch_relation(engine, _since(relation, old), what=what)
        if old is not None and not _fits(old, fetched.rows):  # a column changed its type: no longer the same table
            old, fetched = None, fetch_relation(engine, relation, what=what)

    rows = fetched.rows
    _check_watermark(database.watermark, fetched, what)
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
    with _connected(address) as engine, _told(address, address.shown):
        return list_relations(engine)


def read_database_file(path: Path, location: Location, *, what: str, columns: Sequence[str] = ()) -> RawTable:
    """Rows of a table or query of an SQLite or DuckDB file, which is opened for reading only."""
    names = list_file_tables(path, what=what)
    table = location.table
    if location.query is None and table is None:
        if len(names) != 1:
            holds = f"{len(names)} tables: {', '.join(names)}" if names else "no tables"
            raise UnreadableFileError(f"{what} holds {holds}. Name one as 'table:', or write a 'query:'.")
        table = names[0]
    if table is not None and table not in names:
        raise UnreadableFileError(f"{what} has no table '{table}'. It has: {', '.join(names)}.")

    limits = limits_of(location)
    relation = Relation(table=table, query=location.query, columns=tuple(columns), most=limits)
    kind = "duckdb" if _is_duckdb(path) else "sqlite"
    form = {"format": kind, "table": table or "query"}
    if kind == "duckdb":
        with _duckdb(path, what) as connection:
            quoted = '"' + (table or "").replace('"', '""') + '"'
            origin = quoted if table is not None else f"({(location.query or '').strip().rstrip(';')})"
            asked = f"SELECT * FROM {origin}"  # noqa: S608  the declared query, or a quoted name
            return _raw(_fetch_within(connection, asked, limits, what), form, f"{form['table']} of {what}", ())
    with _sqlite(path) as engine, _told(Address(engine.url, what, ()), what):
        fetched = fetch_relation(engine, relation, what=what)
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


def list_file_tables(path: Path, *, what: str) -> list[str]:
    """Names of the tables and views of an SQLite or DuckDB file."""
    if _is_duckdb(path):
        with _duckdb(path, what) as connection:
            asked = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' ORDER BY table_name"
            return [str(name) for (name,) in connection.execute(asked).fetchall()]
    with _sqlite(path) as engine, _told(Address(engine.url, what, ()), what):
        return [name for _, name in list_relations(engine)]


def _is_duckdb(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(12)[8:12] == DUCKDB


@contextmanager
def _duckdb(path: Path, what: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads this file and no other: a view in it must not read files of this machine."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("SET enable_external_access = false")
            yield connection
    except duckdb.Error as problem:
        raise UnreadableFileError(
            f"{what} cannot be read: {_first_line(problem)}. Check the table or query."
        ) from problem


@contextmanager
def _sqlite(path: Path) -> Iterator[Engine]:
    engine = sa.create_engine(f"sqlite:///file:{quote(str(path.resolve()))}?mode=ro&uri=true")
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _connected(address: Address) -> Iterator[Engine]:
    try:
        engine = sa.create_engine(address.url)
    except (NoSuchModuleError, ModuleNotFoundError, ArgumentError, TypeError, ValueError) as problem:
        raise DatabaseError(
            f"no driver for {address.shown} is installed ({address.hide(problem)}). Install the one SQLAlchemy names; "
            "for PostgreSQL: pip install 'leadscore[postgres]'."
        ) from None
    try:
        yield engine
    finally:
        engine.dispose()


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
    )


def _copy_of(database: Database, columns: Sequence[str]) -> bytes:
    """What a kept copy is a copy of; with another declaration it is fetched anew. It names no secret."""
    return json.dumps([database.model_dump(mode="json"), sorted(columns)]).encode()


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
    return not new.num_rows or (old.schema.names, old.schema.types) == (new.schema.names, new.schema.types)


def _join(old: pa.Table | None, new: pa.Table, watermark: str) -> pa.Table:
    """Old rows and new ones; those at the old watermark were asked for again, as more may have come at that moment."""
    if old is None or not old.num_rows:
        return new
    if not new.num_rows:
        return old
    earlier = pc.less(old.column(watermark), pc.max(old.column(watermark)))
    return pa.concat_tables([old.filter(earlier), new])


def _check_watermark(watermark: str | None, fetched: Fetched, what: str) -> None:
    """A watermark must be a column whose largest value the database and we agree on."""
    if watermark is None:
        return
    column = fetched.rows.column(watermark)
    if pa.types.is_string(column.type) and not pc.all(pc.match_substring_regex(column, _ISO), min_count=0).as_py():
        raise DatabaseError(
            f"{what}: '{watermark}' holds texts, whose order depends on the database. A watermark is a time, a date or "
            "a whole number; name such a column, or leave 'watermark' out."
        )
