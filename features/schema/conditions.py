"""Conditions of rules on values: texts, patterns, ranges and missing values give 1.0 or 0.0."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from features.array_types import Floats


@dataclass(frozen=True)
class OneOf:
    """The value is one of these, whatever their case."""

    values: tuple[Any, ...]

    def record(self) -> dict[str, Any]:
        """The condition as a JSON-ready mapping."""
        return {"values": list(self.values)}


@dataclass(frozen=True)
class Matches:
    """The text matches a glob, or a regular expression between slashes; case does not matter."""

    pattern: str

    def record(self) -> dict[str, Any]:
        """The condition as a JSON-ready mapping."""
        return {"pattern": self.pattern}


@dataclass(frozen=True)
class Between:
    """The number lies from ``minimum`` (included) to ``maximum`` (excluded); None leaves an end open."""

    minimum: float | None
    maximum: float | None

    def record(self) -> dict[str, Any]:
        """The condition as a JSON-ready mapping."""
        return {"minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True)
class IsMissing:
    """Nothing is on record (``missing``), or something is (not ``missing``)."""

    missing: bool

    def record(self) -> dict[str, Any]:
        """The condition as a JSON-ready mapping."""
        return {"missing": self.missing}


Condition = OneOf | Matches | Between | IsMissing


def condition_from_record(record: Mapping[str, Any]) -> Condition:
    """The condition a mapping describes; the reverse of its ``record``.

    >>> condition_from_record({"minimum": 1, "maximum": None})
    Between(minimum=1, maximum=None)

    Raises
    ------
    ValueError
        for keys that describe no condition.
    """
    match dict(record):
        case {"values": list() as values, **rest} if not rest:
            return OneOf(tuple(values))
        case {"pattern": str() as pattern, **rest} if not rest:
            return Matches(pattern)
        case {"missing": bool() as missing, **rest} if not rest:
            return IsMissing(missing)
        case {"minimum": minimum, "maximum": maximum, **rest} if not rest:
            return Between(minimum, maximum)
    raise ValueError(
        f"a condition has the keys {', '.join(map(repr, record)) or 'none'}; "
        "known are 'values', 'pattern', 'missing', or 'minimum' with 'maximum'"
    )


def text_passes(values: Sequence[str], condition: OneOf | Matches) -> Floats:
    """1.0 per text that passes, else 0.0.

    >>> text_passes(["CFO", "cto"], OneOf(("cfo",))).tolist()
    [1.0, 0.0]
    >>> text_passes(["VP Sales"], Matches("vp*")).tolist()
    [1.0]
    """
    if isinstance(condition, OneOf):
        wanted = _fold_all(condition.values, tuple(map(type, condition.values)))
        return np.asarray([float(fold_value(value) in wanted) for value in values], dtype=np.float64)

    matcher = _matcher(condition.pattern)
    return np.asarray([float(bool(matcher.search(value))) for value in values], dtype=np.float64)


def number_passes(values: Floats, condition: Between) -> Floats:
    """1.0 per number in the range, else 0.0; missing never passes.

    >>> number_passes(np.array([1.0, 2.0, np.nan]), Between(1, 2)).tolist()
    [1.0, 0.0, 0.0]
    """
    low = -np.inf if condition.minimum is None else float(condition.minimum)
    high = np.inf if condition.maximum is None else float(condition.maximum)
    return ((values >= low) & (values < high)).astype(np.float64)


def fold_value(value: Any) -> str:
    """A value as text for comparison: no case, whole numbers without a point."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().casefold()


@lru_cache(maxsize=1024)
def _fold_all(values: tuple[Any, ...], _types: tuple[type, ...]) -> frozenset[str]:
    return frozenset(fold_value(value) for value in values)  # 1 and True are equal, their texts are not


@lru_cache(maxsize=1024)
def _matcher(pattern: str) -> re.Pattern[str]:
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        return re.compile(pattern[1:-1], re.IGNORECASE)
    return re.compile(fnmatch.translate(pattern), re.IGNORECASE)
