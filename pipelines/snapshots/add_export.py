"""Taking a snapshot: an export is read, compared with the snapshot before it, checked, and stored as its changes."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from features.schema.source import Source
from features.schema.vocabulary import Role, WhenKnown
from pipelines.artifacts.snapshots_record import ExportHistory, SnapshotsRecord, TakenSnapshot
from pipelines.ingest.values.moments import zone_of
from pipelines.snapshots.declared_exports import DeclaredExport, columns_of_export, declared_columns
from pipelines.snapshots.differences import KEY, Differences, apply_changes, carry_missing_columns, compare_states
from pipelines.snapshots.export_checks import (
    Oddity,
    find_later_rows,
    find_older,
    find_other_shape,
    find_replacement,
    refuse_unless_accepted,
)
from pipelines.snapshots.export_rows import ExportRows, key_headers, read_export
from pipelines.snapshots.snapshot_store import (
    history_of,
    left_out_folder,
    moment_of,
    read_changes,
    read_snapshots,
    write_part,
    write_record,
)
from pipelines.snapshots.taken_at import TakenAt, find_taken_at, read_taken_at
from pipelines.workspace.atomic_files import write_parquet
from pipelines.workspace.paths import Paths
from pipelines.workspace.people.addresses_in_texts import hide_in_frame
from pipelines.workspace.people.register import PeopleRegister, read_register

OF_FORGOTTEN = "of forgotten people"


@dataclass(frozen=True, kw_only=True)
class ReadExport:
    """An export that was read and dated, but not yet taken."""

    what: str
    rows: ExportRows
    taken_at: TakenAt


@dataclass(frozen=True)
class Added:
    """What became of an export: its entry in the store, and whether the store had it already."""

    snapshot: TakenSnapshot
    repeated: bool


def read_exports(
    files: Collection[Path], export: DeclaredExport, source: Source, paths: Paths, taken_at: str | None = None
) -> list[ReadExport]:
    """Exports read and dated, in order of their dates; without files, the declared database as it stands now.

    A column that does not tell how it is written is read as in the exports before.

    Raises
    ------
    UnknownTakenAtError, SnapshotRefusedError, and the errors of reading a file.
    """
    zone = zone_of(source.timezone, "timezone")
    given = None if taken_at is None else read_taken_at(taken_at, zone)
    found = []
    history = history_of(read_snapshots(paths), export.name)
    known = {} if history is None else history.forms()
    inputs: list[Path | None] = [*files] if files else [None]
    for file in inputs:
        rows = read_export(file, export, source, known)
        known |= rows.forms
        if given is not None:
            dated = given
        elif file is None:
            dated = TakenAt(pd.Timestamp.now("UTC").tz_localize(None).floor("us"), "time it was read")
        else:
            dated = find_taken_at(file, rows.newest, zone)
        found.append(ReadExport(what=rows.what, rows=rows, taken_at=dated))
    return sorted(found, key=lambda one: (one.taken_at.moment, one.what))


def add_export(
    read: ReadExport, export: DeclaredExport, source: Source, paths: Paths, accepted: Collection[Oddity] = ()
) -> Added:
    """Take one snapshot; the caller holds the source's lock.

    One that the store holds already (same moment, same rows) changes nothing. An older one that is accepted goes
    between its neighbours, and the next one's changes are told anew.

    Raises
    ------
    SnapshotRefusedError
        naming every oddity that was not accepted; nothing was stored then.
    """
    read = leave_out_forgotten(read, export, source, read_register(paths.root))
    record = read_snapshots(paths)
    history = history_of(record, export.name)
    taken = [] if history is None else list(history.snapshots)
    moment = read.taken_at.moment
    before = [snapshot for snapshot in taken if moment_of(snapshot) < moment]
    same = [snapshot for snapshot in taken if moment_of(snapshot) == moment]
    after = [snapshot for snapshot in taken if moment_of(snapshot) > moment]

    parts = read_changes(paths, export.name, before)
    if same:
        stored = apply_changes([*parts, *read_changes(paths, export.name, same)])
        if compare_states(stored, read.rows.frame).nothing:
            return Added(same[0], repeated=True)

    previous = apply_changes(parts)
    findings = [] if same else [*find_older(history, moment)]
    findings += [find_replacement(moment)] if same else []
    findings += find_later_rows(moment, read.rows.newest)
    findings += find_other_shape(previous, read.rows.frame, export, source)
    refuse_unless_accepted(findings, accepted, what=read.what)

    fixed = fixed_headers(source, export)
    state = carry_missing_columns(previous, read.rows.frame)
    ever = {key for part in parts for key in part[KEY]}
    differences = compare_states(previous, state, ever=ever, fixed=fixed)
    odd = tuple(dict.fromkeys(str(finding.oddity) for finding in findings))
    snapshot = _snapshot(read, differences, write_part(paths, export.name, moment, differences.rows), odd)

    if after:
        following = apply_changes([*parts, *read_changes(paths, export.name, [*same, after[0]])])
        told = compare_states(state, following, ever=ever | set(state.index), fixed=fixed)
        part = write_part(paths, export.name, moment_of(after[0]), told.rows)
        after[0] = after[0].model_copy(update=_counts(told) | {"part": part})

    _keep_left_out(read, export, paths)
    kept = ExportHistory(key=key_headers(source, export), snapshots=(*before, snapshot, *after))
    write_record(paths, SnapshotsRecord(exports=dict(record.exports) | {export.name: kept}))
    return Added(snapshot, repeated=False)


def leave_out_forgotten(
    read: ReadExport, export: DeclaredExport, source: Source, register: PeopleRegister
) -> ReadExport:
    """The export without rows of forgotten people, who are not mentioned in others either; how many rows there were is
    told, not what they held.
    """
    if not register.has_forgotten:
        return read
    frame, left = read.rows.frame, read.rows.left_out
    columns = columns_of_export(source, export, key_headers(source, export))
    hit = register.find_leads(pd.Series(frame.index)) if KEY in columns.leads else np.zeros(len(frame), dtype=np.bool_)
    for name in frame.columns:
        if name not in columns.staff:
            hit |= register.find_addresses(frame[name], personal=name in columns.personal)
        if name in columns.leads:
            hit |= register.find_leads(frame[name])
    speaks = np.array([register.names(str(raw)) for raw in left["raw"]], dtype=np.bool_)
    gone = int(hit.sum()) + int(speaks.sum())
    frame, mentions = hide_in_frame(frame[~hit], register.hide_addresses, columns.staff)
    if not gone and not mentions:
        return read
    told = pd.DataFrame({"row": [0] * gone, "why": [OF_FORGOTTEN] * gone, "raw": [""] * gone})
    rows = replace(read.rows, frame=frame, left_out=pd.concat([left[~speaks], told], ignore_index=True))
    return replace(read, rows=rows)


def fixed_headers(source: Source, export: DeclaredExport) -> set[str]:
    """Headers of what is never edited: features declared as known at creation, and the dates of creation and close."""
    dates = {("leads", "created_at"), ("outcomes", "closed_at")}
    return {
        header
        for table, name, column in declared_columns(source, export)
        if (table, name) in dates
        or (
            table in ("leads", "accounts")
            and column.when_known is WhenKnown.AT_CREATION
            and column.role in (Role.FEATURE, Role.SENSITIVE)
            and (table, name) not in {("leads", "owner"), ("leads", "known_at"), ("accounts", "known_at")}
        )
        for header in column.headers(name)
    }


def _snapshot(read: ReadExport, told: Differences, part: str, accepted: tuple[str, ...]) -> TakenSnapshot:
    why = read.rows.left_out["why"].value_counts()
    return TakenSnapshot.of(
        {
            "taken_at": read.taken_at.moment,
            "found": read.taken_at.found,
            "file": read.what,
            "sha256": read.rows.sha256,
            "part": part,
            "rows": len(read.rows.frame),
            "columns": [str(name) for name in read.rows.frame.columns],
            "left_out": {str(name): int(count) for name, count in why.items()},
            "accepted": accepted,
            "forms": {header: form.record() for header, form in read.rows.forms.items()},
            "added_at": pd.Timestamp.now("UTC").tz_localize(None).floor("us"),
            **_counts(told),
        }
    )


def _counts(told: Differences) -> dict[str, object]:
    return {
        "new": told.new,
        "changed": told.changed,
        "vanished": told.vanished,
        "returned": told.returned,
        "corrected": told.corrected,
        "by_column": told.by_column,
    }


def _keep_left_out(read: ReadExport, export: DeclaredExport, paths: Paths) -> None:
    """Rows that were not stored, as they stood in the file."""
    if len(read.rows.left_out):
        name = f"{export.name}-{read.taken_at.moment:%Y%m%dT%H%M%S%f}.parquet"
        write_parquet(left_out_folder(paths) / name, read.rows.left_out.astype({"why": "str", "raw": "str"}))
