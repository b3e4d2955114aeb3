"""Qualification as a declaration: which score, dimensions and evidence make an IQL, MQL, SQL or PQL."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from features.errors import PolicyError
from features.schema.policy_yaml import list_problems, read_policy_file, validate_policy
from features.schema.source import Name
from features.schema.vocabulary import Dimension, Stage, Topic
from features.schema.yaml_lines import LinedYaml
from models.explaining.profile import PolicyModel, Profile, contradictions

Action = Literal["hand_off", "nurture_interest", "nurture_intent", "ask", "enrich", "recycle", "disqualify"]
State = Literal[Stage.IQL, Stage.MQL, Stage.SAL, Stage.SQL, Stage.PQL]
SalesStage = Literal[Stage.SAL, Stage.SQL, Stage.OPPORTUNITY]
LADDER = (Stage.IQL, Stage.MQL, Stage.SAL, Stage.SQL)


class Step(PolicyModel):
    """What happens next to leads of a state: action, team, programme."""

    action: Action
    team: str = ""
    programme: str = ""


class StateRule(PolicyModel):
    """Conditions that put a lead into a state; all must hold, and the first rule that holds decides.

    ``points_from`` asks for points of single dimensions, so that interest is not taken for intent.
    """

    id: Name
    state: State
    score_from: int | None = Field(default=None, ge=0, le=100)
    points_from: dict[Dimension, float] = Field(default_factory=dict, description="points by dimension")
    met: tuple[Topic, ...] = Field(default=(), description="topics whose evidence must be met")
    indicated_counts: bool = Field(default=False, description="indicated evidence is enough for 'met'")
    met_at_least: int = Field(default=0, ge=0, description="topics, whichever, whose evidence is met")
    none_refused: bool = Field(default=False, description="no topic's evidence may be 'not met'")
    then: Step

    @model_validator(mode="after")
    def _asks_for_something(self) -> "StateRule":
        asked = (self.score_from is not None, self.points_from, self.met, self.met_at_least, self.none_refused)
        if not any(asked):
            raise ValueError(f"rule '{self.id}' asks for nothing, so every lead would be '{self.state}'")
        return self


class Disqualification(PolicyModel):
    """Evidence that speaks for letting a lead go; a proposal with a reason, for a person to confirm or undo."""

    reason: Name
    refused: tuple[Topic, ...] = Field(min_length=1, description="topics whose evidence must all be 'not met'")


Warmth = Literal["cold", "warm", "hot"]
_BY_STATE: dict[State, Warmth] = {  # an SQL is ready to talk, an MQL worth a call, an IQL only reads
    Stage.IQL: "cold",
    Stage.MQL: "warm",
    Stage.SAL: "warm",
    Stage.SQL: "hot",
    Stage.PQL: "hot",
}


class Temperature(PolicyModel):
    """How warm a lead is called: by its state, or, where both are declared, from these scores on."""

    by_state: dict[State, Warmth] = Field(default_factory=dict, description="state to cold, warm or hot; changes only")
    warm: int | None = Field(default=None, ge=0, le=100, description="score from which any lead is warm, with hot")
    hot: int | None = Field(default=None, ge=0, le=100, description="score from which any lead is hot, with warm")

    @model_validator(mode="after")
    def _one_way(self) -> "Temperature":
        if (self.warm is None) != (self.hot is None):
            raise ValueError("temperature by score needs both 'warm' and 'hot'; without them it follows the state")
        if self.warm is not None and self.by_state:
            raise ValueError("temperature goes by scores (warm, hot) or by_state, not both; leave one out")
        return self

    @property
    def states(self) -> dict[str, Warmth]:
        """Warmth by state, declared or usual; a plain lead is cold."""
        return {str(state): warmth for state, warmth in {**_BY_STATE, **self.by_state}.items()}


class WithSales(PolicyModel):
    """When a lead that sales has is due a first call, at risk, or stuck.

    The defaults are starters, to be set by the team: a working day for a first call, two weeks without a word, and in
    a stage two weeks (accepted), a month (qualified) or a quarter (a running opportunity).
    """

    first_call_days: float = Field(default=1.0, ge=0, le=90, description="days to a rep's first act after the handoff")
    silent_days: int = Field(default=14, gt=0, le=365, description="days without a word until it is at risk")
    stuck_days: dict[SalesStage, int] = Field(
        default={Stage.SAL: 14, Stage.SQL: 30, Stage.OPPORTUNITY: 90},
        description="stage to the days after which a lead is stuck in it",
    )


class AfterClose(PolicyModel):
    """When a closed lead is worth another look: a customer for more, a lost one again; never a disqualified one."""

    expansion_days: int = Field(default=90, ge=0, le=3650, description="days after a win until expansion")
    recycle_days: int = Field(default=180, ge=0, le=3650, description="days after a loss until recycling")


class Otherwise(PolicyModel):
    """What happens to leads no rule holds for, by whether they act at all."""

    interested: Step = Step(action="nurture_intent")
    quiet: Step = Step(action="nurture_interest")


class QualificationPolicy(PolicyModel):
    """A qualification policy; history is judged under the version in force then."""

    name: Name
    version: str = "1"
    effective_from: date | None = None
    agreed_by: tuple[str, ...] = ()
    rules: tuple[StateRule, ...] = Field(min_length=1)
    otherwise: Otherwise = Otherwise()
    disqualify: tuple[Disqualification, ...] = ()
    temperature: Temperature = Temperature()
    with_sales: WithSales = WithSales()
    after_close: AfterClose = AfterClose()
    hysteresis_points: int = Field(default=0, ge=0, le=50, description="a state is left only so far below its score")
    minimum_dwell_days: float = Field(default=0.0, ge=0, le=365, description="a state is kept at least so long")
    introduction_fit_from: float = Field(default=0.0, description="fit points from which an introduction is asked for")
    profile: Profile = Profile()


def parse_qualification(text: str, *, where: str = "qualification policy") -> QualificationPolicy:
    """Policy of a YAML text; a PolicyError names the line of every contradiction and what to do about it."""
    policy, document = validate_policy(text, QualificationPolicy, where)
    problems = sorted(_contradictions(policy, document))
    if problems:
        raise PolicyError(list_problems(where, [f"line {line}: {message}" for line, message in problems]))
    return policy


def load_qualification(path: Path) -> QualificationPolicy:
    """Policy of a YAML file."""
    return parse_qualification(read_policy_file(path, "qualification policy"), where=path.name)


@cache
def default_qualification() -> QualificationPolicy:
    """The policy that applies where a source names none."""
    entry = files("models.explaining") / "frameworks" / "qualification" / "default.yaml"
    return parse_qualification(entry.read_text(encoding="utf-8"), where="default.yaml")


def policy_at(policies: tuple[QualificationPolicy, ...], day: date) -> QualificationPolicy:
    """The version in force on a day: the latest that was effective by then, or the earliest of all."""
    ordered = sorted(policies, key=lambda policy: policy.effective_from or date.min)
    return next((p for p in reversed(ordered) if (p.effective_from or date.min) <= day), ordered[0])


def flowchart(policy: QualificationPolicy) -> str:
    """The policy as a Mermaid flowchart, rule by rule in the order in which they are asked."""
    lines = ["flowchart TD", "  start([scored lead])"]
    previous, edge = "start", "-->"
    for rule in policy.rules:
        lines.append(f"  {previous} {edge} {rule.id}{{{rule_words(rule)}}}")
        lines.append(f"  {rule.id} -->|yes| {rule.id}_state[{str(rule.state).upper()}: {rule.then.action}]")
        previous, edge = rule.id, "-->|no|"
    lines.append(f"  {previous} {edge} rest[LEAD]")
    return "\n".join(lines) + "\n"


def rule_words(rule: StateRule) -> str:
    """What a rule asks for, in words."""
    parts = [f"score >= {rule.score_from}"] if rule.score_from is not None else []
    parts += [f"{dimension} >= {points:g} points" for dimension, points in rule.points_from.items()]
    parts += [f"{topic} {'met or indicated' if rule.indicated_counts else 'met'}" for topic in rule.met]
    parts += [f"{rule.met_at_least} topics met"] if rule.met_at_least else []
    parts += ["nothing refused"] if rule.none_refused else []
    return " and ".join(parts)


def _contradictions(policy: QualificationPolicy, document: LinedYaml) -> Iterator[tuple[int, str]]:
    """Line and message of everything in a policy that cannot be meant."""
    seen: dict[str, int] = {}
    for k, rule in enumerate(policy.rules):
        if rule.id in seen:
            yield document.line(("rules", k, "id")), f"rule id '{rule.id}' appears twice; give each its own id."
        seen[rule.id] = k
        for earlier in policy.rules[:k]:
            if _implies(rule, earlier):
                yield (
                    document.line(("rules", k)),
                    f"rule '{rule.id}' can never hold: whenever it does, '{earlier.id}' holds first. "
                    "Move it up, or make it ask for less.",
                )
                break

    scores = {
        s: min(r.score_from for r in policy.rules if r.state is s and r.score_from is not None)
        for s in LADDER
        if any(r.state is s and r.score_from is not None for r in policy.rules)
    }
    for lower, higher in zip(list(scores), list(scores)[1:], strict=False):
        if scores[higher] < scores[lower]:
            k = next(k for k, r in enumerate(policy.rules) if r.state is higher and r.score_from == scores[higher])
            yield (
                document.line(("rules", k, "score_from")),
                f"{higher.upper()} asks for a score of {scores[higher]}, below {lower.upper()} with {scores[lower]}; "
                f"raise {higher.upper()} or lower {lower.upper()}.",
            )

    warm, hot = policy.temperature.warm, policy.temperature.hot
    if warm is not None and hot is not None and hot < warm:
        yield document.line(("temperature",)), "hot starts below warm; raise hot or lower warm."
    for k, item in enumerate(policy.disqualify):
        if item.refused == (Topic.AUTHORITY,):
            yield (
                document.line(("disqualify", k)),
                "a contact without authority is asked for an introduction and never disqualified for that alone; "
                "add another topic or remove this reason.",
            )
    for path, message in contradictions(policy.profile):
        yield document.line(path), message


def _implies(later: StateRule, earlier: StateRule) -> bool:
    """Whether the earlier rule holds whenever the later one does."""
    if earlier.score_from is not None and (later.score_from is None or later.score_from < earlier.score_from):
        return False
    if any(later.points_from.get(d, float("-inf")) < points for d, points in earlier.points_from.items()):
        return False
    if not set(earlier.met) <= set(later.met) or (
        later.indicated_counts and not earlier.indicated_counts and earlier.met
    ):
        return False
    sure = len(later.met) if not later.indicated_counts else 0
    return earlier.met_at_least <= max(later.met_at_least, sure) and (later.none_refused or not earlier.none_refused)
