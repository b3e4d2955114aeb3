"""Exact path-dependent TreeSHAP values at about the cost of a prediction.

Lundberg, Erion, Lee 2018, "Consistent individualized feature attribution for tree ensembles"; tables over the patterns
of a path's conditions as in Yang 2021 (Fast TreeSHAP, version 2), here merged over the leaves of small subtrees.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np

from features.array_types import Floats, Ints
from models.explaining.tree_arrays import flatten
from models.explaining.tree_kernel import BLOCK, ForestArrays, explain_row, explain_rows
from models.explaining.tree_plan import MAX_BITS, Group, TooDeepError, plan, table_size
from models.explaining.trees import Tree, read_ensemble

MAX_TABLE_BYTES = 256 * 2**20  # beyond it LightGBM explains, and the log says so (docs/adr/0011)
_ALONE = 4  # rows up to which each is walked by itself: a block costs a few rows more than it saves


class UnsupportedError(ValueError):
    """A model whose trees do not fit into tables; the message says why."""


@dataclass(frozen=True)
class TreeShap:
    """Explainer of the mean of several boosters.

    Parameters
    ----------
    base : mean output over the training rows
    outputs : number of output columns
    forest : what the kernels walk over
    """

    base: float
    outputs: int
    forest: ForestArrays

    @classmethod
    def of(cls, texts: Sequence[str], *, columns: Ints | None = None, max_bits: int = MAX_BITS) -> Self:
        """Explainer of the mean of models given as LightGBM text.

        Parameters
        ----------
        columns : shape (features,), the output column each feature is summed into; default: one column per feature.
            Where only topics are asked for, this saves look-ups.

        Raises
        ------
        UnsupportedError : linear leaves, averaged output, several classes, empty leaves, or trees too deep for tables
        """
        ensembles = [read_ensemble(text) for text in texts]
        if not all(ensemble.plain for ensemble in ensembles):
            raise UnsupportedError("linear trees, averaged output, several classes or empty leaves")
        features = max(ensemble.features for ensemble in ensembles)
        column_of = np.arange(features) if columns is None else np.asarray(columns, dtype=np.int64)
        trees = [tree for ensemble in ensembles for tree in ensemble.trees]
        base = sum(tree.expected_value for tree in trees) / len(ensembles)
        forest = flatten(trees, _groups(trees, column_of, max_bits), 1.0 / len(ensembles))
        return cls(base, int(column_of.max()) + 1, forest)

    @property
    def table_bytes(self) -> int:
        """Bytes of the tables."""
        return int(self.forest.tables.nbytes)

    def values(self, design: Floats, threads: int = 1) -> Floats:
        """Shapley values in the model's raw output, shape (n, outputs); with ``base`` they sum to it."""
        design = np.ascontiguousarray(design, dtype=np.float64)
        rows = len(design)
        out = np.empty((rows, self.outputs))
        if rows <= _ALONE:
            for row in range(rows):
                explain_row(design, row, self.forest, out)
            return out

        parts = min(threads, -(-rows // BLOCK))
        if parts <= 1:
            explain_rows(design, 0, rows, self.forest, out)
            return out

        edges = [rows * k // parts for k in range(parts + 1)]

        def part(k: int) -> None:
            explain_rows(design, edges[k], edges[k + 1], self.forest, out)

        with ThreadPoolExecutor(parts) as pool:  # not numba's own threads: two callers at once would end the process
            list(pool.map(part, range(parts)))
        return out


def _groups(trees: Sequence[Tree], column_of: Ints, max_bits: int) -> list[list[Group]]:
    try:
        groups = [plan(tree, column_of, max_bits) for tree in trees]
    except TooDeepError as problem:
        raise UnsupportedError(str(problem)) from problem
    size = 8 * sum(map(table_size, groups))
    if size > MAX_TABLE_BYTES:
        raise UnsupportedError(f"tables of {size / 2**20:.0f} MB where {MAX_TABLE_BYTES / 2**20:.0f} MB are allowed")
    return groups
