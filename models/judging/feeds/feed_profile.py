"""How tables looked up to a moment: rows per week and feed, values per column, hours of the day; JSON-ready."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Ints
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY, NEVER
from features.schema.people.people_texts import nameable_levels
from models.judging.feeds.watched_table import WatchedColumn, WatchedTable

WEEK = 7 * MICROSECONDS_PER_DAY
HOUR = MICROSECONDS_PER_DAY // 24
RECENT = 4 * WEEK  # before the moment of the profile: what changed there is lost among all rows
LEVELS = 20  # of a column, the most frequent; rarer ones may name somebody
FEWEST = 20  # rows of a feed or a column before anything is said of it
_QUANTILES = np.arange(1, 10) / 10
_MOST_LEVELS = 200  # of a column: with more, its values are names or ids rather than a list


def profile_table(table: WatchedTable, until: int, compared: Iterable[str] = ()) -> dict[str, Any]:
    """What is known of the rows known before ``until`` [microseconds]; rows without a clock count as old.

    Feeds of few rows are left out but for those in ``compared``, which an earlier profile holds.
    """
    rows = table.take(table.clock < until)
    feeds = {}
    for code, name in enumerate(table.feeds):
        own = rows.feed == code
        if own.sum() >= FEWEST:
            feeds[name] = _profile_feed(rows, own)
    for name in (one for one in compared if one not in feeds):
        own = rows.feed == table.feeds.index(name) if name in table.feeds else np.zeros(len(rows), dtype=bool)
        feeds[name] = _profile_feed(rows, own)
    whole = _profile_feed(rows, np.ones(len(rows), dtype=bool))
    recent = rows.take((rows.clock >= until - RECENT) & (rows.clock != NEVER))
    return {
        "rows": len(rows),
        "has_clock": table.has_clock,
        "whole": whole,
        "feeds": feeds if table.feeds != ("",) else {},
        "columns": _profile_columns(rows),
        "repeats": share_repeated(rows),
        "recent": {
            "rows": len(recent),
            "whole": _profile_feed(recent, np.ones(len(recent), dtype=bool)),
            "columns": _profile_columns(recent),
        },
    }


def share_repeated(table: WatchedTable) -> float:
    """Share of rows that repeat another one in everything but their id."""
    if not len(table) or table.happened is None or table.name == "leads":
        return 0.0
    return float(repeated_rows(table).mean())


def repeated_rows(table: WatchedTable) -> Bools:
    """Rows that repeat an earlier one in lead, feed, moment and what is watched."""
    content = ["lead_id", *(column.name for column in table.columns if column.kind != "number")]
    frame = table.frame[[name for name in dict.fromkeys(content) if name in table.frame]]
    frame = frame.assign(**{"feed of row": table.feed, "moment of row": table.happened})
    if "opportunity_id" in table.frame and "lead_id" in frame:
        frame = frame.assign(account=table.frame["account_id"])
    return np.asarray(frame.duplicated(), dtype=np.bool_)


def _profile_feed(table: WatchedTable, rows: Bools) -> dict[str, Any]:
    """Rows per week since the first, hours of the day, how late rows become known, how fresh the newest is."""
    clock = table.clock[rows & (table.clock != NEVER)]
    found: dict[str, Any] = {"rows": int(rows.sum()), "first_week": None, "weeks": [], "newest": None, "oldest": []}
    if len(clock):
        weeks = clock // WEEK
        found |= {
            "first_week": int(weeks.min()),
            "weeks": np.bincount((weeks - weeks.min()).astype(np.int64)).tolist(),
            "newest": int(clock.max()),
            "oldest": np.sort(clock)[:FEWEST].tolist(),
        }
    if table.happened is not None:
        happened = table.happened[rows]
        found["hours"] = hours_of(happened[happened != NEVER]).tolist()
        found["lag"] = usual_lag(table.clock[rows], happened)
    if table.before_lead is not None:
        found["before_lead"] = float(table.before_lead[rows].mean()) if rows.any() else 0.0
    return found


def hours_of(moments: Ints) -> Ints:
    """Rows per hour of the day (UTC), shape (24,)."""
    return np.bincount((moments % MICROSECONDS_PER_DAY // HOUR).astype(np.int64), minlength=24)


def usual_lag(clock: Ints, happened: Ints) -> float:
    """Hours between a thing and its becoming known that all but a tenth of the rows exceed; 0 without rows.

    A clock that is off moves all rows, the promptest too; the median also moves where late rows are more for once.
    """
    both = (clock != NEVER) & (happened != NEVER)
    return float(np.quantile((clock - happened)[both], 0.1) / HOUR) if both.any() else 0.0


def _profile_columns(table: WatchedTable) -> list[dict[str, Any]]:
    found = []
    for column in table.columns:
        for code, feed in enumerate(table.feeds) if column.per_feed else [(None, "")]:
            rows = np.ones(len(table), dtype=bool) if code is None else table.feed == code
            if rows.sum() >= FEWEST:
                own = {"column": column.name, "feed": feed, "kind": column.kind, "rows": int(rows.sum())}
                found.append(own | profile_values(table.frame[column.name][rows], column))
    return found


def profile_values(values: pd.Series, column: WatchedColumn) -> dict[str, Any]:
    """Share missing, frequent levels (of categories), zeros as a share of all rows and tenths of the rest (numbers)."""
    missing = is_missing(values)
    known = values[~missing]
    found: dict[str, Any] = {"missing": float(missing.mean()) if len(values) else 0.0, "levels": {}, "tenths": []}
    if column.kind == "category" and len(known):
        counts = known.astype("str").value_counts()
        if len(counts) <= _MOST_LEVELS:
            order = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
            named = nameable_levels(column.name, [str(level) for level, _ in order])[:LEVELS]
            found["levels"] = {level: float(counts[level]) / len(known) for level in named}
    if column.kind == "number" and len(known):
        size = np.abs(known.to_numpy(dtype=np.float64))
        found["zeros"] = float((size == 0).sum()) / len(values)  # of all rows, as ``missing``: few values tell little
        size = size[size > 0]
        if len(size) >= FEWEST:
            found["tenths"] = np.quantile(size, _QUANTILES).tolist()
    return found


def is_missing(values: pd.Series) -> Bools:
    """Values that say nothing: missing, or an empty text."""
    if pd.api.types.is_string_dtype(values):
        return np.asarray(values.isna() | (values.astype("str").str.strip() == ""), dtype=np.bool_)
    return np.asarray(values.isna(), dtype=np.bool_)
