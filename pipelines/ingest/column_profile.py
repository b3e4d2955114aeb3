"""What a table looks like, column by column; values of personal and sensitive columns stay hidden."""

from dataclasses import dataclass

import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.columns import Column
from features.schema.source import Source
from features.schema.vocabulary import ColumnType, Role
from pipelines.ingest.quarantine import hidden_columns
from pipelines.ingest.shaping.declared_columns import read_columns, type_of

MOST_COMMON = 3  # values of a category shown: one line of a table


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """One column at a glance.

    Parameters
    ----------
    role : the declared role, or ``contract``
    missing : share of the rows, 0 to 1
    shows : range or most common values in words; ``hidden`` where values may not be shown
    """

    column: str
    type: str
    role: str
    missing: float
    distinct: int
    shows: str


def profile_columns(frame: pd.DataFrame, table: str, source: Source) -> list[ColumnProfile]:
    """One profile per column of a table, in its order; columns of the contract that the source lacks are left out."""
    declared = read_columns(source, table)
    hidden = hidden_columns(source, table)
    records = []

    for name in frame.columns:
        values = frame[name]
        if name not in declared and not values.notna().any():
            continue  # of the contract, but not in this source
        kind = type_of(source, table, name)
        canonical = name not in declared or (source.flat is None and name in TABLES[table].names)
        records.append(
            ColumnProfile(
                column=name,
                type=str(kind),
                role="contract" if canonical else str(declared[name].role),
                missing=float(values.isna().mean()) if len(values) else 0.0,
                distinct=int(values.nunique()),
                shows="hidden" if name in hidden else _shows(values, kind, declared.get(name)),
            )
        )
    return records


def _shows(values: pd.Series, kind: ColumnType, column: Column | None) -> str:
    present = values.dropna()
    if not len(present):
        return "always missing"

    if kind is ColumnType.NUMBER:
        low, middle, high = (f"{v:,.6g}" for v in (present.min(), present.median(), present.max()))
        return f"{low} to {high}, median {middle}"

    if kind is ColumnType.TIMESTAMP:
        return f"{present.min():%Y-%m-%d} to {present.max():%Y-%m-%d}"
    if kind is ColumnType.BOOLEAN:
        return f"true {present.astype(float).mean():.1%}"

    if kind is not ColumnType.CATEGORY or (column is not None and column.role is Role.DISPLAY and present.is_unique):
        return f"e.g. {present.iloc[0]}"[:60]

    shares = present.value_counts(normalize=True).head(MOST_COMMON)
    return ", ".join(f"{str(value)[:30]} {share:.0%}" for value, share in shares.items())
