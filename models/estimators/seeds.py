"""Seeds, groups and moments as scikit-learn's users hand them over."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from features.array_types import Ints


def seed_of(random_state: Any) -> int:
    """An integer seed from an integer, a generator or None (drawn anew each time)."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def codes_of(groups: Any) -> Ints:
    """Codes of groups, shape (n,), in the order of their names; each missing one is a group of its own.

    >>> codes_of(["b", None, "a", None]).tolist()
    [1, 2, 0, 3]
    """
    codes, names = pd.factorize(np.asarray(groups), sort=True)
    alone = codes < 0
    return np.where(alone, len(names) + np.cumsum(alone) - 1, codes).astype(np.int64)


def moments_of(given: Any) -> pd.Series:
    """Moments without a zone, in UTC, shape (n,); those that have none are in UTC already.

    >>> moments_of(pd.Series(pd.date_range("2026-01-01 12:00", periods=2, tz="Europe/Warsaw"))).tolist()
    [Timestamp('2026-01-01 11:00:00'), Timestamp('2026-01-02 11:00:00')]
    """
    return pd.Series(pd.to_datetime(np.asarray(given), utc=True)).dt.tz_localize(None).astype("datetime64[us]")
