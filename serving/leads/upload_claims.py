"""Which server an upload belongs to while it is scored: several may share the store and the folder of uploads."""

import hashlib
import secrets
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipelines.workspace.left_overs import is_alive, process_mark
from serving.state.app_state import AppState
from serving.store.tables import Upload

_CLAIM = timedelta(seconds=60)  # renewed at half of it; the store's lock may be waited for 30 s
_SEPARATOR = "/"


class UploadClaims:
    """The uploads that one queue of one process has taken.

    A claim ends with the upload, with its process where that can be seen (on the same machine), or after a minute
    without renewal.
    """

    def __init__(self) -> None:
        self._host, self._process = name_machine(), process_mark()
        self._prefix = _SEPARATOR.join((self._host, self._process, secrets.token_hex(4), ""))

    def take(self, row: Upload, now: datetime) -> None:
        """Make an upload this queue's; ``taken_by`` names the queue and this one take of it."""
        row.status, row.taken_by, row.taken_until = "scoring", self._prefix + secrets.token_hex(4), now + _CLAIM

    def renew(self, session: Session, running: Collection[str], now: datetime) -> None:
        """Keep what runs here."""
        due = Upload.id.in_(running) & Upload.taken_by.startswith(self._prefix, autoescape=True)
        due &= Upload.taken_until < now + _CLAIM / 2
        session.execute(update(Upload).where(due).values(taken_until=now + _CLAIM))

    def free_lost(self, session: Session, running: Collection[str], now: datetime) -> None:
        """Let what nobody scores any more wait again: of a server that is gone, or a take of ours that ended early."""
        for row in session.scalars(select(Upload).where(Upload.status == "scoring", Upload.id.not_in(running))):
            if self._is_lost(row, now):
                row.status = "waiting"

    def _is_lost(self, row: Upload, now: datetime) -> bool:
        if row.taken_by is None or row.taken_until is None or row.taken_by.startswith(self._prefix):
            return True
        host, process, *_ = row.taken_by.split(_SEPARATOR)
        return row.taken_until < now or (host == self._host and not is_alive(process))


def name_machine() -> str:
    """A name that those share who see each other's processes: containers and copies of a machine may have one hostname.

    Where the system does not tell them apart, a name that nobody else has: a claim then ends a minute later.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        parts = boot, str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        parts = secrets.token_hex(16), ""
    return f"{socket.gethostname()[:100]}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"


def name_take(row: Upload) -> str:
    """A name for this take of an upload, which no other take has."""
    return str(row.taken_by).rpartition(_SEPARATOR)[2]


@contextmanager
def hold_taken(app_state: AppState, row: Upload) -> Iterator[bool]:
    """Whether an upload is still ours, and nobody else can take it up until the end."""
    with app_state.store.writing() as session:
        yield _write_taken(session, row, status=row.status)


def update_taken(app_state: AppState, row: Upload, **values: object) -> bool:
    """Write progress of an upload; False where it is not ours any more: removed, or taken up by another server."""
    with app_state.store.writing() as session:
        return _write_taken(session, row, **values)


def _write_taken(session: Session, row: Upload, **values: object) -> bool:
    ours = (Upload.id == row.id) & (Upload.taken_by == row.taken_by) & (Upload.status == "scoring")
    return session.execute(update(Upload).where(ours).values(**values)).rowcount > 0  # type: ignore[attr-defined]
