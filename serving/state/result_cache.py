"""The server's one way to keep what is slow to work out: until the files it was worked out from change."""

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillUnderway
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar, cast

from features.errors import LeadScoreError

T = TypeVar("T")
_PATIENCE = 0.2  # seconds a request waits for what is worked out beside it: quick results need no second request


@dataclass(frozen=True)
class BesideResult(Generic[T]):
    """What is worked out beside a request: its value once it is there, or why there is none; else it is underway."""

    value: T | None = None
    problem: str = ""

    @property
    def underway(self) -> bool:
        """Whether it is still being worked out."""
        return self.value is None and not self.problem


def file_stamp(*files: Path) -> tuple[int, ...]:
    """Modification times in nanoseconds, 0 for a missing file: changes when one of the files does."""
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)


class ResultCache:
    """One result per name, worked out again when its stamp differs; requests for the same name wait for the first.

    >>> cache = ResultCache()
    >>> [cache.get("total", stamp, lambda: f"of {stamp}") for stamp in (1, 1, 2)]
    ['of 1', 'of 1', 'of 2']
    """

    def __init__(self) -> None:
        self._results: dict[str, tuple[Hashable, object]] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()
        self._beside: dict[str, tuple[Hashable, Future[object]]] = {}
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="leadscore-beside")

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
                if kept is not None:
                    kept[1].cancel()
                kept = self._beside[name] = stamp, self._worker.submit(compute)
        try:
            return BesideResult(cast(T, kept[1].result(timeout=patience)))
        except StillUnderway:
            return BesideResult()
        except LeadScoreError as problem:
            return BesideResult(problem=problem.message)

    def has(self, name: str, stamp: Hashable) -> bool:
        """Whether :meth:`get` would answer at once."""
        with self._lock:
            kept = self._results.get(name)
        return kept is not None and kept[0] == stamp

    def get(self, name: str, stamp: Hashable, compute: Callable[[], T]) -> T:
        """The result under a name; ``compute`` is called if there is none for this stamp, and what it raises passes."""
        with self._lock:
            lock = self._locks[name]
        with lock:
            kept = self._results.get(name)
            if kept is None or kept[0] != stamp:
                kept = self._results[name] = stamp, compute()
            return cast(T, kept[1])
