"""Where clusters are very many they are merged before they are resampled: cheaper, and the same spread."""

from dataclasses import replace

import numpy as np
import pytest

from models.judging.cluster_bootstrap import MANY_CLUSTERS, Resampling, merge_clusters, resample_totals
from models.judging.evaluation.backtest import newest_learned
from models.judging.evaluation.draws_of_many import draw_many
from models.judging.evaluation.metrics import METRICS, all_metrics, ece_when_perfect, metric_draws, reliability
from models.logistic import sigmoid
from tests.reference.toy import toy_matrix


def test_merged_clusters_spread_as_clusters_do() -> None:
    rng = np.random.default_rng(0)
    size = MANY_CLUSTERS + 1_000
    won, rows = (rng.random(size) < 0.03).astype(np.float64), rng.integers(1, 9, size).astype(np.float64)
    drawn = resample_totals({"won": won, "rows": rows}, Resampling(600, 3))
    for name, values in (("won", won), ("rows", rows)):
        assert drawn[name].mean() == pytest.approx(values.sum(), abs=4 * values.std() * np.sqrt(size / 600))
        assert drawn[name].std() == pytest.approx(values.std() * np.sqrt(size), rel=0.12)
    bundles = np.bincount(merge_clusters(size, 3))
    assert (bundles[:-1] == bundles[0]).all() and 0 < bundles[-1] <= bundles[0]


def test_metrics_of_many_agree_with_those_of_rows() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(-2.5, 1.2, 25_000)
    won = (rng.random(len(z)) < sigmoid(z)).astype(np.float64)
    told = {"true": z, "bold": 1.6 * z + rng.normal(0, 0.5, len(z))}
    ones, group = np.ones(len(z)), np.arange(len(z))
    binned, exact = (draw(won, told, ones, group, Resampling(60, 2)) for draw in (draw_many, metric_draws))
    for name, score in told.items():
        value = all_metrics(won, score, ones)
        for metric in METRICS:
            spread = exact[name][metric].std()
            assert binned[name][metric].mean() == pytest.approx(exact[name][metric].mean(), abs=0.6 * spread), metric
            assert binned[name][metric].std() == pytest.approx(spread, rel=0.35), metric
            if metric != "ece":  # an absolute gap grows with every resampling
                assert binned[name][metric].mean() == pytest.approx(value[metric], abs=0.6 * spread), metric


def test_perfect_calibration_errors_are_those_of_the_table_of_every_draw() -> None:
    rng = np.random.default_rng(4)
    z, weight = rng.normal(-1, 1, 700).round(1), rng.uniform(0.5, 2.0, 700)
    lead = rng.integers(0, 300, 700)
    draws = np.random.default_rng(9)
    slow = []
    for _ in range(50):
        won = (draws.random(int(lead.max()) + 1)[lead] < sigmoid(z)).astype(np.float64)
        slow.append(reliability(won, z, weight).ece)
    found = ece_when_perfect(z, weight, lead, draws=50, seed=9)
    assert found == pytest.approx((np.mean(slow), np.quantile(slow, 0.95)), abs=1e-12)


def test_of_very_many_rows_a_sample_tells_the_level() -> None:
    matrix = replace(toy_matrix(2_000), ordered=False)
    rows = np.arange(100, 1_900)
    assert (newest_learned(matrix, rows) == rows).all()
    some = newest_learned(matrix, rows, 500)
    assert len(some) == 500 and set(some) <= set(rows) and (np.diff(some) > 0).all()
    assert matrix.label[some].mean() == pytest.approx(matrix.label[rows].mean(), abs=0.06)


def test_codes_of_groups_follow_their_names_also_in_a_part() -> None:
    matrix = toy_matrix(300)
    part = matrix.take(np.arange(40, 260, 3))
    for one in (part, matrix, matrix.take(np.arange(40, 260, 3))):
        expected = np.unique(one.keys["group"].to_numpy(dtype="str"), return_inverse=True)[1]
        assert (one.group_codes == expected).all()
