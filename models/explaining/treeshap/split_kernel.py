"""Kernels of the splits: the bins of a row's values, and the side each split sends it to."""

import numpy as np

from features.compiled_kernels import kernel
from models.explaining.treeshap.model_trees import CATEGORICAL, MISSING_NAN, MISSING_ZERO, ZERO


@kernel
def _bin_numbers(x, kind, thresholds, out):  # type: ignore[no-untyped-def]
    """1 + the number of thresholds below each value, 0 where it is missing in the sense of ``kind``."""
    count = len(thresholds)
    for r in range(len(x)):
        value = x[r]
        empty = value != value
        if empty and kind != MISSING_NAN:
            value, empty = 0.0, False
        if kind == MISSING_ZERO and abs(value) <= ZERO:
            empty = True
        low, size = 0, count
        while size > 0:
            half = size // 2
            above = thresholds[low + half] < value
            low = low + half + 1 if above else low
            size = size - half - 1 if above else half
        out[r] = 0 if empty else low + 1


@kernel
def _bin_categories(x, size, out):  # type: ignore[no-untyped-def]
    """The category of each value, ``size`` where it is missing or in no split's set."""
    for r in range(len(x)):
        value = x[r]
        known = value > -1.0 and value < size
        out[r] = np.int64(value) if known else size


@kernel
def bin_block(design, start, rows, columns, thresholds, bins, values):  # type: ignore[no-untyped-def]
    """Bins of a block of rows; ``columns`` holds feature, kind of missing value, first threshold and size per line."""
    for c in range(len(columns)):
        feature, kind, first, size = columns[c]
        for r in range(rows):
            values[r] = design[start + r, feature]
        if kind == CATEGORICAL:
            _bin_categories(values[:rows], size, bins[c])
        else:
            _bin_numbers(values[:rows], kind, thresholds[first : first + size], bins[c])


@kernel
def decide(source, low, width, members, target):  # type: ignore[no-untyped-def]
    """1 where a split sends a row left: its bin is among the members, or from low to low + width (unsigned)."""
    if len(members):
        for r in range(len(source)):
            target[r] = members[source[r]]
    else:
        for r in range(len(source)):
            target[r] = source[r] - low
        for r in range(len(source)):
            target[r] = target[r] <= width


@kernel
def decide_tree_alone(bins, splits, t, goes_left):  # type: ignore[no-untyped-def]
    """:func:`decide_tree` for one row."""
    first = splits.tree[t]
    for n in range(first, splits.tree[t + 1]):
        here = bins[splits.column[n], 0]
        if splits.members[n, 1] > splits.members[n, 0]:
            goes_left[n - first] = splits.sets[splits.members[n, 0] + here]
        else:
            goes_left[n - first] = here - splits.bounds[n, 0]  # unsigned: what is below comes out far above
            goes_left[n - first] = goes_left[n - first] <= splits.bounds[n, 1]


@kernel
def most_splits(splits):  # type: ignore[no-untyped-def]
    """Splits of the largest tree."""
    most = 1
    for t in range(len(splits.tree) - 1):
        most = max(most, splits.tree[t + 1] - splits.tree[t])
    return most


@kernel
def decide_tree(bins, splits, t, rows, goes_left):  # type: ignore[no-untyped-def]
    """:func:`decide` for all splits of a tree."""
    first = splits.tree[t]
    for n in range(first, splits.tree[t + 1]):
        members = splits.sets[splits.members[n, 0] : splits.members[n, 1]]
        low, width = splits.bounds[n]
        decide(bins[splits.column[n], :rows], low, width, members, goes_left[n - first])
