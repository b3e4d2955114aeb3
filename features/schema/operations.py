"""Operations: what a feature reads and how it is aggregated, one frozen value per kind of operation.

A feature's ``params`` is one of these. To add an operation, add its class here and to :data:`Params`, and its plan in
``features/kernel/feature_plans.py``; a name no operation has is a type error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from features.schema.conditions import Between, Condition, IsMissing, Matches, OneOf
from features.schema.vocabulary import Actor

Scope = Literal["lead", "account"]
# a timestamp as its age in days; a text as whether there is one; a list as its number of values, or as one it may hold
ReadAs = Literal["moment", "filled", "items"]
Derivation = Literal["seniority", "function"]
BreadthItem = Literal["asset", "lead", "role"]


@dataclass(frozen=True)
class Constant:
    """The same number for every lead."""

    value: float
    table: ClassVar[str] = "constant"
    op: ClassVar[None] = None


@dataclass(frozen=True, kw_only=True)
class ColumnValue:
    """A column of the lead, or of its account as it stood at as_of.

    A list (``read_as`` items) is divided by ``separator``, None for the usual ones; ``holds`` asks for one value.
    """

    table: Literal["leads", "accounts"]
    column: str
    derive: Derivation | None = None
    read_as: ReadAs | None = None
    holds: str | None = None
    separator: str | None = None
    condition: Condition | None = None
    op: ClassVar[None] = None


@dataclass(frozen=True)
class LeadAge:
    """Days since a moment of the lead's own row."""

    moment: str = "created_at"
    table: ClassVar[str] = "leads"
    op: ClassVar[str] = "age"


@dataclass(frozen=True, kw_only=True)
class AnswerValue:
    """The answer in force to a question, through one channel or any."""

    question: str
    channel: str | None = None
    read_as: ReadAs | None = None
    holds: str | None = None
    separator: str | None = None
    condition: Condition | None = None
    table: ClassVar[str] = "answers"
    op: ClassVar[str] = "value"


@dataclass(frozen=True, kw_only=True)
class AnswerAge:
    """Days since the answer in force to a question was given."""

    question: str
    channel: str | None = None
    condition: Between | IsMissing | None = None
    table: ClassVar[str] = "answers"
    op: ClassVar[str] = "age"


@dataclass(frozen=True, kw_only=True)
class AnswerCount:
    """How many of the questions have an answer in force."""

    questions: tuple[str, ...]
    channel: str | None = None
    table: ClassVar[str] = "answers"
    op: ClassVar[str] = "count"


@dataclass(frozen=True)
class CurrentStage:
    """The stage the lead is in."""

    condition: OneOf | Matches | IsMissing | None = None
    table: ClassVar[str] = "stages"
    op: ClassVar[str] = "current_known"


@dataclass(frozen=True)
class TimeInStage:
    """Days since the lead entered its latest stage."""

    table: ClassVar[str] = "stages"
    op: ClassVar[str] = "time_in_stage"


@dataclass(frozen=True)
class RecycleCount:
    """How often the lead was handed back to marketing."""

    table: ClassVar[str] = "stages"
    op: ClassVar[str] = "recycles"


@dataclass(frozen=True, kw_only=True)
class ContactCount:
    """Known leads of the account, of some seniorities (``roles``) or all."""

    roles: tuple[str, ...] | None = None
    condition: Between | IsMissing | None = None
    scope: Literal["account"] = "account"
    table: ClassVar[str] = "contacts"
    op: ClassVar[str] = "count"


@dataclass(frozen=True, kw_only=True)
class ContactBreadth:
    """Different seniorities among the known leads of the account."""

    item: Literal["role"] = "role"
    scope: Literal["account"] = "account"
    table: ClassVar[str] = "contacts"
    op: ClassVar[str] = "breadth"


@dataclass(frozen=True, kw_only=True)
class OutcomeCount:
    """Closed opportunities of the account; ``won`` holds "true", "false" or is None for both."""

    won: tuple[str, ...] | None = None
    products: tuple[str, ...] | None = None
    condition: Between | IsMissing | None = None
    scope: Literal["account"] = "account"
    table: ClassVar[str] = "outcomes"
    op: ClassVar[str] = "count"


@dataclass(frozen=True, kw_only=True)
class OutcomeBreadth:
    """Different products among closed opportunities of the account."""

    won: tuple[str, ...] | None = None
    item: Literal["asset"] = "asset"  # the product stands where an activity has its asset
    scope: Literal["account"] = "account"
    table: ClassVar[str] = "outcomes"
    op: ClassVar[str] = "breadth"


