"""Attributes by which policies and calibration are shown apart."""

from itertools import pairwise

import numpy as np
import pandas as pd

from features.catalog.feature import Feature
from features.matrix import Matrix
from features.schema.people.people_texts import nameable_levels

OTHERS = "(others)"
SEGMENT_VALUES = 12  # more values of one attribute make a table nobody reads
PEOPLE = "people"  # the declared unit of a company's size
_SIZES = (10, 50, 250, 1_000)  # first number of employees of each band but the smallest; 10, 50, 250 are the EU's


def segments_of(test: Matrix) -> dict[str, pd.Series]:
    """Attributes of leads and accounts with two to twelve values, by label: categories, and sizes of companies.

    Values that tell of a person are among :data:`OTHERS`.
    """
    found = {}
    for feature in test.catalog:
        if feature.family not in ("attributes", "titles"):
            continue
        values = show_as_segment(feature, test.values[feature.name])
        if values is not None and 2 <= values.nunique() <= SEGMENT_VALUES:
            found[feature.label or feature.name.replace("_", " ")] = values
    return found


def slices_of(keys: pd.DataFrame, column: pd.Series, key: str, *, people: bool = False) -> pd.Series | None:
    """A declared column beside the rows, learned from or not: at most twelve values, rarer ones as :data:`OTHERS`.

    Parameters
    ----------
    keys : keys of the judged rows
    column : the column's values, indexed by ``key``; of several rows the last counts
    key : ``lead_id`` or ``account_id``
    people : whether the values are sizes of companies

    Returns None where fewer than two values are known.
    """
    known = column[~column.index.duplicated(keep="last")]
    values = keys[key].map(known).reset_index(drop=True)
    named = name_sizes(values) if people else values.astype("object")
    counts = named.value_counts()
    if len(counts) < 2:
        return None
    kept = counts.index[: SEGMENT_VALUES - 1] if len(counts) > SEGMENT_VALUES else counts.index
    return named.where(named.isna() | named.isin(kept), OTHERS)


def show_as_segment(feature: Feature, values: pd.Series) -> pd.Series | None:
    """The values as a few names, those that tell of a person as one; None of numbers that are no sizes of companies."""
    if not pd.api.types.is_numeric_dtype(values):
        texts = values.astype("object")
        named = nameable_levels(feature.name, values.dropna().astype("str").unique().tolist())
        return texts.where(texts.isna() | texts.isin(named), OTHERS)
    return name_sizes(values) if feature.unit == PEOPLE else None


def name_sizes(people: pd.Series) -> pd.Series:
    """Bands of numbers of employees; NA stays NA.

    >>> name_sizes(pd.Series([3.0, 10.0, 999.0, 1000.0, None])).tolist()
    ['1 to 9', '10 to 49', '250 to 999', '1,000 and more', nan]
    """
    names = ["1 to 9", *(f"{low:,} to {high - 1:,}" for low, high in pairwise(_SIZES))]
    names.append(f"{_SIZES[-1]:,} and more")
    band = np.searchsorted(_SIZES, people.to_numpy(dtype=np.float64), side="right")
    named = pd.Series(np.asarray(names, dtype=object)[np.minimum(band, len(names) - 1)], index=people.index)
    return named.where(people.notna())
