"""Adapters: the bytes of a table (delimited text, Parquet, packed or not) to its rows as the file has them."""

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from features.schema.columns import Location
from pipelines.ingest.errors import EmptyFileError, MissingFileError, UnreadableFileError, WrongHashError
from pipelines.ingest.reading.delimited_text import BrokenRow, read_delimited

_ZIP, _GZIP, _PARQUET, _EXCEL = b"PK\x03\x04", b"\x1f\x8b", b"PAR1", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class RawTable:
    """Rows of one file before they are read as declared.

    Parameters
    ----------
    frame : columns as in the file; texts, or the types a Parquet file brings
    rows : number of each row in the file, from 1, broken rows counted
    broken : rows kept out because they do not fit the header or hold bytes that are not text
    form : what was detected: format, encoding, delimiter, sha256
    notes : what had to be found out or was passed over, in sentences
    """

    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]
    broken: tuple[BrokenRow, ...]
    form: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def read(self) -> int:
        """Rows read, broken ones counted."""
        return len(self.frame) + len(self.broken)


def read_table(content: bytes, location: Location, *, what: str, expected: Sequence[str] = ()) -> RawTable:
    """Rows of a table's bytes (already unpacked; see :func:`unpack`).

    Raises
    ------
    EmptyFileError, UnreadableFileError
        naming the file and what to do.
    """
    if not content:
        raise EmptyFileError(f"{what} is empty (0 bytes). Export it again.")

    form = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    if content.startswith(_PARQUET) or location.format == "parquet":
        frame = _parquet(content, what)
        return RawTable(frame, np.arange(1, len(frame) + 1, dtype=np.int64), (), {**form, "format": "parquet"})

    if content.startswith(_EXCEL):
        raise UnreadableFileError(f"{what} is an Excel workbook. Save the sheet as CSV (UTF-8) and declare that file.")

    read = read_delimited(content, location.csv, what=what, expected=expected)
    form |= {"format": "csv", "encoding": read.encoding, "delimiter": read.delimiter}
    return RawTable(read.frame, read.rows, read.broken, form, read.notes)


def read_file(path: Path, location: Location, *, expected: Sequence[str] = ()) -> RawTable:
    """Rows of a file: opened, unpacked, checked against the declared hash, read."""
    content = unpack(open_bytes(path), location, what=path.name)
    return read_table(content, location, what=path.name, expected=expected)


def open_bytes(path: Path) -> bytes:
    """Bytes of a file; UnreadableFileError if it is a folder or may not be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError as problem:
        raise MissingFileError(f"{path} does not exist. Check the path.") from problem
    except OSError as problem:
        raise UnreadableFileError(
            f"{path} cannot be read: {problem.strerror}. Check its permissions and that it is a file."
        ) from problem


def unpack(content: bytes, location: Location, *, what: str) -> bytes:
    """The table's bytes out of a zip or gzip, checked against the declared hash.

    Raises
    ------
    UnreadableFileError
        if the archive is damaged or it is unclear which member is meant.
    WrongHashError
        if the bytes are not the declared ones.
    """
    if content.startswith(_ZIP):
        content = zip_member(content, location.member, what=what)
    if content.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as problem:
            raise UnreadableFileError(f"{what} is a damaged gzip file ({problem}). Fetch it again.") from problem

    found = hashlib.sha256(content).hexdigest()
    if location.sha256 is not None and found != location.sha256:
        raise WrongHashError(
            f"{what} is not the declared file: sha256 is {found}, declared is {location.sha256}. "
            "Fetch it again, or update 'sha256' if the new file is the right one."
        )
    return content


def zip_member(content: bytes, member: str | None, *, what: str) -> bytes:
    """Bytes of a member of a zip; a path may lead through zips in zips (``inner.zip/folder/file.csv``)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            if "xl/workbook.xml" in names:
                raise UnreadableFileError(f"{what} is an Excel workbook. Save the sheet as CSV and declare that file.")
            if member is None and len(names) == 1:
                return archive.read(names[0])
            if member in names:
                return archive.read(member)
            inner = next((n for n in names if member and n.endswith(".zip") and member.startswith(f"{n}/")), None)
            if inner is not None and member is not None:
                return zip_member(archive.read(inner), member.removeprefix(f"{inner}/"), what=f"{what}/{inner}")
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError) as problem:
        raise UnreadableFileError(f"{what} is a damaged or locked zip file ({problem}). Fetch it again.") from problem
    raise UnreadableFileError(
        f"{what} has no member '{member}'. It holds: {', '.join(names)}. Name one as 'member:'."
        if member
        else f"{what} holds {len(names)} files: {', '.join(names)}. Name one as 'member:'."
    )


def _parquet(content: bytes, what: str) -> pd.DataFrame:
    try:
        frame = pa.parquet.read_table(pa.BufferReader(content)).to_pandas()
    except (pa.ArrowException, OSError) as problem:
        raise UnreadableFileError(f"{what} is not a readable Parquet file ({problem}). Write it again.") from problem
    if not len(frame):
        raise EmptyFileError(f"{what} has columns but no rows. Export it again, with its data.")
    return frame.reset_index(drop=True).rename(columns=str)
