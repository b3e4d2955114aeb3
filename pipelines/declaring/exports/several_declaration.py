"""One commented declaration from the tables of an export, each guess beside its evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from features.kernel.column_reader import TRUE_TEXTS
from features.schema.canonical_tables import ACCOUNTS, LEADS
from pipelines.declaring.column_lines import amount_keys, explain_once
from pipelines.declaring.exports.attribute_lines import attribute_lines
from pipelines.declaring.exports.deal_outcomes import (
    DealOutcomes,
    Wins,
    leads_of_rows,
    leads_won,
    read_outcomes,
    wins_of_deals,
)
from pipelines.declaring.exports.event_blocks import activities_block, answers_block
from pipelines.declaring.exports.export_plan import ROLE_WORDS, ExportPlan
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.learning_lines import created_column, is_known_at_creation, learning_lines
from pipelines.declaring.exports.open_questions import find_questions
from pipelines.declaring.exports.stage_blocks import (
    StageHistory,
    read_stages,
    stages_block,
    wide_block,
    wide_stages,
    wins_of_stages,
)
from pipelines.declaring.exports.table_recognition import amount_column, first_column, first_time, owner_column
from pipelines.declaring.exports.table_references import TableReference, reference_line
from pipelines.declaring.words.header_words import Meaning, Subject, meanings_of, words_of
from pipelines.declaring.words.money_words import currencies_of, tell_currencies
from pipelines.declaring.yaml_text import (
    column_line,
    flow,
    framework_line,
    join_lines,
    location_lines,
    one_or_list,
    quote_yaml,
    wrap_comment,
)

_DEALS_KEYS = (
    ("amount", (Meaning.AMOUNT, Meaning.REVENUE)),
    ("product", (Meaning.PRODUCT,)),
    ("reason", (Meaning.REASON,)),
)
_NEW_WORDS, _MORE_WORDS = ("new",), ("existing", "expansion", "upsell", "renewal", "cross", "add on", "upgrade")


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What stands at the top of a declaration."""

    name: str
    title: str
    notes: tuple[str, ...] = ()


def render_declaration(plan: ExportPlan, heading: Heading) -> str:
    """Text of a declaration; every guess stands beside its evidence, and what could not be placed is named."""
    _take_outcomes_of_leads(plan)
    leads, deals = plan.leads, plan.table(Subject.DEALS)
    outcomes = None if deals is None else read_outcomes(deals)
    shorthand = leads is not None and deals is not None and leads.name == deals.name and outcomes is not None
    created = "" if leads is None else created_column(leads)
    history = read_stages(plan)
    wins = wins_of_stages(plan, history) if outcomes is None else wins_of_deals(plan, outcomes)

    edits = [*find_questions(plan, created, history, wins), *_ask_for_open(deals, outcomes)]
    edits += _ask_for_meanings(deals, outcomes, shorthand=shorthand)
    learning = learning_lines(plan, wins, created, by_stages=outcomes is None)
    lines = [*_head(plan, heading, edits), *learning]
    if shorthand and deals is not None and outcomes is not None:
        lines += _opportunities(plan, deals, outcomes, created)
    lines.append("tables:")
    before = len(lines)
    if not shorthand and leads is not None:
        lines += _leads(plan, leads, wins, created)
        lines += _accounts(plan)
        lines += _outcomes(plan, deals, outcomes)
    elif shorthand:
        lines += _accounts(plan)
    kinds, questions = _events(plan, lines, leads, history)
    if len(lines) == before:
        lines[-1] = "tables: {}"
    tail = ["", framework_line()]
    body = explain_once([*lines, *_spaced(kinds), *_spaced(questions), *tail])
    return join_lines(body)


def _ask_for_open(deals: ExportTable | None, outcomes: DealOutcomes | None) -> list[str]:
    count = 0 if deals is None or outcomes is None else outcomes.perhaps_open(deals)
    if deals is None or outcomes is None or not count:
        return []
    return [
        f"'{outcomes.column}' of '{deals.name}' does not tell open deals from lost ones: {count:,} deals that close "
        "after all that happened, or at no known time, would count as lost. Export a column of stages, or one that "
        "says which deals are closed, and name it under rows."
    ]


