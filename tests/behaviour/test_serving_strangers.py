"""Requests of strangers: counted by address, their bodies not read, their half-open connections ended."""

import asyncio
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from serving.app import create_app
from serving.http import bodies
from serving.http.patience import PatientProtocol
from tests.reference.serving import client_for, key_for, settings_for


def test_invented_keys_and_forwarded_addresses_do_not_escape_the_limit(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path, rate_per_second=0.001, rate_burst=5) as client:
        known = key_for(client, "read")
        told = [
            client.get(
                "/v1/worklist", headers={"authorization": f"Bearer lsk_{n:040d}", "x-forwarded-for": f"9.9.9.{n}"}
            ).status_code
            for n in range(9)
        ]
        assert told == [401] * 5 + [429] * 4
        client.app.state.callers.look_up(known["authorization"].removeprefix("Bearer "))
        assert client.get("/v1/worklist", headers=known).status_code == 200, "a valid key has a bucket of its own"


def test_a_forwarded_address_before_the_proxys_own_line_is_not_believed(tmp_path: Path, tiny_demo: Any) -> None:
    app = create_app(settings_for(tiny_demo, tmp_path, rate_per_second=0.001, rate_burst=3, proxies=("10.0.0.0/24",)))
    with TestClient(app, base_url="http://127.0.0.1:8000", client=("10.0.0.2", 1)) as client:
        told = [
            client.get("/healthz", headers=[("x-forwarded-for", f"9.9.9.{n}"), ("x-forwarded-for", "203.0.113.9")])
            for n in range(4)
        ]
        other = client.get("/healthz", headers=[("x-forwarded-for", "9.9.9.9"), ("x-forwarded-for", "203.0.113.10")])
    assert [answer.status_code for answer in (*told, other)] == [200] * 3 + [429, 200]


