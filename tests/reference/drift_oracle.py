"""Drift the slow way: bins, shares and the stability index, value by value."""

import math
from collections.abc import Sequence
from typing import Any


def deciles_slowly(values: Sequence[float | None]) -> list[float]:
    """Distinct values at which at least k tenths of all known values are reached, the largest value left out."""
    known = sorted(v for v in values if v is not None)
    cuts = {known[max(math.ceil(k * len(known) / 10) - 1, 0)] for k in range(1, 10)} if known else set()
    return sorted(cut for cut in cuts if cut < known[-1])


def number_shares_slowly(values: Sequence[float | None], edges: Sequence[float]) -> list[float]:
    """Bins ``(edge, next edge]``, the last one for missing values."""
    counts = [0] * (len(edges) + 2)
    for value in values:
        counts[-1 if value is None else sum(value > edge for edge in edges)] += 1
    return [count / len(values) for count in counts]


def category_shares_slowly(values: Sequence[str | None], levels: Sequence[str]) -> list[float]:
    """A bin per level, one for others, one for missing values."""
    counts: dict[Any, int] = {}
    for value in values:
        key = "missing" if value is None else ("is", value) if value in levels else "other"
        counts[key] = counts.get(key, 0) + 1
    return [counts.get(key, 0) / len(values) for key in (*(("is", level) for level in levels), "other", "missing")]


def psi_slowly(before: Sequence[float], after: Sequence[float], n: int, m: int) -> float:
    total = 0.0
    for b, a in zip(before, after, strict=True):
        if b != a:
            b, a = b or 0.5 / n, a or 0.5 / m
            total += (a - b) * math.log(a / b)
    return total
