"""The store's engine: SQLite with a write-ahead log, or whatever SQLAlchemy reaches by URL."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    create_engine,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from features.errors import RegistryError
from pipelines.posted.posted_store import STORE_ERRORS, STORE_URL, name_store, store_problem
from pipelines.workspace.private_files import create_private
from pipelines.workspace.storage_errors import storage_error_of
from serving.store.damaged_rows import DamagedRows, follow, leave_out_damaged
from serving.store.tables import Base

BUSY_SECONDS = 30  # to wait for SQLite's write lock before giving up, as long as a request may take
_PAUSE_SECONDS = 0.02
_LOCK = 7263001  # our namespace among PostgreSQL's advisory locks
_MIGRATIONS = files("serving.store") / "migrations"
VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)  # as Alembic makes it


class _Session(Session):
    """A session that reads no damaged row, unless it is to read all."""


event.listen(_Session, "do_orm_execute", leave_out_damaged)


class Store:
    """Sessions on one database; :meth:`migrate` brings it up to date."""

    def __init__(self, url: str, wait_seconds: float | None = None) -> None:
        sqlite, wait = url.startswith("sqlite"), wait_seconds or BUSY_SECONDS
        arguments: dict[str, Any] = {"timeout": wait, "check_same_thread": False} if sqlite else {}
        if not sqlite and wait_seconds is not None:
            milliseconds = int(1_000 * wait_seconds)
            limits = f"-c lock_timeout={milliseconds} -c statement_timeout={milliseconds}"
            arguments = {"connect_timeout": max(2, int(wait_seconds)), "options": limits}
        self.engine: Engine = create_engine(url, pool_pre_ping=not sqlite, connect_args=arguments)
        if sqlite:
            event.listen(self.engine, "connect", partial(_prepare_sqlite, wait))
        self.damaged = DamagedRows(self.engine)

    @contextmanager
    def reading(self, *, whole: bool = False) -> Iterator[Session]:
        """A session that writes nothing; ``whole``: it reads damaged rows, too."""
        with self._session(whole=whole) as session:
            yield session

    @contextmanager
    def reading_one_moment(self, *, whole: bool = False) -> Iterator[Session]:
        """A session that writes nothing and whose reads all see the store as of the first of them."""
        with self._session(whole=whole) as session:
            if self.engine.dialect.name == "sqlite":
                session.execute(text("BEGIN"))
            else:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: all of it, or nothing. SQLite takes its write lock at once, so that none can deadlock."""
        with self._session() as session, session.begin():
            if self.engine.dialect.name == "sqlite":
                session.execute(text("BEGIN IMMEDIATE"))
            yield session

    def _session(self, *, whole: bool = False) -> Session:
        session = _Session(self.engine, expire_on_commit=False)
        if not whole:
            follow(session, self.damaged)
        return session

    def migrate(self) -> None:
        """Apply the migrations that are missing; several servers may start at once."""
        try:
            with self.engine.begin() as connection:
                _lock(connection)
                names = inspect(connection).get_table_names()
                if not names:
                    _create(connection)
                elif VERSION.name not in names or connection.scalar(select(VERSION.c.version_num)) != newest_revision():
                    upgrade_store(connection)
        except SQLAlchemyError as problem:
            storage = storage_error_of(problem)
            if storage is not None:
                raise storage from problem
            raise RegistryError(
                f"the store {self.engine.url.render_as_string()} cannot be opened: {_first_line(problem)}. "
                "Check LEADSCORE_SERVE_STORE_URL."
            ) from problem

    def is_alive(self) -> bool:
        """Whether the database answers."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def hold_lock(session: Session, name: str) -> None:
    """Wait until no other transaction holds this name, and hold it to the end of this one; SQLite has one writer at a
    time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock(hashtextextended(:name, {_LOCK}))"), {"name": name})


def _prepare_sqlite(wait_seconds: float, connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by us, not guessed by the driver
    if connection.execute("PRAGMA page_count").fetchone()[0] == 0:  # of a file that holds something, it would write
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL").close()
    switch_to_write_ahead_log(connection, wait_seconds)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def switch_to_write_ahead_log(connection: Any, wait_seconds: float | None = None) -> None:
    """Switch to the write-ahead log; SQLite does not wait for another connection doing the same, so we do."""
    give_up = time.monotonic() + (wait_seconds or BUSY_SECONDS)
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as problem:
            if "locked" not in str(problem) or time.monotonic() > give_up:
                raise
            time.sleep(_PAUSE_SECONDS)


def newest_revision() -> str:
    """The last migration's revision, by the names of the files: ``r0002_spent_states.py`` is ``0002``."""
    names = [file.name for file in (_MIGRATIONS / "versions").iterdir()]
    return max(name[1:5] for name in names if name.startswith("r") and name.endswith(".py"))


def _create(connection: Connection) -> None:
    """Create all tables of an empty store, as the migrations would leave them."""
    Base.metadata.create_all(connection)
    VERSION.create(connection)
    connection.execute(VERSION.insert().values(version_num=newest_revision()))


def upgrade_store(connection: Connection) -> None:
    """Run the migrations that an older store lacks."""
    # imported here: most starts find the store empty or up to date, and importing Alembic takes a quarter of a second
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    steps = EnvironmentContext(config, scripts, fn=lambda at, _: scripts._upgrade_revs("head", at))
    with steps:
        steps.configure(connection=connection, target_metadata=Base.metadata)
        steps.run_migrations()


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _first_line(problem: Exception) -> str:
    return str(getattr(problem, "orig", problem)).splitlines()[0]


def open_store(url: str | None, folder: Path) -> Store:
    """The store by URL, or ``store.sqlite`` in a folder; migrated."""
    if url is None:
        create_private(folder / "store.sqlite")
        url = f"sqlite:///{folder / 'store.sqlite'}"
    try:
        store = Store(url)
    except STORE_ERRORS as problem:
        raise RegistryError(
            f"the store {name_store(url)} cannot be opened: {store_problem(problem)}. Check {STORE_URL}."
        ) from problem
    store.migrate()
    return store
