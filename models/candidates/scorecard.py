"""A learned scorecard: integer points per bin, printable on one page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.assembly.frameless_rows import Values, number_block
from features.catalog.feature import Catalog, Feature, FeatureType
from models.candidates.linear import choose_penalty, learned_catalog
from models.encoding.bins import Binned, NumberBins, bin_category, bin_number, cross_fit_category
from models.encoding.linear_encoder import category_codes
from models.grouped_folds import grouped_folds
from models.interfaces import Contributions
from models.logistic import fit_logistic, log_loss

POINTS_PER_LOG_ODDS = 20 / np.log(2.0)  # 20 points double the odds: rounding to integers costs little
_CANDIDATES = 60  # features with the most information that selection starts from; bounds its time
_MINIMUM_COEFFICIENT = 0.05  # of a feature's evidence: less is worth a point or two and no line on the page
_BINS = 6  # of a number: what fits on the page and still shows a bend
_FOLDS = 5  # whose rows tell each other's evidence (docs/adr/0027)
_LEAST_PENALTY = 1.0  # where there is nothing to choose one by


@dataclass(frozen=True)
class Row:
    """One line of the printed scorecard."""

    feature: str
    bin: str
    points: int
    share: float


class ScorecardCandidate:
    """Sum of integer points per bin; log-odds are a line through the points.

    Features enter by the evidence of their bins with coefficients that are never negative, so that more
    evidence never costs points. ``rounding_cost`` is what rounding to integers costs in training log loss.
    """

    name = "scorecard"

    def __init__(
        self,
        bins: Mapping[str, Binned] | None = None,
        points: Mapping[str, Ints] | None = None,
        slope: float = 0.0,
        intercept: float = 0.0,
        rounding_cost: float = 0.0,
        *,
        features: int = 14,
    ) -> None:
        self.bins = dict(bins or {})
        self.points_by_bin = dict(points or {})
        self.slope = slope
        self.intercept = intercept
        self.rounding_cost = rounding_cost
        self.features = features

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
        """The card with bins, selected features, integer points and the line through them."""
        binned = _bin_features(values, won, weight, learned_catalog(catalog))
        cross_fitted = _cross_fit_evidence(binned, values, won, weight, catalog, group, seed)
        names, theta = _select_features(_with_ones(cross_fitted), won, weight, group, seed, list(binned), self.features)

        every = {name: _to_points(c, binned[name].evidence) for name, c in zip(names, theta[1:], strict=True)}
        points = {name: given for name, given in every.items() if given.any()}  # a line of nothing but 0 says nothing

        evidence = cross_fitted[:, [list(binned).index(name) for name in names]]
        shown = np.array([name in points for name in names], dtype=bool)
        whole = _to_points(theta[1:][shown], evidence[:, shown]).sum(axis=1)
        (slope, intercept), rounded = _fit_line(whole / POINTS_PER_LOG_ODDS, won, weight)
        _, exact = _fit_line(evidence @ theta[1:], won, weight)

        kept = {name: binned[name] for name in points}
        return type(self)(kept, points, slope / POINTS_PER_LOG_ODDS, intercept, rounded - exact, features=self.features)

    def points(self, values: Values) -> Floats:
        """Integer points per row (as float64)."""
        return np.asarray(self._parts(values).sum(axis=1), dtype=np.float64)

    def _parts(self, values: Values) -> Floats:
        """Integer points per row and feature (as float64), shape (n, len(bins))."""
        numbers = [name for name, binned in self.bins.items() if isinstance(binned.bins, NumberBins)]
        block = dict(zip(numbers, number_block(values, numbers).T, strict=True))
        named = {name: b.bins.code for name, b in self.bins.items() if not isinstance(b.bins, NumberBins)}
        levels = dict(zip(named, category_codes(values, named).T, strict=True))

        parts = np.zeros((len(values), len(self.bins)))
        for k, (name, binned) in enumerate(self.bins.items()):
            bins = binned.bins
            codes = bins.places(block[name]) if isinstance(bins, NumberBins) else levels[name]
            parts[:, k] = self.points_by_bin[name][codes]
        return parts

    def log_odds(self, values: Values) -> Floats:
        """Log-odds per row, a line through its points, shape (n,)."""
        return np.asarray(self.intercept + self.slope * self.points(values), dtype=np.float64)

    def contributions(self, values: Values) -> Contributions:
        """Parts by feature: its points times the slope of the line."""
        return Contributions(tuple(self.bins), self.slope * self._parts(values), self.intercept)

    def rows(self) -> list[Row]:
        """The printed card, features by spread of points, widest first."""
        spread = {name: int(np.ptp(points)) for name, points in self.points_by_bin.items()}
        return [
            Row(name, label, int(points), float(share))
            for name in sorted(self.bins, key=lambda n: (-spread[n], n))
            for label, points, share in zip(
                self.bins[name].bins.labels(), self.points_by_bin[name], self.bins[name].share, strict=True
            )
        ]

    def explain(self, values: Values) -> tuple[Floats, Contributions]:
        """:meth:`log_odds` and :meth:`contributions`, looking the points up once."""
        parts = self._parts(values)
        log_odds = np.asarray(self.intercept + self.slope * parts.sum(axis=1), dtype=np.float64)
        return log_odds, Contributions(tuple(self.bins), self.slope * parts, self.intercept)

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle: bins and points by feature, and the line."""
        return {
            "card": [[name, b.state(), self.points_by_bin[name].tolist()] for name, b in self.bins.items()],
            "slope": self.slope,
            "intercept": self.intercept,
            "rounding_cost": self.rounding_cost,
        }

    def files(self) -> Mapping[str, str]:
        """No text files: the state holds everything."""
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any], files: Mapping[str, str]) -> Self:
        """The card of a :meth:`state`."""
        return cls(
            {name: Binned.restore(binned) for name, binned, _ in state["card"]},
            {name: np.asarray(points, dtype=np.int64) for name, _, points in state["card"]},
            float(state["slope"]),
            float(state["intercept"]),
            float(state["rounding_cost"]),
        )


