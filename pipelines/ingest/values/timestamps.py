"""Timestamps as text to naive UTC: zones, daylight saving, ISO and common written forms, mixed in one column."""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from features.errors import SourceError
from pipelines.ingest.errors import AmbiguousDatesError

_ZONED = r"(?:[zZ]|UTC|GMT|[+-]\d{2}:?\d{2}|\d[+-]\d{2})$"  # asked only of texts with a time of day
_TIME_OF_DAY = r"\d:\d|\d[T ]\d\d|^\d{10,}"
# seconds, milliseconds and microseconds since 1970 by their number of digits, each with its microseconds
_EPOCHS = ((r"^\d{10}(?:\.\d+)?$", 1_000_000), (r"^\d{13}$", 1_000), (r"^\d{16}$", 1))
_DAY_FIRST, _MONTH_FIRST = ("%d{0}%m{0}%Y", "%d{0}%m{0}%y"), ("%m{0}%d{0}%Y", "%m{0}%d{0}%y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_WRITTEN = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%Y/%m/%d", "%a, %d %b %Y")
_EARLIEST, _LATEST = pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")  # outside: typing errors and fillers


@dataclass(frozen=True)
class Timestamps:
    """Timestamps of a column.

    Parameters
    ----------
    values : naive UTC, datetime64[us]; NaT where missing or unreadable
    date_only : whether the text had no time of day
    zone : zone the texts were read in
    notes : what had to be decided, in words (hours that daylight saving repeats or leaves out)
    """

    values: pd.Series
    date_only: pd.Series
    zone: ZoneInfo
    notes: tuple[str, ...] = ()


