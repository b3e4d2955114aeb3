"""Parquet files and folders of them: partitions kept as columns, types as they are written."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.schema.table_source import Location
from pipelines.ingest.errors import EmptyFileError, UnreadableFileError, list_names
from pipelines.ingest.reading.file_state import read_whole
from pipelines.ingest.reading.formats.arrow_frames import NUMBER_MARK, arrow_to_frame, rows_of_numbers
from pipelines.ingest.reading.raw_table import RawTable, number_rows
from pipelines.ingest.reading.read_limits import ReadLimits, limits_of
from pipelines.ingest.reading.unpacking import check_hash

PARQUET = b"PAR1"
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 8, "FLOAT": 4, "DOUBLE": 8}  # bytes of a value in memory
_CODE_BYTES = 8  # of a code, or of where a text starts
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"  # what Hive and Spark write for a missing value


def read_parquet_bytes(content: bytes, limits: ReadLimits | None = None, *, what: str) -> RawTable:
    """Rows of one Parquet file."""
    return _raw(_table(content, limits or limits_of(), what), {}, (), what)


def read_parquet_folder(files: Sequence[Path], root: Path, location: Location, *, what: str) -> RawTable:
    """Rows of the Parquet files below a folder, in order of their paths.

    What stands in folder names (``dt=2026-01-01``) becomes a column of texts. Columns that only some files have are
    missing in the others.
    """
    digest, states, tables, taken = hashlib.sha256(), [], [], 0
    partitions = set()
    limits = limits_of(location)
    for file in files:
        content, state = read_whole(file, limits)
        states.append(state)
        digest.update(f"{file.relative_to(root).as_posix()}\0{state.sha256}\n".encode())
        table = _table(content, limits, f"{file.relative_to(root)} in {what}")
        taken += table.nbytes
        limits.check_bytes(taken, sum(state.size for state in states), what)
        for name, value in partition_values(file, root).items():
            if name not in table.column_names:
                table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
                partitions.add(name)
        tables.append(table)

    check_hash(digest.hexdigest(), location, what=what)
    limits.check_shape(sum(t.num_rows for t in tables), len({n for t in tables for n in t.column_names}), what)
    stand_in = Counter(name for table in tables for name in set(table.column_names))
    partial = sorted(name for name, times in stand_in.items() if times < len(tables))
    notes = [f"{what}: {', '.join(partial)} stand in some of the {len(files)} files only."] if partial else []
    form = {"sha256": digest.hexdigest(), "bytes": sum(state.size for state in states), "files": len(files)}
    return replace(_raw(_unite(tables), form, notes, what), files=tuple(states), partitions=frozenset(partitions))


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


def _table(content: bytes, limits: ReadLimits, what: str) -> pa.Table:
    """The table, once it is known what it takes; texts are codes until then, as one long text may be every row's."""
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        _check_layout(file, limits, len(content), what)
        schema = file.schema_arrow
        texts = [field.name for field in schema if _is_text(field.type)]
        coded = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts).read()
        coded.validate(full=True)  # codes without a text, and texts that are none: Arrow believes what a file says
        limits.check_bytes(sum(_plain_bytes(column) for column in coded.columns), len(content), what)
        columns = [_plain(column, field.type) for column, field in zip(coded.columns, schema, strict=True)]
        return pa.table(columns, schema=schema)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as problem:
        raise UnreadableFileError(f"{what} is not a readable Parquet file ({problem}). Write it again.") from problem


def _check_layout(file: pq.ParquetFile, limits: ReadLimits, packed: int, what: str) -> None:
    """What the file says of itself: rows, columns, levels, and bytes of numbers, which no packing makes smaller."""
    facts = file.metadata
    limits.check_shape(facts.num_rows, facts.num_columns, what)
    limits.check_nesting(max((_levels(field.type) for field in file.schema_arrow), default=0), what)
    widths = [_WIDTHS.get(file.schema.column(i).physical_type, 4) for i in range(facts.num_columns)]
    taken = 0
    for group in range(facts.num_row_groups):
        row_group = facts.row_group(group)
        taken += sum(row_group.column(i).num_values * width for i, width in enumerate(widths))
        limits.check_bytes(taken, packed, what)


def _levels(kind: pa.DataType) -> int:
    """Levels of lists and structs in a type."""
    deepest, level, kinds = 0, 0, [kind]
    while kinds:
        kinds = [one.field(i).type for one in kinds if pa.types.is_nested(one) for i in range(one.num_fields)]
        level += 1
        deepest = level if kinds else deepest
    return deepest


def _is_text(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def _plain_bytes(column: pa.ChunkedArray) -> int:
    """Bytes of a column once its codes are values."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    if not _is_text(column.type.value_type):
        return len(column) * _CODE_BYTES
    taken = 0
    for chunk in column.chunks:
        lengths = pc.fill_null(pc.binary_length(chunk.dictionary), 0).to_numpy(zero_copy_only=False)
        codes = chunk.indices.drop_null().to_numpy(zero_copy_only=False)
        taken += int(lengths.astype("int64")[codes].sum()) + len(chunk) * _CODE_BYTES
    return taken


def _plain(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return column if column.type == kind else column.cast(kind)


def _unite(tables: Sequence[pa.Table]) -> pa.Table:
    """One table; a column that files hold as different types is texts where Arrow knows no common type."""
    names = list(dict.fromkeys(name for table in tables for name in table.column_names))
    columns: list[pa.ChunkedArray] = []
    marks: dict[str, pa.ChunkedArray] = {}
    places = [{name: i for i, name in enumerate(t.column_names)} for t in tables]
    for name in names:
        parts = [
            t.column(at[name]) if name in at else pa.nulls(t.num_rows) for t, at in zip(tables, places, strict=True)
        ]
        pieces = [pa.table({name: part}) for part in parts]
        try:
            column = pa.concat_tables(pieces, promote_options="permissive").column(0)
        except (pa.ArrowException, TypeError):
            texts = [pa.array(arrow_to_frame(piece)[name].astype("str"), pa.string()) for piece in pieces]
            column = pa.chunked_array(texts, pa.string())
            marks[NUMBER_MARK + name] = pa.chunked_array([_mark_numbers(part) for part in parts], pa.bool_())
        columns.append(column)
    return pa.table([*columns, *marks.values()], names=[*names, *marks])


def _mark_numbers(part: pa.ChunkedArray) -> pa.Array:
    typed = pa.types.is_floating(part.type) or pa.types.is_decimal(part.type)
    return pa.array(part.is_valid().to_numpy() & typed)


def _raw(table: pa.Table, form: Mapping[str, Any], notes: Sequence[str], what: str) -> RawTable:
    if not table.num_rows:
        raise EmptyFileError(f"{what} has columns but no rows. Export it again, with its data.")
    twice = sorted(name for name, times in Counter(table.column_names).items() if times > 1)
    if twice:
        raise UnreadableFileError(f"{what} has column {list_names(twice, quoted=True)} twice; rename one.")
    return RawTable(
        frame=arrow_to_frame(table),
        rows=number_rows(table.num_rows),
        broken=(),
        form={**form, "format": "parquet"},
        notes=tuple(notes),
        numbers=rows_of_numbers(table),
    )
