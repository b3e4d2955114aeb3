"""Starter declarations of exports of other makers: ERP quotes, forms of ads, surveys, other currencies, other case."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema.load_source import parse_source
from features.schema.source import Source
from features.schema.vocabulary import ColumnType, Role
from pipelines.declaring.column_inference import guess_column
from pipelines.declaring.exports.open_export import init_export
from pipelines.declaring.record_id import find_record_id
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from tests.reference.crm_export import deals

_KEYS = {"id": "Deal ID", "status": "Stage", "created": "Created", "closed": "Closed", "employees": "Employees"}


def renamed(**others: str) -> pd.DataFrame:
    """Deals under other headers of id, status, created, closed and employees."""
    headers = _KEYS | others
    frame = deals(300).reset_index(drop=True)
    return frame[list(headers)].rename(columns=headers).astype("str")


def declared(file: Path, frame: pd.DataFrame, **written: object) -> tuple[str, Source]:
    frame.to_csv(file, index=False, **written)  # type: ignore[call-overload]
    out = file.with_suffix(".yaml")
    text = init_export([str(file)], out, file.parent / "data")
    return text, parse_source(text, path=out)


@pytest.mark.parametrize(
    ("created", "closed", "owner"),
    [
        ("Angebotsdatum", "Entscheidungsdatum", "Vertriebsbeauftragter"),
        ("Anlage am", "Abgeschlossen am", "Betreuer"),
        ("Quote date", "Decision date", "Sales person"),
        ("Utworzono", "Data zamknięcia", "Osoba odpowiedzialna"),
        ("견적일", "결정일", "담당자"),
    ],
)
def test_clocks_and_owners_have_many_names(tmp_path: Path, created: str, closed: str, owner: str) -> None:
    _, source = declared(tmp_path / "x.csv", renamed(created=created, closed=closed, owner=owner))
    assert source.opportunities is not None and source.opportunities.owner is not None
    found = (source.opportunities.created_at, source.opportunities.closed_at, source.opportunities.owner)
    assert tuple(column.source for column in found) == (created, closed, owner)


@pytest.mark.parametrize(
    ("header", "values", "role"),
    [
        ("Kundennr.", [str(10_000 + place % 170) for place in range(300)], Role.DISPLAY),
        ("Zamknięty", ["Y", "N"] * 150, Role.IGNORE),
        ("Deal : Age (days)", [str(place % 90) for place in range(300)], Role.IGNORE),
        *(
            (header, [str(10 * (place % 10)) for place in range(300)], Role.IGNORE)
            for header in (
                "Abschlusswahrscheinlichkeit",
                "Gewinnchance",
                "Win %",
                "Likelihood",
                "수주 가능성(%)",
                "受注確率",
            )
        ),
        ("성장 가능성", [str(10 * (place % 10)) for place in range(300)], Role.FEATURE),
        ("Discount %", [str(10 * (place % 10)) for place in range(300)], Role.FEATURE),
        ("Age", [str(20 + place % 50) for place in range(300)], Role.SENSITIVE),
        ("Kontakt", [f"Jan Kowalski {place}" for place in range(300)], Role.PERSONAL),
        ("display_name", [f"Firm {place % 120}" for place in range(300)], Role.DISPLAY),
        ("What is your role in the company?", ["CEO", "Head of Sales", "Intern"] * 100, Role.FEATURE),
    ],
)
def test_what_a_column_is_for(tmp_path: Path, header: str, values: list[str], role: Role) -> None:
    _, source = declared(tmp_path / "x.csv", renamed().assign(**{header: values}))
    columns = source.tables["leads"].columns
    (name, column) = next((name, c) for name, c in columns.items() if (c.source or name) == header)
    assert column.role is role and name != "company"


def test_counted_times_and_ids_that_pandas_wrote_with_point_zero_are_what_they_were(tmp_path: Path) -> None:
    frame = renamed()
    for header in ("Created", "Closed"):
        frame[header] = pd.to_datetime(frame[header], errors="coerce").astype("datetime64[ms]").astype("int64")
    frame["Closed"] = frame["Closed"].where(frame["Stage"].isin(["Won", "Lost", "Unqualified"])).astype("float64")
    frame["Deal ID"] = 1e11 + np.arange(len(frame))
    text, source = declared(tmp_path / "x.csv", frame)
    assert ".0," in (tmp_path / "x.csv").read_text(encoding="utf-8") and source.opportunities is not None
    assert "closed_at: Closed" in text and "lead_id: Deal ID" in text


@pytest.mark.parametrize("form", ["%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S"])
@pytest.mark.parametrize(("sep", "decimal"), [(",", "."), (";", ",")])
def test_days_in_digits_that_pandas_wrote_with_point_zero_are_days(
    tmp_path: Path, form: str, sep: str, decimal: str
) -> None:
    frame = renamed()
    moments = {header: pd.to_datetime(frame[header], errors="coerce") for header in ("Created", "Closed")}
    moments["Closed"] = moments["Closed"].where(frame["Stage"].isin(["Won", "Lost", "Unqualified"]))
    for header, found in moments.items():
        frame[header] = pd.to_numeric(found.dt.strftime(form))
    text, source = declared(tmp_path / "x.csv", frame, sep=sep, decimal=decimal)
    assert f"{decimal}0{sep}" in (tmp_path / "x.csv").read_text(encoding="utf-8")
    assert source.opportunities is not None and "closed_at: Closed" in text
    tables = ingest(source, Paths(tmp_path / "data", "x"))
    assert all(rows.quarantined == 0 for rows in tables.rows.values())


@pytest.mark.parametrize("names", [("OPEN_DT", "CLOSE_DT"), ("Open Dt", "Close Dt")])
def test_dates_that_a_warehouse_writes_short_are_clocks(tmp_path: Path, names: tuple[str, str]) -> None:
    frame = renamed().rename(columns=dict(zip(("Created", "Closed"), names, strict=True)))
    text, source = declared(tmp_path / "x.csv", frame)
    assert source.opportunities is not None
    assert f"created_at: {names[0]} " in text and f"closed_at: {names[1]} " in text


def test_whole_amounts_with_point_zero_are_no_ids_and_numbers_of_deals_are() -> None:
    for header, found in (("Deal amount", None), ("Deal ID", "Deal ID"), ("Lead number", "Lead number")):
        texts = pd.DataFrame({header: [f"{48_213 + 7 * place}.0" for place in range(90)]}, dtype="str")
        guesses = {header: guess_column(texts[header], pd.Series([0.0, 1.0] * 45), ".")}
        assert find_record_id(texts, guesses) == found


@pytest.mark.parametrize("header", ["Abschluss Tage", "Won region", "失注日 分"])
def test_what_only_closed_rows_have_is_no_feature_where_the_header_speaks_of_the_close(header: str) -> None:
    won = pd.Series(np.where(np.arange(90) % 3 == 2, np.nan, np.arange(90) % 3))
    texts = pd.Series(np.where(won.isna(), "", np.arange(90) % 7)).replace("", pd.NA).astype("str")
    assert "filled when a deal closes" in guess_column(texts.rename(header), won, ".").suspicious
    assert guess_column(texts.fillna("5").rename(header), won, ".").suspicious == ""
    assert guess_column(texts.rename("Region"), won, ".").suspicious == ""


def test_ids_of_ads_are_ids_and_created_is_open(tmp_path: Path) -> None:
    frame = renamed()
    frame["Deal ID"] = "l:" + frame["Deal ID"]
    frame["Stage"] = frame["Stage"].replace({"New": "CREATED", "Open": "CREATED"})
    text, source = declared(tmp_path / "ads.csv", frame, sep="\t", encoding="utf-16")
    assert source.opportunities is not None and source.opportunities.lead_id.source == "Deal ID"
    assert "CREATED" in source.opportunities.status.open and "TO EDIT" not in text


def test_one_owner_of_all_rows_is_not_the_id_of_one(tmp_path: Path) -> None:
    frame = renamed().assign(**{"Deal Owner.id": "zcrm_1", "Deal Owner": ["Kim", "Max", "Pat"] * 100})
    _, source = declared(tmp_path / "zoho.csv", frame)
    assert source.opportunities is not None and source.opportunities.owner is not None
    assert source.opportunities.owner.source == "Deal Owner"


@pytest.mark.parametrize("signs", [True, False])
def test_amounts_in_several_currencies_are_no_amount(tmp_path: Path, signs: bool) -> None:
    frame = renamed()
    currency = np.array(["EUR", "USD", "PLN"])[np.arange(300) % 3]
    amounts = [f"{1000 + place}.50" for place in range(300)]
    frame["Amount"] = [f"{one} {text}" for one, text in zip(currency, amounts, strict=True)] if signs else amounts
    frame = frame if signs else frame.assign(Currency=currency)
    text, source = declared(tmp_path / "x.csv", frame)
    assert source.opportunities is not None and source.opportunities.amount is None
    assert "'Amount' is left out as amount: it is in several currencies" in text
    assert ingest(source, Paths(tmp_path / "data", "x")).rows["leads"].quarantined == 0


def test_amounts_in_one_currency_written_in_two_ways_are_amounts(tmp_path: Path) -> None:
    frame = renamed()
    frame["Amount"] = [f"SEK {1000 + place}.50" if place % 2 else f"{1000 + place}.50 kr" for place in range(300)]
    text, source = declared(tmp_path / "x.csv", frame)
    assert source.opportunities is not None and source.opportunities.amount is not None
    assert "several currencies" not in text


def test_a_result_in_codes_is_asked_for_by_name(tmp_path: Path) -> None:
    frame = renamed()[["Deal ID", "Employees"]].assign(RESULT=["A", "R", "R"] * 100)
    text, _ = declared(tmp_path / "bank.csv", frame, sep="|")
    assert "# TO EDIT: 'RESULT' (R 200, A 100) may say which rows were won" in text


def test_of_code_pages_that_fit_the_one_of_dos_is_not_taken(tmp_path: Path) -> None:
    frame = renamed().assign(Ort=["München", "Köln", "in Klärung"] * 100)
    _, source = declared(tmp_path / "de.csv", frame.iloc[:9], sep=";", encoding="cp1252")
    location = source.tables["leads"].location
    assert location is not None and location.csv.encoding == "cp1252"


def test_ids_in_other_case_are_matched_where_no_two_differ_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "crm"
    folder.mkdir()
    frame = renamed()
    frame["Deal ID"] = "aB" + frame["Deal ID"] + "c"
    frame.to_csv(folder / "deals.csv", index=False)
    visits = pd.DataFrame({"Deal ID": frame["Deal ID"].str.upper(), "Type": "visit", "Date": frame["Created"]})
    visits.to_csv(folder / "activities.csv", index=False)
    text = init_export([str(folder)], tmp_path / "crm.yaml", tmp_path / "data")
    assert "NOT PLACED" not in text
    record = ingest(parse_source(text, path=tmp_path / "crm.yaml"), Paths(tmp_path / "data", "crm"))
    assert record.rows["activities"].kept == len(frame)
    assert "upper and lower case, in which no two ids differ" in record.text


def test_a_file_of_many_columns_is_declared_whole(tmp_path: Path) -> None:
    extra = {f"Custom field {place}": ["a", "b", ""] * 100 for place in range(394)}
    frame = pd.concat([renamed(), pd.DataFrame(extra)], axis=1)
    _, source = declared(tmp_path / "wide.csv", frame)
    kinds = [c.type for name, c in source.tables["leads"].columns.items() if name.startswith("custom_field")]
    assert kinds == [ColumnType.CATEGORY] * 394


@pytest.mark.parametrize("shared", [True, False])
def test_deals_that_name_a_company_alone_belong_to_the_leads_of_it(tmp_path: Path, shared: bool) -> None:
    folder = tmp_path / "erp"
    folder.mkdir()
    frame = deals(300).reset_index(drop=True)
    over = frame["closed"] != ""
    firms = pd.Series([f"Firma {place}" for place in range(len(frame))])
    leads = pd.DataFrame({"Kontakt-ID": "K" + frame["id"], "Firma": firms, "E-Mail": frame["mail"]})
    leads.assign(**{"Angelegt am": frame["created"]}).to_csv(folder / "Kontakte.csv", index=False, sep=";")
    orders = pd.DataFrame({"Auftragsnummer": "A" + frame["id"], "Firma": firms if shared else "X" + firms})
    orders["Phase"] = np.where(frame["status"] == "Won", "Gewonnen", "Verloren")
    orders["Abschlussdatum"] = frame["closed"]
    orders[over].to_csv(folder / "Auftraege.csv", index=False, sep=";")
    text = init_export([str(folder)], tmp_path / "erp.yaml", tmp_path / "data")
    assert ("# TO EDIT: no column of 'Auftraege' refers to the leads" in text) is not shared
    if shared:
        source = parse_source(text, path=tmp_path / "erp.yaml")
        assert source.label.credit == "first_lead_of_account" and source.label.horizon_days == 60
        record = ingest(source, Paths(tmp_path / "data", "erp"))
        assert record.rows["outcomes"].kept == int(over.sum())


def test_a_history_of_opportunities_is_one_of_stages(tmp_path: Path) -> None:
    folder = tmp_path / "sf"
    folder.mkdir()
    frame = deals(200).reset_index(drop=True)
    headers = {"id": "Opportunity ID", "name": "Name", "created": "CreatedDate", "employees": "Employees"}
    frame[list(headers)].rename(columns=headers).to_csv(folder / "Opportunity.csv", index=False)
    ends = {"Won": "Closed Won", "Lost": "Closed Lost", "Unqualified": "Closed Lost"}
    rows = [(lead.id, "Prospecting", lead.created) for lead in frame.itertuples()]
    rows += [(lead.id, ends[lead.status], lead.closed) for lead in frame.itertuples() if lead.status in ends]
    history = pd.DataFrame(rows, columns=["OpportunityId", "StageName", "CreatedDate"])
    history.insert(0, "Id", [f"h{place}" for place in range(len(history))])
    history.to_csv(folder / "OpportunityHistory.csv", index=False)
    text = init_export([str(folder)], tmp_path / "sf.yaml", tmp_path / "data")
    source = parse_source(text, path=tmp_path / "sf.yaml")
    assert set(source.tables) == {"leads", "stages"} and "TO EDIT" not in text
    assert source.tables["leads"].columns["name"].role is Role.DISPLAY


def test_no_may_mean_not_yet(tmp_path: Path) -> None:
    frame = renamed()
    frame["Converted"] = np.where(frame["Stage"] == "Won", "Yes", "No")
    text, _ = declared(tmp_path / "leads.csv", frame[["Deal ID", "Created", "Employees", "Converted"]])
    assert "# TO EDIT: 'No' of 'Converted' counts as lost, though rows that came in lately ('Created')" in text
