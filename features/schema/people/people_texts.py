"""Whether texts speak of people: mail addresses, telephone numbers, names, notes about somebody.

One judgement for what :command:`init` prints and declares and for what a bundle keeps of a column. An address or a
number is told from one text alone. A name is not: *New York*, *Google Ads* and *Sales Manager* look like *Anna Meyer*,
so the column as a whole is asked, its header and how many of its values begin with a given name that is frequent.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import lru_cache

from features.schema.people.people_words import (
    ABOUT,
    CHINESE_FAMILIES,
    CODES,
    EITHER,
    FAMILY_NAMES,
    GIVEN_NAMES,
    JAPANESE_FAMILIES,
    KOREAN_FAMILIES,
    KOREAN_GIVEN,
    MAYBE,
    NATIONAL,
    NOTES,
    PHONES,
    STREETS,
    SURE,
    THINGS,
    WORDS_TOO,
)

_SAMPLED = 1_000  # different values that are looked at; a share is known to 3 in 100 by then
_TEXTS_KEPT = 65_536  # different texts whose look is remembered: a training asks the same ones in every fold
_LONGEST = 2_000  # characters of a text that are looked at

# The share of different values that look like names, and of those the share with a frequent given name. The list has
# half of the people of some countries and few of others, so a header that speaks of people asks for fewer of them.
# Firms are named after founders, of whom hardly any have a family name that many bear. A column of towns, companies or
# job titles has hardly any of either (tests/unit/test_people_columns.py).
_SURE_SHARE, _SURE_KNOWN = 0.6, 0.2
_SURE_SHAPED = 0.8  # below a header of one person: nearly all look like names, of whatever country
_KOREAN_SHARE = 0.7  # of a Korean family name and two syllables of given names; firms have other ones
_MAYBE_SHARE, _MAYBE_GIVEN = 0.5, 0.3
_PLAIN_SHARE, _PLAIN_GIVEN, _PLAIN_FEWEST = 0.7, 0.5, 6
_FAMILIES, _FAMILIES_OF_THINGS = 0.1, 0.4  # shares with a frequent family name; below a header about towns or firms
_CONTACTS = 0.05  # of different values with an address or a number in them: a field that people type anything into
_MENTIONS = 0.1  # of different values of some words that name somebody
_FACTS_SHARE, _NATIONAL_DIGITS = 0.5, 4  # of different values with digits, and how many: a birthday has four
_HEADER_WORDS = 7  # of a header; longer ones are questions
_FEWEST_DIGITS = 7  # of a telephone number with its area code
_WORDS = 3  # words from which a text can be a note about somebody

_PARTICLE_WORDS = "af al av ben bin da de del della den der di do dos du e el ibn la le ter van vom von y zu"
_MAIL = re.compile(r"[^\s@<>,;:()\[\]\"']+@[^\s@<>,;:()\[\]\"']+\.[^\W\d_]{2,}")
_PHONE = re.compile(
    r"""(?<![\w.,+-])(?<!\d/)(?:
        (?P<sure>
            \+\d(?:[\s().\/-]*\d){7,14}                    # +49 30 1234567
            | \(\d{2,5}\)[\s.\/-]*\d(?:[\s.\/-]?\d){5,9}   # (555) 123-4567
        )
        | 00(?=[1-9]\d*[\s().\/-])(?:[17][\s().\/-]*[2-9]\d\d|[2-9]\d)(?:[\s().\/-]*\d){5,12}  # 0049 30 1234567
        | (?:1[.-])?[2-9]\d{2}[.-]\d{3}[.-]\d{4}         # 555-123-4567
        | 0[1-9]\d{0,3}[\s.\/-]+\d(?:[\s.\/-]?\d){5,9}   # 030/1234567, 010-1234-5678
        | 010\d{8} | 01[5-7]\d{8,9} | 07[1-9]\d{8}        # 01012345678, as mobile numbers are written in one
        | (?P<bare>0[1-9]\d{7,9} | 00[2-9]\d{9,12})       # as are codes of goods and books
    )(?!\w|[.,-]\d)""",
    re.X,
)
_DATE = re.compile(
    r"""\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?!\d)
    | (?:0\d|1[0-2])[\s./-](?:19|20)\d\d[\s./-](?:0\d|1[0-2])(?:$|[\s./-](?:19|20)\d\d(?!\d))  # 05/2024-06/2024
    | (?:0\d|1[0-2])[./](?:19|20)\d\d[\s./-](?:19|20)\d\d(?!\d)  # 04/2023-2024; 02-2023-2045 is a number of Seoul
    """,
    re.X,
)
_AMOUNT = re.compile(r"\d{1,3}(?:[ .]000)+")
_FAMILY_ENDINGS = re.compile(
    r"\w{2,}(?:mann|meyer|meier|maier|bauer|berger|huber|muller|ski|ska|cki|cka|wicz|czyk|czak|ova|eva|enko|chuk|yan|sson"
    r"|escu|poulos|idis|inho|shvili|dottir|quez|guez|kowa|lund|qvist|quist)|\w{3,}(?:ov|ev)"
)
_TITLED = r"(?: ?(?:님|씨|과장|대리|부장|차장|팀장|이사|사원|주임|대표|さん|様|先生|女士))?"


def _family_form(families: str, given: str) -> str:
    return rf"(?:{'|'.join(sorted(families.split(), key=len, reverse=True))}){given}"


_EAST = re.compile(
    "(?:"
    + "|".join(
        (
            _family_form(KOREAN_FAMILIES, r" ?[\uac00-\ud7a3]{1,2}"),
            _family_form(CHINESE_FAMILIES, r"[ \u3000]?[\u4e00-\u9fff]{1,2}"),
            _family_form(JAPANESE_FAMILIES, r"(?:[ \u3000]?[\u4e00-\u9fff\u3040-\u30ff]{1,4})?"),
        )
    )
    + f"){_TITLED}"
)
_KOREAN = re.compile(_family_form(KOREAN_FAMILIES, f" ?[{''.join(KOREAN_GIVEN.split())}]{{2}}") + _TITLED)
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_HONORIFICS = re.compile(r"^(?:(?:dr|prof|mr|mrs|ms|herr|frau|mme|sr|sra|pan|pani)\.?\s+)+", re.I)


_GIVEN, _THINGS = frozenset(GIVEN_NAMES.split()), frozenset(THINGS.split())
_FAMILY = frozenset(FAMILY_NAMES.split())
_FIRST_WORDS = _GIVEN - frozenset(WORDS_TOO.split())  # names that a note begins with

HIDDEN = "hidden@people.invalid"  # stands for a value that tells of a person: an address, which nothing keeps


class PeopleIn(StrEnum):
    """What the values of a column say of people."""

    NOBODY = ""
    CONTACTS = "mail addresses or telephone numbers"
    NAMES = "names of people"
    NOTES = "notes about people"
    FACTS = "numbers that a state gives people, days of birth or streets"


def _compile(words: str, dense_end: str = "") -> re.Pattern[str]:
    """One pattern for a list of words; those of scripts without blanks match anywhere, a star stands for an ending."""
    listed = [" ".join(_plain(word).split()) for word in words.split(",")]
    spaced = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in listed if max(word) < _DENSE)
    dense = "|".join(re.escape(word) for word in listed if max(word) >= _DENSE)
    return re.compile(rf"\b(?:{spaced})\b" + (f"|(?:{dense}){dense_end}" if dense else ""))


def _plain(text: str) -> str:
    """Lower case without accents; Korean stays in whole syllables."""
    apart = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l").replace("ø", "o"))
    return unicodedata.normalize("NFC", "".join(sign for sign in apart if not unicodedata.combining(sign)))


# what stands before or after such a header and changes nothing: Kunde PESEL, SSN number
_APART = re.compile(
    r"^(?:(?:contact|customer|client|person|lead|kunde|kunden|kontakt|klient|klienta|home|billing|mailing) )+"
    r"|(?: (?:no|nr|num|number|nummer|numer|numero|1|2|customer|client|klienta))+$"
)
_DENSE = "\u1100"  # Korean, Japanese and Chinese, which put no blanks between words, stand above all other scripts
# Their headers end with what they mean: 업체 담당자 is a person at a firm, 담당자 부서 the department of one.
_DENSE_END = r" ?(?:명|이름|성명|성함|님|名|姓名|氏名|名前|様)? ?(?:\d+|[a-z]|정|부|주)?$"
_SURE_HEADER, _MAYBE_HEADER, _EITHER_HEADER = (_compile(words, _DENSE_END) for words in (SURE, MAYBE, EITHER))
_NATIONAL_HEADER, _STREETS_HEADER = map(_compile, (NATIONAL, STREETS))
_NOTES_HEADER, _ABOUT_HEADER, _PHONES_HEADER, _CODES_HEADER = map(_compile, (NOTES, ABOUT, PHONES, CODES))


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What one text looks like: an address or a number in it, a name, one that begins with a frequent given name or
    has a frequent family name, a text of words that names somebody, or begins with somebody.
    """

    number: "_Number"
    named: bool
    given: bool
    family: bool
    mentions: bool
    opens: bool
    words: int


