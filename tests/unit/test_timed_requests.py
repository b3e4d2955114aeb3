"""A server that answers byte by byte for ever is given up like one that says nothing."""

import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from features.errors import RegistryError
from pipelines.outbound.timed_requests import open_within
from pipelines.tracking import mlflow_client, mlflow_registry
from pipelines.tracking.mlflow_client import check_reachable, client_of, is_away
from pipelines.tracking.mlflow_names import SERVER
from pipelines.tracking.mlflow_patience import (
    LateError,
    TrackLimits,
    count_interruptions,
    is_late,
    patience,
    renew_patience,
    wait_long,
)
from pipelines.tracking.mlflow_registry import named_champion
from pipelines.tracking.mlflow_run import track_run
from pipelines.tracking.untracked_runs import UntrackedRun
from pipelines.workspace.atomic_files import write_json
from pipelines.workspace.paths import Paths

HEALTHY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK"
Listen = Callable[[Callable[[socket.socket, bytes], None]], str]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Starts a server that answers each connection as told; returns its address, with a password."""
    listeners: list[socket.socket] = []

    def start(answer: Callable[[socket.socket, bytes], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def one(connection: socket.socket) -> None:
            with connection:
                try:
                    answer(connection, connection.recv(65_536))
                except OSError:
                    return

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        return f"http://ann:s3cret@127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


def drip(head: bytes) -> Callable[[socket.socket, bytes], None]:
    """A head, then a byte every twentieth of a second, longer than any test waits."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head)
        for _turn in range(12_000):
            connection.sendall(b" ")
            time.sleep(0.05)

    return answer


HEADS = [b"HTTP/1.1 200 OK\r\nx:", b"HTTP/1.1 200 OK\r\ncontent-length: 50000\r\n\r\n", b"HTTP/1.1 2"]


@pytest.mark.parametrize("head", HEADS, ids=["header", "body", "status"])
def test_an_answer_that_drips_ends_with_the_time_given(listen: Listen, head: bytes) -> None:
    request = urllib.request.Request(listen(drip(head)).replace("ann:s3cret@", ""))
    with pytest.raises(TimeoutError), open_within(request, 0.4) as answer:
        answer.read()


def test_what_is_said_in_time_is_read_and_no_redirect_is_followed(listen: Listen) -> None:
    healthy = listen(lambda connection, _: connection.sendall(HEALTHY)).replace("ann:s3cret@", "")
    with open_within(urllib.request.Request(healthy), 10.0) as answer:
        assert (answer.status, answer.read()) == (200, b"OK")
    moved = f"HTTP/1.1 302 Found\r\nlocation: {healthy}\r\ncontent-length: 0\r\n\r\n".encode()
    elsewhere = listen(lambda connection, _: connection.sendall(moved)).replace("ann:s3cret@", "")
    with (
        pytest.raises(urllib.error.HTTPError, match="302"),
        open_within(urllib.request.Request(elsewhere), 10.0),
    ):
        pytest.fail("followed")


