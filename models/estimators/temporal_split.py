"""Rolling origins with purging, as a scikit-learn cross-validator."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length

from features.array_types import Ints
from features.errors import TooLittleDataError
from models.estimators.seeds import are_numbers, codes_of, moments_of


class TemporalSplit(BaseCrossValidator):
    """Later rows judge what was learned from earlier ones whose outcome was known by then.

    Every fold learns from all rows before its origin, but for those whose label was known only after it (they are
    purged), and is judged on the rows from its origin to the next. Rows of one moment stay together.

    Parameters
    ----------
    n_splits : origins
    horizon_days : days after a row's moment until its label is known, where ``label_known_at`` is not handed over
    as_of : column of the frame that holds the moments, where they are not handed over
    apart : whether rows of groups that are judged are left out of what is learned from

    Examples
    --------
    >>> import pandas as pd
    >>> when = pd.date_range("2026-01-01", periods=6, freq="30D")
    >>> split = TemporalSplit(n_splits=2, horizon_days=45)
    >>> [(train.tolist(), test.tolist()) for train, test in split.split(when, as_of=when)]
    [([0], [2, 3]), ([0, 1, 2], [4, 5])]
    """

    # groups are taken wherever they are handed over
    __metadata_request__split = {"groups": True}  # noqa: RUF012

    def __init__(
        self, n_splits: int = 5, *, horizon_days: float = 0.0, as_of: str = "as_of", apart: bool = False
    ) -> None:
        self.n_splits = n_splits
        self.horizon_days = horizon_days
        self.as_of = as_of
        self.apart = apart

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: Any = None, as_of: Any = None, label_known_at: Any = None
    ) -> int:
        """The number of origins."""
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None, as_of: Any = None, label_known_at: Any = None
    ) -> Iterator[tuple[Ints, Ints]]:
        """Positions to learn from and positions to judge, origin by origin.

        Parameters
        ----------
        as_of : moments of the rows, shape (n,); default: the column of X. Numbers give an order without clocks, where
            neither ``horizon_days`` nor ``label_known_at`` asks for one
        label_known_at : when each row's label was known; default: ``horizon_days`` later

        Raises
        ------
        ValueError : there are no moments, some are missing, they are numbers where a label is known later, there are
            fewer different ones than origins need, or what is handed over has different lengths
        TooLittleDataError : no label was known by an origin
        """
        check_consistent_length(X, as_of, groups, label_known_at)
        when = self._moments(X, as_of, clocks=self.horizon_days != 0 or label_known_at is not None)
        known = when + _microseconds(self.horizon_days)
        if label_known_at is not None:
            known = _micros(label_known_at, "label_known_at")
        if self.apart and groups is None:
            raise ValueError("apart=True keeps groups apart, and no groups were handed over.")

        group = codes_of(groups) if self.apart else np.zeros(len(when), dtype=np.int64)
        ordered = np.sort(when)
        places = np.linspace(0, len(when), self.n_splits + 2)[1:-1].round().astype(np.int64)
        origins = np.unique(ordered[np.clip(places, 0, len(when) - 1)])
        origins = origins[origins > ordered[0]]
        if len(origins) < self.n_splits:
            raise ValueError(
                f"{self.n_splits} origins need at least {self.n_splits + 1} moments with about as many rows each; "
                f"found {len(origins)} usable ones among {len(np.unique(when))} different moments. Use fewer."
            )
        ends = [*origins[1:], ordered[-1] + 1]
        for low, high in zip(origins, ends, strict=True):
            test = (when >= low) & (when < high)
            train = (when < low) & (known <= low)
            if self.apart:
                train &= ~np.isin(group, group[test])
            if not train.any():
                before, unknown = int((when < low).sum()), int(((when < low) & (known > low)).sum())
                numbered = are_numbers(X[self.as_of] if as_of is None else as_of)
                at = f"number {low} in order" if numbered else pd.Timestamp(low, unit="us").isoformat()
                raise TooLittleDataError(
                    f"nothing is left to learn from at the origin {at}: of {before} earlier rows {unknown} had no "
                    f"known label yet, {before - unknown} are of groups that are judged. Use fewer origins, a shorter "
                    "horizon, or more groups."
                )
            yield np.flatnonzero(train), np.flatnonzero(test)

    def _iter_test_indices(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[Ints]:
        for _, test in self.split(X, y, groups):
            yield test

    def _moments(self, X: Any, as_of: Any, *, clocks: bool) -> Ints:
        """Microseconds, or places in an order where numbers are handed over and no clock is needed."""
        given, what = as_of, "as_of"
        if given is None and isinstance(X, pd.DataFrame) and self.as_of in X:
            given, what = X[self.as_of], self.as_of
        if given is not None:
            return _micros(given, what) if clocks or not are_numbers(given) else _places(given, what)
        raise ValueError(
            f"there is no column '{self.as_of}' to tell the rows' moments: hand as_of over (with metadata routing: "
            "set_split_request(as_of=True)), or name the column."
        )


def _places(order: Any, what: str) -> Ints:
    given = pd.Series(np.asarray(order))
    _refuse_missing(given, what)
    return np.asarray(given.rank(method="dense"), dtype=np.int64)


def _refuse_missing(given: pd.Series, what: str) -> None:
    if given.isna().any():
        raise ValueError(f"{what} is missing in {int(given.isna().sum())} of {len(given)} rows.")


def _micros(moments: Any, what: str) -> Ints:
    read = moments_of(moments, what)
    _refuse_missing(read, what)
    return np.asarray(read.astype(np.int64), dtype=np.int64)


def _microseconds(days: float) -> int:
    return round(days * 86_400_000_000)
