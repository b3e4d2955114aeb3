"""The column that holds the CRM's own id of a row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from features.schema.vocabulary import ColumnType
from pipelines.declaring.column_inference import Guess
from pipelines.declaring.deal_clocks import created_header, moments_of
from pipelines.declaring.words.header_words import PERSONAL, Meaning, meanings_of, words_of

_UNIQUE = 0.98  # share of different values: a few repeated rows are common, and go to quarantine
_REPEATED = 0.5  # share of different values that ids still have where exports of several days lie in one file
_ONE_DEAL = 0.95  # share of repeated ids whose rows were created at one time, so that they are one deal each
_FILLED = 0.99
_ASKED = 5_000  # rows of very many that are asked whether they are codes
_LEAST_MERIT = 1.5  # a header that says id, or codes in the first column
_OF_ROW = re.compile(r"\b(record|lead|deal|opportunity|contact|row)\b|리드|영업기회|リード|案件|商談")
_OF_OTHERS = re.compile(
    r"\b(account|company|owner|user|campaign|parent|associated|zip|postal|phone|tax|vat)\b|회사|会社"
)
# when a row was last changed
_CHANGED = re.compile(r"\b(modif\w*|modstamp|updated?|zmodyfikowan\w*|geandert\w*)\b|수정|更新")
_CODE = r"[A-Za-z]{0,8}[-_/#:.]?[0-9A-Fa-f][0-9A-Za-z_-]{0,40}"  # D-00123, 0065g00000AbCdE, 12345, a uuid
_NAMED_CODE = rf"{_CODE}|\d+\.0"  # 12345.0, where some numbers are missing: whole amounts look alike


def find_record_id(frame: pd.DataFrame, guesses: Mapping[str, Guess]) -> str | None:
    """The header of the column whose values tell rows apart and look like ids; None if there is none."""
    best: tuple[float, str] | None = None
    for place, header in enumerate(guesses):
        texts, guess = frame[header], guesses[header]
        if guess.type in (ColumnType.TIMESTAMP, ColumnType.TEXT, ColumnType.BOOLEAN):
            continue
        if PERSONAL & meanings_of(header) and not re.search(r"\bids?\b", words_of(header)):
            continue  # a person's name or address would stand on every list
        filled, different = texts.count(), guess.distinct + len(guess.missing)
        if filled < _FILLED * len(texts) or different < _REPEATED * filled:
            continue
        present, named = texts.dropna(), bool({Meaning.ID, Meaning.CODE} & meanings_of(header))
        code = _NAMED_CODE if named else _CODE
        codes = float(present.iloc[:: max(len(present) // _ASKED, 1)].str.fullmatch(code).mean())
        merit = _merit(header, place, codes, named=named)
        if different < _UNIQUE * filled:
            if not (named and codes > _FILLED and _is_one_deal(frame, header, created_header(guesses))):
                continue
            merit -= 0.25  # of two ids the one that tells all rows apart
        if merit >= _LEAST_MERIT and (best is None or merit > best[0]):
            best = (merit, header)
    return None if best is None else best[1]


def _merit(header: str, place: int, codes: float, *, named: bool) -> float:
    folded = words_of(header)
    merit = 1.5 * named + 1.0 * (codes > _FILLED) + 0.5 * (place == 0)
    merit += 0.5 * bool(_OF_ROW.search(folded)) - 1.5 * bool(_OF_OTHERS.search(folded))
    return merit - 3.0 * (codes < 0.5)  # names and addresses are no ids, whatever their header


def _is_one_deal(frame: pd.DataFrame, header: str, created: str | None) -> bool:
    """Whether the rows of each repeated id speak of one deal: word for word the same, or created at one time."""
    again = frame[frame[header].duplicated(keep=False) & frame[header].notna()]
    if created is None:
        return len(again.drop_duplicates()) == again[header].nunique()
    different = again.groupby(header, sort=False)[created].nunique(dropna=False)
    return float((different <= 1).mean()) >= _ONE_DEAL


@dataclass(frozen=True)
class RepeatedIds:
    """Ids that stand on several rows.

    Parameters
    ----------
    alike : rows that repeat another word for word
    ids : ids whose rows differ
    differing : the headers in which they differ, in the order of the file
    newest : the header of when a row was last changed, where it tells the newest row of every such id
    """

    alike: int
    ids: int
    differing: tuple[str, ...]
    newest: str | None = None


def find_repeats(frame: pd.DataFrame, header: str, guesses: Mapping[str, Guess]) -> RepeatedIds:
    """What the rows of ids that stand on several of them have in common."""
    again = frame[frame[header].duplicated(keep=False) & frame[header].notna()]
    once = again.drop_duplicates()
    several = once[once[header].duplicated(keep=False)]
    counted = several.groupby(header, sort=False).nunique(dropna=False)
    differing = tuple(str(name) for name in counted.columns if (counted[name] > 1).any())
    newest = _newest_header(frame, several[header], guesses) if len(counted) else None
    return RepeatedIds(alike=len(again) - len(once), ids=len(counted), differing=differing, newest=newest)


def _newest_header(frame: pd.DataFrame, ids: pd.Series, guesses: Mapping[str, Guess]) -> str | None:
    """The only header that says when a row was last changed; None unless it tells one newest row of every id."""
    said = [
        header
        for header, guess in guesses.items()
        if guess.type is ColumnType.TIMESTAMP
        and _CHANGED.search(words_of(header))
        and Meaning.STATUS not in meanings_of(header)
    ]
    moments = moments_of(frame[said[0]]) if len(said) == 1 else None
    if moments is None:
        return None
    moments = moments.loc[ids.index]
    newest = moments == moments.groupby(ids, sort=False).transform("max")
    told = moments.notna().all() and (newest.groupby(ids, sort=False).sum() == 1).all()
    return said[0] if told else None
