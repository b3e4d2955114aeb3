"""Lists as the flat arrays that kernels walk over."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np

from features.array_types import Ints


def ints(values: Sequence[int]) -> Ints:
    """An array of int64, also of nothing."""
    return np.array(values, dtype=np.int64)


def offsets(sizes: Iterable[int]) -> Ints:
    """Where parts of these sizes start, and where the last one ends."""
    return ints([0, *accumulate(sizes)])
