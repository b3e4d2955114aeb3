"""Regularised logistic regression on standardised numbers and one-hot categories."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import Values
from features.catalog.feature import Catalog
from models.encoding.linear_encoder import Encoder
from models.grouped_folds import grouped_folds
from models.interfaces import Contributions
from models.logistic import fit_logistic, fit_penalties, log_loss

PENALTIES = (1.0, 5.0, 25.0, 125.0)  # a factor of five apart: the loss is flat in between (docs/adr/0014)
_FOLDS = 3
_TUNE_ROWS = 6_000  # rows the inner folds look at; bounds the time, as every fold fits every penalty


def learned_catalog(catalog: Catalog) -> Catalog:
    """What a learned candidate may see: no rubric rules, no evidence inputs."""
    return Catalog(tuple(f for f in catalog if f.family not in ("rules", "evidence")))


class LinearCandidate:
    """L2-penalised logistic regression; the penalty is chosen by inner folds."""

    name = "linear"

    def __init__(self, encoder: Encoder | None = None, theta: Floats | None = None, penalty: float = 5.0) -> None:
        self.encoder = encoder or Encoder({})
        self.theta = np.zeros(1) if theta is None else theta
        self.penalty = penalty

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
        """The candidate with encoder, penalty and coefficients fitted; declared directions bound the signs."""
        seen = learned_catalog(catalog)
        encoder = Encoder.fit(values, weight, seen, won)
        design = _with_ones(encoder.learning_design(values, won, weight, group, seed))
        sign = np.r_[0, encoder.signs({feature.name: feature.direction for feature in seen})]
        penalty = choose_penalty(design, won, weight, group, seed, sign=sign)
        theta = fit_logistic(design, won, weight, _penalties(design, penalty), sign=sign)
        return type(self)(encoder, theta, penalty)

    def at_level_of(self, values: pd.DataFrame, won: Floats) -> Self:
        """The same with the level of other rows: probabilities that are the share won among them, on average."""
        moved = fit_logistic(np.ones((len(won), 1)), won, np.ones(len(won)), np.zeros(1), offset=self.log_odds(values))
        return type(self)(self.encoder, np.r_[self.theta[0] + float(moved[0]), self.theta[1:]], self.penalty)

    def log_odds(self, values: Values) -> Floats:
        """Log-odds per row, shape (n,)."""
        return self._log_odds(self.encoder.transform(values))

    def contributions(self, values: Values) -> Contributions:
        """Parts by feature: the sum over its design columns."""
        return self._contributions(self.encoder.transform(values))

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and :meth:`contributions`, encoding the values once."""
        design = self.encoder.transform(values)
        return self._log_odds(design), self._contributions(design)

    def _log_odds(self, design: Floats) -> Floats:
        # not a matrix product: its last bit would depend on how many rows are scored together
        return np.asarray((_with_ones(design) * self.theta).sum(axis=1), dtype=np.float64)

    def _contributions(self, design: Floats) -> Contributions:
        parts = design * self.theta[1:]
        first = np.fromiter(self.encoder.starts.values(), dtype=np.int64, count=len(self.encoder.starts))
        summed = np.add.reduceat(parts, first, axis=1) if len(first) else np.zeros((len(design), 0))
        return Contributions(self.encoder.names, summed, float(self.theta[0]))

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle."""
        return {"encoder": self.encoder.state(), "theta": self.theta.tolist(), "penalty": self.penalty}

    def files(self) -> Mapping[str, str]:
        """No text files: the state holds everything."""
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any], files: Mapping[str, str]) -> Self:
        """The candidate of a :meth:`state`."""
        theta = np.asarray(state["theta"], dtype=np.float64)
        return cls(Encoder.restore(state["encoder"]), theta, float(state["penalty"]))


def _with_ones(design: Floats) -> Floats:
    """The design with the intercept's column before it."""
    return np.hstack([np.ones((len(design), 1)), design])


def _penalties(design: Floats, penalty: float) -> Floats:
    """The penalty of each column; the intercept has none."""
    return np.r_[0.0, np.full(design.shape[1] - 1, penalty)]


def choose_penalty(
    design: Floats,
    won: Floats,
    weight: Floats,
    group: Ints | None,
    seed: int,
    *,
    sign: Ints | None = None,
    cautious: bool = False,
) -> float:
    """The penalty of the smallest log loss over inner folds, or, ``cautious``, the largest within one standard error.

    The penalty is the precision of a prior: the same for a fold as for all rows, so it is not scaled. The first column
    of ``design`` is the intercept. At most ``_TUNE_ROWS`` rows are looked at.
    """
    rows = np.random.default_rng(seed).permutation(len(won))[:_TUNE_ROWS]
    codes = np.arange(len(won)) if group is None else group
    losses = np.zeros((len(won), len(PENALTIES)))

    for train, test in grouped_folds(codes[rows], _FOLDS, seed):
        fit, judge = rows[train], rows[test]
        penalties = [_penalties(design, penalty) for penalty in PENALTIES]
        for k, theta in enumerate(fit_penalties(design[fit], won[fit], weight[fit], penalties, sign)):
            losses[judge, k] = weight[judge] * log_loss(won[judge], design[judge] @ theta)

    best = int(np.argmin(losses.sum(axis=0)))
    if not cautious:
        return PENALTIES[best]

    codes = np.unique(codes, return_inverse=True)[1]
    above = np.column_stack([np.bincount(codes, weights=column - losses[:, best]) for column in losses.T])
    error = np.sqrt((above**2).sum(axis=0))
    return max(penalty for k, penalty in enumerate(PENALTIES) if above[:, k].sum() <= error[k])
