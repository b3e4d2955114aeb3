"""The benchmark of families compares what it says: the same rows with fewer features."""

import numpy as np

from features.catalog.feature import Catalog
from tests.benchmarks.bench_families import counts_alone, difference, restricted
from tests.reference.tiny_run import TinyRun


def test_counts_are_the_catalog_without_what_time_and_others_tell(tiny_demo: TinyRun) -> None:
    from pipelines.workspace.matrix_files import load_chop, load_matrix

    paths = tiny_demo.context.paths
    matrix, split = load_matrix(paths.matrix), load_chop(paths.matrix)
    plain = Catalog(tuple(feature for feature in matrix.catalog if counts_alone(feature)))
    few = restricted(matrix, plain)
    left = set(matrix.catalog.names) - set(plain.names)
    assert {"page_view_decayed", "page_view_recency", "time_in_stage", "account_intent"} <= left
    assert {"page_view_count_30d", "industry", "account_industry"} & set(plain.names)
    assert list(few.values.columns) == list(plain.names) and len(few) == len(matrix)
    z = np.zeros(len(split.final.test))
    assert difference(matrix, split, z, z) == {"log_loss_difference": 0.0, "ci": [0.0, 0.0]}
    worse = difference(matrix, split, z, z + 3.0)
    assert worse["ci"][0] > 0
