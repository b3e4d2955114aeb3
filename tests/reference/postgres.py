"""A PostgreSQL server of our own for tests, on a socket that nobody else uses, and stores on either engine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from serving.store.engine import Store

ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


def _binaries() -> Path:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def _run(user: str | None, *words: str) -> None:
    command = ["runuser", "-u", user, "--", *words] if user else list(words)
    subprocess.run(command, check=True, capture_output=True, cwd="/")


@contextmanager
def run_postgres() -> Iterator[str]:
    """URL of the server while it runs; it refuses to run as root, so root starts it as nobody."""
    user = "nobody" if os.geteuid() == 0 else None
    place = Path("/tmp") / f"leadscore-pg-{os.getpid()}"  # a socket's path may have 107 letters
    place.mkdir()
    if user:
        shutil.chown(place, user)
    bin_, data = _binaries(), place / "data"
    _run(user, str(bin_ / "initdb"), "-D", str(data), "-U", "tester", "--auth=trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={place} -c fsync=off"
    start = [str(bin_ / "pg_ctl"), "-D", str(data), "-w", "-l", str(place / "log"), "-o", options, "start"]
    _run(user, *start)
    try:
        yield f"postgresql+psycopg://tester@/postgres?host={place}"
    finally:
        _run(user, str(bin_ / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(place)


def fresh_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """URL of a new database on the engine that a fixture of parameters :data:`ENGINES` is asked for."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'store.sqlite'}"
    base = str(request.getfixturevalue("postgres"))
    admin = Store(base)
    name = f"t{os.urandom(4).hex()}"
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}
    with admin.engine.connect().execution_options(**options) as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.close()
    return base.replace("/postgres?", f"/{name}?")
