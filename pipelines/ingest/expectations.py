"""What rows must keep to, as one list: the quarantine and the Great Expectations suites derive from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.columns import Column, fold_value
from features.schema.source import Flat, Source
from features.schema.vocabulary import ColumnType
from pipelines.ingest.shaping.declared_columns import read_columns, type_of


class Rule(StrEnum):
    """Why a row is kept out (the first seven before its values are read)."""

    FIELD_COUNT = "field_count"
    OPEN_QUOTE = "open_quote"
    ENCODING = "encoding"
    JSON = "json"
    JSON_KEY = "json_key"
    NESTING = "nesting"
    FIELD_LENGTH = "field_length"
    TYPE = "type"
    REQUIRED = "required"
    ALLOWED = "allowed_values"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    KNOWN_ORDER = "known_before_happened"
    CUTOFF = "after_cutoff"
    REFERENCE = "reference"
    PARENT = "parent_quarantined"
    CLOSE = "close_quarantined"
    UNIQUE = "duplicate_key"


SENTENCES = {
    Rule.FIELD_COUNT: "has as many fields as the header",
    Rule.OPEN_QUOTE: "closes every quote it opens",
    Rule.ENCODING: "holds text in the file's encoding only",
    Rule.JSON: "is a JSON object",
    Rule.JSON_KEY: "names each key once",
    Rule.NESTING: "nests values no deeper than the limit",
    Rule.FIELD_LENGTH: "has no value longer than the limit",
    Rule.TYPE: "can be read as the declared type",
    Rule.REQUIRED: "is given",
    Rule.ALLOWED: "is one of the allowed values",
    Rule.MINIMUM: "is not below the minimum",
    Rule.MAXIMUM: "is not above the maximum",
    Rule.KNOWN_ORDER: "is known no earlier than it happened",
    Rule.CUTOFF: "is not after the data cut-off",
    Rule.REFERENCE: "refers to a row that exists",
    Rule.PARENT: "refers to a row that was kept",
    Rule.CLOSE: "is open, or closed by outcomes that were kept (otherwise it would seem open, and not won)",
    Rule.UNIQUE: "is unique (of rows that differ the newest is kept, where a column tells it, else the first)",
}

BROKEN = {
    Rule.FIELD_COUNT: "has more or fewer fields than the header",
    Rule.OPEN_QUOTE: "opens a quote that is never closed",
    Rule.ENCODING: "holds bytes that are not text in the file's encoding",
    Rule.JSON: "is not a JSON object",
    Rule.JSON_KEY: "names a key twice",
    Rule.NESTING: "nests values deeper than the limit",
    Rule.FIELD_LENGTH: "has a value longer than the limit",
    Rule.TYPE: "cannot be read as the declared type",
    Rule.REQUIRED: "is missing",
    Rule.ALLOWED: "is not one of the allowed values",
    Rule.MINIMUM: "is below the minimum",
    Rule.MAXIMUM: "is above the maximum",
    Rule.KNOWN_ORDER: "is known before it happened",
    Rule.CUTOFF: "is after the data cut-off",
    Rule.REFERENCE: "refers to no row that exists",
    Rule.PARENT: "refers to a row in quarantine",
    Rule.CLOSE: "is of a deal that seems over, but whose outcome cannot be kept",
    Rule.UNIQUE: "repeats the key of a row that is kept",
}


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One rule of a table.

    Parameters
    ----------
    columns : the columns it speaks of; the last one's value is shown
    values : allowed values (``allowed_values``)
    bound : smallest or largest allowed number or moment
    refers_to : table and column of the parent (``reference``)
    warns : broken rows stay and are counted as warnings
    """

    table: str
    rule: Rule
    columns: tuple[str, ...]
    values: tuple[str, ...] = ()
    bound: float | pd.Timestamp | None = None
    refers_to: tuple[str, str] | None = None
    warns: bool = False

    @property
    def sentence(self) -> str:
        """The rule in words."""
        detail = ""
        if self.values:
            detail = f" ({', '.join(self.values)})"
        elif self.bound is not None:
            detail = f" ({self.bound})"
        elif self.refers_to is not None:
            detail = f" ({'.'.join(self.refers_to)})"
        return f"{' + '.join(self.columns)} {SENTENCES[self.rule]}{detail}"


