"""A server with 100,000 posted rows starts and promotes as without, and a week of use fills neither memory nor disk."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.bench_growth import POSTED, measure_start, rehearse_week


@pytest.mark.prove
def test_many_posted_rows_cost_seconds_neither_at_start_nor_at_promotion(
    tiny_copy: Any, tmp_path: Path, record_property: Any
) -> None:
    figures = measure_start(tiny_copy, tmp_path, POSTED)
    record_property("growth_start", json.dumps(figures))
    without, posted = figures["0_rows"], figures[f"{POSTED}_rows"]
    assert posted["ready_s"] <= without["ready_s"] + 2.0, figures
    assert posted["promotion_s"] <= without["promotion_s"] + 2.0, figures


@pytest.mark.prove
def test_memory_and_store_are_flat_over_a_week(tiny_copy: Any, tmp_path: Path, record_property: Any) -> None:
    figures = rehearse_week(tiny_copy, tmp_path, 20.0)
    record_property("growth_week", json.dumps(figures))
    assert sum(day["errors"] for day in figures["days"]) == 0
    assert figures["memory_growth_after_day_3"] <= 0.10, figures
    assert figures["row_growth_after_day_3"] <= 0.5, figures
