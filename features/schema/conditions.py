"""Conditions of rules on values: texts, patterns, ranges and missing values give 1.0 or 0.0."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from features.array_types import Floats


def text_passes(values: Sequence[str], test: Mapping[str, Any]) -> Floats:
    """1.0 per text that passes ``values`` (whatever their case) or ``pattern`` (glob, or regex between slashes).

    >>> text_passes(["CFO", "cto"], {"values": ["cfo"]}).tolist()
    [1.0, 0.0]
    >>> text_passes(["VP Sales"], {"pattern": "vp*"}).tolist()
    [1.0]
    """
    if "values" in test:
        wanted = _folded(tuple(test["values"]), tuple(map(type, test["values"])))
        return np.asarray([float(folded(value) in wanted) for value in values], dtype=np.float64)
    matcher = _matcher(str(test["pattern"]))
    return np.asarray([float(bool(matcher.search(value))) for value in values], dtype=np.float64)


def number_passes(values: Floats, test: Mapping[str, Any]) -> Floats:
    """1.0 per number from ``minimum`` (included) to ``maximum`` (excluded); missing never passes.

    >>> number_passes(np.array([1.0, 2.0, np.nan]), {"minimum": 1, "maximum": 2}).tolist()
    [1.0, 0.0, 0.0]
    """
    low = -np.inf if test.get("minimum") is None else float(test["minimum"])
    high = np.inf if test.get("maximum") is None else float(test["maximum"])
    return ((values >= low) & (values < high)).astype(np.float64)


def folded(value: Any) -> str:
    """A value as text for comparison: no case, whole numbers without a point."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().casefold()


@lru_cache(maxsize=1024)
def _folded(values: tuple[Any, ...], _types: tuple[type, ...]) -> frozenset[str]:
    return frozenset(folded(value) for value in values)  # 1 and True are equal, their texts are not


@lru_cache(maxsize=1024)
def _matcher(pattern: str) -> re.Pattern[str]:
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        return re.compile(pattern[1:-1], re.IGNORECASE)
    return re.compile(fnmatch.translate(pattern), re.IGNORECASE)
