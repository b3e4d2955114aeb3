"""A rubric while somebody builds it: the keys of its schema, not finished yet, changed rule by rule."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from features.rubric.checks import check_against_source, check_rule_against_source, find_contradictions
from features.rubric.rule import Rule
from features.rubric.schema import Rubric
from features.schema.source import Source
from features.schema.vocabulary import Dimension, Stage

LARGEST_POINTS = 1000.0  # of one condition or threshold: a hundred is a lot, a billion a slip of the finger
_LONGEST_ID = 64  # features/schema/source.py, Name

Content = dict[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class DraftProblem:
    """What is wrong with a draft: of which rule, empty where it is of none; and a sentence."""

    rule: str
    text: str


def content_of(rubric: Rubric) -> Content:
    """The keys of a rubric, defaults left out."""
    found: Content = rubric.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return found


def empty_content(name: str, version: str, points: float = 30.0) -> Content:
    """A draft without rules: the four usual groups, and leads handed to sales from so many points on."""
    return {
        "name": name,
        "version": version,
        "groups": {str(dimension): {"dimension": str(dimension)} for dimension in Dimension},
        "rules": [],
        "thresholds": [{"stage": str(Stage.MQL), "points": points}],
        "handoff": {"stage": str(Stage.MQL)},
    }


def next_version(taken: Sequence[str]) -> str:
    """The lowest whole number above all versions that are numbers.

    >>> next_version(["1", "2", "spring"]), next_version([])
    ('3', '1')
    """
    return str(max((int(text) for text in taken if text.isdecimal()), default=0) + 1)


def unused_id(text: str, taken: Sequence[str]) -> str:
    """An id of a rule that the grammar takes and no other rule has.

    >>> unused_id("Job title", ["job_title"]), unused_id("직함", [])
    ('job_title_2', 'rule')
    """
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[: _LONGEST_ID - 4].strip("_")
    if not plain or not plain[0].isalpha():
        plain = f"rule_{plain}".strip("_")
    return next(name for name in (plain, *(f"{plain}_{k}" for k in range(2, 10_000))) if name not in taken)


def place_of(content: Mapping[str, Any], rule_id: str) -> int:
    """Where a rule stands, -1 where there is none of that id."""
    return next((k for k, rule in enumerate(content["rules"]) if rule["id"] == rule_id), -1)


def with_rule(content: Content, rule: Content) -> Content:
    """The draft with a rule, in place of the one of its id or behind the others."""
    place, rules = place_of(content, rule["id"]), list(content["rules"])
    rules[place if place >= 0 else len(rules) : place + 1 if place >= 0 else len(rules)] = [rule]
    return content | {"rules": rules}


def without_rule(content: Content, rule_id: str) -> Content:
    """The draft without a rule, and without thresholds asking for it."""
    thresholds = []
    for line in content.get("thresholds", []):
        kept = dict(line)
        for key in ("requires", "any_of"):
            if key in kept:
                kept[key] = [name for name in kept[key] if name != rule_id]
        thresholds.append({name: value for name, value in kept.items() if value != []})
    rules = [rule for rule in content["rules"] if rule["id"] != rule_id]
    return content | {"rules": rules, "thresholds": thresholds}


def points_paths(rule: Mapping[str, Any]) -> Iterator[tuple[Path, float]]:
    """Where a rule gives points, in the order people read them: conditions, then what else counts."""
    for key in ("values", "patterns"):
        for name, points in rule.get(key, {}).items():
            yield (key, name), float(points)
    for key in ("ranges", "steps"):
        for k, part in enumerate(rule.get(key, ())):
            yield (key, k, "points"), float(part["points"])
    for key in ("points", "filled", "otherwise", "missing", "none"):
        if rule.get(key) is not None:
            yield (key,), float(rule[key])


def set_points(rule: Content, path: Path, points: float) -> Content:
    """The rule with other points at one place."""
    changed = {**rule}
    key, *rest = path
    if not rest:
        changed[str(key)] = points
    elif len(rest) == 1:
        changed[str(key)] = {**rule[str(key)], rest[0]: points}
    else:
        parts = [dict(part) for part in rule[str(key)]]
        parts[int(rest[0])]["points"] = points
        changed[str(key)] = parts
    return changed


def read_content(content: Content, source: Source) -> tuple[Rubric | None, list[DraftProblem]]:
    """The rubric of a draft and what is wrong with it; no rubric where anything is.

    Groups without a rule are left out: an empty draft offers all of them.
    """
    if not content["rules"]:
        return None, []
    used = {rule.get("group") for rule in content["rules"]}
    groups = {name: group for name, group in content["groups"].items() if name in used}
    try:
        rubric = Rubric.model_validate(content | {"groups": groups})
    except ValidationError as error:
        return None, [
            DraftProblem(_rule_at(content, problem["loc"]), str(problem["msg"]).removeprefix("Value error, "))
            for problem in error.errors(include_url=False)
        ]
    found = [*find_contradictions(rubric), *check_against_source(rubric, source)]
    problems = [DraftProblem(_rule_at(content, path), text) for path, text in found]
    problems += [DraftProblem(rule, text) for rule, text in _too_many_points(content)]
    return (None if problems else rubric), problems


def check_rule(rule: Content, source: Source) -> list[str]:
    """What is wrong with one rule by itself and with the source, in sentences."""
    try:
        read = Rule.model_validate(rule)
    except ValidationError as error:
        return [str(problem["msg"]).removeprefix("Value error, ") for problem in error.errors(include_url=False)]
    return [text for _, text in check_rule_against_source(read, source)]


def _rule_at(content: Mapping[str, Any], path: Sequence[str | int]) -> str:
    if len(path) > 1 and path[0] == "rules" and isinstance(path[1], int) and path[1] < len(content["rules"]):
        return str(content["rules"][path[1]].get("id", ""))
    return ""


def _too_many_points(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for rule in content["rules"]:
        for _, points in points_paths(rule):
            if abs(points) > LARGEST_POINTS:
                yield (
                    str(rule["id"]),
                    f"{points:,.0f} points are out of range; use points from {-LARGEST_POINTS:,.0f} to "
                    f"{LARGEST_POINTS:,.0f}.",
                )
    for line in content.get("thresholds", []):
        if abs(float(line["points"])) > 100 * LARGEST_POINTS:
            yield "", f"'{line['stage']}' from {line['points']:,.0f} points on is out of reach."
