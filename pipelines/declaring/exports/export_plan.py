"""Which table of an export becomes which of a declaration, how they refer to each other, and what is left over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.key_overlap import UNIQUE, KeyOverlap
from pipelines.declaring.exports.table_recognition import Guess, recognise
from pipelines.declaring.exports.table_references import TableReference, find_reference, stand_ins_of_leads
from pipelines.declaring.words.header_words import Meaning, Subject, subjects_of

_SAME_COMPANIES = 0.5  # share of the deals whose company is one of a lead
_ROLES = (
    Subject.LEADS,
    Subject.ACCOUNTS,
    Subject.DEALS,
    Subject.ACTIVITIES,
    Subject.ANSWERS,
    Subject.STAGES,
    Subject.HISTORY,
)
ROLE_WORDS = {
    Subject.LEADS: "leads",
    Subject.CONTACTS: "leads",
    Subject.ACCOUNTS: "accounts",
    Subject.DEALS: "deals",
    Subject.ACTIVITIES: "activities",
    Subject.ANSWERS: "answers",
    Subject.STAGES: "stages",
    Subject.HISTORY: "field history",
}


@dataclass(kw_only=True)
class ExportPlan:
    """What was found out about an export.

    Parameters
    ----------
    roles : table by what it is; deals are the leads themselves where there are no others
    guesses : what speaks for the role of each placed table
    keys : the column that identifies the rows of a table
    to_leads, to_accounts : how the rows of a table refer to leads and accounts, by table
    left_over : tables that could not be placed, each with the reason
    """

    tables: Mapping[str, ExportTable]
    roles: dict[Subject, str] = field(default_factory=dict)
    guesses: dict[str, Guess] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    to_leads: dict[str, TableReference] = field(default_factory=dict)
    to_accounts: dict[str, TableReference] = field(default_factory=dict)
    left_over: list[tuple[str, str]] = field(default_factory=list)

    def table(self, subject: Subject) -> ExportTable | None:
        """The table of a role."""
        name = self.roles.get(subject)
        return None if name is None else self.tables[name]

    @property
    def leads(self) -> ExportTable | None:
        """The table whose rows are the leads: people where there are any, else deals."""
        return self.table(Subject.LEADS) or self.table(Subject.DEALS)


def plan_export(tables: Sequence[ExportTable]) -> ExportPlan:
    """Place the tables of an export: each by its columns, name and values, then by the ids it shares with others."""
    overlap = KeyOverlap(tables)
    plan = ExportPlan(tables=overlap.tables, keys=dict(overlap.keys))
    _assign(plan, {table.name: recognise(table) for table in tables})
    _add_account_key(plan, overlap)

    leads = plan.leads
    if leads is not None:
        _refer(plan, overlap, leads.name)
    _drop_unrelated(plan)
    return plan


def _assign(plan: ExportPlan, guesses: Mapping[str, Sequence[Guess]]) -> None:
    """Every role to the table that most speaks for, each table once."""
    offers = sorted(
        ((guess.merit, name, guess) for name, found in guesses.items() for guess in found),
        key=lambda offer: (-offer[0], list(guesses).index(offer[1])),
    )
    people = {Subject.LEADS, Subject.CONTACTS}
    tops = {name: found[0].subject for name, found in guesses.items() if found}
    for _, name, guess in offers:
        role = Subject.LEADS if guess.subject in people else guess.subject
        if name in plan.guesses or role in plan.roles or role not in _ROLES:
            continue
        if guess.subject is Subject.CONTACTS and Subject.LEADS in tops.values():
            continue
        if guess.subject is not tops[name] and not {guess.subject, tops[name]} <= people:
            continue  # second thoughts only where the first found its place taken, and then it is left over
        plan.roles[role], plan.guesses[name] = name, guess

    for name, found in guesses.items():
        if name not in plan.guesses:
            plan.left_over.append((name, _why_not(plan, found)))


def _why_not(plan: ExportPlan, found: Sequence[Guess]) -> str:
    if not found:
        return "its columns are not those of leads, accounts, deals, activities, answers or stages"
    top = found[0].subject
    role = Subject.LEADS if top is Subject.CONTACTS else top
    taken = plan.roles.get(role)
    if taken is None:
        return f"it looks like {top}, but not clearly enough"
    if top is Subject.CONTACTS:
        return f"people who are no leads yet or no longer; '{taken}' holds the leads"
    return (
        f"it looks like {top} too, but '{taken}' does more so. One table of a kind can be declared: put the two "
        "together, or declare this one instead"
    )


def _add_account_key(plan: ExportPlan, overlap: KeyOverlap) -> None:
    """The id of accounts that stand in several rows each, as snapshots of them do."""
    table = plan.table(Subject.ACCOUNTS)
    if table is None or table.name in plan.keys:
        return
    for header in table.headers(Meaning.ID):
        filled = table.filled(header) >= UNIQUE and header not in table.times
        if filled and (Subject.ACCOUNTS in subjects_of(header) or overlap.links_to(table.name, header)):
            plan.keys[table.name] = overlap.keys[table.name] = header
            return


def _refer(plan: ExportPlan, overlap: KeyOverlap, leads: str) -> None:
    accounts = plan.roles.get(Subject.ACCOUNTS)
    key = plan.keys.get(leads)
    stand_ins = stand_ins_of_leads(overlap, leads, accounts)
    for role in (Subject.DEALS, Subject.ACTIVITIES, Subject.ANSWERS, Subject.STAGES, Subject.HISTORY):
        name = plan.roles.get(role)
        if name is None or name == leads or key is None:
            continue
        found = find_reference(overlap, name, leads, key, stand_ins)
        if found is not None:
            plan.to_leads[name] = found

    if accounts is None:
        _refer_by_company(plan, overlap, leads)
    if accounts is None or accounts not in plan.keys:
        return
    names = _names_of_accounts(plan, accounts)
    for name in dict.fromkeys([leads, *([plan.roles[Subject.DEALS]] if Subject.DEALS in plan.roles else [])]):
        found = find_reference(overlap, name, accounts, plan.keys[accounts], names)
        if found is not None:
            plan.to_accounts[name] = found


def _refer_by_company(plan: ExportPlan, overlap: KeyOverlap, leads: str) -> None:
    """Deals that name no lead, but a company that leads name too: the two belong to one account."""
    deals = plan.roles.get(Subject.DEALS)
    if deals is None or deals == leads or deals in plan.to_leads:
        return
    for own in plan.tables[leads].headers(Meaning.COMPANY):
        for header in plan.tables[deals].headers(Meaning.COMPANY):
            link = overlap.link(deals, header, leads, own)
            if link is None or link.rows < _SAME_COMPANIES:
                continue
            for name, column in ((leads, own), (deals, header)):
                plan.to_accounts[name] = TableReference(
                    column=column,
                    through=(),
                    rows=link.rows,
                    filled=plan.tables[name].filled(column),
                    evidence=(link.evidence,),
                )
            return


def _names_of_accounts(plan: ExportPlan, accounts: str) -> list[str]:
    """The column with the company's name, if it tells accounts apart."""
    table = plan.tables[accounts]
    named = [*table.headers(Meaning.COMPANY), *(h for h in ("Name", "name") if h in table.frame)]
    for header in named:
        values = table.frame[header].dropna()
        if len(values) and values.nunique() >= UNIQUE * len(values):
            return [header]
    return []


def _drop_unrelated(plan: ExportPlan) -> None:
    """Tables whose rows refer to no lead say nothing about any."""
    for role in (Subject.ACTIVITIES, Subject.ANSWERS, Subject.STAGES, Subject.HISTORY):
        name = plan.roles.get(role)
        if name is not None and name not in plan.to_leads:
            leads = plan.leads
            del plan.roles[role], plan.guesses[name]
            whose = "there are no leads to refer to" if leads is None else f"no column holds ids of '{leads.name}'"
            plan.left_over.append((name, f"it looks like {ROLE_WORDS[role]}, but {whose}"))
    name = plan.roles.get(Subject.ACCOUNTS)
    if name is not None and name not in plan.keys:
        del plan.roles[Subject.ACCOUNTS], plan.guesses[name]
        plan.left_over.append((name, "it looks like accounts, but no column tells its rows apart"))
