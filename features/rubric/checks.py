"""Contradictions a rubric's types alone do not show: unknown names, crossing thresholds, overlapping ranges."""

import re
from collections.abc import Iterator
from itertools import pairwise

from features.rubric.reachability import find_unreachable
from features.rubric.rule import Rule
from features.rubric.schema import Rubric
from features.schema.conditions import fold_value
from features.schema.source import Column, Source
from features.schema.vocabulary import ColumnType, Role, Stage, WhenKnown

Path = tuple[str | int, ...]
Problem = tuple[Path, str]
_TEXTS = (ColumnType.CATEGORY, ColumnType.TEXT)
LADDER = (Stage.LEAD, Stage.IQL, Stage.MQL, Stage.SAL, Stage.SQL, Stage.OPPORTUNITY, Stage.WON)


def find_contradictions(rubric: Rubric) -> list[Problem]:
    """Problems of the rubric in itself, as (path in the document, sentence)."""
    return [
        *_names(rubric),
        *_thresholds(rubric),
        *_handoff(rubric),
        *(problem for i, rule in enumerate(rubric.rules) for problem in _ranges(i, rule)),
        *(problem for i, rule in enumerate(rubric.rules) for problem in _patterns(i, rule)),
        *(problem for i, rule in enumerate(rubric.rules) for problem in _values(i, rule)),
        *_reserved_ids(rubric),
        *find_unreachable(rubric),
    ]


def _names(rubric: Rubric) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    groups = ", ".join(rubric.groups)
    for i, rule in enumerate(rubric.rules):
        if rule.id in seen:
            yield ("rules", i, "id"), f"rule id '{rule.id}' appears twice; give each rule an id of its own."
        seen[rule.id] = i
        if rule.group not in rubric.groups:
            yield ("rules", i, "group"), f"group '{rule.group}' is not declared; declared groups: {groups}."

    for i, threshold in enumerate(rubric.thresholds):
        if threshold.group is not None and threshold.group not in rubric.groups:
            yield ("thresholds", i, "group"), f"group '{threshold.group}' is not declared; declared groups: {groups}."
        for key in ("requires", "any_of"):
            for rule_id in getattr(threshold, key):
                if rule_id not in seen:
                    yield (
                        ("thresholds", i, key),
                        f"threshold '{threshold.stage}' requires rule '{rule_id}', which does not exist; "
                        f"rules: {', '.join(seen)}.",
                    )

    if rubric.matrix is not None:
        for side in ("letter", "number"):
            axis = getattr(rubric.matrix, side)
            if axis.group not in rubric.groups:
                yield ("matrix", side, "group"), f"group '{axis.group}' is not declared; declared groups: {groups}."


def _thresholds(rubric: Rubric) -> Iterator[Problem]:
    seen: set[Stage] = set()
    for i, threshold in enumerate(rubric.thresholds):
        if threshold.stage in seen:
            yield ("thresholds", i, "stage"), f"stage '{threshold.stage}' has two thresholds; keep one."
        seen.add(threshold.stage)
    whole = [(i, t) for i, t in enumerate(rubric.thresholds) if t.group is None and t.stage in LADDER]
    ordered = sorted(whole, key=lambda pair: LADDER.index(pair[1].stage))
    for (_, lower), (i, higher) in pairwise(ordered):
        if higher.points < lower.points:
            yield (
                ("thresholds", i, "points"),
                f"'{higher.stage}' needs {higher.points:g} points, fewer than '{lower.stage}' with {lower.points:g}; "
                f"a later stage must not be easier: raise '{higher.stage}' or lower '{lower.stage}'.",
            )


def _handoff(rubric: Rubric) -> Iterator[Problem]:
    if rubric.handoff.cells and rubric.matrix is None:
        yield ("handoff", "cells"), "handoff names cells, but no 'matrix:' is declared; add it or name a stage."
    if rubric.handoff.stage is not None and rubric.handoff_threshold is None:
        stages = ", ".join(t.stage for t in rubric.thresholds) or "none"
        yield (
            ("handoff", "stage"),
            f"handoff at '{rubric.handoff.stage}', but that stage has no threshold; thresholds: {stages}.",
        )


def _ranges(i: int, rule: Rule) -> Iterator[Problem]:
    ends = [
        (r.from_ if r.from_ is not None else float("-inf"), r.below if r.below is not None else float("inf"), k)
        for k, r in enumerate(rule.ranges)
    ]
    ends.sort()
    for (_, below, _), (start, _, k) in pairwise(ends):
        if start < below:
            yield (
                ("rules", i, "ranges", k),
                f"rule '{rule.id}': the range from {start:g} overlaps one that ends at {below:g}; "
                "a value may fall into only one range.",
            )


def _patterns(i: int, rule: Rule) -> Iterator[Problem]:
    for pattern in rule.patterns:
        if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
            try:
                re.compile(pattern[1:-1])
            except re.error as problem:
                yield (
                    ("rules", i, "patterns", pattern),
                    f"rule '{rule.id}': {pattern} is not a valid regular expression: {problem}.",
                )


