"""Moments of a column: naive UTC with the zone that their texts were read in, and what had to be decided."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from features.errors import SourceError
from pipelines.ingest.values.date_order import DateOrder

MOSTLY = 0.98  # share of a column's values that must be serial days, or midnights, before they are taken for such
_EARLIEST, _LATEST = pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")  # outside: typing errors and fillers


@dataclass(frozen=True, kw_only=True)
class Timestamps:
    """Timestamps of a column.

    Parameters
    ----------
    values : naive UTC, datetime64[us]; NaT where missing or unreadable
    date_only : whether the text had no time of day
    zone : zone the texts were read in
    notes : what had to be decided, in words (hours that daylight saving repeats or leaves out)
    order : what comes first in dates such as 03/04/2025 or 24.01.08, None where there are none
    dotted : whether dates with full stops showed that it is the month, here or in the file trained on
    utc_days : whether they were written as midnights in UTC; None where they are, but are too few to show it
    """

    values: pd.Series
    date_only: pd.Series
    zone: ZoneInfo
    notes: tuple[str, ...] = ()
    order: DateOrder | None = None
    dotted: bool = False
    utc_days: bool | None = False


def zone_of(name: str, where: str) -> ZoneInfo:
    """The named time zone; SourceError if it does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise SourceError(
            f"{where}: '{name}' is not a known time zone; use a name such as Europe/Berlin or UTC."
        ) from problem


def to_utc(naive: pd.Series, zone: ZoneInfo, date_only: pd.Series) -> Timestamps:
    """Naive moments by the clock of ``zone`` as UTC; of an hour that daylight saving repeats, the later is meant."""
    if zone.key == "UTC" or not naive.notna().any():
        return Timestamps(values=naive, date_only=date_only, zone=zone)

    local = naive.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    odd = local.isna() & naive.notna()

    notes: tuple[str, ...] = ()
    if odd.any():
        standard = np.zeros(int(odd.sum()), dtype=bool)
        local[odd] = naive[odd].dt.tz_localize(zone, ambiguous=standard, nonexistent="shift_forward")
        hour = f"the hour that daylight saving in {zone.key} repeats or skips"
        notes = (f"{int(odd.sum())} times fall into {hour}; they are read as the later one.",)

    values = local.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[us]")
    return Timestamps(values=values, date_only=date_only, zone=zone, notes=notes)


def drop_implausible(values: pd.Series) -> pd.Series:
    """Moments as datetime64[us]; NaT before 1900 and after 2199."""
    moments = values.astype("datetime64[us]")
    return moments.where((moments >= _EARLIEST) & (moments < _LATEST))


def with_digits(texts: pd.Series) -> pd.Series:
    """The texts that hold a digit, the others missing: pandas reads 'now' and 'today' as the moment of the reading.

    >>> with_digits(pd.Series(["2025-01-06", "now", None], dtype="str")).tolist()
    ['2025-01-06', nan, nan]
    """
    return texts.where(texts.str.contains(r"\d", regex=True).fillna(False).astype(bool))


def no_moments(like: pd.Series) -> pd.Series:
    """NaT for every row of ``like``."""
    return pd.Series(pd.NaT, index=like.index, dtype="datetime64[us]")


def all_false(like: pd.Series) -> pd.Series:
    """False for every row of ``like``."""
    return pd.Series(False, index=like.index)
