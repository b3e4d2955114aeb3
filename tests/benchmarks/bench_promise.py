"""Empirical coverage of the promised threshold over simulated markets (synthetic), clustered and not.

A promise is broken when the leads it hands off would, in the long run, convert less often than promised. The long run
is known here, because the probabilities are. Run: ``python -m tests.benchmarks.bench_promise``.
"""

import json
import sys

import numpy as np
import pandas as pd

from models.judging.handoff.precision_guarantee import find_promised_threshold

DRAWS = 500


def market(leads: int, per_account: int, shared: float, seed: int) -> tuple[np.ndarray, pd.DataFrame, np.ndarray]:
    """Scores, keys and outcomes; ``shared`` is the spread of what the leads of one account have in common."""
    rng = np.random.default_rng(seed)
    account = np.arange(leads) // per_account
    score = rng.normal(size=leads)
    common = rng.normal(0, shared, account.max() + 1)[account]
    won = rng.random(leads) < 1 / (1 + np.exp(-(1.2 * score - 1.6 + common)))
    text = pd.Series(account.astype(str), dtype="str")
    keys = pd.DataFrame(
        {
            "lead_id": pd.Series(np.arange(leads).astype(str), dtype="str"),
            "as_of": pd.NaT,
            "account_id": text,
            "group": text,
            "episode": 0,
            "order": np.arange(leads),
            "age_days": np.nan,
            "segment": pd.Series([pd.NA] * leads, dtype="str"),
        }
    )
    return score, keys, won.astype(float)


def long_run(threshold: float, shared: float) -> float:
    """Share of wins among all leads whose score reaches the threshold, accounts averaged over."""
    rng = np.random.default_rng(99)
    score = rng.normal(size=400_000)
    common = rng.normal(0, shared, len(score))
    chance = 1 / (1 + np.exp(-(1.2 * score - 1.6 + common)))
    return float(chance[score >= threshold].mean())


def coverage(leads: int, per_account: int, shared: float, promised: float, draws: int = DRAWS) -> dict[str, float]:
    """Share of draws in which no false promise was made, and how often one was made at all."""
    grid = np.linspace(-3, 3, 61)
    true = np.array([long_run(t, shared) for t in grid])
    broken = made = 0
    workload = []
    for draw in range(draws):
        found = find_promised_threshold(*market(leads, per_account, shared, draw), promised=promised, confidence=0.9)
        if found.kept is not None:
            made += 1
            workload.append(found.kept.workload)
            broken += float(np.interp(found.kept.threshold, grid, true)) < promised
    return {
        "kept_or_not_made": 1 - broken / draws,
        "made": made / draws,
        "median_workload": float(np.median(workload)) if workload else 0.0,
    }


def run(draws: int = DRAWS) -> dict[str, dict[str, float]]:
    """Coverage of four markets at the confidence of 90%."""
    return {
        "independent leads, 2000": coverage(2000, 1, 0.0, 0.3, draws),
        "three leads an account, correlated, 2100": coverage(2100, 3, 1.5, 0.3, draws),
        "six leads an account, correlated, 1200": coverage(1200, 6, 1.5, 0.3, draws),
        "hard to promise: 50%, three an account, 900": coverage(900, 3, 1.0, 0.5, draws),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=1) + "\n")
