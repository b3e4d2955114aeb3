"""The tables of a source whose files are kept as snapshots, ready to be checked like those of any file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.schema.columns import Column
from features.schema.source import Source
from features.schema.table_source import TableSource
from features.schema.vocabulary import Stage
from pipelines.artifacts.reading_record import ColumnReading
from pipelines.artifacts.snapshots_record import ExportHistory
from pipelines.ingest.expectations import expectations_of
from pipelines.ingest.quarantine import CheckedTable, check
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.shaping.canonical_shape import ShapedTable, UnreadableValues, shape_table
from pipelines.snapshots.account_history import account_rows
from pipelines.snapshots.declared_exports import describe_place, exports_of
from pipelines.snapshots.lead_history import AnswerRows, answer_rows, lead_rows
from pipelines.snapshots.outcome_history import outcome_rows
from pipelines.snapshots.row_versions import TableHistory, Versions, load_versions, stored_rows
from pipelines.snapshots.snapshot_errors import NoSnapshotError
from pipelines.snapshots.snapshot_store import history_of, read_snapshots
from pipelines.snapshots.stage_history import shows_reopening, stage_rows
from pipelines.snapshots.taken_at import as_known
from pipelines.workspace.paths import Paths

_STAGES = ("lead_id", "stage", "entered_at", "known_at", "reason")
VANISHED = "vanished from the export"  # reason of the stage that a vanished lead gets


@dataclass(frozen=True, kw_only=True)
class SnapshotHistory:
    """What the store says, as tables.

    Parameters
    ----------
    source : the declaration by which the rows below are read
    raws : rows of every table that is read from snapshots
    answers : answers of overwritten columns
    reopened : stages of closed deals that were seen open again
    vanished : leads that the newest snapshot does not hold: lead_id, at
    forms : how the exports wrote their columns, by table and column: a file scored later is read the same way
    """

    source: Source
    raws: Mapping[str, RawTable]
    answers: AnswerRows | None
    reopened: pd.DataFrame
    vanished: pd.DataFrame
    notes: tuple[str, ...]
    forms: Mapping[str, Mapping[str, ColumnReading]]


def read_history(source: Source, paths: Paths, as_of: pd.Timestamp | None = None) -> SnapshotHistory:
    """The tables that a source reads from snapshots; none of a source that keeps none.

    ``as_of`` reads those that were taken before that moment, whatever later ones corrected.

    Raises
    ------
    NoSnapshotError
        if a file is to be kept as snapshots and none was taken, or none before ``as_of``.
    """
    now = pd.Timestamp.now("UTC").tz_localize(None).floor("us")
    raws: dict[str, RawTable] = {}
    tables: dict[str, TableSource] = dict(source.tables)
    answers: AnswerRows | None = None
    reopened, vanished, notes = [], [], []
    forms: dict[str, dict[str, ColumnReading]] = {}

    record = read_snapshots(paths)
    for export in exports_of(source):
        history = history_of(record, export.name)
        if history is None:
            raise NoSnapshotError(
                f"{source.where('tables', export.name, 'location', 'snapshots')}: no snapshot of "
                f"{describe_place(export.location)} was taken yet. Take the first: leadscore snapshot add EXPORT "
                f"--source {source.path or source.name}"
            )
        first = history.snapshots[0].taken_at
        history = as_known(history, now, as_of)
        if not history.snapshots:
            raise NoSnapshotError(
                f"{source.where('tables', export.name, 'location', 'snapshots')}: no snapshot of "
                f"{describe_place(export.location)} was taken before {as_of:%Y-%m-%d %H:%M}, the first is of "
                f"{first[:10]}; what it said by then is not known. Choose a later moment."
            )
        versions = load_versions(paths, export, history)
        what = f"{len(versions.taken)} snapshots of {describe_place(export.location)}"
        made: dict[str, TableHistory] = {}
        if "leads" in export.tables:
            answers = answer_rows(versions, source)
            made["leads"] = lead_rows(versions, source, answers.newest)
            vanished.append(_vanished(versions))
        if "accounts" in export.tables:
            made["accounts"] = account_rows(versions, source)
        if "stages" in export.tables:
            made["stages"] = stage_rows(versions, source)
        if "outcomes" in export.tables:
            outcomes = outcome_rows(versions, source)
            made["outcomes"] = outcomes.table
            reopened += [] if shows_reopening(source) else [outcomes.reopened]
            notes += [f"outcomes: {outcomes.corrected:,} were corrected by a later snapshot."] * bool(
                outcomes.corrected
            )
        for table, rows in made.items():
            tables[table] = rows.declared
            raws[table] = _raw(rows, table, versions, source, what)
            forms[table] = _forms(history, source.tables[table])
        span = f"{versions.first:%Y-%m-%d} to {versions.taken[-1]:%Y-%m-%d}"
        notes.append(f"{', '.join(export.tables)}: read from {len(versions.taken)} snapshots, {span}.")

    return SnapshotHistory(
        source=source.model_copy(update={"tables": tables}) if raws else source,
        raws=raws,
        answers=answers if answers is not None and len(answers.frame) else None,
        reopened=pd.concat([pd.DataFrame(columns=list(_STAGES)), *reopened]),
        vanished=pd.concat([pd.DataFrame(columns=["lead_id", "at"]), *vanished]),
        notes=tuple(notes),
        forms=forms,
    )


def _forms(history: ExportHistory, declared: TableSource) -> dict[str, ColumnReading]:
    """How a table's columns were written in the exports, as far as that had to be found out."""
    known = history.forms()
    pairs = [(name, header) for name, column in declared.columns.items() for header in column.headers(name)]
    return {name: known[header] for name, header in reversed(pairs) if header in known}


