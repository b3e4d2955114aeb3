"""Values of a column as the table ``answers`` holds them."""

import pandas as pd

from features.kernel.column_reader import text_of
from features.schema.vocabulary import ColumnType


def answer_texts(values: pd.Series, kind: ColumnType) -> pd.Series:
    """Texts of typed values, timestamps as ISO in UTC; missing stays missing."""
    if kind is ColumnType.TIMESTAMP:
        return values.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ").where(values.notna()).astype("str")
    return pd.Series([text_of(value) for value in values], index=values.index, dtype="str")
