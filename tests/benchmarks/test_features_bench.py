"""The benchmark compares like with like: kernel, DuckDB and polars give the same columns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.assembly.build_matrix import build_matrix
from features.catalog.families.engagement import engagement_features
from features.catalog.feature import Catalog
from tests.benchmarks.bench_features import data, source, streamed, write_parquet
from tests.benchmarks.catalog_polars import with_polars
from tests.benchmarks.catalog_sql import with_duckdb


@pytest.mark.parametrize("engine", [with_duckdb, with_polars])
def test_other_engines_compute_the_same_columns(engine: Callable[..., Any]) -> None:
    declared = source()
    catalog = Catalog.of(engagement_features(declared))
    tables, cohort = data(30, 900)
    ours = build_matrix(tables, cohort, catalog, declared)
    theirs = engine(tables, cohort, catalog)
    for feature in catalog:
        fast, slow = ours[feature.name], theirs[feature.name]
        if feature.name in catalog.categories:
            assert fast.fillna("-").tolist() == slow.astype("str").fillna("-").tolist(), feature.name
        else:
            np.testing.assert_allclose(
                fast.to_numpy(), slow.to_numpy(dtype=float), rtol=1e-9, atol=1e-12, err_msg=feature.name
            )


def test_the_streamed_benchmark_runs_on_data_it_wrote(tmp_path: Path) -> None:
    write_parquet(tmp_path, 40)
    made = streamed(tmp_path)
    assert (made["rows"], made["parts"]) == (200, 1)
