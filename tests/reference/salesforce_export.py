"""The demo's world as four files that Salesforce exports, in its headers and ids; everything in it is made up.

Leads carry 18-character ids from the data loader, tasks and opportunities 15-character ones from reports. Once a lead
was converted, its tasks belong to its contact. Statuses are as of today; open opportunities close on a date to come.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.synth.write import generate_demo
from tests.reference.salesforce_ids import salesforce_id, salesforce_ids

_SUBJECTS = {
    "email_sent": "Email: Newsletter {asset}",
    "email_open": "Opened: Newsletter {asset}",
    "email_click": "Clicked: Newsletter {asset}",
    "page_view": "Visited: {asset}",
    "content_download": "Downloaded: {asset}",
    "webinar": "Attended: webinar",
    "chat": "Chat",
    "roi_calculator": "Form submitted: ROI calculator",
    "demo_request": "Form submitted: demo request",
    "trial_start": "Trial started",
    "product_event": "Product: {asset}",
    "rep_call": "Call",
    "rep_email": "Email: Re: your question",
    "unsubscribe": "Unsubscribed",
}
_PEOPLE = {"<2M": "900000", "2-10M": "5000000", "10-50M": "28000000", ">50M": "90000000"}


@dataclass(frozen=True)
class SalesforceExport:
    """Tables by the name of their object, and the CRM ids of the demo's leads that were won."""

    tables: dict[str, pd.DataFrame]
    won: frozenset[str]


def make_salesforce(seed: int = 7, leads: int = 1500, months: int = 24) -> SalesforceExport:
    """The export of a demo's world."""
    demo = {name: frame.copy() for name, frame in generate_demo(seed, leads, months).tables.items()}
    people = demo["leads"].drop_duplicates("Lead ID")
    people = people[pd.to_datetime(people["Created Date"], utc=True, errors="coerce").notna()].reset_index(drop=True)
    number = {lead: place for place, lead in enumerate(people["Lead ID"])}
    stages = demo["stages"][demo["stages"]["Lead ID"].isin(number)].copy()
    stages["at"] = pd.to_datetime(stages["Entered"], utc=True, errors="coerce")
    last = stages.sort_values("at").drop_duplicates("Lead ID", keep="last").set_index("Lead ID")
    became = stages[stages["Stage"] == "opportunity"].sort_values("at").drop_duplicates("Lead ID").set_index("Lead ID")

    accounts = _accounts(demo["accounts"], number_of := {})
    leads_table = _leads(people, number, became, last, demo["accounts"], number_of)
    deals, won = _deals(demo["outcomes"], number, became, number_of)
    tasks = _tasks(demo["activities"], number, set(became.index))
    tables = {"Lead": leads_table, "Account": accounts, "Opportunity": deals, "Task": tasks}
    lead_ids = dict(zip(people["Lead ID"], leads_table["Id"], strict=True))
    return SalesforceExport(tables, frozenset(lead_ids[lead] for lead in won))


