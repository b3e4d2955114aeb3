"""Messages are claimed before they are sent: none is repeated because a store refuses writes, or by another server."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from serving.store.engine import Store, open_store
from serving.store.tables import OutboxMessage, Webhook
from serving.store.wall_clock import wall_now
from serving.webhooks import delivery
from serving.webhooks.delivery import ReceiverQueues, deliver
from serving.webhooks.outbox import add_webhook
from tests.behaviour.test_webhook_delivery import EVENT, GIVEN_UP, LOOPBACK, OK, announce_one, held, receiver, says
from tests.reference.postgres import ENGINES, fresh_database


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = open_store(fresh_database(request, tmp_path), tmp_path)
    yield opened
    opened.close()


def refuse(*_: Any) -> None:
    raise OperationalError("UPDATE", {}, Exception("database or disk is full"))


def waiting(store: Store) -> list[tuple[int, bool, bool]]:
    """Of each message: attempts, whether it is due, whether it was delivered."""
    with store.reading() as session:
        rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
        return [(row.attempts, row.due_at <= wall_now(), row.delivered_at is not None) for row in rows]


def test_what_cannot_be_marked_is_not_sent_and_its_receiver_rests(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    with receiver(says(OK)) as (url, heard):
        add_webhook(store, "admin", url, [EVENT], LOOPBACK)
        announce_one(store)
        queues = ReceiverQueues(store, LOOPBACK, clock=lambda: now[0])
        pauses = []
        with monkeypatch.context() as patched:
            patched.setattr(store, "writing", refuse)
            for _ in range(4):
                (turn,) = queues.serve_turn()
                assert isinstance(turn.exception(timeout=GIVEN_UP), OperationalError)
                assert queues.serve_turn() == [], "tried again at once"
                said = json.loads(capsys.readouterr().err.splitlines()[-1])
                assert (said["event"], said["kind"]) == ("messages not sent", "OperationalError")
                pauses.append(said["pause"])
                now[0] += said["pause"]
        assert heard == [] and pauses == [1, 2, 4, 8]
        (turn,) = queues.serve_turn()
        assert turn.result(timeout=GIVEN_UP) == 1 and len(heard) == 1
        queues.close()


def test_what_was_sent_and_could_not_be_marked_is_not_sent_again_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(says(OK)) as (url, heard):
        add_webhook(store, "admin", url, [EVENT], LOOPBACK)
        announce_one(store)
        with monkeypatch.context() as patched:
            patched.setattr(delivery, "_note_attempt", refuse)
            (turn,) = ReceiverQueues(store, LOOPBACK).serve_turn()
            assert turn.exception(timeout=GIVEN_UP) is not None
        assert ReceiverQueues(store, LOOPBACK).serve_turn() == [] and len(heard) == 1, "a server that starts then waits"
        with store.writing() as session:
            session.execute(update(OutboxMessage).values(due_at=wall_now()))  # once the claim has run out
        (turn,) = ReceiverQueues(store, LOOPBACK).serve_turn()
        assert turn.result(timeout=GIVEN_UP) == 1 and len(heard) == 2, "lost"


def test_of_two_servers_one_sends_a_message_and_they_keep_the_order(store: Store) -> None:
    gate = threading.Event()
    with receiver(held(gate)) as (url, heard):
        add_webhook(store, "admin", url, [EVENT], LOOPBACK)
        for text in "abc":
            announce_one(store, text)
        servers = [ReceiverQueues(store, LOOPBACK) for _ in range(2)]
        turns = [turn for server in servers for turn in server.serve_turn()]
        until = time.monotonic() + GIVEN_UP
        while not heard:
            assert time.monotonic() < until, "nobody sends"
            time.sleep(0.01)
        announce_one(store, "d")
        assert sum(len(server.serve_turn()) for server in servers) == 0, "what comes later waits for what is being sent"
        gate.set()
        assert sum(turn.result(timeout=GIVEN_UP) for turn in turns) == 3
        turns = [turn for server in servers for turn in server.serve_turn()]
        assert sum(turn.result(timeout=GIVEN_UP) for turn in turns) == 1
        assert [json.loads(body)["data"]["lead_id"] for body in heard] == list("abcd")
        for server in servers:
            server.close()


def test_a_server_that_slept_over_its_claim_does_not_send_what_another_has_sent(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def send(_: Any, row: OutboxMessage, *__: Any) -> str:
        sent.append(row.payload["lead_id"])
        if len(sent) == 1:
            with store.writing() as session:
                session.execute(update(OutboxMessage).values(due_at=wall_now()))
            assert deliver(store, LOOPBACK) == 3
        return ""

    monkeypatch.setattr(delivery, "send_message", send)
    add_webhook(store, "admin", "http://127.0.0.1:9/x", [EVENT], LOOPBACK)
    for text in "abc":
        announce_one(store, text)
    deliver(store, LOOPBACK)
    assert sent == ["a", "a", "b", "c"]
    assert [(attempts, arrived) for attempts, _, arrived in waiting(store)] == [(1, True)] * 3


def test_those_behind_one_that_failed_are_nobodys(store: Store) -> None:
    answers = [says(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")]
    with receiver(lambda one: (answers.pop(0) if answers else says(OK))(one)) as (url, heard):
        add_webhook(store, "admin", url, [EVENT], LOOPBACK)
        for text in "ab":
            announce_one(store, text)
        (turn,) = ReceiverQueues(store, LOOPBACK).serve_turn()
        assert turn.result(timeout=GIVEN_UP) == 0 and waiting(store) == [(1, False, False), (0, True, False)]
        with store.writing() as session:
            session.execute(update(OutboxMessage).values(due_at=wall_now()))
        (turn,) = ReceiverQueues(store, LOOPBACK).serve_turn()
        assert turn.result(timeout=GIVEN_UP) == 2 and len(heard) == 3


def test_messages_of_a_removed_webhook_go(store: Store) -> None:
    hook = add_webhook(store, "admin", "http://127.0.0.1:9/x", [EVENT], LOOPBACK)
    announce_one(store, "delivered")
    with store.writing() as session:
        session.execute(update(OutboxMessage).values(delivered_at=wall_now()))
    announce_one(store, "late")
    with store.writing() as session:  # removed by a transaction that does not see the message yet
        session.execute(update(Webhook).values(active=False))
    queues = ReceiverQueues(store, LOOPBACK)
    (turn,) = queues.serve_turn()
    assert turn.result(timeout=GIVEN_UP) == 0 and hook["id"]
    with store.reading() as session:
        assert [row.payload["lead_id"] for row in session.scalars(select(OutboxMessage))] == ["delivered"]
    assert queues.serve_turn() == []
