"""Moments as integers: one unit (microseconds since the epoch, UTC) everywhere below the boundary."""

import numpy as np
import numpy.typing as npt
import pandas as pd

MICROSECONDS_PER_SECOND = 1_000_000
MICROSECONDS_PER_DAY = 86_400 * MICROSECONDS_PER_SECOND
NEVER = np.iinfo(np.int64).min  # how a missing moment (NaT) reads as an integer


def micros(moments: pd.Series | pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    """Naive-UTC moments as int64 microseconds; NaT becomes :data:`NEVER`.

    >>> int(micros(pd.Series(pd.to_datetime(["1970-01-02"])))[0]) == MICROSECONDS_PER_DAY
    True
    """
    values = np.asarray(moments.to_numpy(dtype="datetime64[us]"))
    return values.view(np.int64)


def moments(values: npt.NDArray[np.int64]) -> pd.Series:
    """Inverse of :func:`micros`: naive-UTC ``datetime64[us]``."""
    return pd.Series(values.view("datetime64[us]"))


def days(value: float) -> int:
    """Days as whole microseconds."""
    return round(value * MICROSECONDS_PER_DAY)
