"""The demo as a company would have it that exports its CRM's current state every week, and the history behind it.

The CRM overwrites: a lead's row holds today's answers, today's outcome, and a contract number that is filled after the
win. The true history has every answer with the moment it became known.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from pipelines.synth.write import Demo, generate_demo

QUESTIONS = ("budget", "decision_role", "start", "pain")
DAY = pd.Timedelta(days=1)
MOMENT = pd.Timedelta(microseconds=1)

_COMMON = """\
kind: relational
timezone: UTC
data_cutoff: "{cutoff}"
label: {{horizon_days: 28, reporting_lag_days: 7}}
cohort: {{maximum_age_days: 120}}
split: {{folds: 2}}
activity_kinds:
  page_view: {{dimension: interest, topic: interest}}
  demo_request: {{dimension: intent, topic: timeline}}
questions:
  budget: {{topic: budget, text: Is there a budget, values: [none, "<10k", "10-50k", ">50k"], met: [">50k"]}}
  decision_role: {{topic: authority, text: Who decides, values: [uses, recommends, decides], met: [decides]}}
  start: {{topic: timeline, text: By when, values: [no plan, this year, this quarter], met: [this quarter]}}
  pain: {{topic: need, type: number, text: How much does it hurt, met_minimum: 6}}
"""
_ATTRIBUTES = """\
      job_title: {from: Job Title, type: text, title: true, topic: authority}
      lead_source: {from: Lead Source}
      free_mailbox: {from: Free Mailbox, type: boolean, topic: need}
"""
_OVERWRITTEN = """\
      budget: {from: Budget, when_known: snapshots}
      decision_role: {from: Decision Role, when_known: snapshots}
      start: {from: Start, when_known: snapshots}
      pain: {from: Pain, type: number, when_known: snapshots}
      contract_number: {from: Contract Number, when_known: snapshots}
"""
_CRM = """\
opportunities:
  location: {{file: crm.csv{snapshots}}}
  lead_id: Lead ID
  created_at: Created Date
  closed_at: Closed
  status: {{from: Status, won: [Closed Won], lost: [Closed Lost], open: [Open]}}
  amount: Amount
  columns:
{columns}"""


def _table(name: str, columns: Mapping[str, str], attributes: str = "") -> str:
    """A table of a file of its name, its columns by their headers."""
    lines = [f"  {name}:", f"    location: {{file: {name}.csv}}", "    columns:"]
    lines += [f"      {column}: {{from: {header}}}" for column, header in columns.items()]
    return "\n".join([*lines, attributes])


_LEADS = _table("leads", {"lead_id": "Lead ID", "created_at": "Created Date"}, _ATTRIBUTES)
_ACTIVITIES = _table(
    "activities",
    {
        "activity_id": "Activity ID",
        "lead_id": "Lead ID",
        "kind": "Type",
        "happened_at": "Happened",
        "known_at": "Logged",
        "actor": "Actor",
    },
)
_ANSWERS = _table(
    "answers",
    {
        "lead_id": "Lead ID",
        "question": "Question",
        "value": "Answer",
        "happened_at": "Given",
        "known_at": "Recorded",
    },
)
_OUTCOMES = _table(
    "outcomes",
    {
        "opportunity_id": "Deal ID",
        "lead_id": "Lead ID",
        "closed_at": "Closed",
        "known_at": "Booked",
        "won": "Won",
        "amount": "Amount",
    },
)


def true_declaration(cutoff: pd.Timestamp) -> str:
    """The source with the true history: answers and outcomes with their own clocks."""
    common = _COMMON.format(cutoff=cutoff.isoformat())
    return "name: truth\n" + common + "tables:\n" + _LEADS + _ANSWERS + _OUTCOMES + _ACTIVITIES


def crm_declaration(cutoff: pd.Timestamp, *, snapshots: bool = True) -> str:
    """The source of the CRM's own file: kept as snapshots, or one export of it taken at its word."""
    columns = (_ATTRIBUTES + _OVERWRITTEN).replace("\n      ", "\n    ").removeprefix("  ")
    if not snapshots:
        columns = columns.replace("when_known: snapshots", "when_known: at_creation")
    crm = _CRM.format(snapshots=", snapshots: true" if snapshots else "", columns=columns)
    return "name: crm\n" + _COMMON.format(cutoff=cutoff.isoformat()) + crm + "tables:\n" + _ACTIVITIES


