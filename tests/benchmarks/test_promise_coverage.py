"""A promised precision is kept in at least nine of ten simulated markets, also where accounts decide together."""

from tests.benchmarks.bench_promise import coverage


def test_promises_to_clustered_markets_are_kept() -> None:
    figures = coverage(900, 3, 1.5, 0.3, draws=60)
    assert figures["kept_or_not_made"] >= 0.9
    assert figures["made"] >= 0.9
