"""A starter declaration of one file of deals with clocks: leads and outcomes in one table, a horizon, a split."""

from pipelines.declaring.column_lines import ColumnPlace, amount_keys, missing_key, show_facts, source_key
from pipelines.declaring.deal_clocks import DealClocks
from pipelines.declaring.file_facts import FileFacts, status_lines
from pipelines.declaring.horizon_choice import HorizonChoice
from pipelines.declaring.record_id import RepeatedIds
from pipelines.declaring.status_column import StatusColumn
from pipelines.declaring.words.header_words import Meaning
from pipelines.declaring.words.money_words import currencies_of, tell_currencies
from pipelines.declaring.yaml_text import column_line, flow, framework_line, one_or_list, quote_yaml, wrap_comment

_LAST_CHANGE = {"type": "timestamp", "role": "display", "when_known": "overwritten"}


def deal_lines(facts: FileFacts, clocks: DealClocks, status: StatusColumn, lead_id: str) -> list[str]:
    """One table that is leads and outcomes: cohort at creation, horizon, censoring, split."""
    guesses = facts.guesses
    lines = [
        "opportunities: # one table that is leads and outcomes at once; see docs/sources.md",
        *facts.location_lines(indent=2),
        f"  lead_id: {quote_yaml(lead_id)} # {_id_in_words(facts)}",
        f"  created_at: {_timed(facts, clocks.created)} # when a lead came in; {show_facts(guesses[clocks.created])}",
        f"  closed_at: {_timed(facts, *clocks.closed)} # {_closed_in_words(clocks)}",
        "  status: # how a deal stands today: shown, never learned from",
        f"    from: {quote_yaml(status.header)}",
        *status_lines(status, indent=4),
    ]

    used = {lead_id, clocks.created, status.header, *clocks.closed}
    owner = next((header for header, name in facts.names.items() if name == "owner"), None)
    amount, reason = facts.first_number(Meaning.AMOUNT), facts.first(Meaning.REASON)
    named = amount or facts.first(Meaning.AMOUNT)
    currencies = {} if named is None else currencies_of(facts.frame, named)
    if named is not None and currencies:
        lines += wrap_comment(tell_currencies(named, currencies), indent=2)
        amount = None
    for key, header in (("owner", owner), ("amount", amount), ("reason", reason)):
        if header is not None and header not in used:
            used.add(header)
            declared = amount_keys(header) if key == "amount" else {"from": header} | missing_key(guesses[header])
            value = flow(declared) if len(declared) > 1 else quote_yaml(header)
            lines.append(f"  {key}: {value} # {show_facts(guesses[header])}")
    by_accounts = clocks.horizon.split_by == "accounts"
    if facts.account is not None:
        declared = {"from": facts.account, "when_known": "at_creation"} | missing_key(guesses[facts.account])
        account = f"account_id: {flow(declared)}"
        belong = "deals of one company belong together"
        lines.append(f"  {account} # {belong}" if by_accounts else f"  # {account} # if {belong}")

    done: dict[str, list[str]] = {header: [] for header in used}
    newest = facts.newest
    if newest is not None and facts.repeats is not None:
        name = facts.names[newest]
        done[newest] = [
            column_line(name, source_key(name, guesses[newest]) | _LAST_CHANGE, show_facts(guesses[newest]), indent=4)
        ]
        lines.append(f"  newest_by: {name} # {_newest_in_words(facts.repeats)}")
    attributes = facts.attribute_lines(ColumnPlace(indent=4), done)
    if amount is not None:
        shown = amount_keys(amount) | {"type": "number", "role": "display"}
        attributes.append(column_line("deal_value", shown, "shown with a lead", indent=4))

    handoffs = max(1, round(clocks.per_week / 5))
    return [
        *lines,
        "  columns:" if attributes else "  columns: {}",
        *attributes,
        "",
        f"label: {{outcome: won, horizon_days: {clocks.horizon.days}}} # {_horizon_in_words(clocks)}",
        "cohort: {policy: after_creation, after_days: [0]} # a lead is looked at once, when it comes in; open ones are",
        "# scored by what was known then. Rows younger than the horizon are censored, never counted as lost.",
        *split_lines(clocks.horizon),
        "",
        framework_line(),
        f"capacity: {{handoffs_per_week: {handoffs}}} # what sales can work; here a fifth of the leads that come in",
    ]


def _timed(facts: FileFacts, *headers: str) -> str:
    """Headers of a clock; with how its dates are read where a person had to say so."""
    form = next((facts.dates[header] for header in headers if header in facts.dates), None)
    named = one_or_list(headers)
    return flow(named if form is None else {"from": named, "time_format": form})


def split_lines(horizon: HorizonChoice) -> list[str]:
    """How rows are split for judging, and why."""
    if horizon.split_by == "time":
        return ["split: {by: time} # later leads judge what earlier ones taught"]
    return [*wrap_comment(horizon.why_by_accounts), "split: {by: accounts}"]


def _id_in_words(facts: FileFacts) -> str:
    repeated = facts.repeats is not None and (facts.repeats.ids or facts.repeats.alike)
    return f"{'some on several rows' if repeated else 'all different'}: the id that worklist, cards and exports show"


def _newest_in_words(repeats: RepeatedIds) -> str:
    differing = ", ".join(repeats.differing[:4])
    return f"{repeats.ids:,} ids stand on several rows, which differ in {differing}: the newest of each counts"


def _closed_in_words(clocks: DealClocks) -> str:
    first = "the first that is filled; " if len(clocks.closed) > 1 else ""
    early = f"; {clocks.early:,} close before they were created" if clocks.early else ""
    return f"when it closed: {first}{clocks.filled:.0%} of closed rows have one{early}"


def _horizon_in_words(clocks: DealClocks) -> str:
    horizon = clocks.horizon
    inside = (
        f"{horizon.share:.0%} of the wins came within it" if horizon.share >= 0 else "no win says how long one takes"
    )
    return f"{inside}; {horizon.matured:,} rows are old enough to be judged by it"
