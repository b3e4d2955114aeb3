"""Files opened for reading: regular ones only, and the same at the end as at the beginning."""

import hashlib
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from features.regular_files import OPEN_FLAGS, has_content
from pipelines.ingest.errors import ChangedFileError, MissingFileError, UnreadableFileError
from pipelines.ingest.reading.read_limits import ReadLimits, limits_of


@dataclass(frozen=True)
class FileState:
    """What a file was when it was read; two writes within a tick of the clock differ in the hash only."""

    path: Path
    size: int
    modified_ns: int
    inode: int
    sha256: str

    @property
    def stamp(self) -> tuple[int, int, int]:
        """What changes when the file is written again or replaced."""
        return self.size, self.modified_ns, self.inode


@contextmanager
def open_regular(path: Path) -> Iterator[io.BufferedReader]:
    """A file opened for reading.

    Raises
    ------
    MissingFileError
        if it does not exist.
    UnreadableFileError
        if it may not be read, or is a folder, pipe, socket or device: those are never opened.
    """
    try:
        _refuse_special(path, path.stat().st_mode)
        with os.fdopen(os.open(path, OPEN_FLAGS), "rb") as stream:
            _refuse_special(path, os.fstat(stream.fileno()).st_mode)
            yield stream
    except FileNotFoundError as problem:
        raise MissingFileError(f"{path} does not exist. Check the path.") from problem
    except OSError as problem:
        raise UnreadableFileError(
            f"{path} cannot be read: {problem.strerror}. Check its permissions and that it is a file."
        ) from problem


def _refuse_special(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UnreadableFileError(f"{path} is not a file but a pipe or device. Save the data as a file first.")


def read_start(path: Path, size: int) -> bytes:
    """The first bytes of a file."""
    with open_regular(path) as stream:
        return stream.read(size) if has_content(os.fstat(stream.fileno())) else b""


def read_whole(path: Path, limits: ReadLimits | None = None) -> tuple[bytes, FileState]:
    """Bytes of a file and what it was while they were read.

    Raises
    ------
    ChangedFileError
        if it was written meanwhile.
    TooLargeError
        before it is read, if it is larger than it may be.
    """
    with open_regular(path) as stream:
        before = os.fstat(stream.fileno())
        (limits or limits_of()).check_bytes(before.st_size, before.st_size, path.name)
        content = stream.read() if has_content(before) else b""
        after = os.fstat(stream.fileno())
    state = _state(path, before, hashlib.sha256(content).hexdigest())
    if len(content) != state.size or _stamp(after) != state.stamp:
        raise _changed(state, after)
    return content, state


def state_of(path: Path) -> FileState:
    """What a file is now."""
    with open_regular(path) as stream:
        before = os.fstat(stream.fileno())
        read = hashlib.file_digest(stream, "sha256") if has_content(before) else hashlib.sha256()
        return _state(path, before, read.hexdigest())


def check_unchanged(states: Iterable[FileState]) -> None:
    """ChangedFileError if a file is no longer what it was when it was read: in time, size, place or bytes."""
    for state in dict.fromkeys(states):
        try:
            now = state.path.stat()
        except OSError:
            raise _changed(state, None) from None
        if _stamp(now) != state.stamp or state_of(state.path) != state:
            raise _changed(state, now)


def _state(path: Path, found: os.stat_result, digest: str) -> FileState:
    return FileState(path, *_stamp(found), digest)


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino


def _changed(state: FileState, now: os.stat_result | None) -> ChangedFileError:
    if now is None:
        found = "it is no longer there"
    elif now.st_size != state.size:
        found = f"it had {state.size:,} bytes and has {now.st_size:,}"
    else:
        found = "its bytes were written anew"
    return ChangedFileError(
        f"{state.path} changed while it was read ({found}), so what was read may be half of it. Nothing was kept. Run "
        "again once the export is complete; let it write to another name and rename the file when it is done."
    )
