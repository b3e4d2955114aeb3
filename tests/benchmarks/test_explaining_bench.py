"""The benchmark of explanations compares equal values."""

import pytest

from tests.benchmarks.bench_explaining import compared


@pytest.mark.parametrize(("depth", "leaves"), [(5, 16), (8, 63)])
def test_both_give_the_same_values(depth: int, leaves: int) -> None:
    found = compared(depth, leaves, rows=600, slow_rows=300, trees=9)
    assert found["largest_difference"] < 1e-9
    assert found["ratio"] > 0
    assert found["ratio_one_thread"] > 0
    assert found["one_lead_ms"] > 0
