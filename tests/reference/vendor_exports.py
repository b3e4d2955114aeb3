"""The demo's world as vendors would export it: their headings, ids, words and forms of time. Synthetic throughout."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipelines.synth.write import write_demo
from tests.reference.salesforce_ids import salesforce_id

STATUSES = ("won", "lost", "disqualified", "open")
_WON_LOST = {"won": "Won", "lost": "Lost", "disqualified": "Lost", "open": "Open"}


@dataclass(frozen=True)
class World:
    """What happened, one row per lead, account and activity, before any vendor words it.

    Parameters
    ----------
    leads : number, created, closed (missing if open), status (one of STATUSES), stage, account (number), owner, title,
        source, name, email, amount, reason, touches
    accounts : number, company, industry, employees, country, domain
    activities : lead (number), kind, happened, asset
    """

    leads: pd.DataFrame
    accounts: pd.DataFrame
    activities: pd.DataFrame


def make_world(folder: Path, *, leads: int = 600, seed: int = 7) -> World:
    """The demo of so many leads, its tables joined to what a CRM shows of them on the day of the export."""
    write_demo(folder, seed=seed, leads=leads, months=24)
    read = {name: pd.read_csv(folder / f"{name}.csv", dtype="str") for name in ("leads", "accounts", "activities")}
    stages = pd.read_csv(folder / "stages.csv", dtype="str")
    outcomes = pd.read_csv(folder / "outcomes.csv", dtype="str").dropna(subset=["Lead ID"])

    last = stages.sort_values("Entered", kind="stable").drop_duplicates("Lead ID", keep="last").set_index("Lead ID")
    first_close = outcomes.sort_values("Closed", kind="stable").drop_duplicates("Lead ID").set_index("Lead ID")

    table = read["leads"].drop_duplicates("Lead ID")
    created = pd.to_datetime(table["Created Date"], utc=True, format="ISO8601", errors="coerce")
    table, created = table[created.notna()].reset_index(drop=True), created.dropna().reset_index(drop=True)
    ids = table["Lead ID"]
    stage = ids.map(last["Stage"]).fillna("lead")
    status = stage.map({"won": "won", "lost": "lost", "disqualified": "disqualified"}).fillna("open")
    closed = pd.to_datetime(ids.map(last["Entered"]), utc=True, format="ISO8601", errors="coerce").where(
        status.ne("open")
    )
    accounts = read["accounts"].drop_duplicates("Account ID", keep="last").reset_index(drop=True)
    account = table["Account ID"].map(pd.Series(range(1, len(accounts) + 1), index=accounts["Account ID"]))

    world_leads = pd.DataFrame(
        {
            "number": range(1, len(table) + 1),
            "created": created,
            "closed": closed,
            "status": status,
            "stage": stage,
            "account": account.astype("Int64"),
            "owner": table["Owner"],
            "title": table["Job Title"],
            "source": table["Lead Source"],
            "name": table["Full Name"],
            "email": table["Email"],
            "amount": ids.map(first_close["Amount"]),
            "reason": ids.map(last["Reason"]).where(status.eq("lost")),
            "touches": table["Total Touches"],
        }
    )
    numbers = pd.Series(world_leads["number"].to_numpy(), index=ids)
    acts = read["activities"]
    world_activities = pd.DataFrame(
        {
            "lead": acts["Lead ID"].map(numbers),
            "kind": acts["Type"],
            "happened": pd.to_datetime(acts["Happened"], utc=True, format="ISO8601", errors="coerce"),
            "asset": acts["Asset"],
        }
    ).dropna(subset=["lead", "happened"])
    world_accounts = pd.DataFrame(
        {
            "number": range(1, len(accounts) + 1),
            "company": accounts["Account Name"],
            "industry": accounts["Industry"],
            "employees": accounts["Employees"],
            "country": accounts["Country"],
            "domain": accounts["Domain"],
        }
    )
    return World(world_leads, world_accounts, world_activities.astype({"lead": "int64"}))


def _guid(kind: int, number: int) -> str:
    return f"{kind:08x}-5f1c-ec11-b6e5-{number:012x}"


def _words(values: pd.Series, words: Mapping[str, str]) -> pd.Series:
    return values.map(words)


def _times(values: pd.Series, form: str) -> pd.Series:
    return values.dt.strftime(form).where(values.notna())


def _spread(numbers: pd.Series, form: Callable[[int], str]) -> pd.Series:
    return numbers.map(lambda n: form(int(n)) if pd.notna(n) else None)


def _company(world: World) -> pd.DataFrame:
    return world.leads[["account"]].merge(world.accounts, how="left", left_on="account", right_on="number")


def export_vendor(vendor: str, world: World, folder: Path) -> list[Path]:
    """Files of an export in a vendor's form; what it cannot say (won or lost) stands in no file of it."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in EXPORTS[vendor](world).items():
        path = folder / name
        frame.to_csv(path, index=False)
        written.append(path)
    return written