def _ask_for_meanings(deals: ExportTable | None, outcomes: DealOutcomes | None, *, shorthand: bool) -> list[str]:
    """What the statuses mean whose words do not say it: as open ones, wins and losses would be missing unseen."""
    if deals is None or outcomes is None or not outcomes.unplaced:
        return []
    shown = ", ".join(f"{quote_yaml(value)} ({rows:,} rows)" for value, rows in outcomes.unplaced.items())
    where = (
        "under won, lost, disqualified or open of opportunities.status"
        if shorthand
        else "under true_values or false_values of tables.outcomes.columns.won, or, if it means open, take it out of "
        "tables.outcomes.rows"
    )
    leads = "" if shorthand else ", and so do the leads of those with a date of a close"
    return [
        f"'{outcomes.column}' of '{deals.name}' has values whose meaning is not clear: {shown}. Put each {where}; "
        f"until then these rows go to quarantine{leads}."
    ]


def _take_outcomes_of_leads(plan: ExportPlan) -> None:
    """Where no table holds deals, leads that say themselves how and when they closed are the deals."""
    leads = plan.table(Subject.LEADS)
    if Subject.DEALS not in plan.roles and leads is not None and read_outcomes(leads) is not None:
        plan.roles[Subject.DEALS] = leads.name


def _spaced(lines: Sequence[str]) -> list[str]:
    return ["", *lines] if lines else []


def _events(
    plan: ExportPlan, lines: list[str], leads: ExportTable | None, history: StageHistory | None
) -> tuple[list[str], list[str]]:
    """Adds activities, answers and stages; returns the blocks that explain kinds and questions."""
    activities, kinds = activities_block(plan)
    answers, questions = answers_block(plan)
    stages = stages_block(plan, history)
    if not stages and leads is not None and leads.name in plan.keys and leads.name != plan.roles.get(Subject.DEALS):
        stages = wide_block(leads, plan.keys[leads.name], wide_stages(leads), has_deals=Subject.DEALS in plan.roles)
    lines += [*activities, *answers, *stages]
    return kinds, questions


def _head(plan: ExportPlan, heading: Heading, edits: Sequence[str]) -> list[str]:
    names = ", ".join(f"{table.name} ({len(table.frame):,} rows)" for table in plan.tables.values())
    lines = wrap_comment(f"Starter declaration for {len(plan.tables)} tables: {names}.")
    lines += [
        "# Everything here is a guess: correct it, save it, run leadscore run --source THIS.yaml",
        "# Every key is explained in docs/sources.md. What was found, and what speaks for it:",
    ]
    for role, name in plan.roles.items():
        what = ROLE_WORDS[role]
        lines += wrap_comment(f"{what} <- {name}: {', '.join(plan.guesses[name].reasons)}", first="  ")
    for name, why in plan.left_over:
        lines += wrap_comment(f"NOT PLACED {name}: {why}.", first="  ")
    for note in heading.notes:
        lines += wrap_comment(note, first="  ")
    lines += [f"# TO EDIT: {text}" for text in edits]
    return [*lines, f"name: {heading.name}", "kind: relational", f"title: {quote_yaml(heading.title)}"]


def _leads(plan: ExportPlan, table: ExportTable, wins: Wins | None, created: str) -> list[str]:
    lines = ["  leads:", *location_lines(table.location), "    columns:"]
    key = plan.keys.get(table.name)
    if key is None:
        lines += wrap_comment("No column tells the leads apart; which one is their id?", indent=6)
    lines.append(column_line("lead_id", {"from": key or "?"}))
    if not created:
        lines += wrap_comment("No column says when a lead came in; without it nothing has a date.", indent=6)
    lines.append(column_line("created_at", {"from": created or "?"}))
    done = {key, created, *_stand_ins(plan), *(h for named in wide_stages(table).values() for h in named)}

    account = plan.to_accounts.get(table.name)
    if account is not None:
        lines += _account_of_lead(account)
        done.add(account.column)
    owner = owner_column(table)
    if owner:
        lines.append(column_line("owner", {"from": owner} | table.missing(owner)))
        done.add(owner)
    won = None if wins is None else leads_won(plan, wins)
    won = None if won is None or not won.any() else won
    people = plan.roles.get(Subject.LEADS) == table.name
    return [*lines, *attribute_lines(table, {str(h) for h in done}, LEADS.names, won, people=people)]


