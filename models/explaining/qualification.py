"""State, rule and next action of a lead under a qualification policy; near misses and temperature."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from features.array_types import Bools, Floats, Ints, Texts
from features.schema.vocabulary import Dimension, EvidenceStatus, Stage, Topic
from models.explaining.evidence import Evidence, repeat_text
from models.explaining.framework import Criterion, Framework
from models.explaining.qualification_policy import QualificationPolicy, StateRule, default_qualification

TOPICS = Framework(
    name="topics",
    title="Topics one by one",
    criteria={str(t): Criterion(label=str(t).replace("_", " "), topics=(t,)) for t in Topic if t is not Topic.CONTEXT},
)
_MET, _NOT_MET = str(EvidenceStatus.MET), str(EvidenceStatus.NOT_MET)
_INDICATED = str(EvidenceStatus.INDICATED)
NEAR_SCORE, NEAR_POINTS = 5, 1.0  # how far below a score (half a doubling of the odds) or points of a dimension is near
RANK = {str(s): k for k, s in enumerate((Stage.LEAD, Stage.IQL, Stage.MQL, Stage.PQL, Stage.SAL, Stage.SQL))}


@dataclass(frozen=True, kw_only=True)
class PolicyInputs:
    """What a policy looks at, all aligned by row.

    Parameters
    ----------
    score : 0..100
    points : points by dimension
    statuses : evidence per topic (:data:`TOPICS`)
    state_before, days_in_state : of the last scoring, where there was one ('' and NaN otherwise)
    excluded : reason for which the profile excludes the lead, '' if it does not
    missing_field : a field that is missing and easily found, '' if there is none
    """

    score: Ints
    points: Mapping[Dimension, Floats]
    statuses: Mapping[str, Evidence]
    state_before: Texts | None = None
    days_in_state: Floats | None = None
    excluded: Texts | None = None
    missing_field: Texts | None = None

    @cached_property
    def met_count(self) -> Ints:
        """Number of criteria on record as met, shape (n,)."""
        return self._count(_MET)

    @cached_property
    def not_met_count(self) -> Ints:
        """Number of criteria on record as not met, shape (n,)."""
        return self._count(_NOT_MET)

    def _count(self, wanted: str) -> Ints:
        total = np.zeros(len(self.score), dtype=np.int64)
        for found in self.statuses.values():
            total += found.status == wanted
        return total


@dataclass(frozen=True, kw_only=True)
class Qualification:
    """Per row: state, the rule that put it there ('' if none), what happens next, and how warm it is.

    ``near_state`` and ``near_lacks`` name the best state that one condition keeps the lead from, and it.
    """

    state: Texts
    rule: Texts
    next_action: Texts
    team: Texts
    programme: Texts
    reason: Texts
    temperature: Texts
    near_state: Texts
    near_lacks: Texts


def qualify(inputs: PolicyInputs, policy: QualificationPolicy | None = None) -> Qualification:
    """State and next action of every row; the first rule that holds decides."""
    policy = policy or default_qualification()
    rows = len(inputs.score)
    state, rule_id = repeat_text(rows, str(Stage.LEAD)), repeat_text(rows, "")
    action, team, programme, reason = (repeat_text(rows, "") for _ in range(4))
    active = np.asarray(sum((inputs.points.get(d, np.zeros(rows)) for d in _ACTING), np.zeros(rows)) > 0)
    for step, mask in ((policy.otherwise.interested, active), (policy.otherwise.quiet, ~active)):
        action[mask], team[mask], programme[mask] = step.action, step.team, step.programme

    undecided = np.ones(rows, dtype=bool)
    conditions = [_conditions(rule, inputs, policy.hysteresis_points) for rule in policy.rules]
    for rule, asked in zip(policy.rules, conditions, strict=True):
        holds = undecided & _all_hold(asked, rows)
        state[holds], rule_id[holds] = str(rule.state), rule.id
        action[holds], team[holds], programme[holds] = rule.then.action, rule.then.team, rule.then.programme
        undecided &= ~holds

    _keep_states(inputs, policy, state, rule_id, action)
    _apply_exceptions(inputs, policy, action, programme, reason)
    _look_up_first(inputs, action, programme, reason)
    if inputs.state_before is not None:  # what is near is judged without memory
        conditions = [_conditions(rule, inputs, 0) for rule in policy.rules]
    near_state, near_lacks = _find_near_states(inputs, policy, state, conditions)

    return Qualification(
        state=state,
        rule=rule_id,
        next_action=action,
        team=team,
        programme=programme,
        reason=reason,
        temperature=_temperature(inputs, policy, state),
        near_state=near_state,
        near_lacks=near_lacks,
    )


def _temperature(inputs: PolicyInputs, policy: QualificationPolicy, state: Texts) -> Texts:
    """Cold, warm or hot: by state, or by score where the policy says from which."""
    declared = policy.temperature
    if declared.warm is None or declared.hot is None:
        return np.array([declared.states.get(str(name), "cold") for name in state], dtype=object)
    found = repeat_text(len(inputs.score), "cold")
    found[inputs.score >= declared.warm] = "warm"
    found[inputs.score >= declared.hot] = "hot"
    return found


def rank_by_rules(inputs: PolicyInputs, policy: QualificationPolicy) -> Ints:
    """Rank of the state the rules alone put every row into (:data:`RANK`), without memory or exceptions."""
    rows = len(inputs.score)
    rank = np.full(rows, RANK[str(Stage.LEAD)], dtype=np.int64)
    undecided = np.ones(rows, dtype=bool)
    for rule in policy.rules:
        holds = undecided & _all_hold(_conditions(rule, inputs, 0), rows)
        rank[holds] = RANK[str(rule.state)]
        undecided &= ~holds
    return rank


def rows_raised_by(inputs: PolicyInputs, policy: QualificationPolicy, topics: Iterable[Topic]) -> dict[Topic, Bools]:
    """By topic the rows whose state would be better if its evidence were met, each shape (n,)."""
    now, rows = rank_by_rules(inputs, policy), len(inputs.score)
    found = {}
    for topic in topics:
        met = replace(_nothing(rows), status=repeat_text(rows, _MET))
        then = PolicyInputs(score=inputs.score, points=inputs.points, statuses={**inputs.statuses, str(topic): met})
        found[topic] = rank_by_rules(then, policy) > now
    return found


def _nothing(rows: int) -> Evidence:
    texts = repeat_text(rows, "")
    return Evidence(texts, texts, np.full(rows, np.nan), texts)


_ACTING = (Dimension.INTEREST, Dimension.INTENT, Dimension.USAGE)


def _all_hold(conditions: Mapping[str, Bools], rows: int) -> Bools:
    """Rows that every condition holds for, shape (rows,)."""
    found = np.ones(rows, dtype=bool)
    for holds in conditions.values():
        found &= holds
    return found


def _conditions(rule: StateRule, inputs: PolicyInputs, hysteresis: int) -> dict[str, Bools]:
    """Each condition of a rule in words, and the rows it holds for; a state once reached is left a little later."""
    rows = len(inputs.score)
    found: dict[str, Bools] = {}
    if rule.score_from is not None:
        grace = np.zeros(rows)
        if inputs.state_before is not None:
            grace = np.where(inputs.state_before == str(rule.state), hysteresis, 0)
        found[f"score of {rule.score_from}"] = inputs.score >= rule.score_from - grace

    for dimension, points in rule.points_from.items():
        found[f"{points:g} points of {dimension}"] = inputs.points.get(dimension, np.zeros(rows)) >= points
    for topic in rule.met:
        status = _status(inputs, topic)
        enough = status == _MET
        if rule.indicated_counts:
            enough |= status == _INDICATED
        found[f"{str(topic).replace('_', ' ')} on record as met"] = enough

    if rule.met_at_least:
        found[f"{rule.met_at_least} criteria met"] = inputs.met_count >= rule.met_at_least
    if rule.none_refused:
        found["nothing on record that speaks against it"] = inputs.not_met_count == 0
    return found


def _status(inputs: PolicyInputs, topic: Topic) -> Texts:
    """Evidence status of a topic, unknown where nothing is recorded of it."""
    if str(topic) in inputs.statuses:
        return inputs.statuses[str(topic)].status
    return repeat_text(len(inputs.score), str(EvidenceStatus.UNKNOWN))


def _keep_states(
    inputs: PolicyInputs, policy: QualificationPolicy, state: Texts, rule_id: Texts, action: Texts
) -> None:
    """A state is kept for the minimum dwell; one that falls after it from MQL or beyond is recycled."""
    if inputs.state_before is None or inputs.days_in_state is None:
        return
    before = np.array([RANK.get(str(name), -1) for name in inputs.state_before])
    now = np.array([RANK[str(name)] for name in state])
    fell = now < before
    young = fell & (inputs.days_in_state < policy.minimum_dwell_days)
    state[young], rule_id[young] = inputs.state_before[young], "minimum_dwell"
    action[fell & ~young & (before >= RANK[str(Stage.MQL)])] = "recycle"


def _apply_exceptions(
    inputs: PolicyInputs, policy: QualificationPolicy, action: Texts, programme: Texts, reason: Texts
) -> None:
    """Proposed disqualifications, and introductions where a fitting account's contact has no authority."""
    rows = len(inputs.score)
    for item in policy.disqualify:
        refused = _all_hold({str(t): _status(inputs, t) == _NOT_MET for t in item.refused}, rows)
        action[refused], reason[refused] = "disqualify", item.reason

    out = np.zeros(rows, dtype=bool) if inputs.excluded is None else inputs.excluded != ""
    if inputs.excluded is not None:
        action[out], reason[out] = "disqualify", inputs.excluded[out]

    fit = inputs.points.get(Dimension.FIT, np.zeros(rows))
    no_authority = _status(inputs, Topic.AUTHORITY) == _NOT_MET
    asked = no_authority & (fit >= policy.introduction_fit_from) & ~out
    action[asked], programme[asked], reason[asked] = "ask", "introduction", "no_authority"