def _hubspot(world: World) -> dict[str, pd.DataFrame]:
    leads, form = world.leads, "%Y-%m-%d %H:%M"
    stage = {"won": "Closed Won", "lost": "Closed Lost", "disqualified": "Unqualified", "open": "Appointment Scheduled"}
    expected = leads["closed"].fillna(leads["created"] + pd.Timedelta(days=120))
    frame = pd.DataFrame(
        {
            "Record ID": _spread(leads["number"], lambda n: str(9_100_000_000 + n)),
            "Deal Name": [
                f"{company} - {n}" for company, n in zip(_company(world)["company"], leads["number"], strict=True)
            ],
            "Deal Stage": _words(leads["status"], stage),
            "Create Date": _times(leads["created"], form),
            "Close Date": _times(expected, form),
            "Amount": leads["amount"],
            "Deal owner": leads["owner"],
            "Original Traffic Source": leads["source"],
            "Associated Company": _company(world)["company"],
            "Associated Contact": leads["name"] + " (" + leads["email"] + ")",
            "Number of times contacted": leads["touches"],
            "Closed Lost Reason": leads["reason"],
        }
    )
    return {"hubspot-crm-exports-all-deals.csv": frame}


def _salesforce(world: World) -> dict[str, pd.DataFrame]:
    """An organisation that works with opportunities alone; salesforce_export.py has one that converts leads."""
    leads, accounts, form = world.leads, world.accounts, "%Y-%m-%dT%H:%M:%S.000Z"
    stage = {"won": "Closed Won", "lost": "Closed Lost", "disqualified": "Unqualified", "open": "Needs Analysis"}
    expected = leads["closed"].fillna(leads["created"] + pd.Timedelta(days=120))
    opportunity = pd.DataFrame(
        {
            "Id": _spread(leads["number"], lambda n: salesforce_id("006", n)),
            "Name": leads["name"],
            "AccountId": _spread(leads["account"], lambda n: salesforce_id("001", n)),
            "StageName": _words(leads["status"], stage),
            "CreatedDate": _times(leads["created"], form),
            "CloseDate": _times(expected, "%Y-%m-%d"),
            "Amount": leads["amount"],
            "LeadSource": leads["source"],
            "Probability": _words(leads["status"], {"won": "100", "lost": "0", "disqualified": "0", "open": "20"}),
            "OwnerId": leads["owner"],
        }
    )
    account = pd.DataFrame(
        {
            "Id": _spread(accounts["number"], lambda n: salesforce_id("001", n)),
            "Name": accounts["company"],
            "Industry": accounts["industry"],
            "NumberOfEmployees": accounts["employees"],
            "BillingCountry": accounts["country"],
        }
    )
    activity = world.activities
    task = pd.DataFrame(
        {
            "Id": _spread(pd.Series(range(len(activity))), lambda n: salesforce_id("00T", n)),
            "WhatId": _spread(activity["lead"], lambda n: salesforce_id("006", n, long=False)).to_numpy(),
            "Subject": activity["kind"].to_numpy(),
            "TaskSubtype": activity["kind"].to_numpy(),
            "CompletedDateTime": _times(activity["happened"], form).to_numpy(),
        }
    )
    return {"Opportunity.csv": opportunity, "Account.csv": account, "Task.csv": task}


def _dynamics(world: World) -> dict[str, pd.DataFrame]:
    leads, form = world.leads, "%m/%d/%Y %I:%M %p"
    frame = pd.DataFrame(
        {
            "(Do Not Modify) Opportunity": _spread(leads["number"], lambda n: _guid(1, n)),
            "(Do Not Modify) Row Checksum": _spread(leads["number"], lambda n: f"{n * 7919:x}=="),
            "(Do Not Modify) Modified On": _times(leads["closed"].fillna(leads["created"]), form),
            "Topic": leads["name"],
            "Potential Customer": _company(world)["company"],
            "Status": _words(leads["status"], _WON_LOST),
            "Status Reason": leads["reason"],
            "Created On": _times(leads["created"], form),
            "Est. Close Date": _times(leads["created"] + pd.Timedelta(days=90), "%m/%d/%Y"),
            "Actual Close Date": _times(leads["closed"], "%m/%d/%Y"),
            "Actual Revenue": leads["amount"],
            "Owner": leads["owner"],
            "Lead Source": leads["source"],
            "Rating": _words(leads["status"], {"won": "Hot", "lost": "Cold", "disqualified": "Cold", "open": "Warm"}),
        }
    )
    return {"Opportunities.csv": frame}


