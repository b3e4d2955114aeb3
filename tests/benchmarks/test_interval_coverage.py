"""The probability interval holds the demo's truth in most score deciles of the test block."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.run import run_stage
from pipelines.workspace.context import open_context
from tests.benchmarks.bench_coverage import STAGES, deciles


@pytest.mark.prove
def test_interval_holds_the_true_rate_in_most_deciles(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    context = open_context("demo", tmp_path)
    for stage in STAGES:
        run_stage(context, stage)
    rows = deciles(context)
    held = sum(row["held"] for row in rows)
    record_property("deciles_held", held)
    assert len(rows) == 10
    assert held >= 7
