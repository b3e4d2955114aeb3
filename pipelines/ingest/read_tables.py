"""Every table of a source as its file or database has it, and as the contract wants it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from features.schema.source import Source
from features.schema.table_source import Location
from pipelines.artifacts.reading_record import ColumnReading
from pipelines.ingest.errors import NoLocationError
from pipelines.ingest.expectations import table_order
from pipelines.ingest.reading.file_adapters import read_location
from pipelines.ingest.reading.formats.one_moment import OneMoment
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.row_selection import count_repeats_once, drop_repeats, select_rows
from pipelines.ingest.shaping.canonical_shape import ShapedTable, shape_table
from pipelines.ingest.shaping.declared_columns import declared_headers, headers_that_select, read_columns
from pipelines.ingest.wide_stages import melt_stages
from pipelines.workspace.paths import Paths


def read_tables(
    source: Source, files: Mapping[str, Path], paths: Paths, stored: Mapping[str, RawTable] = MappingProxyType({})
) -> tuple[dict[str, RawTable], dict[str, ShapedTable]]:
    """Rows of every table as its file has them, and as the contract wants them; each file is read once.

    Tables of one database are read as of one moment. Tables that are ``stored`` (as snapshots) have no file. Columns
    too short to show that they hold days, written as midnights in UTC, are read as another column of the source shows.
    """
    raws: dict[str, RawTable] = {}
    shapes: dict[str, ShapedTable] = {}
    read = _read_locations(source, files, paths, stored)
    left_out: dict[str, int] = {}
    for table in table_order(source):
        if table in stored:
            raws[table] = stored[table]
        else:
            whole = next(raw for seen, raw in read if seen == source.tables[table].location)
            chosen, left_out[table] = select_rows(whole, table, source)
            raws[table] = melt_stages(chosen, source, table)
        shapes[table] = shape_table(raws[table], table, source)

    if any(form.utc_days for shaped in shapes.values() for form in shaped.forms.values()):
        for table, shaped in shapes.items():
            known = {name: ColumnReading(utc_days=True) for name in shaped.perhaps_days}
            if known:
                shapes[table] = shape_table(raws[table], table, source, known=known)

    for table, rows in left_out.items():
        shapes[table].left_out = rows
        shapes[table] = count_repeats_once(drop_repeats(shapes[table], source))
    return raws, shapes


def _read_locations(
    source: Source, files: Mapping[str, Path], paths: Paths, stored: Mapping[str, RawTable]
) -> list[tuple[Location, RawTable]]:
    """Every file and table of a database once, one right after the other: a database waits for no table's shaping."""
    read: list[tuple[Location, RawTable]] = []
    with OneMoment() as moment:
        for table in (name for name in table_order(source) if name not in stored):
            location, file, kept = source.tables[table].location, files.get(table), paths.kept_table(table)
            if location is None:
                raise NoLocationError(
                    f"{source.where('tables', table)}: table '{table}' has no 'location'; say where it is."
                )
            if any(seen == location for seen, _ in read):
                continue
            wanted = _wanted(source, table, location)
            found = read_location(location, file, expected=wanted, kept=kept, moment=moment)
            name = found.form["database"] if file is None else file.name
            read.append((location, replace(found, form={**found.form, "file": name, "rows": found.read})))
    return read


def _wanted(source: Source, table: str, location: Location) -> list[str]:
    """Headers that help to read a file; of a database those that are used, as no others are fetched."""
    headers = declared_headers(source, table)
    if location.database is None:
        return headers
    alike = [name for name, other in source.tables.items() if other.location == location]
    used = {header for t in alike for name, c in read_columns(source, t).items() for header in c.headers(name)}
    used |= {header for t in alike for header in headers_that_select(source, t)}
    declared = {header for t in alike for name, c in source.tables[t].columns.items() for header in c.headers(name)}
    used -= {header for t in alike for header in source.tables[t].flags}
    return sorted({*used, *(header for header in headers if header not in declared)})
