"""Evidence told by other folds: fast and slow, the same bits."""

import numpy as np
import pandas as pd
import pytest

from models.encoding.bins import bin_category, cross_fit_category
from models.grouped_folds import grouped_folds


@pytest.mark.parametrize("seed", range(4))
def test_levels_told_by_others_are_what_their_bins_would_give(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 700
    levels = np.array(["often", "some", "rare", "once", "1", ""])
    values = pd.Series(rng.choice(levels, n, p=[0.5, 0.3, 0.04, 0.01, 0.05, 0.1]), dtype="str")
    values = values.where(rng.random(n) > 0.15)
    won, weight = (rng.random(n) < 0.3).astype(np.float64), rng.uniform(0.2, 1.0, n)
    folds = list(grouped_folds(rng.integers(0, 90, n), 5, seed))
    told = cross_fit_category(values, won, weight, folds)
    for others, rows in folds:
        slow = bin_category(values.iloc[others], won[others], weight[others]).transform(values.iloc[rows])
        np.testing.assert_array_equal(told[rows], slow)
    assert len(np.unique(told)) > 10
