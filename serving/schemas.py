"""Bodies and answers of the API; unknown keys and numbers that are not finite are refused."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    with_config,
)
from typing_extensions import TypedDict

HASH = r"^[0-9a-f]{8,64}$"  # a bundle's hash, or its beginning
Text = Annotated[str, StringConstraints(max_length=2000)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Number = Annotated[float, Field(allow_inf_nan=False)]
FeedbackVerdict = Literal["accept", "reject", "override", "snooze", "do_not_contact", "withdraw"]
Actor = Literal["lead", "rep", "system"]  # of an activity
Scalar = bool | int | Number | Text | None
Row = Annotated[dict[Annotated[str, StringConstraints(max_length=64)], Scalar], Field(max_length=300)]


def _to_naive_utc(timestamp: datetime) -> datetime:
    """Naive UTC; timestamps without a zone are UTC."""
    return timestamp.astimezone(UTC).replace(tzinfo=None) if timestamp.tzinfo is not None else timestamp


def _check_year(timestamp: datetime) -> datetime:
    if not 1900 <= timestamp.year <= 2200:
        raise ValueError("not a valid timestamp between 1900 and 2200")
    return _to_naive_utc(timestamp)


Timestamp = Annotated[datetime, AfterValidator(_check_year)]


_ROW = ConfigDict(extra="forbid")  # rows come by the thousand: dicts are checked in half the time of models


class Body(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(extra="forbid")


@with_config(_ROW)
class ActivityIn(TypedDict):
    """One engagement of the lead; ``known_at`` is ``happened_at`` and ``actor`` the lead where they are left out."""

    kind: Short
    happened_at: Timestamp
    known_at: NotRequired[Timestamp | None]
    lead_id: NotRequired[Short | None]
    activity_id: NotRequired[Short | None]
    actor: NotRequired[Actor]
    asset: NotRequired[Text | None]
    channel: NotRequired[Text | None]
    value: NotRequired[Number | None]


@with_config(_ROW)
class AnswerIn(TypedDict):
    """A reply to a qualification question, or a value of a CRM field as it was then."""

    question: Short
    value: Scalar
    known_at: Timestamp
    happened_at: NotRequired[Timestamp | None]
    lead_id: NotRequired[Short | None]
    channel: NotRequired[Text | None]
    author: NotRequired[Text | None]


@with_config(_ROW)
class StageIn(TypedDict):
    """A lifecycle stage that the lead entered."""

    stage: Short
    entered_at: Timestamp
    known_at: NotRequired[Timestamp | None]
    lead_id: NotRequired[Short | None]
    owner: NotRequired[Text | None]
    reason: NotRequired[Text | None]


@with_config(_ROW)
class OutcomeIn(TypedDict):
    """A closed deal."""

    opportunity_id: Short
    closed_at: Timestamp
    won: bool
    known_at: NotRequired[Timestamp | None]
    lead_id: NotRequired[Short | None]
    account_id: NotRequired[Short | None]
    amount: NotRequired[Number | None]
    product: NotRequired[Text | None]
    deal_kind: NotRequired[Literal["new", "expansion"] | None]
    reason: NotRequired[Text | None]


_EXAMPLE: dict[str, Any] = {
    "lead": {"lead_id": "form-1", "created_at": "2026-06-01T09:00:00Z", "account_id": "acme", "job_title": "CFO"},
    "accounts": [{"account_id": "acme", "known_at": "2026-05-01T00:00:00Z", "employees": 250, "industry": "retail"}],
    "activities": [{"kind": "page_view", "happened_at": "2026-06-03T10:00:00Z", "asset": "pricing"}],
    "answers": [{"question": "budget", "value": "10-50k", "known_at": "2026-06-04T08:00:00Z", "channel": "form"}],
    "as_of": "2026-06-05T00:00:00Z",
}


class LeadRows(Body):
    """One lead's raw rows under the names of the source declaration; whatever is left out counts as missing.

    ``colleagues`` are the other leads of its account, whose activities carry their ``lead_id``.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})
    lead: Row
    accounts: list[Row] = Field(default=[], max_length=1000)
    activities: list[ActivityIn] = Field(default=[], max_length=20_000)
    answers: list[AnswerIn] = Field(default=[], max_length=5_000)
    stages: list[StageIn] = Field(default=[], max_length=1_000)
    outcomes: list[OutcomeIn] = Field(default=[], max_length=1_000)
    colleagues: list[Row] = Field(default=[], max_length=1_000)
    as_of: Timestamp | None = Field(default=None, description="when to score; default: now")
    framework: Short | None = Field(default=None, description="qualification framework; default: the source's")
    language: Short | None = Field(default=None, description="language of the sentences: en, ko or pl; default: en")


