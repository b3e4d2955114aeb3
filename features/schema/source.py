"""Source declarations: how one export maps to the canonical tables (the schema of data/sources/*.yaml)."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, field_validator, model_validator

from features.schema.canonical_tables import TABLES
from features.schema.columns import Column, CsvFormat, Declared, Location, PackageMember, TableSource
from features.schema.vocabulary import Actor, ColumnType, Dimension, Provenance, Role, Stage, Topic, WhenKnown

__all__ = [
    "ActivityKind",
    "BotFilter",
    "Capacity",
    "Cohort",
    "Column",
    "CsvFormat",
    "Declared",
    "EngagementWindows",
    "Flat",
    "FlatTarget",
    "Generator",
    "Label",
    "Location",
    "PackageMember",
    "Question",
    "Source",
    "Split",
    "TableSource",
]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


class ActivityKind(Declared):
    """What one kind of activity is evidence of."""

    dimension: Dimension = Field(description="what kind of evidence it is")
    topic: Topic = Field(default=Topic.CONTEXT, description="what it speaks of")
    label: str = Field(default="", description="plain-words noun phrase for reps")
    half_life_days: float = Field(default=14.0, gt=0, le=3650, description="days until one of them counts half")
    estimate_half_life: bool = Field(
        default=False, description="learn half_life_days from the earliest training rows; if they cannot tell, it stays"
    )
    actors: tuple[Actor, ...] = Field(default=(Actor.LEAD,), description="whose activities count")
    assets: dict[str, Topic] = Field(default_factory=dict, description="asset (exact or glob) to topic")
    assets_intent: tuple[str, ...] = Field(default=(), description="assets (exact or glob) that count as intent")
    direction: Literal[-1, 0, 1] = Field(default=0, description="1: more can only help, -1: only hurt, 0: free")
    bot_prone: bool = Field(default=False, description="e-mail scanners may cause it")
    send: bool = Field(default=False, description="an e-mail sent by us; scanners click seconds after it")


class Question(Declared):
    """A qualification question: what its answer speaks of and what counts as met."""

    topic: Topic = Field(description="what the answer speaks of")
    dimension: Dimension = Field(default=Dimension.FIT, description="what kind of evidence it is")
    type: ColumnType = Field(default=ColumnType.CATEGORY, description="how answers are read")
    text: str = Field(description="the question as a rep would ask it")
    values: tuple[str, ...] = Field(default=(), description="possible answers; none given: any")
    met: tuple[str, ...] = Field(default=(), description="answers that meet the criterion")
    met_minimum: float | None = Field(default=None, description="numeric answers from here on meet it")
    valid_for_days: float | None = Field(default=None, gt=0, description="older answers count as unknown")
    provenance: Provenance = Field(
        default=Provenance.STATED, description="where its answers come from: stated, verified, bought in, or inferred"
    )
    direction: Literal[-1, 0, 1] = Field(default=0, description="1: more can only help, -1: only hurt, 0: free")
    label: str = Field(default="", description="plain-words noun phrase for reps")


class EngagementWindows(Declared):
    """Windows of the engagement family, in days."""

    counts: tuple[int, ...] = Field(default=(7, 30, 90), description="windows of counts, days")
    trend: tuple[int, int] = Field(default=(14, 56), description="recent and reference window of the trend, days")


class BotFilter(Declared):
    """Clicks by e-mail scanners: within seconds of a send, or every link of a mail hit at once."""

    seconds_after_send: float = Field(default=10.0, ge=0, description="a click so soon after a send is a scanner's")
    burst_count: int = Field(default=5, ge=2, description="so many clicks within burst_seconds are a scanner's")
    burst_seconds: float = Field(default=5.0, gt=0, description="width of a burst, seconds")


class Label(Declared):
    """What counts as a win, and when it is known."""

    outcome: Literal["won", "opportunity"] = Field(default="won", description="what counts as a win")
    horizon_days: int = Field(default=90, gt=0, le=1460, description="days after as_of in which a win counts")
    horizon_by_segment: dict[str, int] = Field(default_factory=dict, description="segment to its own horizon, days")
    segment: str | None = Field(
        default=None, description="lead or account column whose segments horizon_by_segment names"
    )
    reporting_lag_days: int = Field(default=7, ge=0, le=365, description="days until a close is in the system")
    kept_days: int = Field(default=0, ge=0, description="a win must not be reversed within so many days")
    repeat_wins: bool = Field(default=False, description="whether a lead may win more than once")
    credit: Literal["lead", "account", "first_lead_of_account"] = Field(
        default="lead", description="which leads a won deal is credited to"
    )
    disqualified: Literal["lost", "excluded"] = Field(default="lost", description="label of disqualified leads")
    recycled: Literal["new_episode", "same_episode"] = Field(
        default="new_episode", description="whether a recycled lead opens anew or its episode goes on"
    )
    recycle_cool_down_days: int = Field(default=30, ge=0, description="days until a recycled lead is open again")
    never_worked: Literal["lost", "excluded"] = Field(default="lost", description="label of leads nobody worked")


def _iso_time(text: str | None) -> str | None:
    """The text of an ISO time; ValueError for any other text."""
    if text is not None:
        datetime.fromisoformat(text)
    return text


def _as_values(value: Any) -> Any:
    """One value or several, as texts; YAML's true and false as they are written."""
    values = value if isinstance(value, list | tuple) else [value]
    return [str(one).lower() if isinstance(one, bool) else one for one in values]