@dataclass(frozen=True, kw_only=True)
class StreamPart:
    """Some kinds of activities with filters of their own; a stream is the union of its parts."""

    kinds: tuple[str, ...]
    actors: tuple[str, ...]
    assets: tuple[str, ...] | None = None
    not_assets: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class ActivityRows:
    """Which activities an operation looks at; None filters nothing.

    Parameters
    ----------
    kinds, assets, actors, roles : accepted texts, exact or glob; roles are seniorities of the lead
    parts : where kinds differ in what is accepted of them; what a part leaves out is taken from here
    exclude_bots : leave out clicks by e-mail scanners
    scope : the lead's own activities, or those of all leads of its account
    """

    kinds: tuple[str, ...] | None = None
    assets: tuple[str, ...] | None = None
    actors: tuple[str, ...] = (str(Actor.LEAD),)
    roles: tuple[str, ...] | None = None
    parts: tuple[StreamPart, ...] | None = None
    exclude_bots: bool = True
    scope: Scope = "lead"


@dataclass(frozen=True, kw_only=True)
class ActivityCount:
    """Activities within a window (None: ever), or the different assets among them."""

    rows: ActivityRows
    window_days: float | None = None
    distinct_assets: bool = False
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "count"


@dataclass(frozen=True, kw_only=True)
class ActivityRecency:
    """Days since the latest activity."""

    rows: ActivityRows
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "recency"


@dataclass(frozen=True, kw_only=True)
class DecayedSum:
    """Activities that each halve in weight: all alike (``half_life_days``), or by kind (``half_lives``, days)."""

    rows: ActivityRows
    half_life_days: float | None = None
    half_lives: Mapping[str, float] | None = None
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "decayed"

    def __post_init__(self) -> None:
        if (self.half_life_days is None) == (self.half_lives is None):
            raise ValueError("a decayed sum takes exactly one of half_life_days and half_lives")


@dataclass(frozen=True, kw_only=True)
class LinearSum:
    """Activities that each lose weight evenly until nothing is left after ``lifespan_days``."""

    rows: ActivityRows
    lifespan_days: float
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "linear"


@dataclass(frozen=True, kw_only=True)
class ActivityValueSum:
    """Sum of the activities' values within a window (None: ever)."""

    rows: ActivityRows
    window_days: float | None = None
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "sum_value"


@dataclass(frozen=True, kw_only=True)
class ActivityBreadth:
    """Different assets (``item`` None or asset), leads or seniorities among the activities within a window."""

    rows: ActivityRows
    window_days: float | None = None
    item: BreadthItem | None = None
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "breadth"


@dataclass(frozen=True, kw_only=True)
class ActivityTrend:
    """Rate within the short window against the rest of the long one (log2, smoothed by one)."""

    rows: ActivityRows
    windows_days: tuple[float, float]
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "trend"


@dataclass(frozen=True, kw_only=True)
class ActivityStreak:
    """Weeks in a row up to as_of with an activity."""

    rows: ActivityRows
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "streak"


@dataclass(frozen=True, kw_only=True)
class ActiveDays:
    """Different days with an activity within a window (None: ever)."""

    rows: ActivityRows
    window_days: float | None = None
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "active_days"


@dataclass(frozen=True, kw_only=True)
class FirstChannel:
    """Channel of the first activity that has one."""

    rows: ActivityRows
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "first_channel"


@dataclass(frozen=True, kw_only=True)
class LastChannel:
    """Channel of the latest activity that has one."""

    rows: ActivityRows
    table: ClassVar[str] = "activities"
    op: ClassVar[str] = "last_channel"


@dataclass(frozen=True, kw_only=True)
class OwnFunction:
    """A function of a user's own, by import path: the one of a single lead, and the one of many, if there is one."""

    oracle: str
    function: str | None = None
    table: ClassVar[str] = "own"
    op: ClassVar[str] = "function"


AnswerParams = AnswerValue | AnswerAge | AnswerCount
StageParams = CurrentStage | TimeInStage | RecycleCount
CommitteeParams = ContactCount | ContactBreadth | OutcomeCount | OutcomeBreadth
ActivityParams = (
    ActivityCount
    | ActivityRecency
    | DecayedSum
    | LinearSum
    | ActivityValueSum
    | ActivityBreadth
    | ActivityTrend
    | ActivityStreak
    | ActiveDays
    | FirstChannel
    | LastChannel
)
Params = Constant | ColumnValue | LeadAge | AnswerParams | StageParams | CommitteeParams | ActivityParams | OwnFunction


def condition_of(params: Params) -> Condition | None:
    """The condition that turns the operation's value into 1 or 0, None where the value itself is the feature."""
    match params:
        case ColumnValue() | AnswerValue() | AnswerAge() | CurrentStage() | ContactCount() | OutcomeCount():
            return params.condition
    return None
