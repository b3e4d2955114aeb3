"""Values by id are those that ``map`` finds, with far less memory."""

import pandas as pd
import pytest

from features.id_lookup import look_up

MOMENTS = pd.Series(pd.to_datetime(["2026-01-01", None, "2026-01-03"]), index=pd.Index(["a", "b", "c"], dtype="str"))
IDS = pd.Series(["c", None, "a", "unknown", "c", "b"], index=[7, 7, 3, 2, 1, 0], dtype="str")


@pytest.mark.parametrize("by_id", [MOMENTS, pd.Series([1.5, 2.5], index=pd.Index(["c", "a"], dtype="str"))])
def test_values_by_id_are_those_of_map(by_id: pd.Series) -> None:
    pd.testing.assert_series_equal(look_up(IDS, by_id), IDS.map(by_id), check_names=False)
    assert look_up(IDS[:0], by_id).empty and look_up(IDS, by_id[:0]).isna().all()
    assert look_up(IDS, by_id[:0]).dtype == by_id.dtype, "of no values, too"
