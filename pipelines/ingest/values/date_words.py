"""Moments written with words (names of months and days, halves of the day, units) to digits and English months.

The words come from the Unicode CLDR (through Babel), of the product's languages and their neighbours.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

from babel import Locale

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "ko", "ja", "zh")
_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FULL = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_PIVOT = 69  # years of two digits from here on are of the last century, as strptime reads them
_FILLERS = frozenset(  # of, at, the, and endings of ordinals
    (
        *("de", "del", "of", "the", "um", "uhr", "à", "a", "às", "at", "las", "alle", "ore", "den", "le", "el", "r"),
        *("roku", "godz", "o", "st", "nd", "rd", "th", "er"),
    )
)
_MORNING = r"오전|午前|上午|vorm\.?|przed południem|de la mañana"
_EVENING = r"오후|午後|下午|nachm\.?|po południu|de la tarde"
_HALF = re.compile(
    rf"\(?(?:(?P<am>{_MORNING}|(?<![^\W\d_])a\.?\s?m\.?(?![^\W\d_]))|"
    rf"(?P<pm>{_EVENING}|(?<![^\W\d_])p\.?\s?m\.?(?![^\W\d_])))\)?",
    re.I,
)
_CJK_DATE = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_CJK_TIME = re.compile(r"(\d{1,2})\s*[時时點点시]\s*(?:(\d{1,2})\s*[分분]\s*(?:(\d{1,2})\s*[秒초])?)?")
_CJK_DAY = re.compile(
    r"[(（]?(?:星期|周|週)[一二三四五六日天][)）]?|[(（]?[月火水木金土日]曜日?[)）]?|"
    r"[(（]?[월화수목금토일]요일[)）]?|[(（][月火水木金土日월화수목금토일一二三四五六][)）]"
)
# a year of two digits that cannot be a day: 24년, or behind an apostrophe; and one beside blanks, as Korean writes
_SHORT_YEAR = re.compile(r"^(?:['\u2018\u2019](\d\d)(?=\s*[./-년年])|(\d\d)(?=\s*[년年]))")
_SPACED = re.compile(r"^(\d\d)\s*([./-])\s*(\d\d?)\s*\2\s*(\d\d?)\.?(?=\s|T|$)")
_YEAR_FIRST = re.compile(r"^(\d{4})\s*[./-]\s*(\d{1,2})\s*[./-]\s*(\d{1,2})\.?(?=\s|T|$)")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})[:.h](\d{2})(?:[:.m](\d{2})(?:[.,](\d{1,6}))?)?s?(?![\d./-])")
_ZONE = re.compile(r"(?<=[\d\s.mM])(?:(?:UTC|GMT)?\s?(?P<offset>[+-]\d{1,2}(?::?\d{2})?)|(?P<name>Z|[A-Z]{3,5}))$")


@lru_cache(maxsize=65_536)  # a column's different texts
def split_zone(text: str) -> tuple[str, str]:
    """A text with a time of day, and the zone it ends in: an offset (``+01:00``), a name (``EST``), or nothing.

    >>> split_zone("2024-01-08 09:00:00 EST"), split_zone("Jan 8 2024 09:00:00 GMT+0100 (CET)"), split_zone("8-01-2024")
    (('2024-01-08 09:00:00', 'EST'), ('Jan 8 2024 09:00:00', '+0100'), ('8-01-2024', ''))
    """
    plain = re.sub(r"\([A-Za-z ]{2,60}\)$", "", text).rstrip() if re.search(r"(GMT|UTC)?[+-]\d{4} ?\(", text) else text
    found = _ZONE.search(plain)
    if found is None or not re.search(r"\d:\d", plain[: found.start()]):
        return text, ""
    return plain[: found.start()].rstrip(), found["offset"] or found["name"]


@lru_cache(maxsize=65_536)  # a column's different texts
def to_digits(text: str) -> str:
    """A moment in digits, with an English month where it is named and the time of day on 24 hours.

    >>> to_digits("2024년 1월 8일 (월) 오후 4:05"), to_digits("lundi 8 janv. 2024 à 9 h 05")
    ('2024-1-8 16:05', '8 Jan 2024 9:05')
    """
    plain = _SHORT_YEAR.sub(_whole_year, unicodedata.normalize("NFKC", text).strip())
    plain = _CJK_DAY.sub(" ", _CJK_DATE.sub(r"\1-\2-\3 ", plain))
    plain = _CJK_TIME.sub(lambda m: f" {m[1]}:{int(m[2] or 0):02d}" + (f":{int(m[3]):02d}" if m[3] else ""), plain)
    half = _HALF.search(plain)
    if half is not None:
        plain = f"{plain[: half.start()]} {plain[half.end() :]}"
    plain = re.sub(r"(?<=\d)\s?h\s?(?=\d\d)", ":", plain)
    plain = _english_months(plain.replace(",", " "), _ENGLISH)
    plain = re.sub(r"(?<=\s)(\d{1,2})\.(\d{2})$", r"\1:\2", plain)  # 8 gennaio 2024 9.05
    plain = _SPACED.sub(r"\1\2\3\2\4", _YEAR_FIRST.sub(r"\1-\2-\3", " ".join(plain.split())))
    return plain if half is None else _on_24_hours(plain, evening=half["pm"] is not None)


def _whole_year(match: re.Match[str]) -> str:
    year = int(match[1] or match[2])
    return str(year + (2000 if year < _PIVOT else 1900))


@lru_cache(maxsize=65_536)  # a column's different texts
def in_english(text: str, form: str) -> str:
    """The text with its months and halves of the day in English, in place, for a declared strptime format."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if "%p" in form:
        plain = _HALF.sub(lambda m: "AM" if m["am"] else "PM", plain)
    for sign, names in (("%b", _ENGLISH), ("%B", _FULL)):
        if sign in form:
            plain = _WORD.sub(lambda m, names=names: _month(m[0], names) or m[0], plain)  # type: ignore[misc]
    return plain


