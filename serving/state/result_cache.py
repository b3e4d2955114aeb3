"""The server's one way to keep what is slow to work out: until the files it was worked out from change."""

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")


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

    def get(self, name: str, stamp: Hashable, compute: Callable[[], T]) -> T:
        """The result under a name; ``compute`` is called if there is none for this stamp, and what it raises passes."""
        with self._lock:
            lock = self._locks[name]
        with lock:
            kept = self._results.get(name)
            if kept is None or kept[0] != stamp:
                kept = self._results[name] = stamp, compute()
            return cast(T, kept[1])
