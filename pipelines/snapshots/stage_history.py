"""Stages from snapshots: a stage is entered when a snapshot first shows it, or on the date the export gives."""

import numpy as np
import pandas as pd

from features.schema.columns import Column
from features.schema.source import Source
from features.schema.table_source import FILE_ROW, WIDE_DATE, WIDE_STAGE, TableSource
from pipelines.ingest.row_selection import select_rows
from pipelines.ingest.wide_stages import melt_stages
from pipelines.snapshots.differences import CHANGE, KEY
from pipelines.snapshots.row_versions import (
    TableHistory,
    Versions,
    iso_texts,
    joined_texts,
    replace_header,
    starts_of,
    stored_columns,
    stored_rows,
    when_learned,
    zone_of_column,
)
from pipelines.snapshots.snapshot_store import TAKEN

_LEAD, _ENTERED, _KNOWN = "snapshot:lead_id", "snapshot:entered_at", "snapshot:known_at"
_ROW = "snapshot:lead and row"


def stage_rows(versions: Versions, source: Source) -> TableHistory:
    """A row per stage that a lead entered, known when a snapshot first showed it.

    Of stages in one column every change is an entry; of stages with a column of dates each, every new date.
    """
    rows, declared = versions.said, source.tables["stages"]
    if declared.wide:
        raw = stored_rows(rows, np.arange(len(rows), dtype=np.int64))
        return _dated_stages(melt_stages(raw, source, "stages").frame, versions, declared, source)
    return _changed_stages(rows, versions, declared, source)


def shows_reopening(source: Source) -> bool:
    """Whether the stages themselves tell that a closed deal was opened again."""
    declared = source.tables.get("stages")
    return declared is not None and not declared.wide and declared.columns["stage"].constant is None


def _dated_stages(melted: pd.DataFrame, versions: Versions, declared: TableSource, source: Source) -> TableHistory:
    melted = melted.assign(**{_LEAD: joined_texts(melted, "lead_id", declared.columns["lead_id"])})
    melted[TAKEN] = versions.said[TAKEN].to_numpy()[melted[FILE_ROW].astype("int64").to_numpy()]
    first = melted.drop_duplicates([_LEAD, WIDE_STAGE, WIDE_DATE], keep="first").reset_index(drop=True)
    return _table(first.rename(columns={WIDE_DATE: _ENTERED}), versions, declared, source)


def _changed_stages(rows: pd.DataFrame, versions: Versions, declared: TableSource, source: Source) -> TableHistory:
    rows = rows.assign(**{_LEAD: joined_texts(rows, "lead_id", declared.columns["lead_id"])})
    of_lead = rows[_LEAD].fillna("") + "\n" + rows[KEY]  # each of a lead's rows has stages of its own
    rows = rows.assign(**{_ROW: of_lead})
    rows = rows.iloc[np.argsort(of_lead.to_numpy(dtype=object), kind="stable")].reset_index(drop=True)
    raw = stored_rows(rows, np.arange(len(rows), dtype=np.int64))
    chosen, _ = select_rows(raw, "stages", source)
    belongs = np.zeros(len(rows), dtype=np.bool_)
    belongs[chosen.rows] = True
    stage = joined_texts(rows, "stage", declared.columns["stage"])
    belongs &= stage.notna().to_numpy()

    dates = joined_texts(rows, "entered_at", declared.columns.get("entered_at"))
    stale = dates.eq(dates.shift()).to_numpy() & rows[_ROW].eq(rows[_ROW].shift()).to_numpy()
    entered = dates.mask(stale | dates.isna().to_numpy(), iso_texts(rows[TAKEN]))
    begins = starts_of(rows[_ROW], belongs, stage.to_numpy(dtype=object))
    entries = rows.assign(**{_ENTERED: entered})[begins].sort_values([_LEAD, TAKEN], kind="stable")
    return _table(entries.drop(columns=_ROW).reset_index(drop=True), versions, declared, source)


def _table(rows: pd.DataFrame, versions: Versions, declared: TableSource, source: Source) -> TableHistory:
    known = joined_texts(rows, "known_at", declared.columns.get("known_at"))
    zone = zone_of_column(source, declared.columns.get("entered_at"))
    rows = rows.assign(**{_KNOWN: known.fillna(when_learned(rows[_ENTERED], rows[TAKEN], versions.first, zone))})
    frame = rows.drop(columns=[KEY, CHANGE, TAKEN, FILE_ROW], errors="ignore").astype("str")
    columns = declared.columns
    made = stored_columns(
        source,
        "stages",
        {
            "lead_id": Column(source=_LEAD),
            "entered_at": replace_header(columns.get("entered_at"), _ENTERED),
            "known_at": replace_header(columns.get("known_at"), _KNOWN),
        },
    )
    return TableHistory(declared=made, frame=frame, lines=np.arange(1, len(frame) + 1, dtype=np.int64))