_WORD = re.compile(r"[^\W\d_]+\.?")


def _month(word: str, names: tuple[str, ...]) -> str:
    number = _months().get(word.casefold().rstrip("."))
    return "" if number is None else names[number - 1]


def _english_months(text: str, names: tuple[str, ...]) -> str:
    """Month names in English, no days of the week and fillers; French 'mar.' is a day where a month stands too."""
    words = [match[0] for match in _WORD.finditer(text)]
    months = [word for word in words if _month(word, names)]
    has_date = bool(re.search(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d", text))

    def replace(match: re.Match[str]) -> str:
        word = match[0]
        folded = word.casefold().rstrip(".")
        if folded in _weekdays() and (has_date or len(months) > 1 or not _month(word, names)):
            return " "
        return _month(word, names) or (" " if folded in _FILLERS else word)

    plain = _WORD.sub(replace, text)
    return re.sub(r"(?<=\d)\.?\s+(?=[A-Z][a-z]{2}\b)|(?<=\d)[º°ª.]\s+(?=[A-Z][a-z]{2}\b)", " ", plain)


def _on_24_hours(text: str, *, evening: bool) -> str:
    clock = next(reversed(list(_CLOCK.finditer(text))), None)  # the last: 8.01.2024 4:05
    if clock is None:  # 8 Jan 2024 9 PM
        bare = re.search(r"(?<=\s)(\d{1,2})$", text)
        return text if bare is None else f"{text[: bare.start()]}{_hour(int(bare[1]), evening=evening)}:00"
    rest = text[clock.end(1) : clock.end()]
    return f"{text[: clock.start()]}{_hour(int(clock[1]), evening=evening)}{rest}{text[clock.end() :]}"


def _hour(hour: int, *, evening: bool) -> str:
    return f"{hour % 12 + 12 * evening if hour <= 12 else hour:02d}"


def _names(kind: str) -> Iterator[tuple[int, str]]:
    for language in LANGUAGES:
        for context in ("format", "stand-alone"):
            widths = getattr(Locale.parse(language), kind)[context]
            for width in ("wide", "abbreviated"):
                yield from ((int(number), str(name).casefold().rstrip(".")) for number, name in widths[width].items())


@cache
def _months() -> dict[str, int]:
    """Names of months, without a full stop, in small letters; none means two months in two of the languages."""
    return {name: number for number, name in _names("months") if not name[0].isdigit()} | {"sept": 9, "okt": 10}


@cache
def _weekdays() -> frozenset[str]:
    return frozenset(part for _, name in _names("days") for part in (name, *name.split("-")))
