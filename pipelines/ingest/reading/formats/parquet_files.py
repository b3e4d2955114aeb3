"""Parquet files and folders of them: partitions kept as columns, types as they are written."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from features.schema.table_source import Location
from pipelines.ingest.errors import EmptyFileError, UnreadableFileError
from pipelines.ingest.reading.file_state import read_whole
from pipelines.ingest.reading.formats.arrow_frames import arrow_to_frame
from pipelines.ingest.reading.raw_table import RawTable, number_rows
from pipelines.ingest.reading.unpacking import check_hash

PARQUET = b"PAR1"
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"  # what Hive and Spark write for a missing value


def read_parquet_bytes(content: bytes, *, what: str) -> RawTable:
    """Rows of one Parquet file."""
    return _raw(_table(pa.BufferReader(content), what), {}, (), what)


def read_parquet_folder(files: Sequence[Path], root: Path, location: Location, *, what: str) -> RawTable:
    """Rows of the Parquet files below a folder, in order of their paths.

    What stands in folder names (``dt=2026-01-01``) becomes a column of texts. Columns that only some files have are
    missing in the others.
    """
    digest, states, tables = hashlib.sha256(), [], []
    for file in files:
        content, state = read_whole(file)
        states.append(state)
        digest.update(f"{file.relative_to(root).as_posix()}\0{state.sha256}\n".encode())
        table = _table(io.BytesIO(content), f"{file.relative_to(root)} in {what}")
        for name, value in partition_values(file, root).items():
            if name not in table.column_names:
                table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
        tables.append(table)

    check_hash(digest.hexdigest(), location, what=what)
    columns = {name for table in tables for name in table.column_names}
    partial = sorted(name for name in columns if any(name not in table.column_names for table in tables))
    notes = [f"{what}: {', '.join(partial)} stand in some of the {len(files)} files only."] if partial else []
    form = {"sha256": digest.hexdigest(), "bytes": sum(state.size for state in states), "files": len(files)}
    return replace(_raw(_unite(tables), form, notes, what), files=tuple(states))


def partition_values(file: Path, root: Path) -> dict[str, str | None]:
    """Names and values that the folders between ``root`` and a file spell out.

    >>> partition_values(Path("events/dt=2026-01-01/part.parquet"), Path("events"))
    {'dt': '2026-01-01'}
    """
    pairs = (part.partition("=") for part in file.relative_to(root).parts[:-1])
    return {
        unquote(name): None if value == _NO_PARTITION else unquote(value)
        for name, sign, value in pairs
        if sign and name
    }


def _table(stream: object, what: str) -> pa.Table:
    try:
        return pq.ParquetFile(stream).read()
    except (pa.ArrowException, OSError) as problem:
        raise UnreadableFileError(f"{what} is not a readable Parquet file ({problem}). Write it again.") from problem


def _unite(tables: Sequence[pa.Table]) -> pa.Table:
    """One table; a column that files hold as different types is texts where Arrow knows no common type."""
    names = list(dict.fromkeys(name for table in tables for name in table.column_names))
    columns = []
    for name in names:
        parts = [t.column(name) if name in t.column_names else pa.nulls(t.num_rows) for t in tables]
        pieces = [pa.table({name: part}) for part in parts]
        try:
            column = pa.concat_tables(pieces, promote_options="permissive").column(0)
        except (pa.ArrowException, TypeError):
            texts = [pa.array(arrow_to_frame(piece)[name].astype("str"), pa.string()) for piece in pieces]
            column = pa.chunked_array(texts, pa.string())
        columns.append(column)
    return pa.table(columns, names=names)


def _raw(table: pa.Table, form: Mapping[str, Any], notes: Sequence[str], what: str) -> RawTable:
    if not table.num_rows:
        raise EmptyFileError(f"{what} has columns but no rows. Export it again, with its data.")
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise UnreadableFileError(f"{what} has column {', '.join(map(repr, twice))} twice; rename one.")
    return RawTable(
        frame=arrow_to_frame(table),
        rows=number_rows(table.num_rows),
        broken=(),
        form={**form, "format": "parquet"},
        notes=tuple(notes),
    )
