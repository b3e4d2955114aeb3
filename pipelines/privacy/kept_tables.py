"""Copies of a database's tables that grow by their watermark (``kept/``): which there are, and what reads them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.schema.source import Source
from pipelines.ingest.expectations import table_order
from pipelines.workspace.atomic_files import write_bytes
from pipelines.workspace.paths import Paths

FOLDER = "kept"


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
