"""What runs behind the requests: the watcher of the champion, and what pages show beside the scores."""

import threading
from collections.abc import Callable
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from features.errors import LeadScoreError
from serving.accounts.account_record import read_product_chances
from serving.accounts.accounts_list import AccountQuery, list_accounts
from serving.garbage import set_aside, take_back
from serving.health.watch import LOOK_SECONDS, HealthWatch
from serving.leads.feedback import find_hidden_leads
from serving.leads.retention import apply_retention
from serving.leads.upload_queue import UploadQueue
from serving.lists.one_answer_short import awaits_shortlist
from serving.logs import logger, traceback_places
from serving.metrics import Metrics
from serving.results.drift import begin_drift
from serving.results.run_results import compute_lifecycle
from serving.results.trends_beside import begin_weekly_trends
from serving.results.unfinished_moves import settle_moves
from serving.results.weekly_comparison import compare_with_last_week
from serving.state.app_state import AppState
from serving.state.worklist.worklist_query import WorklistQuery
from serving.store.view_log import ViewLog
from serving.webhooks.delivery import ReceiverQueues
from serving.webhooks.state_changes import announce_untold

_DELIVER_SECONDS = 1.0  # between looks at the outbox
_UPLOAD_SECONDS = 0.5  # between looks at the uploads: how long a small file waits
_VIEW_SECONDS = 1.0  # between writes of who saw what
_REACHABLE_SECONDS = 0.5  # from the start of the threads until the server surely listens
_YIELD_SECONDS = 0.05  # between looks at whether a promotion or a load is over
_STOP_SECONDS = 5.0  # for a thread to end; the rest end with the process