def _look_up_first(inputs: PolicyInputs, action: Texts, programme: Texts, reason: Texts) -> None:
    """Nobody is nurtured before what is easily found has been looked up; ``programme`` names the field."""
    if inputs.missing_field is None:
        return
    nurtured = (action == "nurture_interest") | (action == "nurture_intent")
    wanted = nurtured & (inputs.missing_field != "")
    action[wanted], programme[wanted], reason[wanted] = "enrich", inputs.missing_field[wanted], "missing_field"


def _find_near_states(
    inputs: PolicyInputs, policy: QualificationPolicy, state: Texts, asked: Sequence[Mapping[str, Bools]]
) -> tuple[Texts, Texts]:
    """The best state one condition keeps a lead from, and that condition; numbers must be within reach."""
    rows = len(inputs.score)
    near_state, near_lacks = repeat_text(rows, ""), repeat_text(rows, "")
    rank = np.array([RANK[str(name)] for name in state])
    for rule, conditions in zip(policy.rules, asked, strict=True):
        failed = sum((~holds for holds in conditions.values()), np.zeros(rows, dtype=np.int64))
        one_short = (failed == 1) & (rank < RANK[str(rule.state)]) & (near_state == "")
        if not one_short.any():
            continue
        one_short &= _is_in_reach(rule, inputs)
        for words, holds in conditions.items():
            mask = one_short & ~holds
            near_state[mask], near_lacks[mask] = str(rule.state), words
    return near_state, near_lacks


def _is_in_reach(rule: StateRule, inputs: PolicyInputs) -> Bools:
    """Whether no number is further below what the rule asks for than a few points."""
    close = np.ones(len(inputs.score), dtype=bool)
    if rule.score_from is not None:
        close &= inputs.score >= rule.score_from - NEAR_SCORE
    for dimension, points in rule.points_from.items():
        close &= inputs.points.get(dimension, np.zeros(len(close))) >= points - NEAR_POINTS
    return close
