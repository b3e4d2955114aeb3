"""The rubric: marketing's point rules as a declaration (the schema of data/rubrics/*.yaml)."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from features.definition import Name, Source
from features.errors import PolicyError
from features.rubric_checks import against_source, contradictions
from features.vocabulary import Actor, Dimension, Stage, Topic
from features.yaml_lines import LinedYaml, YamlTextError, problems_of, read_yaml


def _text_keys(value: Any) -> Any:
    """Keys as written: ``{1: 5, true: 3}`` speaks of the texts "1" and "true"."""
    if not isinstance(value, dict):
        return value
    return {str(key).lower() if isinstance(key, bool) else str(key): points for key, points in value.items()}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


PointsByText = Annotated[dict[str, float], BeforeValidator(_text_keys)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class Part(BaseModel):
    """Base of the rubric's parts: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Cap(Part):
    """Bounds of a sum of points; a plain number is the maximum."""

    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return {"maximum": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _ordered(self) -> "Cap":
        if self.minimum is None and self.maximum is None:
            raise ValueError("a cap needs a minimum, a maximum or both")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum:g} lies above maximum {self.maximum:g}")
        return self


class Range(Part):
    """Points for values from ``from`` (included) to ``below`` (excluded); either end may be open."""

    from_: float | None = Field(default=None, alias="from")
    below: float | None = None
    points: float

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        if self.from_ is None and self.below is None:
            raise ValueError("a range needs 'from', 'below' or both")
        if self.from_ is not None and self.below is not None and self.from_ >= self.below:
            raise ValueError(f"from {self.from_:g} is not below {self.below:g}: nothing falls into the range")
        return self


class Step(Part):
    """Points for at least so many occurrences, within so many days (None: ever)."""

    at_least: int = Field(default=1, ge=1)
    within_days: int | None = Field(default=None, gt=0, le=3650)
    points: float


class Decay(Part):
    """How points fade with age; exactly one of three ways.

    ``half_life_days``: half is left after so many days. ``lifespan_days``: linear, nothing is left after so
    many days. ``percent`` and ``every_days``: so many per cent are lost each full period, ``of`` the original
    points or of those remaining (gone for good once under 1 % remains).
    """

    half_life_days: float | None = Field(default=None, gt=0, le=3650)
    lifespan_days: float | None = Field(default=None, gt=0, le=3650)
    percent: float | None = Field(default=None, gt=0, le=100)
    every_days: int | None = Field(default=None, gt=0, le=3650)
    of: Literal["original", "remaining"] = "original"

    @model_validator(mode="after")
    def _one_way(self) -> "Decay":
        ways = [self.half_life_days is not None, self.lifespan_days is not None, self.percent is not None]
        if sum(ways) != 1:
            raise ValueError("give exactly one of half_life_days, lifespan_days, or percent with every_days")
        if (self.percent is None) != (self.every_days is None):
            raise ValueError("percent and every_days belong together")
        return self


