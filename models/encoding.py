"""Columns of a matrix as numbers a linear model can use; the encoder is JSON and treats the unseen on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.catalog import Catalog
from models.scorer import Floats

RARE = "(rare)"
MISSING = "(missing)"
_RARE_COUNT = 20
_WINSOR = 0.005


def weighted_quantiles(values: Floats, weight: Floats, at: Floats) -> Floats:
    """Quantiles of weighted values; ``values`` holds no NaN and is not empty."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weight[order])
    places = np.searchsorted(cumulative, np.asarray(at) * cumulative[-1], side="left")
    return np.asarray(values[order][np.minimum(places, len(values) - 1)], dtype=np.float64)


@dataclass(frozen=True)
class NumberCode:
    """A number as a clipped, standardised column and, if it was ever missing, an indicator."""

    low: float
    high: float
    centre: float
    spread: float
    fill: float
    has_missing: bool
    log: bool

    @classmethod
    def fit(cls, values: Floats, weight: Floats) -> Self | None:
        """Code of a column; None if it tells nothing (constant and never missing)."""
        known = ~np.isnan(values)
        if not known.any():
            return None
        low, high = weighted_quantiles(values[known], weight[known], np.array([_WINSOR, 1 - _WINSOR]))
        log = bool(low >= 0 and high > 20 * max(float(np.median(values[known])), 1e-9))
        shown = _bend(np.clip(values[known], low, high), log)
        centre = float(np.average(shown, weights=weight[known]))
        spread = float(np.sqrt(np.average((shown - centre) ** 2, weights=weight[known])))
        if spread < 1e-12 and known.all():
            return None
        fill = float(np.median(values[known]))
        return cls(float(low), float(high), centre, max(spread, 1e-12), fill, not bool(known.all()), log)

    def columns(self, values: Floats) -> Floats:
        missing = np.isnan(values)
        filled = np.clip(np.where(missing, self.fill, values), self.low, self.high)
        scaled = (_bend(filled, self.log) - self.centre) / self.spread
        return np.column_stack([scaled, missing.astype(np.float64)]) if self.has_missing else scaled[:, None]

    @property
    def width(self) -> int:
        return 2 if self.has_missing else 1


def _bend(values: Floats, log: bool) -> Floats:
    return np.log1p(np.maximum(values, 0.0)) if log else values


@dataclass(frozen=True)
class CategoryCode:
    """A category as one column per kept level; rare and unseen levels share one, missing has its own."""

    levels: tuple[str, ...]

    @classmethod
    def fit(cls, values: pd.Series) -> Self:
        counts = values.value_counts()
        kept = sorted(str(level) for level, count in counts.items() if count >= _RARE_COUNT)
        return cls((*kept, RARE, MISSING))

    def codes(self, values: pd.Series) -> npt.NDArray[np.int64]:
        """Position of each value's level."""
        place = {level: i for i, level in enumerate(self.levels)}
        found = values.map(place).astype("float64").to_numpy()
        rare, missing = len(self.levels) - 2, len(self.levels) - 1
        return np.where(values.isna().to_numpy(), missing, np.where(np.isnan(found), rare, found)).astype(np.int64)

    def columns(self, values: pd.Series) -> Floats:
        return np.asarray(np.eye(len(self.levels))[self.codes(values)], dtype=np.float64)

    @property
    def width(self) -> int:
        return len(self.levels)


Code = NumberCode | CategoryCode


@dataclass(frozen=True)
class Encoder:
    """Codes by feature; :meth:`transform` gives the design matrix and :attr:`owner` each column's feature."""

    codes: Mapping[str, Code]

    @classmethod
    def fit(cls, values: pd.DataFrame, weight: Floats, catalog: Catalog) -> Self:
        codes: dict[str, Code] = {}
        for name in catalog.numbers:
            code = NumberCode.fit(values[name].to_numpy(dtype=np.float64), weight)
            if code is not None:
                codes[name] = code
        for name in catalog.categories:
            codes[name] = CategoryCode.fit(values[name])
        return cls(codes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.codes)

    @property
    def owner(self) -> npt.NDArray[np.int64]:
        """For each design column the position of its feature in :attr:`names`."""
        return np.repeat(np.arange(len(self.codes)), [code.width for code in self.codes.values()])

    def transform(self, values: pd.DataFrame) -> Floats:
        parts = [_columns(code, values[name]) for name, code in self.codes.items()]
        return np.hstack(parts) if parts else np.zeros((len(values), 0))

    def state(self) -> dict[str, Any]:
        return {"codes": [[name, _state(code)] for name, code in self.codes.items()]}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        return cls({name: _restored(code) for name, code in state["codes"]})


def _columns(code: Code, values: pd.Series) -> Floats:
    if isinstance(code, NumberCode):
        return code.columns(values.to_numpy(dtype=np.float64))
    return code.columns(values)


def _state(code: Code) -> dict[str, Any]:
    if isinstance(code, NumberCode):
        return {"number": [code.low, code.high, code.centre, code.spread, code.fill, code.has_missing, code.log]}
    return {"levels": list(code.levels)}


def _restored(state: Mapping[str, Any]) -> Code:
    return NumberCode(*state["number"]) if "number" in state else CategoryCode(tuple(state["levels"]))
