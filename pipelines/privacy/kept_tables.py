"""Copies of a database's tables that grow by their watermark (``kept/``): which there are, and what reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.schema.source import Source
from pipelines.ingest.expectations import table_order
from pipelines.workspace.atomic_files import read_json, write_bytes, write_json
from pipelines.workspace.paths import Paths

FOLDER = "kept"
_SHORTENED = "shortened.json"  # by copy and table the moment from which on all rows are there


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


def note_shortened(source: Source, kept: KeptTable, moment: pd.Timestamp) -> None:
    """Write down, before rows go for their age, from when on a copy still has all of its rows.

    ``moment`` is that from which the age was counted back. A later one, a slip in the declared cut-off among them,
    takes rows that an earlier one keeps: the days alone would not tell.
    """
    file = kept.file.parent / _SHORTENED
    known = read_json(file) if file.exists() else {}
    before, bounds = known.get(kept.file.stem, {}), _bounds(source, moment)
    latest = before | {
        table: bound.isoformat()
        for table, bound in bounds.items()
        if table not in before or (isinstance(before[table], str) and pd.Timestamp(before[table]) < bound)
    }
    if latest != before:
        write_json(file, known | {kept.file.stem: latest})


def drop_shortened(source: Source, paths: Paths, moment: pd.Timestamp | None) -> bool:
    """Copies that were shortened beyond what is past its retention now are fetched anew, as what they lack is older
    than their watermark; whether any are. Their rows stay until the fetch has succeeded.

    ``moment`` is that from which the age is counted back, None where it is not known yet: then only those go of which
    a table has no retention any more.
    """
    file = paths.root / FOLDER / _SHORTENED
    known: dict[str, dict[str, Any]] = read_json(file) if file.exists() else {}
    if not known:
        return False
    now = _bounds(source, moment) if moment is not None else {}
    stale = set()
    for kept in kept_tables(source, paths):
        noted = known.get(kept.file.stem, {})
        mine = {table: bound for table, bound in noted.items() if table in ("leads", *kept.tables)}
        if any(
            table not in retention_of(source) or (table in now and _is_past(bound, now[table]))
            for table, bound in mine.items()
        ):
            stale.add(kept.file.stem)
            rows = read_kept(kept.file)
            if rows is not None:  # a copy that does not say what it is a copy of is replaced by the next fetch
                write_kept(kept.file, rows.replace_schema_metadata(None))
    if stale:
        write_json(file, {name: bounds for name, bounds in known.items() if name not in stale})
    return bool(stale)


def _bounds(source: Source, moment: pd.Timestamp) -> dict[str, pd.Timestamp]:
    """By table the moment before which rows are past their retention."""
    return {table: moment - pd.Timedelta(days=days) for table, days in retention_of(source).items()}


def _is_past(noted: object, bound: pd.Timestamp) -> bool:
    """Whether rows went that the bound keeps; days, as an earlier version noted, do not say which went."""
    return not isinstance(noted, str) or pd.Timestamp(noted) > bound


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
