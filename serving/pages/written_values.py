"""How numbers, money, dates and ages are written in each language; every page writes them through these."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from models.explaining.language import SOURCE_LANGUAGE, Language

MISSING = "–"
_MINUS = "−"  # a true minus, so that signs line up
_DAYS = {"en": "d MMM y", "ko": "y년 M월 d일", "pl": "d MMMM y"}
_DAYS_THIS_YEAR = {"en": "d MMM", "ko": "M월 d일", "pl": "d MMMM"}
_ENGLISH_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CURRENCY = re.compile(r"[A-Z]{3}")
_WHOLE_POINTS = 100.0  # more have no digit after the point: three digits say enough
_HARDLY_ANY = 0.005  # chances below are fewer than one of a hundred, and as close to all of them all but one
_HOURS_PER_DAY, _DAYS_PER_WEEK, _DAYS_PER_MONTH, _DAYS_PER_YEAR = 24, 7, 30.4, 365.25


def write_count(language: Language, value: float | None) -> str:
    r"""A count with separators between thousands.

    >>> from models.explaining.language import load_language
    >>> write_count(load_language("en"), 20489), write_count(load_language("pl"), 20489)
    ('20,489', '20\xa0489')
    """
    return MISSING if value is None else language.decimal(value, 0)


def write_percent(language: Language, value: float | None, digits: int = 1) -> str:
    """A share 0..1 in per cent."""
    return MISSING if value is None else language.share(value, digits)


def write_in_hundred(language: Language, value: float | None) -> str:
    """A chance as people say it: so many of a hundred; never none and never all.

    >>> from models.explaining.language import load_language
    >>> [write_in_hundred(load_language("en"), value) for value in (0.658, 0.001, 0.999)]
    ['66 in 100', 'fewer than 1 in 100', 'more than 99 in 100']
    """
    if value is None:
        return MISSING
    if value < _HARDLY_ANY:
        return language.text("fewer than 1 in 100")
    if value >= 1 - _HARDLY_ANY:
        return language.text("more than 99 in 100")
    return language.text("{count} in 100", count=round(value * 100))


def write_points(language: Language, value: float | None) -> str:
    """Points with their sign, up to one digit after the point, and none from a hundred on.

    >>> from models.explaining.language import load_language
    >>> [write_points(load_language("en"), value) for value in (3.25, -15.02, 127.46, -0.01, 0)]
    ['+3.2', '−15', '+127', '0', '0']
    """
    if value is None:
        return MISSING
    value = round(float(value), 1 if abs(value) < _WHOLE_POINTS else 0)
    text = language.decimal(abs(value), 0 if value.is_integer() else 1)
    return f"+{text}" if value > 0 else f"{_MINUS}{text}" if value < 0 else "0"


def write_decimal(language: Language, value: float | None, digits: int = 1) -> str:
    """A number with so many digits after the point."""
    if value is None:
        return MISSING
    text = language.decimal(abs(value), digits)
    return f"{_MINUS}{text}" if value < 0 else text


def write_hours(language: Language, hours: float) -> str:
    """Hours as they were declared: whole ones without a digit after the point, parts of one as they are.

    >>> from models.explaining.language import load_language
    >>> [write_hours(load_language("pl"), hours) for hours in (4.0, 1.5, 0.25)]
    ['4', '1,5', '0,25']
    """
    _, _, digits = f"{hours:.2f}".rstrip("0").partition(".")
    return language.decimal(hours, len(digits))


def form_of(number: float) -> int:
    """Which form of a counted text goes with a number that may have a part: one for exactly one, else that of many.

    >>> [form_of(number) for number in (1, 1.0, 0.5, 1.5)]
    [1, 1, 2, 2]
    """
    return 1 if number == 1 else 2


def write_within(language: Language, hours: float) -> str:
    """What is promised within so many hours.

    >>> from models.explaining.language import load_language
    >>> [write_within(load_language("en"), hours) for hours in (0.5, 1, 4)]
    ['within 0.5 hours', 'within 1 hour', 'within 4 hours']
    """
    one, many = "within {n} hour", "within {n} hours"
    return language.plural(one, many, form_of(hours), n=write_hours(language, hours))


def write_of_hundred(language: Language, value: float, days: int | None) -> str:
    """How many of a hundred leads of a chance are won, within so many days (None: ever); never none and never all.

    >>> from models.explaining.language import load_language
    >>> for value in (0.004, 0.012, 0.3):
    ...     write_of_hundred(load_language("en"), value, None)
    'Of 100 leads like this, fewer than 1 is won.'
    'Of 100 leads like this, about 1 is won.'
    'Of 100 leads like this, about 30 are won.'
    """
    count = min(max(round(value * 100), 1), 99)
    if value < _HARDLY_ANY:
        said = language.text("fewer than 1")
    elif value >= 1 - _HARDLY_ANY:
        said = language.text("more than 99")
    else:
        said = language.text("about {n}", n=count)
    if days is None:
        one, many = "Of 100 leads like this, {count} is won.", "Of 100 leads like this, {count} are won."
        return language.plural(one, many, count, count=said)
    one = "Of 100 leads like this, {count} is won within {days} days."
    many = "Of 100 leads like this, {count} are won within {days} days."
    return language.plural(one, many, count, count=said, days=days)


def write_money(language: Language, value: float | None, currency: str | None) -> str:
    r"""An amount without cents, the currency where the language puts it; one without a code stands behind.

    >>> from models.explaining.language import load_language
    >>> write_money(load_language("en"), 20489, "EUR"), write_money(load_language("pl"), 20489, "EUR")
    ('€20,489', '20\xa0489\xa0€')
    """
    if value is None:
        return MISSING
    if not currency or not _CURRENCY.fullmatch(currency):
        return f"{write_count(language, value)} {currency or ''}".strip()
    from babel.numbers import format_currency, get_currency_symbol

    pattern = "#,##0\xa0¤" if language.code == "pl" else "¤#,##0"
    if language.code != "pl" and len(get_currency_symbol(currency, language.code)) > 1:
        pattern = "¤\xa0#,##0"
    return format_currency(value, currency, format=pattern, locale=language.code, currency_digits=False)


def write_day(language: Language, value: Any, this_year: int | None = None) -> str:
    """A date, without its year where that is ``this_year``; other values, such as the first row of a block without
    clocks, stay as they are.

    >>> from models.explaining.language import load_language
    >>> [write_day(load_language(code), "2026-06-29") for code in ("en", "ko", "pl")]
    ['29 Jun 2026', '2026년 6월 29일', '29 czerwca 2026']
    >>> write_day(load_language("en"), "2026-06-29", 2026)
    '29 Jun'
    """
    try:
        found = to_datetime(value)
    except ValueError:
        return str(value)
    if found is None:
        return MISSING
    short = found.year == this_year
    if language.code == SOURCE_LANGUAGE:
        text = f"{found.day} {_ENGLISH_MONTHS[found.month - 1]}"
        return text if short else f"{text} {found.year}"
    from babel.dates import format_date

    pattern = (_DAYS_THIS_YEAR if short else _DAYS)[language.code]
    return format_date(found, pattern, locale=language.code)


def write_moment(language: Language, value: Any, this_year: int | None = None) -> str:
    """A timestamp to the minute."""
    found = to_datetime(value)
    return MISSING if found is None else f"{write_day(language, found, this_year)}, {found:%H:%M}"


def write_age(language: Language, days: float | None) -> str:
    """A span of days in its largest whole unit.

    >>> from models.explaining.language import load_language
    >>> [write_age(load_language("en"), days) for days in (0.01, 0.1, 1, 6.9, 20, 100, 800)]
    ['less than an hour', '2 hours', '1 day', '6 days', '20 days', '3 months', '2 years']
    """
    if days is None or days != days:  # not a number
        return MISSING
    if days < 1:
        hours = int(days * _HOURS_PER_DAY)
        return language.plural("{n} hour", "{n} hours", hours, n=hours) if hours else language.text("less than an hour")
    if days < 8 * _DAYS_PER_WEEK:
        whole = int(days)
        return language.plural("{n} day", "{n} days", whole, n=whole)
    if days < 2 * _DAYS_PER_YEAR:
        months = int(days / _DAYS_PER_MONTH)
        return language.plural("{n} month", "{n} months", months, n=months)
    years = int(days / _DAYS_PER_YEAR)
    return language.plural("{n} year", "{n} years", years, n=years)


def write_horizon(language: Language, horizons: Sequence[int]) -> str:
    """Days within which a win counts, for leads of any segment; empty where there is no horizon.

    >>> from models.explaining.language import load_language
    >>> [write_horizon(load_language("en"), days) for days in ((90,), (30, 90), (0,))]
    ['90', '30 to 90', '']
    """
    low, high = horizons[0], horizons[-1]
    if not high:
        return ""
    return str(high) if low == high else write_span(language, str(low), str(high))


def write_span(language: Language, low: str, high: str) -> str:
    """From one written value to another.

    >>> from models.explaining.language import load_language
    >>> write_span(load_language("en"), "56", "75")
    '56 to 75'
    """
    return language.text("{low} to {high}", low=low, high=high)


def to_datetime(value: Any) -> datetime | None:
    """A timestamp or an ISO text as a datetime, None for nothing; ValueError for another text."""
    if isinstance(value, str) and value:
        return datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value if isinstance(value, datetime) else None
