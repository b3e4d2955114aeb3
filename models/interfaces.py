"""The interface all candidates share, and what they hand over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import Values
from features.catalog.feature import Catalog


@dataclass(frozen=True)
class Contributions:
    """Additive parts of log-odds: ``base + values.sum(axis=1)`` equals the log-odds.

    Parameters
    ----------
    names : the features, in column order
    values : shape (n, len(names)), log-odds
    base : log-odds of the empty sum
    """

    names: tuple[str, ...]
    values: Floats
    base: float

    @property
    def log_odds(self) -> Floats:
        return np.asarray(self.base + self.values.sum(axis=1), dtype=np.float64)

    def rescale(self, factor: float, shift: float = 0.0) -> "Contributions":
        """Contributions of ``factor * log_odds + shift``."""
        return Contributions(self.names, self.values * factor, self.base * factor + shift)


class Candidate(Protocol):
    """A model of the log-odds to be won within the horizon.

    ``fit`` returns a new, fitted candidate; ``values`` always holds the catalog's columns (numbers float64
    with NaN, categories ``str`` with NA). ``group`` (shape (n,), codes) keeps rows of one account together
    wherever a choice is made by inner folds. State is JSON plus named text files, never pickle.
    """

    name: str

    def fit(
        self,
        values: pd.DataFrame,
        won: Floats,
        weight: Floats,
        *,
        catalog: Catalog,
        seed: int,
        group: Ints | None = None,
    ) -> Self: ...

    def log_odds(self, values: Values) -> Floats: ...

    def contributions(self, values: Values) -> Contributions: ...

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and :meth:`contributions` at one reading of the values."""
        ...

    def state(self) -> dict[str, Any]: ...

    def files(self) -> Mapping[str, str]: ...

    @classmethod
    def restore(cls, state: Mapping[str, Any], files: Mapping[str, str]) -> Self: ...


@dataclass(frozen=True)
class Calibration:
    """Affine map in log-odds: ``slope * z + intercept`` with slope > 0."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, log_odds: Floats) -> Floats:
        return self.slope * log_odds + self.intercept


@dataclass(frozen=True)
class Scale:
    """Log-odds to points: ``50 + (pdo / ln 2) * (log_odds - reference)``, clipped to 0..100."""

    version: str
    reference_log_odds: float
    pdo: float = 10.0

    @property
    def points_per_log_odds(self) -> float:
        return float(self.pdo / np.log(2.0))
