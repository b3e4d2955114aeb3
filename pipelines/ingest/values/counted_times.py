"""Moments as counts: days as spreadsheets count them, and seconds or parts of them since 1970."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pandas as pd

from pipelines.ingest.values.moments import MOSTLY, Timestamps, drop_implausible, to_utc

SERIAL = "serial"  # as time_format: days of a spreadsheet
# seconds, milliseconds and microseconds since 1970 by their number of digits, each with its microseconds
EPOCHS = ((r"^\d{10}(?:\.\d+)?$", 1_000_000), (r"^\d{13}(?:\.0+)?$", 1_000), (r"^\d{16}(?:\.0+)?$", 1))
# pandas writes whole numbers with .0 (or ,0) as soon as one is missing; with more zeros short ones are amounts
_WHOLE = r"^(\d{8,}|\d{4,7}(?=[.,]0$))[.,]0+$"
# Days since 1899-12-30, as spreadsheets count them: 2000 to 2050. In a column of times nothing else is written so; days
# of a year (24008) lie below, dates without signs (20240108) above.
_SERIAL, _FIRST_DAY, _LAST_DAY = r"^\d{5}(?:[.,]\d+)?$", 36_526, 55_153
_NO_DAY = 200_000  # in 2447: read_serial drops what lies behind 2199
_DIGITS_OF_DAYS = {"%d%m%Y": 8, "%m%d%Y": 8, "%d%m%y": 6, "%m%d%y": 6, "%y%m%d": 6}
_EPOCH_2000, _EPOCH_2050 = 946_684_800, 2_524_608_000  # seconds since 1970


def whole_digits(texts: pd.Series) -> pd.Series:
    """Texts in which whole numbers have no decimals: 20240108.0 is the day that was 20240108 before one was missing."""
    return texts.str.replace(_WHOLE, r"\1", regex=True)


def pad_first_digit(texts: pd.Series, form: str | None) -> pd.Series:
    """Texts with the 0 in front that a day of digits loses as a number: 1012024 of %d%m%Y is the first of January."""
    width = _DIGITS_OF_DAYS.get(form or "")
    return texts if width is None else texts.str.replace(rf"^(\d{{{width - 1}}})$", r"0\1", regex=True)


def holds_serial_days(clean: pd.Series) -> bool:
    """Whether a column holds days of a spreadsheet: nearly all values do, so that dates and serial days never mix."""
    present = clean.dropna()
    if not len(present) or not bool(present.head(100).str.match(_SERIAL).any()):
        return False
    hit = present.str.match(_SERIAL).fillna(False).astype(bool)
    if hit.mean() < MOSTLY:
        return False
    return bool(_count_days(present[hit]).between(_FIRST_DAY, _LAST_DAY).mean() >= MOSTLY)


def holds_epochs(clean: pd.Series) -> bool:
    """Whether nearly all values count seconds, milliseconds or microseconds since 1970, from 2000 to 2050."""
    present = clean.dropna()
    if not len(present) or not bool(present.head(100).str.match(r"^\d{10,16}(?:[.,]\d+)?$").any()):
        return False
    present = whole_digits(present)
    for pattern, unit in EPOCHS:
        hit = present.str.match(pattern).fillna(False).astype(bool)
        if hit.mean() >= MOSTLY:
            seconds = present[hit].astype("float64") * unit / 1_000_000
            return bool(seconds.between(_EPOCH_2000, _EPOCH_2050).mean() >= MOSTLY)
    return False


def read_serial(clean: pd.Series, zone: ZoneInfo, *, told: bool) -> Timestamps:
    """Moments of days that a spreadsheet counts, by the clock of ``zone``; ``told`` notes that they were found."""
    days = _count_days(clean)
    days = days.where(days.between(0, _NO_DAY))  # seconds since 1970, declared as days, are more than pandas can count
    seconds = (days * 86_400).round(3)  # nine digits after the point are what files hold: better than a millisecond
    near = seconds.round()
    seconds = near.where((seconds - near).abs() < 0.005, seconds)
    moments = pd.Timestamp("1899-12-30") + pd.to_timedelta(seconds, unit="s")
    local = drop_implausible(moments.astype("datetime64[us]"))
    found = to_utc(local, zone, (days % 1 == 0) & local.notna())
    note = f"{int(local.notna().sum())} values are days as spreadsheets count them (time_format: {SERIAL})."
    return replace(found, notes=(*found.notes, note)) if told else found


def _count_days(clean: pd.Series) -> pd.Series:
    """Days with their fraction, behind a point or, as in Germany, a comma; missing where a text is no number."""
    return pd.to_numeric(clean.str.replace(r"^(\d{5}),(\d+)$", r"\1.\2", regex=True), errors="coerce")
