"""What is scored now against what a bundle was trained on, feature by feature and for the scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from features.array_types import Floats
from features.catalog.feature import Catalog, Feature
from features.matrix import Matrix
from models.judging.drift.psi import independent_units, noise_bound, psi
from models.judging.drift.reference_distribution import bin_labels, codes_of, shares, unseen
from models.logistic import sigmoid
from models.settings import MonitorSettings

DriftBand = Literal["stable", "within noise", "moved", "moved a lot"]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One distribution before (training) and now.

    Parameters
    ----------
    psi : the population stability index over the training's bins, missing values in a bin of their own
    noise : what it stays below if nothing changed: as far off as any single week of the training was from the whole
        of it, plus what chance adds at these numbers of independent units
    weight : the feature's share of all absolute contributions now, 0 to 1
    missing, unseen : shares of rows; unseen is None for numbers, and where training saw too many levels to keep
    before, after : the largest moves in words
    """

    name: str
    label: str
    psi: float
    noise: float
    standing: DriftBand
    weight: float
    missing_before: float
    missing: float
    unseen: float | None
    before: str
    after: str

    @property
    def moved(self) -> bool:
        """Whether it moved beyond noise."""
        return self.standing in ("moved", "moved a lot")

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def drift_of_features(
    profile: Mapping[str, Any], now: Matrix, weights: Mapping[str, float], settings: MonitorSettings
) -> tuple[Drift, ...]:
    """Every feature, those that moved first; ``weights`` are shares of the model's absolute contributions."""
    units = independent_units(now.keys["group"].to_numpy(dtype="str"))
    catalog: Catalog = now.catalog
    confidence = 1 - (1 - settings.confidence) / max(len(catalog), 1)
    found = [_feature(feature, profile, now, weights, units, confidence, settings) for feature in catalog]
    return tuple(sorted(found, key=lambda drift: (not drift.moved, -drift.psi, drift.name)))


def _feature(
    feature: Feature,
    profile: Mapping[str, Any],
    now: Matrix,
    weights: Mapping[str, float],
    units: float,
    confidence: float,
    settings: MonitorSettings,
) -> Drift:
    own, values = profile["features"][feature.name], now.values[feature.name]
    after = np.array(shares(codes_of(own, values), len(own["shares"])))
    new = unseen(own, values)
    index, noise = _index(own["shares"], after, profile, len(now), units, confidence, own["usual"])
    medians = (own.get("median"), None if own["kind"] == "category" else _median(values.to_numpy(dtype=np.float64)))

    words = _words(bin_labels(own), np.array(own["shares"]), after, medians)
    return Drift(
        name=feature.name,
        label=feature.label or feature.name.replace("_", " "),
        psi=index,
        noise=noise,
        standing=classify_drift(index, noise, settings),
        weight=float(weights.get(feature.name, 0.0)),
        missing_before=float(own["shares"][-1]),
        missing=float(after[-1]),
        unseen=None if new is None else float(new.mean()) if len(new) else 0.0,
        before=words[0],
        after=words[1],
    )


def drift_of_scores(profile: Mapping[str, Any], now: Matrix, log_odds: Floats, settings: MonitorSettings) -> Drift:
    """The scores of now against those of the leads that were open when the bundle was trained."""
    own = profile["scores"]
    codes = np.searchsorted(np.asarray(own["edges"]), log_odds, side="left").astype(np.int64)
    after = np.array(shares(codes, len(own["shares"])))
    units = independent_units(now.keys["group"].to_numpy(dtype="str"))
    index, noise = _index(own["shares"], after, own, len(now), units, settings.confidence)

    median = _median(log_odds)
    sides = ((own["median"], own["shares"]), (own["median"] if median is None else median, after))
    words = [f"median probability {_probability(m):.1%}, {s[-2]:.0%} in the top tenth of then" for m, s in sides]
    return Drift(
        name="scores",
        label="scores",
        psi=index,
        noise=noise,
        standing=classify_drift(index, noise, settings),
        weight=1.0,
        missing_before=0.0,
        missing=0.0,
        unseen=None,
        before=words[0],
        after=words[1],
    )


def classify_drift(index: float, noise: float, settings: MonitorSettings) -> DriftBand:
    """The usual bands, but nothing has moved that chance alone explains."""
    if index < settings.moved:
        return "stable"
    if index <= noise:
        return "within noise"
    return "moved a lot" if index >= settings.moved_a_lot else "moved"


def _index(
    before: list[float],
    after: Floats,
    sizes: Mapping[str, Any],
    rows: int,
    units: float,
    confidence: float,
    usual: float = 0.0,
) -> tuple[float, float]:
    old = np.array(before)
    noise = noise_bound(old, after, sizes["units"], units, confidence)
    return psi(old, after, sizes["rows"], rows), usual + noise


def _words(labels: list[str], old: Floats, new: Floats, medians: tuple[float | None, float | None]) -> tuple[str, str]:
    """Before and after: the median of a number, and the two bins whose share moved most."""
    order = np.argsort(-np.abs(new - old), kind="stable")[:2]
    moved = [int(k) for k in order if new[k] != old[k]]
    sides = []
    for values, median in ((old, medians[0]), (new, medians[1])):
        middle = [] if median is None else [f"median {median:.4g}"]
        sides.append(", ".join([*middle, *(f"{labels[k]} {values[k]:.0%}" for k in moved)]) or "as before")
    return sides[0], sides[1]


def _probability(log_odds: float) -> float:
    return float(sigmoid(np.array([log_odds]))[0])


def _median(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.quantile(known, 0.5, method="inverted_cdf")) if len(known) else None
