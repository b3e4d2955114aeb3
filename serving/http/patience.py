"""The server's patience with a connection: a head that is not whole in time, or has no end, ends it."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SECONDS = 15.0  # from the connection, or from the first byte of a later request, to the end of its head
HEAD_BYTES = (
    65_536  # of a request's line and headers, or of what follows its last chunk: as h11 takes, nginx half of it
)
HEAD_LINES = 200  # headers of a request; browsers send some 20
LINGER_SECONDS = 1.0  # what still arrives is thrown away for so long: a reset would take the refusal with it
_TOO_LARGE = b"The head of this request is too large."


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself would wait for the rest of a head for ever, and keep all that comes of it."""

    seconds = SECONDS
    head_bytes = HEAD_BYTES
    linger_seconds = LINGER_SECONDS
    _ending: asyncio.TimerHandle | None = None
    _in_head = True
    _size = 0  # bytes of the head, or of the trailer fields, as far as they are taken apart
    _lines = 0
    _unparsed = 0  # bytes that came since the last piece was taken apart: of one header, or of no end
    _refused = False

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait for the head that this may be the beginning of; refuse one that has no end."""
        if self._refused:
            return
        if self._ending is None and (self.cycle is None or self.cycle.response_complete):
            self._wait()
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > self.head_bytes and not self._refused:
            self._refuse()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head, self._size, self._lines = True, 0, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the request's line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; a field behind the last chunk is none: it would stand beside those that a proxy has checked."""
        self._lines += 1
        self._count(len(name) + len(value))
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: from here the request's own limit counts."""
        self._calm()
        self._in_head, self._size, self._lines, self._unparsed = False, 0, 0, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unparsed = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say what was wrong with the head, and end the connection."""
        if not self._refused:
            super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._calm()
        super().connection_lost(exc)

    def _count(self, size: int) -> None:
        """Take note of a piece of the head; what is raised here ends the parser's work."""
        self._size += size
        self._unparsed = 0
        if self._size > self.head_bytes or self._lines > HEAD_LINES:
            self._refuse()
            raise ValueError("head too large")

    def _refuse(self) -> None:
        """End the connection; an answer that has begun is cut off, for nothing else may be said on it."""
        self._refused = True
        self._calm()
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
            return
        length = str(len(_TOO_LARGE)).encode()
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"x-content-type-options: nosniff\r\nconnection: close\r\ncontent-length: " + length + b"\r\n\r\n"
        )
        self.transport.write(_TOO_LARGE)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._ending = self.loop.call_later(self.linger_seconds, self._end)

    def _wait(self) -> None:
        self._ending = self.loop.call_later(self.seconds, self._end)

    def _calm(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None

    def _end(self) -> None:
        self._ending = None
        if not self.transport.is_closing():
            self.transport.close()
