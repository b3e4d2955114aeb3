"""A cell that holds several values: ``CRM;HR;AI``, ``["CRM", "HR"]``, ``{CRM,HR}``."""

import ast
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from features.array_types import Floats

SEPARATORS = (";", "|", "\n", ",")  # the first that a text holds divides it: commas stand inside of values


@lru_cache(maxsize=65_536)  # different cells of the columns in use
def list_items(text: str, separator: str | None = None) -> tuple[str, ...]:
    """The values of a cell, each once, in their order; upper and lower case are one value.

    >>> list_items("CRM; HR;crm"), list_items('["CRM", "Smith, J."]'), list_items("{CRM,HR}"), list_items("CRM")
    (('CRM', 'HR'), ('CRM', 'Smith, J.'), ('CRM', 'HR'), ('CRM',))
    """
    parts = _array(text.strip())
    if parts is None:
        sign = separator or next((one for one in SEPARATORS if one in text), None)
        parts = [text] if sign is None else text.split(sign)
    found: dict[str, str] = {}
    for part in parts:
        plain = " ".join(str(part).split())
        if plain:
            found.setdefault(plain.casefold(), plain)
    return tuple(found.values())


def _array(text: str) -> list[Any] | None:
    """The elements of a JSON array, of one as Python writes it, or of one as PostgreSQL does."""
    if text[:1] + text[-1:] == "{}":
        return [part.strip().strip('"') for part in text[1:-1].split(",")]
    if text[:1] + text[-1:] != "[]":
        return None
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return [part for part in found if part is not None]


def list_text(items: Sequence[str]) -> str:
    """A list as the tables hold it: a JSON array, which is divided in one way only."""
    return json.dumps(list(items), ensure_ascii=False)


def count_items(values: Sequence[str], separator: str | None) -> Floats:
    """How many values each cell holds."""
    return np.asarray([float(len(list_items(value, separator))) for value in values], dtype=np.float64)


def hold_item(values: Sequence[str], item: str, separator: str | None) -> Floats:
    """1.0 per cell that holds the value, else 0.0; case does not matter."""
    wanted = item.casefold()
    held = [any(one.casefold() == wanted for one in list_items(value, separator)) for value in values]
    return np.asarray(held, dtype=np.float64)
