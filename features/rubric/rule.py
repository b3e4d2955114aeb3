"""One rule of a rubric: its subject, its condition and the points it gives or takes."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from features.schema.source import Name
from features.schema.vocabulary import Actor, Stage, Topic


def _text_keys(value: Any) -> Any:
    """Keys as written: ``{1: 5, true: 3}`` means the texts "1" and "true"."""
    if not isinstance(value, dict):
        return value
    if None in value:
        raise ValueError("a key is empty; for leads with nothing on record, write 'missing: POINTS'")
    return {str(key).lower() if isinstance(key, bool) else str(key): points for key, points in value.items()}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"points must be a number; found {str(value).lower()}")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool):  # it would be read as 1 or 0
        raise ValueError(f"must be a number; found {str(value).lower()}")
    return value


Number = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_number)]
Points = Annotated[float, BeforeValidator(_no_truth)]
PointsByText = Annotated[dict[str, Points], BeforeValidator(_text_keys)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class Part(BaseModel):
    """Base of the rubric's parts: frozen, unknown keys are errors, numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class Cap(Part):
    """Bounds of a sum of points; a plain number is the maximum."""

    minimum: Number | None = None
    maximum: Number | None = None

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return {"maximum": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _check_order(self) -> "Cap":
        if self.minimum is None and self.maximum is None:
            raise ValueError("a cap needs a minimum, a maximum or both")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is above maximum {self.maximum:g}")
        return self


class Range(Part):
    """Points for values from ``from`` (included) to ``below`` (excluded); either end may be open."""

    from_: Number | None = Field(default=None, alias="from")
    below: Number | None = None
    points: Points

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        if self.from_ is None and self.below is None:
            raise ValueError("a range needs 'from', 'below' or both")
        if self.from_ is not None and self.below is not None and self.from_ >= self.below:
            raise ValueError(f"from {self.from_:g} is not below {self.below:g}: the range is empty")
        return self


class Step(Part):
    """Points for at least so many occurrences, within so many days (None: ever)."""

    at_least: Whole = Field(default=1, ge=1)
    within_days: Whole | None = Field(default=None, gt=0, le=3650)
    points: Points


class Decay(Part):
    """How points fade with age; exactly one of three ways.

    ``half_life_days``: half is left after so many days. ``lifespan_days``: linear, nothing is left after so
    many days. ``percent`` and ``every_days``: so many per cent are lost each full period, ``of`` the original
    points or of those remaining (gone for good once under 1% remains).
    """

    half_life_days: Number | None = Field(default=None, gt=0, le=3650)
    lifespan_days: Number | None = Field(default=None, gt=0, le=3650)
    percent: Number | None = Field(default=None, gt=0, le=100)
    every_days: Whole | None = Field(default=None, gt=0, le=3650)
    of: Literal["original", "remaining"] = "original"

    @model_validator(mode="after")
    def _one_way(self) -> "Decay":
        ways = [self.half_life_days is not None, self.lifespan_days is not None, self.percent is not None]
        if sum(ways) != 1:
            raise ValueError("give exactly one of half_life_days, lifespan_days, or percent with every_days")
        if (self.percent is None) != (self.every_days is None):
            raise ValueError("percent and every_days must be given together")
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
    filled: Points | None = Field(default=None, description="points if anything is on record")
    missing: Points | None = Field(default=None, description="points if nothing is on record")
    otherwise: Points | None = Field(default=None, description="points if a value is on record and nothing matched")
    points: Points | None = Field(default=None, description="points for the activity")
    per: Literal["occurrence", "asset", "once"] = "once"
    at_least: Whole = Field(default=1, ge=1, description="occurrences needed before the rule gives points")
    within_days: Whole | None = Field(default=None, gt=0, le=3650)
    steps: tuple[Step, ...] = Field(default=(), description="frequency and recency: points per step")
    take: Literal["best", "sum"] = "best"
    none: Points | None = Field(default=None, description="points if it did not happen (within_days)")
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
_HOW_COUNTED = ("per", "at_least", "scope", "actors", "bots", "take")
_VALUE_ONLY = ("values", "ranges", "patterns", "filled", "missing", "otherwise")


def _value_conditions(rule: Rule) -> None:
    wrong = [n for n in _ACTIVITY_ONLY if getattr(rule, n) not in (None, ())]
    if wrong:
        raise ValueError(
            f"rule '{rule.id}': drop {', '.join(wrong)} (only for activity rules); use {', '.join(_VALUE_ONLY)}"
        )

    idle = [n for n in _HOW_COUNTED if getattr(rule, n) != Rule.model_fields[n].default]
    if idle:
        raise ValueError(
            f"rule '{rule.id}': drop {', '.join(idle)} (only for activity rules; this one reads {rule.subject})"
        )
    if rule.within_days is not None and rule.answer is None:
        raise ValueError(
            f"rule '{rule.id}': within_days limits the age of an activity or an answer; {rule.subject} has no age"
        )

    given = [n for n in ("values", "ranges", "patterns") if getattr(rule, n)]
    if len(given) > 1:
        raise ValueError(f"rule '{rule.id}' mixes {' and '.join(given)}; make a separate rule for each")
    if not given and rule.filled is None and rule.missing is None:
        raise ValueError(f"rule '{rule.id}' gives no points; add {', '.join(_VALUE_ONLY)}")
    if rule.filled is not None and (given or rule.otherwise is not None):
        raise ValueError(f"rule '{rule.id}': filled cannot be combined with anything but missing")


def _activity_conditions(rule: Rule) -> None:
    wrong = [n for n in _VALUE_ONLY if getattr(rule, n) not in (None, {}, ())]
    if wrong:
        raise ValueError(
            f"rule '{rule.id}': drop {', '.join(wrong)} (only for rules that read a value); "
            "an activity takes points, steps, none"
        )

    if rule.steps and (rule.points is not None or rule.decay or rule.within_days or rule.at_least > 1):
        raise ValueError(f"rule '{rule.id}': steps have their own points, at_least and within_days, and cannot decay")
    if rule.points is None and not rule.steps and rule.none is None:
        raise ValueError(f"rule '{rule.id}' gives no points; add points, steps or none")

    _idle(rule)
    if rule.at_least > 1 and (rule.per != "once" or rule.decay):
        raise ValueError(f"rule '{rule.id}': at_least needs per: once and no decay")

    if rule.decay and rule.per == "asset":
        raise ValueError(f"rule '{rule.id}': points per asset cannot decay; use per: once or per: occurrence")
    if rule.decay and rule.within_days:
        raise ValueError(f"rule '{rule.id}': decay and within_days cannot be combined; use lifespan_days")
    if rule.none is not None and rule.scope == "account":
        raise ValueError(f"rule '{rule.id}': none is about the lead, not its account")


def _idle(rule: Rule) -> None:
    """Refuse keys of an activity rule that would change nothing."""
    if rule.take != "best" and not rule.steps:
        raise ValueError(f"rule '{rule.id}': take says how steps combine, and there are none; add steps or drop take")
    if rule.steps and rule.per == "occurrence":
        raise ValueError(
            f"rule '{rule.id}': a step gives its points once, so per: occurrence has no effect; drop per or the steps"
        )
    if rule.points is None and not rule.steps:
        idle = [n for n in ("decay", "per", "at_least") if getattr(rule, n) != Rule.model_fields[n].default]
        if idle:
            raise ValueError(f"rule '{rule.id}': drop {', '.join(idle)} or add points: none gives its points once")
