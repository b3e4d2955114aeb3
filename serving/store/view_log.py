"""Who saw what: noted in memory by each request, written to the audit trail once a second.

A view must not wait for the disk, and a disk that is full must not forbid reading. What a killed server had not written
yet, at most the views of its last second, is lost; what people change is written with the change itself.
"""

import threading

from sqlalchemy.exc import SQLAlchemyError

from serving.logs import logger
from serving.store.audit_trail import AuditEntry, append_entries
from serving.store.engine import Store

_MOST_WAITING = 100_000  # entries while the store cannot be written to: 30 MB
_WRITTEN_AT_ONCE = 5_000  # so that nobody who changes something waits long for the trail


class ViewLog:
    """Views waiting to be written."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lost = 0
        self._waiting: list[AuditEntry] = []
        self._lock = threading.Lock()

    def note(self, entry: AuditEntry) -> None:
        """Remember a view."""
        with self._lock:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append(entry)
            else:
                self.lost += 1

    def flush(self) -> int:
        """Write what waits; what cannot be written waits on. Returns how many were written."""
        with self._lock:
            entries, self._waiting = self._waiting[:_WRITTEN_AT_ONCE], self._waiting[_WRITTEN_AT_ONCE:]
        if not entries:
            return 0
        try:
            with self.store.writing() as session:
                append_entries(session, entries)
        except SQLAlchemyError as problem:
            with self._lock:
                self._waiting = [*entries, *self._waiting]
            logger().error("views not written", kind=type(problem).__name__, waiting=len(entries), lost=self.lost)
            return 0
        return len(entries)

    def close(self) -> None:
        """Write everything that can be written."""
        while self.flush():
            pass
