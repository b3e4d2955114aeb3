"""Rows of features without a frame: for what one request asks, pandas costs more than the model does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Bools, Floats, Texts
from features.catalog.feature import Catalog
from features.kernel.column_reader import Coded

FEW = 64  # rows up to which a look-up per value beats pandas


@dataclass(frozen=True)
class PlainRows:
    """Feature values as plain arrays: what a frame of a catalog's columns holds.

    Parameters
    ----------
    numbers : names of the number columns
    block : shape (n, len(numbers)), NaN where missing
    categories : by name, n texts; None where missing
    names : all columns in catalog order
    """

    numbers: tuple[str, ...]
    block: Floats
    categories: Mapping[str, tuple[str | None, ...]]
    names: tuple[str, ...]

    @classmethod
    def from_columns(cls, catalog: Catalog, found: Sequence[Floats | Coded], length: int) -> "PlainRows":
        """Of the kernel's columns, in catalog order."""
        numbers: list[Any] = [found[place] for place in catalog.number_places]
        stacked = np.concatenate([np.empty(0), *numbers], dtype=np.float64)
        block = np.ascontiguousarray(stacked.reshape(len(numbers), length).T)
        places = zip(catalog.categories, catalog.category_places, strict=True)
        return cls(catalog.numbers, block, {name: _texts(found[k], length) for name, k in places}, catalog.names)

    @classmethod
    def of(cls, values: pd.DataFrame, catalog: Catalog) -> "PlainRows":
        """Of a frame of the catalog's columns."""
        block = values.loc[:, list(catalog.numbers)].to_numpy(dtype=np.float64)
        texts = {
            name: tuple(text if isinstance(text, str) else None for text in values[name].tolist())
            for name in catalog.categories
        }
        return cls(catalog.numbers, block, texts, catalog.names)

    def __len__(self) -> int:
        return len(self.block)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The same as a frame: float64 numbers and ``str`` categories, columns in catalog order."""
        index = pd.RangeIndex(len(self.block))
        numbers = pd.DataFrame(self.block, index=index, columns=list(self.numbers))
        if not self.categories:
            return numbers
        texts = {name: pd.array(list(found), dtype="str") for name, found in self.categories.items()}
        both = pd.concat([numbers, pd.DataFrame(texts, index=index)], axis=1)
        return both.loc[:, list(self.names)]

    def row(self, place: int) -> dict[str, Any]:
        """One row by name; missing numbers are NaN, missing texts None."""
        found: dict[str, Any] = dict(zip(self.numbers, self.block[place].tolist(), strict=True))
        return found | {name: texts[place] for name, texts in self.categories.items()}


Values = pd.DataFrame | PlainRows


def frame_of_values(values: Values) -> pd.DataFrame:
    """As a frame, whichever it was."""
    return values.frame if isinstance(values, PlainRows) else values


def number_block(values: Values, names: Sequence[str]) -> Floats:
    """Number columns side by side, shape (n, len(names)); one look at the rows instead of one per column."""
    if isinstance(values, PlainRows):
        return values.block[:, _places(values.numbers, tuple(names))]
    return np.asarray(values.loc[:, list(names)].to_numpy(dtype=np.float64), dtype=np.float64)


def column_names(values: Values) -> tuple[str, ...]:
    """All columns."""
    return values.names if isinstance(values, PlainRows) else tuple(values.columns)


def objects(values: Values, name: str) -> Texts:
    """One column as Python objects, shape (n,)."""
    if isinstance(values, PlainRows):
        texts = values.categories.get(name)
        column = number_block(values, (name,))[:, 0].tolist() if texts is None else texts
        return np.array(column, dtype=object)
    return np.asarray(values[name].to_numpy(dtype=object))


def texts_of(values: Values, name: str) -> list[Any]:
    """One category column; whatever is not a text is missing."""
    return list(values.categories[name]) if isinstance(values, PlainRows) else values[name].tolist()


def missing_in(values: Values, name: str) -> Bools:
    """Where a column has no value, shape (n,)."""
    if isinstance(values, PlainRows):
        texts = values.categories.get(name)
        if texts is not None:
            return np.array([text is None for text in texts], dtype=np.bool_)
        return np.isnan(number_block(values, (name,))[:, 0])
    return values[name].isna().to_numpy()


def row_of(values: Values, place: int) -> dict[str, Any]:
    """One row by name."""
    if isinstance(values, PlainRows):
        return values.row(place)
    return {str(name): value for name, value in values.iloc[place].items()}


def rows_at(values: Values, place: int) -> Values:
    """One row, as rows."""
    if not isinstance(values, PlainRows):
        return values.iloc[[place]].reset_index(drop=True)
    texts = {name: found[place : place + 1] for name, found in values.categories.items()}
    return PlainRows(values.numbers, values.block[place : place + 1], texts, values.names)


@lru_cache(maxsize=128)
def _places(numbers: tuple[str, ...], names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    place = {name: k for k, name in enumerate(numbers)}
    return np.array([place[name] for name in names], dtype=np.int64)


def _texts(values: Floats | Coded, length: int) -> tuple[str | None, ...]:
    if not isinstance(values, Coded):
        return (None,) * length
    texts = (*values.values, None)  # -1 is the last
    return tuple([texts[code] for code in values.codes.tolist()])
