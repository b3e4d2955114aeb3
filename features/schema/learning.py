"""Declarations of what is learned and judged: label, cohort, split, flat target, capacity, identity, segment, prior."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from features.schema.columns import Declared, Values
from features.schema.vocabulary import Stage


class Label(Declared):
    """What counts as a win, and when it is known."""

    outcome: Literal["won", "opportunity", "accepted"] = Field(
        default="won",
        description="what counts as a win: a won deal, an opportunity, or acceptance by sales (stage SAL or beyond, "
        "verdicts given on cards among them)",
    )
    horizon_days: int = Field(default=90, gt=0, le=1460, description="days after as_of in which a win counts")
    horizon_by_segment: dict[str, int] = Field(default_factory=dict, description="segment to its own horizon, days")
    segment: str | None = Field(
        default=None, description="lead or account column whose segments horizon_by_segment names"
    )
    reporting_lag_days: int = Field(default=7, ge=0, le=365, description="days until a close is in the system")
    kept_days: int = Field(
        default=0,
        ge=0,
        description="a win must not be reversed within so many days: by its own opportunity lost, or by a lead that is "
        "disqualified or recycled; another opportunity that is lost leaves it alone",
    )
    taken_back_days: int = Field(
        default=30,
        ge=0,
        description="where wins come from stages: a lead that leaves 'won' within so many days was not won and is open "
        "again; later it is another deal, and the win stands. In outcomes a win is taken back by a later loss of the "
        "same opportunity",
    )
    repeat_wins: bool = Field(default=False, description="whether a lead may win more than once")
    credit: Literal["lead", "account", "first_lead_of_account"] = Field(
        default="lead",
        description="which leads a deal is credited to: lead: the one it names; account: every lead of its account, "
        "also where it names one; first_lead_of_account: the lead it names, else the first of its account. Of an "
        "account's leads only those created before it closed count",
    )
    disqualified: Literal["lost", "excluded"] = Field(default="lost", description="label of disqualified leads")
    recycled: Literal["new_episode", "same_episode"] = Field(
        default="new_episode", description="whether a recycled lead opens anew or its episode goes on"
    )
    recycle_cool_down_days: int = Field(default=30, ge=0, description="days until a recycled lead is open again")
    never_worked: Literal["lost", "excluded"] = Field(default="lost", description="label of leads nobody worked")

    @property
    def longest_horizon_days(self) -> int:
        """The horizon that is certain last, of all leads or of a segment."""
        return max(self.horizon_days, *self.horizon_by_segment.values(), 0)

    @property
    def horizon_in_words(self) -> str:
        """Days within which a win counts: ``90``, or ``30 to 90`` where segments have horizons of their own."""
        return days_in_words([self.horizon_days, *self.horizon_by_segment.values()])


def days_in_words(days: Collection[int]) -> str:
    """One number of days, or from the least to the most.

    >>> days_in_words([90]), days_in_words([90, 30])
    ('90', '30 to 90')
    """
    low, high = min(days), max(days)
    return str(low) if low == high else f"{low} to {high}"


def iso_time(text: str | None) -> str | None:
    """The text of an ISO time; ValueError for any other text."""
    if text is not None:
        datetime.fromisoformat(text)
    return text


ValuesKept = Annotated[Values, Field(min_length=1)]


class Cohort(Declared):
    """When leads are scored for training."""

    policy: Literal["weekly", "after_creation", "stage_entry", "order"] = Field(
        default="weekly", description="when leads are looked at; order: once per row of a flat source"
    )
    from_: str | None = Field(
        default=None, alias="from", description="ISO time; looks before it neither train nor test (UTC without a zone)"
    )
    first_only: bool = Field(
        default=False, description="policy stage_entry: only a lead's first entry of each stage counts, not later ones"
    )
    where: dict[str, ValuesKept] = Field(
        default_factory=dict,
        description="lead column to the value or values a lead must have to be looked at and listed (upper and lower "
        "case alike); only columns that stay as they were at creation",
    )
    settle_hours: float = Field(
        default=1.0,
        ge=0,
        description="hours added to every look of policy after_creation and stage_entry: what is written together with "
        "the creation or the entry counts as known at the look. Policy weekly does not use it",
    )
    after_days: tuple[float, ...] = Field(
        default=(0, 3, 7, 14, 30), description="days after creation (policy after_creation)"
    )
    stages: tuple[Stage, ...] = Field(default=(), description="stages whose entry counts (policy stage_entry)")
    maximum_age_days: int = Field(default=180, gt=0, description="older open leads are not looked at")
    every_days: int = Field(default=7, gt=0, description="distance of the calendar grid (policy weekly), days")

    @field_validator("from_")
    @classmethod
    def _is_a_time(cls, text: str | None) -> str | None:
        return iso_time(text)

    @property
    def on_grid(self) -> bool:
        """Whether all open leads are looked at together, on days of a calendar."""
        return self.policy == "weekly"

    @model_validator(mode="after")
    def _first_of_a_stage(self) -> "Cohort":
        if self.first_only and self.policy != "stage_entry":
            raise ValueError(f"'first_only' belongs to policy stage_entry; this cohort is looked at {self.policy}")
        return self


class Split(Declared):
    """How rows are kept apart for judging."""

    by: Literal["time", "accounts"] = Field(
        default="time", description="time: later rows judge earlier ones; accounts: whole accounts apart, time ignored"
    )
    test_share: float = Field(default=0.25, gt=0, lt=0.6, description="share of the final test block")
    folds: int = Field(default=4, ge=2, le=20, description="development blocks before it")
    minimum_won_per_block: int | None = Field(
        default=None,
        ge=1,
        description="fewer won leads in a block are an error; default: 10, or an eighth of all won leads, at least 5",
    )
    accounts: Literal["report", "hash"] = Field(
        default="report", description="report: seen and unseen accounts judged apart; hash: one block per account"
    )


class FlatTarget(Declared):
    """Target of a flat source."""

    column: str = Field(description="name of the target column among the leads' columns")
    won: Values = Field(description="values that mean won (upper and lower case alike)")
    lost: Values = Field(description="values that mean lost (upper and lower case alike)")
    disqualified: Values = Field(
        default=(), description="values that mean disqualified; label.disqualified says what that counts as"
    )
    open: Values = Field(
        default=(),
        description='values of leads that are not closed; "" stands for an empty cell. They are scored and listed, '
        "never learned from; other values go to quarantine",
    )

    @property
    def closed(self) -> tuple[str, ...]:
        """Values of leads that are over."""
        return (*self.won, *self.lost, *self.disqualified)


class Flat(Declared):
    """What a flat source (one file, no clocks) can say about order and groups."""

    target: FlatTarget = Field(description="the column that says won or lost")
    order: str | None = Field(
        default=None, description="'row' (file order is time order) or a column (a time or number)"
    )
    group: str | None = Field(default=None, description="a column, or 'identical_inputs'")
    lead_id: str | None = Field(
        default=None,
        description="column, read as an id unless declared otherwise (a number gives 1001.0); default: row number in "
        "the file",
    )


class Capacity(Declared):
    """What sales can work."""

    handoffs_per_week: int = Field(default=50, gt=0, description="leads sales can take over per week")
    reps: int = Field(default=5, gt=0, description="number of reps")
    working_days: int = Field(default=5, gt=0, le=7, description="days a week on which reps call")
    exploration_share: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="share of the weekly places drawn at random, so that the rest can be judged",
    )
    exploration_seed: int = Field(default=0, ge=0, description="seed of that draw")
    share: float = Field(default=0.1, gt=0, lt=1, description="for flat sources: share of rows handed off")
    cost_per_handoff: float | None = Field(default=None, ge=0, description="cost of working one lead")
    value_per_win: float | None = Field(default=None, ge=0, description="value of a win where no amount is on record")
    value_by: str | None = Field(
        default=None,
        description="column of leads or accounts whose values tell how much a win is worth; the list sorts by it",
    )
    currency: str = Field(default="", description="currency of both, e.g. EUR")


class Compared(Declared):
    """Of whom comparisons, thresholds and promises speak."""

    population: Literal["before_handoff", "all"] = Field(
        default="before_handoff",
        description="before_handoff: leads not yet with sales at that moment (the default where stages tell them from "
        "others); all: every row",
    )


class Identity(Declared):
    """How duplicates are found and leads are matched to accounts; what is done can be undone."""

    email: str = Field(description="the leads' column with the e-mail address (role: personal)")
    merge: Literal["never", "same_email", "same_email_and_account"] = Field(
        default="same_email", description="which leads are one: those of one normalised address (and account)"
    )
    account_domain: str | None = Field(
        default=None, description="the accounts' column with the web domain; leads without an account are matched by it"
    )
    keep_apart: tuple[str, ...] = Field(
        default=(), description="lead ids that are never merged, because a person has checked them"
    )


class Modelling(Declared):
    """What the model leans on beside its features."""

    prior_bundle: str | None = Field(
        default=None,
        description="folder of another source's bundle, relative to this file, that the score leans on while there are "
        "too few won or lost leads to learn from, if it beats base rate and rubric on what there is",
    )
    segment: str | None = Field(
        default=None,
        description="column of leads or accounts, a category that is a feature: each of its values gets its own level "
        "and slope, shrunk to the common ones, where that gains more than noise",
    )
