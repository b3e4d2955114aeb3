"""Columns of a file as one column of texts or moments: of each row the first value that is there."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.array_types import Bools
from features.cohort.email_addresses import ADDRESS_DERIVATIONS
from features.kernel.list_items import list_text
from features.schema.columns import Column
from features.schema.vocabulary import ColumnType
from pipelines.ingest.values.number_form import mean_no_value
from pipelines.ingest.values.type_casting import plain_texts


def values_of(values: pd.Series, column: Column, kind: ColumnType) -> pd.Series:
    """Texts, or the moments of a typed column."""
    if kind is ColumnType.TIMESTAMP and pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values
    if kind is ColumnType.LIST and pd.api.types.is_object_dtype(values.dtype):  # lists of a Parquet or JSON file
        several = values.map(lambda cell: isinstance(cell, list | tuple | np.ndarray))
        values = values.where(~several, values[several].map(lambda cell: list_text([str(one) for one in cell])))
    texts = plain_texts(values, column)
    if column.derive is None:
        return texts
    derive = ADDRESS_DERIVATIONS[column.derive]
    return texts.map({text: derive(text) for text in texts.dropna().unique()}).astype("str")


def without_no_value(texts: pd.Series) -> pd.Series:
    """Texts of ids, names of owners and times without those that mean no value; moments as they are."""
    return texts.mask(mean_no_value(texts)) if pd.api.types.is_string_dtype(texts.dtype) else texts


def no_value_in_words(texts: Counter[str]) -> str:
    """Texts that mean no value, counted.

    >>> no_value_in_words(Counter({"NULL": 5, "-": 1}))
    "6 values '-' or 'NULL'"
    """
    shown = " or ".join(f"'{text}'" for text in sorted(texts)[:3])
    return f"{texts.total():,} values {shown}"


def first_filled(parts: Sequence[pd.Series]) -> pd.Series:
    """Of each row the first value that is there; columns of several types are read as texts."""
    if len({str(part.dtype) for part in parts}) > 1:
        parts = [part if pd.api.types.is_string_dtype(part.dtype) else plain_texts(part, Column()) for part in parts]
    filled = parts[0]
    for part in parts[1:]:
        filled = filled.where(filled.notna(), part)
    return filled


def first_told(parts: Sequence[pd.Series], told: Sequence[Bools]) -> Bools:
    """Of each row what is told of the first value that is there."""
    first, open_ = told[0], parts[0].isna().to_numpy(dtype=np.bool_)
    for part, one in zip(parts[1:], told[1:], strict=True):
        first = np.where(open_, one, first)
        open_ = open_ & part.isna().to_numpy(dtype=np.bool_)
    return first
