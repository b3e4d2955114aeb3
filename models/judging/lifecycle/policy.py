"""The lifecycle as a declaration: what each stage means, who owns it, what comes next and by when."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Field, model_validator

from features.array_types import Floats
from features.errors import PolicyError
from features.schema.columns import TypedNumbers
from features.schema.policy_yaml import list_problems, read_policy_file, validate_policy
from features.schema.source import Name
from features.schema.vocabulary import Stage
from features.schema.yaml_lines import LinedYaml

# what will not change by waiting ends a lead; everything else may, so it goes back to nurturing
REJECTED = dict.fromkeys(("no_need", "competitor", "duplicate", "asked_not_to", "known_to_us"), Stage.DISQUALIFIED)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOUR = 3600.0


EVERY = "every"
Quarter = Annotated[str, Field(pattern=r"^(\d{4}Q[1-4]|every)$")]


class Part(TypedNumbers):
    """Base of the policy's parts: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BusinessHours(Part):
    """When the clock of a service level runs."""

    timezone: str = "UTC"
    days: tuple[Annotated[str, Field(pattern="^(mon|tue|wed|thu|fri|sat|sun)$")], ...] = _DAYS[:5]
    start: float = Field(default=9.0, ge=0, lt=24)
    end: float = Field(default=17.0, gt=0, le=24)
    holidays: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _sensible(self) -> "BusinessHours":
        if self.end <= self.start or not self.days:
            raise ValueError(f"business hours from {self.start:g} to {self.end:g} on {len(self.days)} days are empty")
        if self.timezone not in available_timezones():
            raise ValueError(f"'{self.timezone}' is not a known time zone; write it like Europe/Berlin")
        return self

    def hours_between(self, start: pd.Series, end: pd.Series) -> Floats:
        """Business hours from start to end (naive UTC), NaN where either is missing."""
        return np.asarray(self._elapsed(end) - self._elapsed(start), dtype=np.float64)

    def _elapsed(self, moment: pd.Series) -> Floats:
        """Business hours since Monday 1969-12-29, local time; a Monday, so that day % 7 is the weekday."""
        local = moment.dt.tz_localize("UTC").dt.tz_convert(ZoneInfo(self.timezone)).dt.tz_localize(None)
        seconds = (local - pd.Timestamp("1969-12-29")).dt.total_seconds().to_numpy(dtype=np.float64)
        day = np.floor(seconds / (24 * _HOUR))
        hour = np.clip((seconds - day * 24 * _HOUR) / _HOUR, self.start, self.end) - self.start
        open_days = np.array([name in self.days for name in _DAYS], dtype=np.float64)
        length = self.end - self.start
        before = np.r_[0.0, np.cumsum(open_days)]
        known = np.nan_to_num(day, nan=0.0).astype(np.int64)
        weekday = known % 7
        total = (known // 7 * open_days.sum() + before[weekday]) * length + hour * open_days[weekday]

        for holiday in self.holidays:
            off = (pd.Timestamp(holiday) - pd.Timestamp("1969-12-29")).days
            total = total - open_days[off % 7] * np.where(known > off, length, np.where(known == off, hour, 0.0))

        return np.where(np.isnan(seconds), np.nan, total)


Measure = Literal["went_further", "next_step_in_time", "first_touch_in_time", "median_days"]
MEASURE_WORDS: Mapping[Measure, str] = MappingProxyType(
    {
        "went_further": "share that goes further",
        "next_step_in_time": "share with the next step in time",
        "first_touch_in_time": "share touched in time",
        "median_days": "median days in it",
    }
)


class StageMetric(Part):
    """What a stage is judged by, and the figure agreed: shares at least, days at most."""

    measure: Measure
    target: float = Field(gt=0)

    @model_validator(mode="after")
    def _sensible(self) -> "StageMetric":
        if self.measure != "median_days" and self.target > 1:
            raise ValueError(f"'{self.measure}' is a share; write {self.target:g} as a number up to 1, such as 0.8")
        return self

    def is_met(self, actual: float) -> bool:
        """Whether a figure keeps what was agreed."""
        return actual <= self.target if self.measure == "median_days" else actual >= self.target


class StageDefinition(Part):
    """What a stage means and what is expected of it."""

    meaning: str = ""
    owner: str = Field(default="", description="team that owns the stage")
    entry: str = Field(default="", description="the rule of entry, in words")
    next: tuple[Stage, ...] = Field(default=(), description="where a lead may go from here")
    expectation: str = Field(default="", description="the next step expected, in words")
    within_hours: float | None = Field(default=None, gt=0, description="business hours until the next stage")
    first_touch_hours: float | None = Field(default=None, gt=0, description="business hours until a rep's first act")
    metric: StageMetric | None = Field(default=None, description="what the stage is judged by")


Share = Annotated[float, Field(gt=0, le=1)]


class MarketingGoals(Part):
    """What marketing promises sales for a quarter."""

    qualified_leads: int | None = Field(default=None, gt=0, description="leads to be sent to sales")
    accepted: Share | None = Field(default=None, description="share of those sent that sales accepts")


class SalesGoals(Part):
    """What sales promises marketing for a quarter, as shares of the leads it is sent."""

    touched_in_time: Share | None = Field(default=None, description="first touch within the promised hours")
    worked: Share | None = Field(default=None, description="a rep acted on it, or it was accepted")
    fed_back: Share | None = Field(default=None, description="accepted, or returned with a reason")


class QuarterGoals(Part):
    """What both teams promised each other."""

    marketing: MarketingGoals = MarketingGoals()
    sales: SalesGoals = SalesGoals()


class Programme(Part):
    """A nurture programme: whoever was first reached by one of its activities is in it from then on."""

    name: str = Field(min_length=1)
    meaning: str = ""
    kinds: tuple[str, ...] = Field(min_length=1, description="activity kinds that are the programme's")
    assets: tuple[str, ...] = Field(default=(), description="only these assets of the kinds, exact or glob")


class LifecyclePolicy(Part):
    """The lifecycle's definitions and service levels. See docs/lifecycle.md."""

    name: Name
    version: str = "1"
    effective_from: date | None = None
    agreed_by: tuple[str, ...] = ()
    business_hours: BusinessHours = BusinessHours()
    stages: dict[Stage, StageDefinition] = Field(min_length=1)
    sent: Stage = Field(default=Stage.MQL, description="the stage that counts as sent to sales")
    accepted: Stage = Field(default=Stage.SAL, description="the stage that counts as accepted by sales")
    qualified: Stage = Field(default=Stage.SQL, description="the stage that counts as qualified")
    rejected: dict[str, Literal[Stage.RECYCLED, Stage.DISQUALIFIED]] = Field(
        default_factory=dict, description="what becomes of a lead that sales rejects, by reason; see REJECTED"
    )
    nurture_kinds: tuple[str, ...] = Field(default=(), description="activity kinds that are nurturing")
    programmes: tuple[Programme, ...] = Field(default=(), description="nurture programmes by name")
    goals: dict[Quarter, QuarterGoals] = Field(
        default_factory=dict, description="what was agreed per quarter, e.g. 2025Q1; 'every' is for all others"
    )
    promised_per_quarter: dict[str, int] = Field(default_factory=dict, description="e.g. 2025Q1: 300")
    teams: dict[str, str] = Field(default_factory=dict, description="owner to team")
    per_person: bool = Field(default=False, description="show owners by name")
    minimum_n: int = Field(default=20, ge=5, description="smaller groups are not shown")

    def stage_after_rejection(self, reason: str) -> Stage:
        """Where a lead goes that sales rejects: as declared, else by :data:`REJECTED`, else back to nurturing.

        >>> policy = LifecyclePolicy(name="x", stages={"mql": {}}, rejected={"no_budget": "disqualified"})
        >>> [str(policy.stage_after_rejection(why)) for why in ("no_budget", "no_need", "bad_timing")]
        ['disqualified', 'disqualified', 'recycled']
        """
        return self.rejected.get(reason, REJECTED.get(reason, Stage.RECYCLED))

    def goals_of(self, quarter: str) -> QuarterGoals:
        """What was agreed for a quarter; volumes promised elsewhere count where it names none."""
        agreed = self.goals.get(quarter, self.goals.get(EVERY, QuarterGoals()))
        promised = self.promised_per_quarter.get(quarter)
        if agreed.marketing.qualified_leads is not None or promised is None:
            return agreed
        return agreed.model_copy(
            update={"marketing": agreed.marketing.model_copy(update={"qualified_leads": promised})}
        )


def parse_policy(text: str, *, where: str = "lifecycle policy") -> LifecyclePolicy:
    """Lifecycle policy of a YAML text; raises a PolicyError that names the line of every problem."""
    policy, document = validate_policy(text, LifecyclePolicy, where)
    problems = _contradictions(policy, document)
    if problems:
        raise PolicyError(list_problems(where, problems))
    return policy


def load_policy(path: Path) -> LifecyclePolicy:
    """Lifecycle policy of a YAML file."""
    return parse_policy(read_policy_file(path, "lifecycle policy"), where=path.name)


def _contradictions(policy: LifecyclePolicy, document: LinedYaml) -> list[str]:
    found = []
    for stage, definition in policy.stages.items():
        for following in definition.next:
            if following is stage:
                line = document.line(("stages", str(stage), "next"))
                found.append(f"line {line}: stage '{stage}' leads to itself; a step must lead somewhere else.")
            elif following not in policy.stages and following not in (Stage.WON, Stage.LOST):
                line = document.line(("stages", str(stage), "next"))
                declared = ", ".join(policy.stages)
                found.append(
                    f"line {line}: '{stage}' leads to '{following}', which is not declared; declared: {declared}."
                )
        if definition.within_hours is not None and not definition.next:
            line = document.line(("stages", str(stage), "within_hours"))
            found.append(f"line {line}: '{stage}' has a deadline but no next stage to reach; add 'next:'.")
    return found
