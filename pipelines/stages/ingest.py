"""Ingest: a source's files to canonical tables; bad rows to quarantine; counts that reconcile."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.assembly.flat_outcomes import learned_rows
from features.cohort.identity_resolution import Resolved, resolve
from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from features.schema.vocabulary import Role
from pipelines.artifacts.counts_record import CountsRecord, QuarantineReason, hash_declaration
from pipelines.artifacts.reading_record import ReadingRecord, TableReading
from pipelines.artifacts.verdict_record import RowsVerdict
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
from pipelines.ingest.diagnosis.reasons_in_words import describe_quarantine, describe_reasons
from pipelines.ingest.diagnosis.silent_outcomes import describe_silent_outcomes
from pipelines.ingest.diagnosis.stage_disagreements import describe_disagreements
from pipelines.ingest.early_closes import describe_early_closes
from pipelines.ingest.errors import OneClassError, TableLostError
from pipelines.ingest.expectations import Expectation, Rule, expectations_of
from pipelines.ingest.identity_files import identity_counts, write_identity
from pipelines.ingest.notes_in_words import describe_notes
from pipelines.ingest.quarantine import CheckedTable, check, raw_rows
from pipelines.ingest.read_tables import read_tables
from pipelines.ingest.reading.fetch import get_data
from pipelines.ingest.reading.file_state import check_unchanged
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.reference_matching import describe_matches, match_references
from pipelines.ingest.row_selection import drop_superseded
from pipelines.ingest.shaping.canonical_shape import ShapedTable
from pipelines.ingest.undeclared_kinds import (
    PASTE,
    count_undeclared_kinds,
    declaration_block,
    describe_undeclared_kinds,
)
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

QUARANTINE, QUARANTINED_ROWS, WARNINGS = "quarantine.parquet", "quarantined_rows.parquet", "warnings.parquet"
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
        checked = _check_tables(source, raws, shapes, rules)
        so_far = TablesSoFar(raws=raws, shapes=shapes, checked=checked)
        source = add_history_rows(history, so_far, cutoff)
        posted = leave_out_posted(source, read_posted(paths).tables, checked["leads"].frame)
        taken = add_posted_rows(source, PostedRows(posted), so_far, cutoff)
        source = taken.source
        counts = _counts(source, raws, shapes, checked, cutoff) | {"as_of": as_of}
        reasons = find_reasons(source, raws, shapes, checked, rules)
        counts["reasons"] = {table: [reason.record() for reason in found] for table, found in reasons.items()}
        lost = find_lost_tables(source, checked, raws)
        if lost:
            text = describe_lost_tables(source, lost, reasons, str(paths.refused / QUARANTINE))
            refused = CountsRecord.of(counts | {"verdict": TABLE_LOST, "text": text})
            with stage_dir(paths.refused) as out:
                _write_quarantine(out, refused, raws, checked)
            raise TableLostError(text)

        _refuse_one_class(source, checked, reasons)
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


def _check_tables(
    source: Source, raws: Mapping[str, RawTable], shapes: Mapping[str, ShapedTable], rules: Sequence[Expectation]
) -> dict[str, CheckedTable]:
    checked: dict[str, CheckedTable] = {}
    for table, shaped in shapes.items():
        mine = [rule for rule in rules if rule.table == table]
        lost = _closes_without_outcome(source, raws, shapes, rules) if table == "leads" else None
        if source.opportunities is not None and table in ("outcomes", "stages"):
            shaped = drop_superseded(shaped, checked["leads"])
        checked[table] = check(shaped, raws[table].broken, mine, checked, source, close_unread=lost)
        checked[table].reconcile(table)
    return checked


def _closes_without_outcome(
    source: Source, raws: Mapping[str, RawTable], shapes: Mapping[str, ShapedTable], rules: Sequence[Expectation]
) -> npt.NDArray[np.int64]:
    """Numbers of the rows of leads that are over, but whose outcome cannot be kept (no date of the close).

    In a file of deals they are the rows themselves, else those that such an outcome names and no win that is kept, nor
    any outcome that is kept where all of these are lost. A deal that is not known as won and has no date of a close is
    an open one there, and its lead stays; nor is one over that closes after a declared cut-off.
    """
    if source.flat is not None or "outcomes" not in shapes:
        return np.zeros(0, dtype=np.int64)
    shaped, passed = shapes["outcomes"], {Rule.REFERENCE, Rule.UNIQUE}
    cutoff = declared_cutoff(source)
    if source.opportunities is None and cutoff is not None:
        passed.add(Rule.CUTOFF)
    own = [rule for rule in rules if rule.table == "outcomes" and rule.rule not in passed]
    broken = check(shaped, (), own, {}, source).quarantine
    if source.opportunities is not None:
        return broken["row"].to_numpy(dtype=np.int64)

    frame = shaped.frame
    apart, won = np.isin(shaped.rows, broken["row"]), frame["won"].fillna(False).to_numpy(dtype=np.bool_)
    lost = frame["won"].eq(False).fillna(False).to_numpy(dtype=np.bool_)
    undated = (broken["rule"] == Rule.REQUIRED) & broken["column"].isin(["closed_at", "known_at", "won"])
    unread = broken["row"][(broken["rule"] == Rule.TYPE) & (broken["column"] == "closed_at")]
    dated = frame["closed_at"].notna().to_numpy(dtype=np.bool_) | np.isin(shaped.rows, unread)
    over = apart & (won | (dated & np.isin(shaped.rows, broken["row"][~undated])))

    kept = ~apart  # one after the cut-off is in quarantine, too: it says nothing of how the lead stands
    if cutoff is not None:
        kept &= ~(frame["known_at"] > cutoff).fillna(False).to_numpy(dtype=np.bool_)
    leads = frame["lead_id"]
    ids = set(leads[over & ~lost].dropna()) - set(leads[won & kept].dropna())
    ids |= set(leads[over & lost].dropna()) - set(leads[kept].dropna())
    named = shapes["leads"].frame["lead_id"].isin(ids)
    return shapes["leads"].rows[named.to_numpy(dtype=np.bool_)]


def _resolve_identity(source: Source, checked: Mapping[str, CheckedTable]) -> Resolved:
    frames = {
        name: checked[name].frame if name in checked else empty_table(contract) for name, contract in TABLES.items()
    }
    return resolve(frames, source)


def _latest(source: Source, cutoff: pd.Timestamp | None, checked: Mapping[str, CheckedTable]) -> pd.Timestamp | None:
    """The data cut-off: as declared, else the latest known_at of the rows kept."""
    if source.flat is not None or source.data_cutoff is not None:
        return cutoff
    clocks = [c.frame["known_at"].max() for c in checked.values() if "known_at" in c.frame and len(c.frame)]
    return max((moment for moment in clocks if not pd.isna(moment)), default=None)


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


def _refuse_one_class(
    source: Source, checked: Mapping[str, CheckedTable], reasons: Mapping[str, Sequence[QuarantineReason]]
) -> None:
    """A flat target of one class teaches nothing; what is in quarantine may be the other one."""
    if source.flat is None:
        return
    target, leads = source.flat.target, checked["leads"].frame
    texts = leads[target.column][learned_rows(leads, source, source.flat)]
    won = int(texts.isin(target.won).sum())
    if won not in (0, len(texts)):
        return
    found = ", ".join(sorted(set(texts))) or "none"
    others = len(leads) - len(texts)
    among = f" that are closed ({others:,} others are open or left out)" if others else ""
    missing = checked["leads"].quarantined
    lost = "\n".join(
        ["", f"  {missing:,} of {checked['leads'].read:,} rows are in quarantine:", *describe_reasons(reasons["leads"])]
        if missing
        else []
    )
    raise OneClassError(
        f"{source.where('flat', 'target')}: target '{target.column}' has one class only in {len(texts)} rows{among} "
        f"({found}); nothing can be learned from it. Expected won ({', '.join(target.won)}) and lost "
        f"({', '.join((*target.lost, *target.disqualified))}); export closed leads of both kinds.{lost}"
    )


def _counts(
    source: Source,
    raws: Mapping[str, RawTable],
    shapes: Mapping[str, ShapedTable],
    checked: Mapping[str, CheckedTable],
    cutoff: pd.Timestamp | None,
) -> dict[str, Any]:
    def ignored_columns(table: str) -> dict[str, str]:
        columns = source.tables[table].columns
        return {name: c.excluded_because for name, c in columns.items() if c.role is Role.IGNORE}

    return {
        "source": source.name,
        "source_kind": source.kind,
        "synthetic": source.synthetic,
        "data_cutoff": _latest(source, cutoff, checked),
        "rows": {
            table: {"read": c.read, "kept": len(c.frame), "quarantined": c.quarantined}
            | ({"left_out": left} if (left := c.left_out - shapes[table].repeated - _spared(shapes[table])) else {})
            | ({"repeated": shapes[table].repeated} if shapes[table].repeated else {})
            | ({"people": shapes[table].people} if shapes[table].people else {})
            for table, c in checked.items()
        },
        "rules": {table: _by_rule(c.quarantine) for table, c in checked.items() if len(c.quarantine)},
        "warnings": {table: _by_rule(c.warnings) for table, c in checked.items() if len(c.warnings)},
        "undeclared_columns": {table: s.undeclared for table, s in shapes.items() if s.undeclared},
        "ignored_columns": {table: names for table in shapes if (names := ignored_columns(table))},
        "files": {table: dict(raw.form) for table, raw in raws.items()},
        "notes": [
            *(note for shaped in shapes.values() for note in shaped.notes),
            *(note for table in checked.values() for note in table.notes),
        ],
    }


def _spared(shaped: ShapedTable) -> int:
    """Rows left out for the sake of those they speak of."""
    return sum(shaped.people.values())


def _by_rule(rows: pd.DataFrame) -> dict[str, int]:
    return {str(rule): int(n) for rule, n in rows.groupby("rule")["row"].nunique().items()}


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
    _write_quarantine(out, counts, raws, checked)


def _write_quarantine(
    out: Path, counts: CountsRecord, raws: Mapping[str, RawTable], checked: Mapping[str, CheckedTable]
) -> None:
    """What was kept out and why, with the counts and the verdict."""
    write_parquet(out / QUARANTINE, pd.concat([c.quarantine for c in checked.values()], ignore_index=True))
    write_parquet(out / WARNINGS, pd.concat([c.warnings for c in checked.values()], ignore_index=True))
    originals = [raw_rows(raws[table], c, table) for table, c in checked.items()]
    write_parquet(out / QUARANTINED_ROWS, pd.concat(originals, ignore_index=True))
    counts.write(out)
    RowsVerdict.of({"stage": "ingest", "verdict": counts.verdict, "text": counts.text}).write(out)


def describe_counts(counts: CountsRecord) -> str:
    """One line per table: rows read, kept and quarantined, and by which rules; then what identity
    resolution did, what was found out, and kinds of activities nobody declared, with a block to paste. Between them
    the largest reasons of the quarantine.
    """
    lines = []
    for table, n in counts.rows.items():
        why = ", ".join(f"{rule} {rows}" for rule, rows in counts.rules.get(table, {}).items())
        line = f"{table}: {n.read:,} read, {n.describe()}"
        lines.append(f"{line} ({why})" if why else line)
    lines += describe_matches(counts.keys)
    lines += describe_quarantine(counts.reasons)
    lines += [line for line in describe_notes(counts) if line.removeprefix("note: ") not in lines]
    if counts.undeclared_kinds:
        lines.append(f"warning: {describe_undeclared_kinds(counts.undeclared_kinds)} {PASTE}")
        lines += declaration_block(counts.undeclared_kinds).splitlines()
    return "\n".join(lines)
