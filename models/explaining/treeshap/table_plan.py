"""Which parts of a tree are explained by one table: subtrees small enough that their splits fit in a few bits.

A leaf's output is a product game over the distinct features on its path (Lundberg, Erion, Lee 2018), so its Shapley
values depend on nothing but which features' conditions hold. A subtree's values depend on the conditions above it,
one bit per feature, and on the splits inside it, one bit each. Where these bits are few, one table holds the sum over
all its leaves, and explaining a row is one look-up per feature and subtree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.array_types import Ints
from models.explaining.treeshap.model_trees import Tree

MAX_BITS = 7  # of a merged subtree: each bit more doubles its table
_BIT_COST = 0.12  # of finding one bit of the pattern, where a look-up in a table costs 1
Conditions = tuple[tuple[int, bool], ...]  # (split, whether left is wanted), all must hold


@dataclass(frozen=True)
class Leaf:
    """A leaf of a group: its output and, per distinct feature on its path, the bits it wants and the share of rows.

    ``features`` holds (position among the group's columns, bits wanted 1, bits wanted 0, share).
    """

    value: float
    features: tuple[tuple[int, int, int, float], ...]


@dataclass(frozen=True)
class Group:
    """A subtree explained by one table of ``len(columns)`` times ``2 ** len(bits)`` values."""

    bits: tuple[Conditions, ...]
    columns: tuple[int, ...]
    leaves: tuple[Leaf, ...]


def plan(tree: Tree, column_of: Ints, max_bits: int = MAX_BITS) -> list[Group]:
    """Groups that cover a tree's leaves once, at the least number of look-ups.

    Parameters
    ----------
    column_of : shape (features,), the output column each feature is summed into
    """
    return _Planner(tree, column_of, max_bits).groups() if tree.splits else []


@dataclass(frozen=True)
class _Chosen:
    """A subtree that becomes a group: its first split (or leaf), what must hold above it, the splits inside it."""

    node: int
    above: Mapping[int, Conditions]
    inside: list[int]


class _Planner:
    def __init__(self, tree: Tree, column_of: Ints, max_bits: int) -> None:
        self.max_bits = max_bits
        self.feature = tree.feature.tolist()
        self.left, self.right = tree.left.tolist(), tree.right.tolist()
        self.column = [int(column_of[f]) for f in self.feature]
        self.share_left, self.share_right = tree.shares
        self.leaf_value = tree.leaf_value.tolist()

    def groups(self) -> list[Group]:
        """The groups of least cost; only those are worked out."""
        return [self._group(chosen) for chosen in self._best(0, {})[1]]

    def _best(self, node: int, above: Mapping[int, Conditions]) -> tuple[float, list[_Chosen]]:
        """Least cost of explaining everything below ``node``, and the subtrees that reach it."""
        inside = self._inside(node)
        bits = len(above) + len(inside)
        whole = len(self._columns(above, inside)) + _BIT_COST * bits, [_Chosen(node, above, inside)]
        # its two halves would look up at least one column twice, which costs more than all its bits together
        if node < 0 or (bits <= self.max_bits and _BIT_COST * bits < 1):
            return whole
        parts = [self._best(child, self._beyond(above, node, side)) for child, side in self._children(node)]
        apart = sum(cost for cost, _ in parts)
        if bits <= self.max_bits and whole[0] <= apart:
            return whole
        return apart, [chosen for _, found in parts for chosen in found]

    def _children(self, node: int) -> tuple[tuple[int, bool], tuple[int, bool]]:
        return (self.left[node], True), (self.right[node], False)

    def _inside(self, node: int) -> list[int]:
        if node < 0:
            return []
        return [node, *self._inside(self.left[node]), *self._inside(self.right[node])]

    def _columns(self, above: Mapping[int, Conditions], inside: Sequence[int]) -> set[int]:
        column = self.column
        return {column[conditions[0][0]] for conditions in above.values()}.union([column[n] for n in inside])

    def _beyond(self, above: Mapping[int, Conditions], node: int, left: bool) -> dict[int, Conditions]:
        feature = self.feature[node]
        return {**above, feature: (*above.get(feature, ()), (node, left))}

    def _group(self, chosen: _Chosen) -> Group:
        above, inside = chosen.above, chosen.inside
        columns = tuple(sorted(self._columns(above, inside)))
        place = {column: k for k, column in enumerate(columns)}
        bit_of_feature = {feature: 1 << k for k, feature in enumerate(above)}
        bit_of_split = {split: 1 << (len(above) + k) for k, split in enumerate(inside)}

        leaves = []
        for leaf, path in self._leaves(chosen.node, above):
            wanted = []
            for feature, conditions in path.items():
                ones, zeros, share = bit_of_feature.get(feature, 0), 0, 1.0
                for split, left in conditions:
                    share *= self.share_left[split] if left else self.share_right[split]
                    if left:
                        ones |= bit_of_split.get(split, 0)
                    else:
                        zeros |= bit_of_split.get(split, 0)
                wanted.append((place[self.column[conditions[0][0]]], ones, zeros, share))
            leaves.append(Leaf(self.leaf_value[~leaf], tuple(wanted)))

        bits = (*above.values(), *(((split, True),) for split in inside))
        return Group(bits, columns, tuple(leaves))

    def _leaves(self, node: int, path: Mapping[int, Conditions]) -> list[tuple[int, Mapping[int, Conditions]]]:
        if node < 0:
            return [(node, path)]
        return [
            found
            for child, left in self._children(node)
            for found in self._leaves(child, self._beyond(path, node, left))
        ]


def table_size(groups: Sequence[Group]) -> int:
    """Values in the tables of these groups."""
    return int(np.sum([len(group.columns) << len(group.bits) for group in groups], dtype=np.int64))
