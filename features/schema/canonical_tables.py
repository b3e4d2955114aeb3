"""The canonical tables: frozen declarations from which checks, docs and synthetic data derive."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from features.errors import ContractError
from features.schema.vocabulary import Actor, ColumnType, Stage


@dataclass(frozen=True, kw_only=True)
class ContractColumn:
    """One canonical column: type, meaning and constraints.

    ``default_from`` names the column a missing one is copied from; ``values`` are the allowed values.
    """

    name: str
    type: ColumnType
    doc: str
    required: bool = False
    nullable: bool = True
    values: tuple[str, ...] = ()
    minimum: float | None = None
    default_from: str | None = None
    default: str | None = None
    references: str | None = None


@dataclass(frozen=True, kw_only=True)
class ContractTable:
    """One canonical table: key, clocks and columns.

    ``clock`` is when our systems learned of a row (what visibility asks); ``happened`` when it took place (what ages
    and windows are measured from), None where a row is a state and no event.
    """

    name: str
    doc: str
    columns: tuple[ContractColumn, ...]
    key: tuple[str, ...]
    clock: str
    happened: str | None = None
    open_ended: bool = False  # further declared attributes are welcome

    def __getitem__(self, name: str) -> ContractColumn:
        for column in self.columns:
            if column.name == name:
                return column
        raise ContractError(f"table '{self.name}' has no canonical column '{name}'; it has {', '.join(self.names)}.")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the canonical columns."""
        return tuple(c.name for c in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns a source must map."""
        return tuple(c.name for c in self.columns if c.required)


def _id(name: str, doc: str, *, required: bool = False, references: str | None = None) -> ContractColumn:
    return ContractColumn(
        name=name, type=ColumnType.ID, doc=doc, required=required, nullable=not required, references=references
    )


def _time(name: str, doc: str, *, required: bool = False, default_from: str | None = None) -> ContractColumn:
    return ContractColumn(
        name=name,
        type=ColumnType.TIMESTAMP,
        doc=doc,
        required=required,
        nullable=not required and default_from is None,
        default_from=default_from,
    )


LEADS = ContractTable(
    name="leads",
    doc="One row per lead with the attributes known at its creation.",
    columns=(
        _id("lead_id", "identifies the lead", required=True),
        _time("created_at", "when the lead came into being", required=True),
        _time("known_at", "when our systems learned of the lead", default_from="created_at"),
        _id("account_id", "the company the lead belongs to", references="accounts.account_id"),
        ContractColumn(name="owner", type=ColumnType.CATEGORY, doc="who works the lead"),
    ),
    key=("lead_id",),
    clock="known_at",
    happened="created_at",
    open_ended=True,
)
ACCOUNTS = ContractTable(
    name="accounts",
    doc="Firmographics; several rows per account are snapshots told apart by known_at.",
    columns=(
        _id("account_id", "identifies the company", required=True),
        _time("known_at", "when this snapshot became known"),
    ),
    key=("account_id", "known_at"),
    clock="known_at",
    open_ended=True,
)
ACTIVITIES = ContractTable(
    name="activities",
    doc="One engagement per row.",
    columns=(
        _id("activity_id", "identifies the row; repeated ids are duplicates"),
        _id("lead_id", "the lead that acted or was acted upon", required=True, references="leads.lead_id"),
        ContractColumn(name="kind", type=ColumnType.CATEGORY, doc="what happened", required=True, nullable=False),
        _time("happened_at", "when it happened", required=True),
        _time("known_at", "when our systems learned of it", default_from="happened_at"),
        ContractColumn(
            name="actor",
            type=ColumnType.CATEGORY,
            doc="who did it",
            values=tuple(Actor),
            default=str(Actor.LEAD),
        ),
        ContractColumn(name="asset", type=ColumnType.CATEGORY, doc="page, document, campaign or product area"),
        ContractColumn(name="channel", type=ColumnType.CATEGORY, doc="where it came from"),
        ContractColumn(name="value", type=ColumnType.NUMBER, doc="size of the engagement, e.g. minutes"),
    ),
    key=("activity_id",),
    clock="known_at",
    happened="happened_at",
)
ANSWERS = ContractTable(
    name="answers",
    doc="Replies to qualification questions and the CRM's field history.",
    columns=(
        _id("lead_id", "the lead that was asked", required=True, references="leads.lead_id"),
        ContractColumn(name="question", type=ColumnType.CATEGORY, doc="which question", required=True, nullable=False),
        ContractColumn(name="value", type=ColumnType.TEXT, doc="the answer; empty means withdrawn", required=True),
        _time("happened_at", "when it was given", default_from="known_at"),
        _time("known_at", "when our systems learned of it", required=True),
        ContractColumn(name="channel", type=ColumnType.CATEGORY, doc="form, quiz, calculator, chatbot, poll, call"),
        ContractColumn(name="author", type=ColumnType.CATEGORY, doc="who recorded it"),
    ),
    key=("lead_id", "question", "known_at"),
    clock="known_at",
    happened="happened_at",
)
STAGES = ContractTable(
    name="stages",
    doc="Lifecycle history of a lead.",
    columns=(
        _id("lead_id", "the lead", required=True, references="leads.lead_id"),
        ContractColumn(
            name="stage",
            type=ColumnType.CATEGORY,
            doc="stage entered",
            required=True,
            nullable=False,
            values=tuple(Stage),
        ),
        _time("entered_at", "when it was entered", required=True),
        _time("known_at", "when our systems learned of it", default_from="entered_at"),
        ContractColumn(name="owner", type=ColumnType.CATEGORY, doc="who owns the lead in this stage"),
        ContractColumn(name="reason", type=ColumnType.CATEGORY, doc="why the stage was entered"),
    ),
    key=("lead_id", "stage", "entered_at"),
    clock="known_at",
    happened="entered_at",
)
OUTCOMES = ContractTable(
    name="outcomes",
    doc="Closed opportunities; a reopened one has a row per close.",
    columns=(
        _id("opportunity_id", "identifies the deal", required=True),
        _id("lead_id", "the lead credited", references="leads.lead_id"),
        _id("account_id", "the company that bought or did not", references="accounts.account_id"),
        _time("closed_at", "when it closed", required=True),
        _time("known_at", "when the close became known", default_from="closed_at"),
        ContractColumn(name="won", type=ColumnType.BOOLEAN, doc="won or lost", required=True, nullable=False),
        ContractColumn(name="amount", type=ColumnType.NUMBER, doc="value of the deal", minimum=0),
        ContractColumn(name="product", type=ColumnType.CATEGORY, doc="what was sold"),
        ContractColumn(
            name="deal_kind", type=ColumnType.CATEGORY, doc="new business or expansion", values=("new", "expansion")
        ),
        ContractColumn(name="reason", type=ColumnType.CATEGORY, doc="why it was won or lost"),
    ),
    key=("opportunity_id", "closed_at"),
    clock="known_at",
    happened="closed_at",
)

TABLES: Mapping[str, ContractTable] = MappingProxyType(
    {table.name: table for table in (LEADS, ACCOUNTS, ACTIVITIES, ANSWERS, STAGES, OUTCOMES)}
)