def _values(i: int, rule: Rule) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for value in rule.values:
        if fold_value(value) in seen:
            yield (
                ("rules", i, "values", value),
                f"rule '{rule.id}': '{value}' and '{seen[fold_value(value)]}' are the same value, because upper and "
                "lower case count alike; keep one.",
            )
        seen.setdefault(fold_value(value), value)


def _reserved_ids(rubric: Rubric) -> Iterator[Problem]:
    """Ids whose features would have the name of another rule's feature."""
    gates = {"in_" + "_".join(sorted(map(str, rule.only_in))) for rule in rubric.rules if rule.only_in}
    ids = {rule.id for rule in rubric.rules}
    for i, rule in enumerate(rubric.rules):
        head, underscores, _ = rule.id.partition("__")
        if rule.id in gates or (underscores and head in ids):
            yield ("rules", i, "id"), f"rule id '{rule.id}' is already used inside the rubric; choose another id."


def check_against_source(rubric: Rubric, source: Source) -> list[Problem]:
    """Problems of the rubric with the source it is applied to: unknown columns, kinds, questions."""
    return [problem for i, rule in enumerate(rubric.rules) for problem in _rule_problems(i, rule, source)]


def check_rule_against_source(rule: Rule, source: Source) -> list[Problem]:
    """Problems of one rule with the source, as if it were the first of a rubric."""
    return list(_rule_problems(0, rule, source))


def _rule_problems(i: int, rule: Rule, source: Source) -> Iterator[Problem]:
    if source.kind == "flat" and (rule.subject != "lead" or rule.only_in):
        word = "only_in" if rule.subject == "lead" else rule.subject
        yield (
            ("rules", i, word),
            f"rule '{rule.id}' uses {word}, but '{source.name}' is flat: its rules can only read lead columns.",
        )
        return
    if rule.only_in and "stages" not in source.tables:
        yield (
            ("rules", i, "only_in"),
            f"rule '{rule.id}' is limited to stages, but source '{source.name}' has no stages.",
        )
    if rule.lead is not None:
        yield from _column_problem(i, rule, "lead", "leads", source)
    elif rule.account is not None:
        yield from _column_problem(i, rule, "account", "accounts", source)
    elif rule.answer is not None and rule.answer in source.questions:
        question = source.questions[rule.answer]
        yield from _impossible_conditions(i, rule, f"question '{rule.answer}'", question.type, question.values)
    elif rule.answer is not None:
        allowed = ", ".join(source.questions) or "none"
        yield (
            ("rules", i, "answer"),
            f"question '{rule.answer}' is not declared in '{source.name}'; questions: {allowed}.",
        )
    else:
        for kind in rule.activity:
            if kind not in source.activity_kinds:
                allowed = ", ".join(source.activity_kinds) or "none"
                yield (
                    ("rules", i, "activity"),
                    f"activity kind '{kind}' is not declared in '{source.name}'; kinds: {allowed}.",
                )


def _column_problem(i: int, rule: Rule, key: str, table: str, source: Source) -> Iterator[Problem]:
    name = getattr(rule, key)
    columns: dict[str, Column] = source.tables[table].columns if table in source.tables else {}
    if name not in columns:
        allowed = ", ".join(columns) or "none"
        yield ("rules", i, key), f"column '{name}' is not declared in {table} of '{source.name}'; columns: {allowed}."
    elif columns[name].role is Role.IGNORE:
        because = columns[name].excluded_because or "it is declared 'ignore'"
        yield ("rules", i, key), f"column '{name}' may not be used: {because}. Drop the rule or declare the column."
    elif columns[name].when_known is WhenKnown.OVERWRITTEN:
        yield (
            ("rules", i, key),
            f"column '{name}' is overwritten by the CRM, so its value on a past date is unknown; "
            "map its history to answers, or declare when_known: at_creation if it is never edited.",
        )
    else:
        column = columns[name]
        yield from _impossible_conditions(
            i, rule, f"column '{name}'", column.type or ColumnType.CATEGORY, column.values
        )


def _impossible_conditions(
    i: int, rule: Rule, what: str, kind: ColumnType, declared: tuple[str, ...]
) -> Iterator[Problem]:
    """Conditions that no value of the column or question could meet."""
    known = {fold_value(value) for value in declared}
    if rule.ranges and kind is not ColumnType.NUMBER and not (kind in _TEXTS and _numeric(known)):
        yield (
            ("rules", i, "ranges"),
            f"rule '{rule.id}' gives points by range, but {what} holds no numbers ({kind}); use values or patterns, "
            "or declare it 'type: number'.",
        )
    for value in rule.values:
        if known and kind is not ColumnType.NUMBER and fold_value(value) not in known:
            yield (
                ("rules", i, "values", value),
                f"rule '{rule.id}': {what} is never '{value}'; its declared values: {', '.join(declared)}.",
            )


def _numeric(known: set[str]) -> bool:
    return any(re.fullmatch(r"[-+]?\d+([.,]\d+)?", value) for value in known)
