"""A disk that is full, or a place that may not be written to, told as such whichever library met it."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from features.errors import ExitStatus, LeadScoreError
from pipelines.workspace.hidden_passwords import hide_passwords

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
# as libraries say it that keep no errno: SQLite, DuckDB, Arrow, PostgreSQL
_FULL_TEXT = re.compile(
    r"database or disk is full|no space left on device|disk quota exceeded|could not write.*disk|out of disk", re.I
)
_CLOSED_TEXT = re.compile(
    r"attempt to write a readonly database|read-only file system|unable to open database file|permission denied"
    r"|cannot execute \w+ in a read-only transaction",
    re.I,
)


_NO_PLACE = {
    errno.ENOTDIR: "leads through a file where a folder would have to be",
    errno.EEXIST: "is a file where a folder would have to be",
    errno.EISDIR: "is a folder where a file would have to be",
    errno.ENAMETOOLONG: "has a name that is longer than the system allows",
    errno.ELOOP: "leads through links that lead to each other",
    errno.ENXIO: "is a device, pipe or socket, which is neither read nor written as a file",
    errno.ENODEV: "is a device, pipe or socket, which is neither read nor written as a file",
}
_UNCHANGED = "What was there before is unchanged"
_SHOWN = 200  # characters of a place
_OF_SYSTEM = re.compile(r"/(?:proc|sys)(?:/|$)")  # nothing can be made in there: "no such file", says the system
_SCHEME = re.compile(r"(?:.*/)?([A-Za-z][A-Za-z0-9+.\-]+:)/.*", re.DOTALL)  # two letters at least: "C:" is a drive


class StorageError(LeadScoreError):
    """The disk is full, or the place may not be written to."""

    code = "LS070"
    exit_status = ExitStatus.STORAGE


def storage_error_of(error: BaseException) -> StorageError | None:
    """What the error says of the disk, in words; None where it says nothing of it."""
    for one in _chain(error):
        number = one.errno if isinstance(one, OSError) else None
        text = str(one)
        if number in _FULL or _FULL_TEXT.search(text):
            return StorageError(
                f"no space is left {_place_of(one)}. {_UNCHANGED}; free some space (or raise the quota) and run the "
                "command again."
            )
        if number in _CLOSED or _CLOSED_TEXT.search(text):
            return StorageError(
                f"the system refuses access {_place_of(one)} (read-only, or owned by another user). Mount it for "
                "writing, correct the owner, or choose another place with --data-dir or --out."
            )
    return None


@contextmanager
def changing_in_place(what: str) -> Iterator[None]:
    """Around work that changes files one after another: where the disk ends it, the message says that it is half done.

    >>> with changing_in_place("Not all rows were taken out"):
    ...     raise OSError(errno.ENOSPC, "No space left on device", "/data/x")
    Traceback (most recent call last):
    ...
    pipelines.workspace.storage_errors.StorageError: no space is left at /data/x. Not all rows were taken out; free...
    """
    try:
        yield
    except Exception as error:
        storage = storage_error_of(error)
        if storage is None:
            raise
        said = storage.message
        told = said.replace(_UNCHANGED, what) if _UNCHANGED in said else f"{said} {what}; then run the command again."
        raise StorageError(told) from error


def place_error_of(error: BaseException) -> StorageError | None:
    """What the error says of a place that cannot be, as a command was given it; None where it says nothing of one."""
    for one in _chain(error):
        said = _NO_PLACE.get(one.errno or 0) if isinstance(one, OSError) and one.filename is not None else None
        name = str(getattr(one, "filename", ""))
        if isinstance(one, FileNotFoundError) and _OF_SYSTEM.match(name):
            said = "lies among the system's own files, which takes no others"
        if said is not None:
            address = address_error_of(name)
            if address is not None:
                return address
            shown = hide_passwords(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}... ({len(name):,} characters)")
            return StorageError(f"{shown} {said}. Nothing was written there; name another place.")
    return None


def address_error_of(place: str) -> StorageError | None:
    """That an address is no place of a file, saying no more of it than its kind; None of a place that may be one.

    Folders would be made of it, with its password in their names.

    >>> address_error_of("out/scored.csv"), address_error_of("C:/scored.csv")
    (None, None)
    """
    found = _SCHEME.fullmatch(place)
    if found is None:
        return None
    return StorageError(
        f"an address ({found[1]}//...) was given where a file or folder is meant. Nothing was written there; name a "
        "place on this machine. Scores are written to a database by 'leadscore score --to'."
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, each once."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        origin = getattr(found, "orig", None)  # SQLAlchemy's: the driver's own error
        found = origin if isinstance(origin, BaseException) else found.__cause__ or found.__context__


def _place_of(error: BaseException) -> str:
    name = getattr(error, "filename", None)
    return f"at {name}" if name else "where this command writes"
