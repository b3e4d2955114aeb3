"""The benchmark of the whole catalog compares like with like: kernel, DuckDB and polars give the same columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.assembly.bot_effect import measure_bot_effect
from features.assembly.build_matrix import build_matrix
from features.catalog.build_catalog import build_catalog
from tests.benchmarks.bench_catalog import everything, measure, source, titles
from tests.benchmarks.catalog_polars import whole_by_polars
from tests.benchmarks.catalog_sql import whole_by_duckdb

DECLARED = source()
CATALOG = build_catalog(DECLARED)
Case = tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def case() -> Case:
    tables, cohort = everything(60, 3000)
    return tables, cohort, build_matrix(tables, cohort, CATALOG, DECLARED)


@pytest.mark.parametrize("engine", [whole_by_duckdb, whole_by_polars])
def test_other_engines_compute_every_column(case: Case, engine: Callable[..., Any]) -> None:
    tables, cohort, ours = case
    theirs = engine(tables, cohort, CATALOG, titles(tables), DECLARED.bots)
    assert list(theirs) == list(CATALOG.names)
    for name in CATALOG.names:
        fast, slow = ours[name], theirs[name]
        if name in CATALOG.categories:
            assert fast.fillna("-").tolist() == slow.astype("str").fillna("-").tolist(), name
        else:
            numbers = slow.to_numpy(dtype=float, na_value=np.nan)
            np.testing.assert_allclose(fast.to_numpy(), numbers, rtol=1e-9, atol=1e-12, err_msg=name)


def test_no_column_of_the_benchmark_is_idle(case: Case) -> None:
    tables, _, ours = case
    assert measure_bot_effect(tables, DECLARED, pd.Timestamp(2024, 1, 1)).removed_clicks > 50
    assert [name for name in CATALOG.names if ours[name].nunique(dropna=False) < 2] == []


def test_every_family_is_in_it() -> None:
    found = measure(40)
    assert set(found["families"]) >= {"answers", "attributes", "committee", "engagement", "stages", "titles"}
    assert found["rows"] == 200
