"""A real MLflow server for tests: a store, a folder of artifacts and a port of its own, ended with the test."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

_SECONDS = 300  # its first start lays out the store, which takes minutes on a very busy machine


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def new_database(postgres: str, name: str) -> str:
    """URL of a new, empty database of a PostgreSQL server."""
    admin = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    return sa.make_url(postgres).set(database=name).render_as_string(hide_password=False)


@contextmanager
def run_mlflow(folder: Path, store: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Address and process of a server that keeps runs in a store (a database's URL) and artifacts below a folder."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    places = ["--backend-store-uri", store, "--artifacts-destination", str(folder / "files")]
    command = [sys.executable, "-m", "mlflow", "server", *places, "--port", str(port), "--workers", "1"]
    # without the seven processes that wait for jobs nobody gives
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        _wait(port, process, folder / "log")
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:  # it had not got as far as listening to signals
            process.kill()
            process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the MLflow server did not start: {log.read_text(errors='replace')[-2000:]}")
