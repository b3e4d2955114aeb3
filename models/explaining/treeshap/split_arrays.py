"""Splits of all trees as flat arrays: the columns they read, binned, and the bins that go left."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.array_types import Floats, Ints
from models.explaining.treeshap.flat_arrays import ints, offsets
from models.explaining.treeshap.model_trees import CATEGORICAL, Tree

_BYTE_BINS, _BYTE_BITS = 255, 8  # what one byte can hold: bins and patterns beyond it take two


class Splits(NamedTuple):
    """What decides where a row goes.

    Parameters
    ----------
    columns : shape (columns, 4): feature, kind of missing value, first threshold, number of thresholds or categories
    thresholds : thresholds of all columns, ascending within one
    tree : shape (trees + 1,), each tree's first split
    column : shape (splits,), position in ``columns``
    bounds : shape (splits, 2), first bin that goes left and how many follow it
    members : shape (splits, 2), range in ``sets`` of a categorical split; empty if numeric
    sets : per bin of a categorical split, 1 where it goes left
    """

    columns: Ints
    thresholds: Floats
    tree: Ints
    column: Ints
    bounds: npt.NDArray[Any]
    members: Ints
    sets: npt.NDArray[Any]


def _columns(trees: Sequence[Tree]) -> tuple[Ints, Floats, list[Floats]]:
    """Binned columns, one per feature and kind of missing value: feature, kind, first threshold, size."""
    found: dict[tuple[int, int], list[float]] = {}
    for tree in trees:
        for node, feature in enumerate(tree.feature.tolist()):
            kind = tree.kind(node)
            values = found.setdefault((feature, kind), [])
            if kind == CATEGORICAL:
                values.append(float(tree.category_sets[int(tree.threshold[node])].max(initial=0) + 1))
            else:
                values.append(float(tree.threshold[node]))
    cuts = [
        np.array([max(values)]) if kind == CATEGORICAL else np.unique(values)
        for (_, kind), values in sorted(found.items())
    ]
    starts = offsets(map(len, cuts))
    lines = [
        (feature, kind, start, int(cut[0]) if kind == CATEGORICAL else len(cut))
        for (feature, kind), start, cut in zip(sorted(found), starts, cuts, strict=False)
    ]
    return np.array(lines, dtype=np.int64).reshape(-1, 4), np.concatenate([*cuts, np.empty(0)]), cuts


def split_arrays(trees: Sequence[Tree], widest: int = 0) -> Splits:
    """Columns and splits of the trees, in their order; bins of two bytes where a byte does not hold ``widest`` bits."""
    columns, thresholds, cuts = _columns(trees)
    narrow = widest <= _BYTE_BITS and (not len(columns) or columns[:, 3].max() < _BYTE_BINS)
    dtype: Any = np.uint8 if narrow else np.uint16
    place = {(int(feature), int(kind)): k for k, (feature, kind, _, _) in enumerate(columns)}
    node_column, node_range, node_set = [], [], []
    sets: list[npt.NDArray[Any]] = [np.empty(0, dtype=dtype)]
    used = 0
    for tree in trees:
        for node, feature in enumerate(tree.feature.tolist()):
            column = place[feature, tree.kind(node)]
            node_column.append(column)
            if tree.kind(node) == CATEGORICAL:
                members = np.zeros(int(columns[column, 3]) + 1, dtype=dtype)
                members[tree.category_sets[int(tree.threshold[node])]] = 1
                sets.append(members)
                node_range.append((0, 0))
                node_set.append((used, used + len(members)))
                used += len(members)
            else:
                low = 0 if tree.default_left(node) else 1
                last = int(np.searchsorted(cuts[column], tree.threshold[node])) + 1
                node_range.append((low, last - low))
                node_set.append((0, 0))
    return Splits(
        columns=columns,
        thresholds=thresholds,
        tree=offsets(tree.splits for tree in trees),
        column=ints(node_column),
        bounds=np.array(node_range, dtype=dtype).reshape(-1, 2),
        members=np.array(node_set, dtype=np.int64).reshape(-1, 2),
        sets=np.concatenate(sets),
    )
