"""Ids that find no partner, and ids that repeat: in what their forms differ, or which column holds the right ones."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence, Set

import pandas as pd

from pipelines.ingest.diagnosis.cause import MOST, Cause, list_most_frequent, say_share, share_of

SAMPLE = 2_000  # different ids compared; a cause that explains most of them explains most of all
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE]\+?\d+")
_LONG_DIGITS = 15  # a spreadsheet keeps so many digits of a number and writes zeros for the rest

Form = Callable[[str], str]


def _without_point_zero(text: str) -> str:
    return re.sub(r"[.,]0+$", "", text)


def _without_zeros(text: str) -> str:
    return _without_point_zero(text).lstrip("0") or "0"


def _visible(text: str) -> str:
    """Full-width letters as plain ones, without blanks and signs that nobody sees."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(c for c in plain if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))


def _letters_and_digits(text: str) -> str:
    return "".join(c for c in _visible(text).casefold() if c.isalnum())


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit()).lstrip("0")


# from the closest likeness to the loosest; the first that joins most ids is named
_FORMS: Sequence[tuple[str, str, Form]] = (
    (
        "one file writes them with '.0' (as 1000.0), the other without",
        "a tool took them for numbers: export the id column as text, in both files",
        _without_point_zero,
    ),
    (
        "they differ in invisible characters, blanks or full-width letters",
        "clean the id column of one file, so that both hold the same text",
        _visible,
    ),
    ("they differ in upper and lower case", "write them in one case in both files", str.casefold),
    (
        "one file has lost the zeros they begin with",
        "a spreadsheet took them for numbers: export again with the id column as text",
        _without_zeros,
    ),
    (
        "they differ in punctuation (braces, hyphens, quotes, separators of thousands)",
        "write them the same way in both files",
        _letters_and_digits,
    ),
    (
        "only their digits agree: one file writes a prefix that the other lacks",
        "add the prefix to one file, or take it from the other",
        _digits,
    ),
)


def explain_unmatched(
    ids: Sequence[str],
    parents: Set[str],
    *,
    place: str,
    own: Mapping[str, Sequence[str]],
    others: Mapping[str, Set[str]],
) -> Cause:
    """Why ids have no partner.

    Parameters
    ----------
    ids : different ids without a partner
    parents : the ids there are
    place : where those are, e.g. ``leads.lead_id``
    own : other columns of the ids' own rows, in case one of them holds the partners
    others : texts of each column of the parents' file, in case the ids are written in another one
    """
    ids = ids[:SAMPLE]
    theirs = sorted(parents)[: 50 * SAMPLE]
    shown = f"here e.g. '{ids[0]}', in {place} e.g. '{theirs[0]}'" if theirs else ""

    if not theirs:
        return Cause(f"{place} holds no id at all", f"look at table '{place.split('.')[0]}' first")
    found = _scientific(ids, theirs, place) or _lengths(ids, parents, place) or _other_form(ids, theirs, shown, place)
    if found is not None:
        return found

    elsewhere = {name: share_of(ids, texts.__contains__) for name, texts in others.items()}
    best = max(elsewhere, key=lambda name: elsewhere[name], default="")
    if best and elsewhere[best] >= MOST:
        return Cause(
            f"{say_share(elsewhere[best], 'these ids')} are in column '{best}' of that file, not in the one declared "
            f"as {place}",
            f"read {place} from '{best}', or export the id that {place} holds",
        )

    matched = {name: share_of(texts[:SAMPLE], parents.__contains__) for name, texts in own.items()}
    best = max(matched, key=lambda name: matched[name], default="")
    if best and matched[best] >= MOST:
        return Cause(
            f"column '{best}' of this file holds the ids of {place} ({say_share(matched[best], 'its values')})",
            f"read the column from '{best}'",
        )

    if _shape(ids[0]) == _shape(theirs[0]):
        return Cause(
            f"they look like those of {place} ({shown}), but are others",
            "the two files are probably of different periods or systems: export the same leads in both",
        )
    return Cause(
        f"they are not the ids of {place} and no known change of form makes them so ({shown})",
        "export the column that both files share",
    )


