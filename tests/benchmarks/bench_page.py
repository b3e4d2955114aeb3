"""One page of figures of this machine: its parts and versions, a finished run's rates, and ratios to other ways.

Run ``make bench``, or ``python -m tests.benchmarks.bench_page --out FILE.md``. Rates belong to the machine and to
what else it did; ratios are of one run and may be compared with care.
"""

import argparse
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from features.errors import LeadScoreError
from pipelines.diagnostics.throughput import measure_throughput
from pipelines.workspace.context import open_context
from tests.benchmarks import bench_explaining, bench_features

LIBRARIES = ("leadscore", "numpy", "pandas", "numba", "lightgbm", "scikit-learn", "duckdb", "polars", "shap")
RATES = {
    "matrix_rows_per_second": "rows of features built, a second",
    "predict_rows_per_second": "rows predicted, a second",
    "explain_rows_per_second": "rows explained, a second",
    "score_rows_per_second": "rows scored with reasons, evidence and states, a second",
    "explain_over_predict": "time to explain, in times to predict",
    "one_lead_milliseconds": "one lead predicted alone, ms",
}


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return {
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}",
        "load when it began": f"{load:.1f} ({'busy: rates are too low' if load > 1 else 'nothing else ran'})",
        "versions": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "taken": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def rates(source: str, data_dir: Path, rows: int) -> dict[str, Any]:
    """Rates of a finished run's parts, or why there are none."""
    try:
        return asdict(measure_throughput(open_context(source, data_dir), rows))
    except LeadScoreError as problem:
        return {"problem": problem.message}


def ratios(leads: int, rows: int) -> list[tuple[str, str, str, float]]:
    """What, ours, the other way, and how many times as long the other takes."""
    features = bench_features.measure(leads)
    made = f"{features['features']} features of {features['rows']:,} rows from {features['events']:,} events"
    found = [
        (
            made,
            f"sort and sweep, {features['kernel_s']:.2f} s",
            f"{name}, {features[key]:.2f} s",
            features[key] / features["kernel_s"],
        )
        for name, key in (("DuckDB", "duckdb_s"), ("polars", "polars_s"))
    ]
    trees = 300 if rows > 1_000 else 30
    explained = bench_explaining.compared(5, 16, rows=rows, slow_rows=min(rows, 500), trees=trees)
    found.append(
        (
            f"exact Shapley values, {trees} trees of depth 5",
            f"tables, {explained['rows_per_second']:,.0f} rows a second",
            f"LightGBM, {explained['pred_contrib_rows_per_second']:,.0f} rows a second",
            explained["ratio"],
        )
    )
    return found


def render(on: dict[str, str], run: dict[str, Any], compared: list[tuple[str, str, str, float]]) -> str:
    """The page."""
    lines = [
        "# Speed",
        "",
        "Written by `make bench`. Rates belong to the machine and to what else it did; ratios are of",
    ]
    lines += [
        "one run: both ways in turn, on the same rows, to the same numbers (`tests/benchmarks/` checks that).",
        "",
    ]
    lines += ["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in on.items()), ""]
    lines += ["## Ratios", "", "| what | ours | other | the other takes |", "|---|---|---|---|"]
    lines += [f"| {what} | {ours} | {other} | {times:.1f} times as long |" for what, ours, other, times in compared]
    lines += ["", "## A finished run", ""]
    if "problem" in run:
        return "\n".join([*lines, f"None: {run['problem']}", ""])
    lines += [f"Source {run['source']}, {run['winner']} of {run['features']} features, {run['rows']:,} rows.", ""]
    lines += ["| | |", "|---|---|", *(f"| {text} | {run[name]:,.1f} |" for name, text in RATES.items()), ""]
    further = ("[large tables](quality.md#large-tables)", "[explanations](explaining.md#contributions)")
    lines += [f"Elsewhere: {', '.join(further)}, [scaling](scaling.md), [serving](serving.md)."]
    return "\n".join([*lines, ""])


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(".cache/bench/bench.md"))
    parser.add_argument("--source", default="demo")
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--leads", type=int, default=50_000, help="synthetic leads to build features on")
    parser.add_argument("--rows", type=int, default=20_000, help="rows to explain")
    asked = parser.parse_args(arguments)
    on = machine()
    page = render(on, rates(asked.source, asked.data_dir, asked.rows), ratios(asked.leads, asked.rows))
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(page, encoding="utf-8")
    sys.stdout.write(f"{page}\nwritten to {asked.out}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
