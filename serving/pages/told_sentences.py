"""Sentences of runs, monitor and gate in the reader's language: records keep them in English, pages say them.

A record's sentence is matched against the English templates of ``messages/told``; what stood in their places is said
in turn: numbers and dates as the language writes them, names and labels by its catalogs; what somebody has to find
again as it is written (a column, a key, words of a person) stays letter by letter. A sentence that no template fits
stays English.
"""

import re
from dataclasses import dataclass
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
_NUMBER_ONLY = r"[+−-]?[\d,.]{1,40}(?: ?%)?"
_EXACT_DIGITS = 15  # more are not kept by a float
_AS_WRITTEN = ("author", "column", "key", "rubric", "rule", "said", "verdict", "word", "words")  # such places
_DAY, _MONTH = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"\d{4}-\d\d")
_LISTS = tuple(re.compile(f"({mark})") for mark in (", ", ": ", " → ", " and ", " or "))  # the outer ones first
_KEPT = 4_000  # sentences in all languages; records hold some hundreds
# anybody's words may stand in a text: it is compared with hundreds of templates, so what that takes is bounded
_LONGEST = 4_000  # characters; the longest sentences of records have some hundreds
_MOST_COMPARED, _EACH_COMPARED = 40_000, 100  # characters of one text with all that stands in its places
_DEEPEST = 8  # places within places


def tell(language: Language, text: str) -> str:
    """What a record says in English, sentence by sentence in a language; what is longer than any record stays so."""
    text = str(text)
    return text if language.code == SOURCE_LANGUAGE or len(text) > _LONGEST else _told(language.code, text)[0]


def find_language(language: Language, text: str) -> str:
    """The code of the language that :func:`tell` says a text in: English where a sentence has no template."""
    text = str(text)
    if language.code == SOURCE_LANGUAGE or len(text) > _LONGEST:
        return SOURCE_LANGUAGE
    return language.code if _told(language.code, text)[1] else SOURCE_LANGUAGE


@dataclass(frozen=True)
class _Template:
    """A sentence with places, as the parts that stand around its free places, which anything fits.

    Each part is looked for once, from where the one before it ends: no text takes more than one pass, whatever it
    repeats. The first part begins the sentence and the last one ends it.
    """

    start: str
    parts: tuple[re.Pattern[str], ...]
    free: tuple[str, ...]
    told: str

    @classmethod
    def of(cls, template: str, told: str) -> "_Template":
        parts, free = [""], list[str]()
        split = _PLACE.split(template)
        for k, part in enumerate(split):
            if k % 2 == 0:
                parts[-1] += re.escape(part)
            elif part in _NUMBERS:
                parts[-1] += f"(?P<{part}>{_NUMBER_ONLY})"
            else:
                parts.append("")
                free.append(part)
        parts[-1] += r"\Z"
        return cls(start=split[0], parts=tuple(map(re.compile, parts)), free=tuple(free), told=told)

    def fit(self, text: str) -> dict[str, str] | None:
        """What stands in the places, each as short as may be; None where the text is another sentence."""
        first, *others = self.parts
        found, places = first.match(text), dict[str, str]()
        for name, part in zip(self.free, others, strict=True):
            if found is None:
                return None
            places |= found.groupdict()
            begin = found.end()
            found = part.search(text, begin + 1)
            if found is None or found.start() <= begin:  # nothing is no word
                return None
            places[name] = text[begin : found.start()]
        return None if found is None else places | found.groupdict()


@cache
def _templates(code: str) -> tuple[_Template, ...]:
    """All templates, those with most words of their own first."""
    catalog = read_po((_FOLDER / f"{code}.po").open("rb"), locale=code)
    pairs = [(str(message.id), str(message.string)) for message in catalog if message.id]
    pairs.sort(key=lambda pair: -len(_PLACE.sub("", pair[0])))
    return tuple(_Template.of(template, told) for template, told in pairs)


@lru_cache(maxsize=500)
def _beginning(code: str, letter: str) -> tuple[_Template, ...]:
    """Those templates that a text with this first letter may fit."""
    return tuple(one for one in _templates(code) if not one.start or one.start[0] == letter)


@lru_cache(maxsize=_KEPT)
def _told(code: str, text: str) -> tuple[str, bool]:
    """A text in a language, and whether every sentence of it has a template."""
    telling = _Telling(code)
    parts = _BETWEEN_SENTENCES.split(text.strip()) if text.strip() else []
    told = " ".join(telling.listed(part) or telling.match(part) or part for part in parts)
    return told, all(telling.match(part) is not None for part in parts)


