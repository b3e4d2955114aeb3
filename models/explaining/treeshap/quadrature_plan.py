"""Trees of any depth as steps of a depth-first walk that integrates their Shapley values.

A leaf's output is a product game over the distinct features on its path. Where a feature is present with chance x, its
factor is a(x) = x o + (1 - x) z: o is 1 if the row meets all conditions on it, z is the share of training rows that do.
The Shapley value is the integral over x from 0 to 1 of the derivative in the feature's own x (Owen 1972), a polynomial
of degree below the number of distinct features d, so Gauss and Legendre's rule with d / 2 nodes, rounded up, is exact.
At each node of the rule a factor is that of the tree with a split's share moved towards the row's own side; hence sums
over leaves are shared by all who pass a split, as in Linear TreeSHAP (Yu et al. 2022), and no product is divided out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.array_types import Floats, Ints
from models.explaining.treeshap.flat_arrays import ints
from models.explaining.treeshap.model_trees import Tree
from models.explaining.treeshap.quadrature_kernel import ENTER, LEAVE_BOTH, LEAVE_ONE, PAIR, TURN

MAX_LANES = 256  # rows at a time: measured at 32, 64, 128 and 256, each doubling was faster (ADR 0030)
_STACK_BYTES = 2**20  # for the three stacks of a block of rows, which should stay in the second-level cache
_MIN_LANES = 16  # two of the widest vectors; below, the walk itself costs more than its sums


class Walks(NamedTuple):
    """Walks over the trees explained by quadrature. A split's two children are called first and second.

    Parameters
    ----------
    steps : shape (steps, 2): kind and visited split
    tree_step : shape (trees + 1,), each tree's first step
    nodes : shape (trees,), nodes of the rule
    places : shape (visited, 8): position in its tree, level, 1 if a second child, output column, 1 where right is the
        first child, visited split above on the same feature or -1, 1 where the path went right there, row of ``rules``
    amounts : shape (visited, 3): share of training rows that went to the first child, outputs of its leaves
    rules : shape (rules, 2, nodes): by how much the share moves towards the row's side, and the derivative of that
    weights : shape (nodes + 1, nodes), by number of nodes
    levels, lanes : greatest depth, and rows at a time
    """

    steps: npt.NDArray[np.int32]
    tree_step: Ints
    nodes: Ints
    places: npt.NDArray[np.int32]
    amounts: Floats
    rules: Floats
    weights: Floats
    levels: int
    lanes: int


@dataclass(frozen=True, kw_only=True)
class _Visit:
    """A split as met on the way down; ``above`` is the share its feature's earlier conditions let through."""

    split: int
    level: int
    second: bool
    turned: bool
    earlier: int
    flip: bool
    above: float


@dataclass(frozen=True)
class _Passed:
    """The last split on a feature, the side taken there, and the share of all its conditions on the path."""

    visit: int
    right: bool
    share: float


def distinct_features(tree: Tree) -> int:
    """The greatest number of distinct features on a path."""
    most = 0
    open_nodes: list[tuple[int, frozenset[int]]] = [(0, frozenset())] if tree.splits else []

    while open_nodes:
        node, seen = open_nodes.pop()
        if node < 0:
            most = max(most, len(seen))
        else:
            seen |= {int(tree.feature[node])}
            open_nodes += [(int(tree.left[node]), seen), (int(tree.right[node]), seen)]
    return most