class Rule(Part):
    """One rule: a subject, a condition, and the points it gives or takes.

    The subject is exactly one of ``lead`` or ``account`` (a declared column), ``answer`` (a question) and
    ``activity`` (one kind or several).
    """

    id: Name
    group: Name
    label: str = ""
    topic: Topic = Topic.CONTEXT
    lead: str | None = None
    account: str | None = None
    answer: str | None = None
    activity: Texts = ()
    values: PointsByText = Field(default_factory=dict, description="points per value, upper or lower case alike")
    ranges: tuple[Range, ...] = ()
    patterns: PointsByText = Field(default_factory=dict, description="points per glob or /regex/; the first match")
    filled: float | None = Field(default=None, description="points if anything is on record")
    missing: float | None = Field(default=None, description="points if nothing is on record")
    otherwise: float | None = Field(default=None, description="points if a value is on record and nothing matched")
    points: float | None = Field(default=None, description="points for the activity")
    per: Literal["occurrence", "asset", "once"] = "once"
    at_least: int = Field(default=1, ge=1, description="occurrences needed before the rule gives points")
    within_days: int | None = Field(default=None, gt=0, le=3650)
    steps: tuple[Step, ...] = Field(default=(), description="frequency and recency: points per step")
    take: Literal["best", "sum"] = "best"
    none: float | None = Field(default=None, description="points if it did not happen (within_days)")
    decay: Decay | None = None
    assets: Texts = Field(default=(), description="assets, exact or glob")
    actors: tuple[Actor, ...] = (Actor.LEAD,)
    bots: bool = Field(default=False, description="count clicks by e-mail scanners too")
    scope: Literal["lead", "account"] = "lead"
    only_in: tuple[Stage, ...] = Field(default=(), description="stages the rule holds in")
    cap: Cap | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Rule":
        subjects = [n for n in ("lead", "account", "answer", "activity") if getattr(self, n)]
        if len(subjects) != 1:
            found = " and ".join(subjects) or "none"
            raise ValueError(f"rule '{self.id}' needs exactly one of lead, account, answer, activity; found {found}")
        (_activity_conditions if self.activity else _value_conditions)(self)
        return self

    @property
    def subject(self) -> str:
        """``lead``, ``account``, ``answer`` or ``activity``."""
        return next(n for n in ("lead", "account", "answer", "activity") if getattr(self, n))


_ACTIVITY_ONLY = ("points", "steps", "none", "decay", "assets")
_VALUE_ONLY = ("values", "ranges", "patterns", "filled", "missing", "otherwise")


def _value_conditions(rule: Rule) -> None:
    wrong = [n for n in _ACTIVITY_ONLY if getattr(rule, n) not in (None, ())]
    if wrong:
        raise ValueError(f"rule '{rule.id}': {', '.join(wrong)} belong to activity rules; use {', '.join(_VALUE_ONLY)}")
    if rule.per != "once" or rule.at_least != 1 or rule.scope != "lead":
        raise ValueError(f"rule '{rule.id}': per, at_least and scope belong to activity rules")
    if rule.within_days is not None and rule.answer is None:
        raise ValueError(
            f"rule '{rule.id}': within_days speaks of an activity's or an answer's age; {rule.subject} has none"
        )
    given = [n for n in ("values", "ranges", "patterns") if getattr(rule, n)]
    if len(given) > 1:
        raise ValueError(f"rule '{rule.id}' mixes {' and '.join(given)}; make one rule of each")
    if not given and rule.filled is None and rule.missing is None:
        raise ValueError(f"rule '{rule.id}' gives no points; add {', '.join(_VALUE_ONLY)}")
    if rule.filled is not None and (given or rule.otherwise is not None):
        raise ValueError(f"rule '{rule.id}': filled stands alone (or with missing)")


def _activity_conditions(rule: Rule) -> None:
    wrong = [n for n in _VALUE_ONLY if getattr(rule, n) not in (None, {}, ())]
    if wrong:
        raise ValueError(
            f"rule '{rule.id}': {', '.join(wrong)} speak of a value; an activity takes points, steps, none"
        )
    if rule.steps and (rule.points is not None or rule.decay or rule.within_days or rule.at_least > 1):
        raise ValueError(f"rule '{rule.id}': steps carry their own points, at_least and within_days; no decay")
    if rule.points is None and not rule.steps and rule.none is None:
        raise ValueError(f"rule '{rule.id}' gives no points; add points, steps or none")
    if rule.at_least > 1 and (rule.per != "once" or rule.decay):
        raise ValueError(f"rule '{rule.id}': at_least goes with per: once and no decay")
    if rule.decay and rule.per == "asset":
        raise ValueError(f"rule '{rule.id}': points per asset cannot decay; use per: once or per: occurrence")
    if rule.decay and rule.within_days:
        raise ValueError(f"rule '{rule.id}': decay and within_days exclude each other; use lifespan_days")
    if rule.none is not None and rule.scope == "account":
        raise ValueError(f"rule '{rule.id}': none speaks of the lead, not of its account")


