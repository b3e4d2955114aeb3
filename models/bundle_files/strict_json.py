"""JSON as a bundle writes it: bounded in depth, length and numbers, without infinities."""

import json
import math
from typing import Any

_MOST_DEPTH = 40  # a prior bundle with segments, inside another, is 14 deep
_MOST_VALUES = 3_000_000  # a bundle of 130 features has 12,000
_MOST_TEXT = 100_000  # characters of one text or key; the longest that training writes is a sentence
_MOST_BITS = 63  # of a whole number


def parse_strictly(content: bytes, nan_under: str = "") -> Any:
    """The value of a JSON text.

    Parameters
    ----------
    nan_under : key of the top level below which NaN may stand for a figure that is not to be had; nowhere else

    Raises
    ------
    ValueError : not JSON, or deeper, longer or with numbers that no bundle has; says which
    """
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_read_constant)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {_MOST_DEPTH} levels") from None
    left = _check(value, nan_under)
    if left:
        raise ValueError(left)
    return value


def _read_constant(name: str) -> float:
    if name == "NaN":
        return math.nan
    raise ValueError(f"{name} is not a number that a bundle holds")


def _check(value: Any, nan_under: str) -> str:
    """What is wrong with a parsed value, empty if nothing is; one level after the other, so that depth costs nothing.

    A level is a list of (value, whether NaN may stand there).
    """
    level: list[tuple[Any, bool]] = [(value, False)]
    seen, depth = 0, 0
    while level:
        seen, depth = seen + len(level), depth + 1
        if depth > _MOST_DEPTH:
            return f"it is nested deeper than {_MOST_DEPTH} levels"
        if seen > _MOST_VALUES:
            return f"it holds more than {_MOST_VALUES:,} values"
        below: list[tuple[Any, bool]] = []
        for one, nan in level:
            if isinstance(one, dict):
                if any(len(key) > _MOST_TEXT for key in one):
                    return f"a key is longer than {_MOST_TEXT:,} characters"
                below.extend((part, nan or (depth == 1 and key == nan_under)) for key, part in one.items())
            elif isinstance(one, list):
                below.extend((part, nan) for part in one)
            elif isinstance(one, str):
                if len(one) > _MOST_TEXT:
                    return f"a text is longer than {_MOST_TEXT:,} characters"
            elif isinstance(one, float):
                if math.isinf(one) or (math.isnan(one) and not nan):
                    return f"{one} stands where a number must"
            elif isinstance(one, int) and one.bit_length() > _MOST_BITS:
                return f"a whole number has more than {_MOST_BITS} bits"
        level = below
    return ""
