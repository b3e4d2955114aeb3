"""Source declarations from YAML text, with errors that name the line, what was found and what is allowed."""

import difflib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from features.errors import SourceError
from features.regular_files import read_regular_text
from features.schema.canonical_tables import TABLES
from features.schema.expecting.declared_expectation import unknown_columns
from features.schema.opportunities import KEY, Shorthand, expand_opportunities
from features.schema.snapshots import find_snapshot_problems, snapshots_of
from features.schema.source import Column, Source
from features.schema.table_source import UPDATED
from features.schema.vocabulary import ColumnType, Role, WhenKnown
from features.schema.yaml_lines import LinedYaml, YamlTextError, problems_of, read_yaml

_DATED_BY_SNAPSHOTS = ("outcomes", "stages")  # without a date of its own, a row happened when a snapshot first shows it


def parse_source(text: str, *, where: str = "source", path: Path | None = None) -> Source:
    """Source of a YAML text; ``path`` is the file it came from.

    Raises
    ------
    SourceError : one line per problem, each with its line in the text
    """
    try:
        document = read_yaml(text)
    except YamlTextError as problem:
        raise SourceError(f"{where}: {problem}") from problem
    if not isinstance(document.data, dict):
        raise SourceError(f"{where}: line 1: expected keys and values, such as 'name: my_leads'; see docs/sources.md.")
    try:
        document, written_twice = _write_out(document)
        source = Source.model_validate(document.data)
    except ValidationError as error:
        raise SourceError(_list_problems(where, _with_hints(error, document))) from error

    found = [
        *written_twice,
        *_check_canonical(source, document),
        *_check_directions(source, document),
        *_check_sorted(source, document),
        *_check_recorded(source, document),
        *_check_references(source, document),
        *_check_wide(source, document),
        *_check_snapshots(source, document),
        *_check_expectations(source, document),
    ]
    if found:
        raise SourceError(_list_problems(where, found))

    return source.with_place(path, document.lines)


def load_source(path: Path) -> Source:
    """Source of a YAML file; see :func:`parse_source`."""
    try:
        text = read_regular_text(path)
    except OSError as problem:
        raise SourceError(f"source {path} cannot be read: {problem.strerror}. Check the path.") from problem
    except UnicodeDecodeError as problem:
        raise SourceError(f"source {path} is not UTF-8 text; save it as UTF-8.") from problem
    return parse_source(text, where=path.name, path=path)


def _write_out(document: LinedYaml) -> tuple[LinedYaml, list[str]]:
    """The document with its shorthand written out as tables; ValidationError if the shorthand is wrong."""
    if document.data.get(KEY) is None:
        return document, []
    Shorthand.model_validate(document.data)
    return expand_opportunities(document)


def _list_problems(where: str, problems: list[str]) -> str:
    return f"{where} cannot be used:\n" + "\n".join(f"  {problem}" for problem in problems)


