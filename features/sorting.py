"""Engines that put rows into the total order; any engine gives the same permutation of meaning."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SortKeys:
    """Keys of the total order, all shape (rows,), most significant first.

    ``entity`` is the code of the lead or account (-1: belongs to none, sorted nowhere); ``tie`` ranks kind
    and channel (or the answer's text) alphabetically, so that it does not depend on what else is in the
    table; ``value`` comes last. Rows equal in all keys are interchangeable.
    """

    entity: Ints
    known_at: Ints
    happened_at: Ints
    tie: Ints
    value: Floats


class SortEngine(Protocol):
    """Sorts keys: ``(starts, order)`` with ``order`` the positions of rows with an entity, in total order."""

    def sort(self, keys: SortKeys, entities: int) -> tuple[Ints, Ints]: ...


@njit(cache=True, nogil=True)
def _before(i: int, j: int, known: Ints, happened: Ints, tie: Ints, value: Floats) -> bool:
    if known[i] != known[j]:
        return bool(known[i] < known[j])
    if happened[i] != happened[j]:
        return bool(happened[i] < happened[j])
    if tie[i] != tie[j]:
        return bool(tie[i] < tie[j])
    if np.isnan(value[i]):
        return False
    return bool(np.isnan(value[j]) or value[i] < value[j])


@njit(cache=True, nogil=True)
def _buckets(entity: Ints, entities: int) -> tuple[Ints, Ints]:
    starts = np.zeros(entities + 1, dtype=np.int64)
    for e in entity:
        if e >= 0:
            starts[e + 1] += 1
    for e in range(entities):
        starts[e + 1] += starts[e]
    order = np.empty(starts[entities], dtype=np.int64)
    cursor = starts.copy()
    for row in range(entity.size):
        e = entity[row]
        if e >= 0:
            order[cursor[e]] = row
            cursor[e] += 1
    return starts, order


@njit(cache=True, nogil=True)
def _insertion(order: Ints, low: int, high: int, known: Ints, happened: Ints, tie: Ints, value: Floats) -> None:
    for i in range(low + 1, high):
        row = order[i]
        j = i - 1
        while j >= low and _before(row, order[j], known, happened, tie, value):
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = row


@njit(cache=True, nogil=True)
def _merge(
    order: Ints, buffer: Ints, low: int, middle: int, high: int, known: Ints, happened: Ints, tie: Ints, value: Floats
) -> None:
    left = low
    right = middle
    for k in range(low, high):
        from_right = left >= middle or (
            right < high and _before(order[right], order[left], known, happened, tie, value)
        )
        if from_right:
            buffer[k - low] = order[right]
            right += 1
        else:
            buffer[k - low] = order[left]
            left += 1
    for k in range(low, high):
        order[k] = buffer[k - low]


@njit(cache=True, nogil=True)
def _sort_buckets(starts: Ints, order: Ints, known: Ints, happened: Ints, tie: Ints, value: Floats) -> None:
    longest = 0
    for e in range(starts.size - 1):
        longest = max(longest, starts[e + 1] - starts[e])
    buffer = np.empty(longest, dtype=np.int64)
    run = 16
    for e in range(starts.size - 1):
        low, high = starts[e], starts[e + 1]
        for start in range(low, high, run):
            _insertion(order, start, min(start + run, high), known, happened, tie, value)
        width = run
        while width < high - low:
            for start in range(low, high - width, 2 * width):
                end = min(start + 2 * width, high)
                _merge(order, buffer, start, start + width, end, known, happened, tie, value)
            width *= 2


class BucketSort:
    """The engine in memory: counting sort by entity, then a stable merge sort within each entity."""

    def sort(self, keys: SortKeys, entities: int) -> tuple[Ints, Ints]:
        """Starts of the entities and the sorted row positions."""
        starts, order = _buckets(keys.entity, entities)
        _sort_buckets(starts, order, keys.known_at, keys.happened_at, keys.tie, keys.value)
        return starts, order
