"""Days among moments: when they end, and moments that are days, as databases and CRMs write them at midnight."""

from dataclasses import replace

import numpy as np
import pandas as pd

from pipelines.ingest.values.moments import MOSTLY, Timestamps, all_false, to_utc

_FEWEST_MIDNIGHTS = 20  # times of a column before anything is said of all


def days_in_utc(moments: Timestamps, zoned: pd.Series, *, known: bool) -> Timestamps:
    """Days that a CRM writes as midnight in UTC as the days of the column's zone; ``zoned`` named a zone themselves.

    As moments they would be the evening before in New York, and be known a day early.
    """
    present = moments.values[zoned].dropna()
    if moments.zone.key == "UTC" or not len(present):
        return moments
    local = present.dt.tz_localize("UTC").dt.tz_convert(moments.zone).dt.tz_localize(None)
    midnight, locally = present == present.dt.normalize(), local == local.dt.normalize()
    shown, few = midnight.mean() >= MOSTLY and locally.mean() < MOSTLY, len(present) < _FEWEST_MIDNIGHTS
    if few and not known:
        return replace(moments, utc_days=None) if shown else moments
    if not shown and not (few and midnight.any()):
        return moments
    at = present.index[midnight]
    days = to_utc(present[midnight], moments.zone, all_false(present[midnight]))
    values, date_only = moments.values.copy(), moments.date_only.copy()
    values[at], date_only[at] = days.values, True
    note = f"{len(at)} of {len(present)} times are midnight in UTC: read as days in {moments.zone.key}."
    told = (*moments.notes, *days.notes, note)
    return replace(moments, values=values, date_only=date_only, notes=told, utc_days=True)


def known_from_start_of_day(known: Timestamps, days: Timestamps) -> Timestamps:
    """What was known on a day that is written as midnight in UTC is known from the start of that day in its zone on.

    West of Greenwich the day begins later than its midnight in UTC, at which a CRM may write both.
    """
    written = days.values.dt.tz_localize("UTC").dt.tz_convert(days.zone).dt.tz_localize(None).dt.normalize()
    early = days.date_only & (known.values >= written) & (known.values < days.values)
    if not early.any():
        return known
    note = f"{int(early.sum())} times of that day in UTC are read as its start in {days.zone.key}."
    return replace(known, values=known.values.mask(early, days.values), notes=(*known.notes, note))


def days_as_midnights(moments: Timestamps) -> Timestamps:
    """Times of day that are midnight nearly throughout are no times: days of events, as a database writes them."""
    timed = moments.values.notna() & ~moments.date_only
    if timed.sum() < _FEWEST_MIDNIGHTS:
        return moments
    local = moments.values.dt.tz_localize("UTC").dt.tz_convert(moments.zone).dt.tz_localize(None)
    midnight = timed & (local == local.dt.normalize())
    if midnight.sum() < MOSTLY * timed.sum():
        return moments
    count = f"{int(midnight.sum())} of {int(timed.sum())} times are midnight"
    note = f"{count}: read as days, known by their end where nothing says when they were known."
    return replace(moments, date_only=moments.date_only | midnight, notes=(*moments.notes, note))


def end_of_day(moments: Timestamps, now: pd.Timestamp | None = None, written: pd.Timestamp | None = None) -> pd.Series:
    """Timestamps; one without a time of day becomes the last microsecond of its day, known by then and not before.

    What is dated on the day its file was ``written`` had happened by then: it is the same whenever the file is read.
    Where that is unknown, or the date lies behind it, what is dated today is known by ``now``, not tonight.

    Parameters
    ----------
    now, written : naive UTC; ``now`` is by the clock where it is None
    """
    if not moments.date_only.any():
        return moments.values

    local = moments.values.dt.tz_localize("UTC").dt.tz_convert(moments.zone).dt.tz_localize(None)
    last = local.dt.normalize() + pd.Timedelta(days=1)
    shifted = last.dt.tz_localize(moments.zone, ambiguous=np.zeros(len(last), dtype=bool), nonexistent="shift_forward")
    ends = shifted.dt.tz_convert("UTC").dt.tz_localize(None) - pd.Timedelta(microseconds=1)
    now = pd.Timestamp.now("UTC").tz_localize(None) if now is None else now
    for limit in (now,) if written is None else (min(written, now), now):
        ends = ends.mask((moments.values <= limit) & (ends > limit), limit)
    return moments.values.mask(moments.date_only, ends.astype("datetime64[us]"))


def close_at_day_end(
    closed: Timestamps, known: pd.Series, closing: pd.Series | None = None, written: pd.Timestamp | None = None
) -> pd.Series:
    """Moments of closes; one without a time of day is the end of its day, or when it was known on that day.

    At midnight a deal won on the day of its lead's creation would close before there is a lead.

    Parameters
    ----------
    known : when each close became known
    closing : which rows are closes; None if all are
    written : when the file was written, naive UTC; None if that is unknown
    """
    ends = end_of_day(closed, written=written)
    same_day = (known >= closed.values) & (known < ends)
    ends = ends.mask(same_day & closed.date_only, known)
    return ends if closing is None else ends.where(closing, closed.values)
