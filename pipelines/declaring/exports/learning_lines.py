"""What is to be learned from an export: horizon, credit, cohort, split and capacity, each with its evidence."""

import pandas as pd

from pipelines.declaring.exports.deal_outcomes import Wins, days_to_win
from pipelines.declaring.exports.export_plan import ExportPlan
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.table_recognition import first_time
from pipelines.declaring.exports.table_references import TableReference
from pipelines.declaring.horizon_choice import HorizonChoice, choose_horizon
from pipelines.declaring.words.header_words import Meaning, Subject, words_of
from pipelines.declaring.yaml_text import flow, wrap_comment

_ALWAYS_FILLED = 0.9  # share from which a lead's account can have been known when the lead came in
_A_WEEK = 0.1  # share of a week's new leads that sales is taken to work, until somebody says better


def created_column(table: ExportTable) -> str:
    """The column that says when a row came in; "" if none does."""
    edited = (Meaning.MODIFIED, Meaning.CLOSED)
    return first_time(table, Meaning.CREATED, but=edited) or first_time(table, Meaning.HAPPENED, but=edited)


def is_known_at_creation(account: TableReference) -> bool:
    """Whether a lead's account was known when it came in, unlike one that its conversion sets."""
    return account.filled >= _ALWAYS_FILLED and "convert" not in words_of(account.column)


def learning_lines(plan: ExportPlan, wins: Wins | None, created: str, *, by_stages: bool) -> list[str]:
    """Zone, horizon, credit, split and capacity; ``by_stages`` tells that only stages say what was won."""
    lines = ["timezone: UTC # of times written without a zone; correct it, e.g. Europe/Berlin", ""]
    deals, leads = plan.table(Subject.DEALS), plan.leads
    if wins is None or leads is None:
        lines += wrap_comment(
            "No table says which deals were won and lost, and when; without outcomes nothing can be learned. Declare "
            "tables.outcomes, or stages named won and lost."
        )
        return [*lines, "label: {outcome: won, horizon_days: 91}", ""]

    horizon = _choose(plan, wins, leads, created)
    days = days_to_win(plan, wins, created)
    said = "No win could be traced to a lead: look at the columns that refer to leads below."
    if len(days):
        said = f"{horizon.share:.0%} of {len(days):,} wins came within {horizon.days} days of the lead; half within "
        said += f"{days.median():.0f}."
    if by_stages:
        said += " Wins and losses are those of the stages won, lost and disqualified: no column of outcomes was found."
    if horizon.days < horizon.wished:
        said += (
            f" {horizon.wished} days would hold most, but leads of {horizon.span:.0f} days are too short a history for "
            "that."
        )
    lines += wrap_comment(said)
    label: dict[str, object] = {"outcome": "won", "horizon_days": horizon.days}
    named = by_stages or deals is None or deals.name == leads.name or deals.name in plan.to_leads
    if deals is not None and not named and deals.name in plan.to_accounts:
        label["credit"] = "first_lead_of_account"
        lines += wrap_comment("Deals name no lead, only an account: each counts for the first lead of its account.")
    lines.append(f"label: {flow(label)}")
    lines.append("cohort: {policy: weekly} # or after_creation; how old leads may be: maximum_age_days")
    if horizon.split_by == "accounts":
        lines += [*wrap_comment(horizon.why_by_accounts), "split: {by: accounts}"]
    if horizon.span:
        handoffs = max(round(_A_WEEK * len(leads.frame) * 7 / horizon.span), 1)
        lines.append(
            f"capacity: {{handoffs_per_week: {handoffs}}} # a tenth of the leads of a week; how many can sales work?"
        )
    return [*lines, ""]


def _choose(plan: ExportPlan, wins: Wins, leads: ExportTable, created: str) -> HorizonChoice:
    """A horizon for the leads; they may be split by accounts where an account is known for them at creation."""
    times = leads.moments(created) if created else pd.Series(dtype="datetime64[us]")
    ends = max(times.max(), wins.at.max())
    account = plan.to_accounts.get(leads.name)
    deals = plan.table(Subject.DEALS)
    return choose_horizon(
        days_to_win(plan, wins, created).to_numpy(dtype="float64"),
        ((ends - times).dt.total_seconds() / 86_400).to_numpy(dtype="float64"),
        accounts=account is not None and (deals is leads or is_known_at_creation(account)),
        weekly=True,
    )
