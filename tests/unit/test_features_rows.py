"""Moments of records: read at once where they are plain, one by one where they are not, with the same result."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.kernel.column_reader import RecordRows, all_micros, micros_of
from features.point_in_time.microseconds import NEVER

WHEN = datetime(2026, 3, 31, 9, 30, 0, 7)


class Unhashable(tzinfo):
    """A zone as some libraries make them."""

    __hash__ = None  # type: ignore[assignment]

    def utcoffset(self, _: datetime | None) -> timedelta:
        return timedelta(hours=2)

    def dst(self, _: datetime | None) -> timedelta:
        return timedelta(0)


@pytest.mark.parametrize(
    "values",
    [
        [WHEN, WHEN - timedelta(days=40_000)],
        [WHEN, None],
        [WHEN, WHEN.replace(tzinfo=UTC)],
        [WHEN.replace(tzinfo=Unhashable()), WHEN.replace(tzinfo=timezone(timedelta(hours=-5)))],
        [WHEN, pd.Timestamp(WHEN), np.datetime64(WHEN, "us"), "2026-03-31T09:30:00+02:00", "no moment", pd.NaT, 7],
        [],
    ],
)
def test_many_moments_are_each_moment(values: list[Any]) -> None:
    assert all_micros(values).tolist() == [micros_of(value) for value in values]


def test_what_is_no_moment_is_never() -> None:
    assert all_micros(["", None, "soon"]).tolist() == [NEVER] * 3


def test_empty_texts_are_missing_and_codes_order_like_texts() -> None:
    rows = RecordRows([{"a": "b"}, {"a": ""}, {"a": None}, {}, {"a": "a"}, {"a": True}, {"a": 2.0}])
    found = rows.text("a")
    assert found.values == ("2", "a", "b", "true")
    assert found.codes.tolist() == [2, -1, -1, -1, 1, 3, 0]
    assert rows.texts("a") == ["b", None, None, None, "a", "true", "2"]
