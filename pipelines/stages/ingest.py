"""Ingest: a source's files to canonical tables; bad rows to quarantine; counts that reconcile."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from features.cohort.identity_resolution import Resolved, resolve
from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from pipelines.artifacts.counts_record import CountsRecord, hash_declaration
from pipelines.artifacts.reading_record import ReadingRecord, TableReading
from pipelines.ingest.check_tables import check_tables
from pipelines.ingest.data_cutoff import (
    age_moment,
    declared_cutoff,
    describe_future_cutoff,
    find_cutoff,
    set_later_rows_aside,
    set_open_deals_aside,
)
from pipelines.ingest.diagnosis.fewer_rows import check_rows_against_last
from pipelines.ingest.diagnosis.find_reasons import find_reasons
from pipelines.ingest.diagnosis.late_work import describe_late_work
from pipelines.ingest.diagnosis.lost_tables import describe_lost_tables, find_lost_tables
from pipelines.ingest.diagnosis.one_class import refuse_one_class
from pipelines.ingest.diagnosis.silent_outcomes import describe_silent_outcomes
from pipelines.ingest.diagnosis.stage_disagreements import describe_disagreements
from pipelines.ingest.early_closes import describe_early_closes
from pipelines.ingest.errors import TableLostError
from pipelines.ingest.expectations import expectations_of
from pipelines.ingest.identity_files import identity_counts, write_identity
from pipelines.ingest.notes_in_words import describe_counts
from pipelines.ingest.quarantine import CheckedTable
from pipelines.ingest.quarantine_files import QUARANTINE, write_quarantine
from pipelines.ingest.read_tables import read_tables
from pipelines.ingest.reading.fetch import get_data
from pipelines.ingest.reading.file_state import check_unchanged
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.reference_matching import describe_matches, match_references
from pipelines.ingest.shaping.canonical_shape import ShapedTable
from pipelines.ingest.table_counts import count_tables
from pipelines.ingest.undeclared_kinds import count_undeclared_kinds
from pipelines.posted.posted_store import STORE_SOURCE, PostedRows, describe_other_store, read_posted
from pipelines.posted.posted_tables import add_posted_fields, add_posted_rows, write_posted
from pipelines.privacy.erase_kept import KeptRows, clean_kept
from pipelines.privacy.kept_tables import drop_shortened
from pipelines.privacy.left_out_rows import (
    hide_contacts_without_consent,
    hide_in_keys,
    leave_out_old,
    leave_out_people,
    leave_out_posted,
)
from pipelines.snapshots.history_tables import SnapshotHistory, TablesSoFar, add_history_rows, read_history
from pipelines.synth.generators import make_generated
from pipelines.validation.raw_rows import write_set_apart
from pipelines.workspace.atomic_files import stage_dir, write_parquet
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.register import read_register
from pipelines.workspace.table_files import empty_table

TABLE_LOST = "table_lost"  # verdict of an ingest that was refused


def ingest(source: Source, paths: Paths, as_of: pd.Timestamp | None = None) -> CountsRecord:
    """Read, check and write every table of a source; returns what ``counts.json`` holds.

    ``as_of`` leaves out rows known and snapshots taken from that moment on, as if the export had been made then.

    Writes ``<table>.parquet`` for every table of the contract (duplicates merged and accounts matched by the declared
    identity rules), ``identity.parquet`` (each merge and match), ``unresolved/`` (the tables before them),
    ``posted.json`` and ``feedback.parquet`` (what was posted to the server, if anything was),
    ``quarantine.parquet`` (table, row, rule, column, value), ``quarantined_rows.parquet`` (the rows as they stood in
    the file), ``set_apart/`` (those rows as columns, of tables expected of as read), ``warnings.parquet``,
    ``counts.json`` and ``verdict.json``, all or none of them.

    Raises
    ------
    MissingFileError, UnreadableFileError, EmptyFileError, WrongHashError, MissingColumnError
        naming file and column.
    TableLostError
        if most of a table is quarantined; counts, quarantine and verdict are then in ``refused``, and the tables of
        the last good ingest stay as they are.
    OneClassError
        if the target of a flat source has one class only.
    NoSnapshotError, ContractError
        if files are kept as snapshots and none was taken (before ``as_of``); if no lead was known before ``as_of``.
    ChangedFileError, FewerRowsError
        if a file was written while it was read, or has so few rows that it may be half of an export.
    """
    declaration = hash_declaration(source)
    make_generated(source, paths)
    history = read_history(source, paths, as_of)
    source = history.source
    drop_shortened(source, paths, declared_cutoff(source))
    raws, shapes, open_deals = _read(source, paths, history, as_of)
    if drop_shortened(source, paths, age_moment(source, shapes, find_cutoff(source, shapes).moment)):
        raws, shapes, open_deals = _read(source, paths, history, as_of)
    fewer = [] if source.generator is not None or as_of is not None else check_rows_against_last(paths, raws)
    register = read_register(paths.root)
    keys = hide_in_keys(match_references(source, raws, shapes), register)
    all_rows = {name: KeptRows(raws[name], shaped) for name, shaped in shapes.items()}
    forgotten = leave_out_people(source, raws, shapes, register)
    found_cutoff = find_cutoff(source, shapes)
    cutoff = found_cutoff.moment
    moment = age_moment(source, shapes, cutoff)
    old = leave_out_old(source, shapes, moment)
    # as of an earlier moment some rows of what a copy's row is made of are set aside: its age is not known by the rest
    aged = {} if as_of is not None else old
    with clean_kept(source, paths, register, all_rows, forgotten=forgotten, old=aged, moment=moment):
        rules = expectations_of(source, cutoff)
        checked = check_tables(source, raws, shapes, rules)
        so_far = TablesSoFar(raws=raws, shapes=shapes, checked=checked)
        source = add_history_rows(history, so_far, cutoff)
        held = read_posted(paths)
        posted = leave_out_posted(source, held.tables, checked["leads"].frame)
        taken = add_posted_rows(source, PostedRows(posted, held.left_out), so_far, cutoff)
        source = taken.source
        counts = count_tables(source, raws, shapes, checked, cutoff) | {"as_of": as_of}
        reasons = find_reasons(source, raws, shapes, checked, rules)
        counts["reasons"] = {table: [reason.record() for reason in found] for table, found in reasons.items()}
        lost = find_lost_tables(source, checked, raws)
        if lost:
            text = describe_lost_tables(source, lost, reasons, str(paths.refused / QUARANTINE))
            refused = CountsRecord.of(counts | {"verdict": TABLE_LOST, "text": text})
            with stage_dir(paths.refused) as out:
                write_quarantine(out, refused, raws, checked)
            raise TableLostError(text)

        refuse_one_class(source, checked, reasons)
        resolved = _resolve_identity(source, checked)
        accounts = add_posted_fields(resolved.tables["accounts"], taken)
        leads = hide_contacts_without_consent(resolved.tables["leads"], source)
        resolved = replace(resolved, tables={**resolved.tables, "accounts": accounts, "leads": leads})
        if source.identity is not None:
            counts["identity"] = identity_counts(resolved, source.identity.merge)

        counts["keys"] = {column: match.record() for column, match in keys.items()}
        disagreements = describe_disagreements(resolved.tables, source)
        told = [
            *fewer,
            describe_future_cutoff(source),
            open_deals,
            *found_cutoff.notes,
            *describe_early_closes(resolved.tables, source),
            describe_silent_outcomes(resolved.tables, source),
            describe_late_work(resolved.tables, source),
            disagreements,
        ]
        told += [*history.notes, *taken.notes, _passed_over(paths)]
        notes = [*counts["notes"], *(note for note in told if note), *describe_matches(keys)]
        counts["notes"] = [register.hide(note) for note in notes]
        counts["undeclared_kinds"] = count_undeclared_kinds(resolved.tables["activities"], source)
        record = CountsRecord.of(counts | {"declaration": declaration, "verdict": "ok", "text": ""})
        record = record.model_copy(update={"text": describe_counts(record)})
        check_unchanged(state for raw in raws.values() for state in raw.files)
        with stage_dir(paths.ingest) as out:
            _write(out, record, raws, checked, resolved, _reading(raws, shapes))
            write_posted(out, taken, resolved.merged)
            write_set_apart(out, source, shapes, checked)
        shutil.rmtree(paths.refused, ignore_errors=True)
    return record


def _read(
    source: Source, paths: Paths, history: SnapshotHistory, as_of: pd.Timestamp | None
) -> tuple[dict[str, RawTable], dict[str, ShapedTable], str]:
    """The tables as read, as the contract wants them (as an export of a moment had them), and a note on open deals."""
    raws, shapes = read_tables(source, get_data(source, paths), paths, history.raws)
    if as_of is not None:
        shapes = set_later_rows_aside(shapes, as_of)
    shapes, open_deals = set_open_deals_aside(source, shapes)
    return raws, shapes, open_deals


def _resolve_identity(source: Source, checked: Mapping[str, CheckedTable]) -> Resolved:
    frames = {
        name: checked[name].frame if name in checked else empty_table(contract) for name, contract in TABLES.items()
    }
    return resolve(frames, source)


def _reading(raws: Mapping[str, RawTable], shapes: Mapping[str, ShapedTable]) -> ReadingRecord:
    """How the files were found to be written: what the next file of a table may be too short to show."""
    return ReadingRecord(
        tables={
            table: TableReading(encoding=raws[table].form.get("encoding"), columns=shaped.forms)
            for table, shaped in shapes.items()
        }
    )


def _passed_over(paths: Paths) -> str:
    """That a store was not read, where the environment does not say whose it is: nothing else would tell."""
    other = "" if os.environ.get(STORE_SOURCE) else describe_other_store(paths)
    return f"warning: nothing was read of what was posted to a server. {other}" if other else ""


def _write(
    out: Path,
    counts: CountsRecord,
    raws: Mapping[str, RawTable],
    checked: Mapping[str, CheckedTable],
    resolved: Resolved,
    reading: ReadingRecord,
) -> None:
    for name, frame in resolved.tables.items():
        write_parquet(out / f"{name}.parquet", frame)
    write_identity(out, resolved)
    reading.write(out)
    write_quarantine(out, counts, raws, checked)
