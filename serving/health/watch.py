"""What the last look found: requests about the server's health read it, and never wait for the store themselves."""

import threading
import time
from dataclasses import dataclass, replace

import anyio
import anyio.to_thread

from serving.health.checks import StoreLook, find_problems
from serving.state.app_state import AppState

LOOK_SECONDS = 5.0  # between looks
_PATIENCE_SECONDS = 0.3  # of a request that comes before the first look: it is answered by what was known before
_ALONE_SECONDS = 5.0  # the same, where nothing looks behind the requests


@dataclass(frozen=True)
class Found:
    """Whether the store answers, and what is wrong, in sentences; ``at`` is in seconds of ``time.monotonic``."""

    store: bool
    problems: tuple[str, ...]
    at: float


class HealthWatch:
    """Looks one at a time, in a thread of its own."""

    def __init__(self, app_state: AppState) -> None:
        self.app_state = app_state
        self.found = Found(store=True, problems=(), at=float("-inf"))
        self._look = StoreLook(app_state.store, None if app_state.settings.oidc.on else app_state.folder)
        self._one = threading.Lock()

    def look(self) -> None:
        """Look now, unless somebody is looking."""
        if not self._one.acquire(blocking=False):
            return
        try:
            answers, closed = self._look.problem()
            others, damaged = [closed, *find_problems(self.app_state)], self.app_state.store.damaged
            self.found = Found(answers, tuple(filter(None, [damaged.describe(), *others])), time.monotonic())
            damaged.look_in_turn()  # which may take longer than the rest, and wait for a connection
            self.found = replace(self.found, problems=tuple(filter(None, [damaged.describe(), *others])))
        finally:
            self._one.release()

    async def recent(self) -> Found:
        """The last look; if none was made for two rounds, one is made, and hardly waited for."""
        if time.monotonic() - self.found.at > self._round:
            with anyio.move_on_after(_PATIENCE_SECONDS if self.app_state.settings.background else _ALONE_SECONDS):
                limiter = anyio.CapacityLimiter(1)  # its own: the threads of requests may all be waiting for a writer
                await anyio.to_thread.run_sync(self.look, abandon_on_cancel=True, limiter=limiter)
        return self.found

    @property
    def _round(self) -> float:
        return 2 * LOOK_SECONDS if self.app_state.settings.background else 0.0
