"""What a loaded model keeps of views of leads and accounts: of a number of bytes, the last used longest."""

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

MOST_BYTES = 64 << 20
_ENTRY = 200  # bytes of a dictionary's place and of an object that holds one, beyond what is in them


@dataclass(unsafe_hash=True)
class KeptView:
    """What is shown of a lead or an account, worked out once per ``key``: all that it depends on beside the model and
    the data.
    """

    key: Hashable
    compute: Callable[[], Any] | None = field(compare=False)

    def work_out(self) -> Any:
        """What ``compute`` gives, let go of then: kept with its value, it would hold the model and the data."""
        compute, self.compute = self.compute, None
        return None if compute is None else compute()


class KeptViews:
    """Values by key, of at most some bytes together; one that is larger than an eighth of that is not kept."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self.bytes = self.hits = self.misses = 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, view: KeptView) -> Any:
        """The value of a view, worked out anew only where its key is new; by two threads at once, if both ask."""
        with self._lock:
            found = self._kept.get(view.key)
            if found is not None:
                self.hits += 1
                self._kept.move_to_end(view.key)
                return found[0]
            self.misses += 1
        value = view.work_out()
        self._keep(view.key, value, size_of(view.key) + size_of(value) + _ENTRY)
        return value

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept.clear()
            self.bytes = 0

    def _keep(self, key: Hashable, value: Any, size: int) -> None:
        if size > self.most_bytes / 8:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            self.bytes += size - (0 if before is None else before[1])
            self._kept[key] = value, size
            while self.bytes > self.most_bytes:
                self.bytes -= self._kept.popitem(last=False)[1][1]


def size_of(value: Any) -> int:
    """Bytes of a record made of mappings, sequences, sets and single values; what stands in it twice counts twice."""
    size = sys.getsizeof(value)
    if isinstance(value, Mapping):
        return size + sum(size_of(key) + size_of(one) for key, one in value.items())
    if isinstance(value, list | tuple | Set):
        return size + sum(map(size_of, value))
    return size
