"""Who may read what is written: the user alone, unless ``LEADSCORE_UMASK`` opens it, for a group for example."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.workspace.storage_errors import address_error_of

UMASK = "LEADSCORE_UMASK"
_CLOSED = 0o077  # customers and prospects by name: nobody else's business


def file_mode() -> int:
    """Permissions of a file: 0600."""
    return 0o666 & ~_umask()


def folder_mode() -> int:
    """Permissions of a folder: 0700."""
    return 0o777 & ~_umask()


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are missing, with these permissions; one that exists is left as it is.

    Raises
    ------
    StorageError : it is no folder but an address
    """
    if path.is_dir():
        return
    address = address_error_of(f"{path}/")
    if address is not None:
        raise address
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    path.chmod(folder_mode())


@contextmanager
def private_umask() -> Iterator[None]:
    """Whatever this process creates meanwhile, through any library, has these permissions."""
    before = os.umask(_umask())
    try:
        yield
    finally:
        os.umask(before)


def create_private(path: Path) -> None:
    """An empty file with these permissions where there is none, for a library that would create it with others."""
    make_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, file_mode()))


def _umask() -> int:
    """The declared one; one that cannot be read, or that closes files to their own user, is as none."""
    try:
        declared = int(os.environ.get(UMASK, ""), 8)
    except ValueError:
        return _CLOSED
    return declared if 0 <= declared <= _CLOSED else _CLOSED
