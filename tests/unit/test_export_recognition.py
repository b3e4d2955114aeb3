"""Tables of an export are recognised by name, columns and shared ids; guesses stand beside their evidence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema.load_source import parse_source
from features.schema.vocabulary import Actor, Dimension, Role, Stage, WhenKnown
from pipelines.declaring.column_values import texts_of
from pipelines.declaring.exports.activity_guesses import guess_kinds
from pipelines.declaring.exports.deal_outcomes import read_outcomes
from pipelines.declaring.exports.export_plan import ExportPlan, plan_export
from pipelines.declaring.exports.export_table import ExportTable
from pipelines.declaring.exports.key_overlap import KeyOverlap, key_of
from pipelines.declaring.exports.several_declaration import Heading, render_declaration
from pipelines.declaring.exports.stage_blocks import dated_statuses, wide_block, wide_stages
from pipelines.declaring.exports.table_recognition import recognise
from pipelines.declaring.horizon_choice import choose_horizon
from pipelines.declaring.words.header_words import Meaning, Subject, meanings_of, subjects_of
from pipelines.declaring.words.status_words import stage_of
from pipelines.synth.write import generate_demo
from tests.reference.salesforce_export import make_salesforce


def table(name: str, **columns: list[str]) -> ExportTable:
    return ExportTable(name, texts_of(pd.DataFrame(columns)), {"file": f"{name}.csv"})


@pytest.fixture(scope="module")
def salesforce() -> ExportPlan:
    frames = make_salesforce(leads=400).tables
    return plan_export([ExportTable(name, texts_of(f), {"file": f"{name}.csv"}) for name, f in frames.items()])


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        ("ConvertedOpportunityId", Meaning.ID),
        ("Associated Contact IDs", Meaning.ID),
        ("Create Date", Meaning.CREATED),
        ("Erstellt am", Meaning.CREATED),
        ("Date de création", Meaning.CREATED),
        ("Data utworzenia", Meaning.CREATED),
        ("생성일", Meaning.CREATED),
        ("作成日", Meaning.CREATED),
        ("Abschlussdatum", Meaning.CLOSED),
        ("Data zamknięcia", Meaning.CLOSED),
        ("Etapa", Meaning.STATUS),
        ("ステージ", Meaning.STATUS),
        ("Deal owner", Meaning.OWNER),
        ("Date added", Meaning.CREATED),
        ("Bedrijf", Meaning.COMPANY),
        ("Ответственный", Meaning.OWNER),
        ("失注日", Meaning.CLOSED),
        ("LinkedIn", Meaning.ADDRESS),
    ],
)
def test_headers_say_what_they_hold_in_several_languages(header: str, meaning: Meaning) -> None:
    assert meaning in meanings_of(header)


def test_days_of_a_spreadsheet_and_epochs_are_times_where_the_header_speaks_of_time() -> None:
    days, epochs = [f"{45_300 + i},5" for i in range(9)], [str(1_704_724_200 + i) for i in range(9)]
    found = table("deals", Vytvořeno=days, **{"Won time": epochs}, Umsatz=days, Nummer=epochs)
    assert found.times == {"Vytvořeno", "Won time"}
    assert found.moments("Vytvořeno").iloc[0] == pd.Timestamp("2024-01-09 12:00")


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        ("Company size", Meaning.COMPANY),
        ("Account type", Meaning.COMPANY),
        ("Annual revenue", Meaning.AMOUNT),
        ("Annual revenue", Meaning.REVENUE),
        ("Manager", Meaning.SENSITIVE),
    ],
)
def test_what_is_about_a_thing_is_not_the_thing(header: str, meaning: Meaning) -> None:
    assert meaning not in meanings_of(header)


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("Lead", Subject.LEADS),
        ("hubspot-crm-exports-all-deals-2024", Subject.DEALS),
        ("OpportunityHistory", Subject.HISTORY),
        ("Firmen", Subject.ACCOUNTS),
        ("영업기회", Subject.DEALS),
        ("contacts", Subject.CONTACTS),
        ("Aufgaben", Subject.ACTIVITIES),
    ],
)
def test_names_say_what_a_table_holds(name: str, subject: Subject) -> None:
    assert subjects_of(name)[0] is subject


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("Closed Won", Stage.WON),
        ("Closed Lost", Stage.LOST),
        ("Closed - Not Converted", Stage.LOST),
        ("Unqualified", Stage.DISQUALIFIED),
        ("Nurture", Stage.RECYCLED),
        ("Sales Qualified Lead", Stage.SQL),
        ("gewonnen", Stage.WON),
        ("przegrana", Stage.LOST),
        ("수주", Stage.WON),
        ("失注", Stage.LOST),
        ("Open - Not Contacted", Stage.LEAD),
        ("Bananas", None),
    ],
)
def test_statuses_mean_stages(status: str, stage: Stage | None) -> None:
    assert stage_of(status) is stage


def test_the_four_tables_of_salesforce_are_placed_and_joined(salesforce: ExportPlan) -> None:
    assert {str(role): name for role, name in salesforce.roles.items()} == {
        "leads": "Lead",
        "accounts": "Account",
        "deals": "Opportunity",
        "activities": "Task",
    }
    assert not salesforce.left_over
    tasks, deals = salesforce.to_leads["Task"], salesforce.to_leads["Opportunity"]
    assert (tasks.column, tasks.through) == ("WhoId", ("ConvertedContactId",)) and tasks.rows > 0.99
    assert (deals.column, deals.through) == ("Id", ("ConvertedOpportunityId",))
    assert "written otherwise, e.g. 00Q" in tasks.evidence[0] and "Lead.ConvertedContactId" in tasks.evidence[1]


def test_the_declaration_of_salesforce_says_what_a_person_would(salesforce: ExportPlan) -> None:
    text = render_declaration(salesforce, Heading(name="crm", title="CRM"))
    source = parse_source(text)
    columns = source.tables["leads"].columns
    assert columns["email"].role is columns["name"].role is Role.PERSONAL and columns["title"].title
    assert columns["status"].when_known is WhenKnown.OVERWRITTEN and columns["status"].role is Role.DISPLAY
    for left_out in ("is_converted", "converted_account_id", "last_modified_date"):
        assert columns[left_out].role is Role.IGNORE
    outcomes = source.tables["outcomes"]
    assert outcomes.rows == {"StageName": ("Closed Won", "Closed Lost")}
    assert outcomes.columns["won"].true_values == ("Closed Won",)
    assert outcomes.columns["deal_kind"].map == {"New Business": "new", "Existing Business": "expansion"}
    wide = source.tables["stages"].wide
    assert wide[Stage.OPPORTUNITY].source == ("ConvertedDate",)
    assert wide[Stage.DISQUALIFIED].rows == {"Status": ("Closed - Not Converted",)}
    assert len(source.activity_kinds) < 20 and source.activity_kinds["visited_pricing"].dimension is Dimension.INTENT
    assert source.activity_kinds["Call"].actors == (Actor.REP,)


def test_tables_without_telling_names_are_recognised_by_their_columns() -> None:
    frames = generate_demo(leads=300).tables
    plan = plan_export([ExportTable(f"Sheet{i}", texts_of(f)) for i, f in enumerate(frames.values())])
    assert {str(role): int(name[-1]) for role, name in plan.roles.items()} == {
        "leads": 0,
        "accounts": 1,
        "activities": 2,
        "answers": 3,
        "stages": 4,
        "deals": 5,
    }
    assert set(plan.to_leads) == {"Sheet2", "Sheet3", "Sheet4", "Sheet5"}
    assert set(plan.to_accounts) == {"Sheet0", "Sheet5"}


def test_what_cannot_be_placed_is_named_with_the_reason() -> None:
    frames = make_salesforce(leads=200).tables
    tables = [ExportTable(name, texts_of(frame)) for name, frame in frames.items()]
    tables.append(table("Weather", Day=["2025-01-01", "2025-01-02"], Rain=["1", "2"]))
    tables.append(table("Event", Id=["1", "2"], Subject=["Call", "Meeting"], When=["2025-01-01", "2025-01-02"]))
    tables.append(table("Clicks", Id=["a", "b"], Date=["2025-01-01", "2025-01-02"], Type=["x", "y"], Page=["p", "q"]))
    left = dict(plan_export(tables).left_over)
    assert "not those of leads" in left["Weather"]
    assert "'Task' does more so" in left["Event"] and "'Task' does more so" in left["Clicks"]
    text = render_declaration(plan_export(tables), Heading(name="crm", title="CRM"))
    assert "NOT PLACED Weather" in text


def test_activities_that_refer_to_nobody_are_left_over() -> None:
    frames = make_salesforce(leads=200).tables
    frames["Task"]["WhoId"] = [f"x{i}" for i in range(len(frames["Task"]))]
    plan = plan_export([ExportTable(name, texts_of(frame)) for name, frame in frames.items()])
    assert plan.left_over == [("Task", "it looks like activities, but no column holds ids of 'Lead'")]


def test_deals_without_people_become_the_leads_themselves() -> None:
    days = [f"2025-01-{i:02d}" for i in range(1, 29)]
    deals = table(
        "deals",
        **{
            "Deal ID": [str(i) for i in range(28)],
            "Create Date": days,
            "Close Date": [f"2025-03-{i:02d}" for i in range(1, 29)],
            "Deal Stage": ["Closed won", "Closed lost", "Proposal", "New"] * 7,
            "Amount": [str(100 * i) for i in range(28)],
            "Region": ["north", "south"] * 14,
        },
    )
    calls = table("activities", **{"Deal ID": [str(i % 28) for i in range(90)], "Type": ["call", "mail"] * 45})
    calls.frame["Date"] = [days[i % 28] for i in range(90)]
    plan = plan_export([deals, calls])
    source = parse_source(render_declaration(plan, Heading(name="crm", title="CRM")))
    assert source.opportunities is not None and source.opportunities.status.open == ("Proposal", "New")
    assert source.tables["activities"].columns["lead_id"].source == "Deal ID"
    assert "region" in source.tables["leads"].columns


@pytest.mark.parametrize("missing", ["Id", "CreatedDate", "Email"])
def test_a_table_that_lacks_the_usual_is_still_declared(missing: str) -> None:
    frames = make_salesforce(leads=200).tables
    frames["Lead"] = frames["Lead"].drop(columns=missing).assign(**{"null": "x", "a: b #": "y"})
    plan = plan_export([ExportTable(name, texts_of(frame)) for name, frame in frames.items()])
    text = render_declaration(plan, Heading(name="crm", title="a: b"))
    assert "null" in parse_source(text).tables["leads"].columns


def test_an_id_refers_directly_rather_than_through_a_name() -> None:
    ids = [f"C{i}" for i in range(40)]
    names = [f"Firm {i}" for i in range(40)]
    mails = [f"p{i}@x.org" for i in range(40)]
    people = table("leads", Id=[f"L{i}" for i in range(40)], Email=mails, Company=names, **{"Company ID": ids})
    firms = table("accounts", Id=ids, Company=names, Industry=["a", "b"] * 20)
    reference = plan_export([people, firms]).to_accounts["leads"]
    assert (reference.column, reference.through) == ("Company ID", ())


def test_counts_until_today_ids_and_companies_are_not_learned_from() -> None:
    numbers = [str(i % 7) for i in range(60)]
    people = table(
        "contacts",
        **{
            "Record ID": [f"L{i}" for i in range(60)],
            "Email": [f"p{i}@x.org" for i in range(60)],
            "Create Date": [f"2025-01-{1 + i % 28:02d}" for i in range(60)],
            "Number of Page Views": numbers,
            "Associated Company ID": [f"9{i % 9}" for i in range(60)],
            "Company": [f"Firm {i % 9}" for i in range(60)],
            "Region": ["north", "south"] * 30,
        },
    )
    deals = table("deals", **{"Deal ID": ["1", "2"], "Contact ID": ["L1", "L2"], "Stage": ["Won", "Lost"]})
    deals.frame["Close Date"] = ["2025-02-01", "2025-02-02"]
    text = render_declaration(plan_export([people, deals]), Heading(name="crm", title="CRM"))
    roles = {name: column.role for name, column in parse_source(text).tables["leads"].columns.items()}
    assert roles["number_of_page_views"] is Role.IGNORE
    assert roles["associated_company_id"] is roles["company"] is Role.DISPLAY
    assert roles["region"] is Role.FEATURE


def test_leads_that_say_how_they_closed_need_no_table_of_deals() -> None:
    ids, days = [f"L{i}" for i in range(28)], [f"2025-01-{i:02d}" for i in range(1, 29)]
    leads = table(
        "leads",
        Id=ids,
        Email=[f"p{i}@x.org" for i in range(28)],
        Status=["Won", "Lost", "Working", "New"] * 7,
        **{"Created": days, "Closed Date": [day if i % 4 < 2 else "" for i, day in enumerate(days)]},
    )
    tasks = table("tasks", **{"Lead Id": ids, "Type": ["call", "mail"] * 14, "Date": days})
    source = parse_source(render_declaration(plan_export([leads, tasks]), Heading(name="crm", title="CRM")))
    assert source.opportunities is not None and source.opportunities.status.won == ("Won",)
    assert source.tables["leads"].columns["email"].role is Role.PERSONAL
    assert source.tables["activities"].columns["lead_id"].source == "Lead Id"


def test_numbers_that_coincide_with_ids_are_no_reference() -> None:
    numbers = [str(i) for i in range(1, 101)]
    people = table("leads", Id=numbers, Email=[f"p{i}@x.org" for i in numbers])
    tasks = table("tasks", **{"Id": numbers, "Minutes": numbers, "Lead ID": numbers[::-1]})
    overlap = KeyOverlap([people, tasks])
    assert [link.column for link in overlap.links_to_key("leads")] == ["Lead ID"]


def test_numbers_of_leads_are_not_looked_up_among_those_of_deals() -> None:
    numbers = [str(i) for i in range(1, 101)]
    people = table("leads", Id=numbers, **{"Deal ID": numbers[::-1]})
    tasks = table("tasks", **{"Id": numbers, "Lead ID": numbers, "Deal ID": numbers})
    overlap = KeyOverlap([people, tasks])
    assert [link.column for link in overlap.links_to("leads", "Deal ID")] == ["Deal ID"]


@pytest.mark.parametrize("planned", [0, 4])
def test_open_deals_that_only_a_won_flag_hides_are_asked_about(planned: int) -> None:
    ids, days = [f"L{i}" for i in range(28)], [f"2025-01-{i:02d}" for i in range(1, 29)]
    leads = table("leads", Id=ids, Name=[f"n{i}" for i in range(28)], Created=days)
    closes = [f"2025-0{9 if i < planned else 2}-{i + 1:02d}" for i in range(28)]
    won = ["true" if i % 3 == 2 and i >= planned else "false" for i in range(28)]
    deals = table(
        "deals", **{"Deal Id": [f"D{i}" for i in range(28)], "Lead Id": ids, "Close Date": closes, "Is Won": won}
    )
    text = render_declaration(plan_export([leads, deals]), Heading(name="crm", title="CRM"))
    assert "'Is Won' does not tell open deals from lost ones; if there are" in " ".join(text.split()).replace("# ", "")
    assert ("TO EDIT: 'Is Won'" in text) == bool(planned)


def test_keys_are_unique_filled_and_called_ids() -> None:
    names = [f"n{i}" for i in range(40)]
    assert key_of(table("leads", Name=names, **{"Lead ID": names, "Owner ID": ["a", "b"] * 20})) == "Lead ID"
    assert key_of(table("leads", Name=names)) is None


def test_hundreds_of_subjects_become_a_few_kinds() -> None:
    subjects = [f"Email: Newsletter {i}" for i in range(60)] + [f"Form submitted: page {i}" for i in range(20)]
    subjects += ["Form submitted: demo request", "Chat"]
    kinds = guess_kinds(table("Task", Subject=subjects, Type=["Task"] * len(subjects)))
    assert kinds is not None and kinds.header == "Subject"
    assert kinds.patterns == {
        "Email:*": "email",
        "Form submitted: *demo*": "form_submitted_demo",
        "Form submitted:*": "form_submitted",
    }
    assert [kind.name for kind in kinds.kinds if not kind.pattern] == ["Chat"]


def test_stage_dates_in_columns_are_found() -> None:
    days = ["2025-01-01", "2025-01-02"]
    headers = [
        "Create Date",
        "MQL Date",
        "Became a customer date",
        'Date entered "SQL (Pipeline)"',
        "Last Modified Date",
    ]
    found = wide_stages(table("contacts", **dict.fromkeys(headers, days)))
    assert found == {"mql": ["MQL Date"], "won": ["Became a customer date"], "sql": ['Date entered "SQL (Pipeline)"']}


def test_dates_of_what_is_no_stage_are_left_alone() -> None:
    days = ["2025-01-01", "2025-01-02"]
    headers = ["Close Date", "Quote sent date", "Demo date", "Last contacted", "Trial start date", "Exited SQL date"]
    assert not wide_stages(table("contacts", **dict.fromkeys(headers, days)))


def test_todays_status_is_dated_by_the_last_change() -> None:
    leads = table("leads", Status=["New", "Unqualified"], **{"Last Modified": ["2025-01-01", "2025-01-02"]})
    assert dated_statuses(leads) == {"disqualified": ("Last Modified", "Status", ("Unqualified",))}
    assert not dated_statuses(table("leads", Status=["New", "Unqualified"]))
    touched = table("leads", Status=["New", "Unqualified"], **{"Last Activity Date": ["2025-01-01", "2025-01-02"]})
    assert not dated_statuses(touched)
    assert any(
        "stay on the worklist" in line.replace("# ", "") for line in wide_block(touched, "Id", {}, has_deals=False)
    )


def test_closed_deals_are_told_by_flags_where_no_stage_says_so() -> None:
    days = [f"2025-01-{i:02d}" for i in range(1, 9)]
    deals = table(
        "Deal", Id=list("abcdefgh"), IsClosed=["true", "false"] * 4, IsWon=["true", "false"] * 4, CloseDate=days
    )
    found = read_outcomes(deals)
    assert found is not None and (found.column, dict(found.rows)) == ("IsWon", {"IsClosed": ("true",)})
    dated = table("Deal", Id=list("ab"), Stage=["Won", "Lost"], **{"Close Date": days[:2], "Won Date": ["", days[0]]})
    found = read_outcomes(dated)
    assert found is not None and found.closed_at == ("Won Date", "Close Date")


def test_a_day_that_sales_hope_for_is_no_close_where_another_column_says_when_it_was() -> None:
    days = [f"2025-01-{i:02d}" for i in range(1, 5)]
    status = ["Won", "Lost", "Open", "Open"]
    hoped = {"Expected Close Date": days, "Close Date": [*days[:2], "", ""]}
    found = read_outcomes(table("Deal", Id=list("abcd"), Status=status, **hoped))
    assert found is not None and found.closed_at == ("Close Date",)
    found = read_outcomes(table("Deal", Id=list("abcd"), Status=status, **{"Expected Close Date": days}))
    assert found is not None and found.closed_at == ("Expected Close Date",)
    filled = {"Closed On": days, "Actual Close Date": [*days[:2], "", ""]}
    found = read_outcomes(table("Deal", Id=list("abcd"), Status=status, **filled))
    assert found is not None and found.closed_at == ("Actual Close Date", "Closed On")


WINS = np.array([20.0] * 70 + [100.0] * 30)


def test_the_horizon_holds_most_wins_unless_the_history_is_short() -> None:
    assert choose_horizon(WINS, np.linspace(0, 1100, 500), weekly=True).days == 121
    short = choose_horizon(WINS, np.linspace(0, 500, 500), weekly=True)
    assert (short.days, short.wished, short.share, short.split_by) == (60, 121, 0.7, "time")
    assert choose_horizon(WINS, np.linspace(0, 620, 500)).days == 120  # looked at once: enough have matured
    assert choose_horizon(WINS, np.linspace(0, 470, 500)).days == 90
    assert choose_horizon(np.array([]), np.array([])).days == 91
    assert choose_horizon(np.array([3.0]), np.linspace(0, 500, 500)).days == 7
    assert choose_horizon(np.array([3.0]), np.linspace(0, 500, 500), weekly=True).days == 30


@pytest.mark.parametrize(
    ("late", "span", "accounts", "days", "split_by"),
    [
        (0.99, 400, True, 182, "accounts"),
        (0.99, 400, False, 30, "time"),  # no account says which rows belong together
        (0.99, 220, True, 30, "time"),  # too few leads are older than 182 days
        (0.99, 2000, True, 182, "time"),
        (0.40, 400, True, 30, "time"),  # most wins came within the shorter horizon
    ],
)
def test_of_a_short_history_with_late_wins_accounts_are_kept_apart(
    late: float, span: int, accounts: bool, days: int, split_by: str
) -> None:
    wins = np.where(np.arange(100) < 100 * late, 170.0, 20.0)
    found = choose_horizon(wins, np.linspace(0, span, 400), accounts=accounts, weekly=True)
    assert (found.days, found.split_by) == (days, split_by)


def test_every_guess_has_reasons() -> None:
    for name, frame in make_salesforce(leads=200).tables.items():
        guesses = recognise(ExportTable(name, texts_of(frame)))
        assert guesses and len(guesses[0].reasons) > 2, name


def test_the_location_of_each_table_stands_in_the_declaration(tmp_path: Path, salesforce: ExportPlan) -> None:
    source = parse_source(render_declaration(salesforce, Heading(name="crm", title="CRM")))
    locations = {name: one.location.file for name, one in source.tables.items() if one.location is not None}
    assert locations == {
        "leads": "Lead.csv",
        "accounts": "Account.csv",
        "outcomes": "Opportunity.csv",
        "activities": "Task.csv",
        "stages": "Lead.csv",
    }
