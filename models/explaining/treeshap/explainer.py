"""Exact path-dependent TreeSHAP values at about the cost of a prediction.

Lundberg, Erion, Lee 2018, "Consistent individualized feature attribution for tree ensembles"; tables over the patterns
of a path's conditions as in Yang 2021 (Fast TreeSHAP, version 2), here merged over the leaves of small subtrees; trees
too deep for tables are integrated, as polynomials of the same degree as in Yu et al. 2022 (Linear TreeSHAP).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np

from features.array_types import Floats, Ints
from models.explaining.treeshap.model_trees import Tree, read_ensemble
from models.explaining.treeshap.quadrature_kernel import integrate_row, integrate_rows
from models.explaining.treeshap.quadrature_plan import Walks, distinct_features, walk_arrays
from models.explaining.treeshap.split_arrays import Splits, split_arrays
from models.explaining.treeshap.table_arrays import table_arrays
from models.explaining.treeshap.table_kernel import BLOCK, Tables, look_up_row, look_up_rows
from models.explaining.treeshap.table_plan import MAX_BITS, Group, plan, table_size

TABLE_FEATURES = 6  # distinct features on a path up to which tables are faster than integration (ADR 0030)
MAX_TABLE_BYTES = 256 * 2**20  # of one explainer; trees beyond it are integrated, which needs no tables
_ALONE = 4  # rows up to which each is walked by itself: a block costs a few rows more than it saves


class UnsupportedError(ValueError):
    """A model whose trees cannot be read; the message says why."""


@dataclass(frozen=True)
class TreeShap:
    """Explainer of the mean of several boosters.

    Parameters
    ----------
    base : mean output over the training rows
    outputs : number of output columns
    looked_up : splits and tables of the trees explained by tables, if any
    integrated : splits and walks of the other trees, if any; only such trees' kernels are ever compiled
    """

    base: float
    outputs: int
    looked_up: tuple[Splits, Tables] | None
    integrated: tuple[Splits, Walks] | None

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        *,
        columns: Ints | None = None,
        max_bits: int = MAX_BITS,
        table_features: int = TABLE_FEATURES,
    ) -> Self:
        """Explainer of the mean of models given as LightGBM text.

        Parameters
        ----------
        columns : shape (features,), the output column each feature is summed into; default: one column per feature.
            Where only topics are asked for, this saves look-ups.
        max_bits : conditions that a table of several leaves may hold
        table_features : trees with more distinct features on a path are integrated; at most 16

        Raises
        ------
        UnsupportedError : linear leaves, averaged output, several classes, or empty leaves
        """
        ensembles = [read_ensemble(text) for text in texts]
        if not all(ensemble.plain for ensemble in ensembles):
            raise UnsupportedError("linear trees, averaged output, several classes or empty leaves")

        features = max(ensemble.features for ensemble in ensembles)
        column_of = np.arange(features) if columns is None else np.asarray(columns, dtype=np.int64)
        trees = [tree for ensemble in ensembles for tree in ensemble.trees]
        base = sum(tree.expected_value for tree in trees) / len(ensembles)

        with_tables, groups, deep = _divide(trees, column_of, max_bits, table_features)
        scale = 1.0 / len(ensembles)
        widest = max([0, *(len(group.bits) for part in groups for group in part)])
        return cls(
            base,
            int(column_of.max()) + 1,
            (split_arrays(with_tables, widest), table_arrays(groups, scale)) if with_tables else None,
            (split_arrays(deep), walk_arrays(deep, column_of, scale)) if deep else None,
        )

    @property
    def table_bytes(self) -> int:
        """Bytes of the tables."""
        return 0 if self.looked_up is None else int(self.looked_up[1].values.nbytes)

    def values(self, design: Floats, threads: int = 1) -> Floats:
        """Shapley values in the model's raw output, shape (n, outputs); with ``base`` they sum to it."""
        design = np.ascontiguousarray(design, dtype=np.float64)
        rows = len(design)
        out = np.zeros((rows, self.outputs))
        if rows <= _ALONE:
            for row in range(rows):
                if self.looked_up is not None:
                    look_up_row(design, row, *self.looked_up, out)
                if self.integrated is not None:
                    integrate_row(design, row, *self.integrated, out)
            return out

        parts = max(1, min(threads, -(-rows // BLOCK)))
        edges = [rows * k // parts for k in range(parts + 1)]

        def part(k: int) -> None:
            if self.looked_up is not None:
                look_up_rows(design, edges[k], edges[k + 1], *self.looked_up, out)
            if self.integrated is not None:
                integrate_rows(design, edges[k], edges[k + 1], *self.integrated, out)

        if parts == 1:
            part(0)
            return out

        with ThreadPoolExecutor(parts) as pool:  # not numba's own threads: two callers at once would end the process
            list(pool.map(part, range(parts)))
        return out


def _divide(
    trees: Sequence[Tree], column_of: Ints, max_bits: int, table_features: int
) -> tuple[list[Tree], list[list[Group]], list[Tree]]:
    """Trees with tables, their groups, and the trees that are integrated: too deep, or beyond the room for tables."""
    with_tables: list[Tree] = []
    groups: list[list[Group]] = []
    deep: list[Tree] = []
    room = MAX_TABLE_BYTES // 8
    for tree in trees:
        if not tree.splits:
            continue
        own = plan(tree, column_of, max_bits) if distinct_features(tree) <= table_features else []
        size = table_size(own)
        if own and size <= room:
            room -= size
            with_tables.append(tree)
            groups.append(own)
        else:
            deep.append(tree)
    return with_tables, groups, deep