def _account_of_lead(reference: TableReference) -> list[str]:
    """The lead's account, known at creation unless it is only filled later."""
    header, filled = reference.column, reference.filled
    if is_known_at_creation(reference):
        return reference_line("account_id", reference, {"when_known": "at_creation"})
    warning = wrap_comment(
        f"'{header}' is filled for {filled:.0%} of the leads, so it may be set when a lead is converted, which tells "
        "the outcome: columns of accounts are left out. If it is set at creation, replace role by when_known: "
        "at_creation.",
        indent=6,
    )
    return [*warning, *reference_line("account_id", reference, {"role": "ignore"})]


def _stand_ins(plan: ExportPlan) -> set[str]:
    """Headers of leads that other tables refer to them by, unless they are of use themselves."""
    named = {header for reference in plan.to_leads.values() for header in reference.through}
    return {header for header in named if Meaning.EMAIL not in meanings_of(header)}


def _accounts(plan: ExportPlan) -> list[str]:
    table = plan.table(Subject.ACCOUNTS)
    if table is None or not plan.to_accounts:
        return []
    key = plan.keys[table.name]
    lines = ["  accounts:", *location_lines(table.location), "    columns:", column_line("account_id", {"from": key})]
    done = {key}
    known = first_time(table, Meaning.LOGGED, but=(Meaning.MODIFIED, Meaning.CREATED))
    if known:
        lines.append(column_line("known_at", {"from": known}, "when these values became known"))
        done.add(known)
    else:
        lines += wrap_comment(
            "No column says since when these values are known: they count as always known. What changes over time "
            "(size, revenue) is today's value; leave it out, or keep dated exports (leadscore snapshot add).",
            indent=6,
        )
    attributes = attribute_lines(table, done, ACCOUNTS.names, None, clock="known_at" if known else "")
    return [*lines, *attributes]


def _outcomes(plan: ExportPlan, table: ExportTable | None, outcomes: DealOutcomes | None) -> list[str]:
    if table is None or outcomes is None:
        return []
    lines = ["  outcomes:", *location_lines(table.location), *_flag_lines(outcomes, indent=4)]
    if outcomes.rows:
        closed = int(outcomes.is_closed(table).sum())
        lines.append(f"    rows: {flow(outcomes.rows)} # {closed:,} of {len(table.frame):,} deals are closed")
    lines.append("    columns:")
    key = plan.keys.get(table.name)
    lines.append(column_line("opportunity_id", {"from": key or "?"}))
    lead = plan.to_leads.get(table.name)
    if lead is not None:
        found = int(leads_of_rows(plan, table).notna().sum())
        lines += reference_line("lead_id", lead)
        lines += wrap_comment(f"{found:,} of {len(table.frame):,} deals belong to a lead of this export.", indent=6)
    account = plan.to_accounts.get(table.name)
    if account is not None:
        lines += reference_line("account_id", account)
    lines.append(column_line("closed_at", {"from": one_or_list(outcomes.closed_at)}))
    if outcomes.known_at:
        lines.append(column_line("known_at", {"from": outcomes.known_at}))
    won: dict[str, object] = {"from": outcomes.column}
    if outcomes.won:
        won |= {"true_values": list(outcomes.won), "false_values": [*outcomes.lost, *outcomes.disqualified]}
    if not outcomes.tells_open:
        lines += wrap_comment(
            f"'{outcomes.column}' does not tell open deals from lost ones; if there are open ones, leave them out with "
            "'rows'.",
            indent=6,
        )
    lines.append(column_line("won", won, f"{outcomes.is_won(table).sum():,} won"))
    lines += _not_placed(outcomes, indent=6)
    return [*lines, *_deal_columns(table)]


def _not_placed(outcomes: DealOutcomes, *, indent: int) -> list[str]:
    """The statuses that are not understood."""
    shown = ", ".join(f"{value} {rows:,}" for value, rows in outcomes.unplaced.items())
    return wrap_comment(f"not placed: {shown}", indent=indent) if shown else []


def _flag_lines(outcomes: DealOutcomes, *, indent: int) -> list[str]:
    """The column of outcomes that is made of flags."""
    flags = outcomes.flags
    if flags is None:
        return []
    against = f"; {flags.contradictions:,} rows contradict themselves" if flags.contradictions else ""
    return [
        f"{' ' * indent}flags: {flow(flags.declare())} # a column made of these; with none set it is empty{against}"
    ]


