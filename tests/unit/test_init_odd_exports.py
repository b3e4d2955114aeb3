"""Starter declarations of exports in odd but usual forms: in parts, with rows twice, with two columns for one fact."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema.load_source import parse_source
from features.schema.source import Source
from features.schema.vocabulary import Role
from pipelines.declaring.corrections.file_corrections import FileCorrections
from pipelines.declaring.exports.open_export import init_export
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables
from tests.reference.crm_export import deals

RENAMED = {"id": "Deal ID", "status": "Stage", "created": "Created", "closed": "Closed", "employees": "Employees"}


def plain_deals() -> pd.DataFrame:
    frame = deals()
    return frame[list(RENAMED)].rename(columns=RENAMED).astype("str")


def declared(*inputs: Path, out: Path) -> tuple[str, Source]:
    text = init_export([str(one) for one in inputs], out, out.parent / "data")
    return text, parse_source(text, path=out)


def test_a_declaration_saved_elsewhere_still_finds_its_file(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "declarations").mkdir()
    plain_deals().to_csv(tmp_path / "exports/deals.csv", index=False)
    _, source = declared(tmp_path / "exports/deals.csv", out=tmp_path / "declarations/deals.yaml")
    location = source.tables["leads"].location
    assert location is not None
    assert (tmp_path / "declarations" / location.file).exists()


@pytest.mark.parametrize("line_end", ["\n", "\r", "\x85", "\u2028"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_line_end_in_a_name_or_value_adds_no_key(tmp_path: Path, line_end: str, zipped: bool) -> None:
    name = f"a{line_end}mode: points{line_end}citation: nobody's{line_end}.csv"
    frame = plain_deals()
    frame["Stage"] = frame["Stage"].replace("Won", f"Won{line_end}mode: points")
    content = frame.to_csv(index=False, lineterminator="\r\n").encode()
    file = tmp_path / ("exports.zip" if zipped else name)
    if zipped:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, content)
    else:
        file.write_bytes(content)
    _, source = declared(file, out=tmp_path / "deals.yaml")
    assert source.mode == "model" and not source.citation
    location = source.tables["leads"].location
    assert location is not None and (tmp_path / location.file).exists()


@pytest.mark.parametrize("pattern", ["deals-2025-0{}.csv", "export_{}.csv"])
def test_monthly_files_are_one_table_and_a_renamed_column_does_not_split_them(tmp_path: Path, pattern: str) -> None:
    frame = plain_deals()
    folder = tmp_path / "monthly"
    folder.mkdir()
    for part in range(3):
        rows = frame.iloc[part::3]
        rows = rows.rename(columns={"Closed": "Closed date"}) if part == 1 and "2025" in pattern else rows
        rows.to_csv(folder / pattern.format(part + 1), index=False)
    text, source = declared(folder, out=tmp_path / "monthly.yaml")
    assert "NOT PLACED" not in text
    assert f"{len(frame):,} rows" in text.splitlines()[0]
    location = source.tables["leads"].location
    assert location is not None and location.file == f"monthly/{pattern.replace('0{}', '{}').format('*')}"


def test_numbers_and_flags_of_parquet_are_declared_as_they_are_read(tmp_path: Path) -> None:
    place = np.arange(200)
    won = np.where(place == 5, np.nan, np.where(place % 4 == 0, 1.0, 0.0))
    frame = pd.DataFrame({"Lead ID": [f"L{i}" for i in place], "Trial": place % 2 == 0, "Converted": won})
    frame.to_parquet(tmp_path / "leads.parquet")
    _, source = declared(tmp_path / "leads.parquet", out=tmp_path / "leads.yaml")
    record = ingest(source, Paths(tmp_path / "data", "leads"))
    assert record.rows["leads"].kept == len(frame) and record.rows["leads"].quarantined == 0


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(("people", "is_owner"), [(7, True), (100_000, False)])
def test_an_owner_works_several_rows_and_a_contact_one(
    tmp_path: Path, several: bool, people: int, is_owner: bool
) -> None:
    frame = plain_deals()
    frame["담당자명"] = [f"김민수{place % people}" for place in range(len(frame))]
    frame.to_csv(tmp_path / "deals.csv", index=False)
    inputs = [tmp_path / "deals.csv"]
    if several:
        visits = pd.DataFrame({"Deal ID": frame["Deal ID"], "Type": "visit", "Date": frame["Created"]})
        visits.to_csv(tmp_path / "activities.csv", index=False)
        inputs.append(tmp_path / "activities.csv")
    _, source = declared(*inputs, out=tmp_path / "deals.yaml")
    columns = source.tables["leads"].columns
    owners = [column.source for name, column in columns.items() if name == "owner"]
    assert owners == (["담당자명"] if is_owner else [])
    personal = [column.source for column in columns.values() if column.role is Role.PERSONAL]
    assert ("담당자명" in personal) is not is_owner


def test_tables_of_other_subjects_are_not_put_together(tmp_path: Path) -> None:
    folder = tmp_path / "crm"
    folder.mkdir()
    plain_deals().to_csv(folder / "leads.csv", index=False)
    plain_deals().to_csv(folder / "contacts.csv", index=False)
    text, _ = declared(folder, out=tmp_path / "crm.yaml")
    assert "2 tables" in text.splitlines()[0]


def test_rows_twice_leave_the_id_an_id(tmp_path: Path) -> None:
    frame = plain_deals()
    twice = pd.concat([frame, frame.iloc[::4]])
    twice.to_csv(tmp_path / "twice.csv", index=False)
    text, source = declared(tmp_path / "twice.csv", out=tmp_path / "twice.yaml")
    assert source.opportunities is not None and source.opportunities.lead_id.source == "Deal ID"
    assert f"{len(frame.iloc[::4]):,} rows repeat another word for word" in text
    assert "TO EDIT" not in text


def test_rows_that_contradict_each_other_are_named_before_the_first_run(tmp_path: Path) -> None:
    frame = plain_deals()
    older = frame.iloc[::4].assign(Stage="Open", Closed="")
    older = older[frame["Stage"].iloc[::4] == "Won"]
    pd.concat([older, frame]).to_csv(tmp_path / "overlap.csv", index=False)
    text, source = declared(tmp_path / "overlap.csv", out=tmp_path / "overlap.yaml")
    assert source.opportunities is not None and source.opportunities.lead_id.source == "Deal ID"
    assert f"# TO EDIT: {len(older)} ids of 'Deal ID' stand on several rows, which differ in Stage, Closed" in text


@pytest.mark.parametrize("tied", [False, True])
def test_of_rows_that_contradict_each_other_the_newest_is_declared_to_count(tmp_path: Path, tied: bool) -> None:
    frame = plain_deals().assign(**{"Last Modified Date": "2026-02-01 10:00"})
    won = frame[frame["Stage"] == "Won"].iloc[::4]
    again = won.assign(Stage="Open", Closed="", Employees="7")  # opened again after it was won
    again["Last Modified Date"] = "2026-02-01 10:00" if tied else "2026-03-01 10:00"
    pd.concat([frame, again]).to_csv(tmp_path / "overlap.csv", index=False)
    text, source = declared(tmp_path / "overlap.csv", out=tmp_path / "overlap.yaml")
    assert source.opportunities is not None
    if tied:
        assert source.opportunities.newest_by is None and "# TO EDIT" in text
        return
    newest = source.opportunities.newest_by
    assert newest is not None and source.tables["leads"].columns[newest].source == "Last Modified Date"
    differing = "Stage, Closed, Employees, Last Modified Date"
    assert f"{len(again)} ids stand on several rows, which differ in {differing}: the newest of each counts" in text
    assert "# TO EDIT" not in text
    paths = Paths(tmp_path / "data", source.name)
    ingest(source, paths)
    tables = load_tables(paths)
    kept = tables["leads"].set_index("lead_id").loc[again["Deal ID"]]
    assert (kept["employees"] == 7).all()
    assert not tables["outcomes"]["lead_id"].isin(again["Deal ID"]).any()


def test_ids_of_others_that_repeat_are_no_ids_of_rows(tmp_path: Path) -> None:
    frame = plain_deals().drop(columns="Deal ID")
    frame.insert(0, "Contact ID", [str(1000 + i // 2 * 7) for i in range(len(frame))])
    frame.to_csv(tmp_path / "contacts.csv", index=False)
    _, source = declared(tmp_path / "contacts.csv", out=tmp_path / "contacts.yaml")
    assert source.opportunities is None


def test_deals_without_any_attribute_are_still_a_declaration(tmp_path: Path) -> None:
    plain_deals().drop(columns="Employees").to_csv(tmp_path / "bare.csv", index=False)
    _, source = declared(tmp_path / "bare.csv", out=tmp_path / "bare.yaml")
    assert source.opportunities is not None and not source.opportunities.columns


def test_a_code_page_that_is_not_certain_is_a_question_and_no_dead_end(tmp_path: Path) -> None:
    frame = plain_deals().assign(Owner=["Zoë Weiß" if i % 2 else "Jörg Müller" for i in range(500)])
    frame.to_csv(tmp_path / "excel.csv", index=False, sep=";", encoding="cp1252")
    text, source = declared(tmp_path / "excel.csv", out=tmp_path / "excel.yaml")
    location = source.tables["leads"].location
    assert location is not None and location.csv.encoding == "cp1252"
    assert "# TO EDIT: the bytes do not say their code page" in text or "read as cp1252" in text


def test_what_nobody_can_run_is_said_at_the_top(tmp_path: Path) -> None:
    folder = tmp_path / "crm"
    folder.mkdir()
    plain_deals()[["Deal ID", "Created", "Employees"]].to_csv(folder / "deals.csv", index=False)
    pd.DataFrame({"version": ["1", "2"], "ran": ["a", "b"]}).to_csv(folder / "migrations.csv", index=False)
    text = init_export([str(folder)], tmp_path / "crm.yaml", tmp_path / "data")
    assert "# TO EDIT: no table says which deals were won and lost, and when" in text


def test_closes_before_creations_are_named_with_their_status(tmp_path: Path) -> None:
    frame = plain_deals()
    lost = frame["Stage"] == "Lost"
    frame.loc[lost, ["Created", "Closed"]] = frame.loc[lost, ["Closed", "Created"]].to_numpy()
    frame.to_csv(tmp_path / "swapped.csv", index=False)
    text, source = declared(tmp_path / "swapped.csv", out=tmp_path / "swapped.yaml")
    assert source.kind == "flat"
    edit = next(line for line in text.splitlines() if line.startswith("# TO EDIT"))
    assert "'Closed' lies before 'Created'" in edit and "all of them 'Lost'" in edit


def test_a_status_without_lost_rows_is_named(tmp_path: Path) -> None:
    frame = plain_deals()
    frame[frame["Stage"].isin(["Won", "Open"])].to_csv(tmp_path / "won.csv", index=False)
    text = init_export([str(tmp_path / "won.csv")], tmp_path / "won.yaml", tmp_path / "data")
    assert "# TO EDIT: 'Stage' has rows that are won, but no value means lost (Won" in text


def test_nested_records_with_seconds_since_1970_have_clocks(tmp_path: Path) -> None:
    frame = plain_deals()
    seconds = {
        name: pd.to_datetime(frame[name].replace("", None)).astype("datetime64[s]").astype("int64")
        for name in ("Created", "Closed")
    }
    lines = [
        {
            "id": row["Deal ID"],
            "deal": {
                "stage": row["Stage"],
                "created": int(seconds["Created"].iloc[i]),
                "closed": int(seconds["Closed"].iloc[i]) if row["Closed"] else None,
            },
            "company": {"source": ["web", "fair"][i % 2], "size": row["Employees"]},
        }
        for i, row in frame.reset_index(drop=True).iterrows()
    ]
    (tmp_path / "api.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    _, source = declared(tmp_path / "api.jsonl", out=tmp_path / "api.yaml")
    assert source.opportunities is not None and source.opportunities.created_at.source == "deal.created"
    assert "company_source" in source.tables["leads"].columns


def test_stages_of_a_lifecycle_are_no_job_titles(tmp_path: Path) -> None:
    frame = plain_deals().assign(Phase=["Lead", "Partner", "Head of Sales", "Client"] * 125)
    frame.rename(columns={"Phase": "Phase du cycle de vie"}).to_csv(tmp_path / "fr.csv", index=False)
    text, _ = declared(tmp_path / "fr.csv", out=tmp_path / "fr.yaml")
    assert "title: true" not in text


def test_a_planned_close_is_no_close_where_another_column_has_the_real_one(tmp_path: Path) -> None:
    frame = plain_deals()
    planned = (pd.to_datetime(frame["Created"]) + pd.Timedelta(days=60)).dt.strftime("%Y-%m-%d")
    frame.rename(columns={"Closed": "Actual Close Date"}).assign(**{"Est. Close Date": planned}).to_csv(
        tmp_path / "planned.csv", index=False
    )
    _, source = declared(tmp_path / "planned.csv", out=tmp_path / "planned.yaml")
    assert source.opportunities is not None
    assert source.opportunities.closed_at.source == "Actual Close Date"


def test_of_two_columns_of_stages_the_entered_one_is_declared(tmp_path: Path) -> None:
    folder = tmp_path / "crm"
    folder.mkdir()
    frame = plain_deals()
    leads = frame[["Deal ID", "Created", "Employees"]].rename(columns={"Deal ID": "Lead ID"})
    leads.assign(Email=[f"a{i}@firm{i}.example" for i in range(len(leads))]).to_csv(folder / "leads.csv", index=False)
    moves = [
        {"Lead ID": lead, "From Stage": old, "To Stage": new, "Entered at": f"2025-07-0{day} 10:00"}
        for lead in frame["Deal ID"]
        for day, (old, new) in enumerate([("New", "MQL"), ("MQL", "SQL")], 1)
    ]
    pd.DataFrame(moves).to_csv(folder / "lead_stages.csv", index=False)
    text = init_export([str(folder)], tmp_path / "crm.yaml", tmp_path / "data")
    assert "from: To Stage" in text and "from: From Stage" not in text


def test_leads_that_their_own_status_calls_lost_leave_the_worklist_beside_a_table_of_deals(tmp_path: Path) -> None:
    folder = tmp_path / "zoho"
    folder.mkdir()
    rows = 120
    status = ["Converted", "Lost Lead", "Junk Lead", "Contacted"] * (rows // 4)
    pd.DataFrame(
        {
            "Record Id": [f"zcrm_{i}" for i in range(rows)],
            "Email": [f"a{i}@firm{i}.example" for i in range(rows)],
            "Lead Status": status,
            "Created Time": [f"2025-{1 + i % 6:02d}-03 09:00:00" for i in range(rows)],
            "Modified Time": [f"2025-{1 + i % 6:02d}-20 09:00:00" for i in range(rows)],
        }
    ).to_csv(folder / "Leads.csv", index=False)
    pd.DataFrame(
        [
            {
                "Record Id": f"zcrm_{9000 + i}",
                "Deal Name": f"Deal {i}",
                "Stage": ["Closed Won", "Closed Lost"][i // 4 % 2],
                "Amount": 100 + i,
                "Closing Date": f"2025-{2 + i % 6:02d}-20",
                "Lead Id": f"zcrm_{i}",
            }
            for i in range(0, rows, 4)
        ]
    ).to_csv(folder / "Deals.csv", index=False)
    _, source = declared(folder, out=tmp_path / "zoho.yaml")
    assert "outcomes" in source.tables
    wide = source.tables["stages"].wide
    assert set(map(str, wide)) == {"disqualified"}  # "lost" would not count beside outcomes
    assert {value for stage in wide.values() for value in stage.rows["Lead Status"]} == {"Lost Lead", "Junk Lead"}


@pytest.mark.parametrize(
    ("header", "value", "role"),
    [
        ("Nom de l'entreprise", "Firm {} SA", Role.DISPLAY),
        ("Nombre de la empresa", "Firm {} SA", Role.DISPLAY),
        ("고객사 이름", "회사 {}", Role.DISPLAY),
        ("Nazwa firmy", "Spółka {}", Role.DISPLAY),
        ("案件名", "導入 {}", Role.DISPLAY),
        ("Nom de la campagne", "Printemps {}", Role.FEATURE),
        ("Nom du contact", "Anna {}", Role.PERSONAL),
        ("従業員数", "1{}名", Role.FEATURE),
        ("Est. Revenue", "1{}000", Role.DISPLAY),
        ("Annual Revenue", "1{}000", Role.FEATURE),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_what_a_column_is_called_says_whose_name_or_money_it_is(
    tmp_path: Path, header: str, value: str, role: Role, several: bool
) -> None:
    frame = plain_deals()
    frame[header] = [value.format(place % 90) for place in range(len(frame))]
    frame.to_csv(tmp_path / "deals.csv", index=False)
    inputs = [tmp_path / "deals.csv"]
    if several:
        pd.DataFrame({"Deal ID": frame["Deal ID"], "Type": "visit", "Date": frame["Created"]}).to_csv(
            tmp_path / "activities.csv", index=False
        )
        inputs.append(tmp_path / "activities.csv")
    _, source = declared(*inputs, out=tmp_path / "deals.yaml")
    found = next((c for c in source.tables["leads"].columns.values() if c.source == header), None)
    if header == "Est. Revenue":
        assert source.opportunities is not None and source.opportunities.amount is not None
        assert source.opportunities.amount.source == header
        assert found is None or found.role is role
    else:
        assert found is not None and found.role is role
    if header == "従業員数":
        assert found is not None and found.type == "number"


@pytest.mark.parametrize(
    ("header", "scale"), [("amount_cents", 0.01), ("Betrag (k€)", 1_000.0), ("금액(천만원)", 1e7), ("Amount", None)]
)
def test_the_unit_of_money_is_told_by_the_header_and_amounts_are_whole_units(
    tmp_path: Path, header: str, scale: float | None
) -> None:
    frame = plain_deals()
    frame[header] = [str(100 + place) for place in range(len(frame))]
    frame.to_csv(tmp_path / "deals.csv", index=False)
    _, source = declared(tmp_path / "deals.csv", out=tmp_path / "deals.yaml")
    assert source.opportunities is not None and source.opportunities.amount is not None
    assert source.opportunities.amount.scale == scale
    paths = Paths(tmp_path / "data", "deals")
    ingest(source, paths)
    amounts = load_tables(paths)["outcomes"].set_index("opportunity_id")["amount"]
    assert amounts[frame["Deal ID"].iloc[0]] == pytest.approx(100 * (scale or 1.0))


def test_an_answer_about_dates_is_declared_for_those_with_full_stops_too(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    days = list(zip(draw.integers(1, 10, 300), draw.integers(1, 13, 300), draw.integers(0, 3, 300), strict=True))
    status = draw.choice(["Won", "Lost", "Open"], 300)
    closed = pd.Series([f"{month:02}.{day + more:02}.2025" for day, month, more in days]).where(status != "Open", "")
    frame = pd.DataFrame(
        {
            "Deal ID": [f"D{k}" for k in range(300)],
            "Stage": status,
            "Create Date": [f"{month:02}/{day:02}/2025" for day, month, _ in days],
            "Close Date": closed,
        }
    )
    file, out = tmp_path / "deals.csv", tmp_path / "deals.yaml"
    frame.to_csv(file, index=False)
    text = init_export([str(file)], out, tmp_path / "data", said=FileCorrections(dates="month_first"))
    assert "opportunities:" in text and text.count("time_format: month_first") == 2
    paths = Paths(tmp_path / "data", "deals")
    ingest(parse_source(text, path=out), paths)
    found = load_tables(paths)["outcomes"]["closed_at"].dt.strftime("%m.%d.%Y")
    assert sorted(found) == sorted(closed[closed != ""])


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%d/%m/%y", "%m-%d-%Y"])
def test_dates_before_october_or_the_tenth_are_no_telephone_numbers(tmp_path: Path, form: str) -> None:
    draw = np.random.default_rng(5)
    last = {"%m": 273, "%d": 9}[form[:2]]  # of the year, or of each month
    days = [pd.Timestamp("2025-01-01") + pd.Timedelta(days=int(day)) for day in draw.integers(0, last, 300)]
    if form.startswith("%d"):
        days = [day.replace(month=1 + k % 12) for k, day in enumerate(days)]
    status = draw.choice(["Won", "Lost", "Open"], 300)
    created, closed = pd.Series(days), pd.Series(days) + pd.to_timedelta(draw.integers(0, 3, 300), unit="D")
    frame = pd.DataFrame({"Deal ID": [f"D{k}" for k in range(300)], "Stage": status})
    frame["Create Date"] = created.dt.strftime(form)
    frame["Close Date"] = closed.dt.strftime(form).where(status != "Open", "")
    file, out = tmp_path / "deals.csv", tmp_path / "deals.yaml"
    frame.to_csv(file, index=False)
    answer = FileCorrections(dates="day_first" if form.startswith("%d") else "month_first")
    assert "opportunities:" in init_export([str(file)], out, tmp_path / "data", said=answer)
