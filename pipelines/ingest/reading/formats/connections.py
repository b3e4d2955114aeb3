"""Connections that only read, each within one transaction whose first statement fixes what all others see."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from pipelines.ingest.errors import DatabaseError
from pipelines.ingest.reading.formats.database_address import Address

# PostgreSQL by itself shows each statement what was committed before it; other databases keep to their own default
_ISOLATION = {"postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}}


@contextmanager
def connect_server(address: Address) -> Iterator[Connection]:
    """A connection to the database of a URL.

    Raises
    ------
    DatabaseError
        if there is no driver for it.
    """
    try:
        engine = sa.create_engine(address.url)
    except (NoSuchModuleError, ModuleNotFoundError, ArgumentError, TypeError, ValueError) as problem:
        raise DatabaseError(
            f"no driver for {address.shown} is installed ({address.hide(problem)}). Install the one SQLAlchemy names; "
            "for PostgreSQL: pip install 'leadscore[postgres]'."
        ) from None
    with _connected(engine) as connection:
        yield connection


@contextmanager
def connect_sqlite(path: Path) -> Iterator[Connection]:
    """A connection to an SQLite file, which it cannot write."""
    with _connected(sa.create_engine(f"sqlite:///file:{quote(str(path.resolve()))}?mode=ro&uri=true")) as connection:
        yield connection


@contextmanager
def connect_duckdb(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads this file and no other: a view in it must not read files of this machine."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET enable_external_access = false")
        connection.execute("BEGIN TRANSACTION")
        yield connection


@contextmanager
def _connected(engine: sa.Engine) -> Iterator[Connection]:
    if engine.dialect.name == "sqlite":  # its driver begins transactions for changes only
        sa.event.listen(engine, "connect", _leave_transactions_to_us)
        sa.event.listen(engine, "begin", _begin)
    try:
        with engine.connect() as connection:
            yield connection.execution_options(**_ISOLATION.get(engine.dialect.name, {}))
    finally:
        engine.dispose()


def _leave_transactions_to_us(driver: DBAPIConnection, _record: Any) -> None:
    driver.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
