"""The starter of one file out of a CRM: ids, statuses, clocks, people, titles, today's values, each as it is meant."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from features.schema.load_source import parse_source
from features.schema.source import Source
from features.schema.vocabulary import ColumnType, Role, WhenKnown
from pipelines.declaring.starter_declaration import declare_facts, read_facts
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from tests.reference.crm_export import HEADERS, KOREAN, POLISH, STATUSES, deals, write_export

SPOKEN = {
    "korean": (KOREAN, {"won": "수주", "lost": "실주", "disqualified": "부적격", "new": "신규", "open": "진행 중"}),
    "polish": (
        POLISH,
        {"won": "Wygrana", "lost": "Przegrana", "disqualified": "Duplikat", "new": "Nowy", "open": "W toku"},
    ),
    "salesforce": (
        {**HEADERS, "status": "Stage", "id": "Opportunity ID", "created": "CreatedDate", "closed": "CloseDate"},
        {"won": "Closed Won", "lost": "Closed Lost", "disqualified": "Junk", "new": "Prospecting", "open": "Proposal"},
    ),
}


def started(path: Path) -> tuple[str, Source]:
    text = declare_facts(*read_facts(path))
    return text, parse_source(text, path=path.with_suffix(".yaml"))


def test_a_file_with_both_clocks_is_declared_with_them(tmp_path: Path) -> None:
    frame = deals()
    text, source = started(write_export(tmp_path / "hub.csv", frame))
    assert source.kind == "relational" and source.opportunities is not None
    said = source.opportunities
    assert (said.lead_id.source, said.created_at.source, said.closed_at.source) == (
        "Record ID",
        "Create Date",
        "Close Date",
    )
    assert (said.status.won, said.status.lost, said.status.disqualified) == (("Won",), ("Lost",), ("Unqualified",))
    assert set(said.status.open) == {"Open", "New"}
    assert said.owner is not None and said.amount is not None
    assert source.cohort.policy == "after_creation" and source.cohort.after_days == (0.0,)

    over = frame[frame["closed"] != ""]
    days = (pd.to_datetime(over["closed"]) - pd.to_datetime(over["created"])).dt.days[over["status"] == "Won"]
    assert (days <= source.label.horizon_days).mean() >= 0.9 > (days <= 14).mean()
    assert "# Nothing has to be edited before the first run." in text


def test_people_titles_links_and_todays_values_have_their_roles(tmp_path: Path) -> None:
    text, source = started(write_export(tmp_path / "hub.csv", deals()))
    columns = source.tables["leads"].columns
    roles = {name: str(column.role) for name, column in columns.items() if column.role is not Role.FEATURE}
    assert roles == {
        "status": "display",
        "last_name": "personal",
        "email": "personal",
        "email_domain": "display",
        "company": "display",
        "record_url": "display",
        "deal_value": "display",
        "number_of_pageviews": "ignore",
    }
    assert columns["job_title"].title and columns["email_free"].type is ColumnType.BOOLEAN
    assert columns["number_of_pageviews"].when_known is WhenKnown.OVERWRITTEN
    assert "leadscore snapshot add" in text and "p1@" not in text and "Lee1" not in text


@pytest.mark.parametrize("name", SPOKEN)
def test_other_languages_and_makes_are_understood(tmp_path: Path, name: str) -> None:
    headers, statuses = SPOKEN[name]
    text, source = started(write_export(tmp_path / "x.csv", deals(), headers, statuses))
    said = source.opportunities
    assert said is not None, text
    assert said.lead_id.source == headers["id"] and said.created_at.source == headers["created"]
    assert (said.status.won, said.status.lost) == ((statuses["won"],), (statuses["lost"],))
    assert said.status.disqualified == (statuses["disqualified"],)
    assert set(said.status.open) == {statuses["new"], statuses["open"]}
    assert "TO EDIT" not in text


def test_a_value_that_says_nothing_is_named_and_neither_lost_nor_open(tmp_path: Path) -> None:
    frame = deals()
    frame.loc[frame.index[:7], "status"] = "Zurich"
    path = write_export(tmp_path / "hub.csv", frame)
    text, source = started(path)
    assert "# TO EDIT: 'Lead Status' has values whose meaning is not clear: Zurich (7 rows)" in text
    counts = ingest(source, Paths(tmp_path / "data", source.name))
    assert counts.rules["leads"] == {"allowed_values": 7}
    assert "name each under won, lost, disqualified or open of opportunities.status" in str(counts.record())


def test_empty_statuses_are_open_only_where_nothing_else_is(tmp_path: Path) -> None:
    frame = deals()
    waiting = frame["status"].isin(["New", "Open"])
    text, source = started(write_export(tmp_path / "a.csv", frame.assign(status=frame["status"].mask(waiting, ""))))
    assert source.opportunities is not None and source.opportunities.status.open == ("",)
    text, _ = started(write_export(tmp_path / "b.csv", frame.assign(status=frame["status"].replace("New", ""))))
    assert "# TO EDIT: 'Lead Status' is empty in" in text


@pytest.mark.parametrize(
    ("without", "order", "cost"),
    [
        (["closed"], "create_date", "does not say when it closed (no horizon"),
        (["closed", "created"], None, "does not say when a lead came in (no order in time"),
    ],
)
def test_without_a_clock_the_file_is_flat_with_open_rows_and_says_what_that_costs(
    tmp_path: Path, without: list[str], order: str | None, cost: str
) -> None:
    text, source = started(write_export(tmp_path / "hub.csv", deals().drop(columns=without)))
    assert source.flat is not None and source.flat.order == order and cost in text
    assert source.flat.lead_id == "record_id" and set(source.flat.target.open) == {"Open", "New"}
    counts = ingest(source, Paths(tmp_path / "data", source.name))
    assert counts.rows["leads"].quarantined == 0


def test_a_close_date_that_few_closed_rows_have_is_no_clock(tmp_path: Path) -> None:
    frame = deals()
    frame.loc[frame.index[::4], "closed"] = ""
    text, source = started(write_export(tmp_path / "hub.csv", frame))
    assert source.flat is not None and "'Close Date' is empty in " in text


def test_dates_of_won_and_of_lost_deals_are_taken_together(tmp_path: Path) -> None:
    frame = deals()
    parts: Mapping[str, pd.Series] = {
        header: frame["closed"].where(frame["status"] == STATUSES[key], "")
        for header, key in (("Won Date", "won"), ("Lost Date", "lost"), ("Closed on", "disqualified"))
    }
    _, source = started(write_export(tmp_path / "hub.csv", frame.drop(columns="closed").assign(**parts)))
    assert source.opportunities is not None
    assert set(source.opportunities.closed_at.headers("")) == {"Won Date", "Lost Date", "Closed on"}


def test_spellings_of_one_status_are_one(tmp_path: Path) -> None:
    frame = deals()
    for place, spelling in enumerate(("won", "WON", "Won ")):
        frame.loc[frame.index[frame["status"] == "Won"][place::9], "status"] = spelling
    path = write_export(tmp_path / "hub.csv", frame)
    text, source = started(path)
    assert source.opportunities is not None and len(source.opportunities.status.won) == 1, text
    counts = ingest(source, Paths(tmp_path / "data", source.name))
    assert counts.rows["leads"].quarantined == 0
    outcomes = pd.read_parquet(tmp_path / "data" / source.name / "ingest" / "outcomes.parquet")
    assert outcomes["won"].sum() == frame["status"].str.strip().str.lower().eq("won").sum()


def test_a_persons_name_is_no_id(tmp_path: Path) -> None:
    text, source = started(write_export(tmp_path / "hub.csv", deals().drop(columns="id")))
    assert source.flat is not None and source.flat.lead_id is None
    assert "does not say an id that tells rows apart (leads are named by their row)" in text


def test_what_has_to_be_edited_is_printed(tmp_path: Path, cli: Callable[..., tuple[int, str, str]]) -> None:
    frame = deals()
    frame.loc[frame.index[:7], "status"] = "Zurich"
    path, out = write_export(tmp_path / "hub.csv", frame), tmp_path / "hub.yaml"
    status, said, _ = cli("init", str(path), "--out", str(out))
    assert status == 0 and "to edit: 'Lead Status' has values whose meaning is not clear: Zurich (7 rows)" in said


def test_a_company_s_number_is_never_suggested_as_its_account(tmp_path: Path) -> None:
    frame = deals().assign(balance=[str(1000 + i % 90) for i in range(500)])
    frame = frame[["balance", *(column for column in frame.columns if column != "balance")]]
    path = write_export(tmp_path / "hub.csv", frame.rename(columns={"balance": "Account Balance"}))
    text, _ = started(path)
    assert "# account_id: {from: Company name, when_known: at_creation} # if deals of one company" in text
    pd.read_csv(path, dtype=str).drop(columns="Company name").to_csv(path, index=False)
    text, _ = started(path)
    assert "account_id" not in text and "account_balance: {from: Account Balance, type: number, topic: budget" in text


@pytest.mark.parametrize(("header", "personal"), [("Email_Domain_Type__c", False), ("Courriel", True), ("Mail", True)])
def test_a_mail_header_is_personal_only_with_addresses_below_it(tmp_path: Path, header: str, personal: bool) -> None:
    some = [f"a{i}@x.example" if personal and i % 9 == 0 else ("business", "free")[i % 2] for i in range(500)]
    _, source = started(write_export(tmp_path / "hub.csv", deals().drop(columns="mail").assign(**{header: some})))
    column = next(c for name, c in source.tables["leads"].columns.items() if (c.source or name) == header)
    assert column.role is (Role.PERSONAL if personal else Role.FEATURE)


def test_a_made_column_takes_no_other_s_name(tmp_path: Path) -> None:
    kinds = [("business", "free")[i % 2] for i in range(500)]
    _, source = started(write_export(tmp_path / "hub.csv", deals().assign(**{"Email Domain": kinds})))
    columns = source.tables["leads"].columns
    assert columns["email_domain"].source == "Email Domain" and columns["email_domain_2"].derive == "domain"


@pytest.mark.parametrize("with_company", [True, False])
def test_a_history_too_short_for_its_wins_keeps_accounts_apart(tmp_path: Path, with_company: bool) -> None:
    frame = deals(rows=1500)
    created = pd.to_datetime(frame["created"])
    over = frame["status"] == "Won"
    late = (created + pd.to_timedelta(300, unit="D")).clip(upper=created.max())  # the last day of the file
    kept = ~over | (created + pd.to_timedelta(300, unit="D") <= created.max())
    frame["closed"] = frame["closed"].mask(over, late.dt.strftime("%Y-%m-%d %H:%M"))
    frame = frame[kept]
    frame = frame if with_company else frame.drop(columns="company")
    text, source = started(write_export(tmp_path / "hub.csv", frame))
    assert source.opportunities is not None
    if not with_company:
        assert (source.label.horizon_days, source.split.by) == (90, "time")
        return
    assert (source.label.horizon_days, source.split.by) == (365, "accounts")
    assert source.opportunities.account_id is not None and source.opportunities.account_id.source == "Company name"
    assert "0% of the" in text and "too short a history" in text
    counts = ingest(source, Paths(tmp_path / "data", source.name))
    assert counts.rows["leads"].quarantined == 0
