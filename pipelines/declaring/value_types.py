"""What the values of a column are: the type that all of them can be read as, codes, lists, mail addresses."""

import re
from typing import get_args

import pandas as pd

from features.errors import LeadScoreError
from features.kernel.column_reader import FALSE_TEXTS, TRUE_TEXTS
from features.schema.columns import Column
from features.schema.vocabulary import ColumnType
from pipelines.declaring.column_values import ColumnValues
from pipelines.declaring.words.header_words import Meaning, meanings_of
from pipelines.ingest.values.counted_times import holds_epochs, holds_serial_days, whole_digits
from pipelines.ingest.values.moments import zone_of
from pipelines.ingest.values.number_form import NO_VALUE, SLIPS, DecimalSign, weigh_signs
from pipelines.ingest.values.ruined_ids import RUINED_ID
from pipelines.ingest.values.timestamps import ALL_DIGITS, read_timestamps
from pipelines.ingest.values.type_casting import cast_numbers

_DIGITS = r"\d+(?:\.0+)?"
_LEADING_ZEROS = 0.01
_EXACT_DIGITS = 15  # of a number that keeps its last digit in float64; longer ones are ids
_COMPACT_DAY = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ISO = r"(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)?$"
_HOURS = 3  # different ones of moments, at least; behind a day, ids that count on hold one or two
_DATE_HEADER = re.compile(
    r"date|datum|fecha|data\b|creat|clos|angelegt|_at$|utworz|日期|日付|日時|일자|날짜|생성일", re.I
)
_TIMES = frozenset({Meaning.CREATED, Meaning.CLOSED, Meaning.HAPPENED, Meaning.ENTERED, Meaning.MODIFIED})
# counts: of a column of those that lie about 45,000, values alone do not say that they are no days
_COUNTS = frozenset({Meaning.AMOUNT, Meaning.REVENUE, Meaning.SIZE, Meaning.CODE, Meaning.ID})
_TELEPHONE = r"(?:\+|00)\d[\d ()/.-]{6,18}|\(?0\d{1,5}[)/ -][\d /-]{4,14}"
_SIGNED_DAY = r"\d{1,2}[/-]\d{1,2}[/-](?:\d{2}|\d{4})"  # 01/23/2025, which could be dialled, too
_CODES = re.compile(
    r"\bzip|post(al)?[_ ]?(code|nr|leitzahl)|^plz$|pin[_ ]?code|code[_ ]?postal|^cap$|^cep$|kod[_ ]poczt|"
    r"우편번호|郵便番号|邮编|((tele)?phone|mobile|fax|telefon|tel)([_ ]?(no|nr|number))?\.?$|전화|電話|电话|"
    r"\bvat\b|tax[_ ]?(id|no|number)|\b(ean|sku|gtin|duns|siren|siret|nip|regon|naics|sic|nace)\b|사업자",
    re.I,
)
LARGE = 50_000  # different values from which a part is asked first
SAMPLED = 5_000  # rows of that part: a share of 2% is found within 0.4 points
_FORMS_OF_TWO = 12  # spellings that two truth values can have in upper and lower case
# A multi-select field: one cell in ten holds two values or more, of at most a few dozen that come back five times each.
_LISTED, _MOST_LISTED, _OFTEN = 0.1, 60, 5.0
READABLE = 0.98  # share of filled values a type must read to be guessed: a few typing errors are common in exports
LONG_TEXT = 40  # mean characters from which a column is prose, not the names of categories


def find_type(header: str, present: ColumnValues, decimal: DecimalSign) -> ColumnType:
    """The type that nearly all values can be read as.

    Of very many different values a part is asked first, and then only whether all of them keep to its answer.
    """
    if len(present.values) > LARGE:
        some = ColumnValues.of(present.some_rows(SAMPLED))
        kind = _type_of_all(header, some, decimal)
        if _holds(kind, header, present, decimal):
            return kind
    return _type_of_all(header, present, decimal)


