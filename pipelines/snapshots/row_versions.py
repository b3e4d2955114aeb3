"""Every version of every row of an export, and how a column of them is written for the tables made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.columns import Column
from features.schema.source import Source
from features.schema.table_source import CsvFormat, TableSource
from features.schema.vocabulary import ColumnType
from pipelines.artifacts.snapshots_record import ExportHistory
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.values.column_texts import without_no_value
from pipelines.ingest.values.moments import with_digits, zone_of
from pipelines.ingest.values.type_casting import plain_texts
from pipelines.snapshots.declared_exports import DeclaredExport
from pipelines.snapshots.differences import CHANGE, GONE, KEY
from pipelines.snapshots.snapshot_store import TAKEN, read_versions
from pipelines.workspace.paths import Paths

# A date in a file's name is the end of its day, and clocks of two systems differ by hours where a time zone is wrong.
DAY = pd.Timedelta(days=1)
_BARE_DATE = r"\d{4}-\d\d-\d\d"
_NAMED = {"owner"} | {
    column.name
    for table in TABLES.values()
    for column in table.columns
    if column.type in (ColumnType.ID, ColumnType.TIMESTAMP)
}


@dataclass(frozen=True, kw_only=True)
class Versions:
    """Stored versions of an export's rows.

    Parameters
    ----------
    rows : KEY, CHANGE, TAKEN (naive UTC) and every stored header, oldest first; a vanished row has no values
    since : header to the first snapshot that had it
    taken : moments of the snapshots, oldest first
    """

    export: DeclaredExport
    rows: pd.DataFrame
    since: Mapping[str, pd.Timestamp]
    taken: tuple[pd.Timestamp, ...]

    @property
    def first(self) -> pd.Timestamp:
        """When the first snapshot was taken: what it shows may be older, nobody can tell by how much."""
        return self.taken[0]

    @cached_property
    def said(self) -> pd.DataFrame:
        """The versions that say something: all but those of vanished rows."""
        return self.rows[self.rows[CHANGE] != GONE].reset_index(drop=True)

    @cached_property
    def initial(self) -> pd.DataFrame:
        """The first version of every row, by KEY."""
        return self.said.drop_duplicates(KEY, keep="first").set_index(KEY)

    @cached_property
    def latest(self) -> pd.DataFrame:
        """The last version of every row that says something, by KEY, in the order of their first ones."""
        return self.said.drop_duplicates(KEY, keep="last").set_index(KEY).reindex(self.initial.index)

    @cached_property
    def vanished(self) -> pd.Series:
        """Rows the newest snapshot does not hold: KEY to the moment of the first snapshot without them."""
        last = self.rows.drop_duplicates(KEY, keep="last")
        return last[last[CHANGE] == GONE].set_index(KEY)[TAKEN]

    def before(self, moments: pd.Series) -> pd.Series:
        """The snapshot before each of these moments; NaT for the first."""
        return moments.map(dict(zip(self.taken[1:], self.taken[:-1], strict=True))).astype("datetime64[us]")

    def at_first_sight(self, header: str) -> pd.Series:
        """A column as the first snapshot that had both the row and the column said it, by KEY."""
        since = self.since.get(header, self.first)
        if since == self.first:
            return self.initial[header]
        seen = self.said[KEY].map(self.initial[TAKEN])
        early = self.said[self.said[TAKEN] <= seen.where(seen > since, since)]
        return early.drop_duplicates(KEY, keep="last").set_index(KEY)[header].reindex(self.initial.index)


def load_versions(paths: Paths, export: DeclaredExport, history: ExportHistory) -> Versions:
    """The stored versions of an export."""
    return Versions(
        export=export,
        rows=read_versions(paths, export.name, history),
        since={header: pd.Timestamp(moment) for header, moment in history.since().items()},
        taken=tuple(pd.Timestamp(snapshot.taken_at) for snapshot in history.snapshots),
    )


@dataclass(frozen=True, kw_only=True)
class TableHistory:
    """Rows of one table made of versions, and the declaration by which they are read.

    ``lines`` are numbers of the rows; of a lead and its last outcome they are the same.
    """

    declared: TableSource
    frame: pd.DataFrame
    lines: npt.NDArray[np.int64]


def stored_rows(frame: pd.DataFrame, lines: npt.NDArray[np.int64], *, what: str = "snapshots") -> RawTable:
    """Rows made of versions as rows of a file; ``lines`` are their numbers."""
    return RawTable(frame=frame, rows=lines, broken=(), form={"format": "snapshots", "file": what})


def as_stored(column: Column) -> Column:
    """A column whose numbers and timestamps are in the form they are stored in."""
    return column.model_copy(update={"time_format": None, "decimal": ".", "thousands": None})


def stored_columns(source: Source, table: str, changed: Mapping[str, Column]) -> TableSource:
    """A table's declaration for stored rows: selection is done, and timestamps are ISO."""
    declared = source.tables[table]
    location = declared.location
    if location is not None:
        location = location.model_copy(
            update={"file": f"{location.file} ({table})", "csv": CsvFormat(), "sha256": None}
        )
    columns = {name: as_stored(column) for name, column in declared.columns.items()}
    made = {"location": location, "rows": {}, "distinct": False, "wide": {}, "columns": {**columns, **changed}}
    return declared.model_copy(update=made)


