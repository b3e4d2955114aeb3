"""A user's frame or array read as a flat table: columns typed, named for the catalog, checked at prediction."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_array

from features.array_types import Floats
from features.assembly.flat_matrix import flat_values
from features.catalog.build_catalog import build_catalog
from features.catalog.feature import Catalog
from features.errors import PolicyError
from features.rubric.checks import check_against_source
from features.rubric.schema import Rubric
from features.schema.readable_names import distinct_name, readable_name
from features.schema.source import Source

TARGET = "outcome_of_row"  # a flat source must name a target; no column of a user's is called so by chance


@dataclass(frozen=True)
class UserFrame:
    """How the columns of a frame are read.

    Parameters
    ----------
    names : of the user's columns, in their order
    source : a flat source with a column for each, under a name that the catalog can bear
    catalog : the features, those of the rubric's rules among them
    """

    names: tuple[Any, ...]
    source: Source
    catalog: Catalog

    @classmethod
    def of(cls, frame: pd.DataFrame, rubric: Rubric | None = None) -> "UserFrame":
        """Numbers and booleans are numbers, texts and categories are categories; rules of the rubric read them.

        A column of objects is what its objects are: numbers (decimals too) with gaps are numbers, in a frame as in an
        array.

        Raises
        ------
        ValueError : a column holds moments or durations
        PolicyError : the rubric speaks of a column that is not there
        """
        taken, columns = {TARGET}, {}
        for name, series in zip(frame.columns, _columns(frame), strict=True):
            known = readable_name(str(name)) == str(name)
            plain = distinct_name(str(name) if known else readable_name(str(name)), taken)
            columns[plain] = {"from": str(name), "type": _type_of(name, series), "label": str(name)}
        source = Source.model_validate(
            {
                "name": "frame",
                "kind": "flat",
                "flat": {"target": {"column": TARGET, "won": ["1"], "lost": ["0"]}},
                "tables": {
                    "leads": {
                        "location": {"file": "frame.csv"},
                        "columns": columns | {TARGET: {"type": "category"}},
                    }
                },
            }
        )
        if rubric is not None:
            found = [message for _, message in check_against_source(rubric, source)]
            if found:
                raise PolicyError(f"rubric '{rubric.name}' does not fit the columns of the frame: {'; '.join(found)}")
        return cls(tuple(frame.columns), source, build_catalog(source, rubric))

    def values(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The catalog's columns of a frame with the same columns, shape (n, len(catalog)).

        Raises
        ------
        ValueError : a column that held numbers holds something else, one that held categories holds numbers (5.0 is no
            category "5"), or a number is infinite
        """
        declared = self.source.tables["leads"].columns
        plain = {
            name: _as_declared(self.names[k], series, declared[name].type == "number")
            for k, (name, series) in enumerate(zip(self._own, _columns(frame), strict=True))
        }
        return flat_values(pd.DataFrame(plain, index=pd.RangeIndex(len(frame))), self.catalog, self.source)

    @property
    def _own(self) -> tuple[str, ...]:
        return tuple(name for name in self.source.tables["leads"].columns if name != TARGET)


def index_of(X: Any) -> pd.Index | None:
    """The index of a user's frame, None of an array."""
    return X.index if isinstance(X, pd.DataFrame) else None


def frame_of(X: Any) -> pd.DataFrame:
    """What a user handed in as a frame; the columns of an array are ``x0``, ``x1``, ...

    An array of objects, or a list of rows, may hold numbers, texts and gaps (``None``, NaN): each column is what it
    holds.

    Raises
    ------
    ValueError, TypeError : as scikit-learn says it, for what is no table; an array of texts alone
    """
    if isinstance(X, pd.DataFrame):
        if not len(X):
            raise ValueError(f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required.")
        if not X.shape[1]:
            raise ValueError(f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required.")
        return X.reset_index(drop=True)
    if isinstance(X, list | tuple) and np.asarray(X, dtype=object).ndim == 2:
        X = np.asarray(X, dtype=object)
    kind = getattr(getattr(X, "dtype", None), "kind", "")
    if kind in ("U", "S"):
        raise ValueError(
            "an array of texts no longer tells numbers and gaps ('nan') from texts; hand over a frame, or its objects: "
            "frame.to_numpy(dtype=object)."
        )
    if kind == "O" and _holds_texts(X):
        frame = pd.DataFrame(check_array(X, dtype=None, ensure_all_finite=False), dtype=object)
    else:
        frame = pd.DataFrame(check_array(X, dtype="numeric", ensure_all_finite=False))
    return frame.set_axis([f"x{k}" for k in range(frame.shape[1])], axis=1)


def _holds_texts(objects: Any) -> bool:
    return any(isinstance(one, str) for one in np.asarray(objects, dtype=object).ravel())


def _columns(frame: pd.DataFrame) -> list[pd.Series]:
    return [frame.iloc[:, k] for k in range(frame.shape[1])]


def _type_of(name: Any, series: pd.Series) -> str:
    if _are_number_objects(series):
        return "number"
    kind = series.infer_objects().dtype
    if pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind):
        raise ValueError(
            f"column {name!r} holds {kind}: a moment says when a row is from, not what it is. Make it an age in days "
            "at the moment of scoring, or hand it over as as_of."
        )
    if pd.api.types.is_complex_dtype(kind):
        raise ValueError(f"Complex data not supported: column {name!r}.")
    return "number" if pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind) else "category"


def _are_number_objects(series: pd.Series) -> bool:
    """Whether a column of objects holds numbers, true or false, decimals and gaps alone, and not gaps alone."""
    if series.dtype != object:
        return False
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind.startswith("mixed"):  # a decimal beside a number of Python
        return all(isinstance(one, int | float | Decimal | np.number | np.bool_) for one in series.dropna())
    return kind in ("integer", "floating", "decimal", "boolean") and bool(series.notna().any())


def _as_declared(name: Any, series: pd.Series, number: bool) -> pd.Series:
    if not number:
        if pd.api.types.is_numeric_dtype(series.dtype) and series.notna().any():
            raise ValueError(
                f"column {name!r} held categories in training and now holds {series.dtype}: {series.dropna().iloc[0]} "
                "is none of them. Hand over texts as then, or the numbers in training too."
            )
        return series.astype(object).where(series.notna(), None).astype("str")
    try:
        values: Floats = series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"column {name!r} held numbers in training and now holds {series.dtype}: {problem}") from None
    if np.isinf(values).any():
        raise ValueError(
            f"Input X contains infinity or a value too large for dtype('float64'): column {name!r}. Write NaN where "
            "nothing is known."
        )
    return pd.Series(values)
