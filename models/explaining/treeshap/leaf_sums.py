"""Predictions of many rows: the sum of the leaves they reach, tree by tree, to the bit as LightGBM adds them up.

LightGBM walks all trees for one row before it turns to the next one; a processor has to guess each turn, and is often
wrong. Here a block of rows goes down one tree together, level by level, without a branch: each split is a table of its
column's bins, and a leaf leads to itself (docs/adr/0047).
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from features.array_types import Floats, Ints
from features.compiled_kernels import kernel
from models.explaining.treeshap.flat_arrays import offsets
from models.explaining.treeshap.model_trees import Tree, read_ensemble
from models.explaining.treeshap.split_arrays import Splits, split_arrays
from models.explaining.treeshap.split_kernel import bin_block

_BLOCK = 512  # rows: their bins and one tree fit into the nearest cache


class Walk(NamedTuple):
    """Nodes of all trees, each tree's splits before its leaves; places within a tree start at 0.

    Parameters
    ----------
    model, depth : shape (trees,), the booster each tree belongs to, and splits on its longest path
    first : shape (trees,), each tree's first node
    column, table : shape (nodes,), the binned column a node reads, and where its part of ``sides`` starts
    children : shape (nodes, 2), where a row goes if not left, and if left
    value : shape (nodes,), what a leaf adds
    sides : per bin, 1 where a row goes left
    """

    model: Ints
    depth: Ints
    first: Ints
    column: Ints
    table: Ints
    children: Ints
    value: Floats
    sides: npt.NDArray[np.uint8]


class LeafSums(NamedTuple):
    """Trees of several boosters, ready for :meth:`predict`."""

    boosters: int
    splits: Splits
    walk: Walk

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self | None:
        """From models in LightGBM's text format; None where a model is no plain sum of constant leaves."""
        ensembles = [read_ensemble(text) for text in texts]
        if not all(ensemble.plain for ensemble in ensembles):
            return None
        trees = [tree for ensemble in ensembles for tree in ensemble.trees]
        model = [k for k, ensemble in enumerate(ensembles) for _ in ensemble.trees]
        splits = split_arrays(trees)
        return cls(len(texts), splits, _walk(trees, model, splits))

    def predict(self, design: Floats) -> Floats:
        """Raw output per booster, shape (boosters, n); ``design`` of shape (n, features), float64."""
        out = np.zeros((self.boosters, len(design)))
        add_leaves(np.ascontiguousarray(design, dtype=np.float64), self.splits, self.walk, out)
        return out


def _walk(trees: Sequence[Tree], model: Sequence[int], splits: Splits) -> Walk:
    first = offsets(2 * tree.splits + 1 for tree in trees)
    nodes = int(first[-1])
    column, table, value = np.zeros(nodes, dtype=np.int64), np.zeros(nodes, dtype=np.int64), np.zeros(nodes)
    children = np.zeros((nodes, 2), dtype=np.int64)
    for k, tree in enumerate(trees):
        inner, leaf = slice(first[k], first[k] + tree.splits), slice(first[k] + tree.splits, first[k + 1])
        column[inner] = splits.column[splits.tree[k] : splits.tree[k + 1]]
        side = np.column_stack([tree.right, tree.left])
        children[inner] = np.where(side < 0, tree.splits + ~side, side)
        children[leaf] = (tree.splits + np.arange(tree.splits + 1))[:, None]
        value[leaf] = tree.leaf_value

    # bins of a column are 0 to its count of thresholds + 1, or of categories
    is_split = np.concatenate([np.r_[np.ones(t.splits, dtype=bool), np.zeros(t.splits + 1, dtype=bool)] for t in trees])
    width = splits.columns[splits.column, 3] + 2
    starts = np.r_[0, np.cumsum(width)]
    table[is_split] = starts[:-1]
    sides = np.zeros(max(int(starts[-1]), int(width.max(initial=0)), 1), dtype=np.uint8)
    for n, start in enumerate(starts[:-1].tolist()):
        low, high = splits.members[n]
        if high > low:
            sides[start : start + high - low] = splits.sets[low:high]
        else:
            bottom, reach = (int(bound) for bound in splits.bounds[n])
            sides[start + bottom : start + bottom + reach + 1] = 1
    depth = np.array([_depth(tree) for tree in trees], dtype=np.int64)
    return Walk(np.array(model, dtype=np.int64), depth, first[:-1], column, table, children, value, sides)


def _depth(tree: Tree) -> int:
    """Splits on the longest path; a split stands before those below it."""
    deep = np.ones(tree.splits, dtype=np.int64)
    for node, sides in enumerate(zip(tree.left.tolist(), tree.right.tolist(), strict=True)):
        for child in sides:
            if child >= 0:
                deep[child] = deep[node] + 1
    return int(deep.max(initial=0))


@kernel
def add_leaves(design, splits, walk, out):  # type: ignore[no-untyped-def]
    """Add every tree's leaf of every row to ``out``, trees in their order."""
    rows = len(design)
    bins = np.zeros((max(len(splits.columns), 1), _BLOCK), splits.bounds.dtype)
    values, node = np.empty(_BLOCK), np.empty(_BLOCK, np.int64)
    for start in range(0, rows, _BLOCK):
        size = min(_BLOCK, rows - start)
        bin_block(design, start, size, splits.columns, splits.thresholds, bins, values)
        for t in range(len(walk.first)):
            first = walk.first[t]
            column, table, children = walk.column[first:], walk.table[first:], walk.children[first:]
            node[:size] = 0
            for _ in range(walk.depth[t]):
                for r in range(size):
                    n = np.uint64(node[r])
                    place = table[n] + bins[np.uint64(column[n]), np.uint64(r)]
                    node[r] = children[n, np.uint64(walk.sides[np.uint64(place)])]
            worth, total = walk.value[first:], out[walk.model[t], start : start + size]
            for r in range(size):
                total[r] += worth[np.uint64(node[r])]
