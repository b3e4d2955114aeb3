"""Seeds, groups and moments as scikit-learn's users hand them over."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from features.array_types import Ints

_NUMBERS = frozenset({"integer", "floating", "mixed-integer-float", "decimal", "boolean", "complex"})
_BY_THE_CLOCK = r"(?:now|today|\s*\d{1,2}:\d\d.*)$"  # 09:00 is today's


def seed_of(random_state: Any) -> int:
    """An integer seed from an integer, a generator or None (drawn anew each time)."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def codes_of(groups: Any) -> Ints:
    """Codes of groups, shape (n,), in the order of their names; each missing one is a group of its own.

    >>> codes_of(["b", None, "a", np.nan]).tolist()
    [1, 2, 0, 3]
    """
    typed = hasattr(groups, "dtype")  # NumPy makes texts of a list of texts and NaN, which "nan" then brings together
    given = np.asarray(groups) if typed else pd.Series(list(groups), dtype=object).to_numpy()
    codes, names = pd.factorize(given, sort=True)
    alone = codes < 0
    return np.where(alone, len(names) + np.cumsum(alone) - 1, codes).astype(np.int64)


def are_numbers(given: Any) -> bool:
    """Whether what is handed over as moments are numbers; not if all are missing."""
    values = np.asarray(given) if hasattr(given, "dtype") else pd.Series(list(given), dtype=object).to_numpy()
    return pd.api.types.infer_dtype(values, skipna=True) in _NUMBERS and not bool(pd.isna(values).all())


def refuse_numbers(given: Any, what: str) -> None:
    """ValueError where numbers are handed over as moments: pandas would read nanoseconds since 1970."""
    if are_numbers(given):
        first = pd.Series(list(given)).dropna().iloc[0]
        raise ValueError(
            f"{what} holds numbers ({first}), which name no moment. Hand over dates: pd.to_datetime({what}, "
            "format='%Y%m%d') of numbers such as 20240601, pd.to_datetime(..., unit='s') of seconds since 1970."
        )


def refuse_now(given: Any, what: str) -> None:
    """ValueError where texts are handed over as moments that pandas reads by the clock of the machine."""
    values = pd.Series(np.asarray(given))
    said = values[:0]
    if pd.api.types.is_string_dtype(values.dtype) or pd.api.types.is_object_dtype(values.dtype):
        said = values[values.astype("str").str.match(_BY_THE_CLOCK).fillna(False).astype(bool)]
    if len(said):
        raise ValueError(
            f"{what} holds '{said.iloc[0]}', which is another moment at every reading. Hand over dates: "
            "pd.Timestamp.now('UTC') for this moment."
        )


def moments_of(given: Any, what: str = "as_of") -> pd.Series:
    """Moments without a zone, in UTC, shape (n,); those that have none are in UTC already.

    Raises
    ------
    ValueError : numbers, which would be nanoseconds, and 'now', 'today' or a time of day

    >>> moments_of(pd.Series(pd.date_range("2026-01-01 12:00", periods=2, tz="Europe/Warsaw"))).tolist()
    [Timestamp('2026-01-01 11:00:00'), Timestamp('2026-01-02 11:00:00')]
    """
    refuse_numbers(given, what)
    refuse_now(given, what)
    return pd.Series(pd.to_datetime(np.asarray(given), utc=True)).dt.tz_localize(None).astype("datetime64[us]")