def expectations_of(source: Source, cutoff: pd.Timestamp | None = None) -> list[Expectation]:
    """Every rule of a source's tables, from the contract and the declaration, in the order they are checked."""
    return [expectation for table in table_order(source) for expectation in _rules_of_table(source, table, cutoff)]


def table_order(source: Source) -> list[str]:
    """Declared tables, parents before those that refer to them."""
    first = ("accounts", "leads")
    return [t for t in (*first, *(t for t in TABLES if t not in first)) if t in source.tables]


def _rules_of_table(source: Source, table: str, cutoff: pd.Timestamp | None) -> Iterator[Expectation]:
    contract, columns = TABLES[table], read_columns(source, table)
    for name, column in columns.items():
        yield from _rules_of_column(source, table, name, column)

    if source.flat is not None:
        yield from _rules_of_target(source.flat)
    else:
        yield from _rules_of_contract(table, columns)
        yield from _rules_of_clocks(table, cutoff)
        yield from _rules_of_references(source, table, columns)
    yield Expectation(table=table, rule=Rule.UNIQUE, columns=contract.key)


def _rules_of_contract(table: str, columns: Mapping[str, Column]) -> Iterator[Expectation]:
    for known in TABLES[table].columns:
        if not known.nullable and known.default_from is None:
            yield Expectation(table=table, rule=Rule.REQUIRED, columns=(known.name,))
        if known.values and known.name in columns and not columns[known.name].values:
            values = tuple(str(value) for value in known.values)
            yield Expectation(table=table, rule=Rule.ALLOWED, columns=(known.name,), values=values)
        if known.minimum is not None and known.name in columns:
            yield Expectation(table=table, rule=Rule.MINIMUM, columns=(known.name,), bound=known.minimum)


def _rules_of_target(flat: Flat) -> Iterator[Expectation]:
    target = flat.target
    known = tuple(value for value in (*target.closed, *target.open) if fold_value(value))
    if not any(not fold_value(value) for value in target.open):
        yield Expectation(table="leads", rule=Rule.REQUIRED, columns=(target.column,))
    yield Expectation(table="leads", rule=Rule.ALLOWED, columns=(target.column,), values=known)
    if flat.order not in (None, "row"):
        yield Expectation(table="leads", rule=Rule.REQUIRED, columns=(str(flat.order),))


def _rules_of_references(source: Source, table: str, columns: Mapping[str, Column]) -> Iterator[Expectation]:
    """A lead that is referred to must exist; an unknown account is a warning, as exports seldom hold them all."""
    for known in TABLES[table].columns:
        if known.references is None or known.name not in columns:
            continue
        parent, key = known.references.split(".")
        if parent in source.tables:
            yield Expectation(
                table=table,
                rule=Rule.REFERENCE,
                columns=(known.name,),
                refers_to=(parent, key),
                warns=parent == "accounts",
            )


def _rules_of_column(source: Source, table: str, name: str, column: Column) -> Iterator[Expectation]:
    kind = type_of(source, table, name)
    if kind in (ColumnType.NUMBER, ColumnType.BOOLEAN, ColumnType.TIMESTAMP):
        yield Expectation(table=table, rule=Rule.TYPE, columns=(name,))
    if column.required:
        yield Expectation(table=table, rule=Rule.REQUIRED, columns=(name,))
    if column.values:
        yield Expectation(table=table, rule=Rule.ALLOWED, columns=(name,), values=column.values)
    if column.minimum is not None:
        yield Expectation(table=table, rule=Rule.MINIMUM, columns=(name,), bound=column.minimum)
    if column.maximum is not None:
        yield Expectation(table=table, rule=Rule.MAXIMUM, columns=(name,), bound=column.maximum)


def _rules_of_clocks(table: str, cutoff: pd.Timestamp | None) -> Iterator[Expectation]:
    """What is known is known no earlier than it happened, and nothing is known after the cut-off."""
    happened = TABLES[table].happened
    if happened is not None:
        yield Expectation(table=table, rule=Rule.KNOWN_ORDER, columns=(happened, "known_at"))
    if cutoff is not None:
        yield Expectation(table=table, rule=Rule.CUTOFF, columns=("known_at",), bound=cutoff)
