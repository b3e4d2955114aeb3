"""Which files of a source are kept as snapshots, the tables read from each, and the column that names its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from features.errors import SourceError
from features.schema.columns import Column
from features.schema.snapshots import snapshots_of
from features.schema.source import Source
from features.schema.table_source import WIDE_DATE, Location, Snapshots
from features.schema.vocabulary import ColumnType, Role
from pipelines.ingest.errors import MissingFileError
from pipelines.ingest.reading.fetch import candidates
from pipelines.ingest.shaping.declared_columns import headers_that_select, read_columns, type_of
from pipelines.snapshots.differences import KEY
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.naming_columns import NamingColumns, naming_columns

_KEYS = {"leads": "lead_id", "outcomes": "opportunity_id", "accounts": "account_id"}  # in this order names the rows


@dataclass(frozen=True, kw_only=True)
class DeclaredExport:
    """One file whose dated exports are kept.

    ``name`` is its first table, and its folder in the store; ``key_table`` and ``key`` name the column that tells its
    rows apart.
    """

    name: str
    tables: tuple[str, ...]
    location: Location
    settings: Snapshots
    key_table: str
    key: str


def exports_of(source: Source) -> list[DeclaredExport]:
    """Every file of a source that is kept as snapshots; tables of one file together.

    Raises
    ------
    SourceError
        if no column of a file names its rows.
    """
    groups: dict[str, list[str]] = {}
    for table in source.tables:
        location = source.tables[table].location
        if location is not None and snapshots_of(source, table) is not None:
            groups.setdefault(location.model_dump_json(), []).append(table)
    return [_export(source, sorted(tables, key=_rank)) for tables in groups.values()]


def _rank(table: str) -> int:
    return list(_KEYS).index(table) if table in _KEYS else len(_KEYS)


def _export(source: Source, tables: list[str]) -> DeclaredExport:
    first = tables[0]
    location = source.tables[first].location
    if first not in _KEYS or location is None or location.snapshots is None:
        raise SourceError(
            f"{source.where('tables', first, 'location')}: snapshots of '{first}' need a column that names a row; keep "
            f"them of the file that also holds {' or '.join(_KEYS)}."
        )
    return DeclaredExport(
        name=first,
        tables=tuple(tables),
        location=location,
        settings=location.snapshots,
        key_table=first,
        key=_KEYS[first],
    )


def choose_export(source: Source, table: str | None) -> DeclaredExport:
    """The export meant by a command: the only one, or the one that holds a table.

    Raises
    ------
    SourceError
        if the source keeps none, or it is not clear which is meant.
    """
    exports = exports_of(source)
    if not exports:
        raise SourceError(
            f"source '{source.name}' keeps no snapshots; add 'snapshots: true' to the location of a table, e.g. "
            f"{source.where('tables', 'leads', 'location')}. See docs/snapshots.md."
        )
    if table is None and len(exports) == 1:
        return exports[0]
    found = [export for export in exports if table in export.tables]
    if not found:
        names = ", ".join(table for export in exports for table in export.tables)
        said = f"keeps no snapshots of '{table}'" if table is not None else "keeps snapshots of several files"
        raise SourceError(f"source '{source.name}' {said}; name one with --table: {names}.")
    return found[0]


def describe_place(location: Location) -> str:
    """What a location names: the file, or the table of the database."""
    if location.database is None:
        return location.file
    return f"{location.database.table or 'the query'} of the database"


def find_declared(export: DeclaredExport, source: Source, paths: Paths) -> list[Path]:
    """The declared file where it lies; none for a database.

    Raises
    ------
    MissingFileError
        if it is at none of the places a file is looked for.
    """
    if export.location.database is not None:
        return []
    places = candidates(export.location, source, paths)
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise MissingFileError(
            f"{source.where('tables', export.name, 'location', 'file')}: {export.location.file} was not found. Looked "
            f"for: {', '.join(map(str, places))}. Name the exported file: leadscore snapshot add EXPORT."
        )
    return [found]


def declared_columns(source: Source, export: DeclaredExport) -> Iterator[tuple[str, str, Column]]:
    """Table, name and declaration of every column read from an export."""
    for table in export.tables:
        for name, column in read_columns(source, table).items():
            yield table, name, column


def ignored_headers(source: Source, export: DeclaredExport) -> set[str]:
    """Headers declared out in every table they belong to: they are not stored."""
    ignored = {
        header
        for table in export.tables
        for name, column in source.tables[table].columns.items()
        if column.role is Role.IGNORE
        for header in column.headers(name)
    }
    used = {header for _, name, column in declared_columns(source, export) for header in column.headers(name)}
    for table in export.tables:
        used |= set(headers_that_select(source, table))
    return ignored - used


def typed_headers(source: Source, export: DeclaredExport) -> dict[str, tuple[ColumnType, Column]]:
    """Headers read as numbers or timestamps, with the declaration that says how."""
    found: dict[str, tuple[ColumnType, Column]] = {}
    for table, name, column in declared_columns(source, export):
        kind = type_of(source, table, name)
        if kind in (ColumnType.NUMBER, ColumnType.TIMESTAMP):
            for header in column.headers(name):
                found.setdefault(header, (kind, column))
    for table in export.tables:
        declared = source.tables[table]
        for stage in declared.wide.values():
            for header in stage.source:
                found.setdefault(header, (ColumnType.TIMESTAMP, declared.columns["entered_at"]))
    return {header: spec for header, spec in found.items() if header != WIDE_DATE}


def find_export(source: Source, name: str) -> DeclaredExport | None:
    """The export of a name in the store, None where it is not declared any more."""
    return next((one for one in exports_of(source) if one.name == name), None)


def columns_of_export(source: Source, export: DeclaredExport | None, key: Sequence[str]) -> NamingColumns:
    """What the columns of an export stand for by its own tables, its rows' keys among them (:data:`KEY`).

    The key of a deal or a company is no id of a lead, whatever number it is.

    Parameters
    ----------
    key : headers of the column that names the rows
    """
    named = naming_columns(source, () if export is None else export.tables)
    return replace(named, leads=named.leads | {KEY}) if named.leads & set(key) else named
