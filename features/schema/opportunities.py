"""The shorthand ``opportunities:``: one table that is leads, outcomes, accounts and stages at once, written once."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from features.schema.columns import Column, Declared, Values, fold_value
from features.schema.table_source import FLAGS_IN_WORDS, Flags, Location
from features.schema.yaml_lines import LinedYaml, Path

KEY = "opportunities"
STATUS = "status"  # name of the leads' column that shows what the CRM says today
WRITTEN = ("leads", "outcomes")  # tables that the shorthand always writes


def _as_column(value: Any) -> Any:
    """A header, or several of which the first filled one counts, as a column."""
    return {"from": value} if isinstance(value, str | int | float | list | tuple) else value


Reference = Annotated[Column, BeforeValidator(_as_column)]


class DealStatus(Declared):
    """Column that says how a deal stands today, and what its values mean."""

    source: str = Field(alias="from", description="header in the file")
    won: Values = Field(description="values that mean won (upper and lower case alike)")
    lost: Values = Field(description="values that mean lost")
    disqualified: Values = Field(
        default=(), description="values that mean disqualified; label.disqualified says what that counts as"
    )
    open: Values = Field(
        default=(), description='values that mean not closed; "" stands for an empty cell. Others go to quarantine'
    )

    @model_validator(mode="after")
    def _apart(self) -> "DealStatus":
        check_apart({"won": self.won, "lost": self.lost, "disqualified": self.disqualified, "open": self.open})
        return self

    @property
    def closed(self) -> tuple[str, ...]:
        """Values of deals that are over."""
        return (*self.won, *self.lost, *self.disqualified)


def check_apart(sides: Mapping[str, tuple[str, ...]]) -> None:
    """ValueError unless won and lost have values, no value stands twice, and only open holds the empty cell."""
    meaning: dict[str, str] = {}
    for side, values in sides.items():
        if side in ("won", "lost") and not values:
            raise ValueError(f"'{side}' needs at least one value")
        for value in values:
            folded = fold_value(value)
            if not folded and side != "open":
                raise ValueError(f"an empty value can only mean open, but stands under '{side}'")
            if meaning.get(folded, side) != side:
                raise ValueError(f"'{value}' stands under '{meaning[folded]}' and under '{side}'; it can mean only one")
            meaning[folded] = side


class Opportunities(Declared):
    """One table of deals that is leads and outcomes at once (and accounts and stages); a header stands for a column."""

    location: Location = Field(description="the file")
    rows: dict[str, Values] = Field(default_factory=dict, description="as in a table: which rows of the file it holds")
    flags: Flags = Field(default_factory=dict, description=FLAGS_IN_WORDS, exclude_if=lambda flags: not flags)
    lead_id: Reference = Field(description="header of the CRM's own id of a deal; becomes lead and opportunity id")
    created_at: Reference = Field(description="header of when the deal came into being")
    closed_at: Reference = Field(description="header of when it closed; a list: the first filled one")
    status: DealStatus = Field(description="how a deal stands today; shown, never learned from")
    account_id: Reference | None = Field(default=None, description="header of the company")
    owner: Reference | None = Field(default=None, description="header of who works it")
    amount: Reference | None = Field(default=None, description="header of the deal's value")
    product: Reference | None = Field(default=None, description="header of what was sold")
    reason: Reference | None = Field(default=None, description="header of why it was won or lost")
    known_at: Reference | None = Field(default=None, description="header of when the close became known")
    columns: dict[str, Column] = Field(default_factory=dict, description="attributes, as in tables.leads.columns")
    newest_by: str | None = Field(
        default=None, description="as in a table: which of `columns` tells the newest of several rows of one deal"
    )
    account_columns: dict[str, Column] = Field(
        default_factory=dict, description="attributes of the company, as in tables.accounts.columns"
    )

    @model_validator(mode="after")
    def _accounts_have_ids(self) -> "Opportunities":
        if self.account_columns and self.account_id is None:
            raise ValueError("'account_columns' needs 'account_id': the header of the company")
        taken = [name for name in (*_LEAD_KEYS, STATUS) if name in self.columns and getattr(self, name) is not None]
        if taken:
            raise ValueError(f"'{taken[0]}' is said above; under 'columns' give the attribute another name")
        return self


class Shorthand(BaseModel):
    """A declaration as far as its shorthand is concerned."""

    model_config = ConfigDict(extra="ignore")

    opportunities: Opportunities


_LEAD_KEYS = ("lead_id", "created_at", "account_id", "owner")
_DEAL_KEYS = ("lead_id", "account_id", "closed_at", "known_at", "amount", "product", "reason")


def expand_opportunities(document: LinedYaml) -> tuple[LinedYaml, list[str]]:
    """The document with the shorthand written out as tables, each key with the line it was written in; and problems.

    ``document.data`` has a valid ``opportunities`` (see :class:`Shorthand`), which stays beside the tables.
    """
    written, declared = _Tables(document), document.data.get("tables") or {}
    if not isinstance(declared, dict):
        return document, []  # the schema says what is wrong with it
    problems = [
        f"line {document.line(('tables', name))}: tables.{name}: written by '{KEY}' already; leave one of the two out."
        for name in declared
        if name in WRITTEN or (name == "accounts" and document.data[KEY].get("account_columns"))
    ]

    written.add_leads()
    written.add_outcomes()
    if document.data[KEY].get("account_columns"):
        written.add_accounts()
    if "stages" not in declared and _are_excluded(document.data):
        written.add_disqualified()

    data = {**document.data, "tables": {**written.tables, **declared}}
    return LinedYaml(data, {**document.lines, **written.lines}), problems


def _are_excluded(data: Mapping[str, Any]) -> bool:
    """Whether disqualified deals need a stage of their own, because their label differs from that of lost ones."""
    label = data.get("label")
    return (
        bool(data[KEY][STATUS].get("disqualified"))
        and isinstance(label, dict)
        and label.get("disqualified") == "excluded"
    )


class _Tables:
    """The tables as they are written out; ``lines`` leads from each of their keys to the shorthand's."""

    def __init__(self, document: LinedYaml) -> None:
        self.raw: Mapping[str, Any] = document.data[KEY]
        self.status = DealStatus.model_validate(self.raw[STATUS])
        self.user_lines = document.lines
        self.tables: dict[str, dict[str, Any]] = {}
        self.lines: dict[Path, int] = {}

    def add_leads(self) -> None:
        """All rows: lead, its attributes, and the status of today, which is shown."""
        every = [value for value in (*self.status.closed, *self.status.open) if fold_value(value)]
        blank = any(not fold_value(value) for value in self.status.open)
        shown = {"from": self.status.source, "role": "display", "when_known": "overwritten", "values": every}
        self._open("leads")
        self._take("leads", {name: name for name in _LEAD_KEYS})
        self._put("leads", STATUS, {**shown, "required": not blank}, (STATUS,))
        self._take_all("leads", "columns")
        if self.raw.get("newest_by") is not None:
            self.tables["leads"]["newest_by"] = self.raw["newest_by"]
            self._graft(("newest_by",), ("tables", "leads", "newest_by"))

    def add_outcomes(self) -> None:
        """Rows whose status says that the deal is over."""
        self._open("outcomes", self.status.closed)
        self._put("outcomes", "opportunity_id", _as_column(self.raw["lead_id"]), ("lead_id",))
        self._take("outcomes", {name: name for name in _DEAL_KEYS})
        lost = [*self.status.lost, *self.status.disqualified]
        won = {"from": self.status.source, "true_values": list(self.status.won), "false_values": lost}
        self._put("outcomes", "won", won, (STATUS,))

    def add_accounts(self) -> None:
        """Every company once per moment at which a deal of it came into being."""
        self._open("accounts", distinct=True)
        self._take("accounts", {"account_id": "account_id", "known_at": "created_at"})
        self._take_all("accounts", "account_columns")

    def add_disqualified(self) -> None:
        """The stage ``disqualified`` of deals that were."""
        self._open("stages", self.status.disqualified)
        self._take("stages", {"lead_id": "lead_id", "entered_at": "closed_at", "known_at": "known_at"})
        self._put("stages", "stage", {"constant": "disqualified"}, (STATUS,))

    def _open(self, table: str, statuses: tuple[str, ...] = (), *, distinct: bool = False) -> None:
        rows = dict(self.raw.get("rows") or {})
        if statuses:
            rows[self.status.source] = list(statuses)
        made = {"location": self.raw["location"], "rows": rows, "columns": {}}
        flags = self.raw.get("flags")
        self.tables[table] = made | ({"distinct": True} if distinct else {}) | ({"flags": flags} if flags else {})
        self._graft((), ("tables", table), deep=False)
        self._graft(("location",), ("tables", table, "location"))
        self._graft(("rows",), ("tables", table, "rows"))
        self._graft(("flags",), ("tables", table, "flags"))

    def _take(self, table: str, names: Mapping[str, str]) -> None:
        """Columns of the contract, by the shorthand's key for each."""
        for name, key in names.items():
            if self.raw.get(key) is not None:
                self._put(table, name, _as_column(self.raw[key]), (key,))

    def _take_all(self, table: str, key: str) -> None:
        for name, column in (self.raw.get(key) or {}).items():
            self._put(table, name, column, (key, name))

    def _put(self, table: str, name: str, column: Any, origin: Path) -> None:
        self.tables[table]["columns"][name] = column
        self._graft(origin, ("tables", table, "columns", name))

    def _graft(self, origin: Path, target: Path, *, deep: bool = True) -> None:
        """Lines of what stands at ``origin`` in the shorthand, for ``target`` in the tables."""
        for rest, line in self._lines_below((KEY, *origin)):
            if deep or not rest:
                self.lines[(*target, *rest)] = line

    def _lines_below(self, origin: Path) -> Iterator[tuple[Path, int]]:
        depth = len(origin)
        return ((path[depth:], line) for path, line in self.user_lines.items() if path[:depth] == origin)
