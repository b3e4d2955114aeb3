"""The column that holds the CRM's own id of a row."""

import re
from collections.abc import Mapping

import pandas as pd

from features.schema.vocabulary import ColumnType
from pipelines.declaring.column_inference import Guess
from pipelines.declaring.words.header_words import PERSONAL, Meaning, meanings_of, words_of

_UNIQUE = 0.98  # share of different values: a few repeated rows are common, and go to quarantine
_FILLED = 0.99
_LEAST_MERIT = 1.5  # a header that says id, or codes in the first column
_OF_ROW = re.compile(r"\b(record|lead|deal|opportunity|contact|row)\b|리드|영업기회|リード|案件|商談")
_OF_OTHERS = re.compile(
    r"\b(account|company|owner|user|campaign|parent|associated|zip|postal|phone|tax|vat)\b|회사|会社"
)
_CODE = r"[A-Za-z]{0,8}[-_/#]?[0-9A-Fa-f][0-9A-Za-z_-]{0,40}"  # D-00123, 0065g00000AbCdE, 12345, a uuid


def find_record_id(frame: pd.DataFrame, guesses: Mapping[str, Guess]) -> str | None:
    """The header of the column whose values tell rows apart and look like ids; None if there is none."""
    best: tuple[float, str] | None = None
    for place, header in enumerate(guesses):
        texts, guess = frame[header], guesses[header]
        if guess.type in (ColumnType.TIMESTAMP, ColumnType.TEXT, ColumnType.BOOLEAN):
            continue
        if PERSONAL & meanings_of(header) and not re.search(r"\bids?\b", words_of(header)):
            continue  # a person's name or address would stand on every list
        present = texts.dropna()
        if len(present) < _FILLED * len(texts) or present.nunique() < _UNIQUE * len(present):
            continue
        merit = _merit(header, place, float(present.str.fullmatch(_CODE).mean()))
        if merit >= _LEAST_MERIT and (best is None or merit > best[0]):
            best = (merit, header)
    return None if best is None else best[1]


def _merit(header: str, place: int, codes: float) -> float:
    folded = words_of(header)
    merit = 1.5 * bool({Meaning.ID, Meaning.CODE} & meanings_of(header)) + 1.0 * (codes > _FILLED) + 0.5 * (place == 0)
    merit += 0.5 * bool(_OF_ROW.search(folded)) - 1.5 * bool(_OF_OTHERS.search(folded))
    return merit - 3.0 * (codes < 0.5)  # names and addresses are no ids, whatever their header
