"""The server's patience with a connection: one that does not send a whole head of a request in time is ended."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SECONDS = 15.0  # from the connection, or from the first byte of a later request, to the end of its head


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself would wait for the rest of a head for ever."""

    seconds = SECONDS
    _ending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait for the head that this may be the beginning of."""
        if self._ending is None and (self.cycle is None or self.cycle.response_complete):
            self._wait()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is whole: from here the request's own limit counts."""
        self._calm()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._calm()
        super().connection_lost(exc)

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
