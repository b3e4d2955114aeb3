"""Timestamps as text to naive UTC: zones, daylight saving, ISO and common written forms, mixed in one column."""

import re
from dataclasses import dataclass, replace
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from features.errors import SourceError
from pipelines.ingest.errors import TurnedDatesError
from pipelines.ingest.values.date_order import (
    DATE_FORMS,
    NUMERIC_DATE,
    DateOrder,
    find_order,
    find_turned,
    show_month_before_stop,
)
from pipelines.ingest.values.date_words import in_english, split_zone, to_digits
from pipelines.ingest.values.zone_names import offsets_of

SERIAL, DAY_FIRST, MONTH_FIRST = "serial", "day_first", "month_first"  # what time_format may be besides a strptime form
_ZONED = r"(?:[zZ]|UTC|GMT|[+-]\d{2}:?\d{2}|\d ?[+-]\d{2})$"  # asked only of texts with a time of day
_UTC, _LITERAL_OFFSET = ("Z", "z", "UTC", "GMT"), r"[+-]\d{2}:?\d{2}$"
_ANY_ZONE, _ISO_DAY = r"(?:[zZ]|[+-]\d{2}(?::?\d{2})?)$", r"^\d{4}-\d\d(?:-\d\d)?$"
_CLOCK = r"\d:\d|^\d{4}-?\d\d-?\d\d[T ]\d\d"  # in compact forms (20240108T0900Z) no colon shows it
# 20240108140500, as databases in Korea and Japan export moments; no count of seconds has so many digits
ALL_DIGITS = r"^((?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]))((?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?)$"
_ZONED_DATE = r"^(\d{4}-\d\d-\d\d)(?:[zZ]|[+-]\d\d:\d\d)$"  # dates as XML writes them: days of the calendar
_TIME_OF_DAY = r"\d:\d|^\d{4}-?\d\d-?\d\d[T ]\d\d|^\d{10,}"
# seconds, milliseconds and microseconds since 1970 by their number of digits, each with its microseconds
_EPOCHS = ((r"^\d{10}(?:\.\d+)?$", 1_000_000), (r"^\d{13}$", 1_000), (r"^\d{16}$", 1))
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_WRITTEN = ("%d %b %Y", "%b %d %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%d %b %y", "%Y-%m-%d", "%Y-%b-%d", "%Y %b %d")
_UNIX = ("%b %d %H:%M:%S %Y",)
_EARLIEST, _LATEST = pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")  # outside: typing errors and fillers
# Days since 1899-12-30, as spreadsheets count them: 2000 to 2050. In a column of times nothing else is written so; days
# of a year (24008) lie below, dates without signs (20240108) above.
_SERIAL, _FIRST_DAY, _LAST_DAY = r"^\d{5}(?:[.,]\d+)?$", 36_526, 55_153
_EPOCH_2000, _EPOCH_2050 = 946_684_800, 2_524_608_000  # seconds since 1970
_FEWEST_MIDNIGHTS = 20  # times of a column before anything is said of all
_MOSTLY = 0.98  # share of a column's values that must be serial days, or midnights, before they are taken for such


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


