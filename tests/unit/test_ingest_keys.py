"""An id written in another form is matched where nothing else can be meant; what only looks alike is named."""

from pathlib import Path

import pandas as pd
import pytest

from features.errors import SourceError
from features.schema.load_source import parse_source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.errors import MissingColumnError
from pipelines.ingest.key_forms import Doubt, KeyForm, check_characters, match_keys
from pipelines.ingest.notes_in_words import describe_counts
from pipelines.stages.ingest import ingest
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.paths import Paths
from tests.reference.salesforce_ids import lengthen

SHORT = [f"00Q5g00000AbC{a}{b}" for a in "dEf" for b in "xYz"]
LONG = [lengthen(one) for one in SHORT]

DECLARED = """
name: shop
kind: relational
data_cutoff: "2025-07-01"
tables:
  leads:
    location: {file: leads.csv}
    columns:
      lead_id: {from: Id}
      created_at: {from: Created}
  activities:
    location: {file: tasks.csv}
    columns:
      lead_id: {from: WhoId, through: [ContactId, Email]}
      kind: {from: Subject, map: {"Call: board": board}, map_patterns: {"email: *": email, "Call*": call}}
      happened_at: {from: Date}
  outcomes:
    location: {file: deals.csv}
    columns:
      opportunity_id: {from: Id}
      lead_id: {from: Id, through: [DealId]}
      closed_at: {from: Closed}
      won: {from: Won}
activity_kinds: {email: {dimension: interest}, call: {dimension: intent}}
"""