def zone_of(name: str, where: str) -> ZoneInfo:
    """The named time zone; SourceError if it does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise SourceError(
            f"{where}: '{name}' is not a known time zone; use a name such as Europe/Berlin or UTC."
        ) from problem


def read_timestamps(texts: pd.Series, zone: ZoneInfo, *, form: str | None = None, what: str = "column") -> Timestamps:
    """Timestamps of texts (or of the datetimes a Parquet file brings).

    An hour that the end of daylight saving repeats is read as the later of the two, so that nothing counts as known
    too early; an hour that its start leaves out is read as the moment after the gap. Unreadable texts, and years
    before 1900 or after 2199, become NaT.

    Raises
    ------
    AmbiguousDatesError
        if the column has dates such as 03/04/2025 and none shows whether the day or the month comes first.
    """
    if isinstance(texts.dtype, pd.DatetimeTZDtype):
        return Timestamps(_drop_implausible(texts.dt.tz_convert("UTC").dt.tz_localize(None)), _all_false(texts), zone)
    if pd.api.types.is_datetime64_dtype(texts.dtype):
        return _to_utc(_drop_implausible(texts), zone, _all_false(texts))

    clean = texts.astype("str").str.strip()
    values, pending = _read_zoned(clean, form)
    naive = _read_declared(clean, form, pending) if form else _infer_forms(clean, pending, what)

    local = _to_utc(_drop_implausible(naive), zone, _date_only(clean))
    found = _drop_implausible(values.fillna(local.values))
    return Timestamps(found, local.date_only & found.notna(), zone, local.notes)


def _all_false(like: pd.Series) -> pd.Series:
    return pd.Series(False, index=like.index)


def _date_only(clean: pd.Series) -> pd.Series:
    return clean.notna() & ~clean.str.contains(_TIME_OF_DAY, regex=True).fillna(True).astype(bool)


def _empty(like: pd.Series) -> pd.Series:
    return pd.Series(pd.NaT, index=like.index, dtype="datetime64[us]")


def _drop_implausible(values: pd.Series) -> pd.Series:
    moments = values.astype("datetime64[us]")
    return moments.where((moments >= _EARLIEST) & (moments < _LATEST))


def _read_zoned(clean: pd.Series, form: str | None) -> tuple[pd.Series, pd.Series]:
    """Timestamps of texts that name their zone or count from the epoch, and a mask of the others."""
    values = _empty(clean)
    pending = clean.notna()

    if form is None:
        for pattern, unit in _EPOCHS:
            hit = pending & clean.str.match(pattern).fillna(False).astype(bool)
            if hit.any():
                counted = (clean[hit].astype("float64") * unit).round().astype("int64")
                values[hit] = pd.to_datetime(counted, unit="us").astype("datetime64[us]")
                pending &= ~hit

    hit = pending & clean.str.contains(_ZONED, regex=True).fillna(False).astype(bool)
    hit &= clean.str.contains(r"\d:\d", regex=True).fillna(False).astype(bool)
    if hit.any():
        text = clean[hit]
        named = text.str.endswith(("UTC", "GMT"))
        if named.any():
            text[named] = text[named].str[:-3].str.rstrip() + "Z"
        read = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
        if form is not None:
            read = read.fillna(pd.to_datetime(text, format=form, errors="coerce", utc=True))

        values[hit] = read.dt.tz_localize(None).astype("datetime64[us]")
        pending &= ~hit

    return values, pending


def _read_declared(clean: pd.Series, form: str, pending: pd.Series) -> pd.Series:
    found = _empty(clean)
    found[pending] = pd.to_datetime(clean[pending], format=form, errors="coerce").astype("datetime64[us]")
    return found


def _infer_forms(clean: pd.Series, pending: pd.Series, what: str) -> pd.Series:
    found = _empty(clean)
    found[pending] = pd.to_datetime(clean[pending], format="ISO8601", errors="coerce").astype("datetime64[us]")

    left = pending & found.isna()
    for sign in (".", "/", "-"):
        pattern = rf"^(\d{{1,2}}){re.escape(sign)}(\d{{1,2}}){re.escape(sign)}\d{{2,4}}(?:[ T]|$)"
        parts = clean[left].str.extract(pattern)
        dates = parts.dropna().astype("int64")
        if len(dates):
            texts = clean[dates.index].str.replace("T", " ", regex=False)
            found[dates.index] = _try_forms(texts, _day_month_forms(dates, sign, str(texts.iloc[0]), what))

    left = pending & found.isna()
    if left.any():
        found[left] = _try_forms(clean[left], [date + clock for date in _WRITTEN for clock in _CLOCKS])
    return found


def _day_month_forms(dates: pd.DataFrame, sign: str, example: str, what: str) -> list[str]:
    """Forms of numeric dates, by which of the first two numbers cannot be a month."""
    day_first, month_first = bool((dates[0] > 12).any()), bool((dates[1] > 12).any())
    if sign == "." or (day_first and not month_first):
        order = _DAY_FIRST
    elif month_first and not day_first:
        order = _MONTH_FIRST
    elif (dates[0] == dates[1]).all():
        order = _DAY_FIRST
    else:
        raise AmbiguousDatesError(
            f"{what}: dates such as '{example}' can be read day first or month first"
            + (", and the column holds both" if day_first else "")
            + ". Declare 'time_format', e.g. '%d/%m/%Y' or '%m/%d/%Y'."
        )
    return [date.format(sign) + clock for date in order for clock in _CLOCKS]


def _try_forms(texts: pd.Series, forms: list[str]) -> pd.Series:
    found = _empty(texts)
    for form in forms:
        left = found.isna()
        if not left.any():
            break
        found[left] = pd.to_datetime(texts[left], format=form, errors="coerce").astype("datetime64[us]")
    return found


def _to_utc(naive: pd.Series, zone: ZoneInfo, date_only: pd.Series) -> Timestamps:
    if zone.key == "UTC" or not naive.notna().any():
        return Timestamps(naive, date_only, zone)

    local = naive.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    odd = local.isna() & naive.notna()

    notes: tuple[str, ...] = ()
    if odd.any():
        standard = np.zeros(int(odd.sum()), dtype=bool)
        local[odd] = naive[odd].dt.tz_localize(zone, ambiguous=standard, nonexistent="shift_forward")
        hour = f"the hour that daylight saving in {zone.key} repeats or skips"
        notes = (f"{int(odd.sum())} times fall into {hour}; they are read as the later one.",)

    return Timestamps(local.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[us]"), date_only, zone, notes)


def end_of_day(moments: Timestamps) -> pd.Series:
    """Timestamps; one without a time of day becomes the last microsecond of its day, known by then and not before."""
    if not moments.date_only.any():
        return moments.values

    local = moments.values.dt.tz_localize("UTC").dt.tz_convert(moments.zone).dt.tz_localize(None)
    last = local.dt.normalize() + pd.Timedelta(days=1)
    shifted = last.dt.tz_localize(moments.zone, ambiguous=np.zeros(len(last), dtype=bool), nonexistent="shift_forward")
    ends = shifted.dt.tz_convert("UTC").dt.tz_localize(None) - pd.Timedelta(microseconds=1)
    return moments.values.mask(moments.date_only, ends.astype("datetime64[us]"))