class _Number(IntEnum):
    """How surely there is a telephone number in a text; addresses are as sure as can be."""

    NONE = 0
    BARE = 1  # digits without a sign between them
    ALONE = 2  # in groups, and nothing else in the text: codes of goods may look so
    AMONG_WORDS = 3
    SURE = 4  # with the prefix of a country or an area code in brackets


def holds_contact(text: str) -> bool:
    """Whether there is a mail address or a telephone number in a text.

    >>> [holds_contact(t) for t in ("call 030/1234567", "Ann <ann@corp.com>", "10000-50000", "2024-01-02", "@work")]
    [True, True, False, False, False]
    """
    return _number_in(text[:_LONGEST]) >= _Number.ALONE


def contacts_in(header: str, levels: Sequence[str]) -> list[bool]:
    """Which levels of a column hold a mail address or a telephone number, by its header and the others.

    >>> contacts_in("Telefon", ["0612345678"]), contacts_in("Tariff code", ["0612345678", "0101 21 00 00"])
    ([True], [False, False])
    """
    least = _least_number(header, levels)
    return [_number_in(level[:_LONGEST]) >= least for level in levels]


def speaks_of_people(header: str) -> bool:
    """Whether a header speaks of a person, or of notes that may name one.

    >>> [speaks_of_people(h) for h in ("Angelegt von", "Referred By", "Notes", "Industry", "Client Country")]
    [True, True, True, False, False]
    """
    return _header_of(header).about is not None