def write(folder: Path, name: str, rows: list[str]) -> None:
    (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")


def ingest_shop(folder: Path, leads: list[str], tasks: list[str], declared: str = DECLARED) -> Paths:
    write(folder, "leads.csv", ["Id,Created,ContactId,DealId,Email", *leads])
    write(folder, "tasks.csv", ["WhoId,Subject,Date", *tasks])
    write(folder, "deals.csv", ["Id,Closed,Won", "D1,2025-05-01,true", "D2,2025-05-02,false"])
    path = folder / "shop.yaml"
    path.write_text(declared, encoding="utf-8")
    paths = Paths(folder / "data", "shop")
    record = ingest(parse_source(declared, path=path), paths)
    (folder / "said.txt").write_text(describe_counts(record), encoding="utf-8")
    return paths


def test_the_check_characters_are_those_of_salesforce() -> None:
    assert check_characters(["001A0000006Vm9u", "a0B000000000AAA"]) == ["IAC", "EA2"]
    assert check_characters([]) == []
    assert check_characters(SHORT) == [one[15:] for one in LONG]


def test_forms_that_mean_one_id_are_matched() -> None:
    guid = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
    keys = pd.Series([LONG[0], SHORT[1], "1000", "2000.0", "000123", guid.lower(), "aB-7x"])
    values = pd.Series([SHORT[0], LONG[1], "1000.0", "2000", "123", f"{{{guid}}}", "AB-7X", "1000", None, "other"])
    found = match_keys(values, keys)
    assert found.matched == {
        SHORT[0]: LONG[0],
        LONG[1]: SHORT[1],
        "1000.0": "1000",
        "2000": "2000.0",
        "123": "000123",
        f"{{{guid}}}": guid.lower(),
        "AB-7X": "aB-7x",
    }
    assert set(found.forms.values()) == set(KeyForm) - {KeyForm.LIST}
    assert not found.doubts


def test_what_only_looks_alike_is_left_alone_and_named() -> None:
    wrong = SHORT[0] + ("AAA" if LONG[0][15:] != "AAA" else "BBB")
    keys = pd.Series([SHORT[0], "0456", "00456", "77", "9", "09", "ab1", "aB1"])
    values = pd.Series([wrong, SHORT[0].swapcase(), "456", "00077", "077", "1.23457E+17", "9", "AB1"])
    found = match_keys(values, keys)
    assert not found.matched
    assert found.doubts == {
        Doubt.SEVERAL: ("456", "00077", "077", "AB1"),
        Doubt.CHECK: (wrong,),
        Doubt.CASE: (SHORT[0].swapcase(),),
        Doubt.SCIENTIFIC: ("1.23457E+17",),
    }


def test_of_several_ids_in_a_cell_the_first_known_one_counts() -> None:
    found = match_keys(pd.Series(["9;2.0;1", "2, 3", "8;9", "a sentence, with commas"]), pd.Series(["1", "2", "3"]))
    assert found.matched == {"9;2.0;1": "2", "2, 3": "2"}
    assert set(found.forms.values()) == {KeyForm.LIST}


def test_ids_that_differ_in_case_only_are_two_ids() -> None:
    upper, lower = "00Q5g00000AbCdE", "00Q5g00000abCdE"
    long = [lengthen(upper), lengthen(lower)]
    assert match_keys(pd.Series(long), pd.Series([upper, lower])).matched == {long[0]: upper, long[1]: lower}


def test_activities_with_18_characters_belong_to_leads_with_15(tmp_path: Path) -> None:
    leads = [f"{one},2025-01-0{i + 1},C{i},D{i},p{i}@Example.org" for i, one in enumerate(SHORT[:4])]
    tasks = [
        f"{LONG[0]},Email: May,2025-02-01",
        f"{SHORT[1]},Email: June,2025-02-01",
        "C2,Call back,2025-02-02",
        "P3@example.org,Call: board,2025-02-03",
        "nobody,Visit,2025-02-04",
    ]
    paths = ingest_shop(tmp_path, leads, tasks)
    rows = read_parquet(paths.ingest / "activities.parquet")
    assert rows["lead_id"].tolist() == SHORT[:4]
    assert rows["kind"].tolist() == ["email", "email", "call", "board"]
    outcomes = read_parquet(paths.ingest / "outcomes.parquet")
    assert outcomes["lead_id"].tolist() == SHORT[1:3]

    said = (tmp_path / "said.txt").read_text(encoding="utf-8")
    assert "activities: 5 read, 4 kept, 1 quarantined (reference 1)" in said
    assert f"15 and 18 characters of one Salesforce id, check characters right 1 (e.g. {LONG[0]} = {SHORT[0]})" in said
    assert f"through 'ContactId' 1 (e.g. C2 = {SHORT[2]}); through 'Email' 1 (e.g. P3@example.org = {SHORT[3]})" in said


def test_a_value_of_several_leads_means_the_newest_that_existed(tmp_path: Path) -> None:
    leads = ["L1,2025-01-01,C1,D1,", "L2,2025-03-01,C1,D1,", "L3,2025-06-01,C1,D2,"]
    tasks = ["C1,Call,2024-12-01", "C1,Call,2025-02-01", "C1,Call,2025-03-01", "C1,Call,2025-06-20"]
    paths = ingest_shop(tmp_path, leads, tasks)
    assert read_parquet(paths.ingest / "activities.parquet")["lead_id"].tolist() == ["L1", "L1", "L2", "L3"]
    assert "4 of these stand for several rows" in (tmp_path / "said.txt").read_text(encoding="utf-8")


def test_doubtful_ids_stay_in_quarantine_and_are_named(tmp_path: Path) -> None:
    wrong = SHORT[0] + ("AAA" if LONG[0][15:] != "AAA" else "BBB")
    leads = [f"{one},2025-01-01,,{deal}," for one, deal in zip(SHORT[:2], ["D1", "D2"], strict=True)]
    ingest_shop(tmp_path, leads, [f"{wrong},Call,2025-02-01", f"{SHORT[0]},Call,2025-02-01"])
    said = (tmp_path / "said.txt").read_text(encoding="utf-8")
    assert "activities: 2 read, 1 kept, 1 quarantined" in said
    assert f"left alone: a Salesforce id whose check characters are wrong 1 (e.g. {wrong})" in said


def test_a_column_to_look_through_must_exist(tmp_path: Path) -> None:
    with pytest.raises(
        MissingColumnError, match=r"shop.yaml line \d+: column 'activities.lead_id' is read from 'Mail'"
    ):
        ingest_shop(tmp_path, ["L1,2025-01-01,,,"], ["L1,Call,2025-02-01"], DECLARED.replace("Email]", "Mail]"))


def test_only_ids_of_other_tables_are_looked_up() -> None:
    with pytest.raises(SourceError, match=r"tables.leads.columns.created_at.through: only ids"):
        parse_source(DECLARED.replace("created_at: {from: Created}", "created_at: {from: Created, through: [Id]}"))


WIDE = """
name: shop
kind: relational
timezone: Europe/Berlin
data_cutoff: "2025-07-01"
tables:
  leads:
    location: {file: leads.csv}
    columns: {lead_id: {from: Id}, created_at: {from: Created}}
  stages:
    location: {file: leads.csv}
    wide: {mql: MQL Date, won: [Customer Date, Became a customer], lost: Lost Date}
    columns: {lead_id: {from: Id}}
"""


def test_wide_stage_dates_become_rows(tmp_path: Path) -> None:
    rows = [
        "Id,Created,MQL Date,Customer Date,Became a customer,Lost Date",
        "L1,2025-01-01,2025-02-01 10:00,,2025-03-01 10:00,",
        "L2,2025-01-02,2025-02-02 10:00,2025-03-02 10:00,2025-03-09 10:00,",
        "L3,2025-01-03,soon,,,2025-04-01 10:00",
        "L4,2025-01-04,,,,",
        "L5,2025-01-05,,",
    ]
    write(tmp_path, "leads.csv", rows)
    paths = Paths(tmp_path / "data", "shop")
    path = tmp_path / "shop.yaml"
    path.write_text(WIDE, encoding="utf-8")
    record = ingest(parse_source(WIDE, path=path), paths)

    stages = read_parquet(paths.ingest / "stages.parquet")
    found = stages[["lead_id", "stage", "entered_at"]].astype("str").to_numpy().tolist()
    assert found == [
        ["L1", "mql", "2025-02-01 09:00:00"],
        ["L1", "won", "2025-03-01 09:00:00"],
        ["L2", "mql", "2025-02-02 09:00:00"],
        ["L2", "won", "2025-03-02 09:00:00"],
        ["L3", "lost", "2025-04-01 08:00:00"],
    ]
    rows = record.rows["stages"]
    assert (rows.read, rows.kept, rows.quarantined) == (7, 5, 2)
    assert not record.undeclared_columns
    raw = read_parquet(paths.ingest / "quarantined_rows.parquet")
    assert '"(row of the file)": "3"' in raw[raw["table"] == "stages"]["raw"].iloc[0]


def test_a_wide_header_that_the_file_lacks_is_named(tmp_path: Path) -> None:
    write(tmp_path, "leads.csv", ["Id,Created,MQL date", "L1,2025-01-01,2025-02-01"])
    declared = WIDE.replace("[Customer Date, Became a customer]", "MQL date")
    path = tmp_path / "shop.yaml"
    with pytest.raises(MissingColumnError, match=r"stages.wide.mql.*'MQL Date'.*Did you mean 'MQL date'"):
        ingest(parse_source(declared, path=path), Paths(tmp_path / "data", "shop"))


@pytest.mark.parametrize(
    ("was", "is_", "message"),
    [
        (
            "columns: {lead_id: {from: Id}, created_at",
            "wide: {mql: A}\n    columns: {lead_id: {from: Id}, created_at",
            "stages",
        ),
        (
            "columns: {lead_id: {from: Id}}",
            "columns: {lead_id: {from: Id}, stage: {from: S}}",
            "columns.stage comes from",
        ),
        ("mql: MQL Date", "qualified: MQL Date", "mql"),
    ],
)
def test_wrong_wide_declarations_are_refused(was: str, is_: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        parse_source(WIDE.replace(was, is_))


def test_the_validation_page_and_the_counts_tell_the_matches(tmp_path: Path) -> None:
    leads = [f"{one},2025-01-01,,{deal}," for one, deal in zip(SHORT[:2], ["D1", "D2"], strict=True)]
    paths = ingest_shop(tmp_path, leads, [f"{LONG[0]},Call,2025-02-01", f"{SHORT[1]},Call,2025-02-01"])
    record = CountsRecord.read(paths)
    found = record.keys["activities.lead_id"]
    assert (found.refers_to, found.rows, sum(found.matched.values())) == ("leads.lead_id", 2, 1)
    assert any("15 and 18 characters of one Salesforce id" in note for note in record.notes)


def test_deals_that_no_lead_names_belong_to_none(tmp_path: Path) -> None:
    paths = ingest_shop(tmp_path, ["L1,2025-01-01,,D1,"], ["L1,Call,2025-02-01"])
    outcomes = read_parquet(paths.ingest / "outcomes.parquet")
    assert outcomes["lead_id"].tolist()[0] == "L1" and outcomes["lead_id"].isna().tolist() == [False, True]
    assert "outcomes.lead_id: 1 rows are named by no row" in (tmp_path / "said.txt").read_text(encoding="utf-8")


NUMBERS = DECLARED.replace("through: [ContactId, Email]", "through: [DealId, ContactId]")


def test_an_id_that_is_right_is_not_looked_up_again(tmp_path: Path) -> None:
    leads = ["57,2025-01-01,,,", "58,2025-01-01,59,57,", "59,2025-01-01,,D1,", "60,2025-01-01,58,,"]
    tasks = ["57,Call,2025-02-01", "58,Call,2025-02-01", "59,Call,2025-02-01", "D1,Call,2025-02-01"]
    paths = ingest_shop(tmp_path, leads, tasks, NUMBERS)
    assert read_parquet(paths.ingest / "activities.parquet")["lead_id"].tolist() == ["57", "58", "59", "59"]


def test_a_deal_s_own_number_is_no_lead_s(tmp_path: Path) -> None:
    declared = DECLARED.replace("opportunity_id: {from: Id}", "opportunity_id: {from: No}").replace(
        "lead_id: {from: Id, through: [DealId]}", "lead_id: {from: No, through: [DealId]}"
    )
    write(tmp_path, "leads.csv", ["Id,Created,ContactId,DealId,Email", "1,2025-01-01,,2,", "2,2025-01-01,,3,"])
    write(tmp_path, "tasks.csv", ["WhoId,Subject,Date", "1,Call,2025-02-01"])
    write(tmp_path, "deals.csv", ["No,Closed,Won", "1,2025-05-01,true", "2,2025-05-01,true", "3,2025-05-01,true"])
    path = tmp_path / "shop.yaml"
    path.write_text(declared, encoding="utf-8")
    paths = Paths(tmp_path / "data", "shop")
    ingest(parse_source(declared, path=path), paths)
    deals = read_parquet(paths.ingest / "outcomes.parquet").sort_values("opportunity_id")
    assert deals["lead_id"].fillna("").tolist() == ["", "1", "2"]
