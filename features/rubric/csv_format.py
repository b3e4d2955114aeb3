"""A rubric as a CSV for people who do not write YAML, and back: one line per condition, nothing lost."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from features.errors import PolicyError
from features.rubric.checks import check_against_source, find_contradictions
from features.rubric.csv_cells import cell_of, cell_of_kinds, to_words
from features.rubric.csv_lines import COLUMNS, PER, RULE_OPTIONS, SINGLE, Path, read_sheet
from features.rubric.rule import Cap, Rule
from features.rubric.schema import Rubric
from features.schema.source import Source


def to_csv(rubric: Rubric) -> str:
    """The rubric as CSV text; :func:`from_csv` of it gives an equal rubric."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_lines(rubric))
    return out.getvalue()


def from_csv(text: str, *, where: str = "rubric.csv", source: Source | None = None) -> Rubric:
    """Rubric of a CSV text, checked in itself and, if given, against the source it speaks of.

    Commas, semicolons or tabs may separate the columns, as spreadsheets of different countries write them.

    Raises
    ------
    PolicyError : one line per problem, each with the line of the sheet
    """
    sheet = read_sheet(text)
    if sheet.problems:
        raise PolicyError(_list_problems(where, sheet.problems))
    try:
        rubric = Rubric.model_validate(sheet.data)
    except ValidationError as error:
        found = [(tuple(p["loc"]), str(p["msg"])) for p in error.errors(include_url=False)]
        raise PolicyError(
            _list_problems(where, [(sheet.line_of(path), _describe(path, message)) for path, message in found])
        ) from error
    problems = find_contradictions(rubric) + (check_against_source(rubric, source) if source is not None else [])
    if problems:
        raise PolicyError(_list_problems(where, [(sheet.line_of(path), message) for path, message in problems]))
    return rubric


def _describe(path: Path, message: str) -> str:
    key = next((part for part in reversed(path) if isinstance(part, str)), "rubric")
    return f"{key}: {message.removeprefix('Value error, ')}"


def _list_problems(where: str, problems: list[tuple[int, str]]) -> str:
    told = [f"  line {line}: {text.removesuffix('.')}." for line, text in sorted(problems)]
    return f"{where} cannot be used:\n" + "\n".join(told)


def _lines(rubric: Rubric) -> Iterator[dict[str, Any]]:
    head = rubric.model_dump(mode="json", include={"version", "effective_from", "agreed_by"}, exclude_defaults=True)
    yield _row("rubric", rubric.name, points=rubric.start, cap=rubric.total, label=rubric.title, options=head)
    for name, group in rubric.groups.items():
        yield {**_row("group", name, cap=group.cap, label=group.label), "about": str(group.dimension)}

    for rule in rubric.rules:
        yield from _rule_lines(rule)

    for threshold in rubric.thresholds:
        record = threshold.model_dump(mode="json", include={"requires", "any_of"}, exclude_defaults=True)
        yield {
            **_row("threshold", str(threshold.stage), points=threshold.points, options=record),
            "group": threshold.group or "",
        }

    if rubric.matrix is not None:
        for side, axis in (("letter", rubric.matrix.letter), ("number", rubric.matrix.number)):
            yield {**_row("matrix", side, options={"from_points": list(axis.from_points)}), "group": axis.group}

    handoff = rubric.handoff
    yield _row("handoff", str(handoff.stage or ""), options={"cells": list(handoff.cells)} if handoff.cells else {})


def _row(line: str, name: str, **values: Any) -> dict[str, Any]:
    found = {"line": line, "id": name, "label": cell_of(values.get("label", ""))}
    if values.get("points") is not None:
        found["points"] = _digits(values["points"])
    if values.get("cap") is not None:
        found["cap"] = _cap_text(values["cap"])
    if values.get("options"):
        found["options"] = to_words(values["options"])
    return found


def _cap_text(cap: Cap) -> str:
    ends = ["" if end is None else _digits(end) for end in (cap.minimum, cap.maximum)]
    return "..".join(ends)


def _rule_lines(rule: Rule) -> Iterator[dict[str, Any]]:
    record = rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    options = {name: record[name] for name in RULE_OPTIONS if name in record}
    subject = rule.subject
    what = cell_of_kinds(rule.activity) if rule.activity else cell_of(getattr(rule, subject))
    first = {
        **_row("rule", rule.id, cap=rule.cap, label=rule.label, options=options),
        "group": rule.group,
        "about": subject,
        "what": what,
        "topic": str(rule.topic),
    }
    for number, (condition, match, points) in enumerate(_conditions(rule)):
        line = first if number == 0 else {"line": "rule", "id": rule.id}
        yield {**line, "if": condition, "match": match, "points": _digits(points)}


def _conditions(rule: Rule) -> Iterator[tuple[str, str, float]]:
    for value, points in rule.values.items():
        yield "value", cell_of(value) or '""', points
    for pattern, points in rule.patterns.items():
        yield "pattern", cell_of(pattern) or '""', points
    for span in rule.ranges:
        ends = ["" if end is None else _digits(end) for end in (span.from_, span.below)]
        yield "range", "..".join(ends), span.points

    for name in SINGLE:
        if getattr(rule, name) is not None:
            yield name, "", getattr(rule, name)
    if rule.points is not None:
        yield PER[rule.per], "", rule.points

    for step in rule.steps:
        days = "" if step.within_days is None else f" in {step.within_days} days"
        yield ("step" if rule.per == "once" else "step, " + PER[rule.per]), f"{step.at_least}{days}", step.points
    if rule.none is not None:
        yield "none", "", rule.none


def _digits(number: float) -> str:
    """The number in as few digits as give it back exactly."""
    return repr(float(number)).removesuffix(".0")