def _bin_features(values: pd.DataFrame, won: Floats, weight: Floats, catalog: Catalog) -> dict[str, Binned]:
    """Bins of every learned feature, the most telling ones kept."""
    found = {
        name: _bin_feature(catalog[name], values[name], won, weight) for name in (*catalog.numbers, *catalog.categories)
    }
    ranked = sorted(found, key=lambda name: (-found[name].information, name))
    return {name: found[name] for name in ranked[:_CANDIDATES] if found[name].information > 0}


def _cross_fit_evidence(
    binned: Mapping[str, Binned],
    values: pd.DataFrame,
    won: Floats,
    weight: Floats,
    catalog: Catalog,
    group: Ints | None,
    seed: int,
) -> Floats:
    """The learning rows' evidence by the bins of the other folds, shape (n, len(binned)).

    A row must not see its own outcome: by its own bins every feature, noise too, seems to help, and inner folds
    cannot tell (docs/adr/0027).
    """
    groups = np.arange(len(won)) if group is None else group
    folds = [
        (others, rows)
        for others, rows in grouped_folds(groups, min(_FOLDS, len(np.unique(groups))), seed)
        if len(others) and len(rows)
    ]

    cross_fitted = np.zeros((len(won), len(binned)))
    for k, name in enumerate(binned):
        if catalog[name].type is FeatureType.CATEGORY:
            cross_fitted[:, k] = cross_fit_category(values[name], won, weight, folds)
            continue
        for others, rows in folds:
            bins = _bin_feature(catalog[name], values[name].iloc[others], won[others], weight[others])
            cross_fitted[rows, k] = bins.transform(values[name].iloc[rows])
    return cross_fitted


def _bin_feature(feature: Feature, values: pd.Series, won: Floats, weight: Floats) -> Binned:
    """Bins of one feature, by its type and declared direction."""
    if feature.type is FeatureType.CATEGORY:
        return bin_category(values, won, weight)
    return bin_number(values, won, weight, direction=feature.direction, bins=_BINS)


def _to_points(coefficient: float | Floats, evidence: Floats) -> Ints:
    """Evidence [log-odds] as whole points."""
    return np.rint(POINTS_PER_LOG_ODDS * coefficient * evidence).astype(np.int64)


def _fit_line(points: Floats, won: Floats, weight: Floats) -> tuple[tuple[float, float], float]:
    """Slope (never negative, drawn to 1) and intercept of the log-odds through points, and the log loss of the line."""
    line = np.column_stack([np.ones(len(won)), points])
    fitted = fit_logistic(line, won, weight, np.array([0.0, 1.0]), centre=np.array([0.0, 1.0]))
    loss = float(np.average(log_loss(won, line @ fitted), weights=weight))
    return (max(float(fitted[1]), 0.0), float(fitted[0])), loss


def _with_ones(evidence: Floats) -> Floats:
    """The evidence with the intercept's column before it."""
    return np.hstack([np.ones((len(evidence), 1)), evidence])


def _select_features(
    design: Floats, won: Floats, weight: Floats, group: Ints | None, seed: int, names: list[str], features: int
) -> tuple[list[str], Floats]:
    """Drop features until at most ``features`` are left and no coefficient is negative or negligible.

    Half of the bad ones (or of those beyond ``features``) go at a time, those that spread log-odds least first: one
    at a time would need a fit for each.
    """
    penalty = choose_penalty(design, won, weight, group, seed, cautious=True) if names else _LEAST_PENALTY
    kept = list(range(len(names)))

    while True:
        columns = [0, *(1 + k for k in kept)]
        theta = fit_logistic(design[:, columns], won, weight, np.r_[0.0, np.full(len(kept), penalty)])
        spread = theta[1:] * design[:, columns[1:]].std(axis=0)
        bad = [k for k, value in zip(kept, theta[1:], strict=True) if value < _MINIMUM_COEFFICIENT]
        if bad:
            order = sorted(bad, key=lambda k: spread[kept.index(k)])
            drop = set(order[: max(1, len(bad) // 2)])
        elif len(kept) > features:
            order = sorted(kept, key=lambda k: spread[kept.index(k)])
            drop = set(order[: max(1, (len(kept) - features + 1) // 2)])
        else:
            return [names[k] for k in kept], theta
        kept = [k for k in kept if k not in drop]
