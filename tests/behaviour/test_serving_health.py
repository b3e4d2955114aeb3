"""Health says what is wrong, at once, whoever else is waiting for a lock; and writes that fail are told as such."""

import errno
import os
import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DataError, OperationalError
from starlette.testclient import TestClient

from pipelines.workspace.lock import BusyError, only_writer
from serving.store.wall_clock import wall_now
from tests.behaviour.test_serving_upkeep import FORCED, another_bundle
from tests.reference.serving import client_for, worklist_of


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def health_of(client: TestClient) -> tuple[str, str]:
    told = client.get("/healthz").json()
    return told["status"], told.get("problem", "")


def test_nobody_who_asks_for_health_waits_for_a_writer(client: TestClient, tiny_demo: Any, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    assert health_of(client) == ("ok", "")
    holder = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    codes: list[int] = []

    def write() -> None:
        codes.append(client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"}).status_code)

    writers = [threading.Thread(target=write) for _ in range(12)]  # more than the server has threads for requests
    for writer in writers:
        writer.start()
    time.sleep(0.5)
    for path in ("/readyz", "/healthz"):
        started = time.monotonic()
        assert client.get(path).status_code == 200
        assert time.monotonic() - started < 3.0, path
    status, problem = health_of(client)
    assert status == "degraded" and "locked by another process" in problem and not codes
    holder.execute("ROLLBACK")
    holder.close()
    for writer in writers:
        writer.join()
    assert codes == [201] * 12 and health_of(client) == ("ok", "")


def test_a_disk_that_takes_no_more_is_told(client: TestClient) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        status, problem = health_of(client)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert status == "degraded" and "Files cannot be written" in problem and "no space is left" in problem
    assert health_of(client) == ("ok", "")


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [("database or disk is full", 507, "disk is full"), ("database is locked", 503, "locked by another process")],
)
def test_a_write_that_fails_says_so_and_stores_nothing(
    client: TestClient, tiny_demo: Any, monkeypatch: pytest.MonkeyPatch, said: str, status: int, words: str
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError(said))

    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    with monkeypatch.context() as patched:
        patched.setattr("serving.leads.verdicts.record_action", fail)
        answer = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "snooze"})
    assert (answer.status_code, answer.json()["code"]) == (status, "LS070")
    assert words in answer.json()["detail"] and "Nothing was stored" in answer.json()["detail"]
    assert client.get(f"/v1/leads/{lead}").json()["feedback"] is None


def test_a_text_that_the_store_cannot_hold_is_refused(
    client: TestClient, tiny_demo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL has no zero bytes: its driver refuses them, wherever they come from."""

    def fail(*_: Any) -> None:
        raise DataError("INSERT", {}, ValueError("PostgreSQL text fields cannot contain NUL (0x00) bytes"))

    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    monkeypatch.setattr("serving.leads.verdicts.record_action", fail)
    answer = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "snooze", "note": "a\x00b"})
    assert (answer.status_code, answer.json()["code"]) == (422, "LS109") and "zero byte" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/data/tasks.parquet"),
            "/data/tasks.parquet cannot be read",
        ),
        (OperationalError("SELECT", {}, sqlite3.OperationalError("locked")), "the store could not be read"),
        (ZeroDivisionError(), "could not be loaded (ZeroDivisionError); the log has the places"),
    ],
)
def test_a_load_that_fails_says_why_and_is_logged_once(
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cause: Exception,
    words: str,
) -> None:
    def fail(_: Any) -> None:
        raise cause

    app_state = client.app.state.app_state
    before = app_state.loaded
    with monkeypatch.context() as patched:
        patched.setattr("serving.state.loading.load_state.load_data", fail)
        patched.setattr(before.data, "stamp", ())
        assert app_state.is_outdated()
        for _ in range(3):
            assert app_state.refresh() is None
        assert capsys.readouterr().err.count("state not loaded") == 1
        status, problem = health_of(client)
        assert status == "degraded" and words in problem and words in client.get("/model").text
        assert app_state.loaded is before
    app_state.refresh()
    assert health_of(client) == ("ok", "")


def test_data_older_than_declared_or_yet_to_come_are_told(
    tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days, expected in ((0.0, "ok"), (100_000.0, "ok"), (0.001, "degraded")):
        with client_for(tiny_demo, tmp_path, data_days=days) as client:
            status, problem = health_of(client)
            assert status == expected and ("more than the declared" in problem) == (expected == "degraded")
    early = wall_now() - timedelta(days=36_500)
    monkeypatch.setattr("serving.health.checks.wall_now", lambda: early)
    with client_for(tiny_demo, tmp_path, data_days=1.0) as client:
        status, problem = health_of(client)
        assert status == "degraded" and "days from now" in problem and "Set the clock" in problem


def test_a_lock_held_for_long_is_told_and_no_promotion_gets_past_it(tiny_copy: Any, tmp_path: Path) -> None:
    other = another_bundle(tiny_copy, tmp_path)
    with client_for(tiny_copy, tmp_path / "state") as client:
        with only_writer(tiny_copy.context.paths):
            assert health_of(client) == ("ok", ""), "a run may take its time"
            long_ago = time.time() - 7_200
            os.utime(tiny_copy.context.paths.root / ".lock", (long_ago, long_ago))
            status, problem = health_of(client)
            assert status == "degraded" and f"Process {os.getpid()} has held the lock" in problem
            for path, body in (("/v1/champion", {"hash": other, **FORCED}), ("/v1/champion/rollback", None)):
                refused = client.post(path, json=body)
                assert refused.status_code == 409, refused.text
            assert client.post("/v1/champion", json={"hash": other, **FORCED}).json()["code"] == BusyError.code
        assert health_of(client) == ("ok", "")
        assert client.post("/v1/champion", json={"hash": other, **FORCED}).status_code == 200
