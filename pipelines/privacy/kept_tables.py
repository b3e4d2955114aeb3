"""Copies of a database's tables that grow by their watermark (``kept/``): which there are, and what reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.schema.source import Source
from pipelines.ingest.expectations import table_order
from pipelines.workspace.atomic_files import read_json, write_bytes, write_json
from pipelines.workspace.paths import Paths

FOLDER = "kept"
_SHORTENED = "shortened.json"  # by copy the days to which its tables were shortened


@dataclass(frozen=True)
class KeptTable:
    """A copy with the headers and types of the database; ``tables`` read it, none if it is of an earlier declaration.

    It is named after the first of them.
    """

    file: Path
    tables: tuple[str, ...]


def kept_tables(source: Source, paths: Paths) -> Iterator[KeptTable]:
    """Every copy of the source that is there, those of earlier declarations among them."""
    folder = paths.root / FOLDER
    readers: dict[str, tuple[str, ...]] = {}
    for table in table_order(source):
        location = source.tables[table].location
        alike = tuple(other for other in table_order(source) if source.tables[other].location == location)
        if location is not None and location.database is not None and alike[0] == table:
            readers[table] = alike
    for file in sorted(folder.glob("*.parquet")) if folder.is_dir() else ():
        yield KeptTable(file, readers.get(file.stem, ()))


def retention_of(source: Source) -> Mapping[str, int]:
    """The days that rows of a table are kept, as declared."""
    return {} if source.privacy is None else source.privacy.retention


def note_shortened(source: Source, kept: KeptTable) -> None:
    """Write down, before rows go for their age, to how many days a copy is shortened."""
    file = kept.file.parent / _SHORTENED
    known = read_json(file) if file.exists() else {}
    before, days = known.get(kept.file.stem, {}), dict(retention_of(source))
    least = days | {table: min(count, days.get(table, count)) for table, count in before.items()}
    if least != before:
        write_json(file, known | {kept.file.stem: least})


def drop_shortened(source: Source, paths: Paths) -> None:
    """Copies shortened to fewer days than are declared now go: what they lack is older than their watermark."""
    file = paths.root / FOLDER / _SHORTENED
    known: dict[str, dict[str, int]] = read_json(file) if file.exists() else {}
    declared = retention_of(source)
    stale = set()
    for kept in kept_tables(source, paths):
        bounds = {
            table: days for table, days in known.get(kept.file.stem, {}).items() if table in ("leads", *kept.tables)
        }
        if any(table not in declared or declared[table] > days for table, days in bounds.items()):
            stale.add(kept.file.stem)
            kept.file.unlink()
    if stale:
        write_json(file, {name: days for name, days in known.items() if name not in stale})


def read_kept(file: Path) -> pa.Table | None:
    """Its rows; None where it is damaged: the next ingest fetches it anew."""
    try:
        return pq.read_table(file)
    except (OSError, pa.ArrowException):
        return None


def write_kept(file: Path, rows: pa.Table) -> None:
    """The copy with other rows; what it says of itself stays, so that later runs still ask for newer rows alone."""
    buffer = pa.BufferOutputStream()
    pq.write_table(rows, buffer)
    write_bytes(file, buffer.getvalue().to_pybytes())
