"""Values as a file has them to the types of the contract; unreadable ones are kept apart from missing ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from features.array_types import Bools
from features.kernel.column_reader import FALSE_TEXTS, TRUE_TEXTS, text_of
from features.kernel.list_items import SEPARATORS, list_items, list_text
from features.schema.columns import Column, fold_value
from pipelines.ingest.values.number_form import (
    NO_VALUE,
    DecimalSign,
    NumberForm,
    SignEvidence,
    plain_numbers,
    weigh_signs,
)

# Beyond it lie sentinels of databases (DBL_MAX), not counts or sums of money; sums of squares of larger numbers are no
# longer finite, and many tools on the way hold 32-bit numbers, whose largest is this one.
LARGEST = float(np.finfo(np.float32).max)
_PLAIN_COLUMN = Column()


@dataclass(frozen=True)
class Cast:
    """Values of one column as declared, and which of them could not be read."""

    values: pd.Series
    unreadable: pd.Series


def plain_texts(column: pd.Series, declared: Column) -> pd.Series:
    """Texts without surrounding blanks, missing where empty or declared to mean missing, mapped as declared."""
    if isinstance(column.dtype, pd.StringDtype):
        texts = column.str.strip()
    else:
        texts = pd.Series([text_of(v) for v in column], index=column.index, dtype="str").str.strip()
    empty = texts.isin(["", *declared.missing])
    texts = texts.mask(empty) if empty.any() else texts
    if declared.map or declared.map_patterns:
        texts = texts.map({text: _meaning(text, declared) for text in texts.dropna().unique()}).astype("str")
    return texts


def _meaning(text: str, declared: Column) -> str:
    """What a value stands for: as mapped, else as the first pattern says that it fits, else itself.

    >>> _meaning("Email: Newsletter May", Column(map_patterns={"email: *": "email"}))
    'email'
    """
    if text in declared.map:
        return declared.map[text]
    folded = text.casefold()
    fits = (meant for pattern, meant in declared.map_patterns.items() if fnmatchcase(folded, pattern.casefold()))
    return next(fits, text)


def cast_numbers(texts: pd.Series, declared: Column, form: NumberForm | DecimalSign) -> Cast:
    """Numbers written in a form, thousands grouped or not, times the declared scale; beyond :data:`LARGEST` they are
    unreadable.
    """
    form = form if isinstance(form, NumberForm) else NumberForm(form)
    missing = texts.isna() | texts.str.lower().isin(NO_VALUE)
    plain = form.decimal == "." and form.thousands in (None, ",", "'", " ")
    values = pd.to_numeric(texts.mask(missing), errors="coerce") if plain else _numbers(texts, form)

    left = values.isna() & ~missing
    if left.any() and plain:
        values = values.astype("float64")
        values[left] = _numbers(texts[left], form)

    values = values.astype("float64")
    values = values.mask(values.abs() > LARGEST)
    unreadable = values.isna() & ~missing

    meant_missing = [number for text in declared.missing if (number := _number(text)) is not None]
    values = values.mask(values.isin(meant_missing))
    return Cast(values if declared.scale is None else values * declared.scale, unreadable)


def cast_mixed_numbers(texts: pd.Series, declared: Column, form: NumberForm, typed: Bools | None) -> Cast:
    """Numbers of a column of which some values are ``typed``: numbers by themselves, whatever the texts' form."""
    if typed is None or not typed.any():
        return cast_numbers(texts, declared, form)
    if typed.all():
        return cast_numbers(texts, declared, NumberForm())
    own, written = cast_numbers(texts[typed], declared, NumberForm()), cast_numbers(texts[~typed], declared, form)
    values = pd.concat([own.values, written.values]).reindex(texts.index)
    return Cast(values, pd.concat([own.unreadable, written.unreadable]).reindex(texts.index))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _numbers(texts: pd.Series, form: NumberForm) -> pd.Series:
    clean = plain_numbers(texts)
    fits = clean.str.match(form.pattern).fillna(False).astype(bool)
    clean = clean.where(fits).str.replace(form.grouping_signs(), "", regex=True).str.replace(",", ".", regex=False)
    return pd.to_numeric(clean, errors="coerce").astype("float64")


def decimal_of(columns: Sequence[pd.Series], delimiter: str | None) -> DecimalSign:
    """The decimal sign of a file's number columns, by what their values prove; a point where they prove nothing.

    ``1,234`` proves nothing: three digits after the sign may be a group of thousands.
    """
    if delimiter == "," or delimiter is None:
        return "."
    return sum((weigh_signs(texts) for texts in columns), SignEvidence()).decimal or "."


def cast_booleans(texts: pd.Series, declared: Column = _PLAIN_COLUMN) -> Cast:
    """Booleans written as true/false, yes/no, y/n, t/f, 1/0, or in the declared words alone, where there are some."""
    lower = texts.str.lower()
    true, false = TRUE_TEXTS, FALSE_TEXTS
    if declared.true_values or declared.false_values:
        lower = texts.map({text: fold_value(text) for text in texts.dropna().unique()}).astype("str")
        true = frozenset(map(fold_value, declared.true_values))
        false = frozenset(map(fold_value, declared.false_values))
    missing = texts.isna() | lower.isin(NO_VALUE - true - false)
    truth = lower.isin(true)
    values = truth.astype("boolean").mask(~truth & ~lower.isin(false))
    return Cast(values, values.isna() & ~missing)


def cast_lists(texts: pd.Series, separator: str | None) -> pd.Series:
    """Lists as JSON arrays; between values stands the declared sign, else the first usual one that any cell holds."""
    present = texts.dropna().unique()
    plain = [text for text in present if not text.startswith(("[", "{"))]
    sign = separator or next((one for one in SEPARATORS if any(one in text for text in plain)), None)
    held = {text: list_items(text, sign) for text in present}
    return texts.map({text: list_text(items) for text, items in held.items() if items}).astype("str")


def cast_choices(texts: pd.Series, allowed: Sequence[str]) -> pd.Series:
    """Texts in the spelling of the allowed value they equal but for case, blanks, dashes and underscores."""
    if not allowed:
        return texts
    spelled = {fold_value(value): value for value in allowed}
    known = {text: spelled.get(fold_value(text), text) for text in texts.dropna().unique()}
    return texts.map(known).astype("str")
