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
        """The sum of the parts and the base, shape (n,)."""
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
    ) -> Self:
        """A fitted candidate; ``self`` stays as it is.

        Parameters
        ----------
        values : shape (n, features)
        won : shape (n,), 1 or 0
        weight : shape (n,); rows of one lead weigh one together
        catalog : of the columns, with types, families and declared directions
        seed : of everything drawn
        group : shape (n,), codes of accounts; None where every row is its own
        """
        ...

    def log_odds(self, values: Values) -> Floats:
        """Log-odds per row, before calibration, shape (n,)."""
        ...

    def contributions(self, values: Values) -> Contributions:
        """Additive parts of :meth:`log_odds`; their sum equals it within 1e-9."""
        ...

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and :meth:`contributions`, reading the values once."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything fitted, JSON-ready; ``files`` lists the names of :meth:`files`, where there are any."""
        ...

    def files(self) -> Mapping[str, str]:
        """Text files that belong to the state, by name."""
        ...

    @classmethod
    def restore(cls, state: Mapping[str, Any], files: Mapping[str, str]) -> Self:
        """The candidate of a :meth:`state` and its :meth:`files`."""
        ...


@dataclass(frozen=True)
class Calibration:
    """Affine map in log-odds: ``slope * z + intercept`` with slope > 0."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, log_odds: Floats) -> Floats:
        """Calibrated log-odds, of the same shape."""
        return self.slope * log_odds + self.intercept


@dataclass(frozen=True)
class Scale:
    """Log-odds to points: ``50 + (pdo / ln 2) * (log_odds - reference)``, clipped to 0..100."""

    version: str
    reference_log_odds: float
    pdo: float = 10.0

    @property
    def points_per_log_odds(self) -> float:
        """Points of one unit of log-odds: ``pdo`` points double the odds."""
        return float(self.pdo / np.log(2.0))
