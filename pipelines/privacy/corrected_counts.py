"""``counts.json`` brought back in line with tables that lost rows between two ingests."""

from pathlib import Path

import pyarrow.parquet as pq

from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.identity_files import UNRESOLVED
from pipelines.ingest.quarantine_files import QUARANTINE
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.paths import Paths


def correct_counts(paths: Paths, why: str) -> None:
    """Rows that are gone from tables and quarantine count as left out for this reason.

    They are told by what is there, not by what was just taken out: after a kill in between, the next call corrects
    what the killed one did not. The record is written in any case, and last: a running server loads its tables again
    when it changes.
    """
    if not CountsRecord.exists(paths):
        return
    counts = CountsRecord.read(paths)
    lost = read_parquet(paths.ingest / QUARANTINE)
    rows = dict(counts.rows)
    for table, row in counts.rows.items():
        if table == "accounts":  # it loses cells, and has rows of looked-up values beside its own
            continue
        kept = _length(paths, table)
        quarantined = int(lost[(lost["table"] == table).to_numpy(dtype=bool)]["row"].nunique())
        gone = (row.kept - kept) + (row.quarantined - quarantined)
        if gone:
            people = dict(row.people) | {why: row.people.get(why, 0) + gone}
            rows[table] = row.model_copy(update={"kept": kept, "quarantined": quarantined, "people": people})
    counts.model_copy(update={"rows": rows}).write(paths.ingest)


def table_files(paths: Paths, table: str) -> list[Path]:
    """The ingested table, and the one before duplicates were merged, where that changed it."""
    both = (paths.ingest / f"{table}.parquet", paths.ingest / UNRESOLVED / f"{table}.parquet")
    return [file for file in both if file.exists()]


def _length(paths: Paths, table: str) -> int:
    """Rows kept of a table, before any was merged into another."""
    return int(pq.read_metadata(table_files(paths, table)[-1]).num_rows)
