"""Bins of a feature with smoothed weights of evidence: missing, rare and unseen values have bins of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.schema.people.people_texts import nameable
from models.encoding.linear_encoder import MISSING, RARE, RARE_COUNT, CategoryCode, weighted_quantiles
from models.encoding.round_edges import edge_words

SMOOTHING = 8.0  # pseudo-leads at the base rate per bin: a bin of eight leads is believed by half


@dataclass(frozen=True)
class NumberBins:
    """Bins ``(edges[k-1], edges[k]]``; the last bin holds missing values."""

    edges: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of bins, the one for missing values included."""
        return len(self.edges) + 2

    def codes(self, values: pd.Series) -> Ints:
        """The bin of each value, shape (n,)."""
        return self.places(values.to_numpy(dtype=np.float64))

    def places(self, numbers: Floats) -> Ints:
        """The bin of each number; one that is missing sorts after infinity."""
        return self._borders.searchsorted(numbers, side="left").astype(np.int64, copy=False)

    @cached_property
    def _borders(self) -> Floats:
        return np.array([*self.edges, np.inf])

    def labels(self) -> list[str]:
        """The bins in words, borders rounded as a person would; the borders themselves stay exact."""
        if not self.edges:
            return ["any value", "missing"]
        cuts = edge_words(self.edges)
        inner = [f"over {a} to {b}" for a, b in pairwise(cuts)]
        return [f"{cuts[0]} or less", *inner, f"over {cuts[-1]}", "missing"]


@dataclass(frozen=True)
class CategoryBins:
    """One bin per kept level, one for rare and unseen ones, one for missing."""

    code: CategoryCode

    @property
    def size(self) -> int:
        """Number of bins, those for rare and for missing values included."""
        return len(self.code.levels)

    def codes(self, values: pd.Series) -> Ints:
        """The bin of each value, shape (n,)."""
        return self.code.codes(values)

    def labels(self) -> list[str]:
        """The bins in words."""
        words = {RARE: "rare or new", MISSING: "missing"}
        return [words.get(level, level) for level in self.code.levels]


@dataclass(frozen=True)
class Binned:
    """A feature's bins with the evidence of each: log-odds against the base rate, shrunk to 0."""

    bins: NumberBins | CategoryBins
    evidence: Floats
    share: Floats

    @property
    def information(self) -> float:
        """Variance of the evidence over leads [squared log-odds]."""
        mean = float((self.share * self.evidence).sum())
        return float((self.share * (self.evidence - mean) ** 2).sum())

    def transform(self, values: pd.Series) -> Floats:
        """The evidence of each value's bin, shape (n,) [log-odds]."""
        return np.asarray(self.evidence[self.bins.codes(values)], dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """JSON-ready, for a bundle."""
        bins = (
            {"edges": list(self.bins.edges)}
            if isinstance(self.bins, NumberBins)
            else {"levels": list(self.bins.code.levels)}
        )
        return {**bins, "evidence": self.evidence.tolist(), "share": self.share.tolist()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The bins of a :meth:`state`."""
        bins: NumberBins | CategoryBins
        if "edges" in state:
            bins = NumberBins(tuple(state["edges"]))
        else:
            bins = CategoryBins(CategoryCode(tuple(state["levels"])))
        return cls(bins, np.asarray(state["evidence"]), np.asarray(state["share"]))


def bin_number(values: pd.Series, won: Floats, weight: Floats, *, direction: int, bins: int) -> Binned:
    """Quantile bins of a number; where a direction is declared, neighbours that break it are merged."""
    numbers = values.to_numpy(dtype=np.float64)
    known = ~np.isnan(numbers)
    edges: Floats = np.empty(0)

    if known.any():
        at = np.arange(1, bins) / bins
        cuts = weighted_quantiles(numbers[known], weight[known], at)
        positive = known & (numbers > 0)
        if float(weight[known & (numbers == 0)].sum()) > weight[known].sum() / bins and positive.any():
            # zeros fill several quantiles: spend the remaining bins on what is above zero
            cuts = np.r_[
                0.0, weighted_quantiles(numbers[positive], weight[positive], np.arange(1, bins - 1) / (bins - 1))
            ]
        edges = np.unique(cuts)
        edges = edges[edges < numbers[known].max()]

    binned = _measure_evidence(NumberBins(tuple(edges.tolist())), values, won, weight)
    return _merge_until_monotone(binned, values, won, weight, direction) if direction else binned


def bin_category(values: pd.Series, won: Floats, weight: Floats) -> Binned:
    """One bin per frequent level."""
    return _measure_evidence(CategoryBins(CategoryCode.fit(values)), values, won, weight)


def cross_fit_category(values: pd.Series, won: Floats, weight: Floats, folds: Iterable[tuple[Ints, Ints]]) -> Floats:
    """The evidence of each row's level by the rows of the other folds, shape (n,).

    What :func:`bin_category` of those rows would give, but every text is looked up only once.
    """
    found, levels = pd.factorize(values, use_na_sentinel=True)
    missing, rare = len(levels), len(levels) + 1
    level = np.where(found < 0, missing, found)

    named = np.array([*nameable(str(values.name), [str(one) for one in levels]), True])
    column = np.zeros(len(level))
    for others, rows in folds:
        often = (np.bincount(level[others], minlength=rare) >= RARE_COUNT) & named
        place = np.where(often, np.arange(rare), rare)
        place[missing] = missing
        evidence, _ = _smooth_evidence(place[level[others]], rare + 1, won[others], weight[others])
        column[rows] = evidence[place[level[rows]]]
    return column


def _measure_evidence(bins: NumberBins | CategoryBins, values: pd.Series, won: Floats, weight: Floats) -> Binned:
    """The bins with the evidence and the share of leads in each."""
    evidence, total = _smooth_evidence(bins.codes(values), bins.size, won, weight)
    return Binned(bins, evidence, np.asarray(total / total.sum()))


def _smooth_evidence(codes: Ints, size: int, won: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Evidence and weight of each bin."""
    total = np.bincount(codes, weights=weight, minlength=size)
    wins = np.bincount(codes, weights=weight * won, minlength=size)
    base = float(np.clip((weight * won).sum() / weight.sum(), 1e-6, 1 - 1e-6))
    rate = (wins + SMOOTHING * base) / (total + SMOOTHING)
    return np.asarray(np.log(rate / (1 - rate)) - np.log(base / (1 - base))), np.asarray(total)


def _merge_until_monotone(binned: Binned, values: pd.Series, won: Floats, weight: Floats, direction: int) -> Binned:
    """Merge the worst neighbouring pair until the evidence of known values follows the direction."""
    while True:
        bins = binned.bins
        if not isinstance(bins, NumberBins):
            return binned
        steps = direction * np.diff(binned.evidence[:-1])
        if not len(steps) or steps.min() >= 0:
            return binned
        worst = int(np.argmin(steps))
        edges = tuple(edge for k, edge in enumerate(bins.edges) if k != worst)
        binned = _measure_evidence(NumberBins(edges), values, won, weight)