def read_timestamps(
    texts: pd.Series,
    zone: ZoneInfo,
    *,
    form: str | None = None,
    what: str = "column",
    order: DateOrder | None = None,
    dotted: bool = False,
    utc_days: bool | Literal["known"] = False,
) -> Timestamps:
    """Timestamps of texts (or of the datetimes a Parquet file brings).

    An hour that the end of daylight saving repeats is read as the later of the two, so that nothing counts as known
    too early; an hour that its start leaves out is read as the moment after the gap. Unreadable texts, and years
    before 1900 or after 2199, become NaT.

    Parameters
    ----------
    form : a strptime format, ``serial`` (days of a spreadsheet), ``day_first`` or ``month_first``; None finds out
    order : which comes first in 03/04/2025 where no value of the column shows it: as the training file or another
        column of the file has it
    dotted : whether dates with full stops showed the month first there
    utc_days : moments that name their zone and are midnight in UTC nearly throughout are days, not the evenings
        before that they would be in ``zone``; ``known`` if, where they are too few to show it, the training file or
        other columns did

    Raises
    ------
    AmbiguousDatesError
        if the column has dates such as 03/04/2025 or 24-01-25 and none shows what comes first.
    """
    if isinstance(texts.dtype, pd.DatetimeTZDtype):
        moments = _drop_implausible(texts.dt.tz_convert("UTC").dt.tz_localize(None))
        typed = Timestamps(values=moments, date_only=_all_false(texts), zone=zone)
        return _as_utc_days(typed, moments.notna(), known=utc_days == "known") if utc_days else typed
    if pd.api.types.is_datetime64_dtype(texts.dtype):
        return _to_utc(_drop_implausible(texts), zone, _all_false(texts))

    clean = texts.astype("str").str.strip()
    if form == SERIAL or (form is None and holds_serial_days(clean)):
        return _read_serial(clean, zone, told=form is None)

    strptime = None if form in (None, DAY_FIRST, MONTH_FIRST) else form
    if strptime is None:
        clean = clean.str.replace(_ZONED_DATE, r"\1", regex=True).str.replace(ALL_DIGITS, r"\1T\2", regex=True)
    values, pending = _read_zoned(clean, strptime)
    reading = _Reading(clean, values.copy(), pending, zone, what)
    if strptime is not None:
        reading.read_declared(strptime)
    else:
        declared: DateOrder | None = {DAY_FIRST: "day", MONTH_FIRST: "month"}.get(form or "")  # type: ignore[assignment]
        reading.find_forms(declared, order, dotted)

    # ISO8601 and mixed, which pandas takes for forms, leave it to the values
    timed = bool(re.search(r"%[HIcX]", strptime)) if strptime is not None and "%" in strptime else None
    local = _to_utc(_drop_implausible(reading.local), zone, _date_only(reading.digits, timed))
    found = _drop_implausible(reading.utc.fillna(local.values))
    notes = (*local.notes, *reading.notes)
    date_only = local.date_only & found.notna() & reading.utc.isna()
    order, dotted = reading.order, reading.dotted and reading.order == "month"
    read = Timestamps(values=found, date_only=date_only, zone=zone, notes=notes, order=order, dotted=dotted)
    return _as_utc_days(read, reading.utc.notna(), known=utc_days == "known") if utc_days else read


def _as_utc_days(moments: Timestamps, zoned: pd.Series, *, known: bool) -> Timestamps:
    """Days that a CRM writes as midnight in UTC as the days of the column's zone; ``zoned`` named a zone themselves.

    As moments they would be the evening before in New York, and be known a day early.
    """
    present = moments.values[zoned].dropna()
    if moments.zone.key == "UTC" or not len(present):
        return moments
    local = present.dt.tz_localize("UTC").dt.tz_convert(moments.zone).dt.tz_localize(None)
    midnight, locally = present == present.dt.normalize(), local == local.dt.normalize()
    shown, few = midnight.mean() >= _MOSTLY and locally.mean() < _MOSTLY, len(present) < _FEWEST_MIDNIGHTS
    if few and not known:
        return replace(moments, utc_days=None) if shown else moments
    if not shown and not (few and midnight.any()):
        return moments
    at = present.index[midnight]
    days = _to_utc(present[midnight], moments.zone, _all_false(present[midnight]))
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
    if midnight.sum() < _MOSTLY * timed.sum():
        return moments
    count = f"{int(midnight.sum())} of {int(timed.sum())} times are midnight"
    note = f"{count}: read as days, known by their end where nothing says when they were known."
    return replace(moments, date_only=moments.date_only | midnight, notes=(*moments.notes, note))


