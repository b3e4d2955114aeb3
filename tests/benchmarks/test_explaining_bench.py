"""The benchmark of explanations compares equal values."""

from tests.benchmarks.bench_explaining import compared


def test_both_give_the_same_values() -> None:
    found = compared(5, 16, rows=600, slow_rows=300, trees=9)
    assert found["largest_difference"] < 1e-9
    assert found["ratio"] > 0
