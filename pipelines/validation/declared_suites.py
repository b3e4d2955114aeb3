"""What a declaration expects of its tables, run on raw and kept rows; results hold no value of a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.errors import SourceError
from features.schema.canonical_tables import TABLES
from features.schema.expecting.declared_expectation import Expect, Rows, class_name
from features.schema.expecting.known_expectations import KNOWN
from features.schema.source import Source
from features.schema.vocabulary import ColumnType, Role
from pipelines.artifacts.counts_record import ExpectationResult
from pipelines.ingest.shaping.declared_columns import read_columns, type_of
from pipelines.validation.library import great_expectations
from pipelines.validation.project import Project, Suite, problem_of

EXAMPLES = 5  # unexpected values in a result: enough to recognise what is wrong
ROWS: tuple[Rows, ...] = ("raw", "kept")
_OPEN_TYPES = (ColumnType.CATEGORY, ColumnType.NUMBER, ColumnType.BOOLEAN, ColumnType.TIMESTAMP, ColumnType.LIST)
_OF_PEOPLE = frozenset({"owner", "author", "reason", "asset", "value"})  # of the contract: names, or free text
_COUNTS = ("element_count", "unexpected_count", "unexpected_percent", "observed_value", "partial_unexpected_list")


@dataclass(frozen=True)
class _Detail:
    """How much of the rows a result may hold, and what a suite of such results is called."""

    suffix: str
    result_format: str | Mapping[str, Any]


_VALUES = _Detail("", {"result_format": "BASIC", "partial_unexpected_count": EXAMPLES})
_NUMBERS = _Detail("_counts", {"result_format": "BASIC", "partial_unexpected_count": 0})
_VERDICTS = _Detail("_verdicts", "BOOLEAN_ONLY")
DETAILS = (_VALUES, _NUMBERS, _VERDICTS)


def suite_names(table: str) -> list[str]:
    """Names of all suites that a table's declared expectations can be in."""
    return [f"{table}_{rows}{detail.suffix}" for rows in ROWS for detail in DETAILS]


def run_declared(
    project: Project, source: Source, frames: Mapping[Rows, Mapping[str, pd.DataFrame]]
) -> list[ExpectationResult]:
    """Run every declared expectation on the rows it names; results in the order of the declaration, raw rows first.

    Raises
    ------
    SourceError : the library does not take an expectation's arguments, naming its line
    """
    results = []
    for table, expected in source.expect.items():
        found: dict[tuple[int, Rows], ExpectationResult] = {}
        for rows in ROWS:
            for detail in DETAILS:
                mine = [
                    (place, expect)
                    for place, expect in enumerate(expected)
                    if rows in expect.rows and _detail_of(expect, table, source) is detail
                ]
                if not mine:
                    continue
                suite = Suite(
                    name=f"{table}_{rows}{detail.suffix}",
                    asset=f"{table}_{rows}",
                    frame=frames[rows][table],
                    expectations=[_build(source, table, place, expect) for place, expect in mine],
                    result_format=detail.result_format,
                )
                for (place, expect), result in zip(mine, project.run(suite), strict=True):
                    found[place, rows] = _result(table, rows, expect, result)
        results += [found[key] for key in sorted(found, key=lambda key: (key[0], ROWS.index(key[1])))]
    return results


def _build(source: Source, table: str, place: int, expect: Expect) -> Any:
    """The library's object; SourceError where it takes the arguments together, or one of their values, not at all."""
    severity = "warning" if expect.severity == "warn" else "critical"
    kind = getattr(great_expectations().expectations, class_name(expect.type))
    try:
        return kind(**expect.kwargs, severity=severity, notes=expect.notes or None)
    except ValueError as problem:
        first = problem.errors()[0] if hasattr(problem, "errors") else {"loc": (), "msg": str(problem)}
        named = ".".join(str(part) for part in first["loc"] if part != "__root__") or "kwargs"
        raise SourceError(
            f"{source.where('expect', table, place, 'kwargs')}: expect.{table}.{place}: Great Expectations does not "
            f"take these arguments of '{expect.type}': {named}: {first['msg']}. Correct them, or take another "
            "expectation (docs/validation.md)."
        ) from problem


def _result(table: str, rows: Rows, expect: Expect, found: Mapping[str, Any]) -> ExpectationResult:
    counts = {key: found["result"].get(key) for key in _COUNTS}
    return ExpectationResult.of(
        {
            "table": table,
            "rows": rows,
            "type": expect.type,
            "sentence": expect.sentence,
            "severity": expect.severity,
            "notes": expect.notes,
            "success": bool(found["success"]),
            "checked": counts["element_count"],
            "unexpected": counts["unexpected_count"],
            "observed": _in_words(counts["observed_value"]),
            "examples": [str(value) for value in dict.fromkeys(map(str, counts["partial_unexpected_list"] or ()))],
            "problem": problem_of(found),
        }
    )


def _in_words(observed: object) -> str:
    if observed is None:
        return ""
    return f"{observed:,.6g}" if isinstance(observed, float) else str(observed)[:200]


def _detail_of(expect: Expect, table: str, source: Source) -> _Detail:
    """Values only of columns that hold none of a person; of others counts, and where counts show values, a verdict."""
    if all(_shows_values(source, table, name) for name in expect.columns):
        return _VALUES
    judges_rows = "mostly" in KNOWN[expect.type]  # and counts those it does not expect
    return _NUMBERS if judges_rows else _VERDICTS


def _shows_values(source: Source, table: str, name: str) -> bool:
    """Whether values of a column may stand in a result: they are learned from, and no text, title, id or name."""
    declared = read_columns(source, table).get(name)
    if type_of(source, table, name) not in _OPEN_TYPES:
        return False
    if source.flat is None and name in TABLES[table].names:
        return name not in _OF_PEOPLE and (declared is None or declared.role is Role.FEATURE)
    if source.flat is not None and name == source.flat.target.column:
        return True
    return declared is not None and declared.role is Role.FEATURE and not declared.title
