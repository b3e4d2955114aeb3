"""The gate's rows and figures, the slow way: loops over rows, as the text of the rule says."""

import math
from typing import Any

import numpy as np
import pandas as pd

from features.matrix import Matrix


def later_rows_slowly(matrix: Matrix, through: pd.Timestamp, unit: str) -> list[int]:
    """A row counts if its label came later, unless its unit was learned from and its horizon had begun by then."""
    found = []
    for i in range(len(matrix)):
        if not matrix.matured[i] or not matrix.label_known_at.iloc[i] > through:
            continue
        own = matrix.keys[unit].iloc[i]
        learned = any(
            matrix.matured[j] and matrix.keys[unit].iloc[j] == own and matrix.label_known_at.iloc[j] <= through
            for j in range(len(matrix))
        )
        if not learned or matrix.keys["as_of"].iloc[i] >= through:
            found.append(i)
    return found


def log_loss_slowly(won: Any, z: Any) -> float:
    total = 0.0
    for y, x in zip(won, z, strict=True):
        p = 1 / (1 + math.exp(-x))
        total -= math.log(p) if y else math.log(1 - p)
    return total / len(won)


def calibration_error_slowly(won: Any, z: Any) -> float:
    """Mean absolute gap between promised and happened over tenths of the predictions, weighted by rows."""
    cuts = sorted(set(np.quantile(z, [k / 10 for k in range(1, 10)]).tolist()))
    tenths: dict[int, list[float]] = {}
    for y, x in zip(won, z, strict=True):
        tenths.setdefault(sum(x >= cut for cut in cuts), []).append(1 / (1 + math.exp(-x)) - y)
    return sum(abs(sum(gaps)) for gaps in tenths.values()) / len(won)


def wins_slowly(judged: Matrix, z: Any, places: list[int]) -> int:
    """Week after week the best leads nobody has yet; a win counts if it follows the handoff."""
    gone: set[str] = set()
    wins = 0
    for week, moment in enumerate(sorted(set(judged.keys["as_of"]))):
        rows = np.flatnonzero((judged.keys["as_of"] == moment).to_numpy()).tolist()
        rows = [i for i in rows if judged.keys["lead_id"].iloc[i] not in gone]
        for i in sorted(rows, key=lambda i: -z[i])[: places[week]]:
            gone.add(judged.keys["lead_id"].iloc[i])
            wins += int(judged.label[i])
    return wins
