"""A sample of leads, what each of the strongest features gave them and at which value: for the pictures."""

from typing import Any

import numpy as np
import pandas as pd

from features.catalog.feature import FeatureType
from models.scored_leads import Scored

SAMPLE, FEATURES = 150, 8  # dots and rows that a chart of the report still shows apart


def influence_of(scored: Scored, seed: int) -> dict[str, Any]:
    """Points and values of the largest features over a seeded sample of the scored rows.

    Returns
    -------
    leads, features: name, label, unit, number (or category), points and values per lead, shade of each value
    """
    parts = scored.contributions
    size = np.abs(parts.values).mean(axis=0) if len(parts.values) else np.zeros(len(parts.names))
    known = scored.bundle.catalog.by_name  # the level of a segment is no feature and has no value to show
    strongest = [int(k) for k in np.argsort(-size, kind="stable") if size[k] > 0 and parts.names[k] in known][:FEATURES]

    count = min(SAMPLE, len(parts.values))
    rows = np.sort(np.random.default_rng(seed).choice(len(parts.values), count, replace=False))

    unit = scored.bundle.scale.points_per_log_odds
    features = []

    for k in strongest:
        feature = scored.bundle.catalog[parts.names[k]]
        column = scored.values[feature.name].iloc[rows]
        is_number = feature.type is not FeatureType.CATEGORY
        features.append(
            {
                "name": feature.name,
                "label": feature.label or feature.name.replace("_", " "),
                "unit": feature.unit if feature.unit not in ("category", "as given", "as answered") else "",
                "number": is_number,
                "points": [round(float(v) * unit, 2) for v in parts.values[rows, k]],
                "values": [None if pd.isna(v) else float(v) if is_number else str(v) for v in column],
                "shade": _shades(column) if is_number else ["other"] * count,
            }
        )

    return {"leads": count, "features": features}


def _shades(column: pd.Series) -> list[str]:
    values = column.to_numpy(dtype=np.float64)
    known = values[~np.isnan(values)]
    if not len(known):
        return ["other"] * len(values)
    low, high = np.quantile(known, [1 / 3, 2 / 3])
    found = np.where(values < low, "low value", np.where(values > high, "high value", "middle"))
    return [str(shade) for shade in np.where(np.isnan(values), "other", found)]
