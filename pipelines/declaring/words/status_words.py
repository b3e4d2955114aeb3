"""What the words of a status mean, in the languages that CRMs are used in: how a deal stands, and at which stage."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import cache
from typing import Literal

from features.schema.vocabulary import Stage
from pipelines.declaring.words.header_words import words_of
from pipelines.declaring.words.plain_letters import plain_letters
from pipelines.declaring.words.status_vocabulary import (
    ALONE,
    AUXILIARIES,
    BESIDE_A_VERDICT,
    FILLERS,
    JOINED,
    JOINED_DONE,
    JOINED_OFFERS,
    JOINED_TAKEN,
    LACKING,
    NEGATIONS,
    NOT_DONE,
    NOT_FOR_GOOD,
    OFFERS,
    OTHERS,
    STANDINGS,
    TAKEN,
    UNSAID,
    VERDICTS,
    YET,
    Standing,
)
from pipelines.declaring.words.vendor_words import spoken

# The stage of a lead, of which a status may say more than that it is open; asked in this order.
_NAMED: tuple[tuple[Stage, str], ...] = (
    (Stage.PQL, r"\bpql\b|product qualified"),
    (Stage.SQL, r"\bsql\b|sales qualified"),
    (Stage.SAL, r"\bsal\b|sales accepted"),
    (Stage.MQL, r"\bmql\b|marketing qualified"),
    (Stage.IQL, r"\biql\b|information qualified"),
    (Stage.RECYCLED, r"recycl|nurtur|zuruckgestellt|재활용"),
    (Stage.OPPORTUNITY, r"\bconverted\b|opportunit|verkaufschance|oportunidad|szansa|영업기회"),
)
# Words that other stages use too, so asked last.
_SUGGESTED: tuple[tuple[Stage, str], ...] = (
    (Stage.SQL, r"^(sales )?qualifi\w*$|^qualifi\w* (lead|by)|^zakwalifikowan\w*$|^qualifiz\w*$|^적격|^適格"),
    (
        Stage.OPPORTUNITY,
        r"proposal|quote|\boffer|negotiat|demo|evaluation|contract|decision|angebot|verhandlung|devis|negociat|negociac|oferta|"
        r"propuesta|proposta|trattativa|ofert|negocj|제안|협상|상담|견적|提案|交渉|商談|見積",
    ),
    (
        Stage.LEAD,
        r"^(open|new|lead|raw|working|contacted|assigned|attempted|inquiry|subscriber|neu|offen|nouveau|nouvelle|nuevo|"
        r"novo|nuovo|nowy|nowe|nowa)\b|open |not contacted|working|신규|접수|新規",
    ),
)
_JOINED_NOT = "미무未不非无無没"  # written before a word, it turns it round: 미수주, 未成約
_LACKING = frozenset(LACKING.split("|"))
_NOT_DONE = re.compile(NOT_DONE)
_NOT = frozenset(word for words in NEGATIONS.values() for word in words.split("|"))
_YET = re.compile(YET)
_DOUBTED = re.compile(f"{OTHERS}|{NOT_FOR_GOOD}")  # anywhere beside a win: sold, but by whom?
_LONGEST = 300  # letters; no status is as long, and phrases of one are compared with one another
# "Quote has been accepted", "Accepted quote"; in "Sales accepted - proposal" a lead was
_OFFER_TAKEN = re.compile(
    rf"(?:{OFFERS})(?: (?:{AUXILIARIES})){{0,4}} (?:{TAKEN})|^(?:final )?(?:{TAKEN}) (?:final )?(?:{OFFERS})"
)
_JOINED_TAKEN = re.compile(rf"(?:{JOINED_OFFERS})\w* ?(?:{JOINED_TAKEN})(?: |{JOINED_DONE})*$")
_JOINED_END = re.compile(rf"(?:{JOINED_DONE}|[\d\x00-\u10ff])*")  # one way to read each text
_SIGNS = re.compile(r"[-\u2013\u2014:/|,()\[\]\u30fb]+")
_JOINED_NONE = re.compile("없|ない|なし|無し|没有")
_Sort = tuple[Literal["verdict", "alone", "beside", "unsaid"], Standing | None]  # of a phrase within a status
_ORDER = re.compile(r"^\s*(?:\d+|[ivx]+|[a-z])\s*[-.):/]\s*|\(?\b\d{1,3}\s*%\)?", re.I)  # "3 - Proposal", "(75%)"


def fold_status(text: str) -> str:
    """A status as it is compared: lower case, no accents, punctuation and a number in front gone.

    >>> fold_status("4. Clôturé – Perdu"), fold_status("Verhandlung (75 %)"), fold_status("수주 (완료)")
    ('cloture perdu', 'verhandlung', '수주 완료')
    """
    plain = plain_letters(_ORDER.sub(" ", unicodedata.normalize("NFKC", text)))
    return " ".join(re.sub(r"[\W_]+", " ", plain).split())


def guess_standing(text: str) -> Standing | None:
    """What a value of a status column means; None where its words do not say, or say two things.

    >>> [guess_standing(t) for t in ("Closed Won", "Unqualified", "Przegrana", "失注", "수주 실패", "In Verhandlung")]
    ['won', 'disqualified', 'lost', 'lost', 'lost', 'open']
    >>> [guess_standing(t) for t in ("Closed", "Won or lost?", "nie wygrana")]
    [None, None, None]
    """
    found = _read(text)
    return None if found is _TWO_THINGS else found


class _TwoThings(Enum):
    """That a text says two things, or nothing that can be relied on: no other reading of it counts."""

    TOKEN = 0


_TWO_THINGS = _TwoThings.TOKEN
_Reading = Standing | _TwoThings | None


def _read(text: str) -> _Reading:
    folded = fold_status(text)
    if not folded or len(folded) > _LONGEST:
        return None
    whole = [meaning for meaning, exact in _exact().items() if exact.fullmatch(folded)]
    if whole:
        return whole[0] if len(whole) == 1 else _TWO_THINGS
    joined = _by_joined_words(text)
    read = [one for one in (joined, _by_words(folded)) if one is not None]
    if not read:
        return None
    doubted = (read[0] == "won" and _DOUBTED.search(folded)) or (joined == "disqualified" and _YET.search(folded))
    return _TWO_THINGS if len(set(read)) > 1 or doubted else read[0]


def _by_words(folded: str) -> _Reading:
    """By the words within a longer text; two verdicts, or a verdict on what is still open, leave it to a person."""
    spans = _longest_spans(folded)
    by_sort: dict[_Sort, list[str]] = {}
    for sort, start, end in spans:
        by_sort.setdefault(sort, []).append(folded[start:end])
    if ("unsaid", None) in by_sort:
        return _TWO_THINGS

    verdicts = [meaning for meaning in STANDINGS if meaning != "open" and ("verdict", meaning) in by_sort]
    alone = [meaning for meaning in STANDINGS if ("alone", meaning) in by_sort]
    is_open = ("verdict", "open") in by_sort
    meaning: Standing | None
    if verdicts:
        if is_open or len({*verdicts, *alone}) > 1:
            return _TWO_THINGS
        meaning = verdicts[0]
        nots = [_NOT & set(phrase.split()) for phrase in by_sort["verdict", meaning]]
        if (all(nots) or meaning == "disqualified") and _YET.search(_up_to(folded, spans, meaning)):
            return _TWO_THINGS  # not so far
    elif is_open:
        meaning = "open"
    elif alone:
        said = {word for _, start, end in spans for word in folded[start:end].split()}
        rest = [word for word in folded.split() if word not in said | FILLERS and not word.isdigit()]
        if len(alone) > 1 or rest or ("beside", "open") in by_sort:
            return _TWO_THINGS
        meaning = alone[0]
    else:
        meaning = "open" if ("beside", "open") in by_sort else None
    if meaning is None:
        return None
    if meaning == "open" and _OFFER_TAKEN.search(folded):
        return _TWO_THINGS

    told = {word for words in by_sort.values() for phrase in words for word in phrase.split()}
    turned = _NOT & set(folded.split()) - told
    if meaning in ("lost", "disqualified"):
        behind = max(end for sort, _, end in spans if sort == ("verdict", meaning) or sort == ("alone", meaning))
        before, reason = folded[:behind], _NOT_DONE.sub(" ", folded[behind:])
        turned = turned & set(f"{before} {reason}".split()) - (_LACKING - set(before.split()))
    return _TWO_THINGS if turned else meaning


def _up_to(folded: str, spans: Sequence[tuple[_Sort, int, int]], meaning: Standing) -> str:
    """A text up to its verdict and a last word: "not qualified yet", but "not interested - still happy with theirs"."""
    behind = max(end for sort, _, end in spans if sort == ("verdict", meaning))
    rest = folded[behind:].split()
    return folded if len(rest) == 1 or (rest and _YET.fullmatch(rest[-1])) else folded[:behind]


def _longest_spans(folded: str) -> list[tuple[_Sort, int, int]]:
    """Phrases that a text holds, without those within a longer one: "lost lead" holds "lead"."""
    found = [(sort, m.start(), m.end()) for sort, pattern in _within().items() for m in pattern.finditer(folded)]
    return [
        one for one in found if not any(s <= one[1] and one[2] <= e and e - s > one[2] - one[1] for _, s, e in found)
    ]


def _by_joined_words(text: str) -> _Reading:
    """Of scripts without blanks between words, by the word that ends last, in each part between signs."""
    parts = [
        fold_status(part)
        for part in re.split(r"[-\u2013\u2014:/|,()（）［］\[\]・]+", unicodedata.normalize("NFKC", text))
    ]
    read = [_by_last_word(part) for part in parts if any(letter >= "\u1100" for letter in part)]
    said = {one for one in read if one is not None}
    return said.pop() if len(said) == 1 else _TWO_THINGS if said else None


def _by_last_word(folded: str) -> _Reading:
    last: tuple[int, int, Standing] | None = None
    for meaning, pattern in _joined().items():
        for match in pattern.finditer(folded):
            before = folded[: match.start()].rstrip()
            if before and before[-1] in _JOINED_NOT:
                return _TWO_THINGS if meaning != "open" else "open"
            if last is None or (match.end(), match.end() - match.start()) > last[:2]:
                last = (match.end(), match.end() - match.start(), meaning)
    if last is None:
        return None
    if last[2] != "open" and _NOT & set(folded.split()):
        return _TWO_THINGS
    rest = folded[last[0] :]
    if last[2] == "open":
        return _TWO_THINGS if _JOINED_NONE.search(rest) or _JOINED_TAKEN.search(folded) else "open"
    return last[2] if _JOINED_END.fullmatch(rest) else _TWO_THINGS


def _expressions(words: str) -> str:
    phrases = sorted(filter(None, words.split("|")), key=len, reverse=True)
    return "|".join(phrase.replace("*", r"\w*").replace(" ", " ?") for phrase in phrases)


@cache
def _exact() -> dict[Standing, re.Pattern[str]]:
    """Per meaning, what a whole status may be."""
    found = {}
    for meaning in STANDINGS:
        words = [VERDICTS[meaning], ALONE[meaning], JOINED[meaning], BESIDE_A_VERDICT if meaning == "open" else ""]
        found[meaning] = re.compile(f"(?:{_expressions('|'.join(words))})")
    return found


@cache
def _within() -> dict[_Sort, re.Pattern[str]]:
    """What may stand within a longer status, by how much it says."""
    words: dict[_Sort, str] = {("verdict", meaning): VERDICTS[meaning] for meaning in STANDINGS}
    words |= {("alone", meaning): said for meaning, said in ALONE.items() if said}
    words |= {("beside", "open"): BESIDE_A_VERDICT, ("unsaid", None): UNSAID}
    return {sort: re.compile(rf"\b(?:{_expressions(said)})\b") for sort, said in words.items()}


@cache
def _joined() -> dict[Standing, re.Pattern[str]]:
    return {meaning: re.compile(_expressions(words)) for meaning, words in JOINED.items()}


def standing_of(text: str) -> Standing | None:
    """How a deal stands by its status: in the words of the vendor spoken, else in those of all."""
    vendor = spoken()
    stage = None if vendor is None else vendor.stage_of(text)
    if stage is None:
        return guess_standing(text)
    return next((standing for standing in STANDINGS if stage == standing), "open")


def stage_of(text: str) -> Stage | None:
    """The lifecycle stage that a status means; None where its words do not say.

    >>> [str(stage_of(text)) for text in ("Closed Won", "Unqualified", "Marketing Qualified Lead", "실주")]
    ['won', 'disqualified', 'mql', 'lost']
    """
    vendor = spoken()
    known = None if vendor is None else vendor.stage_of(text)
    if known is not None:
        return known
    words, standing = words_of(text), _read(text)
    if standing is _TWO_THINGS:
        return None
    if standing == "lost" or standing == "disqualified":
        return Stage(standing)
    named = next((stage for stage, pattern in _NAMED if re.search(pattern, words)), None)
    if named is not None:
        return named
    if standing == "won":
        return Stage.WON
    return next((stage for stage, pattern in _SUGGESTED if re.search(pattern, words)), None)


def place_statuses(values: Iterable[str]) -> dict[Standing | None, tuple[str, ...]]:
    """Statuses by how a deal stands, in their order; under None those whose words do not say."""
    placed = [(value, standing_of(value)) for value in values]
    return {kind: tuple(value for value, standing in placed if standing == kind) for kind in (*STANDINGS, None)}
