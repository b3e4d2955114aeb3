"""Rows with a value longer than any export's: kept out by name, as a damaged file runs its rest into one value."""

import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.ingest.reading.delimited_rows import BrokenRow
from pipelines.ingest.reading.raw_table import RawTable

TOO_LONG = "field_length"  # rule of the quarantine


def set_long_values_aside(raw: RawTable, most: int) -> RawTable:
    """The rows without those that hold a value of more than ``most`` characters, which are broken."""
    hit = np.zeros(len(raw.frame), dtype=np.bool_)
    for name in range(raw.frame.shape[1]):
        hit |= _is_long(raw.frame.iloc[:, name], most)
    if not hit.any():
        return raw
    broken = [BrokenRow(int(raw.rows[i]), TOO_LONG, _written(raw.frame.iloc[i])) for i in np.flatnonzero(hit)]
    return replace(
        raw,
        frame=raw.frame[~hit].reset_index(drop=True),
        rows=raw.rows[~hit],
        broken=tuple(sorted([*raw.broken, *broken], key=lambda row: row.row)),
    )


def _is_long(values: pd.Series, most: int) -> npt.NDArray[np.bool_]:
    if not pd.api.types.is_string_dtype(values.dtype) or not len(values):
        return np.zeros(len(values), dtype=np.bool_)
    if values.dtype == "object":  # True and False with an empty cell, say: no text at all, or some among others
        lengths = values.map(lambda value: len(value) if isinstance(value, str) else 0)
        return (lengths > most).to_numpy(dtype=np.bool_)
    lengths = values.str.len()  # of Arrow's chunks as they are: one array of them all would be built value by value
    return (lengths > most).fillna(False).to_numpy(dtype=np.bool_)


def _written(row: pd.Series) -> str:
    return json.dumps(
        {str(name): None if pd.isna(value) else str(value) for name, value in row.items()}, ensure_ascii=False
    )
