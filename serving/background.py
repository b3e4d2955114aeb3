"""What runs behind the requests: the watcher of the champion, and what pages show beside the scores."""

import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from features.errors import LeadScoreError
from serving.leads.uploads import work_off
from serving.logs import logger
from serving.metrics import Metrics
from serving.problems import places_of
from serving.results.run_results import lifecycle_found
from serving.state.app_state import Desk
from serving.webhooks.outbox import deliver
from serving.webhooks.state_changes import tell_states

_DELIVER_SECONDS = 1.0
_UPLOAD_SECONDS = 0.5


class Background:
    """Threads that end with the application."""

    def __init__(self, desk: Desk, metrics: Metrics) -> None:
        self.desk, self.metrics = desk, metrics
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads, unless the settings say not to."""
        if self.desk.settings.background:
            self._run("watch", self.watch, self.desk.settings.watch_seconds)
            if self.desk.settings.bundle == "registry":
                self._run("registry", self.follow, self.desk.settings.registry_seconds)
            self._run("webhooks", lambda: deliver(self.desk.store), _DELIVER_SECONDS)
            self._run("uploads", lambda: work_off(self.desk), _UPLOAD_SECONDS)
            if self.desk.ready:
                self._once("prepare", self.prepare)

    def stop(self) -> None:
        """End the threads."""
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def watch(self) -> None:
        """One look at the champion's pointer and the data."""
        before = self.desk.state if self.desk.ready else None
        if self.desk.refresh():
            self.metrics.swaps.inc()
            if before is not None:
                tell_states(self.desk, before)
            self._once("prepare", self.prepare)  # beside the watch: the next promotion is not to wait for it

    def follow(self) -> None:
        """One look at the registry's alias; the watch takes up what it moved."""
        from serving.state.registry_follower import follow

        follow(self.desk)

    def prepare(self) -> None:
        """Work out what pages show beside the scores, so that nobody waits for it at the first opening."""
        self.desk.compare_with_last_week()
        if not self.desk.state.data.flat:
            lifecycle_found(self.desk)

    def _run(self, name: str, step: Callable[[], object], seconds: float) -> None:
        def loop() -> None:
            while not self._over.wait(seconds):
                _try(name, step)

        self._start(name, loop)

    def _once(self, name: str, step: Callable[[], object]) -> None:
        self._start(name, lambda: _try(name, step))

    def _start(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=f"leadscore-{name}", daemon=True)
        thread.start()
        self._threads = [*(t for t in self._threads if t.is_alive()), thread]


def _try(name: str, step: Callable[[], object]) -> None:
    """A step that fails is logged and tried again at its next turn."""
    try:
        step()
    except (LeadScoreError, SQLAlchemyError, OSError) as problem:
        logger().warning("background step failed", step=name, kind=type(problem).__name__)
    except Exception as problem:  # a fault of ours must not end the thread: nobody would see that it is gone
        logger().error("background step failed", step=name, kind=type(problem).__name__, places=places_of(problem))