class BackgroundThreads:
    """Threads that end with the application."""

    def __init__(
        self,
        app_state: AppState,
        metrics: Metrics,
        views: ViewLog | None = None,
        health: HealthWatch | None = None,
        *,
        put_pages_together: Callable[[], object] = lambda: None,
    ) -> None:
        self.app_state, self.metrics, self.views, self.health = app_state, metrics, views, health
        self._put_pages_together = put_pages_together
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._preparing = threading.Lock()
        self._swept = (0, 0)
        self._loads = app_state.loads  # that were followed up
        self._queues: ReceiverQueues | None = None
        self._uploads: UploadQueue | None = None
        self._left_out = False  # whether this server left anything out of the search for garbage

    def start(self) -> None:
        """Start the threads, unless the settings say not to."""
        if self.app_state.settings.background:
            self._left_out = True
            self._run_once("sweep", self.sweep)
            self._repeat("watch", self.watch, self.app_state.settings.watch_seconds)
            if self.app_state.settings.bundle == "registry":
                self._repeat("registry", self.follow, self.app_state.settings.registry_seconds)
            queues = self._queues = ReceiverQueues(self.app_state.store, self.app_state.settings.networks)
            self._repeat("webhooks", queues.serve_turn, _DELIVER_SECONDS)
            if self.health is not None:
                self._run_once("health", self.health.look)
                self._repeat("health", self.health.look, LOOK_SECONDS)
            if self.views is not None:
                self._repeat("views", self.views.flush, _VIEW_SECONDS)
            self._repeat("upkeep", lambda: apply_retention(self.app_state), self.app_state.settings.upkeep_seconds)
            uploads = self._uploads = UploadQueue(self.app_state)
            self._repeat("uploads", uploads.serve_turn, _UPLOAD_SECONDS)
            if self.app_state.ready:
                self._run_once("prepare", self._prepare_once_reachable)

    def stop(self) -> None:
        """End the threads."""
        self._over.set()
        self.app_state.results.close()
        if self._queues is not None:
            self._queues.close()
        if self._uploads is not None:
            self._uploads.close()
        for thread in self._threads:
            thread.join(timeout=_STOP_SECONDS)
        if self.views is not None:
            self.views.close()
        if self._left_out:
            take_back()

    def watch(self) -> None:
        """Load a new champion or newer data, if there are any; nobody forgotten comes back with them.

        What a request loaded meanwhile is followed up, too.
        """
        self.app_state.refresh()
        loads = self.app_state.loads
        if loads != self._loads:
            self.metrics.swaps.inc(loads - self._loads)
            self._loads = loads
            self._run_once("sweep", self.sweep)
            self._run_once("prepare", self.prepare)  # beside the watch: the next promotion must not wait for it
        if self.app_state.move_untold:
            settle_moves(self.app_state)
        announce_untold(self.app_state)
        if self.app_state.ready:
            self.app_state.catch_up()  # with what other servers were told: on one that nobody reads it would grow
            self.app_state.follow_merges()

    def sweep(self) -> None:
        """Remove what was written about people while they were being forgotten."""
        stamp = self.app_state.people.stamp
        if stamp == self._swept:
            return
        # imported with the first who is forgotten: what knows people in files is felt in the server's start
        from serving.privacy.erase_store import sweep_forgotten

        if self.views is not None:
            self.views.close()  # what waits to be written speaks of them, too
        uploads, source = self.app_state.folder / "uploads", self.app_state.context.source
        sweep_forgotten(self.app_state.store, uploads, self.app_state.people.register, source)
        self._swept = stamp

    def follow(self) -> None:
        """Follow the registry's alias; the watch then loads the new champion."""
        from serving.state.registry_follower import follow

        follow(self.app_state)

    def prepare(self) -> None:
        """Work out what pages show beside the scores, so that the first reader does not wait for it.

        One state at a time: what was begun for one that is replaced ends, and whoever waits for a promotion or a load
        goes first.
        """
        app_state = self.app_state
        with self._preparing:
            number = app_state.loads
            try:
                for step in self._preparations():
                    self._give_way()
                    if self._over.is_set() or app_state.loads != number:
                        return
                    run_step("prepare", partial(app_state.way.work_behind, step))  # one that fails holds up no other
            finally:
                self._give_way()  # a search holds everybody up
                self._left_out = True
                set_aside()

    def _prepare_once_reachable(self) -> None:
        """Threads begin before the server listens: what imports and compiles would keep it from that."""
        if not self._over.wait(_REACHABLE_SECONDS):
            self.prepare()

    def _give_way(self) -> None:
        while self.app_state.way.is_held and not self._over.wait(_YIELD_SECONDS):
            pass

    def _preparations(self) -> list[Callable[[], object]]:
        app_state = self.app_state
        worklist = app_state.loaded.worklist
        steps: list[Callable[[], object]] = [app_state.keep_lines, lambda: compare_with_last_week(app_state)]
        if app_state.loads == 1:
            steps[:0] = [self._put_pages_together, app_state.warm_up]  # a start waits for neither
        if not app_state.loaded.data.flat:
            steps += [
                lambda: compute_lifecycle(app_state),
                lambda: begin_weekly_trends(app_state, find_hidden_leads(app_state.store, app_state.loaded.data)),
                lambda: awaits_shortlist(app_state),
                lambda: list_accounts(app_state, None, AccountQuery()),
                lambda: read_product_chances(app_state),
            ]
        return [
            *steps,
            lambda: worklist.count_segments(WorklistQuery(), worklist.rows.segments.choices),
            lambda: worklist.count(WorklistQuery(search="a")),
            lambda: begin_drift(app_state),
        ]

    def _repeat(self, name: str, step: Callable[[], object], seconds: float) -> None:
        def loop() -> None:
            while not self._over.wait(seconds):
                run_step(name, step)

        self._start(name, loop)

    def _run_once(self, name: str, step: Callable[[], object]) -> None:
        self._start(name, lambda: run_step(name, step))

    def _start(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=f"leadscore-{name}", daemon=True)
        thread.start()
        self._threads = [*(t for t in self._threads if t.is_alive()), thread]


def run_step(name: str, step: Callable[[], object]) -> None:
    """A step that fails is logged and tried again at its next turn."""
    try:
        step()
    except (LeadScoreError, SQLAlchemyError, OSError) as problem:
        logger().warning("background step failed", step=name, kind=type(problem).__name__)
    except Exception as problem:  # a bug must not end the thread: no one would notice
        logger().error(
            "background step failed", step=name, kind=type(problem).__name__, places=traceback_places(problem)
        )