class Group(Part):
    """A group of rules (fit, engagement, ...): its dimension and the bounds of its sum."""

    dimension: Dimension
    label: str = ""
    cap: Cap | None = None


class Threshold(Part):
    """A stage that is reached with so many points and the required actions (graduation)."""

    stage: Stage
    points: float
    group: Name | None = Field(default=None, description="count this group's points only, e.g. usage for PQL")
    requires: tuple[Name, ...] = Field(default=(), description="rules that must all have given points")
    any_of: tuple[Name, ...] = Field(default=(), description="rules of which one must have given points")


class Axis(Part):
    """One side of the letter and number matrix: lowest points of each grade but the last, falling."""

    group: Name
    from_points: tuple[float, float, float]

    @model_validator(mode="after")
    def _falling(self) -> "Axis":
        if not self.from_points[0] > self.from_points[1] > self.from_points[2]:
            raise ValueError(f"from_points must fall from the best grade to the third; found {list(self.from_points)}")
        return self


class GradeMatrix(Part):
    """Fit as a letter A-D, engagement as a number 1-4."""

    letter: Axis
    number: Axis


class Handoff(Part):
    """What is handed to sales: leads that reach a stage, or leads in cells of the grade matrix."""

    stage: Stage | None = None
    cells: tuple[Annotated[str, Field(pattern=r"^[A-D][1-4]$")], ...] = ()

    @model_validator(mode="after")
    def _one(self) -> "Handoff":
        if (self.stage is None) == (not self.cells):
            raise ValueError("handoff names either a stage or cells of the matrix")
        return self


class Rubric(Part):
    """Marketing's rubric. See docs/rubrics.md for every key."""

    name: Name
    version: str = "1"
    title: str = ""
    effective_from: date | None = None
    agreed_by: tuple[str, ...] = ()
    start: float = Field(default=0.0, description="points every lead starts with")
    groups: dict[Name, Group] = Field(min_length=1)
    rules: tuple[Rule, ...] = Field(min_length=1)
    total: Cap | None = None
    thresholds: tuple[Threshold, ...] = ()
    matrix: GradeMatrix | None = None
    handoff: Handoff

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id."""
        return next(rule for rule in self.rules if rule.id == rule_id)

    @property
    def handoff_threshold(self) -> Threshold | None:
        """Threshold of the handoff stage; None where cells of the matrix decide."""
        return next((t for t in self.thresholds if t.stage is self.handoff.stage), None)


def parse_rubric(text: str, *, where: str = "rubric", source: Source | None = None) -> Rubric:
    """Rubric of a YAML text, checked in itself and, if given, against the source it speaks of.

    Raises
    ------
    PolicyError : one line per problem, each with its line in the text
    """
    try:
        document = read_yaml(text)
        rubric = Rubric.model_validate(document.data)
    except YamlTextError as problem:
        raise PolicyError(f"{where}: {problem}") from problem
    except ValidationError as error:
        raise PolicyError(_listed(where, problems_of(error, document))) from error
    found = contradictions(rubric) + (against_source(rubric, source) if source is not None else [])
    if found:
        raise PolicyError(_listed(where, _with_lines(found, document)))
    return rubric


def load_rubric(path: Path, source: Source | None = None) -> Rubric:
    """Rubric of a YAML file; see :func:`parse_rubric`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise PolicyError(
            f"rubric {path} cannot be read: {problem.strerror}. Check the name under 'rubric:'."
        ) from problem
    except UnicodeDecodeError as problem:
        raise PolicyError(f"rubric {path} is not UTF-8 text; save it as UTF-8.") from problem
    return parse_rubric(text, where=path.name, source=source)


def _with_lines(found: list[tuple[tuple[str | int, ...], str]], document: LinedYaml) -> list[str]:
    return [text for _, text in sorted((document.line(p), f"line {document.line(p)}: {m}") for p, m in found)]


def _listed(where: str, problems: list[str]) -> str:
    return f"{where} cannot be used:\n" + "\n".join(f"  {problem}" for problem in problems)
