"""Uploads scored side by side, so that none waits for another: as many at a time as the settings say."""

import subprocess
import threading
from functools import partial

from sqlalchemy import select, update

from serving.leads.upload_claims import UploadClaims
from serving.leads.uploads import score_upload
from serving.logs import logger
from serving.state.app_state import AppState
from serving.store.engine import hold_lock
from serving.store.tables import Upload
from serving.store.wall_clock import wall_now

_STOP_SECONDS = 5.0  # for what reads and scores to end


class UploadQueue:
    """Takes waiting uploads in order of arrival; of one caller never so many that others find no reader free."""

    def __init__(self, app_state: AppState) -> None:
        self.app_state = app_state
        self._lock = threading.Lock()
        self._running: dict[str, str] = {}  # upload to its caller
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._over = threading.Event()
        self._claims = UploadClaims()

    def serve_turn(self) -> int:
        """Start what may start, and again what a killed server left half done; returns how many were started."""
        readers = self.app_state.settings.upload_readers
        with self._lock, self.app_state.store.writing() as session:
            hold_lock(session, "uploads")  # two servers must not choose the same
            now = wall_now()
            self._claims.renew(session, list(self._running), now)
            self._claims.free_lost(session, list(self._running), now)
            waiting = session.scalars(select(Upload).where(Upload.status == "waiting").order_by(Upload.created_at))
            chosen: list[Upload] = []
            busy = list(self._running.values())
            for row in waiting:
                if len(busy) >= readers:
                    break
                if busy.count(row.caller) < max(1, readers - 1):
                    self._claims.take(row, now)
                    busy.append(row.caller)
                    chosen.append(row)

        for row in chosen:  # once that is stored: a reader taken for what the store refused would never be free again
            self._running[row.id] = row.caller
            thread = threading.Thread(target=self._run, args=(row,), name="leadscore-upload", daemon=True)
            self._threads[row.id] = thread
            thread.start()
        return len(chosen)

    def close(self) -> None:
        """End the processes that read; what they read is taken up again at the next start."""
        self._over.set()
        for child in list(self._children.values()):
            child.kill()
        for thread in list(self._threads.values()):
            thread.join(timeout=_STOP_SECONDS)

    def _run(self, row: Upload) -> None:
        try:
            score_upload(self.app_state, row, partial(self._began, row.id))
            if self._over.is_set():  # its reader was ended by us
                self._wait_again(row)
        except Exception as problem:  # the store is away: the upload is taken up again at a later turn
            logger().warning("upload not scored", upload=row.id, kind=type(problem).__name__)
        finally:
            with self._lock:
                self._running.pop(row.id, None)
                self._children.pop(row.id, None)
                self._threads.pop(row.id, None)

    def _began(self, number: str, child: subprocess.Popen[bytes]) -> None:
        self._children[number] = child
        if self._over.is_set():  # a second process of an upload, begun after close() went through the first ones
            child.kill()

    def _wait_again(self, row: Upload) -> None:
        with self.app_state.store.writing() as session:
            failed = (Upload.id == row.id) & (Upload.status == "failed") & (Upload.taken_by == row.taken_by)
            session.execute(update(Upload).where(failed).values(status="waiting", error="", finished_at=None))
