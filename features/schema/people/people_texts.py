"""Whether texts speak of people: mail addresses, telephone numbers, names, notes about somebody.

One judgement for what :command:`init` prints and declares and for what a bundle keeps of a column. An address or a
number is told from one text alone. A name is not: *New York*, *Google Ads* and *Sales Manager* look like *Anna Meyer*,
so the column as a whole is asked, its header and how many of its values begin with a given name that is frequent.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from features.schema.people.people_words import GIVEN_NAMES, MAYBE, NOTES, SURE, THINGS

_SAMPLED = 1_000  # different values that are looked at; a share is known to 3 in 100 by then
_TEXTS_KEPT = 65_536  # different texts whose look is remembered: a training asks the same ones in every fold
_LONGEST = 2_000  # characters of a text that are looked at

# The share of different values that look like names, and of those the share with a frequent given name. The list has
# half of the people of some countries and few of others, so a header that speaks of people asks for fewer of them.
# A column of towns, companies or job titles has hardly any (tests/unit/test_people_texts.py).
_SURE_SHARE = 0.6
_MAYBE_SHARE, _MAYBE_GIVEN = 0.5, 0.3
_PLAIN_SHARE, _PLAIN_GIVEN, _PLAIN_FEWEST = 0.7, 0.5, 6
_CONTACTS = 0.05  # of different values with an address or a number in them: a field that people type anything into
_MENTIONS = 0.1  # of different values of some words that name somebody
_FEWEST_DIGITS = 7  # of a telephone number with its area code
_WORDS = 3  # words from which a text can be a note about somebody

_PARTICLE_WORDS = "af al av ben bin da de del della den der di do dos du e el ibn la le ter van vom von y zu"
_MAIL = re.compile(r"[^\s@<>,;:()\[\]\"']+@[^\s@<>,;:()\[\]\"']+\.[^\W\d_]{2,}")
_PHONE = re.compile(
    r"""(?<![\w.,+-])(?:
        \+\d(?:[\s().\/-]*\d){7,14}                    # +49 30 1234567
        | 00[1-9](?=\d*[\s().\/-])(?:[\s().\/-]*\d){7,14}  # 0049 30 1234567
        | \(\d{2,5}\)[\s.\/-]*\d(?:[\s.\/-]?\d){5,9}   # (555) 123-4567
        | \d{3}[.-]\d{3}[.-]\d{4}                      # 555-123-4567
        | 0\d{1,4}[\s.\/-]+\d(?:[\s.\/-]?\d){5,9}      # 030/1234567, 010-1234-5678
        | 0[1-9]\d{8,9}                                # 01012345678
    )(?!\w|[.,-]\d)""",
    re.X,
)
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?!\d)")
_EAST = re.compile(
    r"[\uac00-\ud7a3]{2,4}|[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]{1,3}[ \u3000][\u4e00-\u9fff\u3040-\u30ff]{1,4}"
)
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_HONORIFICS = re.compile(r"^(?:(?:dr|prof|mr|mrs|ms|herr|frau|mme|sr|sra|pan|pani)\.?\s+)+", re.I)


_GIVEN, _THINGS = frozenset(GIVEN_NAMES.split()), frozenset(THINGS.split())


class PeopleIn(StrEnum):
    """What the values of a column say of people."""

    NOBODY = ""
    CONTACTS = "mail addresses or telephone numbers"
    NAMES = "names of people"
    NOTES = "notes about people"


def _compile(words: str) -> re.Pattern[str]:
    """One pattern for a list of words; those of scripts without blanks match anywhere, a star stands for an ending."""
    listed = [" ".join(word.split()) for word in words.split(",")]
    spaced = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in listed if max(word) < _DENSE)
    dense = [re.escape(word) for word in listed if max(word) >= _DENSE]
    return re.compile("|".join([rf"\b(?:{spaced})\b", *dense]))


_DENSE = "\u1100"  # Korean, Japanese and Chinese, which put no blanks between words, stand above all other scripts
_SURE_HEADER, _MAYBE_HEADER, _NOTES_HEADER = _compile(SURE), _compile(MAYBE), _compile(NOTES)
# about a person or a company, and no name: how many contacts, the country of the client
_ABOUT = re.compile(
    r"\b(ids?|nr|no|number|nummer|count|size|type|kind|status|stage|role|title|position|seniority|function|department|"
    r"team|region|country|city|state|industry|sector|segment|tier|level|score|source|channel|date|time|at|on|domain|"
    r"product|campaign|company|land|ort|branche|typ|art|pays|ville|secteur|pais|ciudad|kraj|miasto|software|solution|"
    r"method|preference|reason)\b"
)


@dataclass(frozen=True)
class _Look:
    """What one text looks like: an address or a number in it, a name, one that begins with a frequent given name, a
    text of words that names somebody.
    """

    contact: bool
    named: bool
    given: bool
    mentions: bool
    words: int


def holds_contact(text: str) -> bool:
    """Whether there is a mail address or a telephone number in a text.

    >>> [holds_contact(t) for t in ("call 030/1234567", "Ann <ann@corp.com>", "10000-50000", "2024-01-02", "@work")]
    [True, True, False, False, False]
    """
    return _holds_contact(text[:_LONGEST])


def speaks_of_people(header: str) -> bool:
    """Whether a header speaks of a person, or of notes that may name one.

    >>> [speaks_of_people(h) for h in ("Angelegt von", "Referred By", "Notes", "Industry", "Client Country")]
    [True, True, True, False, False]
    """
    return _header_of(header) is not None


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
    looks, about = [_look(text) for text in texts], _header_of(header)
    if sum(look.contact for look in looks) >= _CONTACTS * len(looks):
        return PeopleIn.CONTACTS
    if _are_names(texts, looks, about):
        return PeopleIn.NAMES
    longer = [look for look in looks if look.words >= _WORDS]
    mentions = sum(look.mentions for look in longer)
    if mentions and (about == "notes" or mentions >= _MENTIONS * len(looks)):
        return PeopleIn.NOTES
    return PeopleIn.NOBODY


def nameable(header: str, levels: Sequence[str]) -> list[bool]:
    """Which levels of a column may be kept by name: none of a column of names, none that tells of a person.

    >>> nameable("owner", ["Anna Meyer", "Peter Kowalski"]), nameable("town", ["New York", "ann@corp.com"])
    ([False, False], [True, False])
    """
    about, found = _header_of(header), people_in(header, levels)
    if found is PeopleIn.NAMES:
        return [False] * len(levels)
    notes = found is PeopleIn.NOTES or about == "notes"
    if about is None and not notes:  # all that is left, and quick where there are very many levels
        return [not holds_contact(level) for level in levels]
    looks = (_look(level) for level in levels)
    return [
        not (look.contact or (notes and look.mentions) or (look.given and about in ("sure", "maybe"))) for look in looks
    ]


def nameable_levels(header: object, levels: Sequence[str]) -> list[str]:
    """The levels that are :func:`nameable`, in their order."""
    return [level for level, may in zip(levels, nameable(str(header), levels), strict=True) if may]


def _are_names(texts: Sequence[str], looks: Sequence[_Look], about: str | None) -> bool:
    named, given = sum(look.named for look in looks), sum(look.given for look in looks)
    if about == "sure":
        eastern = sum(_EAST.fullmatch(text) is not None for text in texts)
        return max(named, given, eastern) >= _SURE_SHARE * len(looks)
    if about == "maybe":
        return max(named, given) >= _MAYBE_SHARE * len(looks) and given >= _MAYBE_GIVEN * max(named, given)
    first = sum(look.named and look.given for look in looks)
    enough = named >= _PLAIN_SHARE * len(looks) and len(looks) >= _PLAIN_FEWEST
    return enough and first >= _PLAIN_GIVEN * named


def _sample(values: Iterable[str]) -> list[str]:
    """Different texts, the same ones in whatever order they come."""
    texts = sorted({text.strip() for text in values} - {""})
    return texts[:: max(len(texts) // _SAMPLED, 1)]


@lru_cache(maxsize=4_096)
def _header_of(header: str) -> str | None:
    """Whether a header is surely, maybe or by its notes about people; None where it is not."""
    words = _words_of(header)
    if _ABOUT.search(words) or "?" in header or len(words.split()) > 7:
        return None
    if _SURE_HEADER.search(words):
        return "sure"
    if _NOTES_HEADER.search(words):
        return "notes"
    return "maybe" if _MAYBE_HEADER.search(words) else None


def _words_of(text: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return " ".join(re.findall(r"[^\W_]+", _plain(parted)))


def _plain(text: str) -> str:
    """Lower case without accents; Korean stays in whole syllables."""
    apart = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l").replace("ø", "o"))
    return unicodedata.normalize("NFC", "".join(sign for sign in apart if not unicodedata.combining(sign)))


@lru_cache(maxsize=_TEXTS_KEPT)
def _look(text: str) -> _Look:
    text = text[:_LONGEST]
    words = text.split()
    named, given = _name_of(text)
    return _Look(_holds_contact(text), named, given, len(words) >= _WORDS and _mentions(words), len(words))


def _holds_contact(text: str) -> bool:
    if "@" in text and _MAIL.search(text):
        return True
    if sum(map(str.isdigit, text)) < _FEWEST_DIGITS:
        return False
    return any(_DATE.match(found.group().strip()) is None for found in _PHONE.finditer(text))


def _name_of(text: str) -> tuple[bool, bool]:
    """Whether a text looks like first and last name, and whether a frequent given name is among them."""
    last, comma, first = text.partition(",")
    turned = f"{first.strip()} {last}" if comma and "," not in first else text
    tokens = _HONORIFICS.sub("", turned.strip()).split()
    if not 1 <= len(tokens) <= 5 or not all(map(_is_word, tokens)):
        return False, False
    plain = [_plain(token).strip(".") for token in tokens]
    if _THINGS & set(plain):
        return False, False
    large = [token for token, word in zip(tokens, plain, strict=True) if word not in _PARTICLES]
    capital = all(token[0].isupper() for token in large)
    given = any(part in _GIVEN for word in plain for part in word.split("-"))
    if len(tokens) == 1:
        return False, given
    named = len(large) >= 2 and capital and not all(token.isupper() and len(token) > 1 for token in large)
    return named, given and (named or len(large) >= 2)


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
