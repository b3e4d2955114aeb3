"""One writer per source and data directory: a second run does not wait, it names the busy process and stops."""

import errno
import getpass
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from features.errors import ExitStatus, LeadScoreError
from pipelines.workspace.left_overs import is_running
from pipelines.workspace.paths import Paths
from pipelines.workspace.private_files import create_private, make_folder
from pipelines.workspace.storage_errors import StorageError

_LONGEST_HOLDER = 300  # bytes


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
    StorageError
        if the file system has no locks that end with their process.
    """
    made = [p for p in (paths.data_dir, paths.root) if not p.exists()]
    make_folder(paths.root)

    file = paths.root / ".lock"
    create_private(file)
    lock = FileLock(file, blocking=False, fallback_to_soft=False)  # a soft lock would outlive a killed process
    try:
        lock.acquire()
    except Timeout as problem:
        raise BusyError(_describe_holder(read_holder(file), paths, file)) from problem
    except OSError as problem:
        if problem.errno != errno.ENOSYS:
            raise
        raise StorageError(
            f"the file system of {paths.root} has no file locks (flock), so two runs could write at once. Use a "
            "--data-dir on a local disk, or mount it with locks."
        ) from problem
    try:
        file.write_text(_introduce_oneself(), encoding="utf-8")
        yield
    finally:
        _remove_if_empty(file, made)
        lock.release()


def _introduce_oneself() -> str:
    """Process, command, who and where, since when."""
    command = Path(sys.argv[0]).name if len(sys.argv) < 2 else sys.argv[1]
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{os.getpid()} ({command}, {who_runs_this() or 'somebody'} on {socket.gethostname()}, since {since})"


def read_holder(file: Path) -> str:
    """What the lock file says of who holds it; whatever else somebody wrote there is no reason to fail."""
    with file.open("rb") as stream:
        return stream.read(_LONGEST_HOLDER).decode("utf-8", errors="replace").strip() or "(unknown)"


def _describe_holder(holder: str, paths: Paths, file: Path) -> str:
    """Who holds the lock. A file that is left over holds nothing: only a living process does."""
    number = holder.partition(" ")[0]
    here = f" on {socket.gethostname()}," in holder or "(" not in holder
    if here and number.isascii() and number.isdecimal() and not is_running(int(number)):
        return (
            f"process {holder} was working on source '{paths.source}' in {paths.data_dir} and has ended, but something "
            f"it started still holds the lock. Find it with 'fuser {file}', end it, and run again."
        )
    return (
        f"process {holder} is working on source '{paths.source}' in {paths.data_dir}. Wait for it, or use another "
        "--data-dir."
    )


def who_runs_this() -> str:
    """Whose account runs the command; empty where the system does not say."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _remove_if_empty(file: Path, made: list[Path]) -> None:
    """Take the lock file and new folders away again where nothing else was written; else the file stays, unlocked."""
    if [path.name for path in file.parent.iterdir()] == [file.name]:
        file.unlink()
    for folder in reversed(made):
        if not any(folder.iterdir()):
            folder.rmdir()
