"""A status that a file tells by several flags or dates, such as Won? beside Lost?, as one column of texts."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from features.array_types import Bools
from features.kernel.column_reader import FALSE_TEXTS, TRUE_TEXTS
from features.schema.columns import Column, fold_value
from pipelines.ingest.values.number_form import NO_VALUE
from pipelines.ingest.values.type_casting import plain_texts
from pipelines.ingest.values.yes_no_words import FALSE_WORDS, TRUE_WORDS

CONTRADICTION = "contradiction: "  # how a value begins of a row whose flags fit no declared one
_YES = TRUE_TEXTS | frozenset(map(fold_value, TRUE_WORDS))
_NO = FALSE_TEXTS | NO_VALUE | frozenset(map(fold_value, FALSE_WORDS))
_MOST_WORDS = 8  # different values of a flag; a column of more holds dates or reasons, and is set where it is filled
_FIGURE = r"[+-]?[\d.,]+"  # 1 beside 2 and 3 is a count
_LIKE_A_DATE = r".*\d{1,4}[-/.년年 ]"


def is_set(column: pd.Series) -> Bools:
    """Which cells of a flag or date are set: filled with anything that does not mean no.

    >>> is_set(pd.Series(["yes", "No", "", "2024-05-01", "0", "NULL"])).tolist()
    [True, False, False, True, False, False]
    """
    texts = plain_texts(column, Column())
    off = {text for text in texts.dropna().unique() if fold_value(text) in _NO}
    return np.asarray(texts.notna() & ~texts.isin(off), dtype=np.bool_)


def join_flags(frame: pd.DataFrame, values: Mapping[str, Sequence[str]]) -> pd.Series:
    """The value whose headers are the ones that a row has set; missing where it has set none.

    A row whose set ones are those of no value contradicts itself; its text says so, and is no declared value.
    """
    headers = list(dict.fromkeys(header for named in values.values() for header in named))
    code = np.zeros(len(frame), dtype=np.int64)
    unclear = {header: _find_unclear(frame[header]) for header in headers}
    for place, header in enumerate(headers):
        code |= is_set(frame[header]).astype(np.int64) << place

    meant = {sum(1 << headers.index(header) for header in set(named)): value for value, named in values.items()}
    texts: dict[int, str | None] = {0: None}
    for one in np.unique(code).tolist():
        named = " + ".join(header for place, header in enumerate(headers) if one >> place & 1)
        texts.setdefault(one, meant.get(one, f"{CONTRADICTION}{named}"))
    found = pd.Series([texts[one] for one in code.tolist()], index=frame.index, dtype="str")
    for header, told in unclear.items():
        found = found.mask(told.notna(), f"{CONTRADICTION}{header} = " + told)
    return found


def _find_unclear(column: pd.Series) -> pd.Series:
    """Words beside one for yes, in a flag that is set in every row: TRUE beside a word of another language.

    Without a word for yes the column is no flag of two words but a count or a name, and set where it is filled.
    """
    texts = plain_texts(column, Column())
    words = texts.dropna().unique()
    nothing = pd.Series(None, index=texts.index, dtype="str")
    if not 2 <= len(words) <= _MOST_WORDS or texts.isna().any() or any(re.match(_LIKE_A_DATE, w) for w in words):
        return nothing
    folded = {word: fold_value(word) for word in words}
    meant = set(folded.values())
    if not _YES & meant or _NO & meant or any(re.fullmatch(_FIGURE, one) for one in meant):
        return nothing
    return texts.where(~texts.isin([word for word, plain in folded.items() if plain in _YES]))


def add_flag_columns(frame: pd.DataFrame, flags: Mapping[str, Mapping[str, Sequence[str]]]) -> pd.DataFrame:
    """The rows of a file with the columns that a declaration makes of its flags; those it has already stay."""
    made = {
        name: join_flags(frame, values)
        for name, values in flags.items()
        if name not in frame and all(header in frame for named in values.values() for header in named)
    }
    return frame.assign(**made) if made else frame