class WeeklyWorld:
    """A small demo: its true history as files, and what the CRM would have exported at any moment."""

    def __init__(self, leads: int = 500, months: int = 14, seed: int = 7) -> None:
        self.demo: Demo = generate_demo(seed, leads, months)
        tables = self.demo.tables
        self.leads = tables["leads"].drop_duplicates("Lead ID")
        self.leads = self.leads[self.leads["Created Date"].str.contains("T")].reset_index(drop=True)
        known = self.leads["Lead ID"]
        self.answers = tables["answers"][lambda t: t["Lead ID"].isin(known) & t["Question"].isin(QUESTIONS)]
        self.answers = self.answers.drop_duplicates(["Lead ID", "Question", "Recorded"])
        deals = tables["outcomes"][lambda t: t["Lead ID"].isin(known) & t["Won"].isin(["yes", "no"])]
        self.outcomes = deals[~(deals["Amount"] < 0)].drop_duplicates("Lead ID")
        logged = _moments(tables["activities"]["Logged"]).max().normalize()
        self.cutoff = logged + DAY * (7 - logged.weekday())  # a Monday, 00:00
        acts = tables["activities"][lambda t: t["Lead ID"].isin(known) & t["Happened"].str.contains("T")]
        self.activities = acts[acts["Type"].isin(["page_view", "demo_request"])].drop_duplicates("Activity ID")

    def write_truth(self, folder: Path) -> None:
        """The files of :func:`true_declaration`."""
        self.leads.to_csv(folder / "leads.csv", index=False)
        self.answers.to_csv(folder / "answers.csv", index=False)
        self.outcomes.to_csv(folder / "outcomes.csv", index=False)
        self.activities.to_csv(folder / "activities.csv", index=False)

    def export(self, before: pd.Timestamp) -> pd.DataFrame:
        """The CRM's rows as they stand at the last moment before ``before`` (naive UTC)."""
        leads = self.leads[_moments(self.leads["Created Date"]) < before]
        made = leads[["Lead ID", "Created Date", "Job Title", "Lead Source", "Free Mailbox"]].set_index("Lead ID")

        said = self.answers[_moments(self.answers["Recorded"]) < before]
        order = said.assign(given=_moments(said["Given"]), known=_moments(said["Recorded"]))
        newest = order.sort_values(["given", "known"], kind="stable").drop_duplicates(
            ["Lead ID", "Question"], keep="last"
        )
        wide = newest.pivot(index="Lead ID", columns="Question", values="Answer").reindex(columns=list(QUESTIONS))
        for question in QUESTIONS:
            made[question.replace("_", " ").title()] = wide[question].reindex(made.index)

        closed = self.outcomes[_moments(self.outcomes["Booked"]) < before].set_index("Lead ID").reindex(made.index)
        won = closed["Won"].map({"yes": "Closed Won", "no": "Closed Lost"})
        made["Status"], made["Closed"], made["Amount"] = won.fillna("Open"), closed["Closed"], closed["Amount"]
        made["Contract Number"] = ("C-" + made.index.to_series()).where(won == "Closed Won")
        return made.reset_index()

    def write_exports(self, folder: Path, mondays: pd.DatetimeIndex) -> list[Path]:
        """An export of each Sunday's end, dated in its name."""
        files = []
        for monday in mondays:
            file = folder / f"crm_{monday - DAY:%Y-%m-%d}.csv"
            self.export(monday).to_csv(file, index=False)
            files.append(file)
        return files


def _moments(texts: pd.Series) -> pd.Series:
    return pd.to_datetime(texts, utc=True, format="ISO8601").dt.tz_localize(None)