class _Reading:
    """A column on its way from texts to moments: ``local`` in the column's zone, ``utc`` where a text names its own."""

    def __init__(self, clean: pd.Series, utc: pd.Series, pending: pd.Series, zone: ZoneInfo, what: str) -> None:
        self.clean, self.utc, self.pending, self.zone, self.what = clean, utc, pending, zone, what
        self.local, self.digits = _empty(clean), clean.copy()
        self.notes: list[str] = []
        self.order: DateOrder | None = None
        self.dotted = False

    def read_declared(self, form: str) -> None:
        """By a strptime format: words of any language where it has names, and the zone at the end where it has one."""
        at = self.pending
        texts = self.clean[at]
        if re.search(r"%[zZ]", form):
            parts = {text: split_zone(text) for text in texts.unique()}
            body = re.sub(r"\s*%[zZ]", "", form)
            self._keep(
                texts, _parse(texts.map({t: p[0] for t, p in parts.items()}), body), [parts[t][1] for t in texts]
            )
            return
        found = _parse(texts, form)
        left = found.isna()
        if left.any() and re.search(r"%[pbB]", form):
            english = {text: in_english(text, form) for text in texts[left].unique()}
            found[left] = _parse(texts[left].map(english), form)
        self.local[at] = found

    def find_forms(self, declared: DateOrder | None, usual: DateOrder | None, dotted: bool) -> None:
        """ISO first, then days and months in digits, then written dates."""
        at = self.pending
        self.local[at] = _parse(self.clean[at], "ISO8601")
        left = at & self.local.isna()
        if not left.any():
            return

        plain = left & self.clean.str.match(NUMERIC_DATE).fillna(False).astype(bool)
        worded = self.clean[left & ~plain]
        zones = pd.Series("", index=self.clean.index, dtype="str")
        if len(worded):
            parts = {text: split_zone(text) for text in worded.unique()}
            self.digits[worded.index] = worded.map({text: to_digits(body) for text, (body, _) in parts.items()})
            zones[worded.index] = worded.map({text: zone for text, (_, zone) in parts.items()})

        texts, self.dotted = self.digits[left], dotted and usual == "month"
        self._keep(texts, self._parse_digits(texts, declared, usual), zones[left].tolist())

    def _parse_digits(self, texts: pd.Series, declared: DateOrder | None, usual: DateOrder | None) -> pd.Series:
        found = _parse(texts, "ISO8601")
        parts = texts[found.isna()].str.extract(NUMERIC_DATE).dropna()
        if len(parts):
            some = texts[parts.index].str.replace("T", " ", regex=False).str.replace(r"\s+", " ", regex=True)
            dates = parts.astype("int64")
            self.order, note = (
                find_order(dates, some, usual, dotted=self.dotted, what=self.what)
                if declared is None
                else (declared, "")
            )
            self.dotted |= show_month_before_stop(dates, some)
            self.notes += [note] if note else []
            self._check_turned(dates, some, declared)
            orders = DATE_FORMS[self.order]
            signs = [sign for sign in "./-" if some.str.contains(sign, regex=False).any()]
            forms = [date.format(sign) + clock for sign in signs for date in orders for clock in _CLOCKS]
            found[parts.index] = _try_forms(some, forms)
            if self.order == "year":  # 24.1.8 beside 24.1.18
                short = texts[found.isna() & texts.str.match(r"^\d\d([./-])\d\d?\1\d(?!\d)").fillna(False).astype(bool)]
                found[short.index] = _try_forms(short, forms)
        left = found.isna()
        left[left] = np.array([any(map(str.isdigit, text)) for text in texts[left]], dtype=bool)  # no form has none
        if left.any():
            written = [date + clock for date in _WRITTEN for clock in _CLOCKS]
            found[left] = _try_forms(texts[left], [*written, *_UNIX])
        return found

    def _check_turned(self, dates: pd.DataFrame, texts: pd.Series, declared: DateOrder | None) -> None:
        """Dates that a spreadsheet turned round are refused, or told where the order is declared all the same."""
        told = find_turned(self.local[self.pending].dropna(), dates, str(texts.iloc[0]))
        if told and declared is None:
            raise TurnedDatesError(self.what, told, str(self.order))
        self.notes += [f"warning: {told}; each is read as it stands, as declared."] if told else []

    def _keep(self, texts: pd.Series, found: pd.Series, zones: list[str]) -> None:
        """Moments with a zone of their own to UTC, the others as they are; unknown names of zones are told."""
        offsets, unknown = offsets_of(zones, found, self.zone)
        named = pd.Series([bool(name) for name in zones], index=texts.index, dtype=bool)
        self.utc[texts.index[named]] = (found - offsets)[named]
        self.local[texts.index[~named]] = found[~named]
        for name in sorted(unknown):
            count = sum(zone == name for zone in zones)
            self.notes.append(
                f"{count} times name the zone '{name}', which more than one zone is called or none; declare 'timezone' "
                "as the one that is meant (e.g. America/Chicago), or export offsets such as +01:00."
            )


def holds_serial_days(clean: pd.Series) -> bool:
    """Whether a column holds days of a spreadsheet: nearly all values do, so that dates and serial days never mix."""
    present = clean.dropna()
    if not len(present) or not bool(present.head(100).str.match(_SERIAL).any()):
        return False
    hit = present.str.match(_SERIAL).fillna(False).astype(bool)
    if hit.mean() < _MOSTLY:
        return False
    return bool(_count_days(present[hit]).between(_FIRST_DAY, _LAST_DAY).mean() >= _MOSTLY)


