"""Intervals of shares whose units come in clusters."""

import numpy as np
import pytest

from models.judging.clustered_share import share_interval, weighted_interval


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_units_that_all_ended_alike_are_worth_their_clusters_however_weights_add_up(outcome: float) -> None:
    for n in range(10, 300, 10):
        won, cluster, weight = np.full(n, outcome), np.arange(n) // 5, np.full(n, 1 / n)
        found = weighted_interval(won, won, weight, cluster)  # some of these weights add up to 0.9999999999999999
        assert found == pytest.approx(share_interval(won, cluster)), n
