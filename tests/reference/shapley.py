"""Shapley values of a tree by their definition: every coalition, the tree walked anew. For small trees only."""

from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt

from models.explaining.treeshap.model_trees import CATEGORICAL, MISSING_NAN, MISSING_ZERO, ZERO, Tree


def goes_left(tree: Tree, node: int, value: float) -> bool:
    """The decision of one split, as LightGBM documents it."""
    if tree.kind(node) == CATEGORICAL:
        return bool(np.isfinite(value)) and int(value) in tree.category_sets[int(tree.threshold[node])].tolist()
    if np.isnan(value) and tree.kind(node) != MISSING_NAN:
        value = 0.0
    if np.isnan(value) or (tree.kind(node) == MISSING_ZERO and abs(value) <= ZERO):
        return tree.default_left(node)
    return bool(value <= tree.threshold[node])


def expected_given(tree: Tree, row: npt.NDArray[np.float64], known: frozenset[int], node: int = 0) -> float:
    """Mean output where the features in ``known`` are fixed, the others split as the training rows did."""
    if node < 0 or not tree.splits:
        return float(tree.leaf_value[~node if node < 0 else 0])
    left, right = int(tree.left[node]), int(tree.right[node])
    if int(tree.feature[node]) in known:
        return expected_given(tree, row, known, left if goes_left(tree, node, row[tree.feature[node]]) else right)
    below = {child: tree.leaf_count[~child] if child < 0 else tree.count[child] for child in (left, right)}
    return sum(
        float(rows / tree.count[node]) * expected_given(tree, row, known, child) for child, rows in below.items()
    )


def shapley(tree: Tree, row: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shapley value of every feature for one row, shape (len(row),)."""
    players = sorted(set(tree.feature.tolist()))
    values = np.zeros(len(row))
    for player in players:
        others = [p for p in players if p != player]
        for size in range(len(others) + 1):
            weight = factorial(size) * factorial(len(others) - size) / factorial(len(players))
            for coalition in combinations(others, size):
                known = frozenset(coalition)
                gain = expected_given(tree, row, known | {player}) - expected_given(tree, row, known)
                values[player] += weight * gain
    return values
