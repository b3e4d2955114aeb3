"""Which parts of a tree are explained by one table: subtrees small enough that their splits fit in a few bits.

A leaf's output is a product game over the distinct features on its path (Lundberg, Erion, Lee 2018), so its Shapley
values depend on nothing but which features' conditions hold. A subtree's values depend on the conditions above it,
one bit per feature, and on the splits inside it, one bit each. Where these bits are few, one table holds the sum over
all its leaves, and explaining a row is one look-up per feature and subtree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.explaining.trees import Tree
from models.scorer import Ints

MAX_BITS = 7
LEAF_BITS = 12  # a single leaf may need more bits than a merged subtree is worth
_BIT_COST = 0.12  # of a look-up
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


class TooDeepError(ValueError):
    """A path with more distinct features than a table can hold."""


def plan(tree: Tree, column_of: Ints, max_bits: int = MAX_BITS) -> list[Group]:
    """Groups that cover a tree's leaves once, at the least number of look-ups.

    Parameters
    ----------
    column_of : shape (features,), the output column each feature is summed into

    Raises
    ------
    TooDeepError : a path has more than :data:`LEAF_BITS` distinct features
    """
    return _Planner(tree, column_of, max_bits).best(0, {})[1] if tree.splits else []


class _Planner:
    def __init__(self, tree: Tree, column_of: Ints, max_bits: int) -> None:
        self.tree, self.max_bits = tree, max_bits
        self.feature = tree.feature.tolist()
        self.left, self.right = tree.left.tolist(), tree.right.tolist()
        self.column = [int(column_of[f]) for f in self.feature]

    def best(self, node: int, above: Mapping[int, Conditions]) -> tuple[float, list[Group]]:
        """Least cost of explaining everything below ``node``, and the groups that reach it."""
        inside = self._inside(node)
        bits = len(above) + len(inside)
        cost = len({*self._columns(above), *(self.column[n] for n in inside)}) + _BIT_COST * bits
        if node < 0:
            if bits > LEAF_BITS:
                raise TooDeepError(f"a path with {bits} distinct features")
            return cost, [self._group(node, above, inside)]
        parts = [self.best(child, self._beyond(above, node, side)) for child, side in self._children(node)]
        apart = sum(part[0] for part in parts)
        if bits <= self.max_bits and cost <= apart:
            return cost, [self._group(node, above, inside)]
        return apart, [group for part in parts for group in part[1]]

    def _children(self, node: int) -> tuple[tuple[int, bool], tuple[int, bool]]:
        return (self.left[node], True), (self.right[node], False)

    def _inside(self, node: int) -> list[int]:
        if node < 0:
            return []
        return [node, *self._inside(self.left[node]), *self._inside(self.right[node])]

    def _columns(self, above: Mapping[int, Conditions]) -> set[int]:
        return {self.column[conditions[0][0]] for conditions in above.values()}

    def _beyond(self, above: Mapping[int, Conditions], node: int, left: bool) -> dict[int, Conditions]:
        feature = self.feature[node]
        return {**above, feature: (*above.get(feature, ()), (node, left))}

    def _group(self, node: int, above: Mapping[int, Conditions], inside: list[int]) -> Group:
        columns = tuple(sorted({*self._columns(above), *(self.column[n] for n in inside)}))
        bit_of_feature = {feature: k for k, feature in enumerate(above)}
        bit_of_split = {split: len(above) + k for k, split in enumerate(inside)}
        leaves = []
        for leaf, path in self._leaves(node, above):
            wanted = []
            for feature, conditions in path.items():
                ones = 1 << bit_of_feature[feature] if feature in bit_of_feature else 0
                zeros, share = 0, 1.0
                for split, left in conditions:
                    share *= self.tree.share(split, self.left[split] if left else self.right[split])
                    if split in bit_of_split:
                        ones |= left << bit_of_split[split]
                        zeros |= (not left) << bit_of_split[split]
                wanted.append((columns.index(self.column[conditions[0][0]]), ones, zeros, share))
            leaves.append(Leaf(float(self.tree.leaf_value[~leaf]), tuple(wanted)))
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
