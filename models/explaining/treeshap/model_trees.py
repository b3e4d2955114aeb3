"""Trees of a LightGBM model as arrays, read from its text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from features.array_types import Floats, Ints

CATEGORICAL_BIT, DEFAULT_LEFT_BIT = 1, 2
MISSING_NONE, MISSING_ZERO, MISSING_NAN, CATEGORICAL = 0, 1, 2, 3
ZERO = 1e-35  # LightGBM's kZeroThreshold, a float32 there


@dataclass(frozen=True, kw_only=True)
class Tree:
    """One tree; children below zero are leaves, ``~child`` is the leaf's position.

    Parameters
    ----------
    feature, threshold, decision, left, right, count : shape (splits,); for a categorical split ``threshold`` is the
        position of its set of categories
    leaf_value, leaf_count : shape (splits + 1,)
    category_sets : per categorical split the categories that go left
    """

    feature: Ints
    threshold: Floats
    decision: Ints
    left: Ints
    right: Ints
    count: Floats
    leaf_value: Floats
    leaf_count: Floats
    category_sets: tuple[Ints, ...]

    @property
    def splits(self) -> int:
        """Number of splits; a tree of none is a single leaf."""
        return len(self.feature)

    def kind(self, node: int) -> int:
        """How a split reads its feature: missing values of one of three kinds, or categories."""
        decision = int(self.decision[node])
        return CATEGORICAL if decision & CATEGORICAL_BIT else (decision >> 2) & 3

    def default_left(self, node: int) -> bool:
        """Whether missing values go left."""
        return bool(int(self.decision[node]) & DEFAULT_LEFT_BIT)

    @property
    def shares(self) -> tuple[list[float], list[float]]:
        """Share of each split's training rows that went left, and right."""
        count, leaf_count = self.count.tolist(), self.leaf_count.tolist()
        left, right = (
            [(leaf_count[~child] if child < 0 else count[child]) / of for child, of in zip(side, count, strict=True)]
            for side in (self.left.tolist(), self.right.tolist())
        )
        return left, right

    @property
    def expected_value(self) -> float:
        """Mean output over the training rows."""
        if not self.splits:
            return float(self.leaf_value[0])
        return float((self.leaf_value * (self.leaf_count / self.count[0])).sum())


@dataclass(frozen=True)
class Ensemble:
    """Trees of one model, and whether they are plain: sums of constant leaves with rows on both sides of a split."""

    features: int
    trees: tuple[Tree, ...]
    plain: bool


def read_ensemble(text: str) -> Ensemble:
    """Trees of a model in LightGBM's text format (version v4)."""
    head, *blocks = text.split("\nTree=")
    header = _fields(head)
    parts = [_fields(block) for block in blocks]
    trees = tuple(map(_tree, parts))
    averaged = any(line.strip() == "average_output" for line in head.splitlines())
    linear = any(fields.get("is_linear", "0").strip() == "1" for fields in parts)
    several = int(header.get("num_tree_per_iteration", "1")) != 1
    empty = any((t.splits and (t.leaf_count <= 0).any()) or (t.count <= 0).any() for t in trees)
    return Ensemble(int(header["max_feature_idx"]) + 1, trees, not (averaged or linear or several or empty))


def _fields(block: str) -> dict[str, str]:
    body = block.split("\nend of trees")[0]
    return dict(line.split("=", 1) for line in body.splitlines() if "=" in line)


def _tree(fields: Mapping[str, str]) -> Tree:
    def ints(name: str) -> Ints:
        return np.array(fields.get(name, "").split(), dtype=np.int64)

    def floats(name: str) -> Floats:
        return np.array(fields.get(name, "").split(), dtype=np.float64)

    splits = int(fields["num_leaves"]) - 1
    value = floats("leaf_value")
    return Tree(
        feature=ints("split_feature"),
        threshold=floats("threshold"),
        decision=ints("decision_type"),
        left=ints("left_child"),
        right=ints("right_child"),
        count=floats("internal_count"),
        leaf_value=value,
        leaf_count=floats("leaf_count") if splits else np.ones(len(value)),
        category_sets=tuple(_category_sets(ints("cat_boundaries"), ints("cat_threshold"))),
    )


def _category_sets(boundaries: Ints, words: Ints) -> Iterator[npt.NDArray[np.int64]]:
    """Members of each set, which the text holds as words of 32 bits."""
    for low, high in pairwise(boundaries):
        bits = (words[low:high, None] >> np.arange(32)[None, :]) & 1
        yield np.flatnonzero(bits.ravel()).astype(np.int64)
