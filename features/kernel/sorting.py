"""Engines that put rows into the total order; any engine gives the same permutation of meaning."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from features.array_types import Floats, Ints
from features.compiled_kernels import kernel

PARALLEL_FROM = 50_000  # rows from which threads share the work; the order does not depend on it


@dataclass(frozen=True)
class SortKeys:
    """Keys of the total order, all shape (rows,), most significant first.

    ``entity`` is the code of the lead or account (-1: belongs to none, sorted nowhere); ``tie`` ranks kind
    and channel (or the answer's text) alphabetically, so that it does not depend on what else is in the
    table; ``value`` comes last, shape (0,) where no column adds up values. Rows equal in all keys are interchangeable.
    """

    entity: Ints
    known_at: Ints
    happened_at: Ints
    tie: Ints
    value: Floats


class SortEngine(Protocol):
    """Sorts keys: ``(starts, order)`` with ``order`` the positions of rows with an entity, in total order.

    ``threads`` is how many threads the sweep may use too.
    """

    threads: int

    def sort(self, keys: SortKeys, entities: int) -> tuple[Ints, Ints]:
        """Starts of the entities, shape (entities + 1,), and the sorted row positions."""


class _Later(NamedTuple):
    """The keys that decide between rows known at the same moment; see :class:`SortKeys`."""

    happened: Ints
    tie: Ints
    value: Floats


@kernel
def _before(i: int, j: int, later: _Later) -> bool:
    """Whether row i comes before row j, both known at the same moment."""
    happened, tie, value = later.happened, later.tie, later.value
    if happened[i] != happened[j]:
        return bool(happened[i] < happened[j])
    if tie[i] != tie[j]:
        return bool(tie[i] < tie[j])
    if value.size == 0 or np.isnan(value[i]):
        return False
    return bool(np.isnan(value[j]) or value[i] < value[j])


@kernel
def bucket_kernel(entity: Any, known: Ints, entities: int) -> tuple[Ints, Ints, Ints]:
    """Starts of the entities, row positions in their buckets, and the moments they were known, in one pass."""
    starts = np.zeros(entities + 1, dtype=np.int64)
    for e in entity:
        if e >= 0:
            starts[e + 1] += 1
    for e in range(entities):
        starts[e + 1] += starts[e]

    order = np.empty(starts[entities], dtype=np.int64)
    moment = np.empty(starts[entities], dtype=np.int64)
    cursor = starts.copy()
    for row in range(entity.size):
        e = entity[row]
        if e >= 0:
            order[cursor[e]] = row
            moment[cursor[e]] = known[row]
            cursor[e] += 1

    return starts, order, moment


@kernel
def _insert(order: Ints, moment: Ints, low: int, high: int, later: _Later) -> None:
    for i in range(low + 1, high):
        row = order[i]
        at = moment[i]
        j = i - 1
        while j >= low and (at < moment[j] or (at == moment[j] and _before(row, order[j], later))):
            order[j + 1] = order[j]
            moment[j + 1] = moment[j]
            j -= 1
        order[j + 1] = row
        moment[j + 1] = at


@kernel
def _merge(order: Ints, moment: Ints, spare: Ints, low: int, middle: int, high: int, later: _Later) -> None:
    """Merge two sorted runs; ``spare`` has room for rows and moments of both: shape (2, longest)."""
    left = low
    right = middle

    for k in range(high - low):
        from_right = left >= middle
        if not from_right and right < high:
            from_right = moment[right] < moment[left] or (
                moment[right] == moment[left] and _before(order[right], order[left], later)
            )
        source = right if from_right else left
        spare[0, k] = order[source]
        spare[1, k] = moment[source]
        if from_right:
            right += 1
        else:
            left += 1
    for k in range(high - low):
        order[low + k] = spare[0, k]
        moment[low + k] = spare[1, k]


@kernel
def sort_kernel(first: int, end: int, starts: Ints, order: Ints, moment: Ints, later: _Later) -> None:
    """Sort the buckets of entities ``first`` to ``end`` in place, ties by the later keys."""
    longest = 0
    for e in range(first, end):
        longest = max(longest, starts[e + 1] - starts[e])
    spare = np.empty((2, longest), dtype=np.int64)

    run = 24  # rows sorted by insertion before runs are merged; bounds the part that grows with the square
    for e in range(first, end):
        low, high = starts[e], starts[e + 1]
        for start in range(low, high, run):
            _insert(order, moment, start, min(start + run, high), later)
        width = run
        while width < high - low:
            for start in range(low, high - width, 2 * width):
                stop = min(start + 2 * width, high)
                _merge(order, moment, spare, start, start + width, stop, later)
            width *= 2


class BucketSort:
    """The engine in memory: counting sort by entity, then a stable merge sort within each entity."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def sort(self, keys: SortKeys, entities: int) -> tuple[Ints, Ints]:
        """Starts of the entities and the sorted row positions."""
        starts, order, moment = bucket_kernel(keys.entity, keys.known_at, entities)
        later = _Later(keys.happened_at, keys.tie, keys.value)

        def part(first: int, end: int) -> None:
            sort_kernel(first, end, starts, order, moment, later)

        if self.threads == 1 or order.size < PARALLEL_FROM:
            part(0, entities)
            return starts, order

        edges = np.searchsorted(starts, np.linspace(0, order.size, self.threads + 1)[1:-1])
        bounds = [0, *edges.tolist(), entities]
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(part, bounds[:-1], bounds[1:]))
        return starts, order
