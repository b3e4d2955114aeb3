"""What was read last, kept: what it builds on first use is then there when it is read again."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class LastRead(Generic[T]):
    """The values read last, by a key that tells everything they were read from; safe between threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of a key, made where it is not among those read last; nothing that fails is kept."""
        with self._lock:
            found = self._kept.get(key)
        found = make() if found is None else found
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found