_EXAMPLE_MANY: dict[str, Any] = {
    "leads": [
        {"lead_id": "form-1", "created_at": "2026-06-01T09:00:00Z", "job_title": "CFO"},
        {"lead_id": "form-2", "created_at": "2026-06-02T09:00:00Z", "job_title": "Student"},
    ],
    "activities": [
        {"lead_id": "form-1", "kind": "page_view", "happened_at": "2026-06-03T10:00:00Z", "asset": "pricing"}
    ],
    "as_of": "2026-06-05T00:00:00Z",
}


@dataclass(frozen=True)
class UnfitRow:
    """A row that does not fit the schema: where it stands, whom it is about by name of the column, and why."""

    place: int
    whom: Mapping[str, str]
    why: str


class RowsRead(list[Any]):
    """Rows that fit the schema; of leads that do not, which keep their place, what fits."""

    def __init__(self, rows: Iterable[Any], unfit: Sequence[UnfitRow] = ()) -> None:
        super().__init__(rows)
        self.unfit = unfit


_LEADS, _NAMING, _LONGEST_NAME = "leads", ("lead_id", "account_id"), 64


def _read_each(given: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> RowsRead:
    """Rows; one that does not fit is a fault of the leads that it is about, where it says whom it is about."""
    try:
        return RowsRead(read(given))  # all at once, which takes half the time
    except ValidationError as problem:
        faults, table = problem.errors(include_url=False, include_context=False, include_input=False), info.field_name
        if any(not fault["loc"] for fault in faults):
            raise  # it is no list, or too long
        names, why = dict[int, set[Any]](), dict[int, str]()
        for fault in faults:
            place, name = int(fault["loc"][0]), (*fault["loc"], None)[1]
            names.setdefault(place, set()).add(name)
            shown = isinstance(name, str) and len(name) <= _LONGEST_NAME and name.isprintable()
            why[place] = f"{table}{f'.{name}' if shown else ''}: {fault['msg'][:200]}"
        fitting = [row for place, row in enumerate(given) if place not in names]
        kept, unfit = read(fitting) if fitting else [], []
        for place, wrong in sorted(names.items()):  # in this order leads get back to their places
            row = given[place] if isinstance(given[place], dict) else {}
            whom = {name: str(row[name]) for name in _NAMING if isinstance(row.get(name), str | int)}
            if table == _LEADS:
                kept.insert(place, {} if None in wrong else {name: row[name] for name in row if name not in wrong})
            elif not whom:
                raise
            unfit.append(UnfitRow(place, whom, why[place]))
        return RowsRead(kept, unfit)


_EACH = WrapValidator(_read_each)


class ManyRows(Body):
    """Many leads at one as_of; ``leads`` share ``accounts``, and other rows name their lead."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE_MANY]})
    leads: Annotated[list[Row], Field(min_length=1, max_length=20_000), _EACH]
    accounts: Annotated[list[Row], Field(max_length=20_000), _EACH] = []
    activities: Annotated[list[ActivityIn], Field(max_length=200_000), _EACH] = []
    answers: Annotated[list[AnswerIn], Field(max_length=100_000), _EACH] = []
    stages: Annotated[list[StageIn], Field(max_length=50_000), _EACH] = []
    outcomes: Annotated[list[OutcomeIn], Field(max_length=20_000), _EACH] = []
    as_of: Timestamp | None = None
    framework: Short | None = None


def _plain_lines(text: Any) -> Any:
    """A text with one kind of line break: forms send two signs for each, and are bound by their number."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip() if isinstance(text, str) else text


LONGEST_NOTE = 2000
_WRITTEN = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"  # lines and tabs, no other signs that nobody sees
Note = Annotated[str, BeforeValidator(_plain_lines), StringConstraints(max_length=LONGEST_NOTE, pattern=_WRITTEN)]


class NoteGiven(Body):
    """What somebody wrote down about a lead. It is no activity: nothing counts it, no model learns from it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "Back from leave on Monday."}]})
    note: Annotated[Note, StringConstraints(min_length=1)]
    happened_at: Timestamp | None = None


class AnswerGiven(Body):
    """An answer from a rep or a form: ``met``, ``not_met``, a value, or ``dont_know`` (withdraws the last one).

    ``corrects`` names a wrong answer that this one replaces; both stay on record, each with its author.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "budget", "value": "10-50k", "channel": "call"}]}
    )
    question: Short
    status: Literal["met", "not_met", "value", "dont_know"] = "value"
    value: Scalar = None
    channel: Short = "call"
    author: Short | None = None
    corrects: int | None = Field(default=None, ge=1, le=2**31 - 1, description="id of the wrong answer")


