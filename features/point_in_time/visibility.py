"""What is known at a moment: the only place in the code that compares known_at with as_of."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from features.array_types import Ints
from features.compiled_kernels import kernel

Moment = TypeVar("Moment", int, Any)

ALWAYS = -(2**61)  # known before anything else, and its age still fits a window without end
UNKNOWN = 2**62  # not known yet at any moment


@dataclass(frozen=True)
class SortedRows:
    """Rows of one table in the total order (entity, known_at, happened_at, kind, ...).

    Parameters
    ----------
    starts : shape (entities + 1,); rows of entity e are ``starts[e]:starts[e + 1]``
    order : shape (rows,); position of each sorted row in the table it came from
    known_at, happened_at : shape (rows,), microseconds
    """

    starts: Ints
    order: Ints
    known_at: Ints
    happened_at: Ints


@dataclass(frozen=True)
class Moments:
    """The cohort seen by one table: entity code (-1: none) and as_of in microseconds, both shape (n,)."""

    entity: Ints
    as_of: Ints


@dataclass(frozen=True)
class Slices:
    """Half-open row ranges ``[lo, hi)``, both shape (n,)."""

    lo: Ints
    hi: Ints


def is_known(known_at: Any, as_of: Any) -> Any:
    """Whether something learned of at ``known_at`` is known at ``as_of``: strictly earlier, not at the same moment.

    >>> bool(is_known(99, 100)), bool(is_known(100, 100))
    (True, False)
    """
    return known_at < as_of


_is_known = kernel(is_known)


@kernel
def slice_kernel(starts: Ints, known_at: Ints, entity: Ints, as_of: Ints, lo: Ints, hi: Ints) -> None:
    """Write [lo, hi) of every look: the rows of its entity known strictly before its ``as_of``."""
    for i in range(entity.size):
        if entity[i] < 0:
            lo[i] = hi[i] = 0
            continue
        low = starts[entity[i]]
        high = starts[entity[i] + 1]
        lo[i] = low
        while low < high:
            middle = (low + high) // 2
            if _is_known(known_at[middle], as_of[i]):
                low = middle + 1
            else:
                high = middle
        hi[i] = low


def visible(rows: SortedRows, cohort: Moments) -> Slices:
    """[lo, hi) of each entity's rows known strictly before as_of.

    One binary search (side="left") per (entity, as_of); entities without rows, or -1, get an empty slice.
    """
    lo = np.empty(cohort.entity.size, dtype=np.int64)
    hi = np.empty(cohort.entity.size, dtype=np.int64)
    slice_kernel(rows.starts, rows.known_at, cohort.entity, cohort.as_of, lo, hi)
    return Slices(lo, hi)


def mask_known(known_at: Ints, as_of: int) -> npt.NDArray[np.bool_]:
    """Which rows of a table are known at a moment, shape (rows,); times in microseconds.

    >>> mask_known(np.array([99, 100, 101]), 100).tolist()
    [True, False, False]
    """
    return np.asarray(is_known(known_at, as_of), dtype=np.bool_)
