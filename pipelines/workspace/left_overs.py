"""What processes that were killed left half written: told from what a running one is writing, and removed."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

_HALF_WRITTEN = re.compile(r"\..+\.(?:part|new)\.(?P<mark>\d+(?:-\d+)?)\..+")
_REPLACED = re.compile(r"\.(?P<name>.+)\.old")  # a folder whose successor stands in its place


def process_mark() -> str:
    """A name for this process that no later one has: its number and when it started.

    The number alone does not do: in a container every process is number 1, and takes what the one before it left for
    its own.
    """
    return f"{os.getpid()}-{_started(os.getpid())}"


def remove_left_overs(folder: Path, beginning: str) -> None:
    """Remove files and folders named ``<beginning><process mark>.<anything>`` whose process has ended."""
    try:
        found = [path for path in folder.iterdir() if path.name.startswith(beginning)]
    except FileNotFoundError:
        return
    for path in found:
        if not is_alive(path.name.removeprefix(beginning).partition(".")[0]):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def remove_parts(folder: Path) -> None:
    """Remove whatever ended processes left half written in a folder of files that are never written twice."""
    for path in folder.glob(".*.part.*"):
        remove_left_overs(folder, path.name.partition(".part.")[0] + ".part.")


def is_half_written(path: Path) -> bool:
    """Whether a file or folder is what its name says only once it has another name, or was replaced as a whole."""
    replaced = _REPLACED.fullmatch(path.name)
    return _HALF_WRITTEN.fullmatch(path.name) is not None or (
        replaced is not None and (path.parent / replaced["name"]).exists()
    )


def find_left_overs(folder: Path) -> Iterator[Path]:
    """Files and folders, anywhere below a folder, that ended processes left half written, or replaced.

    What a running process is writing is not among them, nor is what lies behind a link.
    """
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        half = _HALF_WRITTEN.fullmatch(path.name)
        if is_half_written(path):
            if half is None or not is_alive(half["mark"]):
                yield path
        elif path.is_dir() and not path.is_symlink():
            yield from find_left_overs(path)


def remove_left_over(path: Path) -> None:
    """Remove one of them, a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def is_alive(mark: str) -> bool:
    """Whether the process of a :func:`process_mark` of this machine still runs."""
    number, _, started = mark.partition("-")
    if not number.isdigit() or not is_running(int(number)):
        return False
    if started:
        return started == _started(int(number))
    return int(number) != os.getpid()  # without a start: an older version wrote it, and this process is none


def _started(process: int) -> str:
    """When a process started, in ticks since the machine did; 0 where the system does not say."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "0"
    return told.rpartition(")")[2].split()[19]


def is_running(process: int) -> bool:
    """Whether a process of this number is alive on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
