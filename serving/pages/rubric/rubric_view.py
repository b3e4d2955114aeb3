"""The record of the rubric page: rules as rows with what outcomes say of them, and what the draft changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.rubric.draft import Content, DraftProblem, Path, content_of, points_paths, read_content
from features.rubric.schema import Rubric
from features.schema.source import Source
from models.explaining.language import Language
from serving.pages.rubric.words import (
    cap_ends,
    condition_words,
    group_name,
    join_words,
    limits_in_words,
    plain_name,
    rule_name,
)
from serving.pages.written_values import write_points

# per verdict: the chip's tone and icon; the word is translated where it is printed
VERDICTS: Mapping[str, tuple[str, str]] = {
    "in line": ("is-met", "check"),
    "too many points": ("is-ind", "down"),
    "too few points": ("is-ind", "up"),
    "wrong way": ("is-not", "cross"),
    "worth nothing": ("is-not", "minus"),
    "cannot tell": ("is-unk", "quest"),
    "too rare": ("is-unk", "quest"),
}
_NARROWEST, _WIDEST = 30.0, 3.0  # points of half the axis at least; and at most so many times the largest points given


@dataclass(frozen=True, kw_only=True)
class LevelView:
    """One condition of a rule and its points; ``was`` in the rubric in use, None where it is the same or was not."""

    name: str
    words: str
    points: float
    was: float | None


@dataclass(frozen=True)
class Range:
    """What outcomes would give, on an axis in per cent, and the points given on average."""

    low: float
    high: float
    middle: float
    given: float


@dataclass(frozen=True, kw_only=True)
class RuleView:
    """A rule as a row, or as a row for each of its conditions."""

    id: str
    name: str
    limits: str
    levels: Sequence[LevelView]
    change: str
    verdict: str
    deserved: float | None
    deserved_low: float | None
    deserved_high: float | None
    given: float | None
    range: Range | None
    leads: float | None
    problems: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """Rules of one kind and the bounds of their sum."""

    id: str
    name: str
    low: float | None
    high: float | None
    rules: Sequence[RuleView]


@dataclass(frozen=True, kw_only=True)
class LineView:
    """Points from which a lead reaches a stage; ``was`` as of a level."""

    stage: str
    points: float
    was: float | None
    handoff: bool
    needs: Sequence[str]
    needs_one: Sequence[str]


@dataclass(frozen=True)
class ChangeView:
    """One change of the draft: what it was and what it is, in words; ``undo`` names what is taken back."""

    before: str
    after: str
    name: str
    undo: str


@dataclass(frozen=True, kw_only=True)
class RubricView:
    """Rules of the draft, or of the rubric in use where there is no draft."""

    content: Content
    rubric: Rubric | None
    groups: Sequence[GroupView]
    lines: Sequence[LineView]
    changes: Sequence[ChangeView]
    problems: Sequence[str]
    start: float

    @property
    def rules(self) -> list[RuleView]:
        """All rules, in the order of the page."""
        return [rule for group in self.groups for rule in group.rules]

    def name_of(self, rule_id: str) -> str:
        """How a rule of the draft is called, empty for one it does not have."""
        return next((rule.name for rule in self.rules if rule.id == rule_id), "")

    @property
    def judged(self) -> bool:
        """Whether outcomes were asked about the rules."""
        return any(rule.verdict for rule in self.rules)

    def count(self, *verdicts: str) -> int:
        """Rules with one of the verdicts."""
        return sum(rule.verdict in verdicts for rule in self.rules)


def build_rubric_view(
    content: Content,
    active: Rubric | None,
    worth: Sequence[Mapping[str, Any]],
    source: Source,
    language: Language,
) -> RubricView:
    """The rules of a draft (or of the rubric in use) beside the rubric in use and what outcomes say.

    ``worth`` is what :func:`pipelines.rubrics.draft_study.judge_rules` found of these rules, or nothing yet.
    """
    before = content_of(active) if active is not None else None
    rubric, problems = read_content(content, source)
    found = {str(row["rule"]): row for row in worth}
    reach = _reach(content, found.values())
    groups = []
    for name, group in content["groups"].items():
        rules = [
            _rule_view(rule, before, found.get(str(rule["id"])), problems, reach, source, language)
            for rule in content["rules"]
            if rule.get("group") == name
        ]
        low, high = cap_ends(group.get("cap"))
        groups.append(GroupView(id=name, name=group_name(name, group, language), low=low, high=high, rules=rules))
    return RubricView(
        content=content,
        rubric=rubric,
        groups=groups,
        lines=_lines(content, before, source, language),
        changes=list(_changes(content, before, source, language)) if before is not None else [],
        problems=[problem.text for problem in problems if not problem.rule],
        start=float(content.get("start", 0.0)),
    )


def _reach(content: Content, worth: Any) -> float:
    """Points of half the axis: what outcomes would give, but no more than a few times what rules give."""
    given = [abs(points) for rule in content["rules"] for _, points in points_paths(rule)]
    deserved = [abs(row[key]) for row in worth for key in ("deserved_low", "deserved_high") if row[key] is not None]
    return min(max([_NARROWEST, *given, *deserved]), max([_NARROWEST, *given]) * _WIDEST)


def _rule_view(
    rule: Content,
    before: Content | None,
    worth: Mapping[str, Any] | None,
    problems: Sequence[DraftProblem],
    reach: float,
    source: Source,
    language: Language,
) -> RuleView:
    old = _rule_of(before, str(rule["id"]))
    old_points = dict(points_paths(old)) if old is not None else {}
    levels = []
    for k, (path, points) in enumerate(points_paths(rule)):
        was = old_points.get(path)
        changed = was is not None and was != points
        words = condition_words(rule, path, language)
        levels.append(LevelView(name=f"p.{rule['id']}.{k}", words=words, points=points, was=was if changed else None))
    change = "" if before is None or old == rule else "new" if old is None else "changed"
    deserved = None if worth is None else worth["deserved"]
    return RuleView(
        id=str(rule["id"]),
        name=rule_name(rule, source, language),
        limits=join_words(limits_in_words(rule, language)),
        levels=levels,
        change=change,
        verdict="" if worth is None else str(worth["verdict"]),
        deserved=deserved,
        deserved_low=None if worth is None else worth["deserved_low"],
        deserved_high=None if worth is None else worth["deserved_high"],
        given=None if worth is None else worth["points"],
        range=None if worth is None or deserved is None else _range(worth, reach),
        leads=None if worth is None else worth["leads"],
        problems=[problem.text for problem in problems if problem.rule == rule["id"]],
    )


def _range(worth: Mapping[str, Any], reach: float) -> Range:
    def at(points: float) -> float:
        return round(50 + 50 * min(1.0, max(-1.0, points / reach)), 2)

    ends = sorted((float(worth["deserved_low"]), float(worth["deserved_high"])))
    return Range(at(ends[0]), at(ends[1]), at(float(worth["deserved"])), at(float(worth["points"])))


def _rule_of(content: Content | None, rule_id: str) -> Content | None:
    return next((rule for rule in (content or {"rules": ()})["rules"] if rule["id"] == rule_id), None)


def _lines(content: Content, before: Content | None, source: Source, language: Language) -> list[LineView]:
    names = {str(rule["id"]): rule_name(rule, source, language) for rule in content["rules"]}
    old = {str(line["stage"]): float(line["points"]) for line in (before or {}).get("thresholds", ())}
    handoff = content["handoff"].get("stage")
    found = []
    for line in content.get("thresholds", ()):
        stage, points = str(line["stage"]), float(line["points"])
        needs, one = (
            [names.get(name, plain_name(name)) for name in line.get(key, ())] for key in ("requires", "any_of")
        )
        was = old.get(stage)
        found.append(
            LineView(
                stage=stage,
                points=points,
                was=was if was not in (None, points) else None,
                handoff=stage == handoff,
                needs=needs,
                needs_one=one,
            )
        )
    return found


def _changes(content: Content, before: Content, source: Source, language: Language) -> Any:
    """Each change of the draft, the smallest that can be named."""
    say = language.text
    for rule in content["rules"]:
        old, name = _rule_of(before, str(rule["id"])), rule_name(rule, source, language)
        if old == rule:
            continue
        if old is None:
            yield ChangeView("", say("new"), name, str(rule["id"]))
            continue
        moved = list(_moved(rule, old))
        for path, was, now in moved:
            words = condition_words(rule, path, language)
            shown = name if len(list(points_paths(rule))) == 1 else f"{name}: {words}"
            yield ChangeView(_points(was, language), _points(now, language), shown, str(rule["id"]))
        if not moved:
            yield ChangeView("", say("changed"), name, str(rule["id"]))
    for old in before["rules"]:
        if _rule_of(content, str(old["id"])) is None:
            yield ChangeView("", say("removed"), rule_name(old, source, language), str(old["id"]))
    for line in _lines(content, before, source, language):
        if line.was is not None:
            name = say("{stage} from", stage=line.stage.upper())
            yield ChangeView(language.number(line.was), language.number(line.points), name, f"line {line.stage}")
    for group, now in content["groups"].items():
        was = before["groups"].get(group)
        if was is not None and was.get("cap") != now.get("cap"):
            yield ChangeView("", say("changed"), say("Cap of {group}", group=group_name(group, now, language)), "")


def _moved(rule: Content, old: Content) -> list[tuple[Path, float | None, float | None]]:
    now, was = dict(points_paths(rule)), dict(points_paths(old))
    return [(path, was.get(path), points) for path, points in now.items() if was.get(path) != points]


def _points(value: float | None, language: Language) -> str:
    return "–" if value is None else write_points(language, value)