def test_a_stranger_s_large_body_is_not_read(tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    original = bodies.spooled_body
    monkeypatch.setattr("serving.middleware.spooled_body", lambda *a: (read.append(1), original(*a))[1])
    with client_for(tiny_demo, tmp_path) as client:
        good = key_for(client, "score")
        large = {"file": ("l.csv", "Lead ID\n" + "L1\n" * 50_000)}
        assert client.post("/v1/uploads", files=large).status_code == 401 and not read
        bad = {"authorization": "Bearer lsk_wrong"}
        assert client.post("/v1/uploads", files=large, headers=bad).status_code == 401 and not read
        chunks = iter([b"x" * 70_000])
        assert client.post("/v1/uploads", content=chunks, headers=bad).status_code == 401 and not read
        assert client.post("/v1/uploads", files=large, headers=good).status_code == 202 and read


def test_a_large_body_takes_no_memory_of_its_size() -> None:
    pieces, piece = 1_024, b"x" * (1 << 15)
    left = iter(range(pieces))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": piece, "more_body": next(left) < pieces - 1}

    async def pass_on() -> int:
        seen, more = 0, True
        async with bodies.spooled_body(Request({"type": "http", "headers": []}), receive, 1 << 30) as replay:
            while more:
                message = await replay()
                seen, more = seen + len(message["body"]), message["more_body"]
        return seen

    tracemalloc.start()
    try:
        assert asyncio.run(pass_on()) == pieces * len(piece) == 32 << 20
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()


def test_a_large_body_arrives_whole(tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "IN_MEMORY", 1000)
    content = "Lead ID\n" + "".join(f"L{n}\n" for n in range(60_000))
    with client_for(tiny_demo, tmp_path) as client:
        sent = client.post("/v1/uploads", files={"file": ("l.csv", content)})
        kept = tmp_path / "uploads" / sent.json()["id"] / "input.csv"
        assert kept.read_text(encoding="utf-8") == content


@contextmanager
def running(config: uvicorn.Config) -> Iterator[int]:
    """A server in a thread; its port."""
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(timeout=10)


@contextmanager
def patient_server(seconds: float) -> Iterator[int]:
    """A server on a free port whose patience is short."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            assert b"x-behind" not in dict(scope["headers"])
            await asyncio.sleep(3 * seconds if scope["path"] == "/slow" else 0)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})

    protocol = type("Protocol", (PatientProtocol,), {"seconds": seconds, "linger_seconds": 0.3})
    config = uvicorn.Config(app, port=0, http=protocol, log_level="critical", lifespan="off")
    with running(config) as port:
        yield port


def _ends(sent: list[bytes], port: int, pause: float) -> tuple[bytes, float]:
    """What comes back until the server ends the connection, and after how many seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        begun = time.monotonic()
        got = b""
        try:
            for part in sent:
                connection.sendall(part)
                time.sleep(pause)
            while piece := connection.recv(1000):
                got += piece
        except ConnectionError:
            pass
        return got, time.monotonic() - begun


def test_half_heads_and_silence_are_ended_slow_answers_are_not() -> None:
    with patient_server(0.5) as port:
        assert _ends([b""], port, 0)[1] < 5
        got, seconds = _ends([b"GET / HTTP/1.1\r\nhost: x\r\n"], port, 0)
        assert got == b"" and seconds < 5
        drips = [b"GET / HTTP/1.1\r\n", *[f"a{n}: b\r\n".encode() for n in range(20)]]
        got, seconds = _ends(drips, port, 0.1)
        assert got == b""
        whole = b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        assert _ends([whole], port, 0)[0].endswith(b"ok")
        twice = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
        got, _ = _ends([twice, twice, b"GET / HTTP/1.1\r\n"], port, 0.2)
        assert got.count(b"HTTP/1.1 200") == 2


_LINE, _HOST = b"GET / HTTP/1.1\r\n", b"host: x\r\n"
_CHUNKED = b"POST /slow HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"


HEADS: list[tuple[list[bytes], bytes]] = [
    ([_LINE, _HOST, b"x: ", b"a" * 30_000, b"\r\nconnection: close\r\n\r\n"], b" 200 "),
    ([_LINE, _HOST, b"x: ", b"a" * 70_000, b"\r\n\r\n"], b" 431 "),
    ([_LINE, _HOST, *[b"x: %d\r\n" % n for n in range(300)], b"\r\n"], b" 431 "),
    ([_LINE, _HOST, *[b"x: " + b"a" * 1_000 + b"\r\n" for _ in range(80)]], b" 431 "),
    ([b"GET /?", *[b"a" * 10_000] * 8, b" HTTP/1.1\r\n", _HOST, b"\r\n"], b" 431 "),
    ([_LINE, _HOST, b"x: ", *[b"a" * 10_000] * 30], b" 431 "),
    ([_LINE, _HOST, *[b"a" * 50_000] * 10], b" 431 "),
    ([_CHUNKED, b"0\r\nx: ", *[b"a" * 10_000] * 30], b""),
    ([_CHUNKED, b"0\r\n", *[b"x: %d\r\n" % n for n in range(300)]], b""),
    ([_CHUNKED, b"2;", *[b"a" * 10_000] * 30], b""),
    (
        [_CHUNKED.replace(b"/slow", b"/"), b"0\r\nx-behind: 1\r\n\r\n", _LINE, _HOST, b"connection: close\r\n\r\n"],
        b" 200 ",
    ),
]


def test_a_head_without_an_end_is_refused_and_no_field_behind_a_body_becomes_a_header() -> None:
    with patient_server(1.0) as port:
        for head, answer in HEADS:
            got, _ = _ends(head, port, 0)
            assert answer in got.split(b"\r\n", 1)[0] and (answer or not got), (head[:4], got)


def test_no_web_socket_is_opened(monkeypatch: pytest.MonkeyPatch, cli: Callable[..., tuple[int, str, str]]) -> None:
    """Served as ``leadscore serve`` does: the handshake is answered like any other request."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda *_, **options: given.update(options))
    for name in ("SOURCE", "DATA_DIR", "HOST"):
        monkeypatch.setenv(f"LEADSCORE_SERVE_{name}", "x")  # the command sets them: put back after the test
    assert cli("serve", "--source", "demo")[0] == 0
    assert given["ws"] == "none", "a library for them, once installed beside leadscore, would open them"
    assert given["http"].seconds == 15.0, "as docs/serving.md says of half a head"
    kinds: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        kinds.append(scope["type"])
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(app, port=0, lifespan="off", http=given["http"], ws=given["ws"], log_level="critical")
    with running(config) as port, socket.create_connection(("127.0.0.1", port), timeout=20) as asking:
        asking.sendall(
            b"GET /v1/worklist HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert asking.recv(65_536).startswith(b"HTTP/1.1 404 ")
    assert kinds == ["http"]