def write_salesforce(folder: Path, tables: dict[str, pd.DataFrame]) -> list[Path]:
    """One CSV per table."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.csv" for name in tables]
    for path, frame in zip(paths, tables.values(), strict=True):
        frame.to_csv(path, index=False)
    return paths


def _iso(moments: pd.Series) -> pd.Series:
    return moments.dt.strftime("%Y-%m-%dT%H:%M:%S.000Z").fillna("")


def _accounts(accounts: pd.DataFrame, number_of: dict[str, int]) -> pd.DataFrame:
    once = accounts.drop_duplicates("Account ID").reset_index(drop=True)
    number_of.update({account: place for place, account in enumerate(once["Account ID"])})
    return pd.DataFrame(
        {
            "Id": salesforce_ids("001", range(len(once))),
            "Name": once["Account Name"],
            "Industry": once["Industry"],
            "NumberOfEmployees": once["Employees"],
            "AnnualRevenue": once["Revenue Band"].map(_PEOPLE).fillna(""),
            "BillingCountry": once["Country"],
            "Website": "www." + once["Domain"],
            "CreatedDate": _iso(pd.to_datetime(once["Known At"], utc=True)),
            "LastModifiedDate": "2026-06-28T10:00:00.000Z",
        }
    )


def _leads(
    people: pd.DataFrame,
    number: dict[str, int],
    became: pd.DataFrame,
    last: pd.DataFrame,
    accounts: pd.DataFrame,
    number_of: dict[str, int],
) -> pd.DataFrame:
    firm = accounts.drop_duplicates("Account ID").set_index("Account ID")
    of_lead = firm.reindex(people["Account ID"])
    converted = people["Lead ID"].isin(became.index)
    now = people["Lead ID"].map(last["Stage"])
    status = pd.Series("Working - Contacted", index=people.index)
    status[now == "lead"] = "Open - Not Contacted"
    status[now.isin(["lost", "disqualified"]) & ~converted] = "Closed - Not Converted"
    status[converted] = "Closed - Converted"
    places = people["Lead ID"].map(number)
    at = people["Lead ID"].map(became["at"])
    account_ids = salesforce_ids("001", range(len(number_of)))
    account = people["Account ID"].map({name: account_ids[place] for name, place in number_of.items()})
    return pd.DataFrame(
        {
            "Id": salesforce_ids("00Q", places),
            "Name": people["Full Name"],
            "Email": people["Email"],
            "Phone": people["Phone"],
            "Title": people["Job Title"],
            "Company": of_lead["Account Name"].to_numpy(),
            "Industry": of_lead["Industry"].to_numpy(),
            "NumberOfEmployees": of_lead["Employees"].to_numpy(),
            "Country": of_lead["Country"].to_numpy(),
            "LeadSource": people["Lead Source"],
            "Status": status,
            "OwnerId": people["Owner"],
            "IsConverted": np.where(converted, "true", "false"),
            "ConvertedDate": at.dt.strftime("%Y-%m-%d").fillna(""),
            "ConvertedAccountId": account.where(converted, ""),
            "ConvertedContactId": pd.Series(salesforce_ids("003", places)).where(converted, ""),
            "ConvertedOpportunityId": pd.Series(salesforce_ids("006", places)).where(converted, ""),
            "CreatedDate": _iso(pd.to_datetime(people["Created Date"], utc=True)),
            "LastModifiedDate": _iso(people["Lead ID"].map(last["at"])),
        }
    )


def _deals(
    outcomes: pd.DataFrame, number: dict[str, int], became: pd.DataFrame, number_of: dict[str, int]
) -> tuple[pd.DataFrame, set[str]]:
    """One opportunity per converted lead, open or closed, and the expansions of accounts."""
    closed = outcomes[outcomes["Won"].isin(["yes", "no"])].drop_duplicates("Deal ID")
    own = closed[closed["Lead ID"].isin(became.index)].drop_duplicates("Lead ID", keep="last").set_index("Lead ID")
    account_ids = salesforce_ids("001", range(len(number_of)), long=False)
    rows = []
    for lead, start in became["at"].items():
        deal = own.loc[lead] if lead in own.index else None
        rows.append(
            {
                "Id": salesforce_id("006", number[str(lead)], long=False),
                "account": None if deal is None else deal["Account ID"],
                "Name": f"Project {number[str(lead)]}",
                "StageName": "Proposal/Price Quote" if deal is None else _stage(deal["Won"]),
                "Amount": "" if deal is None else deal["Amount"],
                "CloseDate": "2026-09-30" if deal is None else str(deal["Closed"])[:10],
                "Type": "New Business",
                "Loss_Reason__c": "" if deal is None or deal["Won"] == "yes" else deal["Reason"],
                "CreatedDate": start.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            }
        )
    later = closed[closed["Deal Type"] == "expansion"].reset_index(drop=True)
    for place, (_, deal) in enumerate(later.iterrows(), len(number)):
        rows.append(
            {
                "Id": salesforce_id("006", place, long=False),
                "account": deal["Account ID"],
                "Name": f"Expansion {place}",
                "StageName": _stage(deal["Won"]),
                "Amount": deal["Amount"],
                "CloseDate": str(deal["Closed"])[:10],
                "Type": "Existing Business",
                "Loss_Reason__c": "",
                "CreatedDate": f"{str(deal['Closed'])[:10]}T00:00:00.000Z",
            }
        )
    table = pd.DataFrame(rows)
    table.insert(1, "AccountId", table.pop("account").map({a: account_ids[n] for a, n in number_of.items()}).fillna(""))
    table["IsClosed"] = np.where(table["StageName"].str.startswith("Closed"), "true", "false")
    table["IsWon"] = np.where(table["StageName"] == "Closed Won", "true", "false")
    return table, {str(lead) for lead in own[own["Won"] == "yes"].index}


def _stage(won: str) -> str:
    return "Closed Won" if won == "yes" else "Closed Lost"


def _tasks(activities: pd.DataFrame, number: dict[str, int], converted: set[str]) -> pd.DataFrame:
    rows = activities[activities["Lead ID"].isin(number)].drop_duplicates("Activity ID").reset_index(drop=True)
    at = pd.to_datetime(rows["Happened"], utc=True, errors="coerce")
    rows, at = rows[at.notna()].reset_index(drop=True), at[at.notna()].reset_index(drop=True)
    places = rows["Lead ID"].map(number)
    of_contact = rows["Lead ID"].isin(converted)
    leads, contacts = (pd.Series(salesforce_ids(prefix, places, long=False)) for prefix in ("00Q", "003"))
    who = leads.mask(of_contact, contacts)
    asset = rows["Asset"].fillna("").replace("", "general")
    subject = [_SUBJECTS.get(kind, "Other").format(asset=name) for kind, name in zip(rows["Type"], asset, strict=True)]
    subtype = rows["Type"].map({"rep_call": "Call", "rep_email": "Email"}).fillna("Task")
    return pd.DataFrame(
        {
            "Id": salesforce_ids("00T", range(len(rows)), long=False),
            "WhoId": who,
            "Subject": subject,
            "TaskSubtype": subtype,
            "Status": "Completed",
            "ActivityDate": at.dt.strftime("%Y-%m-%d"),
            "CreatedDate": _iso(at),
        }
    )
