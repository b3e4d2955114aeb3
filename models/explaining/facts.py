"""Facts behind reasons: what won and other leads looked like, feature by feature, on matured training rows."""

from typing import Any

import numpy as np

from features.array_types import Floats
from features.catalog.feature import FeatureType
from features.matrix import Matrix
from features.schema.people.people_texts import nameable
from models.encoding.linear_encoder import weighted_quantiles

_QUANTILES = np.arange(1, 10) / 10  # thresholds tried for a number: its deciles
_MINIMUM_LEVEL = 20  # leads behind a rate that a rep is shown; fewer would be an anecdote


def build_facts(matrix: Matrix) -> dict[str, Any]:
    """Per feature a JSON-ready fact; every row must be matured, rows of one lead weigh one together.

    Numbers: the threshold that best parts won from other leads, the share of each at or above it, medians and
    missing shares. Categories: rate and count per level.
    """
    won, weight = matrix.label, matrix.weight
    facts: dict[str, Any] = {}
    for feature in matrix.catalog:
        column = matrix.values[feature.name]
        if feature.type is FeatureType.CATEGORY:
            levels = column.astype("str").where(column.notna(), "").to_numpy(dtype=object)
            facts[feature.name] = _category(feature.name, levels, won, weight)
        else:
            facts[feature.name] = _number(column.to_numpy(dtype=np.float64), won, weight)
    return facts


def _number(values: Floats, won: Floats, weight: Floats) -> dict[str, Any]:
    """Fact of a number: leads, missing shares and medians of both sides, and the threshold that parts them best."""
    known = ~np.isnan(values)
    sides = {"won": won == 1, "lost": won == 0}
    fact: dict[str, Any] = {"kind": "number"}

    for name, side in sides.items():
        mass = float(weight[side].sum())
        fact[f"{name}_leads"] = round(mass, 1)
        fact[f"{name}_missing"] = float(weight[side & ~known].sum() / mass) if mass else None
        kept = side & known
        fact[f"{name}_median"] = (
            float(weighted_quantiles(values[kept], weight[kept], np.array([0.5]))[0]) if kept.any() else None
        )
    if not known.any():
        return fact

    cuts = np.unique(weighted_quantiles(values[known], weight[known], _QUANTILES))
    cuts = cuts[cuts > values[known].min()]
    best = None
    for cut in cuts if len(cuts) else np.unique(values[known])[1:2]:
        shares = [_share(values >= cut, side & known, weight) for side in sides.values()]
        if None not in shares and (best is None or abs(shares[0] - shares[1]) > abs(best[1] - best[2])):  # type: ignore[operator]
            best = (float(cut), shares[0], shares[1])
    if best is not None:
        fact |= {"threshold": best[0], "won_share": best[1], "lost_share": best[2]}
    return fact


def _share(hit: Any, among: Any, weight: Floats) -> float | None:
    """Weighted share of the rows ``among`` that are ``hit``; None of no rows."""
    mass = float(weight[among].sum())
    return float(weight[hit & among].sum() / mass) if mass else None


def _category(header: str, levels: Any, won: Floats, weight: Floats) -> dict[str, Any]:
    """Fact of a category: the rate of each level with enough leads that tells of nobody, as it was, and its leads.

    It is what happened, not what the model makes of it: a level of which none won says so (docs/adr/0033).
    """
    base = float(np.average(won, weights=weight))
    found: dict[str, list[float]] = {}
    names, codes = np.unique(levels, return_inverse=True)
    mass = np.bincount(codes, weights=weight)
    wins = np.bincount(codes, weights=weight * won)
    named = nameable(header, [str(name) for name in names])
    for name, n, w, may in zip(names, mass, wins, named, strict=True):
        if may and n >= _MINIMUM_LEVEL:
            found[str(name)] = [float(w / n), round(float(n), 1)]
    return {"kind": "category", "base": base, "levels": found}
