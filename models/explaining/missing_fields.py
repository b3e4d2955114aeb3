"""Fields that are missing and easily found: which may be filled, where, and which of a lead's tells most."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from features.array_types import Texts
from features.assembly.frameless_rows import Values, missing_in
from features.catalog.families.attributes import usable_columns
from features.catalog.feature import Feature
from features.schema.columns import Column
from features.schema.snapshots import is_read_from_answers
from features.schema.source import Source
from features.schema.vocabulary import ColumnType, WhenKnown

STORED = ("card", "api", "csv")  # where a value may be filled that is kept with its clock
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


IN_CRM, IN_FILE = ("crm",), ("file",)  # where what is declared is filled: behind it stands no clock that we keep


@dataclass(frozen=True)
class LookedUp:
    """A column that may be looked up: of which table, and where its value is filled."""

    table: Literal["leads", "accounts"]
    column: Column
    where: tuple[str, ...]


def lookup_columns(source: Source) -> dict[str, LookedUp]:
    """Every column that may be looked up, by name: accounts' with a clock, leads' with a history, and those declared.

    A value that only the CRM or the file holds is visible in the past as soon as it is there; so it must be declared a
    lasting fact (``enrich: true``), which tells nothing of when it was filled.
    """
    found = {name: LookedUp("accounts", column, STORED) for name, column in fillable_columns(source).items()}
    elsewhere = IN_FILE if source.kind == "flat" else IN_CRM
    tables: tuple[Literal["leads", "accounts"], ...] = ("accounts", "leads")
    for table in tables:
        if table not in source.tables or (source.kind == "flat" and table == "accounts"):
            continue
        for name, column in usable_columns(source, table):
            dated = table == "leads" and is_read_from_answers(table, column)
            if (column.enrich or dated) and column.type in _READ:
                found.setdefault(name, LookedUp(table, column, elsewhere))
    return found


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
