"""How long a large CSV takes: ``init`` and ``ingest``, beside Arrow's bare reading of the same file.

Run ``python -m tests.benchmarks.bench_ingest [--rows 1000000]``. Machines differ, and so does what else they do: the
ratios to Arrow's seconds are what to compare.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from features.schema.load_source import load_source
from pipelines.declaring.starter_declaration import declare_facts, read_facts
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths

DECLARATION = """\
name: large
kind: flat
flat:
  target: {column: status, won: [won], lost: [lost]}
  lead_id: lead_id
tables:
  leads:
    location: {file: large.csv}
    columns:
      lead_id: {from: Lead ID, type: id, role: display}
      created: {from: Create Date, type: timestamp, role: display}
      company: {from: Company, role: display}
      email: {from: Email, role: personal}
      country: {from: Country}
      postcode: {from: Postcode}
      industry: {from: Industry}
      title: {from: Job Title}
      employees: {from: Employees, type: number, minimum: 1}
      revenue: {from: Revenue, type: number}
      channel: {from: Lead Source}
      campaign: {from: Campaign}
      pages: {from: Page Views, type: number, minimum: 0}
      visits: {from: Visits, type: number}
      last_seen: {from: Last Seen, type: timestamp, role: display}
      consent: {from: Consent, type: boolean}
      budget: {from: Budget, type: number}
      status: {from: Status, role: display}
"""
COUNTRIES = ("DE", "FR", "ES", "PL", "KR", "JP", "US", "GB")
INDUSTRIES = ("Software", "Retail", "Health care", "Machinery", "Public sector", "Sea, air")
TITLES = ("Head of Sales", "Engineer", "CEO", "Marketing", "Student", "VP", "")
CHANNELS = ("Web", "Trade show", "Partner", "Cold call", "Referral")


def write_large(path: Path, rows: int, *, seed: int = 7) -> dict[str, int]:
    """A lead export of 18 columns, some 110 bytes a row; returns how many rows are broken, by rule."""
    rng = np.random.default_rng(seed)
    number = np.arange(rows)
    moments = np.datetime64("2023-01-01T08:00:00") + rng.integers(0, 63_000_000, rows).astype("timedelta64[s]")
    frame = pd.DataFrame(
        {
            "Lead ID": pd.Series(100_000 + number).astype(str).radd("L"),
            "Create Date": pd.Series(np.datetime_as_string(np.sort(moments), unit="s")),
            "Company": pd.Series(rng.integers(0, rows // 3 + 1, rows)).astype(str).radd("F"),
            "Email": pd.Series(number).astype(str) + "@a.example",
            "Country": np.array(COUNTRIES)[rng.integers(0, len(COUNTRIES), rows)],
            "Postcode": pd.Series(rng.integers(1000, 99_999, rows)).astype(str).str.zfill(5),
            "Industry": np.array(INDUSTRIES)[rng.integers(0, len(INDUSTRIES), rows)],
            "Job Title": np.array(TITLES)[rng.integers(0, len(TITLES), rows)],
            "Employees": rng.integers(1, 5000, rows),
            "Revenue": np.round(rng.lognormal(11, 1, rows), 2),
            "Lead Source": np.array(CHANNELS)[rng.integers(0, len(CHANNELS), rows)],
            "Campaign": pd.Series(rng.integers(0, 200, rows)).astype(str).radd("C"),
            "Page Views": rng.poisson(4, rows),
            "Visits": rng.poisson(2, rows),
            "Last Seen": pd.Series(np.datetime_as_string(moments + np.timedelta64(86_400, "s"), unit="D")),
            "Consent": np.array(["yes", "no"])[rng.integers(0, 2, rows)],
            "Budget": pd.Series(rng.integers(1, 100, rows) * 500).astype(str).where(rng.random(rows) < 0.4, ""),
            "Status": np.array(["won", "lost"])[(rng.random(rows) < 0.8).astype(int)],
        }
    )
    bad = rng.choice(rows, max(rows // 10_000, 3) * 3, replace=False)
    types, minima, targets = np.array_split(bad, 3)
    frame["Page Views"] = frame["Page Views"].astype(str)
    frame.loc[types, "Page Views"] = "many"
    frame.loc[minima, "Employees"] = 0
    frame.loc[targets, "Status"] = "??"
    cells = [pa.array(frame[name].astype("str"), pa.string()) for name in frame]
    cells = [pc.if_else(pc.match_substring(c, ","), pc.binary_join_element_wise('"', c, '"', ""), c) for c in cells]
    lines = pc.binary_join_element_wise(*cells, ",").to_pylist()
    path.write_text("\n".join([",".join(frame), *lines, ""]), encoding="utf-8")
    return {"type": len(types), "minimum": len(minima), "allowed_values": len(targets)}


def seconds(what: Callable[[], Any]) -> float:
    """Seconds of one call: wall clock, or what all threads computed, whichever is less where others keep it waiting."""
    start, computed = time.perf_counter(), time.process_time()
    what()
    return min(time.perf_counter() - start, time.process_time() - computed)


def measure(rows: int, folder: Path) -> dict[str, float]:
    """Seconds of each step on a file of ``rows`` rows in ``folder``, and their ratios to Arrow's."""
    path = folder / "large.csv"
    write_large(path, rows)
    (folder / "large.yaml").write_text(DECLARATION)
    source = load_source(folder / "large.yaml")
    declare_facts(*read_facts(path))  # imports and compiled code, once
    found = {
        "rows": float(rows),
        "megabytes": path.stat().st_size / 1e6,
        "arrow_seconds": min(seconds(lambda: pa.csv.read_csv(path)) for _ in range(3)),
        "init_seconds": seconds(lambda: declare_facts(*read_facts(path))),
        "ingest_seconds": seconds(lambda: ingest(source, Paths(folder / "data", "large"))),
    }
    for step in ("init", "ingest"):
        found[f"{step}_ratio"] = found[f"{step}_seconds"] / found["arrow_seconds"]
    return found


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(arguments.rows, Path(folder))
    sys.stdout.write(json.dumps({name: round(value, 3) for name, value in found.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
