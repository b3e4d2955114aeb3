"""Fields of a company that are missing and easily found: which may be filled, and which of a lead's tells most."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from features.array_types import Texts
from features.assembly.frameless_rows import Values, missing_in
from features.catalog.families.attributes import usable_columns
from features.catalog.feature import Feature
from features.schema.columns import Column
from features.schema.source import Source
from features.schema.vocabulary import ColumnType, WhenKnown

_DATED = (WhenKnown.KNOWN_AT, WhenKnown.SNAPSHOTS)
_READ = (ColumnType.CATEGORY, ColumnType.NUMBER, ColumnType.BOOLEAN, None)


def fillable_columns(source: Source) -> dict[str, Column]:
    """Columns of companies that may be filled later: their values carry the moment they became known.

    What is known at a lead's creation only is not among them: a value filled in later would be seen in the past.
    """
    if source.kind == "flat" or "accounts" not in source.tables:
        return {}
    return {
        name: column
        for name, column in usable_columns(source, "accounts")
        if column.when_known in _DATED and column.type in _READ
    }


def name_missing_field(values: Values, fields: Mapping[str, Feature], facts: Mapping[str, Any]) -> Texts:
    """Per row the missing field that parts won leads from others best, '' where none is missing, shape (n,).

    Fields that part nothing are not worth anybody's time.
    """
    found = np.full(len(values), "", dtype=object)
    missing = {name: missing_in(values, feature.name) for name, feature in fields.items()}
    telling = {name: _difference(facts.get(fields[name].name, {})) for name, rows in missing.items() if rows.any()}
    for name in sorted((name for name, much in telling.items() if much > 0), key=lambda name: (telling[name], name)):
        found[missing[name]] = name  # the most telling one comes last
    return found


def _difference(fact: Mapping[str, Any]) -> float:
    """How far apart a fact puts won leads and others, 0 to 1: shares of a number's sides, rates of category levels."""
    if "levels" in fact:
        return _spread((rate, leads) for name, (rate, leads) in fact["levels"].items() if name)
    return abs(fact["won_share"] - fact["lost_share"]) if "won_share" in fact else 0.0


def _spread(levels: Iterable[tuple[float, float]]) -> float:
    rows = np.array(list(levels), dtype=np.float64).reshape(-1, 2)
    if not len(rows):
        return 0.0
    mean = np.average(rows[:, 0], weights=rows[:, 1])
    return float(np.sqrt(np.average((rows[:, 0] - mean) ** 2, weights=rows[:, 1])))