def _scientific(ids: Sequence[str], theirs: Sequence[str], place: str) -> Cause | None:
    advice = (
        "a spreadsheet rounded them and their digits are gone: export again, and do not open the file in a spreadsheet"
    )
    for texts, where in ((ids, "here"), (theirs, f"in {place}")):
        if share_of(texts[:SAMPLE], _SCIENTIFIC.fullmatch) >= MOST:
            return Cause(f"they are written as rounded numbers {where}, e.g. '{texts[0]}'", advice)
    return None


def _lengths(ids: Sequence[str], parents: Set[str], place: str) -> Cause | None:
    """Ids cut to the length of the others, as the 15 and 18 characters of one id in Salesforce."""
    mine, yours = _usual_length(ids), _usual_length(sorted(parents)[:SAMPLE])
    if mine == yours or not mine or not yours or min(mine, yours) < 4:
        return None
    short = min(mine, yours)
    cut = {text[:short] for text in parents}
    share = share_of(ids, lambda text: text[:short] in cut)
    if share < MOST:
        return None
    salesforce = {mine, yours} == {15, 18}
    return Cause(
        f"the ids have {mine} characters here and {yours} in {place}; by the first {short}, {say_share(share, 'them')} "
        f"are in {place}" + (" (the two lengths of one Salesforce id)" if salesforce else ""),
        "export both files with the long form of the id"
        + (" (in reports of Salesforce the formula CASESAFEID(Id) gives it)" if salesforce else ""),
    )


def _usual_length(ids: Sequence[str]) -> int:
    """The length that most ids have; 0 if they have none in common."""
    lengths = pd.Series([len(text) for text in ids]).value_counts(normalize=True)
    return int(lengths.index[0]) if len(lengths) and lengths.iloc[0] >= 0.9 else 0


def _other_form(ids: Sequence[str], theirs: Sequence[str], shown: str, place: str) -> Cause | None:
    for sentence, advice, form in _FORMS:
        known = {form(text) for text in theirs} - {""}
        share = share_of([form(text) for text in ids], known.__contains__)
        if share >= MOST:
            clash = "" if len(known) == len(theirs) else ", though not each to one alone"
            return Cause(f"{sentence} ({shown}); read alike, {say_share(share, 'them')} are in {place}{clash}", advice)
    return None


def _shape(text: str) -> str:
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d]+", "x", text))


def explain_repeated(ids: Sequence[str], column: str, *, repeats: int, columns: Mapping[str, Sequence[str]]) -> Cause:
    """Why ids that should be unique are not.

    Parameters
    ----------
    ids : the ids of the rows kept out
    repeats : how many of those rows repeat an earlier row in every column
    columns : all texts of each column of the file, in case another one is unique
    """
    few = list_most_frequent(ids)
    if share_of(ids, _SCIENTIFIC.fullmatch) >= MOST:
        return Cause(
            f"the ids are rounded numbers, so different rows share one: {few}",
            "a spreadsheet did that and their digits are gone: export again, and do not open the file in a spreadsheet",
        )
    rounded = re.compile(rf"\d{{{_LONG_DIGITS - 2},}}00(?:\.0+)?")
    if share_of(ids, lambda text: rounded.fullmatch(text) and len(text) > _LONG_DIGITS) >= MOST:
        return Cause(
            f"the ids have more digits than a spreadsheet keeps and end in zeros, so different rows share one: {few}",
            "export again with the id column as text",
        )
    if repeats >= MOST * len(ids):
        return Cause("the same rows stand in the file more than once", "export each row once")

    unique = [name for name, texts in columns.items() if len(set(texts)) == len(texts) and all(texts)]
    named = f"; different in every row: {', '.join(repr(name) for name in unique[:3])}" if unique else ""
    return Cause(
        f"'{column}' is not an id of a row: {len(set(ids)):,} values stand in {len(ids):,} further rows, {few}{named}",
        f"read {column} from a column that differs in every row" + (f", such as '{unique[0]}'" if unique else ""),
    )
