"""Reading a file that somebody else may have put there: a plain one, of a size that fits, never through a link."""

import os
import stat
from pathlib import Path


class UnplainFileError(ValueError):
    """Something else than a plain file of a size that fits; the message says what."""


def read_plain_file(path: Path, most_bytes: int) -> bytes:
    """The bytes of a file.

    Opened without following a link and without waiting for a writer, as a pipe would make the reader wait for ever;
    what was opened is looked at, not what lay there a moment before.

    Raises
    ------
    FileNotFoundError : there is none
    UnplainFileError : a link, folder, pipe or device, or larger than ``most_bytes``
    OSError : it cannot be read
    """
    if path.is_symlink():
        raise UnplainFileError(f"{path.name} is a link, not a file")
    if path.is_dir():
        raise UnplainFileError(f"{path.name} is a folder, not a file")
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise UnplainFileError(f"{path.name} is a pipe or a device, not a file")
        if found.st_size > most_bytes:
            raise UnplainFileError(f"{path.name} has {found.st_size:,} bytes, at most {most_bytes:,} are read")
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise UnplainFileError(f"{path.name} grew over {most_bytes:,} bytes while it was read")
    return content