def people_in(header: str, values: Iterable[str]) -> PeopleIn:
    """What a column says of people, by its header and its different values.

    >>> str(people_in("Reached", ["Anna Meyer", "Peter Kowalski", "Marta Nowak", "Jan Berg", "Eva Lind", "Tom Reed"]))
    'names of people'
    >>> str(people_in("Source", ["Google Ads", "Trade Fair", "New York", "Sales Manager", "Deutsche Bahn", "Max Plan"]))
    ''
    """
    texts = _sample(values)
    if not texts:
        return PeopleIn.NOBODY
    if _are_facts(texts, header):
        return PeopleIn.FACTS
    looks, about = [_look(text) for text in texts], _header_of(header).about
    least = _least_number(header, texts)
    if sum(look.number >= least for look in looks) >= _CONTACTS * len(looks):
        return PeopleIn.CONTACTS
    if _are_names(texts, looks, header):
        return PeopleIn.NAMES
    longer = [look for look in looks if look.words >= _WORDS]
    mentions = sum(look.mentions for look in longer)
    if about == "notes" and sum(look.opens for look in longer) >= _MENTIONS * len(looks):
        return PeopleIn.NOTES
    if mentions and (about == "notes" or mentions >= _MENTIONS * len(looks)):
        return PeopleIn.NOTES
    return PeopleIn.NOBODY


def facts_of_people(header: str, values: Iterable[str]) -> bool:
    """Whether a column of whatever type holds national numbers, days of birth or streets, by its header and values.

    >>> [facts_of_people(h, ["76011947645", "36061234600"]) for h in ("PESEL", "NIP")]
    [True, False]
    """
    return _are_facts(_sample(values), header)


def nameable(header: str, levels: Sequence[str]) -> list[bool]:
    """Which levels of a column may be kept by name: none of a column of names, none that tells of a person.

    >>> nameable("owner", ["Anna Meyer", "Peter Kowalski"]), nameable("town", ["New York", "ann@corp.com"])
    ([False, False], [True, False])
    """
    about, found = _header_of(header).about, people_in(header, levels)
    if found in (PeopleIn.NAMES, PeopleIn.FACTS):
        return [False] * len(levels)
    notes, least = found is PeopleIn.NOTES or about == "notes", _least_number(header, levels)
    if about is None and not notes:  # all that is left, and quick where there are very many levels
        return [not held for held in contacts_in(header, levels)]
    looks = (_look(level) for level in levels)
    return [
        not (look.number >= least or (notes and (look.mentions or look.opens)) or _is_name(look, about))
        for look in looks
    ]


