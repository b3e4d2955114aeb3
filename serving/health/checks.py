"""Looks at what a server needs: a store it can read and write, a disk with room, data young enough, no lock for hours.

Each look is bounded: none waits longer than half a second for whoever holds a lock.
"""

import fcntl
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from models.settings import CLOCKS_DIFFER_DAYS
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.workspace.left_overs import process_mark, remove_left_overs
from pipelines.workspace.lock import read_holder
from pipelines.workspace.paths import Paths
from pipelines.workspace.storage_errors import storage_error_of
from serving.auth.keys_remembered import LOST, had_keys
from serving.state.app_state import AppState
from serving.store.engine import Store
from serving.store.tables import ApiKey
from serving.store.wall_clock import wall_now

_WAIT_SECONDS = 0.5
_PROBE = ".health."
_WRITTEN = b"\x00" * 65_536  # what a full disk refuses; less may fit into the last block of a file


class StoreLook:
    """Connections of its own to the store: those of requests may all be waiting.

    ``keys_folder`` is where it is remembered that there were keys, None where people sign in otherwise.
    """

    def __init__(self, store: Store, keys_folder: Path | None) -> None:
        self._keys_folder = keys_folder
        url = store.engine.url
        sqlite = url.get_backend_name() == "sqlite"
        options = {"timeout": _WAIT_SECONDS} if sqlite else {"connect_timeout": 5}
        self._engine: Engine = create_engine(url, poolclass=NullPool, connect_args=options)
        self._sqlite = sqlite

    def problem(self) -> tuple[bool, str]:
        """Whether the store answers, and why it cannot be written to or lost its keys, empty if neither is so."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT 1 FROM alembic_version"))
                had = self._keys_folder is not None and had_keys(self._keys_folder)
                lost = had and connection.scalar(select(ApiKey.id).limit(1)) is None
                try:
                    self._try_to_write(connection)
                except SQLAlchemyError as error:
                    return True, f"{LOST if lost else ''} {_describe_write_failure(error)}".strip()
                return True, LOST if lost else ""
        except SQLAlchemyError as error:
            return False, f"The store does not answer ({type(error).__name__})."

    def _try_to_write(self, connection: Connection) -> None:
        connection.rollback()
        if self._sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(_WAIT_SECONDS * 1e3)}ms'")
            connection.exec_driver_sql("LOCK TABLE alembic_version IN ROW EXCLUSIVE MODE")
        connection.rollback()


def _describe_write_failure(error: SQLAlchemyError) -> str:
    storage = storage_error_of(error)
    if storage is not None:
        return f"The store cannot be written to: {storage.message}"
    said = str(getattr(error, "orig", error)).splitlines()[0]
    if "lock" in said.lower():
        return "The store is locked by another process: answers and feedback wait."
    return f"The store cannot be written to ({type(error).__name__})."


def find_problems(app_state: AppState) -> Iterator[str]:
    """What is wrong beside the store, in sentences."""
    yield from _find_closed_folder(app_state.folder)
    yield from _find_old_data(app_state)
    yield from find_held_lock(app_state.paths, timedelta(minutes=app_state.settings.lock_minutes))


def _find_closed_folder(folder: Path) -> Iterator[str]:
    remove_left_overs(folder, _PROBE)  # of a server that was killed over one
    file = folder / f"{_PROBE}{process_mark()}.{secrets.token_hex(4)}"
    try:
        with file.open("xb") as probe:
            probe.write(_WRITTEN)
    except OSError as error:
        storage = storage_error_of(error)
        yield f"Files cannot be written: {storage.message if storage else error.strerror}"
    finally:
        file.unlink(missing_ok=True)


def _find_old_data(app_state: AppState) -> Iterator[str]:
    """Whether the data are older than declared; without clocks their age is that of the last ingest."""
    days = app_state.settings.data_days
    if not days or not app_state.ready:
        return
    data = app_state.loaded.data
    if data.cutoff is not None:
        since, what = data.cutoff.to_pydatetime(warn=False), "end"
    else:
        file = CountsRecord.path(app_state.paths)
        if not file.exists():
            return
        since, what = datetime.fromtimestamp(file.stat().st_mtime, UTC).replace(tzinfo=None), "were read"
    age = (wall_now() - since) / timedelta(days=1)
    if age < -CLOCKS_DIFFER_DAYS:
        yield (
            f"The data {what} {-age:.0f} days from now ({since:%Y-%m-%d}) by this machine's clock: how old they are is "
            "unknown. Set the clock if it was set back; else mend the times of the export."
        )
    elif age > days:
        yield f"The data {what} {age:.0f} days ago ({since:%Y-%m-%d}), more than the declared {days:g}: ingest again."


def find_held_lock(paths: Paths, longest: timedelta) -> Iterator[str]:
    """Whether a run has held the source's lock for too long: then no promotion gets through."""
    file = paths.root / ".lock"
    try:
        with file.open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                held = time.time() - file.stat().st_mtime
                if held > longest.total_seconds():
                    who, _, more = read_holder(file).partition(" ")
                    told = f"Process {who} has held the lock of '{paths.source}' for {held / 60:.0f} minutes."
                    yield f"{told} {more[1:-1]}".rstrip()
    except OSError:
        return