ValuesKept = Annotated[tuple[str, ...], BeforeValidator(_as_values), Field(min_length=1)]


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
        return _iso_time(text)

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
    won: tuple[str, ...] = Field(description="values that mean won (upper and lower case alike)")
    lost: tuple[str, ...] = Field(description="values that mean lost (upper and lower case alike)")


class Flat(Declared):
    """What a flat source (one file, no clocks) can say about order and groups."""

    target: FlatTarget = Field(description="the column that says won or lost")
    order: str | None = Field(default=None, description="'row' (file order is time order) or a column")
    group: str | None = Field(default=None, description="a column, or 'identical_inputs'")
    lead_id: str | None = Field(default=None, description="column; default: row number in the file")


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


class Generator(Declared):
    """A built-in generator of synthetic data."""

    name: str = Field(description="which generator: demo, leadforge or cdnow")
    parameters: dict[str, Any] = Field(default_factory=dict, description="handed to the generator as they are")


class Source(Declared):
    """One source of leads. See docs/sources.md for every key."""

    name: Name = Field(description="lower-case name; also the folder below the data directory")
    kind: Literal["relational", "flat"] = Field(
        description="relational: several tables with clocks; flat: one file without clocks"
    )
    title: str = Field(default="", description="headline of the report")
    synthetic: bool = Field(default=False, description="made-up data, labelled as such wherever it is shown")
    licence: str = Field(default="", description="licence of the data")
    citation: str = Field(default="", description="where the data come from")
    timezone: str = Field(default="UTC", description="zone of timestamps written without one")
    data_cutoff: str | None = Field(default=None, description="ISO time; default: the latest known_at")
    generator: Generator | None = Field(default=None, description="writes the files, where they are synthetic")
    tables: dict[str, TableSource] = Field(default_factory=dict, description="canonical table to its file and columns")
    activity_kinds: dict[str, ActivityKind] = Field(default_factory=dict, description="kind to what it is evidence of")
    questions: dict[str, Question] = Field(default_factory=dict, description="question of 'answers' to what it means")
    answer_channels: tuple[str, ...] = Field(default=(), description="channels whose answers are counted apart")
    identity: Identity | None = Field(default=None, description="how duplicate leads and accounts are recognised")
    windows: EngagementWindows = Field(default=EngagementWindows(), description="windows of engagement features")
    bots: BotFilter = Field(default=BotFilter(), description="what counts as a scanner's click")
    label: Label = Field(default=Label(), description="what counts as a win, and when it is known")
    cohort: Cohort = Field(default=Cohort(), description="when leads are scored for training")
    split: Split = Field(default=Split(), description="how rows are kept apart for judging")
    flat: Flat | None = Field(default=None, description="target, order and groups of a flat source")
    rubric: str | None = Field(default=None, description="rubric YAML, by name or path")
    framework: str = Field(default="bant", description="qualification framework of the cards")
    qualification: str | tuple[str, ...] | None = Field(
        default=None,
        description="qualification policy YAML, by name or path; several: versions, each with effective_from",
    )
    lifecycle: str | None = Field(default=None, description="lifecycle policy YAML, by name or path")
    recorded_score: str | None = Field(default=None, description="leads column with a score recorded at the time")
    actual_handoff: Stage | None = Field(default=None, description="stage whose entry is a handoff that happened")
    capacity: Capacity = Field(default=Capacity(), description="what sales can work")
    prior_correction: Literal["none", "newest"] = Field(
        default="none", description="newest: the level of probabilities follows the newest matured rows alone"
    )
    recency_half_life: float | None = Field(
        default=None,
        ge=0.02,
        le=10,
        description="for markets that move: rows older by this share of the learning time count half",
    )

    _path: Path | None = PrivateAttr(default=None)
    _lines: Mapping[tuple[str | int, ...], int] = PrivateAttr(default_factory=dict)

    def with_place(self, path: Path | None, lines: Mapping[tuple[str | int, ...], int]) -> "Source":
        """The source, knowing its file and the line of every key (for messages and files beside it)."""
        self._path, self._lines = path, lines
        return self

    @property
    def path(self) -> Path | None:
        """The declaration's file, if it came from one."""
        return self._path

    def where(self, *keys: str) -> str:
        """Place of a key for messages: ``my.yaml line 12``, or the dotted key where no file is known."""
        line = next((self._lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self._lines), None)
        if line is None:
            return f"source '{self.name}', {'.'.join(keys)}"
        return f"{self._path.name if self._path else self.name} line {line}"

    @field_validator("data_cutoff")
    @classmethod
    def _is_a_time(cls, text: str | None) -> str | None:
        return _iso_time(text)

    @model_validator(mode="after")
    def _filter_of_the_cohort(self) -> "Source":
        cohort = self.cohort
        if self.kind == "flat" and (cohort.from_ is not None or cohort.where):
            raise ValueError(
                "'cohort.from' and 'cohort.where' choose the looks of a relational source; a flat one is judged as "
                "its file is, so leave them out and cut the file"
            )
        declared = self.tables["leads"].columns if "leads" in self.tables else {}
        for name in cohort.where:
            if name not in declared:
                known = ", ".join(declared) or "none"
                raise ValueError(f"cohort.where names '{name}', which leads do not declare; declared: {known}")
            if declared[name].when_known is not WhenKnown.AT_CREATION or declared[name].role is Role.IGNORE:
                raise ValueError(
                    f"cohort.where names '{name}', which is "
                    f"{'ignored' if declared[name].role is Role.IGNORE else 'edited after creation'}: leads would be "
                    "chosen by what became of them. Name a column that stays as it was at creation"
                )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> "Source":
        unknown = sorted(set(self.tables) - set(TABLES))
        if unknown:
            raise ValueError(f"unknown table {', '.join(unknown)}; allowed: {', '.join(TABLES)}")
        if "leads" not in self.tables:
            raise ValueError("table 'leads' is required")

        if self.kind == "flat" and self.flat is None:
            raise ValueError("a flat source needs 'flat:' with its target")
        if self.flat is not None:
            won, lost = ({text.casefold() for text in side} for side in (self.flat.target.won, self.flat.target.lost))
            if not won or not lost or won & lost:
                raise ValueError("flat.target needs at least one value for won and for lost, and none in both")
        if self.kind == "relational" and self.flat is not None:
            raise ValueError("'flat:' belongs to flat sources only")

        if self.recency_half_life is not None and self.flat is not None and self.flat.order is None:
            raise ValueError(
                "'recency_half_life' gives newer rows more weight, but rows without 'flat.order' have no age"
            )
        if self.kind == "flat" and self.identity is not None:
            raise ValueError(
                "'identity:' merges leads by their timestamps, which a flat source does not have; leave it out"
            )
        if self.kind == "relational" and not {"outcomes", "stages"} & set(self.tables):
            raise ValueError("a relational source needs 'outcomes', or 'stages' to derive them from")

        return self


def title_column(source: Source) -> str | None:
    """The leads' column that holds the job title, if one is declared."""
    leads = source.tables.get("leads")
    return next((name for name, c in leads.columns.items() if c.title), None) if leads else None