def nameable_levels(header: object, levels: Sequence[str]) -> list[str]:
    """The levels that are :func:`nameable`, in their order."""
    return [level for level, may in zip(levels, nameable(str(header), levels), strict=True) if may]


def _are_facts(texts: Sequence[str], header: str) -> bool:
    """Whether a header is one of national numbers, births or streets, and the values are no yes or no about them."""
    words = _words_of(header)
    if len(words.split()) > _HEADER_WORDS or "?" in header:
        return False
    if _NATIONAL_HEADER.fullmatch(_APART.sub("", words)) is not None:
        least = _NATIONAL_DIGITS
    elif _STREETS_HEADER.fullmatch(_APART.sub("", words)) is not None:
        least = 1
    else:
        return False
    return sum(sum(map(str.isdigit, text)) >= least for text in texts) >= _FACTS_SHARE * max(len(texts), 1)


def _are_names(texts: Sequence[str], looks: Sequence[_Look], header: str) -> bool:
    told = _header_of(header)
    named, given = sum(look.named for look in looks), sum(look.given for look in looks)
    families = sum(look.family and look.named for look in looks)
    if told.about == "sure":
        eastern = sum(_EAST.fullmatch(text) is not None for text in texts)
        known = sum(look.given or look.family for look in looks)
        enough = max(named, known) >= _SURE_SHARE * len(looks) and known >= _SURE_KNOWN * max(named, known)
        return enough or eastern >= _SURE_SHARE * len(looks) or named >= _SURE_SHAPED * len(looks)
    if told.about and sum(_KOREAN.fullmatch(text) is not None for text in texts) >= _KOREAN_SHARE * len(looks):
        return True
    if told.about in ("maybe", "either"):
        least = _MAYBE_GIVEN if told.about == "maybe" else _PLAIN_GIVEN
        enough = max(named, given) >= _MAYBE_SHARE * len(looks) and given >= least * max(named, given)
        return enough and (families >= _FAMILIES * named and (families > 0 or _are_first_names(looks)))
    first = sum(look.named and look.given for look in looks)
    enough = named >= _PLAIN_SHARE * len(looks) and len(looks) >= _PLAIN_FEWEST
    least = _FAMILIES_OF_THINGS if told.things else _FAMILIES
    return enough and first >= _PLAIN_GIVEN * named and families >= least * named


def _are_first_names(looks: Sequence[_Look]) -> bool:
    alone = sum(look.given and not look.named for look in looks)
    return alone >= max(_PLAIN_SHARE * len(looks), 2)


def _is_name(look: _Look, about: str | None) -> bool:
    """Whether one value below a header that speaks of people is a name; firms and founders share headers and names."""
    if about == "either":
        return look.named and look.given and look.family
    return look.given and about in ("sure", "maybe")


def _least_number(header: str, levels: Sequence[str]) -> _Number:
    """How surely a number must be one of a telephone to count: digits alone below a header of telephones, or among
    numbers with a prefix; below a header of codes and periods not even groups of digits that stand alone.
    """
    told = _header_of(header)
    if told.phones:
        return _Number.BARE
    if told.codes:
        return _Number.AMONG_WORDS
    prefixed = (level[:_LONGEST] for level in levels if ("+" in level or "(" in level) and "@" not in level)
    sure = any(_number_in(text) is _Number.SURE for text in prefixed)
    return _Number.BARE if sure else _Number.ALONE


