"""Attributes by which policies are shown apart."""

import pandas as pd

from features.matrix import Matrix

SEGMENT_VALUES = 12  # more values of one attribute make a table nobody reads


def segments_of(test: Matrix) -> dict[str, pd.Series]:
    """Declared categories of leads and accounts with two to twelve values, by label."""
    found = {}
    for feature in test.catalog:
        values = test.values[feature.name] if feature.family in ("attributes", "titles") else None
        if values is None or pd.api.types.is_numeric_dtype(values) or not 2 <= values.nunique() <= SEGMENT_VALUES:
            continue
        found[feature.label or feature.name.replace("_", " ")] = values.astype("object")
    return found
