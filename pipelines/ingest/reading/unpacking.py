"""Packed bytes to plain ones: gzip, bzip2, xz, zstd, and members of zip archives."""

import bz2
import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from features.schema.table_source import Location
from pipelines.ingest.errors import UnreadableFileError, WrongHashError
from pipelines.ingest.reading.read_limits import ReadLimits, limits_of
from pipelines.ingest.reading.table_names import is_table_name

ZIP = b"PK\x03\x04"
_PIECE = 1 << 22  # bytes unpacked at a time, so that a limit is met before memory is taken
_LONGEST_MIMETYPE = 200
_HIDDEN_MEMBERS = ("__MACOSX/", ".DS_Store", "Thumbs.db")  # what operating systems add to archives


_STREAMS: Sequence[tuple[bytes, str, Callable[[Any], Any]]] = (
    (b"\x1f\x8b", "gzip", gzip.open),
    (b"BZh", "bzip2", bz2.open),
    (b"\xfd7zXZ\x00", "xz", lzma.open),
    (b"\x28\xb5\x2f\xfd", "zstd", lambda stream: pa.CompressedInputStream(stream, "zstd")),
)


def unpack(content: bytes, location: Location, *, what: str) -> bytes:
    """The table's bytes out of a zip, gzip, bzip2, xz or zstd file, checked against the declared hash.

    Raises
    ------
    UnreadableFileError
        if the archive is damaged, too large, or it is unclear which member is meant.
    WrongHashError
        if the bytes are not the declared ones.
    """
    limits, packed = limits_of(location), len(content)
    if content.startswith(ZIP) and not is_workbook(content):
        content = zip_member(content, location.member, what=what, limits=limits, packed=packed)
    for mark, name, opener in _STREAMS:
        if content.startswith(mark):
            content = _unpack_stream(content, opener, f"{what} is a damaged {name} file", (limits, packed, what))
            break

    check_hash(hashlib.sha256(content).hexdigest(), location, what=what)
    return content


def check_hash(found: str, location: Location, *, what: str) -> None:
    """WrongHashError unless the hash is the declared one, or none is declared."""
    if location.sha256 is not None and found != location.sha256:
        raise WrongHashError(
            f"{what} is not the declared file: sha256 is {found}, declared is {location.sha256}. "
            "Fetch it again, or update 'sha256' if the new file is the right one."
        )


def _unpack_stream(
    content: bytes, opener: Callable[[Any], Any], damaged: str, bounds: tuple[ReadLimits, int, str]
) -> bytes:
    try:
        with opener(io.BytesIO(content)) as stream:
            return _read_within(stream, *bounds)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowException, ValueError) as problem:
        raise UnreadableFileError(f"{damaged} ({problem}). Fetch it again.") from problem


def _read_within(stream: Any, limits: ReadLimits, packed: int, what: str) -> bytes:
    """All bytes of a stream, or TooLargeError once they are more than a file of ``packed`` bytes may hold."""
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        limits.check_bytes(size, packed, what)
    return b"".join(pieces)


def is_workbook(content: bytes) -> bool:
    """Whether a zip is a workbook (Office Open XML or OpenDocument)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if any(name in names for name in ("xl/workbook.xml", "xl/workbook.bin")):
                return True
            if "mimetype" not in names:
                return False
            with archive.open("mimetype") as stream:
                return b"opendocument.spreadsheet" in stream.read(_LONGEST_MIMETYPE)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, ValueError):  # RuntimeError: locked, unknown packing
        return False


def zip_names(content: bytes, *, what: str) -> list[str]:
    """Names of a zip's members, without folders and what operating systems add."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _names(archive)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError) as problem:
        raise UnreadableFileError(f"{what} is a damaged zip file ({problem}). Fetch it again.") from problem


def _names(archive: zipfile.ZipFile) -> list[str]:
    return [
        info.filename
        for info in archive.infolist()
        if not info.is_dir() and not any(part in info.filename for part in _HIDDEN_MEMBERS)
    ]


def _sole_table(names: Sequence[str]) -> str | None:
    """The only member, or the only one that is a table by its name, as beside a readme."""
    tables = [name for name in names if is_table_name(name)]
    return names[0] if len(names) == 1 else tables[0] if len(tables) == 1 else None


def zip_member(
    content: bytes, member: str | None, *, what: str, limits: ReadLimits | None = None, packed: int | None = None
) -> bytes:
    """Bytes of a member of a zip; a path may lead through zips in zips (``inner.zip/folder/file.csv``).

    ``packed`` is the size of the file that it all came from.
    """
    limits, packed = limits or limits_of(), packed or len(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = _names(archive)
            wanted = member if member is not None else _sole_table(names)
            if wanted is not None and wanted in names:
                return _read_member(archive, wanted, limits, packed, what)
            inner = next((n for n in names if member and n.endswith(".zip") and member.startswith(f"{n}/")), None)
            if inner is not None and member is not None:
                within = _read_member(archive, inner, limits, packed, what)
                rest = member.removeprefix(f"{inner}/")
                return zip_member(within, rest, what=f"{what}/{inner}", limits=limits, packed=packed)
    except NotImplementedError as problem:  # raised by zipfile for a packing it does not know
        raise UnreadableFileError(f"{what} is packed in an unknown way ({problem}). Unpack it first.") from problem
    except RuntimeError as problem:
        raise UnreadableFileError(f"{what} is locked by a password ({problem}). Unpack it first.") from problem
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as problem:
        raise UnreadableFileError(f"{what} is a damaged zip file ({problem}). Fetch it again.") from problem
    raise UnreadableFileError(
        f"{what} has no member '{member}'. It holds: {', '.join(names)}. Name one as 'member:'."
        if member
        else f"{what} holds {len(names)} files: {', '.join(names)}. Name one as 'member:'."
    )


def _read_member(archive: zipfile.ZipFile, name: str, limits: ReadLimits, packed: int, what: str) -> bytes:
    named = f"{name} in {what}"
    limits.check_bytes(archive.getinfo(name).file_size, packed, named)
    with archive.open(name) as stream:
        return _read_within(stream, limits, packed, named)


def check_members(content: bytes, limits: ReadLimits, *, what: str) -> None:
    """TooLargeError if a zip's members, as a workbook's sheets are, unpack to more than they may."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            limits.check_bytes(sum(info.file_size for info in archive.infolist()), len(content), what)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError):
        return  # damaged: whoever reads it says so
