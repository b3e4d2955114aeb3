"""The learned scorecard as the train and evaluate stages write it."""

from typing import Any

import numpy as np

from features.catalog.feature import Catalog
from models.candidates.scorecard import ScorecardCandidate
from models.interfaces import Calibration


def scorecard_record(
    card: ScorecardCandidate, catalog: Catalog, calibration: Calibration | None = None
) -> dict[str, Any]:
    """The fitted card: its state, its lines in words, features by spread of points, and the line from points to
    log-odds, through the card's calibration on past predictions where one is given.
    """
    mended = calibration or Calibration(1.0, 0.0)
    line = {"intercept": float(mended.apply(np.array(card.intercept))), "slope": card.slope * mended.slope}

    features: dict[str, dict[str, Any]] = {}
    for row in card.rows():
        feature = catalog[row.feature]
        head = {"feature": row.feature, "label": feature.label or row.feature.replace("_", " "), "unit": feature.unit}
        entry = features.setdefault(row.feature, {**head, "bins": []})
        if row.share > 0 or row.points:
            entry["bins"].append({"bin": row.bin, "points": row.points, "share": row.share})

    return {
        "state": card.state(),
        "features": list(features.values()),
        "rounding_cost": card.rounding_cost,
        "points_to_double_the_odds": float(np.log(2.0) / line["slope"]) if line["slope"] > 0 else None,
        "line": {**line, "calibrated": calibration is not None},
    }