def _sample(values: Iterable[str]) -> list[str]:
    """Different texts, the same ones in whatever order they come."""
    texts = sorted({text.strip() for text in values} - {""})
    return texts[:: max(len(texts) // _SAMPLED, 1)]


@dataclass(frozen=True)
class _Header:
    """What a header says: ``about`` people surely, maybe, either them or firms, or by notes; None where it is not."""

    about: str | None
    things: bool  # about companies, towns, products, ...
    phones: bool
    codes: bool


@lru_cache(maxsize=4_096)
def _header_of(header: str) -> _Header:
    words = _words_of(header)
    things, about = _ABOUT_HEADER.search(words) is not None, None
    long = "?" in header or len(words.split()) > _HEADER_WORDS
    # a header in Korean that ends with a person is of one, whatever stands before
    ends = max(words, default="") >= _DENSE and any(
        found.group() > _DENSE and found.end() == len(words) for found in _SURE_HEADER.finditer(words)
    )
    if not long and (ends or not things):
        kinds = (("sure", _SURE_HEADER), ("notes", _NOTES_HEADER), ("maybe", _MAYBE_HEADER), ("either", _EITHER_HEADER))
        about = next((kind for kind, pattern in kinds if pattern.search(words)), None)
    phones = _PHONES_HEADER.search(words) is not None
    return _Header(about, things and about is None, phones, not phones and _CODES_HEADER.search(words) is not None)


def _words_of(text: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return " ".join(re.findall(r"[^\W_]+", _plain(parted)))


@lru_cache(maxsize=_TEXTS_KEPT)
def _look(text: str) -> _Look:
    text = text[:_LONGEST]
    words = text.split()
    named, given, family = _name_of(text)
    long = len(words) >= _WORDS
    return _Look(
        number=_number_in(text),
        named=named,
        given=given,
        family=family,
        mentions=long and _mentions(words),
        opens=long and words[0][:1].isupper() and _plain(words[0].strip(".,:")) in _FIRST_WORDS,
        words=len(words),
    )


def _number_in(text: str) -> _Number:
    if "@" in text and _MAIL.search(text):
        return _Number.SURE
    if sum(map(str.isdigit, text)) < _FEWEST_DIGITS:
        return _Number.NONE
    return max((_kind_of(found, text) for found in _PHONE.finditer(text)), default=_Number.NONE)


def _kind_of(found: re.Match[str], text: str) -> _Number:
    number = found.group().strip()
    if found["sure"]:
        return _Number.SURE
    if _DATE.match(number) or _AMOUNT.fullmatch(number) or _is_band(number, text):
        return _Number.NONE
    if found["bare"]:
        return _Number.BARE
    return _Number.AMONG_WORDS if any(map(str.isalpha, text)) else _Number.ALONE


def _is_band(number: str, text: str) -> bool:
    """Whether a number is one side of two that are written alike, or of round ones that rise: 100-200-3000."""
    shapes = [re.sub(r"\d", "9", side) for side in re.split(r"\s+[-\u2013]\s+", text.strip())]
    if len(shapes) == 2 and shapes[0] == shapes[1]:
        return True
    parts = re.findall(r"\d+", number)
    return len(parts) > 2 and all(part.endswith("00") for part in parts) and parts == sorted(parts, key=int)


def _name_of(text: str) -> tuple[bool, bool, bool]:
    """Whether a text looks like first and last name, and whether a frequent given and family name are among them."""
    last, comma, first = text.partition(",")
    turned = f"{first.strip()} {last}" if comma and "," not in first else text
    tokens = _HONORIFICS.sub("", turned.strip()).split()
    if not 1 <= len(tokens) <= 5 or not all(map(_is_word, tokens)):
        return False, False, False
    plain = [_plain(token).strip(".") for token in tokens]
    if _THINGS & set(plain):
        return False, False, False
    large = [token for token, word in zip(tokens, plain, strict=True) if word not in _PARTICLES]
    capital = all(token[0].isupper() for token in large)
    given = any(part in _GIVEN for word in plain for part in word.split("-"))
    if len(tokens) == 1:
        return False, given, _is_family(plain[0])
    named = len(large) >= 2 and capital and not all(token.isupper() and len(token) > 1 for token in large)
    pair = named or len(large) >= 2
    family = pair and (_is_family(plain[-1]) or plain[0] in _FAMILY)
    return named, given and pair, family


def _is_family(word: str) -> bool:
    """Whether a word is a frequent family name, or ends as those of some languages do."""
    last = word.replace("\u2019", "'").split("-")[-1]
    return last in _FAMILY or last.startswith(("o'", "mc")) or _FAMILY_ENDINGS.fullmatch(last) is not None


def _is_word(token: str) -> bool:
    return all(part.isalpha() for part in re.split(r"[-.'\u2019]", token) if part) and any(map(str.isalpha, token))


def _mentions(words: Sequence[str]) -> bool:
    """Whether a given name with a capital stands in a text, before another capital or after a small word."""
    plain = [word.strip(".,;:!?()\"'") for word in words]
    for k, word in enumerate(plain):
        if not word[:1].isupper() or _plain(word) not in _GIVEN:
            continue
        follows, before = plain[k + 1 : k + 2], plain[k - 1] if k else ""
        if (follows and follows[0][:1].isupper()) or before[:1].islower():
            return True
    return False
