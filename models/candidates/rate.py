"""The base rate: everybody gets the same log-odds. What every other candidate must beat."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import Values
from features.catalog.feature import Catalog
from models.interfaces import Contributions
from models.logistic import logit


class RateCandidate:
    """Weighted share of won rows; who asks for the base rate of a list weighs each row alike (docs/adr/0006)."""

    name = "rate"

    def __init__(self, base: float = 0.0) -> None:
        self.base = base

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
        """The candidate of the weighted share of won rows; the values are not looked at."""
        return type(self)(logit(float(np.average(won, weights=weight))))

    def log_odds(self, values: Values) -> Floats:
        """The base rate's log-odds for every row, shape (n,)."""
        return np.full(len(values), self.base)

    def contributions(self, values: Values) -> Contributions:
        """The base alone: no feature contributes."""
        return Contributions((), np.zeros((len(values), 0)), self.base)

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and :meth:`contributions`."""
        return self.log_odds(values), self.contributions(values)

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle."""
        return {"base": self.base}

    def files(self) -> Mapping[str, str]:
        """No text files: the state holds everything."""
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any], files: Mapping[str, str]) -> Self:
        """The candidate of a :meth:`state`."""
        return cls(float(state["base"]))
