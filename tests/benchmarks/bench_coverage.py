"""Whether the probability interval holds the truth: the demo knows each lead's true chance of being won.

The interval speaks of the event rate given the score, so the test rows are cut into score deciles, and in each the mean
true probability is compared with the mean interval. Run ``python -m tests.benchmarks.bench_coverage DATA_DIR``.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.bundle import load_bundle
from pipelines.run import run_stage
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.matrix_files import load_chop, load_matrix

STAGES = ("ingest", "matrix", "audit", "backtest", "train")


def deciles(context: Context) -> list[dict[str, Any]]:
    """Per score decile of the test rows: mean predicted and true probability, and the mean 90% interval."""
    matrix, split = load_matrix(context.paths.matrix), load_chop(context.paths.matrix)
    test = matrix.take(split.final.test)
    truth = pd.read_parquet(context.paths.raw / "truth" / "truth.parquet")
    known = truth.drop_duplicates(["lead_id", "as_of"]).set_index(["lead_id", "as_of"])["probability"]
    places = pd.MultiIndex.from_frame(test.keys[["lead_id", "as_of"]])
    true = known.reindex(places).to_numpy(dtype=np.float64)
    p, low, high = load_bundle(context.paths.train / "twin").probability(test.values)
    frame = pd.DataFrame({"p": p, "low": low, "high": high, "true": true}).dropna()
    frame["decile"] = pd.qcut(frame["p"].rank(method="first"), 10, labels=False)
    found = []
    for decile, rows in frame.groupby("decile"):
        figures = {name: float(rows[name].mean()) for name in ("p", "true", "low", "high")}
        held = figures["low"] <= figures["true"] <= figures["high"]
        found.append({"decile": int(decile) + 1, "rows": len(rows), **figures, "held": held})
    return found


def main() -> None:
    """Run the demo's stages into a directory and print the deciles."""
    context = open_context("demo", Path(sys.argv[1]))
    for stage in STAGES:
        run_stage(context, stage)
    rows = deciles(context)
    sys.stdout.write(pd.DataFrame(rows).round(4).to_string(index=False))
    sys.stdout.write(f"\nheld in {sum(row['held'] for row in rows)} of {len(rows)} deciles\n")


if __name__ == "__main__":
    main()
