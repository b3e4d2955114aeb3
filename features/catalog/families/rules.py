"""Rules of a rubric and inputs of evidence statuses as catalog features: the one kernel computes them at any as_of."""

from dataclasses import replace

from features.catalog.feature import Feature, FeatureType, Wording
from features.rubric.rule import Rule
from features.rubric.schema import Rubric
from features.rubric.terms import CAP_FEATURE, Term, plan_rules
from features.schema.conditions import Between, OneOf
from features.schema.operations import (
    ActivityCount,
    ActivityRows,
    AnswerAge,
    AnswerValue,
    ColumnValue,
    Constant,
    Params,
    condition_of,
)
from features.schema.snapshots import is_read_from_answers
from features.schema.source import ActivityKind, Question, Source
from features.schema.vocabulary import Dimension, Topic

RULES, EVIDENCE = "rules", "evidence"
EVIDENCE_WINDOW_DAYS = 90  # a quarter: as long as the longest window counted by default


def rule_features(rubric: Rubric, source: Source) -> list[Feature]:
    """Features the rubric's rules read, in the rubric's order, and the (always zero) bearer of its caps."""
    features: dict[str, Feature] = {}
    for rule_plan in plan_rules(rubric):
        dimension = rubric.groups[rule_plan.rule.group].dimension
        for term in rule_plan.terms:
            features[term.feature] = _rule_feature(term, rule_plan.rule, dimension, source)
        for name, params in rule_plan.gates:
            features.setdefault(name, _gate_feature(name, params))

    features[CAP_FEATURE] = Feature(
        name=CAP_FEATURE,
        family=RULES,
        dimension=Dimension.FIT,
        topic=Topic.CONTEXT,
        type=FeatureType.NUMBER,
        when_empty=0.0,
        doc="Always 0; bears what the rubric's caps add or take.",
        unit="points",
        known_when="always",
        label="caps of the rubric",
        params=Constant(0.0),
    )

    return list(features.values())


def _rule_feature(term: Term, rule: Rule, dimension: Dimension, source: Source) -> Feature:
    params = _with_history(term.params, source)
    operation = params.op or "value"
    tested = condition_of(params) is not None
    wording = {
        "count": Wording.COUNT,
        "recency": Wording.RECENCY,
        "decayed": Wording.DECAYED,
        "linear": Wording.DECAYED,
    }

    return Feature(
        name=term.feature,
        family=RULES,
        dimension=dimension,
        topic=rule.topic,
        type=FeatureType.NUMBER,
        when_empty=None if operation == "recency" else 0.0,
        doc=f"Input of rubric rule '{rule.id}' ({operation}).",
        unit="flag" if tested else {"recency": "days"}.get(operation, "count"),
        known_when="when the rows it reads are known",
        wording=Wording.FLAG if tested else wording.get(operation, Wording.AMOUNT),
        label=rule.label or rule.id.replace("_", " "),
        params=params,
    )


def _with_history(params: Params, source: Source) -> Params:
    """A column whose history is recorded in answers is read from there."""
    if not isinstance(params, ColumnValue) or params.table not in source.tables:
        return params
    column = source.tables[params.table].columns.get(params.column)
    if column is None or not is_read_from_answers(params.table, column):
        return params
    return AnswerValue(question=params.column, condition=params.condition)


def _gate_feature(name: str, params: Params) -> Feature:
    return Feature(
        name=name,
        family=RULES,
        dimension=Dimension.FIT,
        topic=Topic.CONTEXT,
        type=FeatureType.NUMBER,
        when_empty=0.0,
        doc="1 while the rules it guards hold, else 0.",
        unit="flag",
        known_when="when the rows it reads are known",
        wording=Wording.FLAG,
        label=name.removeprefix("rule_").replace("_", " "),
        params=params,
    )


def evidence_features(source: Source) -> list[Feature]:
    """Inputs of the evidence statuses: per question whether its answer meets the criterion and how old it is;
    per activity kind (and asset topic) that speaks of a criterion, occurrences in 90 days.
    """
    features = []
    for name, question in source.questions.items():
        features += _question_evidence(name, question)
    for name, kind in source.activity_kinds.items():
        features += _kind_evidence(name, kind)
    return features


def _question_evidence(name: str, question: Question) -> list[Feature]:
    age = AnswerAge(question=name)
    label = question.label or name.replace("_", " ")
    found = [_evidence(f"evidence_{name}_age", question, age, None, f"age of the answer: {label}", Wording.AGE)]
    condition: OneOf | Between | None = None
    if question.met:
        condition = OneOf(tuple(question.met))
    elif question.met_minimum is not None:
        condition = Between(question.met_minimum, None)
    if condition is not None:
        params = AnswerValue(question=name, condition=condition)
        found.append(_evidence(f"evidence_{name}_met", question, params, 0.0, f"answer that meets it: {label}"))
    return found


def _kind_evidence(name: str, kind: ActivityKind) -> list[Feature]:
    rows = ActivityRows(kinds=(name,), actors=tuple(str(actor) for actor in kind.actors))
    base = ActivityCount(rows=rows, window_days=EVIDENCE_WINDOW_DAYS)
    label = kind.label or name.replace("_", " ")
    found = []
    if kind.topic is not Topic.CONTEXT:
        found.append(_evidence(f"evidence_{name}", kind, base, 0.0, f"{label} in {EVIDENCE_WINDOW_DAYS} days"))
    for topic in dict.fromkeys(kind.assets.values()):
        assets = [asset for asset, its_topic in kind.assets.items() if its_topic is topic]
        params = replace(base, rows=replace(rows, assets=tuple(assets)))
        text = f"{label} of {', '.join(assets)} in {EVIDENCE_WINDOW_DAYS} days"
        found.append(_evidence(f"evidence_{name}_{topic}", kind, params, 0.0, text, topic=topic))
    return found


def _evidence(
    name: str,
    declared: Question | ActivityKind,
    params: Params,
    when_empty: float | None,
    label: str,
    wording: Wording | None = None,
    topic: Topic | None = None,
) -> Feature:
    flag = condition_of(params) is not None
    return Feature(
        name=name,
        family=EVIDENCE,
        dimension=declared.dimension,
        topic=topic or declared.topic,
        type=FeatureType.NUMBER,
        when_empty=when_empty,
        doc=f"Input of an evidence status: {label}.",
        unit="flag" if flag else "days" if isinstance(params, AnswerAge) else "count",
        known_when="when the rows it reads are known",
        wording=wording or (Wording.FLAG if flag else Wording.COUNT),
        label=label,
        params=params,
    )
