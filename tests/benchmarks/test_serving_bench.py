"""The load benchmark runs, and nothing fails under it; its figures are for people, not for assertions."""

import json
from typing import Any

import pytest

from tests.benchmarks.bench_serving import measure


@pytest.mark.prove
def test_under_load_nothing_fails(tiny_demo: Any, record_property: Any) -> None:
    figures = measure(tiny_demo, seconds=10.0, leads=500, listed=1_000_000, mixed_seconds=180.0)
    record_property("serving", json.dumps(figures))
    assert [name for name, row in figures.items() if isinstance(row, dict) and row.get("errors")] == []
    assert figures["memory_growth"] <= 0.10
