"""The values of a column, each once with its number of rows: what a large column is judged by without looking twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema.columns import Column
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.values.number_form import weigh_signs
from pipelines.ingest.values.type_casting import plain_texts

_FEW, _DIFFERENT = 20, 0.9  # rows too few to tell, and share of different values above it
THREADS = 4  # columns looked at at a time, as Arrow does not hold the interpreter; more of them only wait for it


def texts_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Values of a file as ``ingest`` reads them: texts without surrounding blanks, missing where empty."""

    def texts(series: pd.Series) -> pd.Series:
        return plain_texts(series, Column()).reset_index(drop=True)

    with ThreadPoolExecutor(THREADS) as pool:
        columns = pool.map(texts, [series for _, series in frame.items()])
        return pd.DataFrame(dict(zip(map(str, frame.columns), columns, strict=True)))


def texts_of_table(raw: RawTable) -> pd.DataFrame:
    """Values of a file as texts to judge its columns by: a number among texts with a comma is written like them."""
    frame = texts_of(raw.frame)
    for header in map(str, raw.numbers):
        typed = raw.are_numbers(header) if header in frame else np.zeros(0, dtype=np.bool_)
        if typed.any() and weigh_signs(frame.loc[~typed, header]).decimal == ",":
            frame.loc[typed, header] = frame.loc[typed, header].str.replace(".", ",", regex=False)
    return frame


@dataclass(frozen=True)
class ColumnValues:
    """Distinct values of a column in order of their first row.

    Parameters
    ----------
    values : distinct texts, shape (k,), none missing
    counts : rows of each, shape (k,)
    codes : position of every row's value in ``values``, shape (n,); -1 where it is missing
    """

    values: pd.Series
    counts: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, texts: pd.Series) -> "ColumnValues":
        """The values of a column of texts; missing ones are left out."""
        codes, values = pd.factorize(texts)
        codes = codes.astype(np.int64)
        counts = np.bincount(codes[codes >= 0], minlength=len(values)).astype(np.int64)
        return cls(pd.Series(values, name=texts.name, dtype="str"), counts, codes)

    def without(self, left_out: npt.NDArray[np.bool_]) -> "ColumnValues":
        """The values but for those marked, whose rows are missing then."""
        if not left_out.any():
            return self
        place = np.cumsum(~left_out) - 1
        place[left_out] = -1
        codes = np.where(self.codes >= 0, place[self.codes], -1)
        return ColumnValues(self.values[~left_out].reset_index(drop=True), self.counts[~left_out], codes)

    @property
    def rows(self) -> int:
        """Rows with a value."""
        return int(self.counts.sum())

    def share(self, hit: pd.Series) -> float:
        """Share of the rows with a value whose value is marked; NaN without any, as a mean."""
        return float(np.average(hit.fillna(False).to_numpy(dtype=bool), weights=self.counts)) if self.rows else np.nan

    @property
    def differ(self) -> bool:
        """Whether nearly every row has a value of its own."""
        return self.rows > _FEW and len(self.values) > _DIFFERENT * self.rows

    def mean_length(self) -> float:
        """Mean number of characters of a row's value."""
        return float(np.average(self.values.str.len().to_numpy(dtype=np.float64), weights=self.counts))

    def some_rows(self, most: int) -> pd.Series:
        """Values of at most so many rows (and one step more), spread evenly over those with a value."""
        filled = self.codes[self.codes >= 0]
        return self.values.iloc[filled[:: max(len(filled) // most, 1)]].reset_index(drop=True)


def purity(codes: npt.NDArray[np.int64], won: npt.NDArray[np.float64], least_rows: int) -> float | None:
    """Share of the rows whose outcome their value's majority gives away; None if half of the rows have rare values.

    ``codes`` count from -1 (missing, a value like any other); values of fewer rows than ``least_rows`` are left out.
    """
    sizes = np.bincount(codes + 1)
    wins = np.bincount(codes + 1, weights=won)
    common = sizes >= least_rows
    if not len(codes) or sizes[common].sum() / len(codes) < 0.5:
        return None
    return float(np.maximum(wins, sizes - wins)[common].sum() / sizes[common].sum())
