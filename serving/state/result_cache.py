"""The server's one way to keep what is slow to work out: until the files it was worked out from change."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillUnderway
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from features.errors import LeadScoreError
from serving.http.right_of_way import RightOfWay
from serving.logs import logger, traceback_places

T = TypeVar("T")
_PATIENCE = 0.2  # seconds a request waits for what is worked out beside it: quick results need no second request
_REST = 9.0  # what is renewed rests so many times as long as it took: a tenth of one processor at most


@dataclass(frozen=True)
class BesideResult(Generic[T]):
    """What is worked out beside a request: its value once it is there, or why there is none; else it is underway."""

    value: T | None = None
    problem: str = ""

    @property
    def underway(self) -> bool:
        """Whether it is still being worked out."""
        return self.value is None and not self.problem


@dataclass(frozen=True)
class KeptResult(Generic[T]):
    """A result with its stamp; ``seconds`` of the thread's processor it took, ``at`` when it was done (wall clock)."""

    stamp: Any
    value: T
    seconds: float
    at: float


def file_stamp(*files: Path) -> tuple[int, ...]:
    """Modification times in nanoseconds, 0 for a missing file: changes when one of the files does."""
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)


class ResultCache:
    """One result per name, worked out again when its stamp differs; requests for the same name wait for the first.

    What is worked out beside requests stands back for whoever has the right of way.

    >>> cache = ResultCache()
    >>> [cache.get("total", stamp, lambda: f"of {stamp}") for stamp in (1, 1, 2)]
    ['of 1', 'of 1', 'of 2']
    """

    def __init__(self, way: RightOfWay | None = None) -> None:
        self._way = way or RightOfWay()
        self._results: dict[str, KeptResult[object]] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()
        self._beside: dict[str, tuple[Hashable, Future[object]]] = {}
        self._renewed: dict[str, Future[None]] = {}
        self._not_before: dict[str, float] = {}  # of what could not be renewed: when it is tried again (wall clock)
        self._closed = False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="leadscore-beside")

    def close(self) -> None:
        """Begin nothing more beside the requests: what waits is dropped, so that the end waits for one at most."""
        with self._lock:
            self._closed = True
        self._worker.shutdown(wait=False, cancel_futures=True)

    def is_begun(self, name: str, stamp: Hashable) -> bool:
        """Whether :meth:`begin` was called for this stamp: its work goes on or is done."""
        with self._lock:
            kept = self._beside.get(name)
            return kept is not None and kept[0] == stamp

    def begin(
        self, name: str, stamp: Hashable, compute: Callable[[], T], patience: float = _PATIENCE
    ) -> BesideResult[T]:
        """The result under a name, worked out beside the request: one after the other, so that requests go on.

        The request waits ``patience`` seconds at most; a page shows what is underway and asks again. A problem that has
        words for people becomes the result; anything else passes, as from :meth:`get`.
        """
        with self._lock:
            kept = self._beside.get(name)
            if kept is None or kept[0] != stamp:
                if self._closed:
                    return BesideResult()
                if kept is not None:
                    kept[1].cancel()
                kept = self._beside[name] = stamp, self._worker.submit(self._way.work_behind, compute)
        try:
            return BesideResult(cast(T, kept[1].result(timeout=patience)))
        except (StillUnderway, CancelledError):  # cancelled: another request has begun it for what is there now
            return BesideResult()
        except LeadScoreError as problem:
            return BesideResult(problem=problem.message)
        except BaseException:
            with self._lock:
                if self._beside.get(name) == kept:
                    del self._beside[name]  # the next request tries again
            raise

    def has(self, name: str, stamp: Hashable) -> bool:
        """Whether :meth:`get` would answer at once."""
        kept = self.last(name)
        return kept is not None and kept.stamp == stamp

    def last(self, name: str) -> KeptResult[Any] | None:
        """What :meth:`get` worked out last under a name, whatever its stamp."""
        with self._lock:
            return self._results.get(name)

    def renew(self, name: str, stamp: Hashable, work: Callable[[], object]) -> None:
        """Have ``work``, which calls :meth:`get`, done beside the requests where the last result is of another stamp.

        One after the other, and not before the last one has rested: whoever acts all the time keeps nobody waiting.
        """
        kept = self.last(name)
        if kept is not None and (kept.stamp == stamp or time.time() < kept.at + _REST * kept.seconds):
            return
        if time.time() < self._not_before.get(name, 0.0):
            return
        with self._lock:
            underway = self._renewed.get(name)
            if not self._closed and (underway is None or underway.done()):
                self._renewed[name] = self._worker.submit(self._try_to_renew, name, lambda: self._way.work_behind(work))

    def _try_to_renew(self, name: str, work: Callable[[], object]) -> None:
        began = time.thread_time()
        try:
            work()
        except Exception as problem:  # the last result stays, and rests again: nobody waits for this one
            logger().error("not renewed", result=name, kind=type(problem).__name__, places=traceback_places(problem))
            self._not_before[name] = time.time() + _REST * (time.thread_time() - began)

    def get(self, name: str, stamp: Hashable, compute: Callable[[], T]) -> T:
        """The result under a name; ``compute`` is called if there is none for this stamp, and what it raises passes."""
        with self._lock:
            lock = self._locks[name]
        with lock:
            kept = self._results.get(name)
            if kept is None or kept.stamp != stamp:
                began = time.thread_time()
                value = compute()
                kept = self._results[name] = KeptResult(stamp, value, time.thread_time() - began, time.time())
            return cast(T, kept.value)
