"""Adapters: a table's bytes, whatever their format and packing, to its rows as the input has them."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from features.errors import LeadScoreError
from features.schema.table_source import Location
from pipelines.ingest.errors import EmptyFileError, UnreadableFileError
from pipelines.ingest.reading.delimited_text import read_delimited
from pipelines.ingest.reading.file_parts import join_parts, list_parts
from pipelines.ingest.reading.file_state import check_unchanged, read_start, read_whole, state_of
from pipelines.ingest.reading.footer_rows import pass_over_footer
from pipelines.ingest.reading.formats.database_files import as_file, is_database_file
from pipelines.ingest.reading.formats.json_records import looks_like_json, read_json
from pipelines.ingest.reading.formats.one_moment import OneMoment
from pipelines.ingest.reading.formats.parquet_files import PARQUET, read_parquet_bytes, read_parquet_folder
from pipelines.ingest.reading.formats.workbooks import COMPOUND, read_workbook
from pipelines.ingest.reading.long_values import set_long_values_aside
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.reading.read_limits import limits_of
from pipelines.ingest.reading.unpacking import ZIP, check_hash, check_members, is_workbook, unpack

_START = 16  # bytes by which a database file is known
_FOREIGN = (  # what is not a table: how it starts, what it is
    (b"%PDF", "a PDF document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
)
_MARKUP = ((b"<!doctype html", "a web page"), (b"<html", "a web page"), (b"<?xml", "an XML document"))


def read_location(
    location: Location,
    path: Path | None,
    *,
    expected: Sequence[str] = (),
    kept: Path | None = None,
    moment: OneMoment | None = None,
) -> RawTable:
    """Rows of a declared input, of whatever kind.

    Parameters
    ----------
    path : the file that was found for it; None for a database
    expected : headers the declaration speaks of; of a database only these are fetched
    kept : where a database's table with a watermark is kept between runs
    moment : what holds a database's connection, so that several tables are read as of one moment
    """
    if location.database is not None:
        from pipelines.ingest.reading.formats.databases import read_database  # takes longer to load than most files

        return read_database(location.database, columns=expected, kept=kept, moment=moment)
    return read_file(path or Path(location.file), location, expected=expected, moment=moment)


def read_file(
    path: Path, location: Location, *, expected: Sequence[str] = (), moment: OneMoment | None = None
) -> RawTable:
    """Rows of a file, folder or pattern: opened, unpacked, checked against the declared hash, read.

    Raises
    ------
    MissingFileError, UnreadableFileError, EmptyFileError, WrongHashError, ChangedFileError, TooLargeError
        naming the file and what to do.
    """
    with limits_of(location).within_time(path.name):
        parts = list_parts(path)
        if parts is not None:
            return _read_parts(path, parts.files, parts.root, location, expected)
        if is_database_file(read_start(path, _START)):
            return _read_database_file(path, location, expected, moment)
        return _read_single(path, location, expected)


def _read_database_file(path: Path, location: Location, expected: Sequence[str], moment: OneMoment | None) -> RawTable:
    from pipelines.ingest.reading.formats.databases import read_database_file

    state = state_of(path)
    check_hash(state.sha256, location, what=path.name)
    raw = read_database_file(path, location, what=path.name, columns=expected, moment=moment)
    raw = set_long_values_aside(raw, limits_of(location).field_characters)
    return replace(raw, form={"sha256": state.sha256, "bytes": state.size, **raw.form}, files=(state,))


def _read_single(path: Path, location: Location, expected: Sequence[str]) -> RawTable:
    content, state = read_whole(path, limits_of(location))
    try:
        raw = read_table(unpack(content, location, what=path.name), location, what=path.name, expected=expected)
    except LeadScoreError:
        check_unchanged([state])  # half of a file has many faults, and this is their cause
        raise
    return replace(raw, files=(state,))


def read_table(content: bytes, location: Location, *, what: str, expected: Sequence[str] = ()) -> RawTable:
    """Rows of a table's bytes (already unpacked; see :func:`unpack`).

    Raises
    ------
    EmptyFileError, UnreadableFileError
        naming the file and what to do.
    """
    if not content:
        raise EmptyFileError(f"{what} is empty (0 bytes). Export it again.")
    with ThreadPoolExecutor(1) as beside:  # hashing does not hold the interpreter
        digest = beside.submit(lambda: hashlib.sha256(content).hexdigest())
        raw = _read_as(_format_of(content, location, what), content, location, what=what, expected=expected)
        limits = limits_of(location)
        limits.check_shape(raw.read, raw.frame.shape[1], what)
        raw = set_long_values_aside(raw, limits.field_characters)
        return replace(raw, form={"sha256": digest.result(), "bytes": len(content), **raw.form})


def _read_as(kind: str, content: bytes, location: Location, *, what: str, expected: Sequence[str]) -> RawTable:
    if kind == "parquet":
        return read_parquet_bytes(content, limits_of(location), what=what)
    if kind == "excel":
        return pass_over_footer(read_workbook(content, location, what=what, expected=expected), what=what)
    if kind == "json":
        return read_json(content, location, what=what)
    if kind in ("sqlite", "duckdb"):
        from pipelines.ingest.reading.formats.databases import read_database_file

        with as_file(content) as path:
            return read_database_file(path, location, what=what, columns=expected)

    read = read_delimited(content, location.csv, what=what, expected=expected, limits=limits_of(location))
    form = {"format": "csv", "encoding": read.encoding, "delimiter": read.delimiter}
    raw = RawTable(frame=read.frame, rows=read.rows, broken=read.broken, form=form, notes=read.notes)
    return pass_over_footer(raw, what=what)


def _format_of(content: bytes, location: Location, what: str) -> str:
    """The format that the bytes speak of; else the declared one, else delimited text."""
    if content.startswith(PARQUET):
        return "parquet"
    if content.startswith(COMPOUND) or (content.startswith(ZIP) and is_workbook(content)):
        check_members(content, limits_of(location), what=what)
        return "excel"
    if is_database_file(content[:_START]):
        return "sqlite"
    if content.startswith(ZIP):
        raise UnreadableFileError(f"{what} is a zip in an archive. Unpack it once, or name the way with 'member:'.")
    if location.format != "auto":
        return location.format
    _refuse_foreign(content, what)
    return "json" if looks_like_json(content) else "csv"


def _refuse_foreign(content: bytes, what: str) -> None:
    lowered = content[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    found = next((name for mark, name in _FOREIGN if content.startswith(mark)), None) or next(
        (name for mark, name in _MARKUP if lowered.startswith(mark)), None
    )
    if found is not None:
        raise UnreadableFileError(
            f"{what} is {found}, whatever its name says. Export the table as CSV, Excel (.xlsx) or Parquet."
        )


def _read_parts(path: Path, files: Sequence[Path], root: Path, location: Location, expected: Sequence[str]) -> RawTable:
    if all(file.suffix == ".parquet" for file in files):
        return read_parquet_folder(files, root, location, what=path.name)
    single = location.model_copy(update={"sha256": None})
    raws = [read_file(file, single, expected=expected) for file in files]
    return join_parts(raws, files, root, location, what=path.name)
