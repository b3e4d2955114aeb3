"""Requests that end at a moment, however slowly their answer drips."""

import http.client
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def deadline_of(sock: socket.socket, until: float) -> Iterator[None]:
    """End a connection at a moment of the monotonic clock: a timeout of the socket starts anew with each byte."""
    timer = _end_at(sock, until)
    try:
        yield
    finally:
        timer.cancel()


def _end_at(sock: socket.socket, until: float) -> threading.Timer:
    def end() -> None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already

    timer = threading.Timer(max(0.1, until - time.monotonic()), end)
    timer.daemon = True
    timer.start()
    return timer


def _refuse_late(until: float) -> None:
    if time.monotonic() >= until:
        raise TimeoutError


class _RefuseRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the credentials are for the declared server alone."""

    def redirect_request(self, *_: Any) -> None:
        """None: the redirect is an answer like others."""


class _TimedHandler(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """Opens connections that end at a moment; proxies of the environment are used as ever."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self.until = until
        self.timers: list[threading.Timer] = []

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """A request without TLS."""
        return self.do_open(self._kind(http.client.HTTPConnection), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """A request with TLS."""
        return self.do_open(self._kind(http.client.HTTPSConnection), req)

    def _kind(self, kind: type[http.client.HTTPConnection]) -> Any:
        handler = self

        class Timed(kind):  # type: ignore[valid-type,misc]
            def connect(self) -> None:
                super().connect()
                handler.timers.append(_end_at(self.sock, handler.until))

        return Timed


@contextmanager
def open_within(request: urllib.request.Request, seconds: float) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request, to be read within the block; after so many seconds from now its connection ends.

    Raises
    ------
    urllib.error.HTTPError : a status that is no success; a redirect is one, none is followed
    TimeoutError : the time is over
    OSError, http.client.HTTPException : as of ``urllib.request``
    """
    until = time.monotonic() + seconds
    handler = _TimedHandler(until)
    try:
        opener = urllib.request.build_opener(_RefuseRedirects, handler)
        with opener.open(request, timeout=seconds) as answer:
            _refuse_late(until)  # a head that was cut off reads like a short one
            yield answer
            _refuse_late(until)
    except (OSError, http.client.HTTPException, ValueError) as problem:
        if time.monotonic() >= until:
            raise TimeoutError from problem
        raise
    finally:
        for timer in handler.timers:
            timer.cancel()