class FieldGiven(Body):
    """A value of the lead's company that somebody looked up; an empty value withdraws the last one."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"field": "employees", "value": 250, "channel": "website"}]}
    )
    field: Short
    value: Scalar = None
    channel: Short = "research"
    author: Short | None = None


class FeedbackGiven(Body):
    """What sales says about a lead; ``override`` and ``snooze`` expire, ``do_not_contact`` stands until it is undone,
    ``withdraw`` undoes the feedback that ``undoes`` names, else the last one.

    An override pins ``state``, ``next_action`` or both until it expires (neither: both as they are now); the score goes
    on. A pinned state brings its own next action, unless that is pinned too.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"verdict": "reject", "reason": "no_budget"}]}
    )
    verdict: FeedbackVerdict
    reason: Literal[
        "", "good_fit", "no_budget", "no_authority", "no_need", "bad_timing", "wrong_contact", "competitor",
        "duplicate", "unreachable", "asked_not_to", "known_to_us", "other",
    ] = ""  # fmt: skip
    note: Annotated[str, StringConstraints(max_length=500)] = ""
    expires_at: Timestamp | None = None
    state: Literal["lead", "iql", "mql", "pql", "sal", "sql"] | None = Field(
        default=None, description="of an override: the state it pins"
    )
    next_action: Short | None = Field(default=None, description="of an override: the next action it pins")
    undoes: int | None = Field(default=None, ge=1, le=2**31 - 1, description="of a withdraw: id of what it takes back")


class ActivityPosted(Body):
    """An activity as it happens; the ``note`` is for people to read, no part of the activity."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"kind": "demo_request", "activity_id": "form-7", "channel": "web"}]},
    )
    kind: Short
    happened_at: Timestamp | None = None
    activity_id: Short | None = None
    actor: Actor = "lead"
    asset: Text | None = None
    channel: Text | None = None
    value: Number | None = None
    note: Note = ""


class WebhookIn(Body):
    """An address that receives events; its secret signs every message and is shown once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"url": "https://crm.example.com/hook", "events": ["lead.state_changed"]}]},
    )
    url: Annotated[str, StringConstraints(max_length=500, pattern=r"^https?://[^\s]+$")]
    events: list[Literal["lead.state_changed", "lead.feedback", "model.promoted"]] = Field(min_length=1, max_length=3)


class CriterionOut(BaseModel):
    """One criterion of a card."""

    id: str
    label: str
    points: int
    facts: list[dict[str, Any]]
    status: str | None = None
    status_because: str | None = None
    status_provenance: str | None = None
    status_age_days: float | None = None
    question: str | None = None
    fields: list[dict[str, Any]] = Field(
        default=[],
        description="missing fields of the company that could be looked up, with the score after each value",
    )
    differs: str | None = Field(default=None, description="why status and points say different things, if they do")


class CardOut(BaseModel):
    """A score with its explanation: 50 + points_base + the criteria's points + points_clip is the score."""

    model_config = ConfigDict(extra="allow")
    lead_id: str
    as_of: str | None
    score: int = Field(ge=0, le=100)
    probability: float = Field(ge=0, le=1)
    probability_low: float
    probability_high: float
    horizon_days: int
    grade: str
    percentile: float
    state: str
    next_action: str
    question: str
    question_points: float | None = Field(
        default=None, description="by how many points its answer typically moves the score, where that is known"
    )
    question_felt: bool = Field(default=True, description="whether an answer could change score, decision or state")
    framework: dict[str, str]
    points_base: int
    points_clip: int
    criteria: list[CriterionOut]
    scale_version: str
    bundle_hash: str
    standing: dict[str, Any] | None = Field(
        default=None,
        description="where the lead stands: stage (of the CRM), stage_since, stage_days, stage_owner, phase, "
        "handed_over_at, outcome, closed_at, state (score and evidence), rule, lead_list, next_action, team, "
        "programme, why, silent_days, score_at_handoff, score_at_close",
    )
    closed: dict[str, str | None] | None = Field(
        default=None,
        description="how a known lead ended (outcome, at, text); its score is of then, or of open_until where it was "
        "last open before",
    )
    ignored: list[str] = Field(
        default=[], description="columns, kinds, questions and stages that are not declared and were not used"
    )
    not_yet_known: int = Field(default=0, description="rows not known before as_of, which were not used")
    unseen: list[str] = Field(default=[], description="values that training never saw; the score does without them")


class ManyOut(BaseModel):
    """Rows of a scored file, in the order of the leads sent; a lead that cannot be scored has ``error``."""

    as_of: str | None
    bundle_hash: str
    rows: list[dict[str, Any]]
    ignored: list[str] = []
    unseen: list[str] = Field(
        default=[], description="per column, how many leads hold values that training never saw; each row has its own"
    )


class PageOut(BaseModel):
    """One page of the worklist; counts are of all leads the caller may see, whatever the filters.

    ``lists`` and ``stages`` count by list and by CRM stage (empty where the source has no stages), ``states`` by our
    state of the scored leads.
    """

    rows: list[dict[str, Any]]
    total: int
    page: int
    pages: int
    size: int
    lists: dict[str, int] = {}
    stages: dict[str, int] = {}
    states: dict[str, int] = {}
    as_of: str | None
    bundle_hash: str
