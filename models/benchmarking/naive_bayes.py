"""Predictive scoring as an open-source CRM does it: naive Bayes on counts of won and lost leads per value.

Per variable and value the won and the lost leads are counted, with 0.1 added to each count. A lead's chance is the
share of won leads times, for each variable with a value, the share of won leads that have it, against the same for
lost leads. A stage counts for a won lead at every stage, for a lost lead at its stage and those before; its total is
that of the first stage. The probability is kept between 0.01 and 99.99 percent.
"""

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.catalog.feature import Catalog, Feature, FeatureType
from features.schema.operations import CurrentStage
from features.schema.vocabulary import Stage
from models.encoding.linear_encoder import weighted_quantiles

SMOOTHING = 0.1  # added to every count, as that CRM does
FLOOR = 0.0001  # of the probability: that CRM keeps it between 0.01 and 99.99 percent
_QUARTERS = np.array([0.25, 0.5, 0.75])


def naive_bayes(train: pd.DataFrame, won: Floats, weight: Floats, test: pd.DataFrame, catalog: Catalog) -> Floats:
    """Log-odds of the rows to judge, shape (len(test),).

    Numbers, which that CRM does not use, enter by the quarters of the learning rows. Missing values are left out.
    """
    wins, losses = float((weight * won).sum()), float((weight * (1 - won)).sum())
    log_odds = np.full(len(test), np.log((wins + SMOOTHING) / (losses + SMOOTHING)))

    for feature in catalog:
        seen, asked = _values(feature, train, weight), _values(feature, test, weight, learned=train)
        frame = pd.DataFrame({"value": seen, "won": weight * won, "lost": weight * (1 - won)}).dropna(subset="value")
        counts = frame.groupby("value")[["won", "lost"]].sum()
        totals = counts.sum() + SMOOTHING * len(counts)
        if isinstance(feature.params, CurrentStage):
            counts, totals = _accumulate_stages(counts)
        shares = (counts + SMOOTHING) / totals
        evidence = np.log(shares["won"]) - np.log(shares["lost"])
        log_odds += asked.map(evidence).fillna(0.0).to_numpy(dtype=np.float64)

    edge = float(np.log((1 - FLOOR) / FLOOR))
    return np.asarray(np.clip(log_odds, -edge, edge), dtype=np.float64)


def _accumulate_stages(counts: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Counts by stage as the CRM keeps them, and the totals: those of the first stage."""
    order = [str(stage) for stage in Stage if str(stage) in counts.index]
    known = counts.loc[order]
    lost = known["lost"][::-1].cumsum()[::-1]  # a lead lost at a stage had passed those before it
    staged = pd.DataFrame({"won": float(known["won"].sum()), "lost": lost}, index=known.index)
    return staged, staged.iloc[0] + SMOOTHING if len(staged) else counts.sum() + SMOOTHING


def _values(feature: Feature, values: pd.DataFrame, weight: Floats, learned: pd.DataFrame | None = None) -> pd.Series:
    """Values as text; numbers as the quarter they fall in."""
    column = values[feature.name].reset_index(drop=True)
    if feature.type is FeatureType.CATEGORY:
        return column
    numbers = (values if learned is None else learned)[feature.name].to_numpy(dtype=np.float64)
    known = ~np.isnan(numbers)
    cuts = np.unique(weighted_quantiles(numbers[known], weight[known], _QUARTERS)) if known.any() else np.empty(0)
    quarter = pd.Series(np.searchsorted(cuts, column.to_numpy(dtype=np.float64), side="left").astype("str"))
    return quarter.where(column.notna())
