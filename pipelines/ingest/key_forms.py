"""One id written in several forms: what may be matched with certainty, and what only looks alike.

Exports write the same id differently: Salesforce reports give 15 characters and its data loader 18, a spreadsheet turns
``1000`` into ``1000.0`` and ``000123`` into ``123``, Dynamics puts braces around its GUIDs. Each form has a plain
spelling; two ids match if their plain spellings are equal and nothing else could be meant.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pandas as pd

_ALPHABET = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"))
_SALESFORCE = r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?"
_DECIMAL = r"\d+(?:\.0+)?"
_GUID = r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?"
_SCIENTIFIC = r"\d(?:[.,]\d+)?[eE]\+?\d+"
SHOWN = 3  # examples of each kind


class KeyForm(StrEnum):
    """How two spellings of one id differ."""

    SALESFORCE = "salesforce"
    DECIMAL = "decimal"
    GUID = "guid"
    ZEROS = "zeros"
    CASE = "case"
    LIST = "list"


FORM_WORDS = {
    KeyForm.SALESFORCE: "15 and 18 characters of one Salesforce id, check characters right",
    KeyForm.DECIMAL: "whole numbers with and without .0",
    KeyForm.GUID: "one GUID in other letters or braces",
    KeyForm.ZEROS: "leading zeros lost, the number is unique on both sides",
    KeyForm.CASE: "upper and lower case, in which no two ids differ on either side",
    KeyForm.LIST: "several ids in one cell, the first that is known was taken",
}


class Doubt(StrEnum):
    """Why an id that looks like another one is not matched to it."""

    CHECK = "check"
    CASE = "case"
    SEVERAL = "several"
    SCIENTIFIC = "scientific"


DOUBT_WORDS = {
    Doubt.CHECK: "a Salesforce id whose check characters are wrong",
    Doubt.CASE: "differs from an id only in upper and lower case, which tell 15-character ids apart",
    Doubt.SEVERAL: "the same number or letters as several ids",
    Doubt.SCIENTIFIC: "a long number that a spreadsheet has rounded; export the ids as text",
}


@dataclass(frozen=True, kw_only=True)
class KeyMatches:
    """Distinct values that are ids in another form.

    Parameters
    ----------
    matched : value to the id it means, values that are ids themselves left out
    forms : value to how it differs from that id
    doubts : values left alone though they look like an id, by reason
    """

    matched: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, KeyForm] = field(default_factory=dict)
    doubts: Mapping[Doubt, tuple[str, ...]] = field(default_factory=dict)


def check_characters(ids: Iterable[str]) -> list[str]:
    """The three characters that Salesforce appends to a 15-character id; they encode which letters are upper case.

    >>> check_characters(["001A0000006Vm9u"])
    ['IAC']
    """
    letters = np.array(list(ids), dtype="U15")
    if not len(letters):
        return []
    letters = letters.view("U1").reshape(len(letters), 15)
    upper = ((letters >= "A") & (letters <= "Z")).reshape(-1, 3, 5)
    return ["".join(row) for row in _ALPHABET[upper @ np.array([1, 2, 4, 8, 16])]]


def match_keys(values: pd.Series, keys: pd.Series, *, lists: bool = True) -> KeyMatches:
    """Values that mean one of the keys though they are written otherwise.

    A value that is a key itself is never looked at again; of a cell with several ids the first that is known is meant.
    A plain spelling that two keys share matches nothing; lost zeros and other case match only where no other value has
    the same number or letters.

    Parameters
    ----------
    values, keys : texts; repeated and missing ones do no harm
    lists : whether a cell may hold several ids; a name such as 'Smith, Jones & Partners' is one
    """
    own = pd.Series(keys.dropna().unique(), dtype="str")
    all_values = pd.Series(values.dropna().unique(), dtype="str")
    left = all_values[~all_values.isin(own)]

    matched: dict[str, str] = {}
    forms: dict[str, KeyForm] = {}
    doubts: dict[Doubt, list[str]] = {}

    for form, spell in _SPELLINGS.items():
        if not len(left):
            break
        plain_keys, plain_left = spell(own), spell(left)
        if not plain_left.notna().any() or not plain_keys.notna().any():
            continue

        shared = set(plain_keys[plain_keys.duplicated(keep=False)].dropna())
        if form in (KeyForm.ZEROS, KeyForm.CASE):
            plain_values = spell(all_values)
            shared |= set(plain_values[plain_values.duplicated(keep=False)].dropna())

        known = dict(zip(plain_keys.dropna(), own[plain_keys.notna()], strict=True))
        for value, plain in zip(left, plain_left, strict=True):
            if pd.isna(plain) or plain not in known:
                continue
            if plain in shared:
                doubts.setdefault(Doubt.SEVERAL, []).append(value)
            else:
                matched[value], forms[value] = known[plain], form
        left = left[~left.isin(list(matched))]

    for value, key in _first_of_lists(left, own) if lists else ():
        matched[value], forms[value] = key, KeyForm.LIST
    left = left[~left.isin(list(matched))]

    settled = {value for found in doubts.values() for value in found}
    for doubt, value in _look_alikes(left[~left.isin(list(settled))], own):
        doubts.setdefault(doubt, []).append(value)
    return KeyMatches(matched=matched, forms=forms, doubts={doubt: tuple(found) for doubt, found in doubts.items()})


def _spell_salesforce(ids: pd.Series) -> pd.Series:
    """The first 15 characters, missing where the text is no such id or its check characters are wrong."""
    fits = ids.str.fullmatch(_SALESFORCE)
    short = ids.str[:15].where(fits & ids.str.contains(r"[A-Za-z]", regex=True) & ids.str.contains(r"\d", regex=True))
    long = short.notna() & ids.str.len().eq(18)
    if long.any():
        right = pd.Series(check_characters(short[long]), index=short[long].index, dtype="str")
        short = short.mask(long & ~right.reindex(ids.index).eq(ids.str[15:]).fillna(False))
    return short


def _spell_whole(ids: pd.Series) -> pd.Series:
    return ids.where(ids.str.fullmatch(_DECIMAL)).str.replace(r"\.0+$", "", regex=True)


def _spell_guid(ids: pd.Series) -> pd.Series:
    return ids.where(ids.str.fullmatch(_GUID)).str.strip("{}").str.lower()


def _spell_number(ids: pd.Series) -> pd.Series:
    whole = _spell_whole(ids)
    return whole.str.lstrip("0").mask(whole.str.fullmatch("0+"), "0")


def _spell_case(ids: pd.Series) -> pd.Series:
    """In lower case; missing for 15 characters, which Salesforce tells apart by their case alone."""
    return ids.mask(ids.str.fullmatch(r"[A-Za-z0-9]{15}")).str.casefold()


_SPELLINGS: dict[KeyForm, Callable[[pd.Series], pd.Series]] = {
    KeyForm.SALESFORCE: _spell_salesforce,
    KeyForm.DECIMAL: _spell_whole,
    KeyForm.GUID: _spell_guid,
    KeyForm.ZEROS: _spell_number,
    KeyForm.CASE: _spell_case,
}


def _first_of_lists(left: pd.Series, keys: pd.Series) -> Iterator[tuple[str, str]]:
    """Cells that list several ids, as a deal lists its contacts, with the first one that is a key."""
    lists = [value for value in left if len(_parts(value)) > 1]
    if not lists:
        return
    known = set(keys)
    parts = pd.Series(list({part for value in lists for part in _parts(value)}), dtype="str")
    otherwise = match_keys(parts[~parts.isin(keys)], keys).matched
    for value in lists:
        found = (part if part in known else otherwise.get(part) for part in _parts(value))
        key = next((key for key in found if key is not None), None)
        if key is not None:
            yield value, key


def _parts(value: str) -> list[str]:
    return [part for piece in re.split("[;|,]", value) if (part := piece.strip())]


def _look_alikes(left: pd.Series, keys: pd.Series) -> Iterator[tuple[Doubt, str]]:
    """Values without a match that nevertheless look like a key, each with the reason it was left alone."""
    if not len(left):
        return
    short = set(keys[keys.str.fullmatch(_SALESFORCE)].str[:15])
    folded = {key.casefold() for key in short}
    for value in left:
        if re.fullmatch(_SALESFORCE, value, re.IGNORECASE):
            if len(value) == 18 and value[:15] in short:
                yield Doubt.CHECK, value
            elif value[:15].casefold() in folded:
                yield Doubt.CASE, value
        elif re.fullmatch(_SCIENTIFIC, value):
            yield Doubt.SCIENTIFIC, value
