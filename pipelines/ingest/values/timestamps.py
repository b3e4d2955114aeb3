"""Timestamps as text to naive UTC: zones, daylight saving, ISO and common written forms, mixed in one column."""

import re
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from pipelines.ingest.errors import TurnedDatesError
from pipelines.ingest.values.counted_times import (
    EPOCHS,
    SERIAL,
    holds_serial_days,
    pad_first_digit,
    read_serial,
    whole_digits,
)
from pipelines.ingest.values.date_order import (
    DATE_FORMS,
    NUMERIC_DATE,
    DateOrder,
    find_order,
    find_turned,
    show_month_before_stop,
)
from pipelines.ingest.values.date_words import in_english, split_zone, to_digits
from pipelines.ingest.values.days import days_in_utc
from pipelines.ingest.values.moments import Timestamps, all_false, drop_implausible, no_moments, to_utc, with_digits
from pipelines.ingest.values.zone_names import offsets_of

DAY_FIRST, MONTH_FIRST = "day_first", "month_first"  # what time_format may be besides a strptime form and serial
_ZONED = r"(?:[zZ]|UTC|GMT|[+-]\d{2}:?\d{2}|\d ?[+-]\d{2})$"  # asked only of texts with a time of day
_UTC, _LITERAL_OFFSET = ("Z", "z", "UTC", "GMT"), r"[+-]\d{2}:?\d{2}$"
_ANY_ZONE, _ISO_DAY = r"(?:[zZ]|[+-]\d{2}(?::?\d{2})?)$", r"^\d{4}-\d\d(?:-\d\d)?$"
_CLOCK = r"\d:\d|^\d{4}-?\d\d-?\d\d[T ]\d\d"  # in compact forms (20240108T0900Z) no colon shows it
# 20240108140500, as databases in Korea and Japan export moments; no count of seconds has so many digits
ALL_DIGITS = r"^((?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]))((?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?)$"
_ZONED_DATE = r"^(\d{4}-\d\d-\d\d)(?:[zZ]|[+-]\d\d:\d\d)$"  # dates as XML writes them: days of the calendar
_TIME_OF_DAY = r"\d:\d|^\d{4}-?\d\d-?\d\d[T ]\d\d|^\d{10,}"
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_WRITTEN = ("%d %b %Y", "%b %d %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%d %b %y", "%Y-%m-%d", "%Y-%b-%d", "%Y %b %d")
_UNIX = ("%b %d %H:%M:%S %Y",)


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
        moments = drop_implausible(texts.dt.tz_convert("UTC").dt.tz_localize(None))
        typed = Timestamps(values=moments, date_only=all_false(texts), zone=zone)
        return days_in_utc(typed, moments.notna(), known=utc_days == "known") if utc_days else typed
    if pd.api.types.is_datetime64_dtype(texts.dtype):
        return to_utc(drop_implausible(texts), zone, all_false(texts))

    clean = texts.astype("str").str.strip()
    if form == SERIAL or (form is None and holds_serial_days(clean)):
        return read_serial(clean, zone, told=form is None)

    strptime = None if form in (None, DAY_FIRST, MONTH_FIRST) else form
    if strptime is None or not re.search(r"[.,]", strptime):
        clean = pad_first_digit(whole_digits(clean), strptime)
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
    local = to_utc(drop_implausible(reading.local), zone, _date_only(reading.digits, timed))
    found = drop_implausible(reading.utc.fillna(local.values))
    notes = (*local.notes, *reading.notes)
    date_only = local.date_only & found.notna() & reading.utc.isna()
    order, dotted = reading.order, reading.dotted and reading.order == "month"
    read = Timestamps(values=found, date_only=date_only, zone=zone, notes=notes, order=order, dotted=dotted)
    return days_in_utc(read, reading.utc.notna(), known=utc_days == "known") if utc_days else read


class _Reading:
    """A column on its way from texts to moments: ``local`` in the column's zone, ``utc`` where a text names its own."""

    def __init__(self, clean: pd.Series, utc: pd.Series, pending: pd.Series, zone: ZoneInfo, what: str) -> None:
        self.clean, self.utc, self.pending, self.zone, self.what = clean, utc, pending, zone, what
        self.local, self.digits = no_moments(clean), clean.copy()
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


def _date_only(clean: pd.Series, timed: bool | None) -> pd.Series:
    """Which texts have no time of day; a declared form says of all of them whether it is ``timed``."""
    if timed is not None:
        return clean.notna() & (not timed)
    return clean.notna() & ~clean.str.contains(_TIME_OF_DAY, regex=True).fillna(True).astype(bool)


def _read_zoned(clean: pd.Series, form: str | None) -> tuple[pd.Series, pd.Series]:
    """Timestamps of texts that name their zone or count from the epoch, and a mask of the others."""
    values = no_moments(clean)
    pending = clean.notna()

    if form is None:
        for pattern, unit in EPOCHS:
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
    texts = with_digits(texts)
    read = _without_zone(texts, form)
    if read is None:
        zoned = texts.str.contains(_ANY_ZONE, regex=True) & ~texts.str.match(_ISO_DAY)
        read = _without_zone(texts.mask(zoned.fillna(False).astype(bool)), form)
    return no_moments(texts) if read is None else read


def _without_zone(texts: pd.Series, form: str) -> pd.Series | None:
    try:
        read = pd.to_datetime(texts, format=form, errors="coerce")
    except ValueError:  # some with a zone, some without
        return None
    return read.astype("datetime64[us]") if pd.api.types.is_datetime64_dtype(read.dtype) else None


def _try_forms(texts: pd.Series, forms: list[str]) -> pd.Series:
    found = no_moments(texts)
    for form in forms:
        left = found.isna()
        if not left.any():
            break
        found[left] = _parse(texts[left], form)
    return found