@lru_cache(maxsize=_KEPT)
def _fit(code: str, sentence: str, *, whole: bool) -> tuple[str, dict[str, str], str] | None:
    """Translation, places and full stop of the first template that a sentence fits, with or without its full stop."""
    if "\n" in sentence:
        return None
    for text, end in ((sentence, ""), (sentence[:-1], ".")) if sentence.endswith(".") else ((sentence, ""),):
        for template in _beginning(code, text[:1]):
            places = template.fit(text)
            if places is not None and not (whole and any("; " in part for part in places.values())):
                return template.told, places, end
    return None


@dataclass
class _Telling:
    """One text on its way into a language: once too much was compared, what is left stays English."""

    code: str
    left: int = _MOST_COMPARED
    depth: int = 0

    @property
    def language(self) -> Language:
        """The language of the page."""
        from serving.pages.language import page_language

        return page_language(self.code)

    def match(self, sentence: str, *, whole: bool = False) -> str | None:
        """A sentence by the first template that fits it; None where none does.

        ``whole``: no place may take a semicolon, which would be one of the template's or stand between parts of a list.
        """
        self.left -= len(sentence) + _EACH_COMPARED
        if self.left < 0 or self.depth >= _DEEPEST:
            return None
        if (fitted := _fit(self.code, sentence, whole=whole)) is None:
            return None
        told, places, end = fitted
        self.depth += 1
        filled = {name: self.filled(name, value) for name, value in places.items()}
        self.depth -= 1
        return told.format(**filled) + (end if not told.endswith(".") else "")

    def filled(self, name: str, text: str) -> str:
        """What stands in the place of a name: a question is known as a whole or stays as it was asked."""
        if name in _AS_WRITTEN:
            return text
        return self.language.text(text) if name == "question" else self.value(text)

    def value(self, text: str) -> str:
        """What stands in a place: a number, a day, a name, or a list of these."""
        if self.left < 0:
            return text
        if found := _NUMBER.fullmatch(text):
            return _number(self.language, found)
        if _DAY.fullmatch(text):
            return write_day(self.language, text)
        if _MONTH.fullmatch(text):
            return text
        if "; " in text:
            if (told := self.match(text, whole=True)) is not None:
                return told
            return "; ".join(self.value(part) for part in text.split("; "))
        if listed := self.listed(text):
            return listed
        told = self.name(text)
        if told is not None:
            return told
        for mark in _LISTS:
            parts = mark.split(text)
            if len(parts) > 1:
                return "".join(self.between(one) if k % 2 else self.value(one) for k, one in enumerate(parts))
        return _NUMBER_WITHIN.sub(lambda found: _number(self.language, found), translate_value(self.language, text))

    def listed(self, text: str) -> str | None:
        """Parts between commas, where each has a template of its own; None where one has none."""
        parts = text.split(", ")
        told = [self.match(part) for part in parts] if len(parts) > 1 else [None]
        return None if None in told else ", ".join(part for part in told if part is not None)

    def name(self, text: str) -> str | None:
        """A name that a catalog knows, as it stands or but for its capital letter; None where none does."""
        lower = text[:1].lower() + text[1:]
        for one in dict.fromkeys((text, lower)):
            told = self.match(one)
            told = translate_label(self.language, one) if told is None else told
            if told != one:
                return told if one == text else told[:1].upper() + told[1:]
        return None

    def between(self, mark: str) -> str:
        """What joins two parts of a list: a sign as it is, a word in the language."""
        word = mark.strip()
        return f" {self.match(word) or word} " if word.isalpha() else mark


def _number(language: Language, found: re.Match[str]) -> str:
    sign, whole, digits, per_cent = found.groups()
    if len(whole) + len(digits or "") > _EXACT_DIGITS:
        return found[0]
    value = float(f"{whole.replace(',', '')}.{digits or 0}")
    text = language.share(value / 100, len(digits or "")) if per_cent else language.decimal(value, len(digits or ""))
    return sign.replace("-", "−") + (text if "," in whole or len(whole) < 4 or per_cent else _plain(language, found))


def _plain(language: Language, found: re.Match[str]) -> str:
    """A number that was written without groups (a year, an id) stays without them."""
    point = language.decimal(0.5, 1)[1]
    return found[2] + (point + found[3] if found[3] else "")
