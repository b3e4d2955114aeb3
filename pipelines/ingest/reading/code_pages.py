"""Which code page bytes were written in, where they are neither UTF-8 nor marked: what each reading would be as text.

Every candidate reads the same bytes; the readings are compared by how likely their letters are in the languages that
use the code page. The languages' letters, and which letters follow which, are counted in the names of languages,
countries, currencies and months of the Unicode CLDR (through Babel). charset-normalizer has the second word: where its
best guess belongs to another script, nothing is certain.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from babel import Locale
from charset_normalizer import from_bytes

# One list for every Latin code page, so that values that read alike in two of them decide nothing between the two.
_LATIN = (
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "fi",
    "pl",
    "cs",
    "sk",
    "hu",
    "sl",
    "ro",
    "tr",
    "lt",
    "lv",
    "et",
)
# code page: languages written in it, and how much rarer it is in exports than the first of its kind (in log units;
# a few characters that speak for it outweigh that)
CODE_PAGES: Mapping[str, tuple[tuple[str, ...], float]] = {
    "cp1252": (_LATIN, 0.0),
    "iso8859-15": (_LATIN, -2.0),
    "cp1250": (_LATIN, -2.0),
    "iso8859-2": (_LATIN, -3.0),
    "cp1251": (("ru", "uk", "bg", "sr"), 0.0),
    "koi8-r": (("ru",), -3.0),
    "cp1253": (("el",), -1.0),
    "cp1254": (_LATIN, -3.0),
    "cp1257": (_LATIN, -4.0),
    "cp949": (("ko",), 0.0),
    "cp932": (("ja",), 0.0),
    "euc-jp": (("ja",), -2.0),
    "gb18030": (("zh_Hans",), 0.0),
    "big5hkscs": (("zh_Hant",), 0.0),
    "mac-roman": (_LATIN, -4.0),
    "cp850": (_LATIN, -4.0),
    "cp852": (_LATIN, -4.0),
    "cp866": (("ru",), -4.0),
}
_PLAIN_NAMES = {"big5hkscs": "big5"}  # what the superset is called where its extra characters do not matter
# A hundred to one: no reading was certain and wrong in 2,040 simulated exports of 1 to 300 rows in 17 code pages (at
# twenty to one, three were).
CERTAIN = math.log(100.0)
# charset-normalizer misreads a few words of Japanese or Polish; this far apart, no second opinion is asked for.
BEYOND_DOUBT = 4 * CERTAIN
_STEPS = 5  # of the mixture's shares: further ones move no verdict
_FIELDS, _CHUNK = 200, 1 << 20  # different texts looked at: more change no verdict; bytes searched at a time
_BEFORE, _LONGEST = 30, 120  # bytes of a field before the first that tells (those shown hold it), and in all
# From the first byte that tells to the end of its field, none of whose ends is part of another character. A pattern
# that begins with the field itself would search a long one from each of its bytes.
_TELLING, _END = re.compile(rb'[\x80-\xff][^\r\n,;\t"]*'), re.compile(rb'[\r\n,;\t"]')
_ASCII = math.log(1 / 40)  # any ASCII sign: the same under every code page
_INVALID = -14.0  # a byte the code page does not know
_SYMBOLS = frozenset("€£¥§°²³½¼µ·–—‘’‚“”„…•™®©«»×±¿¡ªº\u00a0、。「」・ー（）：，！？％～")
_CLOSING = frozenset("’”…™®©²³»–—·、。」ー）：，！？～\u00a0")
_OPENING = frozenset("‘’“„«–—·¿¡°、。「」・ー（）：，！？～\u00a0")
_LEFT_OUT, _ODD_CASE = math.log(1e-9), -6.0
# What stands alone beside a number ("12,50 €", "£12") is nearly always a currency: a column of amounts would else be
# taken for Cyrillic letters, each of which is likelier than a sign in running text.
_BESIDE_A_NUMBER = re.compile(
    r"(?<=\d)[ \u00a0]?([€£¥]|[^\W\d_a-zA-Z])(?!\w)|(?<!\w)([€£¥]|[^\W\d_a-zA-Z])[ \u00a0]?(?=-?\d)"
)
_MONEY, _LONE = math.log(0.3), -2.0
# Thousands are grouped by blanks that do not break (1 100,50) or, in Switzerland, by ’, and ranges and sizes have a
# sign too (10–20, 12×17); the same bytes are letters elsewhere, and a column of such numbers would outvote all words.
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[^\x00-\x7f](?=\d)")
_AMONG_DIGITS = frozenset("’‘´–—×÷±°²³·•…€£½\u00a0，：・～")
# The same text with other digits says nothing new: of 10–20, 10–30, ... so many are looked at.
_DIGITS, _ALIKE = re.compile(rb"\d+"), 8
_WORD = re.compile(r"[^\W\d_]+")
# the first half of each national set holds the everyday characters: encoding, lead bytes, how many
_EVERYDAY = {
    "ko": ("euc-kr", 0xB0, 0xC8, 2_350),
    "ja": ("euc-jp", 0xA4, 0xCF, 3_135),
    "zh_Hans": ("gb2312", 0xB0, 0xD7, 3_755),
    "zh_Hant": ("big5", 0xA4, 0xC6, 5_401),
}


@dataclass(frozen=True)
class Reading:
    """Values of a file read in one code page, and how likely they are as text (log)."""

    encoding: str
    merit: float
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Readings:
    """The candidates, best first; ``certain`` if no other reading comes near the best."""

    candidates: tuple[Reading, ...]
    certain: bool

    @property
    def best(self) -> Reading:
        """The likeliest reading."""
        return self.candidates[0]

    @property
    def examples(self) -> tuple[str, ...]:
        """Letters of a few values as the best reading has them; whole values could be names of people."""
        near = sorted(self.best.texts, key=lambda t: abs(len(t) - 8))
        return tuple(dict.fromkeys(_letters_around(text, _first_telling(text)) for text in near))[:2]

    def in_words(self) -> str:
        """Each reading with letters of a value that the candidates read differently; never a whole word of it."""
        columns = list(zip(*(reading.texts for reading in self.candidates), strict=True))
        near = sorted(columns, key=lambda column: abs(len(column[0]) - 12))
        shown = max(map(_parts_that_differ, near), key=lambda parts: len(set(parts)))
        return ", ".join(
            f"'{part}' as {reading.encoding}" for reading, part in zip(self.candidates, shown, strict=True)
        )


def read_code_pages(content: bytes) -> Readings:
    """Readings of bytes that are not UTF-8, by their merit; of code pages that give one text only the commonest."""
    fields = _sample(content)
    readings: list[Reading] = []
    known: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for encoding, (languages, prior) in CODE_PAGES.items():
        decoded = tuple(field.decode(encoding, errors="surrogateescape") for field in fields)
        readings.append(
            Reading(
                _PLAIN_NAMES.get(encoding, encoding) if _fits(fields, encoding) else encoding,
                prior + _merit(decoded, languages, known.setdefault(languages, {})),
                decoded,
            )
        )
    readings.sort(key=lambda reading: -reading.merit)

    different: list[Reading] = []
    for reading in readings:
        if all(reading.texts != other.texts for other in different):
            different.append(reading)
    best = different[0]
    margin = min((best.merit - other.merit for other in different[1:]), default=math.inf)
    certain = margin >= CERTAIN and (margin >= BEYOND_DOUBT or _seconded(fields, best))
    return Readings(tuple(different[:3]), certain)


def _fits(fields: Sequence[bytes], encoding: str) -> bool:
    """Whether the plain name of an encoding reads the fields too."""
    try:
        for field in fields:
            field.decode(_PLAIN_NAMES.get(encoding, encoding))
    except UnicodeDecodeError:
        return False
    return True


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _first_telling(text: str) -> int:
    return next((place for place, sign in enumerate(text) if sign > "\x7f"), 0)


def _parts_that_differ(texts: Sequence[str]) -> tuple[str, ...]:
    """Of readings of one value the letters around where most of them differ, if they are of one length."""
    if len({len(text) for text in texts}) > 1:
        return tuple(_letters_around(text, _first_telling(text)) for text in texts)
    signs = list(zip(*texts, strict=True))
    place = max(range(len(signs)), key=lambda k: (len(set(signs[k])), max(signs[k]) > "\x7f"), default=0)
    return tuple(_letters_around(text, place) for text in texts)


def _letters_around(text: str, place: int) -> str:
    """A letter with its neighbours within the word, and less where that is the whole word.

    >>> _letters_around("Vreni Stähli", 8), _letters_around("Sęk", 1), _letters_around("오승현", 0)
    ('…täh…', '…ęk', '오승…')
    """
    first = place - len(text[:place].split(" ")[-1])
    last = place + len(text[place:].split(" ")[0])
    start, end = max(first, place - 1), min(last, place + 2)
    if (start, end) == (first, last) and end - start > 1:
        start, end = (start, end - 1) if start == place else (start + 1, end)
    return ("…" if start > first else "") + _visible(text[start:end]) + ("…" if end < last else "")


def _sample(content: bytes) -> list[bytes]:
    """Different fields that hold other bytes than ASCII, from all over the first part of the file that has them.

    Of a long field what stands around the first such byte.
    """
    found: dict[bytes, None] = {}
    alike: Counter[bytes] = Counter()
    for start in range(0, len(content), _CHUNK):
        chunk = content[start : start + _CHUNK]
        if chunk.isascii():
            continue
        for match in _TELLING.finditer(chunk):
            before = _END.split(chunk[max(0, match.start() - _BEFORE) : match.start()])[-1]
            field = (before + match[0]).strip()[:_LONGEST]
            if field in found:
                continue
            form = _DIGITS.sub(b"0", field)
            alike[form] += 1
            if alike[form] <= _ALIKE:
                found[field] = None
            if len(found) >= _FIELDS:
                return list(found)
    return list(found)


def _seconded(fields: Sequence[bytes], best: Reading) -> bool:
    """Whether charset-normalizer reads the same script; it is not asked between code pages of one script."""
    said = from_bytes(b"\n".join(fields), cp_isolation=[*CODE_PAGES, "big5"]).best()
    if said is None:
        return True
    other = [field.decode(said.encoding, errors="replace") for field in fields]
    return _main_script(other) == _main_script(best.texts)


def _main_script(texts: Iterable[str]) -> str:
    scripts = Counter(script for text in texts for c in text if c > "\x7f" and (script := _script(c)))
    return scripts.most_common(1)[0][0] if scripts else ""


@lru_cache(maxsize=65_536)  # characters of one sample
def _script(character: str) -> str:
    """LATIN, CYRILLIC, HANGUL, ...; Chinese and Japanese characters are one script here."""
    if not character.isalpha():
        return ""
    name = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    return "CJK" if name in ("HIRAGANA", "KATAKANA", "IDEOGRAPHIC") else name


def _merit(texts: Sequence[str], languages: Sequence[str], known: dict[str, list[float]]) -> float:
    """Log likelihood of the texts in a mixture of the languages, with the shares that suit them best (EM).

    One file may hold names of several languages, but rarely one name of each.
    """
    models = [letters_of(language) for language in languages]
    for text in texts:
        if text not in known:
            known[text] = [model.likelihood(text) for model in models]
    each = np.asarray([known[text] for text in texts])
    top = each.max(axis=1, keepdims=True)
    likelihood = np.exp(each - top)

    shares = np.full(len(models), 1 / len(models))
    for _ in range(_STEPS):
        mine = likelihood * shares
        found = (mine / mine.sum(axis=1, keepdims=True)).sum(axis=0)
        shares = (found + 1 / len(models)) / (len(texts) + 1)
    return float((top[:, 0] + np.log(likelihood @ shares)).sum())


@dataclass(frozen=True)
class LanguageLetters:
    """How often a language writes a letter, and after which one; ``after`` knows only pairs with a letter beyond ASCII.

    ``everyday`` names the characters a reader of the language knows, and how many there are, where words cannot
    hold them all.
    """

    alone: Mapping[str, float]
    after: Mapping[tuple[str, str], float]
    scripts: frozenset[str]
    everyday: tuple[str, int, int, int] | None  # encoding, first and last lead byte, characters between them

    def likelihood(self, text: str) -> float:
        """Log likelihood of a text."""
        total, before = 0.0, " "
        beside_numbers = {match.start(match.lastindex or 0) for match in _BESIDE_A_NUMBER.finditer(text)}
        between_digits = {match.start() for match in _BETWEEN_DIGITS.finditer(text)}
        for place, character in enumerate(text):
            if place in between_digits and character in _AMONG_DIGITS:
                total += _ASCII
            elif place in between_digits and self.everyday is None and character.isalpha():
                total += _ODD_CASE + self._letter(character, before)
            elif place in beside_numbers:
                total += _MONEY if character in "€£¥" else _LONE + self._letter(character, before)
            else:
                total += self._letter(character, before)
            before = character
        return total + sum(_ODD_CASE for word in _WORD.findall(text) if _is_odd_case(word))

    def _letter(self, character: str, before: str) -> float:
        if character <= "\x7f":
            if character < " ":
                return _INVALID
            if before <= "\x7f" or not character.isalpha():
                return _ASCII
        elif "\udc80" <= character <= "\udcff" or not (character.isprintable() or character == "\u00a0"):
            return _INVALID
        elif character in _SYMBOLS or not _script(character):
            glued = before.isalpha() and character not in _CLOSING
            return (math.log(3e-4) if character in _SYMBOLS else _LEFT_OUT) - 6.0 * glued

        script, other = _script(character), _script(before)
        odd = -6.0 * (bool(other) and script != other and "LATIN" in (script, other))
        odd -= 6.0 * (before > "\x7f" and not other and before not in _OPENING)
        low = character.lower()
        pair, alone = self.after.get((before.lower(), low), 0.0), self.alone.get(low, 0.0)
        if self.everyday is None:
            rare = 1 / 1_500 if script in self.scripts else 1e-8
            return math.log(0.7 * pair + 0.25 * alone + 0.05 * rare) + odd
        return math.log(0.2 * pair + 0.5 * alone + 0.3 * self._rare(character, script)) + odd

    def _rare(self, character: str, script: str) -> float:
        """A character that no list of words holds: nearly always an everyday one."""
        if self.everyday is None or script not in self.scripts:
            return 1e-9
        encoding, first, last, size = self.everyday
        lead = _lead_byte(character, encoding)
        return 0.98 / size if first <= lead <= last else 0.02 / 20_000


def _is_odd_case(word: str) -> bool:
    """Whether capitals stand where no language puts them: inside a word, after a small letter."""
    return not word.isascii() and not (word.isupper() or word[1:] == word[1:].lower())


@lru_cache(maxsize=65_536)  # characters of one sample
def _lead_byte(character: str, encoding: str) -> int:
    try:
        return character.encode(encoding)[0]
    except UnicodeEncodeError:
        return -1


@lru_cache(maxsize=64)  # the languages above
def letters_of(language: str) -> LanguageLetters:
    """Letters of a language, counted in the words of the CLDR."""
    alone: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    firsts: Counter[str] = Counter()
    scripts: set[str] = set()
    for word in _words(language):
        before = " "
        for character in word.lower():
            firsts[before] += 1
            alone[character] += 1
            if max(character, before) > "\x7f":
                pairs[before, character] += 1
            if character > "\x7f" and character.isalpha():
                scripts.add(_script(character))
            before = character

    letters = sum(alone.values()) or 1
    return LanguageLetters(
        {c: n / letters for c, n in alone.items()},
        {pair: n / firsts[pair[0]] for pair, n in pairs.items()},
        frozenset(scripts),
        _EVERYDAY.get(language),
    )


def _words(language: str) -> Iterator[str]:
    locale = Locale.parse(language)
    for names in (locale.languages, locale.territories, locale.currencies):
        yield from (str(name) for name in names.values())
    yield from (str(zone["city"]) for zone in locale.time_zones.values() if "city" in zone)
    for widths in (locale.months["format"], locale.days["format"]):
        for names in widths.values():
            yield from (str(name) for name in names.values())
