"""The load benchmark runs, and nothing fails under it; its figures are for people, not for assertions."""

from typing import Any

import pytest

from tests.benchmarks.bench_serving import measure


@pytest.mark.prove
def test_under_load_nothing_fails(tiny_demo: Any) -> None:
    figures = measure(tiny_demo, seconds=3.0, leads=200, listed=100_000)
    assert [name for name, row in figures.items() if isinstance(row, dict) and row.get("errors")] == []
    assert figures["memory_growth"] <= 0.10