@pytest.mark.parametrize("head", HEADS[::2], ids=["header", "status"])
def test_a_registry_that_drips_is_away(listen: Listen, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    address = listen(drip(head))
    monkeypatch.setattr(mlflow_client, "_LOOK_SECONDS", 0.4)
    monkeypatch.setattr(mlflow_registry, "_SECONDS", 0.4)
    monkeypatch.setenv(SERVER, address)
    for ask in (lambda: check_reachable(address), lambda: named_champion("shop")):
        with pytest.raises(RegistryError, match="TimeoutError") as told:
            ask()
        assert "s3cret" not in told.value.message


def healthy_only(then: Callable[[socket.socket, bytes], None]) -> Callable[[socket.socket, bytes], None]:
    """A server that answers /health at once, and everything else as told."""

    def answer(connection: socket.socket, asked: bytes) -> None:
        connection.sendall(HEALTHY) if asked.startswith(b"GET /health ") else then(connection, asked)

    return answer


DRIPPING = healthy_only(drip(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50000\r\n\r\n"))


@pytest.mark.parametrize("in_thread", [False, True], ids=["a command", "a thread of a server"])
def test_mlflow_that_waits_for_an_answer_that_drips_is_interrupted(
    listen: Listen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, in_thread: bool
) -> None:
    monkeypatch.setenv("LEADSCORE_TRACK_SECONDS", "0.5")
    monkeypatch.setattr(mlflow_client, "DEAR_SECONDS", 0.4)
    monkeypatch.setenv(SERVER, listen(DRIPPING))
    before = count_interruptions()

    def ask() -> None:
        with client_of(Paths(tmp_path, "shop")) as (_, client):
            client.get_experiment_by_name("shop")

    with pytest.raises(Exception, match="not done") as told, ThreadPoolExecutor(1) as pool:
        pool.submit(ask).result(timeout=60) if in_thread else ask()
    assert is_away(told.value) and is_late(told.value)
    assert count_interruptions() > before
    with pytest.raises(RegistryError, match="not asked again yet"), client_of(Paths(tmp_path, "shop")):
        pytest.fail("it was asked again")


def test_what_a_run_cannot_tell_in_time_waits_for_the_next(
    listen: Listen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEADSCORE_TRACK_SECONDS", "0.5")
    monkeypatch.setenv(SERVER, listen(DRIPPING))
    monkeypatch.setattr("pipelines.tracking.mlflow_run.queue_run", lambda *_: None)
    paths = Paths(tmp_path, "shop")
    values = {"run_name": "1", "tags": {}, "params": {}, "metrics": {}, "bundle_hash": None, "ended_at": 0}
    write_json(paths.untracked / "1" / "run.json", UntrackedRun.of(values).record())
    context: Any = SimpleNamespace(paths=paths, source=SimpleNamespace(name="shop"))
    told = track_run(context, None)  # type: ignore[arg-type]  # what is told waits already
    assert (told.waiting, told.run_id) == (1, None) and "not done within 0.5 s" in told.problem


def test_all_that_a_run_tells_takes_seconds_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEADSCORE_TRACK_SECONDS", raising=False)
    assert TrackLimits().seconds <= 30
    monkeypatch.setenv("LEADSCORE_TRACK_SECONDS", "600")
    assert TrackLimits().seconds == 600
    wait_long()
    assert TrackLimits().seconds == 600, "what a user says counts"
    monkeypatch.delenv("LEADSCORE_TRACK_SECONDS")
    wait_long()
    assert TrackLimits().seconds == 300


@pytest.mark.parametrize("in_thread", [False, True], ids=["a command", "a thread"])
def test_time_that_begins_anew_is_whole(in_thread: bool) -> None:
    def work() -> None:
        renew_patience()  # outside a block there is none
        with patience(3.0):
            for _ in range(4):
                time.sleep(0.8)
                renew_patience()
        with pytest.raises(LateError), patience(0.2):
            time.sleep(0.1)
            renew_patience()
            for _ in range(1000):
                time.sleep(0.01)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result(timeout=60) if in_thread else work()


def test_one_long_wait_uses_up_one_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those sent while a thread waits in C come to it as one; what it does to clean up is interrupted, too."""
    monkeypatch.setattr("pipelines.tracking.mlflow_patience.CLEAN_UP_SECONDS", 0.05)

    def work() -> None:
        with pytest.raises(LateError), patience(0.1):
            try:
                time.sleep(0.8)
            except LateError:
                for _ in range(1000):
                    time.sleep(0.01)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result(timeout=60)


SHORT = """
import threading, time
from pipelines.tracking import mlflow_patience

mlflow_patience.CLEAN_UP_SECONDS = 0.0001
later = []

def spin(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass

def work():
    for _ in range(200):
        try:
            with mlflow_patience.patience(0.0005):
                spin(0.001)
        except mlflow_patience.LateError:
            pass
    try:
        spin(0.2)
    except mlflow_patience.LateError as error:
        later.append(error)

for _ in range(3):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print(mlflow_patience.count_interruptions() > 200, later, [one.name for one in threading.enumerate()])
"""


def test_an_interruption_that_comes_as_its_block_ends_is_the_last() -> None:
    done = subprocess.run([sys.executable, "-c", SHORT], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("True [] ['MainThread']\n", "")


HANGING = """
import itertools, sys, threading
from pipelines.cli.main import main
from pipelines.tracking import mlflow_patience

mlflow_patience.count_interruptions = itertools.count().__next__
threading.Thread(target=threading.Event().wait).start()  # as those of MLflow's downloads: never done
sys.argv = ["leadscore", "--version"]
main()
"""


def test_a_command_whose_patience_with_mlflow_ran_out_ends_though_threads_still_wait() -> None:
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, version("leadscore"), "")


def test_a_server_that_asks_to_come_back_in_an_hour_is_not_waited_for(
    listen: Listen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nretry-after: 3600\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    monkeypatch.setenv("LEADSCORE_TRACK_SECONDS", "20")
    monkeypatch.setenv(SERVER, listen(lambda connection, _: connection.sendall(busy)))
    with pytest.raises(Exception, match="503"), client_of(Paths(tmp_path, "shop")) as (_, client):
        client.get_experiment_by_name("shop")


@pytest.mark.parametrize("kind", ["postgresql", "postgresql+psycopg", "mysql+pymysql"])
def test_a_database_of_mlflow_that_is_away_is_asked_once(kind: str, listen: Listen) -> None:
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:9 does not answer \(ConnectionRefusedError\)") as told:
        check_reachable(f"{kind}://ann:s3cret@127.0.0.1:9/mlflow")
    assert "s3cret" not in told.value.message
    with pytest.raises(RegistryError, match="does not answer"):
        check_reachable(f"{kind}://ann:s3cret@127.0.0.1:9/mlflow?sslmode=require&connect_timeout=60")
    check_reachable(listen(lambda *_: None).replace("http", kind))


def test_a_database_is_read_as_sqlalchemy_reads_it() -> None:
    with pytest.raises(RegistryError) as told:
        check_reachable("postgresql://ann:s3c/ret#1@127.0.0.1:9/mlflow")
    assert "database at 127.0.0.1:9 does not" in told.value.message and "s3c" not in told.value.message
    for left_to_mlflow in (
        "postgresql://ann:x@127.0.0.1:9/mlflow?host=/run/postgresql",
        "postgresql:///mlflow",
        "postgresql://ann:x@one,two:9/mlflow",
        "mysql+pymysql://ann:x@127.0.0.1:9/mlflow?unix_socket=/run/mysqld.sock",
        "mssql+pyodbc://ann:x@mydsn",
        "mssql+pyodbc://ann:x@127.0.0.1\\SQLEXPRESS/db?driver=x",
    ):
        check_reachable(left_to_mlflow)
