"""Outcomes from snapshots: they arrive as they close, are corrected, taken back, and closed again."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.schema.columns import Column
from features.schema.source import Source
from features.schema.vocabulary import Stage
from pipelines.ingest.row_selection import select_rows
from pipelines.ingest.shaping.canonical_shape import shape_table
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

_WON = "snapshot:won"
_ID, _CLOSED, _KNOWN = "snapshot:opportunity_id", "snapshot:closed_at", "snapshot:known_at"


@dataclass(frozen=True, kw_only=True)
class OutcomeHistory:
    """Outcomes, and the moments at which a closed deal was seen open again.

    ``reopened`` has columns lead_id, stage, entered_at, known_at; ``corrected`` counts outcomes that were replaced.
    """

    table: TableHistory
    reopened: pd.DataFrame
    corrected: int


def outcome_rows(versions: Versions, source: Source) -> OutcomeHistory:
    """A row per close: known when a snapshot first showed it.

    Dates of closes are those first shown, since many systems overwrite them; amounts and reasons are the newest.
    A close whose verdict changed and whose date did not is a correction: it is replaced, and known from the correction
    on. With another date both closes stand. A win that is open again is lost at that moment, which takes it back.
    A close without a date of its own happened when it was first shown.
    """
    columns = source.tables["outcomes"].columns
    rows = versions.said
    rows = rows.assign(**{_ID: joined_texts(rows, "opportunity_id", columns["opportunity_id"]).fillna(rows[KEY])})
    rows = rows.iloc[np.argsort(rows[_ID].to_numpy(dtype=object), kind="stable")].reset_index(drop=True)
    raw = stored_rows(rows, np.arange(len(rows), dtype=np.int64))
    chosen, _ = select_rows(raw, "outcomes", source)
    closed = np.zeros(len(rows), dtype=np.bool_)
    closed[chosen.rows] = True

    won = shape_table(raw, "outcomes", _without_clocks(source), strict=False).frame["won"]
    verdict = won.astype("str").fillna(joined_texts(rows, "won", columns["won"])).fillna("")
    begins = starts_of(rows[_ID], closed, verdict.to_numpy(dtype=object))
    episode = pd.Series(np.cumsum(begins), index=rows.index).where(closed)

    first, last = rows[begins], rows[closed].groupby(episode[closed]).tail(1)
    made = last.drop(columns=[KEY, CHANGE, TAKEN]).reset_index(drop=True)
    seen = first[TAKEN].reset_index(drop=True)
    dates = joined_texts(first, "closed_at", columns.get("closed_at")).reset_index(drop=True)
    without = "closed_at" not in columns
    undated = dates.isna() & (pd.Series(without, index=dates.index) | (seen > versions.first))
    made[_CLOSED] = dates.mask(undated, iso_texts(seen))

    own = joined_texts(first, "known_at", columns.get("known_at")).reset_index(drop=True)
    zone = zone_of_column(source, columns.get("closed_at"))
    made[_KNOWN] = own.fillna(when_learned(made[_CLOSED], seen, versions.first, zone))
    made[_WON] = verdict[begins].to_numpy()
    starts = rows.index.to_numpy()[begins]
    replaced, repeated = _find_replaced(made, starts, closed), _find_repeated(made)
    again = _find_reopened(rows, closed)
    again &= ~np.r_[repeated, False][episode.shift().fillna(0).to_numpy(dtype=np.int64)]

    kept = ~(replaced | repeated)
    lines = _lines(versions, last[KEY].reset_index(drop=True))[kept]
    undone = _undo_wins(made, rows, again, episode, columns.get("amount"))
    table = TableHistory(
        declared=stored_columns(
            source,
            "outcomes",
            {
                "opportunity_id": Column(source=_ID),
                "won": Column(source=_WON),
                "closed_at": replace_header(columns.get("closed_at"), _CLOSED),
                "known_at": replace_header(columns.get("known_at"), _KNOWN),
            },
        ),
        frame=pd.concat([made[kept], undone], ignore_index=True).astype("str"),
        lines=np.r_[lines, len(rows) + len(made) + np.arange(1, len(undone) + 1)],
    )
    return OutcomeHistory(table=table, reopened=_reopened(rows, again, columns, source), corrected=int(replaced.sum()))


def _find_repeated(made: pd.DataFrame) -> np.ndarray:
    """Closes told before, with the same verdict and date: in between an export showed them open by mistake."""
    repeated = np.zeros(len(made), dtype=np.bool_)
    says = [made[name].fillna("").to_numpy(dtype=object) for name in (_ID, _CLOSED, _WON)]
    if len(made) > 1:
        repeated[1:] = np.logical_and.reduce([np.asarray(one[1:] == one[:-1], dtype=np.bool_) for one in says])
    return repeated


def _find_reopened(rows: pd.DataFrame, closed: np.ndarray) -> np.ndarray:
    """Rows that show a deal open which the snapshot before showed closed."""
    who = rows[_ID].to_numpy(dtype=object)
    again = np.zeros(len(rows), dtype=np.bool_)
    if len(rows) > 1:
        again[1:] = closed[:-1] & ~closed[1:] & (who[1:] == who[:-1])
    return again


def _undo_wins(
    made: pd.DataFrame, rows: pd.DataFrame, again: np.ndarray, episode: pd.Series, amount: Column | None
) -> pd.DataFrame:
    """A loss of every won deal that is open again, just before it is: by a later loss a win is taken back."""
    at = np.flatnonzero(again)
    number = episode.to_numpy()[at - 1].astype(np.int64) - 1
    won = (made[_WON].iloc[number].str.lower() == "true").to_numpy(dtype=bool)
    undone = made.iloc[number[won]].copy()
    undone[_WON] = "false"
    undone[_CLOSED] = iso_texts(rows[TAKEN].iloc[at[won]] - pd.Timedelta(microseconds=1)).to_numpy()
    undone[_KNOWN] = undone[_CLOSED]
    undone[[header for header in ((amount or Column(constant="")).headers("amount")) if header in undone]] = pd.NA
    return undone


def _without_clocks(source: Source) -> Source:
    """The source, its outcomes with the verdict alone."""
    declared = source.tables["outcomes"]
    only = declared.model_copy(update={"columns": {"won": declared.columns["won"]}})
    return source.model_copy(update={"tables": {"outcomes": only}})


def _find_replaced(made: pd.DataFrame, begins: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Closes that the next snapshot's verdict replaced: nothing lay between, and the date is the same."""
    replaced = np.zeros(len(made), dtype=np.bool_)
    if len(made) < 2:
        return replaced
    who, dates = made[_ID].to_numpy(dtype=object), made[_CLOSED].fillna("").to_numpy(dtype=object)
    went_on = closed[begins[1:] - 1]  # the row before the next close was closed too
    replaced[:-1] = (who[1:] == who[:-1]) & (dates[1:] == dates[:-1]) & went_on
    return replaced


def _lines(versions: Versions, keys: pd.Series) -> np.ndarray:
    """Numbers of rows: that of the lead for its last close, numbers of their own for earlier ones."""
    number = pd.Series(np.arange(1, len(versions.initial) + 1), index=versions.initial.index)
    lines = keys.map(number).to_numpy(dtype=np.int64, copy=True)
    earlier = keys.duplicated(keep="last").to_numpy()
    lines[earlier] = len(number) + 1 + np.arange(int(earlier.sum()))
    return lines


def _reopened(rows: pd.DataFrame, again: np.ndarray, columns: dict[str, Column], source: Source) -> pd.DataFrame:
    """Closed deals that a later snapshot shows open: their lead is worked again from then on."""
    lead = joined_texts(rows, "lead_id", columns.get("lead_id"))[again]
    stage = {"won": Stage.OPPORTUNITY, "opportunity": Stage.SQL, "accepted": Stage.MQL}[source.label.outcome]
    at = iso_texts(rows[TAKEN][again])
    frame = pd.DataFrame({"lead_id": lead, "stage": str(stage), "entered_at": at, "known_at": at}, dtype="str")
    return frame[frame["lead_id"].notna()].reset_index(drop=True)
