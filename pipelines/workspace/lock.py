"""One writer per source and data directory: a second run does not wait, it names the busy process and stops."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.errors import ExitStatus, LeadScoreError
from pipelines.workspace.paths import Paths
from pipelines.workspace.private_files import create_private, make_folder


class BusyError(LeadScoreError):
    """Another process writes to the same source in the same data directory."""

    code = "LS020"
    exit_status = ExitStatus.BUSY


@contextmanager
def only_writer(paths: Paths) -> Iterator[None]:
    """Hold the source's lock; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    BusyError
        if another process holds it.
    """
    made = [p for p in (paths.data_dir, paths.root) if not p.exists()]
    make_folder(paths.root)

    file = paths.root / ".lock"
    create_private(file)
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            lock.seek(0)
            raise BusyError(
                f"process {lock.read().strip() or '(unknown)'} is working on source '{paths.source}' in "
                f"{paths.data_dir}. Wait for it, or use another --data-dir."
            ) from problem

        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            _remove_if_empty(file, made)


def _remove_if_empty(file: Path, made: list[Path]) -> None:
    """Take the lock file and new folders away again where nothing else was written; else the file stays, unlocked."""
    if [path.name for path in file.parent.iterdir()] == [file.name]:
        file.unlink()
    for folder in reversed(made):
        if not any(folder.iterdir()):
            folder.rmdir()