def walk_arrays(trees: Sequence[Tree], column_of: Ints, scale: float) -> Walks:
    """Walks over the trees; leaf values are multiplied by ``scale``."""
    nodes = [(distinct_features(tree) + 1) // 2 for tree in trees]
    most = max([1, *nodes])
    x, weights = _rules(most)

    steps: list[tuple[int, int]] = []
    places: list[tuple[int, ...]] = []
    amounts: list[tuple[float, float, float]] = []
    moved, slopes = [*x], [np.ones(most)] * len(x)
    tree_step = [0]
    for tree, count in zip(trees, nodes, strict=True):
        own_steps, visits = _walk(tree, len(places))
        steps += own_steps
        tree_step.append(len(steps))
        leaf, shares, columns = (scale * tree.leaf_value).tolist(), tree.shares, column_of[tree.feature].tolist()
        children = (tree.left.tolist(), tree.right.tolist())
        for visit in visits:
            rule = count
            if visit.earlier >= 0:
                factor = x[count] + (1.0 - x[count]) * visit.above
                rule = len(moved)
                moved.append(x[count] / factor)
                slopes.append(visit.above / factor**2)
            places.append(
                (
                    visit.split,
                    visit.level,
                    visit.second,
                    columns[visit.split],
                    visit.turned,
                    visit.earlier,
                    visit.flip,
                    rule,
                )
            )
            sides = (children[visit.turned][visit.split], children[not visit.turned][visit.split])
            first, second = (leaf[~child] if child < 0 else 0.0 for child in sides)
            amounts.append((shares[visit.turned][visit.split], first, second))

    levels = 1 + max([0, *(place[1] for place in places)])
    return Walks(
        steps=np.array(steps, dtype=np.int32).reshape(-1, 2),
        tree_step=ints(tree_step),
        nodes=ints(nodes),
        places=np.array(places, dtype=np.int32).reshape(-1, 8),
        amounts=np.array(amounts, dtype=np.float64).reshape(-1, 3),
        rules=np.stack([np.array(moved), np.array(slopes)], axis=1),
        weights=weights,
        levels=levels,
        lanes=min(MAX_LANES, max(_MIN_LANES, _STACK_BYTES // (3 * 8 * levels * most))),
    )


def _rules(most: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre's rules on [0, 1], shape (most + 1, most), a row per number of nodes.

    Unused nodes are 1, where every factor is positive.
    """
    x, weights = np.ones((most + 1, most)), np.zeros((most + 1, most))
    for count in range(1, most + 1):
        at, weight = np.polynomial.legendre.leggauss(count)
        x[count, :count], weights[count, :count] = (at + 1) / 2, weight / 2
    return x, weights


def _walk(tree: Tree, start: int) -> tuple[list[tuple[int, int]], list[_Visit]]:
    """Steps of a depth-first walk and the splits in the order they are entered, counted from ``start``."""
    left, right, feature = tree.left.tolist(), tree.right.tolist(), tree.feature.tolist()
    share = tree.shares
    steps: list[tuple[int, int]] = []
    visits: list[_Visit] = []
    # what is still to be done, last first: a finished step, or a split to enter with what was passed above it
    todo: list[tuple[int, int] | tuple[int, int, bool, dict[int, _Passed]]] = [(0, 0, False, {})]

    while todo:
        task = todo.pop()
        if len(task) == 2:
            steps.append(task)
            continue

        node, level, second, passed = task
        place, turned = start + len(visits), left[node] < 0 <= right[node]
        before = passed.get(feature[node], _Passed(-1, False, 1.0))
        visits.append(
            _Visit(
                split=node,
                level=level,
                second=second,
                turned=turned,
                earlier=before.visit,
                flip=before.right,
                above=before.share,
            )
        )
        down = [
            {**passed, feature[node]: _Passed(place, went_right, before.share * share[went_right][node])}
            for went_right in (turned, not turned)
        ]
        first, other = (right[node], left[node]) if turned else (left[node], right[node])
        if first < 0:
            steps.append((PAIR, place))
        elif other < 0:
            steps.append((ENTER, place))
            todo += [(LEAVE_ONE, place), (first, level + 1, False, down[0])]
        else:
            steps.append((ENTER, place))
            todo += [
                (LEAVE_BOTH, place),
                (other, level + 1, True, down[1]),
                (TURN, place),
                (first, level + 1, False, down[0]),
            ]
    return steps, visits
