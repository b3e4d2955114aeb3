"""Rows of an export in one form, so that two exports differ only where their values do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.kernel.column_reader import text_of
from features.schema.canonical_tables import TABLES
from features.schema.columns import Column
from features.schema.source import Source
from features.schema.table_source import TableSource
from features.schema.vocabulary import ColumnType
from pipelines.artifacts.reading_record import ColumnReading
from pipelines.ingest.errors import MissingColumnError
from pipelines.ingest.reading.file_adapters import read_location
from pipelines.ingest.reading.file_state import check_unchanged
from pipelines.ingest.reading.header_row import match_headers
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.shaping.canonical_shape import shape_table
from pipelines.ingest.shaping.column_forms import NOTHING_KNOWN, Known
from pipelines.ingest.shaping.declared_columns import declared_headers, type_of
from pipelines.ingest.shaping.repeated_rows import Mask, find_repeated_keys, newest_column
from pipelines.ingest.values.column_texts import first_filled, without_no_value
from pipelines.ingest.values.moments import zone_of
from pipelines.ingest.values.type_casting import plain_texts
from pipelines.snapshots.declared_exports import DeclaredExport, ignored_headers, typed_headers
from pipelines.snapshots.differences import KEY
from pipelines.snapshots.row_versions import moments_of, zone_of_column
from pipelines.snapshots.snapshot_errors import SnapshotRefusedError

REPEATED_SHARE = 0.05  # of rows with the id of an earlier one: beyond it the column does not name a row
_FEWEST_REPEATED = 10  # so that one or two slips in a small file are told, not refused
_PLAIN = Column()
_NEWEST = "snapshot:newest"  # what tells the newest of several rows of one id


@dataclass(frozen=True, kw_only=True)
class ExportRows:
    """Rows of one export.

    Parameters
    ----------
    frame : texts, a row per key (the index, unique), in the order of the file
    left_out : rows that have no id, repeat one or cannot be split into columns: row, why, raw
    what : the file's name, or the database
    sha256 : of the file, empty of a database
    forms : how columns write their values, by header, where it had to be found out
    newest : latest creation or change that a row tells of, None where no column tells
    """

    what: str
    frame: pd.DataFrame
    left_out: pd.DataFrame
    sha256: str
    newest: pd.Timestamp | None
    forms: Mapping[str, ColumnReading]


def read_export(path: Path | None, export: DeclaredExport, source: Source, known: Known = NOTHING_KNOWN) -> ExportRows:
    """Rows of an exported file, or of the declared database, numbers and timestamps in one form.

    ``known`` is how earlier exports wrote their columns (by header), for values that do not tell themselves.

    Raises
    ------
    MissingColumnError
        if there is no column that names the rows.
    SnapshotRefusedError
        if that column does not tell rows apart.
    ChangedFileError
        if the file was written while it was read.
    """
    location = export.location
    if path is None:
        raw = read_location(location, None)  # every column: what is not declared yet may be one day
        return rows_of(raw, export, source, known, what=str(raw.form.get("database", "the database")))
    location = location.model_copy(update={"file": path.name, "database": None, "sha256": None})
    raw = read_location(location, path, expected=declared_headers(source, export.name))
    rows = rows_of(raw, export, source, known, what=path.name)
    check_unchanged(raw.files)
    return rows


def key_headers(source: Source, export: DeclaredExport) -> tuple[str, ...]:
    """Headers of the column that names a row."""
    return source.tables[export.key_table].columns[export.key].headers(export.key)


def rows_of(
    raw: RawTable, export: DeclaredExport, source: Source, known: Known = NOTHING_KNOWN, *, what: str
) -> ExportRows:
    """As :func:`read_export`, of rows that were read already."""
    declared = source.tables[export.key_table].columns[export.key]
    names = match_headers(declared_headers(source, export.name), [str(name) for name in raw.frame.columns])
    raw = raw.rename({theirs: ours for ours, theirs in names.items()})
    present = [header for header in key_headers(source, export) if header in raw.frame]
    if not present:
        where = source.where("tables", export.key_table, "columns", export.key)
        header = key_headers(source, export)[0]
        raise MissingColumnError(where, f"{export.key_table}.{export.key}", header, what, raw.frame.columns)

    keys = first_filled([without_no_value(plain_texts(raw.frame[header], declared)) for header in present])

    ignored = ignored_headers(source, export)
    texts, forms = _normal_texts(raw, export, source, known, what)
    frame = texts.drop(columns=list(ignored), errors="ignore")
    without = keys.isna().to_numpy()
    _check_key(frame[~without], keys[~without], present[0], what)
    again = _find_older(frame, keys.to_numpy(), export, source)

    kept = ~(without | again)
    left = [
        (int(raw.rows[i]), "without an id" if without[i] else "repeats an id", _record(raw.frame.iloc[i]))
        for i in np.flatnonzero(~kept)
    ]
    left += [(broken.row, str(broken.rule), broken.raw) for broken in raw.broken]
    rows = frame[kept].set_axis(pd.Index(keys[kept].astype("str"), name="key"), axis=0)
    return ExportRows(
        what=what,
        frame=rows,
        left_out=pd.DataFrame(sorted(left), columns=["row", "why", "raw"]),
        sha256=str(raw.form.get("sha256", "")),
        newest=_newest_clock(rows, export, source),
        forms=forms,
    )


def _record(row: pd.Series) -> str:
    return json.dumps({str(name): text_of(value) or "" for name, value in row.items()}, ensure_ascii=False)


def _check_key(frame: pd.DataFrame, keys: pd.Series, header: str, what: str) -> None:
    repeated = keys.duplicated()
    different = repeated & ~frame.assign(key=keys).duplicated()
    count = int(different.sum())
    if count >= _FEWEST_REPEATED and count > REPEATED_SHARE * len(keys):
        example = keys[different].iloc[0]
        raise SnapshotRefusedError(
            f"{what}: '{header}' does not name a row: {count:,} of {len(keys):,} rows repeat the id of an earlier one "
            f"with other values, e.g. '{example}'. Declare the column that is different in every row."
        )


def _find_older(frame: pd.DataFrame, keys: npt.NDArray[np.object_], export: DeclaredExport, source: Source) -> Mask:
    """Rows that repeat an id: all but the one that ingest would keep, the newest where a column tells it."""
    name = newest_column(source, export.key_table)
    headers = () if name is None else source.tables[export.key_table].columns[name].headers(name)
    told = [header for header in headers if header in frame]
    rows = frame.drop(columns=told).assign(**{KEY: keys})
    if name is not None and told:
        rows[_NEWEST] = frame[told].bfill(axis=1).iloc[:, 0]
        kind = type_of(source, export.key_table, name)
        if kind is ColumnType.TIMESTAMP:
            zone = zone_of_column(source, source.tables[export.key_table].columns[name])
            rows[_NEWEST] = moments_of(rows[_NEWEST], zone)
        elif kind is ColumnType.NUMBER:
            rows[_NEWEST] = pd.to_numeric(rows[_NEWEST], errors="coerce")
    return find_repeated_keys(rows, [KEY], _NEWEST, np.ones(len(rows), dtype=np.bool_))[0]


def _normal_texts(
    raw: RawTable, export: DeclaredExport, source: Source, known: Known, what: str
) -> tuple[pd.DataFrame, dict[str, ColumnReading]]:
    """Every column as text: numbers and timestamps as the declaration reads them, the rest without outer blanks."""
    typed = {h: spec for h, spec in typed_headers(source, export).items() if h in raw.frame}
    names = {f"'{h}'" if h in TABLES["leads"].names else h: h for h in typed}
    columns = {
        name: typed[header][1].model_copy(update={"source": header, "type": typed[header][0]})
        for name, header in names.items()
    }
    table = TableSource(location=export.location, columns=columns)
    only = source.model_copy(update={"name": f"{source.name}: {what}", "tables": {"leads": table}})
    hints = {name: known[header] for name, header in names.items() if header in known}
    shaped = shape_table(raw, "leads", only.with_place(None, {}), strict=False, known=hints)
    unread = {item.column: item for item in shaped.unreadable}

    texts = {str(header): plain_texts(raw.frame[header], _PLAIN) for header in raw.frame.columns}
    for name, header in names.items():
        kind, column = typed[header]
        if kind is ColumnType.NUMBER:
            read = pd.Series([text_of(value) for value in shaped.frame[name]], dtype="str")
        else:
            read = _moments(shaped.frame[name], texts[header].reset_index(drop=True), column, source)
        if name in unread:
            read.iloc[unread[name].positions] = list(unread[name].texts)
        texts[header] = read.set_axis(raw.frame.index, axis=0)
    frame = pd.DataFrame(texts).astype("str").reset_index(drop=True)
    return frame, {names[name]: form for name, form in shaped.forms.items() if name in names}


def _moments(values: pd.Series, texts: pd.Series, column: Column, source: Source) -> pd.Series:
    """Timestamps as ISO texts in UTC; what was a date without a time of day stays a date."""
    zone = zone_of(column.timezone or source.timezone, "timezone")
    local = values.dt.tz_localize("UTC").dt.tz_convert(zone)
    date_only = (local.dt.normalize() == local) & ~texts.str.contains(":", regex=False).fillna(False).astype(bool)
    full = values.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return full.mask(date_only, local.dt.strftime("%Y-%m-%d")).where(values.notna()).astype("str")


def _newest_clock(frame: pd.DataFrame, export: DeclaredExport, source: Source) -> pd.Timestamp | None:
    """The latest creation (leads), change (accounts) or close (outcomes) of the export's own rows."""
    name = {"leads": "created_at", "accounts": "known_at", "outcomes": "closed_at"}[export.key_table]
    column = source.tables[export.key_table].columns.get(name)
    present = [] if column is None else [header for header in column.headers(name) if header in frame]
    found = None
    for header in present:
        latest = moments_of(frame[header], zone_of_column(source, column)).max()
        if not pd.isna(latest):
            found = latest if found is None else max(found, latest)
    return found