def _with_hints(error: ValidationError, document: LinedYaml) -> list[str]:
    hints = {
        tuple(p["loc"]): _allowed_keys(tuple(p["loc"]))
        for p in error.errors(include_url=False)
        if p["type"] == "extra_forbidden"
    }
    problems = problems_of(error, document)
    for path, allowed in hints.items():
        dotted = ".".join(str(part) for part in path)
        near = difflib.get_close_matches(str(path[-1]), allowed, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        problems = [
            f"{p}{hint} Allowed: {', '.join(allowed)}." if f": {dotted}: unknown key" in p else p for p in problems
        ]
    return problems


def _allowed_keys(path: tuple[str | int, ...]) -> list[str]:
    """Keys allowed beside the last part of ``path``, found by walking the schema."""
    model: Any = Source
    for part in path[:-1]:
        model = _inner(model, part)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _inner(model: Any, part: str | int) -> Any:
    if isinstance(model, type) and issubclass(model, BaseModel):
        field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
        return _unwrap(field.annotation) if field is not None else None
    arguments = [one for one in get_args(model) if one is not ...]  # of a tuple of any length
    return _unwrap(arguments[-1]) if arguments else None


def _unwrap(annotation: Any) -> Any:
    options = [a for a in get_args(annotation) if a is not type(None)]
    if len(options) == 1 and not isinstance(annotation, type):
        return options[0]
    return annotation


def _check_type(table: str, name: str, source: Source, document: LinedYaml) -> list[str]:
    contract, declared = TABLES[table], source.tables[table].columns[name].type
    if source.kind == "flat" or name not in contract.names or declared in (None, contract[name].type):
        return []
    line = document.line(("tables", table, "columns", name, "type"))
    return [
        f"line {line}: tables.{table}.columns.{name}.type: found '{declared}', but the contract says "
        f"'{contract[name].type}'; leave the key out, or give the column another name."
    ]


def _check_recorded(source: Source, document: LinedYaml) -> list[str]:
    """What was recorded at the time must be a number that nobody overwrites, and handoffs need stages."""
    problems = []
    if source.recorded_score is not None:
        problem = _describe_no_score(source.tables["leads"].columns.get(source.recorded_score))
        if problem:
            line = document.line(("recorded_score",))
            problems.append(f"line {line}: recorded_score: '{source.recorded_score}' {problem}")
    if source.actual_handoff is not None and "stages" not in source.tables:
        line = document.line(("actual_handoff",))
        problems.append(
            f"line {line}: actual_handoff: '{source.actual_handoff}' is read from the table 'stages', which this "
            f"source ({source.kind}) does not map; map it, or leave the key out."
        )
    compared = source.comparison
    if compared is not None and compared.population == "before_handoff" and "stages" not in source.tables:
        line = document.line(("comparison", "population"))
        problems.append(
            f"line {line}: comparison.population: before_handoff is read from the table 'stages', which this source "
            f"({source.kind}) does not map; map it, or leave the key out."
        )
    return problems


def _check_references(source: Source, document: LinedYaml) -> list[str]:
    """``through`` says how the ids of another table are found, so the column must hold such ids."""
    problems = []
    for table, declared in source.tables.items():
        referring = [known.name for known in TABLES[table].columns if known.references is not None]
        for name, column in declared.columns.items():
            if column.through and (name not in referring or source.kind == "flat"):
                line = document.line(("tables", table, "columns", name, "through"))
                allowed = ", ".join(referring) if source.kind == "relational" and referring else "no column"
                problems.append(
                    f"line {line}: tables.{table}.columns.{name}.through: only ids that refer to another table are "
                    f"looked up through its columns; in table '{table}' that is {allowed}. Leave the key out."
                )
    return problems


def _check_wide(source: Source, document: LinedYaml) -> list[str]:
    """Only stages are written one column each."""
    return [
        f"line {document.line(('tables', table, 'wide'))}: tables.{table}.wide: only the table 'stages' can be "
        "written as one column of dates per stage. Leave the key out."
        for table, declared in source.tables.items()
        if declared.wide and table != "stages"
    ]


def _describe_no_score(column: Column | None) -> str:
    if column is None:
        return (
            "is not a declared column of leads; declare it with 'type: number' (role: display, if it is not to be "
            "learned from)."
        )
    if column.type is not ColumnType.NUMBER:
        found = "without a type" if column.type is None else f"as {column.type}"
        return f"is declared {found}; a score is a number: declare 'type: number'."
    if column.when_known is WhenKnown.OVERWRITTEN:
        return (
            "is overwritten: today's score knows what became of the lead and would beat every honest one. Name a "
            "column that keeps the score as it was at the time."
        )
    return ""


def _check_directions(source: Source, document: LinedYaml) -> list[str]:
    """Directions of columns and questions whose values are categories, which have no order."""
    kinds: list[tuple[str, ...]] = []
    for table, declared in source.tables.items():
        for name, column in declared.columns.items():
            usual = TABLES[table][name].type if name in TABLES[table].names else ColumnType.CATEGORY
            if column.direction and (column.title or (column.type or usual) is ColumnType.CATEGORY):
                kinds.append(("tables", table, "columns", name, "direction"))
    for name, question in source.questions.items():
        if question.direction and question.type is ColumnType.CATEGORY:
            kinds.append(("questions", name, "direction"))
    return [
        f"line {document.line(place)}: {'.'.join(place)}: a category has no order, so a direction means nothing "
        "for it. Leave it out, or declare 'type: number' if the file holds numbers."
        for place in kinds
    ]


def _check_sorted(source: Source, document: LinedYaml) -> list[str]:
    """What rows are sorted by must be a time or a number: as texts 10/1/2024 stands before 9/30/2024."""
    asked: list[tuple[tuple[str, ...], str, str]] = []
    if source.flat is not None and source.flat.order not in (None, "row"):
        asked.append((("flat", "order"), "leads", str(source.flat.order)))
    for table, declared in source.tables.items():
        if declared.newest_by is not None:
            asked.append((("tables", table, "newest_by"), table, declared.newest_by))
        elif UPDATED in declared.columns and declared.columns[UPDATED].role is not Role.IGNORE:
            asked.append((("tables", table, "columns", UPDATED), table, UPDATED))

    problems = []
    for place, table, name in asked:
        column = source.tables[table].columns.get(name) if table in source.tables else None
        usual = TABLES[table][name].type if name in TABLES[table].names else ColumnType.CATEGORY
        kind = usual if column is None or column.type is None else column.type
        if kind in (ColumnType.TIMESTAMP, ColumnType.NUMBER):
            continue
        where = f"tables.{table}.columns"
        paste = (
            f"Paste below {where}: {name}: {{type: timestamp, role: display}}, or type: number"
            if column is None
            else f"Give {where}.{name} its type: type: timestamp, or type: number"
        )
        problems.append(
            f"line {document.line(place)}: {'.'.join(place)}: rows are sorted by '{name}', which is read as {kind}: "
            f"10/1/2024 would stand before 9/30/2024, and 1000 before 999. {paste}."
        )
    return problems


def _check_snapshots(source: Source, document: LinedYaml) -> list[str]:
    return [
        f"line {document.line(place)}: {'.'.join(place)}: {problem}"
        for place, problem in find_snapshot_problems(source)
    ]


def _check_expectations(source: Source, document: LinedYaml) -> list[str]:
    """Tables and columns that are expected of must be there."""
    problems = []
    for table, expected in source.expect.items():
        if table not in source.tables:
            line = document.line(("expect", table))
            known = ", ".join(source.tables)
            problems.append(f"line {line}: expect.{table}: '{table}' is no table of this source; it has {known}.")
            continue
        columns = _columns_read(source, table)
        for place, expect in enumerate(expected):
            line = document.line(("expect", table, place, "kwargs"))
            problems += [
                f"line {line}: expect.{table}.{place}.kwargs: '{name}' is no column of {table} that is read{hint}; it "
                f"has: {', '.join(columns)}."
                for name, hint in unknown_columns(expect, columns)
            ]
    return problems


def _columns_read(source: Source, table: str) -> list[str]:
    """Columns of a table as ingest leaves it: those that are read, then the contract's."""
    names = [name for name, column in source.tables[table].columns.items() if column.role is not Role.IGNORE]
    if source.flat is not None and table == "leads":
        flat = source.flat
        named = (flat.target.column, flat.order, flat.group, flat.lead_id)
        names += [name for name in named if name is not None and name not in ("row", "identical_inputs")]
    return list(dict.fromkeys([*names, *TABLES[table].names]))


def _check_canonical(source: Source, document: LinedYaml) -> list[str]:
    """Tables that take no attributes must declare canonical columns only, and map all required ones."""
    problems = []
    for table, declared in source.tables.items():
        contract = TABLES[table]
        flat_leads = source.kind == "flat" and table == "leads"
        for name in declared.columns:
            if not contract.open_ended and name not in contract.names:
                line = document.line(("tables", table, "columns", name))
                problems.append(
                    f"line {line}: tables.{table}.columns.{name}: unknown column. "
                    f"Table '{table}' takes: {', '.join(contract.names)}."
                )
            problems += _check_type(table, name, source, document)
        dated = contract.happened if snapshots_of(source, table) is not None and table in _DATED_BY_SNAPSHOTS else None
        missing = [c for c in contract.required if c not in declared.columns and c != dated]
        if missing and not flat_leads:
            line = document.line(("tables", table, "columns"))
            problems.append(f"line {line}: tables.{table}.columns: required column {', '.join(missing)} is not mapped.")
    return problems
