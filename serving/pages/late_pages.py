"""The pages, put together when the API already answers: they are a tenth of a start."""

import threading

import anyio.to_thread
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

_LOOKED = "leadscore.pages_looked"  # in a request that was looked up before the pages were surely there


class LatePages:
    """What answers where no address is known yet: the pages, once they are there.

    A request that comes first waits for them, others do not; they are put together once.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._unknown = app.router.default
        self._lock = threading.Lock()
        self._there = False
        app.router.default = self._answer

    def put_together(self) -> None:
        """Add the pages to the application, unless they are there."""
        with self._lock:
            if not self._there:
                # here, not above: this is what a start does not wait for
                from serving.pages import views

                views.install(self._app)
                self._there = True

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/v1/") or _LOOKED in scope:
            await self._unknown(scope, receive, send)
            return
        if not self._there:
            await anyio.to_thread.run_sync(self.put_together)
        scope[_LOOKED] = True  # they may have come while the address was looked up
        await self._app.router(scope, receive, send)
