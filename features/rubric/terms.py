"""What each rule of a rubric needs from the matrix: rules compiled to terms over features."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from features.rubric.rule import Decay, Rule
from features.rubric.schema import Rubric
from features.schema.conditions import Between, Condition, IsMissing, Matches, OneOf
from features.schema.operations import (
    ActivityCount,
    ActivityParams,
    ActivityRecency,
    ActivityRows,
    AnswerAge,
    AnswerValue,
    ColumnValue,
    CurrentStage,
    DecayedSum,
    LinearSum,
    Params,
)

TermKind = Literal["times", "at_least", "fade", "below_one"]
CAP_FEATURE = "rubric_cap"


@dataclass(frozen=True)
class Term:
    """Points from one feature ``x``.

    ``times``: points * x. ``at_least``: points where x >= least. ``fade``: points * what the rule's decay
    leaves at age x (none if x is missing). ``below_one``: points where x < 1 (nothing happened).
    """

    feature: str
    params: Params
    kind: TermKind
    points: float
    least: float = 1.0


@dataclass(frozen=True)
class RulePlan:
    """A rule as terms; ``take`` says how they combine, ``gates`` are features that must all be 1."""

    rule: Rule
    terms: tuple[Term, ...]
    take: Literal["sum", "best", "first"]
    gates: tuple[tuple[str, Params], ...] = ()


def plan_rules(rubric: Rubric) -> tuple[RulePlan, ...]:
    """The rubric's rules as terms, in the rubric's order."""
    return tuple(_activity_plan(rule) if rule.activity else _value_plan(rule) for rule in rubric.rules)


def steps_left(decay: Decay) -> list[float]:
    """Share of the points left in each full period of a percent decay; empty periods are not listed.

    >>> steps_left(Decay(percent=25, every_days=30))
    [1.0, 0.75, 0.5, 0.25]
    """
    share = (decay.percent or 0.0) / 100
    if decay.of == "original":
        return [left for k in range(math.ceil(1 / share)) if (left := round(1 - k * share, 12)) > 0]
    if share == 1:
        return [1.0]
    return [(1 - share) ** k for k in range(math.floor(math.log(0.01) / math.log(1 - share) + 1e-9) + 1)]


def _value_plan(rule: Rule) -> RulePlan:
    base = _value_params(rule)
    conditions: list[tuple[float, Condition]] = []
    for points in dict.fromkeys(rule.values.values()):
        conditions.append((points, OneOf(tuple(v for v, p in rule.values.items() if p == points))))
    conditions += [(p, Matches(pattern)) for pattern, p in rule.patterns.items()]
    conditions += [(r.points, Between(r.from_, r.below)) for r in rule.ranges]
    if rule.filled is not None:
        conditions.append((rule.filled, IsMissing(False)))
    if rule.otherwise is not None:
        conditions.append((rule.otherwise, IsMissing(False)))

    gates = _gates(rule)
    expiring = rule.within_days is not None
    if rule.missing is not None and not expiring:
        conditions.append((rule.missing, IsMissing(True)))

    names = _names(rule, len(conditions) + (expiring and rule.missing is not None))
    terms = [
        Term(name, replace(base, condition=condition), "at_least", points)
        for name, (points, condition) in zip(names, conditions, strict=False)
    ]

    if rule.within_days is None or rule.answer is None:
        return RulePlan(rule, tuple(terms), "first", gates)

    fresh = AnswerAge(question=rule.answer, condition=Between(None, float(rule.within_days)))
    if rule.missing is not None:
        terms.insert(0, Term(names[-1], fresh, "below_one", rule.missing))
    return RulePlan(rule, tuple(terms), "first", (*gates, (f"rule_{rule.id}__fresh", fresh)))


def _value_params(rule: Rule) -> AnswerValue | ColumnValue:
    if rule.answer is not None:
        return AnswerValue(question=rule.answer)
    if rule.account is not None:
        return ColumnValue(table="accounts", column=rule.account)
    return ColumnValue(table="leads", column=rule.lead or "")


def _gates(rule: Rule) -> tuple[tuple[str, Params], ...]:
    if not rule.only_in:
        return ()
    stages = sorted(str(stage) for stage in rule.only_in)
    name = "rule_in_" + "_".join(stages)
    return ((name, CurrentStage(OneOf(tuple(stages)))),)


def _activity_plan(rule: Rule) -> RulePlan:
    shapes: list[_Shape] = []
    if rule.steps:
        shapes += [(_count_params(rule, s.within_days), "at_least", s.points, float(s.at_least)) for s in rule.steps]
    elif rule.points is not None:
        shapes += _points_shapes(rule, rule.points)
    if rule.none is not None:
        # per: asset skips rows without an asset, but such a row did happen
        happened = replace(_count_params(rule, rule.within_days), distinct_assets=False)
        shapes.append((happened, "below_one", rule.none, 1.0))
    terms = tuple(
        Term(name, params, kind, points, least)
        for name, (params, kind, points, least) in zip(_names(rule, len(shapes)), shapes, strict=True)
    )
    return RulePlan(rule, terms, rule.take if rule.steps else "sum", _gates(rule))


_Shape = tuple[ActivityParams, TermKind, float, float]


def _points_shapes(rule: Rule, points: float) -> list[_Shape]:
    decay = rule.decay
    if decay is None:
        kind: TermKind = "at_least" if rule.per == "once" else "times"
        return [(_count_params(rule, rule.within_days), kind, points, float(rule.at_least))]

    if rule.per == "once":
        return [(ActivityRecency(rows=_rows(rule)), "fade", points, 1.0)]
    if decay.half_life_days is not None:
        return [(DecayedSum(rows=_rows(rule), half_life_days=decay.half_life_days), "times", points, 1.0)]
    if decay.lifespan_days is not None:
        return [(LinearSum(rows=_rows(rule), lifespan_days=decay.lifespan_days), "times", points, 1.0)]

    left = [*steps_left(decay), 0.0]
    period = decay.every_days or 0
    return [
        (_count_params(rule, period * (k + 1)), "times", points * (left[k] - left[k + 1]), 1.0)
        for k in range(len(left) - 1)
        if left[k] > left[k + 1]
    ]


def _count_params(rule: Rule, window_days: int | None) -> ActivityCount:
    return ActivityCount(rows=_rows(rule), window_days=window_days, distinct_assets=rule.per == "asset")


def _rows(rule: Rule) -> ActivityRows:
    return ActivityRows(
        kinds=rule.activity,
        assets=rule.assets or None,
        actors=tuple(str(actor) for actor in rule.actors),
        exclude_bots=not rule.bots,
        scope=rule.scope,
    )


def _names(rule: Rule, count: int) -> list[str]:
    if count == 1:
        return [f"rule_{rule.id}"]
    return [f"rule_{rule.id}__{k + 1}" for k in range(count)]
