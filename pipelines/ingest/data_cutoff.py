"""Up to when the data reach: the last moment at which something happened, not one that somebody expects or mistyped."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import ContractError
from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from pipelines.ingest.row_selection import keep_rows
from pipelines.ingest.shaping.canonical_shape import ShapedTable

# Chance of so many losses in a row behind the last thing that happened, if deals were won as often there as before.
LUCK = 0.01
# An export holds the days up to its last; a table that goes on for a month alone was exported later, or holds plans.
FAR_DAYS = 30
STRAYS = 3  # rows beyond a gap that count as slips of the keyboard; more are somebody's data, and are told
_DAY = pd.Timedelta(days=1)
_NOTHING_IS_OLD = pd.Timestamp(0)
_WIDER = 5  # times the widest other gap of the second half: sparse data have gaps of their own


@dataclass(frozen=True)
class Cutoff:
    """Moment nothing may be known after; ``notes`` tell what was left behind it, and which table reaches furthest."""

    moment: pd.Timestamp | None
    notes: tuple[str, ...] = ()


def declared_cutoff(source: Source) -> pd.Timestamp | None:
    """The declared moment (UTC unless it names a zone); None if none is declared, or the source has no clocks."""
    if source.flat is not None or source.data_cutoff is None:
        return None
    declared = pd.Timestamp(source.data_cutoff)
    return declared.tz_convert("UTC").tz_localize(None) if declared.tzinfo else declared


def find_cutoff(source: Source, shapes: Mapping[str, ShapedTable]) -> Cutoff:
    """Moment nothing may be known after: as declared, else before a few stray dates far behind all others, else now."""
    if source.flat is not None:
        return Cutoff(None)
    declared = declared_cutoff(source)
    if declared is not None:
        return Cutoff(declared)

    now = pd.Timestamp.now("UTC").tz_localize(None)
    clocks = {table: known[known <= now] for table, known in _clocks(shapes).items()}
    clocks = {table: known for table, known in clocks.items() if len(known)}
    if not clocks:
        return Cutoff(now)
    stray = _stray_dates(clocks)
    if stray is not None:
        return stray
    return Cutoff(now, _furthest(clocks))


def age_moment(source: Source, shapes: Mapping[str, ShapedTable], cutoff: pd.Timestamp | None) -> pd.Timestamp | None:
    """Moment from which the age of rows is counted back: as declared, else just after the latest row up to a cut-off.

    An export that was made long ago is no older for it, so today does not count; nor does what is still to come.
    Where nothing is dated nothing is old. None of a source without clocks.
    """
    if cutoff is None:
        return None
    if declared_cutoff(source) is not None:
        return no_later_than_now(cutoff)
    latest = [known[known <= cutoff].max() for known in _clocks(shapes).values()]
    found = max((moment for moment in latest if not pd.isna(moment)), default=_NOTHING_IS_OLD)
    return found + pd.Timedelta(microseconds=1)


def no_later_than_now(moment: pd.Timestamp) -> pd.Timestamp:
    """The moment, or now where it is still to come: a slip in ``data_cutoff`` must not make every row too old."""
    return min(moment, pd.Timestamp.now("UTC").tz_localize(None))


def describe_future_cutoff(source: Source) -> str:
    """A warning where a declared cut-off is still to come by more than a day; empty where it is not."""
    declared = declared_cutoff(source)
    if declared is None or source.generator is not None or declared <= no_later_than_now(declared) + _DAY:
        return ""
    return (
        f"warning: {source.where('data_cutoff')}: {declared:%Y-%m-%d} is still to come, so that leads count as not won "
        "whose time is not over. Declare up to when the data reach, or leave it out."
    )


def _clocks(shapes: Mapping[str, ShapedTable]) -> dict[str, pd.Series]:
    """When the rows of each table became known; snapshots of accounts too."""
    return {table: shaped.frame["known_at"].dropna() for table, shaped in shapes.items() if "known_at" in shaped.frame}


def _stray_dates(clocks: Mapping[str, pd.Series]) -> Cutoff | None:
    """A cut-off before the last few rows, where a gap far wider than any other lies before them."""
    days = np.sort(np.concatenate([known.to_numpy(dtype="datetime64[us]") for known in clocks.values()]))
    if len(days) < 20 * STRAYS:
        return None  # of a handful of rows each may be the last
    gaps = np.diff(days) / np.timedelta64(1, "D")
    at = len(gaps) - STRAYS + int(np.argmax(gaps[-STRAYS:]))
    others = np.delete(gaps[len(gaps) // 2 :], at - len(gaps) // 2)
    if gaps[at] <= max(FAR_DAYS, _WIDER * float(others[: at - len(gaps) // 2].max(initial=0.0))):
        return None

    last = pd.Timestamp(days[at])
    beyond = {table: int((known > last).sum()) for table, known in clocks.items()}
    named = ", ".join(f"{table} {count}" for table, count in beyond.items() if count)
    example = pd.Timestamp(days[-1])
    return Cutoff(
        last,
        (
            f"warning: {len(days) - at - 1} rows ({named}) are dated up to {example:%Y-%m-%d}, {gaps[at]:.0f} days "
            f"after all others ({last:%Y-%m-%d}); they do not move the data cut-off and are in quarantine "
            "(after_cutoff). Correct the dates, or declare 'data_cutoff' if they are right.",
        ),
    )


def _furthest(clocks: Mapping[str, pd.Series]) -> tuple[str, ...]:
    """A warning where one table goes on long after all others."""
    newest = sorted(((known.max(), table) for table, known in clocks.items()), reverse=True)
    if len(newest) < 2:
        return ()
    (last, table), (before, other) = newest[:2]
    days = (last - before) / pd.Timedelta(days=1)
    if days <= FAR_DAYS:
        return ()
    count = int((clocks[table] > before).sum())
    return (
        f"warning: the data cut-off, {last:%Y-%m-%d}, is set by table '{table}' alone: {count:,} of its rows lie up to "
        f"{days:.0f} days after the newest row of any other table ({other}, {before:%Y-%m-%d}). If these are dates "
        "that somebody expects, export what happened; else declare 'data_cutoff'.",
    )


def set_open_deals_aside(source: Source, shapes: Mapping[str, ShapedTable]) -> tuple[dict[str, ShapedTable], str]:
    """Tables without outcomes of deals that are still open, and a sentence about them.

    CRMs export open deals as not won, with the day they are expected to close. Such rows lie behind everything that
    happened, and none of them is won. They count as not of this table: the leads stay open.
    """
    kept = dict(shapes)
    if source.flat is not None or "outcomes" not in shapes or source.opportunities is not None:
        return kept, ""
    limit = declared_cutoff(source) or pd.Timestamp.now("UTC").tz_localize(None)
    shaped = shapes["outcomes"]
    frame, won = shaped.frame, shaped.frame["won"].fillna(False).astype(bool)
    happened = [known for table, known in _clocks(shapes).items() if table != "outcomes"]
    happened.append(frame.loc[won, "closed_at"].dropna())
    seen = [moment for known in happened if not pd.isna(moment := known[known <= limit].max())]
    if not seen or source.data_cutoff is not None:
        return kept, ""

    last = max(seen)
    ahead = (frame["closed_at"] >= last + _DAY) & ~won  # a close without a time of day is the end of the last one
    count, share = int(ahead.sum()), float(won[~ahead].mean()) if (~ahead).any() else 0.0
    future = bool((ahead & (frame["closed_at"] > limit)).any())
    unknown = bool(frame.loc[ahead, "won"].isna().any())
    if not count or not (future or unknown or (1 - share) ** count < LUCK):
        return kept, ""

    kept["outcomes"] = keep_rows(shaped, ~ahead.to_numpy(dtype=np.bool_))
    furthest = frame.loc[ahead, "closed_at"].max()
    return kept, (
        f"warning: {count:,} deals of table 'outcomes' are taken for open: they are not won and close after "
        "everything that happened "
        f"({last:%Y-%m-%d}), up to {furthest:%Y-%m-%d}, which are dates that somebody expects. Their leads stay open; "
        "declare 'data_cutoff' if these deals were lost."
    )


def set_later_rows_aside(shapes: Mapping[str, ShapedTable], as_of: pd.Timestamp) -> dict[str, ShapedTable]:
    """Tables as an export of a moment would have had them: rows known from then on count as not of them.

    Raises
    ------
    ContractError : no lead was known before that moment
    """
    kept: dict[str, ShapedTable] = {}
    for table, shaped in shapes.items():
        clock = TABLES[table].clock
        known = shaped.frame.get(clock)
        if known is None or not pd.api.types.is_datetime64_any_dtype(known):
            kept[table] = shaped
        elif table == "leads" and known.min() >= as_of:
            raise ContractError(
                f"--as-of {as_of:%Y-%m-%d %H:%M} is before all leads: the first is known since "
                f"{known.min():%Y-%m-%d %H:%M}. Name a later moment; the tables stay as they are."
            )
        else:
            kept[table] = keep_rows(shaped, ~(known >= as_of).fillna(False).to_numpy(dtype=np.bool_))
    return kept
