"""Who saw what: noted in memory by each request, written to the audit trail once a second.

A view must not wait for the disk, and a disk that is full must not forbid reading. What a killed server had not written
yet, at most the views of its last second, is lost; what people change is written with the change itself.
"""

import threading
from collections import Counter
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from serving.logs import logger
from serving.store.audit_trail import AuditEntry, append_entries
from serving.store.engine import Store
from serving.store.wall_clock import wall_now

_MOST_WAITING = 300_000  # entries, and leads named in them, while the store cannot be written to: 100 MB
_WRITTEN_AT_ONCE = 5_000  # so that nobody who changes something waits long for the trail
REFUSED = "signed.refused"


class ViewLog:
    """Views waiting to be written, and how often somebody was not let in."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lost = 0
        self._waiting: list[AuditEntry] = []
        self._weight = 0
        self._refused: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, entries: Sequence[AuditEntry]) -> None:
        """Remember what a request showed."""
        weight = sum(map(_weight_of, entries))
        with self._lock:
            if self._weight + weight <= _MOST_WAITING:
                self._waiting += entries
                self._weight += weight
            else:
                self.lost += len(entries)

    def note_refused(self, way: str) -> None:
        """Remember that somebody was not let in, by a key or by the provider; what they tried is kept nowhere.

        Those of one second are one entry: whoever tries keys by the thousand fills no trail.
        """
        with self._lock:
            self._refused[way] += 1

    def flush(self) -> int:
        """Write what waits; what cannot be written waits on. Returns how many were written."""
        with self._lock:
            refused, self._refused = self._refused, Counter()
            self._waiting += [_refused_entry(way, times) for way, times in refused.items()]
            self._weight += len(refused)
            entries, self._waiting = self._waiting[:_WRITTEN_AT_ONCE], self._waiting[_WRITTEN_AT_ONCE:]
            self._weight -= sum(map(_weight_of, entries))
        if not entries:
            return 0
        try:
            with self.store.writing() as session:
                append_entries(session, entries)
        except SQLAlchemyError as problem:
            with self._lock:
                self._waiting = [*entries, *self._waiting]
                self._weight += sum(map(_weight_of, entries))
            logger().error("views not written", kind=type(problem).__name__, waiting=len(entries), lost=self.lost)
            return 0
        return len(entries)

    def close(self) -> None:
        """Write everything that can be written."""
        while self.flush():
            pass


def _weight_of(entry: AuditEntry) -> int:
    return 1 + len(entry.detail.get("leads", ()))


def _refused_entry(way: str, times: int) -> AuditEntry:
    return AuditEntry(actor="nobody", action=REFUSED, subject=way, detail={"times": times}, at=wall_now())