def _holds(kind: ColumnType, header: str, present: ColumnValues, decimal: DecimalSign) -> bool:
    """Whether what a part of the values seem to be is what all of them are. Any text is a category."""
    if kind is ColumnType.NUMBER:
        unreadable = cast_numbers(present.values, Column(), decimal).unreadable
        return present.share(unreadable) <= 1 - READABLE and not is_code(header, present)
    if kind is ColumnType.TIMESTAMP:
        iso = bool(present.values.str.match(_ISO).all())  # what nearly all exports write is told without being parsed
        return iso or (_has_length_of_time(present) and _is_time(present))
    return kind is not ColumnType.BOOLEAN


def _type_of_all(header: str, present: ColumnValues, decimal: DecimalSign) -> ColumnType:
    if not present.rows:
        return ColumnType.CATEGORY
    if len(present.values) <= _FORMS_OF_TWO:
        values = set(present.values.str.lower())
        if values <= (TRUE_TEXTS | FALSE_TEXTS) - {"1", "0", "1.0", "0.0"} and len(values) == 2:
            return ColumnType.BOOLEAN

    if _is_written_date(present, timed=_speaks_of_time(header)) or counts_time(header, present.values):
        return ColumnType.TIMESTAMP
    if is_code(header, present):
        return ColumnType.CATEGORY
    digits = present.share(present.values.str.contains(r"\d") | present.values.str.lower().isin(NO_VALUE))
    if digits < READABLE:  # neither numbers nor times
        return _prose_or_category(present)
    if _seem_numbers(present):
        decimal = weigh_signs(present.values).decimal or decimal
        if present.share(cast_numbers(present.values, Column(), decimal).unreadable) <= 1 - READABLE:
            return ColumnType.NUMBER
    digits = present.share(present.values.str.contains(r"\d")) > READABLE
    if digits and _has_length_of_time(present) and _is_time(present):
        return ColumnType.TIMESTAMP

    return _prose_or_category(present)


def counts_time(header: str, values: pd.Series) -> bool:
    """Whether numbers under a header that speaks of time are days of a spreadsheet or epochs."""
    if not _speaks_of_time(header):
        return False
    return holds_epochs(values) or (not _COUNTS & meanings_of(header) and holds_serial_days(values))


def _speaks_of_time(header: str) -> bool:
    return bool(_DATE_HEADER.search(header) or _TIMES & meanings_of(header))


def prove_decimal(present: ColumnValues) -> DecimalSign | None:
    """The decimal sign that the values prove; of very many a part that is of one mind speaks for all of them."""
    if len(present.values) > LARGE:
        part = weigh_signs(present.some_rows(SAMPLED))
        if part.decimal is not None and min(part.point, part.comma) <= SLIPS * max(part.point, part.comma):
            return part.decimal
    return weigh_signs(present.values).decimal


def _seem_numbers(present: ColumnValues) -> bool:
    """Whether at least half of a few rows are numbers by some decimal sign: what is not is told at once."""
    few = present.some_rows(100)
    return any(cast_numbers(few, Column(), sign).unreadable.mean() <= 0.5 for sign in get_args(DecimalSign))


def _prose_or_category(present: ColumnValues) -> ColumnType:
    if is_list(present):
        return ColumnType.LIST
    long = present.mean_length() > LONG_TEXT
    return ColumnType.TEXT if long and len(present.values) > present.rows / 2 else ColumnType.CATEGORY


def is_code(header: str, present: ColumnValues) -> bool:
    """Whether digits are a name, not a quantity: zeros in front, a telephone number, a header that speaks of codes.

    One leading zero in a hundred values is enough: no export writes a quantity so, and most codes have none.
    """
    whole = present.values.str.fullmatch(_DIGITS)
    if present.share(whole) < READABLE:
        few = present.some_rows(100)
        if not (_are_telephones(few) | few.str.fullmatch(RUINED_ID)).any():
            return False  # nearly all would be
        return present.share(_are_telephones(present.values)) >= READABLE or ruined_share(present) >= READABLE
    zeros = present.share(present.values.str.fullmatch(r"0\d+"))
    return bool(zeros >= _LEADING_ZEROS or _CODES.search(header) or present.values.str.len().max() > _EXACT_DIGITS)


def _are_telephones(values: pd.Series) -> pd.Series:
    return values.str.fullmatch(_TELEPHONE) & ~values.str.fullmatch(_SIGNED_DAY)


