"""The benchmark of the whole catalog compares like with like where it compares."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from features.assemble import build_matrix
from features.catalog_of import build_catalog
from tests.benchmarks.bench_catalog import committee_by_duckdb, committee_by_polars, everything, measure, source

COLUMNS = ("contacts_engaged_90d", "roles_engaged_90d", "buyers_engaged_90d", "account_intent")


@pytest.mark.parametrize("engine", [committee_by_duckdb, committee_by_polars])
def test_other_engines_compute_the_same_committee(engine: Callable[..., Any]) -> None:
    declared = source()
    tables, cohort = everything(60, 1500)
    ours, theirs = build_matrix(tables, cohort, build_catalog(declared), declared), engine(tables, cohort)
    for name in COLUMNS:
        fast = ours[name].to_numpy()
        known = ~np.isnan(fast)  # a lead without an account has no committee
        assert 0.5 < known.mean() < 1.0
        slow = theirs[name].to_numpy(dtype=float)[known]
        np.testing.assert_allclose(fast[known], np.nan_to_num(slow), rtol=1e-9, atol=1e-12, err_msg=name)


def test_every_family_is_in_it() -> None:
    found = measure(40)
    assert set(found["families"]) >= {"answers", "attributes", "committee", "engagement", "stages", "titles"}
    assert found["rows"] == 200