def _count_days(clean: pd.Series) -> pd.Series:
    """Days with their fraction, behind a point or, as in Germany, a comma; missing where a text is no number."""
    return pd.to_numeric(clean.str.replace(r"^(\d{5}),(\d+)$", r"\1.\2", regex=True), errors="coerce")


def holds_epochs(clean: pd.Series) -> bool:
    """Whether nearly all values count seconds, milliseconds or microseconds since 1970, from 2000 to 2050."""
    present = clean.dropna()
    if not len(present) or not bool(present.head(100).str.match(r"^\d{10,16}(?:\.\d+)?$").any()):
        return False
    for pattern, unit in _EPOCHS:
        hit = present.str.match(pattern).fillna(False).astype(bool)
        if hit.mean() >= _MOSTLY:
            seconds = present[hit].astype("float64") * unit / 1_000_000
            return bool(seconds.between(_EPOCH_2000, _EPOCH_2050).mean() >= _MOSTLY)
    return False


def _read_serial(clean: pd.Series, zone: ZoneInfo, *, told: bool) -> Timestamps:
    days = _count_days(clean)
    seconds = (days * 86_400).round(3)  # nine digits after the point are what files hold: better than a millisecond
    near = seconds.round()
    seconds = near.where((seconds - near).abs() < 0.005, seconds)
    moments = pd.Timestamp("1899-12-30") + pd.to_timedelta(seconds, unit="s")
    local = _drop_implausible(moments.astype("datetime64[us]"))
    found = _to_utc(local, zone, (days % 1 == 0) & local.notna())
    note = f"{int(local.notna().sum())} values are days as spreadsheets count them (time_format: {SERIAL})."
    return replace(found, notes=(*found.notes, note)) if told else found


def _all_false(like: pd.Series) -> pd.Series:
    return pd.Series(False, index=like.index)


def _date_only(clean: pd.Series, timed: bool | None) -> pd.Series:
    """Which texts have no time of day; a declared form says of all of them whether it is ``timed``."""
    if timed is not None:
        return clean.notna() & (not timed)
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
    hit &= clean.str.contains(_CLOCK, regex=True).fillna(False).astype(bool)
    if hit.any():
        text = clean[hit]
        named = text.str.endswith(("UTC", "GMT"))
        iso = text.mask(named, text.str[:-3].str.rstrip() + "Z") if named.any() else text
        read = pd.to_datetime(iso, format="ISO8601", errors="coerce", utc=True)
        if form is not None and not re.search(r"%[zZ]", form):
            fits = _parse(text, form)
            in_utc = text.str.endswith(_UTC)
            if not re.search(_LITERAL_OFFSET, form):  # what looks like one is a part of the date: 14:05 08-01-2024
                read = read.mask(fits.notna() & ~in_utc)
            read = read.fillna(fits.where(in_utc).dt.tz_localize("UTC"))

        values[hit] = read.dt.tz_localize(None).astype("datetime64[us]")
        pending &= values.isna()  # what is left may be written with words, or with a zone's name

    return values, pending


def _parse(texts: pd.Series, form: str) -> pd.Series:
    """Moments without a zone; a text with one that nobody has read yet is unreadable rather than read without it."""
    read = _without_zone(texts, form)
    if read is None:
        zoned = texts.str.contains(_ANY_ZONE, regex=True) & ~texts.str.match(_ISO_DAY)
        read = _without_zone(texts.mask(zoned.fillna(False).astype(bool)), form)
    return _empty(texts) if read is None else read


def _without_zone(texts: pd.Series, form: str) -> pd.Series | None:
    try:
        read = pd.to_datetime(texts, format=form, errors="coerce")
    except ValueError:  # some with a zone, some without
        return None
    return read.astype("datetime64[us]") if pd.api.types.is_datetime64_dtype(read.dtype) else None


def _try_forms(texts: pd.Series, forms: list[str]) -> pd.Series:
    found = _empty(texts)
    for form in forms:
        left = found.isna()
        if not left.any():
            break
        found[left] = _parse(texts[left], form)
    return found


def _to_utc(naive: pd.Series, zone: ZoneInfo, date_only: pd.Series) -> Timestamps:
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
