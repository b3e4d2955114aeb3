"""How much history a source's snapshots hold: per column since when training may use it, and what is still needed."""

import math
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from features.schema.columns import Column
from features.schema.source import Source
from features.schema.vocabulary import Role, WhenKnown
from pipelines.artifacts.snapshots_record import ExportHistory
from pipelines.snapshots.add_export import fixed_headers
from pipelines.snapshots.declared_exports import DeclaredExport, declared_columns, exports_of
from pipelines.snapshots.snapshot_store import history_of, moment_of, read_snapshots
from pipelines.workspace.paths import Paths

_FILLED_FROM = "from its creation on"


@dataclass(frozen=True, kw_only=True)
class ColumnStatus:
    """One column of an export: what it is declared as, since when a look may see it, how often it changed."""

    header: str
    table: str
    column: str
    when_known: str
    since: str
    changes: int
    note: str


@dataclass(frozen=True, kw_only=True)
class ExportStatus:
    """The snapshots of one export, in figures; ``weeks`` lie between the first and the newest."""

    export: str
    tables: tuple[str, ...]
    snapshots: int
    first: str | None
    newest: str | None
    weeks: float
    longest_gap_days: float
    rows: int
    new: int
    changed: int
    vanished: int
    returned: int
    corrected: int
    columns: tuple[ColumnStatus, ...]
    weeks_needed: int
    weeks_missing: int
    enough_on: str | None


def describe_history(source: Source, paths: Paths) -> list[ExportStatus]:
    """The state of every export that a source keeps as snapshots; those never taken have none."""
    record = read_snapshots(paths)
    return [_status(export, history_of(record, export.name), source) for export in exports_of(source)]


def count_weeks_needed(source: Source) -> int:
    """Weeks of history to learn, to choose and to test one after the other on looks at snapshots alone.

    Three times the wait until an outcome is certain, the test's share of the looks beside them; the same sum by which
    training refuses a history as too short (:func:`features.cohort.splits.chop`).
    """
    label = source.label
    horizon = max([label.horizon_days, *label.horizon_by_segment.values()])
    wait = horizon + label.kept_days + label.reporting_lag_days
    return math.ceil(wait * (1 + 2 / (1 - source.split.test_share)) / 7)


def _status(export: DeclaredExport, history: ExportHistory | None, source: Source) -> ExportStatus:
    taken = [] if history is None else list(history.snapshots)
    moments = [moment_of(snapshot) for snapshot in taken]
    day = pd.Timedelta(days=1)
    gaps = [(later - earlier) / day for earlier, later in pairwise(moments)]
    needed, have = count_weeks_needed(source), (moments[-1] - moments[0]) / (7 * day) if moments else 0.0
    return ExportStatus(
        export=export.name,
        tables=export.tables,
        snapshots=len(taken),
        first=taken[0].taken_at if taken else None,
        newest=taken[-1].taken_at if taken else None,
        weeks=round(have, 1),
        longest_gap_days=round(max(gaps, default=0.0), 1),
        rows=taken[-1].rows if taken else 0,
        new=sum(snapshot.new for snapshot in taken[1:]),
        changed=sum(snapshot.changed for snapshot in taken),
        vanished=sum(snapshot.vanished for snapshot in taken),
        returned=sum(snapshot.returned for snapshot in taken),
        corrected=sum(snapshot.corrected for snapshot in taken),
        columns=tuple(_columns(export, history, source)) if history is not None else (),
        weeks_needed=needed,
        weeks_missing=max(0, math.ceil(needed - have)),
        enough_on=f"{moments[0] + needed * 7 * day:%Y-%m-%d}" if moments else None,
    )


def _columns(export: DeclaredExport, history: ExportHistory, source: Source) -> list[ColumnStatus]:
    since, fixed = history.since(), fixed_headers(source, export)
    changes: dict[str, int] = {}
    for snapshot in history.snapshots:
        for header, count in snapshot.by_column.items():
            changes[header] = changes.get(header, 0) + count

    found, spoken = [], set()
    for table, name, column in declared_columns(source, export):
        if (table, name) == (export.key_table, export.key):
            spoken |= set(column.headers(name))
            continue
        for header in column.headers(name):
            if header not in since:
                continue
            spoken.add(header)
            known, note = _speak_of(table, name, column, since[header], changes.get(header, 0), header in fixed)
            found.append(
                ColumnStatus(
                    header=header,
                    table=table,
                    column=name,
                    when_known=str(column.when_known),
                    since=known,
                    changes=changes.get(header, 0),
                    note=note,
                )
            )
    for header in since:
        if header not in spoken:
            found.append(_undeclared(header, since[header], changes.get(header, 0)))
    return found


def _speak_of(table: str, name: str, column: Column, since: str, changes: int, fixed: bool) -> tuple[str, str]:
    """Since when a look may see a column, and what to know or to do."""
    if column.when_known is WhenKnown.SNAPSHOTS or (table == "accounts" and column.when_known is WhenKnown.KNOWN_AT):
        return since, ""
    if column.role not in (Role.FEATURE, Role.SENSITIVE):
        return "-", "shown, not learned from"
    if column.when_known is WhenKnown.OVERWRITTEN:
        return "-", f"declare when_known: snapshots to learn from it, from {since[:10]} on"
    if column.when_known is WhenKnown.HISTORY:
        return "-", "read from answers"
    if fixed and changes and (table, name) not in {("leads", "created_at"), ("outcomes", "closed_at")}:
        return _FILLED_FROM, (
            f"edited {changes:,} times: the first value seen counts; declare when_known: snapshots if edits matter"
        )
    return ("-" if table in ("outcomes", "stages") else _FILLED_FROM), ""


def _undeclared(header: str, since: str, changes: int) -> ColumnStatus:
    return ColumnStatus(
        header=header,
        table="",
        column="",
        when_known="",
        since=since,
        changes=changes,
        note="kept, not declared: declare it when_known: snapshots to learn from it",
    )
