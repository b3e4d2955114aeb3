"""The server's store, read for what was posted to it: answers, activities, stages, fields looked up, feedback."""

import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from features.errors import DataError
from pipelines.workspace.folder_owner import read_owner
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.register import OBJECTS, PeopleRegister, read_register

_WHOLE_NUMBERS = ("id", "feedback_id", "score", "undoes")
_TIMES = ("happened_at", "known_at", "entered_at", "written_at", "expires_at")
# by table of the store the columns that are read; tests hold them to the server's own tables
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "answers": ("id", "lead_id", "question", "value", "channel", "author", "happened_at", "known_at"),
        "activities": (
            *("id", "activity_id", "lead_id", "kind", "actor", "asset", "channel", "value", "happened_at", "known_at"),
        ),
        "stages": ("id", "lead_id", "stage", "entered_at", "known_at", "owner", "reason", "feedback_id"),
        "field_values": ("id", "account_id", "field", "value", "known_at"),
        "feedback": (
            *("id", "lead_id", "verdict", "reason", "author", "written_at", "known_at", "expires_at", "score"),
            *("state", "next_action", "undoes"),
        ),
    }
)
STORE_URL, STORE_FOLDER, STORE_SOURCE = (f"LEADSCORE_SERVE_{name}" for name in ("STORE_URL", "STATE_DIR", "SOURCE"))
# of a store that does not open: its address is none, its driver is not installed or takes none of our settings
STORE_ERRORS = (SQLAlchemyError, ImportError, TypeError, ValueError)


@dataclass(frozen=True)
class PostedRows:
    """Rows of every table of the store, oldest first; tables that an older server does not have are empty.

    Parameters
    ----------
    left_out : by table how many rows hold what leadscore never writes there, so that they were changed by other means
    """

    tables: Mapping[str, pd.DataFrame]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(rows) for rows in self.tables.values())


NOTHING_POSTED = PostedRows(MappingProxyType({name: pd.DataFrame(columns=list(own)) for name, own in COLUMNS.items()}))


def read_posted(paths: Paths) -> PostedRows:
    """What was posted to the server of a source; nothing where none ever ran.

    The store is that of ``leadscore serve`` below the data directory, or where the settings of the server of this very
    source say (``LEADSCORE_SERVE_STORE_URL``, ``LEADSCORE_SERVE_STATE_DIR``, with ``LEADSCORE_SERVE_SOURCE``).

    Raises
    ------
    DataError : a store is there and cannot be read
    """
    place = find_store(paths)
    if place is None:
        return NOTHING_POSTED
    try:
        engine = _open_file(place) if isinstance(place, Path) else sa.create_engine(place)
        with engine.connect() as connection:
            _read_any_text(connection)
            known = {
                name: {column["name"] for column in sa.inspect(connection).get_columns(name)}
                for name in sa.inspect(connection).get_table_names()
                if name in COLUMNS
            }
            held = {name: _read_table(connection, name, known.get(name, set())) for name in COLUMNS}
        engine.dispose()
    except STORE_ERRORS as problem:
        raise DataError(
            f"what was posted to the server cannot be read from its store {name_store(place)}: "
            f"{store_problem(problem)}. Check {STORE_URL}, or start the server once, which repairs or migrates it."
        ) from problem
    found = {name: rows for name, (rows, _) in held.items()}
    register = read_register(paths.root)
    if register.has_forgotten:
        found = {name: _without_forgotten(rows, register) for name, rows in found.items()}
    if register.has_objections:
        found |= {
            name: found[name][~register.find_leads(found[name]["lead_id"], OBJECTS)].reset_index(drop=True)
            for name in ("answers", "activities")
        }
    return PostedRows(found, {name: damaged for name, (_, damaged) in held.items() if damaged})


def _without_forgotten(rows: pd.DataFrame, register: PeopleRegister) -> pd.DataFrame:
    """Rows that a server wrote in the moment in which their lead was forgotten."""
    return rows if "lead_id" not in rows else rows[~register.find_leads(rows["lead_id"])].reset_index(drop=True)


