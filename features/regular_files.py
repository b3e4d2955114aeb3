"""Files as they are given by name: read to their end at once, or refused; never waited for."""

import errno
import io
import os
import stat
from pathlib import Path

# a pipe or a device that was put there meanwhile does not block whoever opens it
OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def has_content(found: os.stat_result) -> bool:
    """Whether a file holds bytes by its own account.

    Some files of the system (``/proc/kmsg``) say that they are regular and empty, and keep a reader waiting for ever:
    what says that it is empty is taken at its word and not read.
    """
    return found.st_size > 0


def read_regular(path: Path) -> bytes:
    """Bytes of a regular file.

    Raises
    ------
    OSError : it is missing, may not be read, or is a folder, pipe, socket or device; ``strerror`` says which
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no file but a folder, pipe, socket or device", str(path))
    with os.fdopen(os.open(path, OPEN_FLAGS), "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no file but a folder, pipe, socket or device", str(path))
        return stream.read() if has_content(found) else b""


def read_regular_text(path: Path, encoding: str = "utf-8") -> str:
    r"""Text of a regular file, line ends as ``\n``; errors of :func:`read_regular`, and UnicodeDecodeError."""
    with io.TextIOWrapper(io.BytesIO(read_regular(path)), encoding=encoding) as text:
        return text.read()