def _pipedrive(world: World) -> dict[str, pd.DataFrame]:
    leads, form = world.leads, "%Y-%m-%d %H:%M:%S"
    frame = pd.DataFrame(
        {
            "Deal - ID": leads["number"],
            "Deal - Title": leads["name"],
            "Deal - Organization": _company(world)["company"],
            "Deal - Status": _words(leads["status"], _WON_LOST),
            "Deal - Stage": leads["stage"],
            "Deal - Deal created": _times(leads["created"], form),
            "Deal - Won time": _times(leads["closed"].where(leads["status"].eq("won")), form),
            "Deal - Lost time": _times(leads["closed"].where(leads["status"].isin(["lost", "disqualified"])), form),
            "Deal - Value": leads["amount"],
            "Deal - Owner": leads["owner"],
            "Deal - Source channel": leads["source"],
            "Deal - Done activities": leads["touches"],
            "Deal - Lost reason": leads["reason"],
            "Deal - Expected close date": _times(leads["created"] + pd.Timedelta(days=90), "%Y-%m-%d"),
            "Person - Email": leads["email"],
        }
    )
    activity = world.activities
    done = pd.DataFrame(
        {
            "Activity - ID": range(1, len(activity) + 1),
            "Activity - Deal ID": activity["lead"].to_numpy(),
            "Activity - Type": activity["kind"].to_numpy(),
            "Activity - Marked as done time": _times(activity["happened"], form).to_numpy(),
        }
    )
    return {"deals.csv": frame, "activities.csv": done}


def _zoho(world: World) -> dict[str, pd.DataFrame]:
    leads, form = world.leads, "%Y-%m-%d %H:%M:%S"
    stage = {"won": "Closed Won", "lost": "Closed Lost", "disqualified": "Not Qualified", "open": "Value Proposition"}
    frame = pd.DataFrame(
        {
            "Record Id": _spread(leads["number"], lambda n: f"zcrm_{5_200_000_000_000_000_000 + n}"),
            "Deal Name": leads["name"],
            "Deal Owner": leads["owner"],
            "Account Name": _company(world)["company"],
            "Stage": _words(leads["status"], stage),
            "Created Time": _times(leads["created"], form),
            "Closing Date": _times(leads["closed"].fillna(leads["created"] + pd.Timedelta(days=90)), "%Y-%m-%d"),
            "Amount": leads["amount"],
            "Lead Source": leads["source"],
            "Probability (%)": _words(leads["status"], {"won": "100", "lost": "0", "disqualified": "0", "open": "40"}),
            "Modified Time": _times(leads["closed"].fillna(leads["created"]), form),
        }
    )
    return {"Deals_2026_07_01.csv": frame}


def _odoo(world: World) -> dict[str, pd.DataFrame]:
    leads, form = world.leads, "%Y-%m-%d %H:%M:%S"
    frame = pd.DataFrame(
        {
            "ID": leads["number"],
            "Opportunity": leads["name"],
            "Won/Lost": _words(leads["status"], {**_WON_LOST, "open": "Pending"}),
            "Stage": _words(leads["status"], {"won": "Won", "lost": "New", "disqualified": "New", "open": "Offer"}),
            "Created on": _times(leads["created"], form),
            "Closed Date": _times(leads["closed"], form),
            "Expected Closing": _times(leads["created"] + pd.Timedelta(days=90), "%Y-%m-%d"),
            "Expected Revenue": leads["amount"],
            "Salesperson": leads["owner"],
            "Source": leads["source"],
            "Country": _company(world)["country"],
            "Job Position": leads["title"],
            "Email": leads["email"],
            "Probability": _words(leads["status"], {"won": "100", "lost": "0", "disqualified": "0", "open": "31.5"}),
            "Active": leads["status"].isin(["won", "open"]).astype("str"),
            "Lost Reason": leads["reason"],
        }
    )
    return {"crm.lead.csv": frame}


