"""Kill -9 in the middle of writes and promotions: what was answered is on record, and nothing is half there."""

import json
import random
import shutil
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from pipelines.registry.champion import read_champion
from serving.store.engine import open_store
from serving.store.tables import AnswerRow, AuditRow, Feedback, IdempotencyRecord, ScoreRow
from tests.behaviour.test_serving_upkeep import another_bundle
from tests.reference.served import Served
from tests.reference.serving import worklist_of

ROUNDS = 50


def post(url: str, body: dict[str, Any], key: str) -> dict[str, Any] | None:
    """The answer, or None if the server died before it came."""
    headers = {"content-type": "application/json", "Idempotency-Key": key}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except (urllib.error.URLError, OSError):
        return None


def write_until_killed(server: Served, lead: str, wait: float, number: int) -> tuple[dict[str, int], dict[str, int]]:
    """Feedback and answers acknowledged before a kill, by key: after ``wait`` seconds, and two of each at the least."""
    said: dict[str, int] = {}
    answered: dict[str, int] = {}
    over = threading.Event()

    def work(name: str) -> None:
        k = 0
        while not over.is_set():
            key = f"{name}-{number}-{k}"
            k += 1
            base = f"{server.url}/v1/leads/{lead}"
            if name == "feedback":
                done = post(f"{base}/feedback", {"verdict": "accept", "reason": "good_fit"}, key)
                said.update({key: done["id"]} if done else {})
            else:
                done = post(f"{base}/answers", {"question": "budget", "value": "<10k"}, key)
                answered.update({key: done["answer"]} if done else {})

    threads = [threading.Thread(target=work, args=(name,)) for name in ("feedback", "answers")]
    for thread in threads:
        thread.start()
    time.sleep(wait)
    until = time.monotonic() + 10.0
    while min(len(said), len(answered)) < 2 and time.monotonic() < until:
        time.sleep(0.01)  # a slow machine may need longer for the first of each
    server.kill()
    over.set()
    for thread in threads:
        thread.join()
    return said, answered


@pytest.mark.prove
def test_kills_while_writing_leave_a_consistent_store(tiny_demo: Any, tmp_path: Path) -> None:
    draw = random.Random(7)
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    server = Served(tiny_demo, tmp_path)
    said: dict[str, int] = {}
    answered: dict[str, int] = {}
    for number in range(ROUNDS):
        server.start()
        more = write_until_killed(server, lead, draw.uniform(0.05, 0.6), number)
        said |= more[0]
        answered |= more[1]
    store = open_store(None, tmp_path)
    with store.reading() as session:
        assert session.scalar(text("PRAGMA integrity_check")) == "ok"
        assert set(said.values()) <= set(session.scalars(select(Feedback.id)))
        assert set(answered.values()) <= set(session.scalars(select(AnswerRow.id)))
        answers = session.scalar(select(func.count()).select_from(AnswerRow))
        scores = session.scalar(select(func.count()).select_from(ScoreRow))
        audited = session.scalar(select(func.count()).select_from(AuditRow))
        spoken = session.scalar(select(func.count()).select_from(Feedback))
        kept = session.scalar(select(func.count()).select_from(IdempotencyRecord))
    assert answers == scores
    assert answers + spoken == audited == kept
    assert len(said) > ROUNDS and len(answered) > ROUNDS
    store.close()


@pytest.mark.prove
def test_kills_while_promoting_leave_one_champion(tiny_copy: Any, tmp_path: Path) -> None:
    draw = random.Random(11)
    first = read_champion(tiny_copy.context.paths)
    assert first is not None
    other = another_bundle(tiny_copy, tmp_path)
    server = Served(tiny_copy, tmp_path / "state").start()
    started = time.monotonic()
    force = {"force": True, "reason": "a rehearsal"}
    assert post(f"{server.url}/v1/champion", {"hash": other, **force}, "whole") is not None
    took = time.monotonic() - started
    server.kill()
    now = read_champion(tiny_copy.context.paths)
    assert now is not None and now.hash == other
    for number in range(ROUNDS):
        server.start()
        target = other if now.hash == first.hash else first.hash
        asked = (f"{server.url}/v1/champion", {"hash": target, **force}, f"p{number}")
        caller = threading.Thread(target=post, args=asked)
        caller.start()
        time.sleep(draw.uniform(0.0, 1.6) * took)
        server.kill()
        caller.join()
        now = read_champion(tiny_copy.context.paths)
        assert now is not None and now.hash in (other, first.hash)
        assert (now.folder / "bundle.json").exists()
    moves = read_champion(tiny_copy.context.paths)
    assert moves is not None and len(moves.history) > 2 + ROUNDS / 10, "some promotions were through before the kill"
    server.start()
    with urllib.request.urlopen(f"{server.url}/healthz") as answer:
        health = json.loads(answer.read())
    server.stop()
    final = read_champion(tiny_copy.context.paths)
    assert final is not None
    assert (health["status"], health["bundle_hash"]) == ("ok", final.hash)
    shutil.rmtree(tmp_path / "state")
