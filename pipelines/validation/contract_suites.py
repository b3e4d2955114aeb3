"""Suites generated from the contract and the declared rules, run on the rows kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from features.schema.vocabulary import ColumnType
from pipelines.ingest.expectations import Expectation, Rule
from pipelines.ingest.shaping.declared_columns import type_of
from pipelines.validation.library import great_expectations
from pipelines.validation.project import Project, Suite
from pipelines.workspace.table_files import DTYPES

_TYPE_NAMES: Mapping[ColumnType, str] = {
    **DTYPES,
    ColumnType.BOOLEAN: "bool",
    ColumnType.TIMESTAMP: "datetime64",
}


@dataclass(frozen=True)
class RuleResult:
    """What a suite found about one rule of a table."""

    table: str
    kind: str
    sentence: str
    success: bool
    warns: bool = False


def run_contract(
    project: Project, tables: Mapping[str, pd.DataFrame], expectations: Sequence[Expectation], source: Source
) -> list[RuleResult]:
    """Check every table with its suite ``<table>_contract``: the structure of the contract, then the declared rules.

    Values are never collected (``BOOLEAN_ONLY``): they may be personal.
    """
    results = []
    for table in (t for t in TABLES if t in source.tables):
        mine = [e for e in expectations if e.table == table]
        frame = _with_references(tables, table, mine)
        planned = [*_plan_structure(tables[table], table, source), *_plan_rules(mine, frame)]
        suite = Suite(
            name=contract_suite(table),
            asset=f"{table}_kept",
            frame=frame,
            expectations=[check.expectation.build(warns=check.warns) for check in planned],
            result_format="BOOLEAN_ONLY",
        )
        for check, found in zip(planned, project.run(suite), strict=True):
            results.append(RuleResult(table, check.kind, check.sentence, bool(found["success"]), check.warns))
    return results


def contract_suite(table: str) -> str:
    """Name of the suite that holds a table's rows to the contract."""
    return f"{table}_contract"


@dataclass(frozen=True)
class GreatExpectation:
    """An expectation of the library by its class name, to be built once the library is there."""

    name: str
    arguments: Mapping[str, Any]

    def build(self, *, warns: bool = False) -> Any:
        """The library's object, of its severity ``warning`` or ``critical``."""
        kinds = great_expectations().expectations
        return getattr(kinds, self.name)(**self.arguments, severity="warning" if warns else "critical")


@dataclass(frozen=True)
class PlannedCheck:
    """An expectation, and what a result says of it."""

    expectation: GreatExpectation
    kind: str
    sentence: str
    warns: bool = False


def _expect(name: str, **arguments: Any) -> GreatExpectation:
    return GreatExpectation(name, arguments)


def _plan_structure(frame: pd.DataFrame, table: str, source: Source) -> Iterator[PlannedCheck]:
    columns = _expected_columns(frame, table)
    present = _expect("ExpectTableColumnsToMatchSet", column_set=columns, exact_match=False)
    yield PlannedCheck(present, "columns", "has every column of the contract and the declaration")

    for name in frame.columns:
        kind = type_of(source, table, name)
        typed = _expect("ExpectColumnValuesToBeOfType", column=name, type_=_TYPE_NAMES[kind])
        yield PlannedCheck(typed, "type", f"{name} is stored as {kind}")


def _expected_columns(frame: pd.DataFrame, table: str) -> list[str]:
    return list(dict.fromkeys([*TABLES[table].names, *frame.columns]))


def _plan_rules(expectations: Sequence[Expectation], frame: pd.DataFrame) -> Iterator[PlannedCheck]:
    for expectation in expectations:
        check = _check_latest(expectation, frame) or library_check(expectation)
        if check is not None:
            yield PlannedCheck(check, str(expectation.rule), expectation.sentence, expectation.warns)


def _check_latest(e: Expectation, frame: pd.DataFrame) -> GreatExpectation | None:
    """Of many moments the latest is compared: one by one they take Great Expectations seconds per million."""
    column = e.columns[-1]
    if e.rule is not Rule.CUTOFF or not frame[column].notna().any():
        return None
    return _expect("ExpectColumnMaxToBeBetween", column=column, max_value=e.bound)


def library_check(e: Expectation) -> GreatExpectation | None:
    """A rule as the library knows it; None for rules of rows before their values are read."""
    column, rule = e.columns[-1], e.rule
    if rule is Rule.REQUIRED:
        return _expect("ExpectColumnValuesToNotBeNull", column=column)
    if rule is Rule.ALLOWED:
        return _expect("ExpectColumnValuesToBeInSet", column=column, value_set=list(e.values))
    if rule is Rule.MINIMUM:
        return _expect("ExpectColumnValuesToBeBetween", column=column, min_value=e.bound)
    if rule in (Rule.MAXIMUM, Rule.CUTOFF):
        return _expect("ExpectColumnValuesToBeBetween", column=column, max_value=e.bound)

    if rule is Rule.KNOWN_ORDER:
        return _expect(
            "ExpectColumnPairValuesAToBeGreaterThanB",
            column_A=column,
            column_B=e.columns[0],
            or_equal=True,
            ignore_row_if="either_value_is_missing",
        )

    if rule is Rule.REFERENCE:
        return _expect("ExpectColumnValuesToBeInSet", column=_parent_found_column(e), value_set=[True])

    if rule is Rule.UNIQUE and len(e.columns) == 1:
        return _expect("ExpectColumnValuesToBeUnique", column=column)
    if rule is Rule.UNIQUE:
        return _expect(
            "ExpectCompoundColumnsToBeUnique", column_list=list(e.columns), ignore_row_if="all_values_are_missing"
        )
    return None


def _parent_found_column(e: Expectation) -> str:
    return f"{e.columns[-1]} found"


def _with_references(
    tables: Mapping[str, pd.DataFrame], table: str, expectations: Sequence[Expectation]
) -> pd.DataFrame:
    """The table with one column per reference that says whether its parent is there."""
    frame = tables[table]
    extra = {}
    for e in expectations:
        if e.rule is Rule.REFERENCE and e.refers_to is not None:
            parent, key = e.refers_to
            child = frame[e.columns[-1]]
            extra[_parent_found_column(e)] = child.isna() | child.isin(tables[parent][key])
    return frame.assign(**extra)
