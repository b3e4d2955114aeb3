"""Of several servers on one store an upload belongs to one; only one whose server is gone is taken up again."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, update

from pipelines.workspace.left_overs import process_mark
from serving.leads.upload_claims import name_machine, update_taken
from serving.leads.upload_queue import UploadQueue
from serving.store.engine import Store, open_store
from serving.store.tables import Upload
from serving.store.wall_clock import wall_now
from tests.reference.postgres import ENGINES, fresh_database

HERE = name_machine()
HOUR = timedelta(hours=1)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(fresh_database(request, tmp_path), tmp_path)
    yield opened
    opened.close()


def send(store: Store, number: str, **claim: Any) -> None:
    with store.writing() as session:
        row = Upload(id=number, caller=number, status="waiting", suffix=".csv", done=0, failed=0, error="")
        row.created_at = wall_now()
        for name, value in claim.items():
            setattr(row, name, value)
        session.add(row)


def queue_on(store: Store) -> UploadQueue:
    settings = SimpleNamespace(upload_readers=9)
    return UploadQueue(SimpleNamespace(store=store, settings=settings))  # type: ignore[arg-type]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Upload]:
    """What the queues have begun to score, which does not end."""
    begun: list[Upload] = []
    monkeypatch.setattr(UploadQueue, "_run", lambda _, row: begun.append(row))
    return begun


def test_two_servers_do_not_take_the_same(store: Store, taken: list[Upload]) -> None:
    one, other = queue_on(store), queue_on(store)
    for number in "ab":
        send(store, number)
    assert [one.serve_turn(), other.serve_turn(), one.serve_turn(), other.serve_turn()] == [2, 0, 0, 0]
    send(store, "c")
    assert [other.serve_turn(), one.serve_turn()] == [1, 0]
    assert sorted(row.id for row in taken) == ["a", "b", "c"] and len({row.taken_by for row in taken}) == 3


def ended_process() -> str:
    """The mark of a process of this machine that has ended."""
    code = "from pipelines.workspace.left_overs import process_mark; print(process_mark())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("server", "renewed", "lost"),
    [
        (None, HOUR, True),
        ("{here}/{ended}/q/t", HOUR, True),
        ("{here}/{running}/q/t", HOUR, False),
        ("{here}/{running}/q/t", -HOUR, True),
        ("elsewhere/1-1/q/t", HOUR, False),
        (f"{socket.gethostname()}/1-1/q/t", HOUR, False),
        (f"{HERE[:-1]}{'0' if HERE[-1] != '0' else '1'}/1-1/q/t", HOUR, False),
        ("elsewhere/1-1/q/t", -HOUR, True),
    ],
    ids=[
        "older version",
        "ended",
        "running",
        "running and stuck",
        "other machine",
        "older version here",
        "other machine of this name",
        "other machine, silent",
    ],
)
def test_what_a_server_left_is_taken_up_once_it_is_gone(
    store: Store, taken: list[Upload], server: str | None, renewed: timedelta, lost: bool
) -> None:
    name = None
    if server is not None:
        name = server.format(here=HERE, ended=ended_process() if "ended" in server else "", running=process_mark())
    send(store, "a", status="scoring", taken_by=name, taken_until=wall_now() + renewed)
    assert queue_on(store).serve_turn() == lost and len(taken) == lost


def test_a_claim_is_renewed_while_it_runs(store: Store, taken: list[Upload]) -> None:
    one, other = queue_on(store), queue_on(store)
    send(store, "a")
    assert one.serve_turn() == 1
    with store.writing() as session:
        session.execute(update(Upload).values(taken_until=wall_now() + timedelta(seconds=5)))
    assert [one.serve_turn(), other.serve_turn()] == [0, 0]
    with store.reading() as session:
        until = session.scalar(select(Upload.taken_until))
    assert until is not None and until > wall_now() + timedelta(seconds=20)


def test_a_server_that_lost_an_upload_does_not_write_its_end(store: Store, taken: list[Upload]) -> None:
    one, other = queue_on(store), queue_on(store)
    send(store, "a")
    assert one.serve_turn() == 1
    with store.writing() as session:
        session.execute(update(Upload).values(taken_until=wall_now() - HOUR))
    assert other.serve_turn() == 1
    late, now = taken
    state: Any = SimpleNamespace(store=store)
    assert update_taken(state, now, status="done", done=7)
    assert not update_taken(state, late, status="failed", error="too late")
    with store.reading() as session:
        row = session.get_one(Upload, "a")
    assert (row.status, row.done, row.error) == ("done", 7, "")
