"""Sentences of runs, monitor and gate in the reader's language: records keep them in English, pages say them.

A record's sentence is matched against the English templates of ``messages/told``; what stood in their places is said
in turn: numbers and dates as the language writes them, names and labels by its catalogs; what somebody has to find
again as it is written (a column, a key, words of a person) stays letter by letter. A sentence that no template fits
stays English.
"""

import re
from functools import cache, lru_cache
from importlib.resources import files

from babel.messages.pofile import read_po

from models.explaining.language import SOURCE_LANGUAGE, Language
from models.explaining.wording.labels import translate_label, translate_value
from serving.pages.written_values import write_day

_FOLDER = files("serving.pages") / "messages" / "told"
_PLACE = re.compile(r"{(\w+)}")
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=\S)")
_NUMBER = re.compile(r"([+−-]?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?( ?%)?")
_NUMBER_WITHIN = re.compile(rf"(?<![\w.,−-]){_NUMBER.pattern}(?![\w−-]|[.,]\d)")  # no part of a name or a month
_NUMBERS = ("days", "low", "high", "share", "value")  # places where only a number fits
_NUMBER_ONLY = r"[+−-]?[\d,.]+(?: ?%)?"
_AS_WRITTEN = ("author", "column", "key", "rubric", "rule", "said", "verdict", "word", "words")  # such places
_DAY, _MONTH = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"\d{4}-\d\d")
_LISTS = tuple(re.compile(f"({mark})") for mark in (", ", ": ", " → ", " and ", " or "))  # the outer ones first
_KEPT = 20_000  # sentences in all languages; records hold some hundreds


def tell(language: Language, text: str) -> str:
    """What a record says in English, sentence by sentence in a language."""
    text = str(text)
    return text if language.code == SOURCE_LANGUAGE else _told(language.code, text)


def find_language(language: Language, text: str) -> str:
    """The code of the language that :func:`tell` says a text in: English where a sentence has no template."""
    if language.code == SOURCE_LANGUAGE:
        return SOURCE_LANGUAGE
    parts = _BETWEEN_SENTENCES.split(str(text).strip())
    told = not str(text).strip() or all(_match(language.code, part) is not None for part in parts)
    return language.code if told else SOURCE_LANGUAGE


@cache
def _templates(code: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Pattern and translation of every template, those with most words of their own first."""
    catalog = read_po((_FOLDER / f"{code}.po").open("rb"), locale=code)
    pairs = [(str(message.id), str(message.string)) for message in catalog if message.id]
    pairs.sort(key=lambda pair: -len(_PLACE.sub("", pair[0])))
    return tuple((_pattern(template), told) for template, told in pairs)


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACE.split(template)
    return re.compile("".join(_place(part) if k % 2 else re.escape(part) for k, part in enumerate(parts)))


def _place(name: str) -> str:
    """What fits a place: anything, or a number where the name says so."""
    return f"(?P<{name}>{_NUMBER_ONLY if name in _NUMBERS else '.+?'})"


@lru_cache(maxsize=_KEPT)
def _told(code: str, text: str) -> str:
    return " ".join(
        _listed(code, part) or _match(code, part) or part for part in _BETWEEN_SENTENCES.split(text.strip())
    )


@lru_cache(maxsize=_KEPT)
def _match(code: str, sentence: str, *, whole: bool = False) -> str | None:
    """A sentence by the first template that fits it, with or without its full stop; None where none does.

    ``whole``: no place may take a semicolon, which would be one of the template's or stand between parts of a list.
    """
    for text, end in ((sentence, ""), (sentence.removesuffix("."), ".")):
        for pattern, told in _templates(code):
            found = pattern.fullmatch(text)
            if found is not None and not (whole and any("; " in part for part in found.groups())):
                filled = {name: _filled(code, name, value) for name, value in found.groupdict().items()}
                return told.format(**filled) + (end if sentence.endswith(".") and not told.endswith(".") else "")
    return None


def _filled(code: str, name: str, text: str) -> str:
    """What stands in the place of a name: a question is known as a whole or stays as it was asked."""
    if name in _AS_WRITTEN:
        return text
    return _language(code).text(text) if name == "question" else _value(code, text)


def _value(code: str, text: str) -> str:
    """What stands in a place: a number, a day, a name, or a list of these."""
    language = _language(code)
    if found := _NUMBER.fullmatch(text):
        return _number(language, found)
    if _DAY.fullmatch(text):
        return write_day(language, text)
    if _MONTH.fullmatch(text):
        return text
    if "; " in text:
        if (told := _match(code, text, whole=True)) is not None:
            return told
        return "; ".join(_value(code, part) for part in text.split("; "))
    if listed := _listed(code, text):
        return listed
    told = _name(code, language, text)
    if told is not None:
        return told
    for mark in _LISTS:
        parts = mark.split(text)
        if len(parts) > 1:
            return "".join(_between(code, one) if k % 2 else _value(code, one) for k, one in enumerate(parts))
    return _NUMBER_WITHIN.sub(lambda found: _number(language, found), translate_value(language, text))


def _listed(code: str, text: str) -> str | None:
    """Parts between commas, where each has a template of its own; None where one has none."""
    parts = text.split(", ")
    told = [_match(code, part) for part in parts] if len(parts) > 1 else [None]
    return None if None in told else ", ".join(part for part in told if part is not None)


def _name(code: str, language: Language, text: str) -> str | None:
    """A name that a catalog knows, as it stands or but for its capital letter; None where none does."""
    lower = text[:1].lower() + text[1:]
    for one in dict.fromkeys((text, lower)):
        told = _match(code, one)
        told = translate_label(language, one) if told is None else told
        if told != one:
            return told if one == text else told[:1].upper() + told[1:]
    return None


def _between(code: str, mark: str) -> str:
    """What joins two parts of a list: a sign as it is, a word in the language."""
    word = mark.strip()
    return f" {_match(code, word)} " if word.isalpha() else mark


def _number(language: Language, found: re.Match[str]) -> str:
    sign, whole, digits, per_cent = found.groups()
    value = float(f"{whole.replace(',', '')}.{digits or 0}")
    text = language.share(value / 100, len(digits or "")) if per_cent else language.decimal(value, len(digits or ""))
    return sign.replace("-", "−") + (text if "," in whole or len(whole) < 4 or per_cent else _plain(language, found))


def _plain(language: Language, found: re.Match[str]) -> str:
    """A number that was written without groups (a year, an id) stays without them."""
    point = language.decimal(0.5, 1)[1]
    return found[2] + (point + found[3] if found[3] else "")


def _language(code: str) -> Language:
    from serving.pages.language import page_language

    return page_language(code)