def _raw(rows: TableHistory, table: str, versions: Versions, source: Source, what: str) -> RawTable:
    """The rows with the headers of their table; those nobody speaks of are listed under the export's first table."""
    own = {header for name, column in rows.declared.columns.items() for header in column.headers(name)}
    if table == versions.export.name:
        tables = [source.tables[one] for one in versions.export.tables]
        spoken = {header for one in tables for name, column in one.columns.items() for header in column.headers(name)}
        spoken |= {
            header for one in tables for header in (*one.rows, *(h for wide in one.wide.values() for h in wide.headers))
        }
        own |= set(rows.frame.columns) - spoken
    frame = rows.frame[[header for header in rows.frame.columns if header in own]].reset_index(drop=True)
    return stored_rows(frame, rows.lines, what=what)


def _vanished(versions: Versions) -> pd.DataFrame:
    if versions.export.settings.vanished == "open" or versions.export.key_table != "leads":
        return pd.DataFrame(columns=["lead_id", "at"])
    return pd.DataFrame({"lead_id": versions.vanished.index, "at": versions.vanished.to_numpy()})


@dataclass(frozen=True, kw_only=True)
class TablesSoFar:
    """The tables of a source on their way through ingest, by name; rows of snapshots are added to all three."""

    raws: dict[str, RawTable]
    shapes: dict[str, ShapedTable]
    checked: dict[str, CheckedTable]


def add_history_rows(history: SnapshotHistory, tables: TablesSoFar, cutoff: pd.Timestamp | None) -> Source:
    """Add what snapshots say beside their own tables: answers, and stages of leads reopened or vanished.

    Returns the declaration with the tables that came about only so.
    """
    source = history.source
    for table, forms in history.forms.items():
        tables.shapes[table].forms |= forms
    if history.answers is not None:
        frame, unread = history.answers.frame, history.answers.unread
        texts = tuple(str(text) for text in frame["value"].iloc[unread])
        source = add_rows(source, "answers", frame, [UnreadableValues("value", unread, texts)], tables, cutoff)

    outcomes = tables.checked["outcomes"].frame["lead_id"] if "outcomes" in tables.checked else pd.Series(dtype="str")
    gone = history.vanished[~history.vanished["lead_id"].isin(outcomes)]
    at = pd.to_datetime(gone["at"]).dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    closed = pd.DataFrame({"lead_id": gone["lead_id"], "stage": str(Stage.DISQUALIFIED), "reason": VANISHED})
    stages = pd.concat([history.reopened, closed.assign(entered_at=at, known_at=at)], ignore_index=True)
    return add_rows(source, "stages", stages, [], tables, cutoff) if len(stages) else source


def add_rows(
    source: Source,
    table: str,
    frame: pd.DataFrame,
    unreadable: list[UnreadableValues],
    tables: TablesSoFar,
    cutoff: pd.Timestamp | None,
) -> Source:
    """Add rows of texts in the canonical columns to a table, checked by its rules; returns the declaration with it."""
    own = TableSource(columns={name: Column() for name in frame.columns})
    only = source.model_copy(update={"tables": dict(source.tables) | {table: own}})
    start = 0 if table not in tables.raws else _last_row(tables.raws[table])
    lines = np.arange(start + 1, start + 1 + len(frame), dtype=np.int64)
    raw = stored_rows(frame.astype("str").reset_index(drop=True), lines)

    shaped = shape_table(raw, table, only)
    shaped.unreadable += [item for item in unreadable if item.positions.size]
    rules = [rule for rule in expectations_of(only, cutoff) if rule.table == table]
    result = check(shaped, (), rules, tables.checked, only)
    result.reconcile(table)
    if table not in tables.checked:
        tables.raws[table], tables.shapes[table], tables.checked[table] = raw, shaped, result
        return only

    tables.raws[table] = _join_raws(tables.raws[table], raw)
    tables.shapes[table] = _join_shapes(tables.shapes[table], shaped)
    tables.checked[table] = _join_checked(tables.checked[table], result)
    return source


def _last_row(raw: RawTable) -> int:
    return max([0, *raw.rows.tolist(), *(broken.row for broken in raw.broken)])


def _join_checked(one: CheckedTable, other: CheckedTable) -> CheckedTable:
    return CheckedTable(
        frame=pd.concat([one.frame, other.frame], ignore_index=True) if len(one.frame) else other.frame,
        rows=np.concatenate([one.rows, other.rows]),
        quarantine=pd.concat([one.quarantine, other.quarantine], ignore_index=True),
        warnings=pd.concat([one.warnings, other.warnings], ignore_index=True),
        read=one.read + other.read,
        left_out=one.left_out,
        seen=one.seen,
    )


def _join_raws(one: RawTable, other: RawTable) -> RawTable:
    return replace(
        one,
        frame=pd.concat([one.frame, other.frame], ignore_index=True),
        rows=np.concatenate([one.rows, other.rows]),
    )


def _join_shapes(one: ShapedTable, other: ShapedTable) -> ShapedTable:
    moved = [
        replace(item, positions=item.positions + len(one.frame)) for item in other.unreadable if item.positions.size
    ]
    return replace(
        one,
        frame=pd.concat([one.frame, other.frame], ignore_index=True),
        rows=np.concatenate([one.rows, other.rows]),
        unreadable=[*one.unreadable, *moved],
    )