def _open_file(file: Path) -> sa.Engine:
    """The store in a file, which is only read; a path may hold any sign, which a URL may not."""
    address = f"file:{quote(str(file.resolve()))}?mode=ro"
    return sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True))


def find_store(paths: Paths) -> Path | str | None:
    """The store's file or URL, None where there is none."""
    file = paths.root / "serving" / "store.sqlite"
    if is_told_of(paths):
        if url := os.environ.get(STORE_URL):
            return url
        if folder := os.environ.get(STORE_FOLDER):
            file = Path(folder) / "store.sqlite"
    return file if file.exists() else None


def name_store(place: Path | str) -> str:
    """How messages name a store: its file, or its URL without the password; its setting where that holds no URL."""
    try:
        return str(place) if isinstance(place, Path) else make_url(place).render_as_string()
    except STORE_ERRORS:  # an address that cannot be taken apart may hold a password anywhere
        return STORE_URL


def store_problem(problem: Exception) -> str:
    """Why a store does not open or answer, in a line without its end."""
    if isinstance(problem, ValueError):  # whose text may quote a part of the address
        return "its address cannot be read"
    return str(getattr(problem, "orig", problem)).splitlines()[0].rstrip(".")


def is_told_of(paths: Paths) -> bool:
    """Whether the server's settings in the environment are of this source: by its name, or the path of its YAML."""
    named = os.environ.get(STORE_SOURCE, "demo")
    owner = read_owner(paths)
    by_path = owner is not None and Path(named).suffix != "" and str(Path(named).resolve()) == owner.path
    return by_path or paths.source in (named, Path(named).stem)


def describe_other_store(paths: Paths) -> str:
    """That the environment names a store without saying that it is this source's; empty where it does not."""
    given = [name for name in (STORE_URL, STORE_FOLDER) if os.environ.get(name)]
    if not given or is_told_of(paths):
        return ""
    named = os.environ.get(STORE_SOURCE)
    told = f"{STORE_SOURCE} names '{named}'" if named else f"{STORE_SOURCE} is not set, which means 'demo'"
    return (
        f"{' and '.join(given)} in the environment count for another source: {told}. If they are of this one, set "
        f"{STORE_SOURCE}={paths.source}."
    )


def _read_any_text(connection: sa.Connection) -> None:
    """Let SQLite hand out a text that is not UTF-8 as bytes, by which its row is known, instead of failing over it."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.text_factory = _text_or_bytes


def _text_or_bytes(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _read_table(connection: sa.Connection, name: str, known: set[str]) -> tuple[pd.DataFrame, int]:
    """The sound rows of a table, and how many are not; columns that the store does not have yet are empty."""
    own = [column for column in COLUMNS[name] if column in known]
    if "id" not in own:
        return pd.DataFrame(columns=list(COLUMNS[name])), 0
    # without types: SQLite keeps any value in any column, and SQLAlchemy's would fail over all rows
    table = sa.table(name, *map(sa.column, own))
    rows = connection.execute(sa.select(*(table.c[column] for column in own)).order_by(table.c.id)).all()
    if connection.dialect.name == "sqlite":
        checks = [_check_of(name, column) for column in own]
        sound = [row for row in rows if all(v is None or check(v) for check, v in zip(checks, row, strict=True))]
    else:
        sound = list(rows)
    frame = pd.DataFrame([tuple(row) for row in sound], columns=own).reindex(columns=list(COLUMNS[name]))
    times = {column: _times(frame[column]) for column in own if column in _TIMES}
    return frame.assign(**times), len(rows) - len(sound)


def _times(values: pd.Series) -> pd.Series:
    moments = [datetime.fromisoformat(value) if isinstance(value, str) else value for value in values]
    return pd.Series(pd.to_datetime(moments), index=values.index).astype("datetime64[us]")


def _check_of(table: str, column: str) -> Callable[[Any], bool]:
    """Whether a value as SQLite has it is one that the server writes into a column."""
    if column in _TIMES:
        return _is_time
    if column in _WHOLE_NUMBERS:
        return lambda value: isinstance(value, int)
    if (table, column) == ("activities", "value"):
        return lambda value: isinstance(value, (int, float))
    return lambda value: isinstance(value, str)


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is None
    except (TypeError, ValueError):
        return False
