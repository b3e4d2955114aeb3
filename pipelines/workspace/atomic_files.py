"""Files that are either the old or the new, never half: atomic writes and stage directories."""

import ctypes
import errno
import hashlib
import json
import math
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from features.errors import DataError
from pipelines.workspace.left_overs import process_mark, remove_left_overs
from pipelines.workspace.private_files import file_mode, folder_mode, make_folder

_PIECE = 1 << 20  # bytes of a stream held at once


def read_json(path: Path, remedy: str = "") -> Any:
    """Parsed JSON file; DataError if it is missing, damaged or not this user's to read.

    ``remedy`` says what to do about one that no stage writes again.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as problem:
        raise _missing_error(path) from problem
    except PermissionError as problem:
        raise closed_error(path) from problem
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise _damaged_error(path, problem, remedy) from problem


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Frame of a Parquet file or of some columns; DataError if it is missing, damaged or not this user's to read."""
    with _refusing(path):
        return pd.read_parquet(path, columns=None if columns is None else list(columns))


def read_parquet_names(path: Path) -> list[str]:
    """Names of the columns of a Parquet file; DataError as :func:`read_parquet`."""
    import pyarrow.parquet as pq

    with _refusing(path):
        return list(pq.read_schema(path).names)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """What Arrow says of a Parquet file that cannot be read, as a DataError."""
    try:
        yield
    except FileNotFoundError as problem:
        raise _missing_error(path) from problem
    except PermissionError as problem:
        raise closed_error(path) from problem
    except (OSError, ValueError) as problem:
        raise _damaged_error(path, problem) from problem


def _missing_error(path: Path) -> DataError:
    return DataError(f"{path} does not exist; run the stage that writes it ('{path.parent.name}') first.")


def closed_error(path: Path) -> DataError:
    """What to say of a file that may not be read: where it lies, and who has to be let in."""
    return DataError(
        f"{path} may not be read by the user that this runs as; give that user read access to it, or run the commands "
        "that write there as the same user."
    )


def _damaged_error(path: Path, problem: Exception, remedy: str = "") -> DataError:
    again = f"run stage '{path.parent.name}' again"
    return DataError(f"{path} is damaged ({problem}); {remedy or again}.")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: a temporary sibling, fsync, rename."""
    with _sibling(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _sibling(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place when the block ends without an error."""
    make_folder(path.parent)
    _refuse_device(path)
    beginning = f".{path.name}.part."
    remove_left_overs(path.parent, beginning)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{beginning}{process_mark()}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(file_mode())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _refuse_device(path: Path) -> None:
    """A file that takes the place of ``/dev/null`` or of a pipe would be missed by everybody who uses it."""
    try:
        mode = path.stat().st_mode
        of_system = path.is_symlink() and str(path.readlink()).startswith("/proc/")  # /dev/stdout, wherever it leads to
    except OSError:  # nothing is there yet; why nothing can be is told by whoever makes it
        return
    if of_system or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.ENODEV, "it is a device, pipe or socket, and no file can take its place", str(path))


def hash_stream(stream: BinaryIO) -> str:
    """SHA-256 of the rest of a stream, never all of it in memory."""
    digest = hashlib.sha256()
    while piece := stream.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def copy_stream(path: Path, stream: BinaryIO) -> None:
    """Write what a stream holds, atomically and never all of it in memory."""
    with _sibling(path) as temporary, temporary.open("wb") as file:
        shutil.copyfileobj(stream, file)
        file.flush()
        os.fsync(file.fileno())


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write lines as they come, atomically and never all of them in memory; returns how many."""
    count = 0
    with _sibling(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        for line in lines:
            file.write(line)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return count


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode("utf-8"))


def to_json(value: Any) -> str:
    """Indented JSON with stable key order; NaN and infinities become null, so that any parser reads it."""
    return json.dumps(plain_json(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically."""
    write_text(path, to_json(value))


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame atomically."""
    with _sibling(path) as temporary:
        frame.to_parquet(temporary, index=False)


@contextmanager
def stage_dir(path: Path) -> Iterator[Path]:
    """A directory to fill, which takes the place of ``path`` as a whole when the block ends without an error.

    A kill at any moment leaves the old directory or the new one. Where the system cannot exchange two directories
    in one step there is a moment between two renames; the old one then lies under ``.<name>.old``, and the next call
    puts it back.
    """
    make_folder(path.parent)
    old = path.parent / f".{path.name}.old"
    if old.exists() and not path.exists():
        old.rename(path)
    beginning = f".{path.name}.new."
    remove_left_overs(path.parent, beginning)

    new = Path(tempfile.mkdtemp(dir=path.parent, prefix=f"{beginning}{process_mark()}."))

    try:
        yield new
        new.chmod(folder_mode())
        _flush(new)

        if not path.exists():
            new.rename(path)
        elif not exchange_folders(new, path):
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
            new.rename(path)
            shutil.rmtree(old, ignore_errors=True)
        _flush_folder(path.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def exchange_folders(one: Path, other: Path) -> bool:
    """Exchange two directories in one step (Linux); False where that is not to be had."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    return bool(renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE


def _flush(folder: Path) -> None:
    """Everything in a folder to the disk, so that the rename never comes before the contents."""
    for file in sorted(folder.rglob("*")):
        if file.is_symlink():
            continue
        file.chmod(folder_mode() if file.is_dir() else file_mode())
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def plain_json(value: Any) -> Any:
    """A value as JSON holds it: arrays and tuples as lists, moments as ISO text, NaN, infinities and NaT as None."""
    if isinstance(value, dict):
        return {str(k): plain_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray):
        return [plain_json(v) for v in (value.tolist() if isinstance(value, np.ndarray) else value)]

    if value is None or value is pd.NaT or value is pd.NA:
        return None

    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, pd.Timestamp | np.datetime64):
        return pd.Timestamp(value).isoformat()
    return str(value)
