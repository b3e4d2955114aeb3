"""What is past its declared retention: counted in a dry run, or taken out of tables, copies and quarantine."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.cohort.cohort import cutoff_of
from features.errors import ContractError
from features.schema.people.privacy import QUARANTINE
from features.schema.source import Source
from pipelines.ingest.data_cutoff import no_later_than_now
from pipelines.ingest.identity_files import UNRESOLVED, unresolved_tables
from pipelines.ingest.quarantine_files import QUARANTINE_FILES
from pipelines.privacy.corrected_counts import correct_counts
from pipelines.privacy.erase_kept import drop_rows, shape_kept
from pipelines.privacy.kept_tables import kept_tables, note_shortened
from pipelines.privacy.left_out_rows import RETENTION, rows_past_retention
from pipelines.validation.raw_rows import SET_APART
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.context import Context
from pipelines.workspace.table_files import load_tables

_DAY = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How long rows of a table are kept, how many there are, and how many are past it; days 0: for good."""

    table: str
    days: int
    rows: int
    past: int
    oldest: str

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in ("table", "days", "rows", "past", "oldest")}


def apply_declared_retention(context: Context, *, dry_run: bool) -> list[Kept]:
    """What is past its retention, by table; without ``dry_run`` taken out. The caller holds the source's lock.

    ``ingest`` leaves the same rows out of everything it reads; this does it between two ingests.

    Raises
    ------
    ContractError : the source declares no retention, or has no clocks
    """
    declared = {} if context.source.privacy is None else dict(context.source.privacy.retention)
    if not declared or context.source.kind == "flat":
        declare = "declare it, e.g. privacy: {retention: {activities: 730}}"
        why = "it has no clocks" if context.source.kind == "flat" else declare
        raise ContractError(f"source '{context.source.name}' has no retention: {why}.")
    paths, tables = context.paths, load_tables(context.paths)
    past = rows_past_retention(tables, declared, _age_moment(tables, context.source))
    found = []
    for table, frame in tables.items():
        old = past.get(table)
        count = 0 if old is None else int(old.sum())
        clock = frame["known_at"].min() if "known_at" in frame and len(frame) else pd.NaT
        oldest = "" if pd.isna(clock) else f"{clock:%Y-%m-%d}"
        days = declared.get(table, declared.get("leads", 0) if "lead_id" in frame else 0)
        found.append(Kept(table=table, days=days, rows=len(frame), past=count, oldest=oldest))
    found += _copies(context, declared, tables, dry_run=dry_run)
    if QUARANTINE in declared:
        found.append(_quarantine(context, declared[QUARANTINE], dry_run=dry_run))
    if not dry_run:
        _take_out(context, declared)
        correct_counts(paths, RETENTION)
    return found


def _age_moment(tables: Mapping[str, pd.DataFrame], source: Source) -> pd.Timestamp:
    return no_later_than_now(cutoff_of(tables, source))


def _take_out(context: Context, declared: Mapping[str, int]) -> None:
    """Old rows out of the tables, and of those before duplicates were merged."""
    tables = load_tables(context.paths)
    for frames, place in ((tables, context.paths.ingest), (unresolved_tables(context.paths, tables), None)):
        for table, old in rows_past_retention(frames, declared, _age_moment(tables, context.source)).items():
            file = (place or context.paths.ingest / UNRESOLVED) / f"{table}.parquet"
            if file.exists():
                write_parquet(file, frames[table][~old].reset_index(drop=True))


def _copies(
    context: Context, declared: Mapping[str, int], tables: Mapping[str, pd.DataFrame], *, dry_run: bool
) -> list[Kept]:
    """Old rows out of the copies of database tables, which hold rows that the database may have deleted since."""
    source, found = context.source, []
    copies = {kept: shape_kept(source, kept) for kept in kept_tables(source, context.paths)}
    shapes = {name: rows.shaped for one in copies.values() for name, rows in one.items()}
    frames = dict(tables) | {name: shaped.frame for name, shaped in shapes.items()}
    moment = _age_moment(tables, source)
    past = rows_past_retention(frames, declared, moment)
    gone = {name: shaped.rows[past[name]] if name in past else shaped.rows[:0] for name, shaped in shapes.items()}
    for kept, made in copies.items():
        frames_of_copy = [table.shaped.frame for table in made.values()]
        clocks = [frame["known_at"].min() for frame in frames_of_copy if "known_at" in frame]
        oldest = min((clock for clock in clocks if not pd.isna(clock)), default=None)
        rows = max((int(table.in_copy().max(initial=0)) for table in made.values()), default=0)
        days = max((declared.get(table, declared.get("leads", 0)) for table in kept.tables), default=0)
        if not dry_run and any(gone[name].size for name in made):
            note_shortened(source, kept, moment)
        count = drop_rows(kept, made, gone, dry_run=dry_run)
        shown = "" if oldest is None else f"{oldest:%Y-%m-%d}"
        found.append(Kept(table=f"kept/{kept.file.stem}", days=days, rows=rows, past=count, oldest=shown))
    return found


def _quarantine(context: Context, days: int, *, dry_run: bool) -> Kept:
    """Rows in quarantine have no clock one may trust: the file's own age counts."""
    files = [folder / name for folder in (context.paths.ingest, context.paths.refused) for name in QUARANTINE_FILES]
    files += sorted((context.paths.ingest / SET_APART).glob("*.parquet"))
    rows = past = 0
    for file in (file for file in files if file.exists()):
        frame = read_parquet(file)
        rows += len(frame)
        if time.time() - file.stat().st_mtime > days * _DAY and len(frame):
            past += len(frame)
            if not dry_run:
                write_parquet(file, frame.iloc[:0])
    return Kept(table=QUARANTINE, days=days, rows=rows, past=past, oldest="")