def is_list(present: ColumnValues) -> bool:
    """Whether cells hold several values of a short list: one sign divides them, and what it divides comes back often.

    Commas also stand inside of values (Berlin, Germany): there the different cells must be several times as many as the
    values, or the values must stand in different places, alone and among others.
    """
    texts, counts = present.values.iloc[:SAMPLED], present.counts[:SAMPLED]
    if present.share(present.values.str.fullmatch(r"\[.*\]")) >= READABLE:
        return True
    for sign, times in ((";", 1.0), ("|", 1.0), (",", 3.0)):
        if present.share(present.values.str.contains(sign, regex=False)) < _LISTED:
            continue
        parts = texts.str.split(sign).explode().str.strip()
        rows = pd.Series(counts, index=texts.index).loc[parts.index]
        held = rows.groupby(parts.to_numpy()).sum()
        often = held.sum() / len(held) >= _OFTEN and max(len(str(item)) for item in held.index) <= LONG_TEXT
        many = len(texts) >= times * len(held) or _places_vary(texts, sign)
        return bool(often and len(held) <= _MOST_LISTED and many)
    return False


def _places_vary(texts: pd.Series, sign: str) -> bool:
    """Whether at least half of the values stand in cells of different lengths or at different places of them."""
    places: dict[str, set[tuple[int, int]]] = {}
    for text in texts:
        parts = [part.strip() for part in text.split(sign)]
        for place, part in enumerate(parts):
            places.setdefault(part, set()).add((place, len(parts)))
    return sum(len(found) > 1 for found in places.values()) >= len(places) / 2


def ruined_share(present: ColumnValues) -> float:
    """Share of values that a spreadsheet has made of long numbers: 1.23457E+17; of very many a part is asked."""
    if len(present.values) > LARGE:
        return float(present.some_rows(SAMPLED).str.fullmatch(RUINED_ID).mean())
    return present.share(present.values.str.fullmatch(RUINED_ID))


def _is_written_date(present: ColumnValues, *, timed: bool) -> bool:
    """Whether digits are days such as 20250106 or moments such as 20250106140500, of more than one month.

    A number that runs on behind a day (202501060001) looks like a moment too: unless the header speaks of time, its
    clock must look like one.
    """
    values = whole_digits(present.values)
    if present.share(values.str.len().isin([8, 12, 14])) < READABLE:
        return False
    moments = values.str.fullmatch(ALL_DIGITS)
    days = present.share(values.str.fullmatch(_COMPACT_DAY) | moments)
    if days < READABLE or values.str[:6].nunique() < 2:
        return False
    return timed or not moments.any() or _is_clock(values[moments].str[8:])


def _is_clock(digits: pd.Series) -> bool:
    """Whether hours and minutes are spread as those of a clock are, or all is midnight."""
    hours, minutes = digits.str[:2].astype("int64"), digits.str[2:4].astype("int64")
    midnight = bool((digits.astype("int64") == 0).all())
    return midnight or bool(hours.nunique() >= _HOURS and (minutes >= 30).any() and (minutes < 30).any())


def _has_length_of_time(present: ColumnValues) -> bool:
    return bool(present.values.str.len().between(8, 35).all())


def _is_time(present: ColumnValues) -> bool:
    """Whether nearly all values are moments; a few rows are asked first, as most columns hold none."""
    few = present.some_rows(500)
    if few.str.contains("@", regex=False).mean() > 0.5:
        return False
    if present.rows > len(few) and not _is_time(ColumnValues.of(few)):
        return False
    try:
        found = read_timestamps(present.values, zone_of("UTC", "")).values
    except LeadScoreError:
        return True  # dates that can be read in two ways are dates
    return present.share(found.notna()) >= READABLE


def are_addresses(present: ColumnValues, most: float = 0.5) -> bool:
    """Whether more than a share of the values are mail addresses; of very many a part is looked at closely."""
    if not present.share(present.values.str.contains("@", regex=False)) > most:
        return False
    asked = present if len(present.values) <= LARGE else ColumnValues.of(present.some_rows(SAMPLED))
    return asked.share(asked.values.str.contains(r"^\S+@\S+\.\S+$")) > most