def _people(world: World, headings: Mapping[str, str], form: str) -> pd.DataFrame:
    company = _company(world)
    whole = world.leads.assign(
        created=_times(world.leads["created"], form), company=company["company"], country=company["country"]
    )
    return whole[list(headings)].rename(columns=dict(headings))


def _outcomes_beside(world: World, key: str) -> pd.DataFrame:
    """The CRM's deals beside a marketing or product tool: it alone knows what was won."""
    closed = world.leads[world.leads["status"].ne("open")]
    return pd.DataFrame(
        {
            "Deal ID": [f"D{n}" for n in closed["number"]],
            key: closed["number"].to_numpy(),
            "Closed": _times(closed["closed"], "%Y-%m-%dT%H:%M:%SZ").to_numpy(),
            "Won": _words(closed["status"], {"won": "yes"}).fillna("no").to_numpy(),
        }
    )


def _marketo(world: World) -> dict[str, pd.DataFrame]:
    form = "%Y-%m-%dT%H:%M:%SZ"
    ids = {"page_view": "1", "content_download": "2", "email_sent": "6", "email_open": "10", "email_click": "11"}
    headings = {
        "number": "Id",
        "email": "Email Address",
        "title": "Job Title",
        "company": "Company Name",
        "country": "Country",
        "source": "Lead Source",
        "created": "Created At",
        "touches": "Lead Score",
    }
    activity = world.activities[world.activities["kind"].isin(ids)]
    events = pd.DataFrame(
        {
            "marketoGUID": range(1, len(activity) + 1),
            "leadId": activity["lead"].to_numpy(),
            "activityDate": _times(activity["happened"], form).to_numpy(),
            "activityTypeId": activity["kind"].map(ids).to_numpy(),
            "primaryAttributeValue": activity["asset"].to_numpy(),
        }
    )
    return {
        "leads.csv": _people(world, headings, form),
        "activities.csv": events,
        "deals.csv": _outcomes_beside(world, "Lead ID"),
    }


def _mautic(world: World) -> dict[str, pd.DataFrame]:
    form = "%Y-%m-%d %H:%M:%S"
    headings = {
        "number": "id",
        "email": "email",
        "title": "position",
        "company": "company",
        "country": "country",
        "touches": "points",
        "created": "date_added",
    }
    activity = world.activities[world.activities["kind"].eq("page_view")]
    hits = pd.DataFrame(
        {
            "id": range(1, len(activity) + 1),
            "lead_id": activity["lead"].to_numpy(),
            "date_hit": _times(activity["happened"], form).to_numpy(),
            "event_name": "page.hit",
            "url": ("https://site.example/" + activity["asset"].fillna("")).to_numpy(),
        }
    )
    return {
        "contacts.csv": _people(world, headings, form),
        "page_hits.csv": hits,
        "deals.csv": _outcomes_beside(world, "Contact ID"),
    }


def _posthog(world: World) -> dict[str, pd.DataFrame]:
    form = "%Y-%m-%dT%H:%M:%S.%fZ"
    activity = world.activities[world.activities["kind"].isin(["page_view", "trial", "product_use", "chat"])]
    names = {"page_view": "$pageview", "trial": "trial_started", "product_use": "$autocapture", "chat": "chat opened"}
    events = pd.DataFrame(
        {
            "uuid": [_guid(9, n) for n in range(len(activity))],
            "event": activity["kind"].map(names).to_numpy(),
            "person_id": [_guid(5, n) for n in activity["lead"]],
            "timestamp": _times(activity["happened"], form).to_numpy(),
            "properties.$pathname": ("/" + activity["asset"].fillna("")).to_numpy(),
        }
    )
    persons = pd.DataFrame(
        {
            "person_id": [_guid(5, n) for n in world.leads["number"]],
            "created_at": _times(world.leads["created"], form),
            "is_identified": "true",
            "properties.email": world.leads["email"],
            "properties.$initial_geoip_country_code": _company(world)["country"],
        }
    )
    deals = _outcomes_beside(world, "Person ID")
    deals["Person ID"] = [_guid(5, number) for number in deals["Person ID"]]
    return {"events.csv": events, "persons.csv": persons, "deals.csv": deals}


EXPORTS: Mapping[str, Callable[[World], dict[str, pd.DataFrame]]] = {
    "hubspot": _hubspot,
    "salesforce": _salesforce,
    "dynamics": _dynamics,
    "pipedrive": _pipedrive,
    "zoho": _zoho,
    "odoo": _odoo,
    "marketo": _marketo,
    "mautic": _mautic,
    "posthog": _posthog,
}