def replace_header(declared: Column | None, header: str) -> Column:
    """A column read from stored texts under another header, where nothing is left to map."""
    plain: dict[str, Any] = {"source": header, "map": {}, "map_patterns": {}, "missing": (), "constant": None}
    return as_stored(declared or Column()).model_copy(update=plain)


def joined_texts(rows: pd.DataFrame, name: str, column: Column | None) -> pd.Series:
    """A column's texts as declared (of several headers the first filled one counts); missing without a column.

    Ids, times and owners that mean no value are missing, as where a file is read itself.
    """
    texts = pd.Series(pd.NA, index=rows.index, dtype="str")
    if column is None:
        return texts
    if column.constant is not None:
        return pd.Series(column.constant, index=rows.index, dtype="str")
    named = name in _NAMED or column.type in (ColumnType.ID, ColumnType.TIMESTAMP)
    for header in column.headers(name):
        if header in rows:
            part = plain_texts(rows[header], column)
            texts = texts.fillna(without_no_value(part) if named else part)
    return texts


def moments_of(texts: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Stored timestamps, naive UTC: a bare date is its beginning in the column's zone, a text of no time is missing."""
    read = pd.to_datetime(with_digits(texts), format="ISO8601", errors="coerce", utc=True)
    bare = texts.astype("str").str.fullmatch(_BARE_DATE).fillna(False).astype(bool) & read.notna()
    if bare.any():
        midnights = read[bare].dt.tz_localize(None)
        later = np.zeros(len(midnights), dtype=np.bool_)
        read[bare] = midnights.dt.tz_localize(zone, ambiguous=later, nonexistent="shift_forward").dt.tz_convert("UTC")
    return read.dt.tz_localize(None).astype("datetime64[us]")


def zone_of_column(source: Source, column: Column | None) -> ZoneInfo:
    """The zone in which a column's dates are days."""
    declared = None if column is None else column.timezone
    return zone_of(declared or source.timezone, "timezone")


def iso_texts(moments: pd.Series) -> pd.Series:
    """Moments as they are stored."""
    return moments.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ").where(moments.notna()).astype("str")


def when_learned(happened: pd.Series, seen: pd.Series, first: pd.Timestamp, zone: ZoneInfo) -> pd.Series:
    """When each event became known, as text: when a snapshot first showed it.

    Empty (known when it happened) for what the first snapshot showed already, whose history nobody has, and for what
    is up to a day younger than the snapshot it stands in: a clock that runs ahead.
    """
    at = moments_of(happened, zone)
    ahead = (at > seen) & (at <= seen + DAY)
    return iso_texts(seen.where((seen > first) & ~ahead))


def starts_of(
    entity: pd.Series, belongs: npt.NDArray[np.bool_], says: Sequence[object] | npt.NDArray[Any]
) -> npt.NDArray[np.bool_]:
    """Where an episode of an entity begins, of rows in order of entity and time.

    An episode is a run of rows that belong and say the same.
    """
    who = entity.to_numpy(dtype=object)
    said = np.asarray(says, dtype=object)
    begins = belongs.copy()
    if len(begins) > 1:
        goes_on = belongs[1:] & belongs[:-1] & (who[1:] == who[:-1]) & (said[1:] == said[:-1])
        begins[1:] &= ~goes_on
    return begins
