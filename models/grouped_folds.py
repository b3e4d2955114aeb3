"""Seeded folds and samples of rows, for choices made inside a training set."""

from collections.abc import Iterator

import numpy as np

from features.array_types import Ints


def grouped_folds(group: Ints, folds: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Random folds that keep each group whole: (train, test) positions."""
    rng = np.random.default_rng(seed)
    names, codes = np.unique(group, return_inverse=True)
    fold = (rng.permutation(len(names)) % folds)[codes]
    for k in range(folds):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def draw_rows(rows: Ints, count: int, seed: int) -> Ints:
    """At most ``count`` of the rows, drawn at random, in ascending order."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:count])