def _deal_columns(table: ExportTable) -> list[str]:
    lines = []
    for name, meanings in _DEALS_KEYS:
        header = amount_column(table, *meanings) if name == "amount" else first_column(table, *meanings)
        currencies = currencies_of(table.frame, header) if name == "amount" and header else {}
        if currencies:
            lines += wrap_comment(tell_currencies(header, currencies), indent=6)
        elif header:
            lines.append(column_line(name, amount_keys(header) if name == "amount" else {"from": header}))
    for header in map(str, table.frame.columns):
        values = [str(value) for value in table.frame[header].dropna().unique()[:10]]
        kinds = {value: kind for value in values if (kind := _deal_kind(value))}
        if Meaning.KIND in meanings_of(header) and len(set(kinds.values())) > 1 and len(kinds) == len(values):
            lines.append(column_line("deal_kind", {"from": header, "map": kinds}))
            break
    return lines


def _deal_kind(value: str) -> str:
    words = words_of(value)
    if any(word in words for word in _MORE_WORDS):
        return "expansion"
    return "new" if any(word in words.split() for word in _NEW_WORDS) else ""


def _known_at_creation(account: TableReference) -> dict[str, object]:
    """The account of a deal that is a lead, too."""
    keys: dict[str, object] = {"from": account.column, "when_known": "at_creation"}
    return keys | ({"missing": list(account.missing)} if account.missing else {})


def _opportunities(plan: ExportPlan, table: ExportTable, outcomes: DealOutcomes, created: str) -> list[str]:
    """The shorthand: deals that are leads and outcomes at once."""
    key = plan.keys.get(table.name)
    people = plan.roles.get(Subject.LEADS) == table.name
    why = "leads say themselves how they closed" if people else "deals are the leads here: no table holds people"
    lines = [f"opportunities: # {why}"]
    lines += [*location_lines(table.location, indent=2), *_flag_lines(outcomes, indent=2)]
    lines += [f"  lead_id: {flow(key or '?')}", f"  created_at: {flow(created or '?')}"]
    lines.append(f"  closed_at: {flow(one_or_list(outcomes.closed_at))}")
    won, lost = outcomes.won, outcomes.lost
    if not won:
        values = [str(value) for value in table.frame[outcomes.column].dropna().unique()]
        won = tuple(value for value in values if value.lower() in TRUE_TEXTS)
        lost = tuple(value for value in values if value not in won)
        lines += wrap_comment(
            f"'{outcomes.column}' does not tell open deals from lost ones; if there are open ones, name a column of "
            "stages.",
            indent=2,
        )
    status: dict[str, object] = {"from": outcomes.column, "won": list(won), "lost": list(lost)}
    if outcomes.disqualified:
        status["disqualified"] = list(outcomes.disqualified)
    status["open"] = list(outcomes.open)
    lines.append(f"  status: {flow(status)}")
    lines += _not_placed(outcomes, indent=2)
    done = {key, created, outcomes.column, outcomes.known_at, *outcomes.closed_at}
    done |= set() if outcomes.flags is None else set(outcomes.flags.headers)

    account = plan.to_accounts.get(table.name)
    if account is not None:
        lines.append(f"  account_id: {flow(_known_at_creation(account))}")
        done.add(account.column)
    keys = [(name, first_column(table, *meanings)) for name, meanings in _DEALS_KEYS[1:]]
    amount = amount_column(table, *_DEALS_KEYS[0][1])
    for name, header in (("owner", owner_column(table)), ("amount", amount), *keys):
        currencies = currencies_of(table.frame, header) if name == "amount" and header else {}
        if currencies:
            lines += wrap_comment(tell_currencies(header, currencies), indent=2)
        elif header:
            declared = amount_keys(header) if name == "amount" else {"from": header}
            declared |= table.missing(header) if name == "owner" else {}
            lines.append(f"  {name}: {flow(declared if len(declared) > 1 else header)}")
            done.add(header)
    known = pd.Series(outcomes.is_won(table).astype("float64")).where(outcomes.is_closed(table))
    attributes = attribute_lines(
        table, {str(h) for h in done}, (*LEADS.names, "status"), known, people=people, indent=4
    )
    lines += ["  columns:", *attributes] if attributes else []
    return [*lines, ""]
