"""Receivers of webhooks: what one of them does never delays or loses another's messages."""

import ipaddress
import itertools
import socket
import sqlite3
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from serving.store.engine import Store, open_store
from serving.store.tables import OutboxMessage
from serving.store.wall_clock import wall_now
from serving.webhooks import delivery
from serving.webhooks.delivery import ReceiverQueues, deliver
from serving.webhooks.outbox import (
    ATTEMPTS,
    add_webhook,
    announce,
    list_dead_letters,
    list_webhooks,
    remove_webhook,
    replay_dead_letters,
)

EVENT = "lead.feedback"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
GIVEN_UP = 60.0  # seconds: nothing takes as long but what is broken
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(None, tmp_path)
    yield opened
    opened.close()


@contextmanager
def receiver(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A raw receiver: reads one request a connection and answers as told."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    heard.append(_read_request(connection))
                    answer(connection)
                except OSError:
                    continue

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/x", heard
    listener.close()


def _read_request(connection: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65_536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return body


def says(content: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(content)


def drip(connection: socket.socket) -> None:
    for byte in OK * 50:
        connection.sendall(bytes([byte]))
        time.sleep(0.1)


def announce_one(store: Store, text: str = "x") -> None:
    with store.writing() as session:
        announce(session, EVENT, {"lead_id": text})


def errors_of(store: Store) -> list[tuple[int, int, str]]:
    with store.reading() as session:
        rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
        return [(row.webhook_id, row.attempts, row.last_error) for row in rows]


@pytest.mark.parametrize(
    "content",
    [b"", b"hello\r\n\r\n", b"HTTP/9.9 abc\r\n\r\n", b"\x00\xff" * 500, b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500],
    ids=["nothing", "no-status", "odd-status", "binary", "too-many-headers"],
)
def test_nonsense_counts_as_an_attempt_and_others_are_served(store: Store, content: bytes) -> None:
    with receiver(says(content)) as (bad, _), receiver(says(OK)) as (good, heard):
        for url in (bad, good):
            add_webhook(store, "admin", url, [EVENT], LOOPBACK)
        announce_one(store)
        assert deliver(store, LOOPBACK) == 1
    (_, attempts, error), (_, _, fine) = errors_of(store)
    assert (attempts, fine, len(heard)) == (1, "", 1)
    assert error


def held(open_gate: threading.Event) -> Callable[[socket.socket], None]:
    """A receiver that answers once it is let."""

    def answer(connection: socket.socket) -> None:
        open_gate.wait(GIVEN_UP)
        connection.sendall(OK)

    return answer


def test_a_dripping_receiver_is_cut_off(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "SECONDS", 0.4)
    with receiver(drip) as (slow, _):
        add_webhook(store, "admin", slow, [EVENT], LOOPBACK)
        announce_one(store)
        assert deliver(store, LOOPBACK) == 0
    assert errors_of(store)[0][1] == 1 and errors_of(store)[0][2]


def test_a_slow_receiver_delays_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "SECONDS", 2 * GIVEN_UP)
    gate = threading.Event()
    with receiver(held(gate)) as (slow, _), receiver(says(OK)) as (good, heard):
        for url in (slow, good):
            add_webhook(store, "admin", url, [EVENT], LOOPBACK)
        queues = ReceiverQueues(store, LOOPBACK)
        announce_one(store, "first")
        turns = queues.serve_turn()
        assert turns[1].result(timeout=GIVEN_UP) == 1
        announce_one(store, "second")
        (again,) = queues.serve_turn()
        assert again.result(timeout=GIVEN_UP) == 1 and len(heard) == 2
        assert not turns[0].done(), "the good receiver had to wait for the slow one"
        gate.set()
        assert turns[0].result(timeout=GIVEN_UP) == 1
        queues.close()


@pytest.fixture
def look_up(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what every name stands for."""

    def answer(addresses: list[str]) -> None:
        def found(_: str, port: int, *__: Any, **___: Any) -> list[tuple[Any, ...]]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", found)

    return answer


def test_deliveries_behind_a_lock_leave_the_connections_to_requests(store: Store, tmp_path: Path) -> None:
    count = 24  # more than the store has connections
    with receiver(says(OK)) as (url, heard):
        for number in range(count):
            add_webhook(store, "admin", f"{url}/{number}", [EVENT], LOOPBACK)
        announce_one(store)
        queues = ReceiverQueues(store, LOOPBACK)
        holder = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        turns = queues.serve_turn()
        until = time.monotonic() + GIVEN_UP
        while store.engine.pool.checkedout() < delivery.SESSIONS:  # type: ignore[attr-defined]
            assert time.monotonic() < until, "nobody waits for the lock"
            time.sleep(0.01)
        with store.reading() as session:
            assert len(session.scalars(select(OutboxMessage)).all()) == count
            assert heard == [], "sent what could not be marked as delivered"
            assert store.engine.pool.checkedout() <= delivery.SESSIONS + 1, "the deliveries' and this one"  # type: ignore[attr-defined]
        holder.execute("ROLLBACK")
        holder.close()
        assert sum(turn.result(timeout=60) for turn in turns) == count
        queues.close()


def test_receivers_that_failed_before_take_no_places_of_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "SECONDS", 2 * GIVEN_UP)
    monkeypatch.setattr(delivery, "_RECEIVERS", 1)
    gate = threading.Event()
    answers = [says(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"), held(gate)]
    with (
        receiver(lambda one: answers.pop(0)(one) if answers else None) as (slow, _),
        receiver(says(OK)) as (good, heard),
    ):
        add_webhook(store, "admin", slow, [EVENT], LOOPBACK)
        announce_one(store)
        assert deliver(store, LOOPBACK) == 0
        with store.writing() as session:
            session.execute(update(OutboxMessage).values(due_at=wall_now()))
        add_webhook(store, "admin", good, [EVENT], LOOPBACK)
        announce_one(store)
        queues = ReceiverQueues(store, LOOPBACK)
        slow_turn, good_turn = queues.serve_turn()
        assert good_turn.result(timeout=GIVEN_UP) == 1 and len(heard) == 1
        assert not slow_turn.done(), "the good receiver had to wait for one that is known to fail"
        gate.set()
        queues.close()


def test_the_lookup_of_a_name_counts_into_the_time_of_a_delivery(
    store: Store, monkeypatch: pytest.MonkeyPatch, look_up: Callable[..., None]
) -> None:
    over, found = threading.Event(), list[str]()

    def never(*_: Any, **__: Any) -> list[Any]:
        over.wait(GIVEN_UP)
        found.append("too late")
        raise socket.gaierror

    monkeypatch.setattr(delivery, "SECONDS", 0.3)
    look_up(["127.0.0.1"])
    add_webhook(store, "admin", "https://crm.example/x", [EVENT], LOOPBACK)
    announce_one(store)
    monkeypatch.setattr(socket, "getaddrinfo", never)
    assert deliver(store, LOOPBACK) == 0 and not found, "the name server was waited for"
    assert errors_of(store)[0][2] == "TimeoutError"
    over.set()


def test_many_silent_addresses_of_a_name_share_the_time_of_a_delivery(
    store: Store, monkeypatch: pytest.MonkeyPatch, look_up: Callable[..., None]
) -> None:
    waited: list[float] = []

    def silent(_: Any, timeout: float) -> socket.socket:
        waited.append(timeout)
        time.sleep(timeout / 2)
        raise TimeoutError

    monkeypatch.setattr(delivery, "SECONDS", 0.3)
    monkeypatch.setattr(socket, "create_connection", silent)
    look_up([f"127.0.0.{n}" for n in range(1, 81)])
    add_webhook(store, "admin", "https://crm.example/x", [EVENT], LOOPBACK)
    announce_one(store)
    assert deliver(store, LOOPBACK) == 0
    assert len(waited) > 1 and all(after <= before / 2 for before, after in itertools.pairwise(waited))


def test_a_silent_handshake_has_what_the_connection_left_of_the_time(
    store: Store, monkeypatch: pytest.MonkeyPatch, look_up: Callable[..., None]
) -> None:
    connect = socket.create_connection

    def slow(address: tuple[str, int], timeout: float) -> socket.socket:
        time.sleep(0.5)
        return connect(address, timeout)

    class Watched(ssl.SSLContext):
        def wrap_socket(self, sock: socket.socket, *given: Any, **more: Any) -> ssl.SSLSocket:
            patience.append(sock.gettimeout())
            return super().wrap_socket(sock, *given, **more)

    patience: list[float | None] = []
    monkeypatch.setattr(delivery, "SECONDS", 1.0)
    monkeypatch.setattr(socket, "create_connection", slow)
    monkeypatch.setattr(ssl, "create_default_context", lambda: Watched(ssl.PROTOCOL_TLS_CLIENT))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        look_up(["127.0.0.1"])
        add_webhook(store, "admin", f"https://crm.example:{listener.getsockname()[1]}/x", [EVENT], LOOPBACK)
        announce_one(store)
        assert deliver(store, LOOPBACK) == 0
    assert errors_of(store)[0][2] == "TimeoutError"
    assert len(patience) == 1 and patience[0] is not None and patience[0] <= 0.5, "of the second half was left"


def test_a_failing_receiver_keeps_its_order_a_refused_message_lets_others_pass(store: Store) -> None:
    answers = [b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"]
    with receiver(lambda c: c.sendall(answers.pop(0) if answers else OK)) as (url, heard):
        add_webhook(store, "admin", url, [EVENT], LOOPBACK)
        announce_one(store, "first")
        announce_one(store, "second")
        assert deliver(store, LOOPBACK) == 0 and len(heard) == 1
        assert deliver(store, LOOPBACK) == 0 and len(heard) == 1, "the whole receiver waits"
        _make_due(store)
        assert deliver(store, LOOPBACK) == 2
        answers.append(b"HTTP/1.1 422 No\r\ncontent-length: 0\r\n\r\n")
        announce_one(store, "refused")
        announce_one(store, "after it")
        assert deliver(store, LOOPBACK) == 1
    order = [part.split(b'"lead_id": "')[1].split(b'"')[0].decode() for part in heard]
    assert order == ["first", "first", "second", "refused", "after it"]


def test_dead_letters_are_listed_and_replayed(store: Store) -> None:
    with receiver(says(OK)) as (url, heard):
        number = add_webhook(store, "admin", url, [EVENT], LOOPBACK)["id"]
        announce_one(store, "lost")
        with store.writing() as session:
            row = session.scalars(select(OutboxMessage)).one()
            row.attempts, row.last_error = ATTEMPTS, "status 503"
        assert deliver(store, LOOPBACK) == 0
        letters = list_dead_letters(store, number)
        assert [(one["data"], one["last_error"]) for one in letters] == [({"lead_id": "lost"}, "status 503")]
        assert [(one["waiting"], one["dead_letters"]) for one in list_webhooks(store)] == [(0, 1)]
        assert replay_dead_letters(store, "admin", number) == 1
        assert deliver(store, LOOPBACK) == 1 and len(heard) == 1
    assert list_dead_letters(store, number) == []


def test_a_removed_webhook_takes_its_waiting_messages_with_it(store: Store) -> None:
    number = add_webhook(store, "admin", "http://127.0.0.1:9/x", [EVENT], LOOPBACK)["id"]
    announce_one(store)
    remove_webhook(store, "admin", number)
    assert deliver(store, LOOPBACK) == 0 and errors_of(store) == []


def test_an_address_that_became_private_is_not_called(store: Store) -> None:
    with ExitStack() as stack:
        url, heard = stack.enter_context(receiver(says(OK)))
        add_webhook(store, "admin", url, [EVENT], LOOPBACK)
        announce_one(store)
        assert deliver(store) == 0 and heard == []
    assert "not declared" in errors_of(store)[0][2]


def _make_due(store: Store) -> None:
    with store.writing() as session:
        for row in session.scalars(select(OutboxMessage)):
            row.due_at = wall_now() - timedelta(seconds=1)
