"""Trees and their groups as the flat arrays the kernel walks over."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from features.array_types import Floats, Ints
from models.explaining.tree_kernel import ForestArrays, LeafGames, fill_tables
from models.explaining.tree_plan import Group, table_size
from models.explaining.trees import CATEGORICAL, Tree

Arrays = tuple[npt.NDArray[Any], ...]
_BYTE_BINS, _BYTE_BITS = 255, 8  # what one byte can hold: bins and patterns beyond it take two


def flatten(trees: Sequence[Tree], groups: Sequence[Sequence[Group]], scale: float) -> ForestArrays:
    """Everything the kernels need; leaf values are multiplied by ``scale``."""
    columns, thresholds, cuts = _columns(trees)
    flat = [group for part in groups for group in part]
    widest = max([2, *(len(group.bits) for group in flat)])
    narrow = widest <= _BYTE_BITS and (not len(columns) or columns[:, 3].max() < _BYTE_BINS)
    dtype = np.uint8 if narrow else np.uint16
    splits, lookups = _splits(trees, columns, cuts, dtype), _lookups(groups)
    return ForestArrays._make((columns, thresholds, *splits, *lookups, _tables(flat, scale)))


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
    starts = _offsets(map(len, cuts))
    lines = [
        (feature, kind, start, int(cut[0]) if kind == CATEGORICAL else len(cut))
        for (feature, kind), start, cut in zip(sorted(found), starts, cuts, strict=False)
    ]
    return np.array(lines, dtype=np.int64).reshape(-1, 4), np.concatenate([*cuts, np.empty(0)]), cuts


def _splits(trees: Sequence[Tree], columns: Ints, cuts: Sequence[Floats], dtype: Any) -> Arrays:
    """Per tree its first split; per split its column, its range of bins, and its members in ``sets`` if categorical."""
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

    return (
        _offsets(tree.splits for tree in trees),
        _ints(node_column),
        np.array(node_range, dtype=dtype).reshape(-1, 2),
        np.array(node_set, dtype=np.int64).reshape(-1, 2),
        np.concatenate(sets),
    )


def _lookups(groups: Sequence[Sequence[Group]]) -> Arrays:
    """Bits, table offset and output columns of every group, tree by tree."""
    flat = [group for part in groups for group in part]
    bits = [bit for group in flat for bit in group.bits]
    return (
        _offsets(map(len, groups)),
        _offsets(len(group.bits) for group in flat),
        _offsets(map(len, bits)),
        _ints([2 * split + left for bit in bits for split, left in bit]),
        _offsets(table_size([group]) for group in flat),
        _offsets(len(group.columns) for group in flat),
        _ints([column for group in flat for column in group.columns]),
    )


def _tables(groups: Sequence[Group], scale: float) -> Floats:
    """The groups' tables, one after the other, each column by column."""
    leaves = [leaf for group in groups for leaf in group.leaves]
    wanted = [feature for leaf in leaves for feature in leaf.features]
    position, ones, zeros = (_ints([int(feature[k]) for feature in wanted]) for k in range(3))
    games = LeafGames(
        group_bits=_ints([len(group.bits) for group in groups]),
        group_table=_offsets(table_size([group]) for group in groups),
        group_leaf=_offsets(len(group.leaves) for group in groups),
        leaf_value=np.array([scale * leaf.value for leaf in leaves], dtype=np.float64),
        leaf_start=_offsets(len(leaf.features) for leaf in leaves),
        position=position,
        ones=ones,
        zeros=zeros,
        share=np.array([feature[3] for feature in wanted], dtype=np.float64),
    )

    tables = np.zeros(table_size(groups))
    fill_tables(games, tables)
    return tables


def _ints(values: Sequence[int]) -> Ints:
    """An array of int64, also of nothing."""
    return np.array(values, dtype=np.int64)


def _offsets(sizes: Iterable[int]) -> Ints:
    """Where parts of these sizes start, and where the last one ends."""
    return _ints([0, *accumulate(sizes)])
