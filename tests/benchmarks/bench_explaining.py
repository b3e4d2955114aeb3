"""How fast contributions are, next to LightGBM's own, and what a bound on depth costs in log loss.

Run ``python -m tests.benchmarks.bench_explaining``; every figure of one run is comparable, none across machines. The
data are simulated (synthetic): 120 numbers with gaps and four categories.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np

from features.array_types import Floats
from models.explaining.treeshap import TreeShap

FEATURES, CATEGORIES = 120, 4
ROUNDS = 5  # all ways in turn, medians taken: others may use the machine too
ONE_THREAD_ROWS = 4_096  # many blocks, and few enough to repeat
SHAPES = {
    "depth 5, 16 leaves": (5, 16),
    "depth 6, 31 leaves": (6, 31),
    "depth 8, 63 leaves": (8, 63),
    "depth 12, 255 leaves": (12, 255),
}


def table(rows: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Rows with missing values, zeros and categories last; an outcome that needs forty of the columns."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, FEATURES))
    x[rng.random(x.shape) < 0.1] = np.nan
    x[:, 1:9] = np.where(rng.random((rows, 8)) < 0.6, 0.0, x[:, 1:9])
    x[:, -CATEGORIES:] = rng.integers(0, 25, (rows, CATEGORIES))
    signal = (
        np.nan_to_num(x[:, :40]) @ np.random.default_rng(9).normal(0, 0.25, 40)
        + np.isnan(x[:, 3])
        + 0.6 * (x[:, -1] % 3 == 1)
    )
    return x, (signal + rng.logistic(size=rows) > 1.5).astype(np.float64)


def boosters(x: Floats, y: Floats, depth: int, leaves: int, trees: int, seeds: int = 3) -> list[lgb.Booster]:
    """Boosters of ``trees`` trees in all."""
    data = lgb.Dataset(x, y, categorical_feature=list(range(FEATURES - CATEGORIES, FEATURES)), free_raw_data=False)
    base = {"objective": "binary", "max_depth": depth, "num_leaves": leaves, "learning_rate": 0.05}
    base |= {"feature_fraction": 0.5, "min_child_samples": 40, "verbosity": -1}
    return [lgb.train({**base, "seed": k, "num_threads": 1}, data, trees // seeds) for k in range(seeds)]


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def processor_seconds(run: Callable[[], Any]) -> float:
    """Time of this thread alone, which other work on the machine disturbs little."""
    start = time.thread_time()
    run()
    return time.thread_time() - start


def compared(depth: int, leaves: int, *, rows: int, slow_rows: int, trees: int) -> dict[str, float]:
    """Rows a second of both, their ratio, largest difference, and one lead alone."""
    x, y = table(20_000 if rows >= 20_000 else rows)
    asked = table(rows, seed=1)[0]
    models = boosters(x, y, depth, leaves, trees)
    made: dict[str, TreeShap] = {}
    build = seconds(lambda: made.update(explainer=TreeShap.of([model.model_to_string() for model in models])))
    explainer = made["explainer"]
    explainer.values(asked[:300])
    fast = explainer.values(asked, threads=2)
    some = asked[:slow_rows]
    slow = np.mean([model.predict(some, pred_contrib=True, num_threads=2) for model in models], axis=0)
    ways: dict[str, tuple[int, Callable[[], Any]]] = {
        "ours": (rows, lambda: explainer.values(asked, threads=2)),
        "theirs": (slow_rows, lambda: [model.predict(some, pred_contrib=True, num_threads=2) for model in models]),
        "predict": (slow_rows, lambda: [model.predict(some, num_threads=2) for model in models]),
    }
    taken = [{name: count / seconds(run) for name, (count, run) in ways.items()} for _ in range(ROUNDS)]
    rate = {name: float(np.median([turn[name] for turn in taken])) for name in ways}
    alone = np.array([seconds(lambda: explainer.values(asked[:1])) for _ in range(500)]) * 1000
    several = asked[:ONE_THREAD_ROWS]
    one_thread = []
    for _ in range(ROUNDS):
        slow_s = processor_seconds(lambda: [model.predict(some, pred_contrib=True, num_threads=1) for model in models])
        one_thread.append(slow_s / len(some) / (processor_seconds(lambda: explainer.values(several)) / len(several)))
    return {
        "rows_per_second": rate["ours"],
        "pred_contrib_rows_per_second": rate["theirs"],
        "predict_rows_per_second": rate["predict"],
        "ratio": float(np.median([turn["ours"] / turn["theirs"] for turn in taken])),
        "ratio_one_thread": float(np.median(one_thread)),
        "largest_difference": float(np.abs(fast[:slow_rows] - slow[:, :-1]).max()),
        "one_lead_ms": float(np.median(alone)),
        "build_s": build,
        "tables_mb": explainer.table_bytes / 2**20,
    }


def depth_cost(rows: int = 20_000, rounds: int = 150) -> dict[str, float]:
    """Log loss on unseen rows by depth, same rounds and leaves; -1 is unbounded."""
    (x, y), (new, truth) = table(rows), table(rows, seed=1)
    cost = {}
    for depth in (3, 4, 5, 6, 8, -1):
        model = boosters(x, y, depth, 31, rounds, seeds=1)[0]
        p = np.clip(np.asarray(model.predict(new, num_threads=2)), 1e-9, 1 - 1e-9)
        cost[str(depth)] = float(-np.mean(truth * np.log(p) + (1 - truth) * np.log1p(-p)))
    return cost


def measure(rows: int = 100_000, slow_rows: int = 1_000, trees: int = 300) -> dict[str, Any]:
    """All figures of one run."""
    found: dict[str, Any] = {
        name: compared(*shape, rows=rows, slow_rows=slow_rows, trees=trees) for name, shape in SHAPES.items()
    }
    found["log_loss_by_depth"] = depth_cost(min(rows, 20_000))
    return found | {"rows": rows, "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--slow-rows", type=int, default=1_000)
    asked = parser.parse_args(arguments)
    sys.stdout.write(json.dumps(measure(asked.rows, asked.slow_rows), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
