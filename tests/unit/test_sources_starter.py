"""A starter declaration guesses types, target, clocks and suspicious columns, loads, and can be ingested as it is."""

from pathlib import Path

import pandas as pd
import pytest

from features.errors import DataError
from features.schema.load_source import parse_source
from features.schema.vocabulary import ColumnType, Dimension, Role, Topic, WhenKnown
from pipelines.declaring import starter_declaration
from pipelines.declaring.confirming.guessed_files import guess_files
from pipelines.declaring.exports.open_export import init_export
from pipelines.declaring.starter_declaration import declare_facts, read_facts
from pipelines.declaring.yaml_text import quote_yaml
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths

ROWS = 60


def export(folder: Path, **changed: list[str]) -> Path:
    won = ["Closed Won" if i % 3 == 0 else "Closed Lost" for i in range(ROWS)]
    columns = {
        "Deal ID": [f"D{i}" for i in range(ROWS)],
        "Created Date": [f"2025-01-{1 + i % 28:02d} 09:00" for i in range(ROWS)],
        "E-Mail": [f"p{i}@example.org" for i in range(ROWS)],
        "Gender": ["f", "m"] * (ROWS // 2),
        "Job Title": ["CEO", "Buyer", "unknown", "Buyer", "CEO"] * (ROWS // 5),
        "Budget": [f"{1000 + i},50" for i in range(ROWS)],
        "Competitor known": ["Yes", "No"] * (ROWS // 2),
        "Demo requests": [str(i % 4) for i in range(ROWS)],
        "Lost reason": ["" if w == "Closed Won" else "price" for w in won],
        "Handover": ["x" if w == "Closed Won" else "y" for w in won],
        "Country": ["DE"] * ROWS,
        "pdays": ["999"] * 40 + [str(i) for i in range(ROWS - 40)],
        "Result": won,
        **changed,
    }
    path = folder / "My export.csv"
    pd.DataFrame(columns).to_csv(path, sep=";", index=False)
    return path


def test_what_is_shown_of_a_file_and_its_declaration_come_from_one_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    find = starter_declaration.find_facts
    monkeypatch.setattr(starter_declaration, "find_facts", lambda *given: looks.append(given) or find(*given))
    path, data = export(tmp_path), tmp_path / "data"
    guessed = guess_files([path], tmp_path / "declared" / "my.yaml", data)
    assert len(looks) == 1
    assert guessed.declaration == init_export([str(path)], tmp_path / "declared" / "my.yaml", data)
    assert (guessed.name, guessed.rows, guessed.kind) == ("my_export", ROWS, "flat")


def test_the_starter_loads_and_its_guesses_are_right(tmp_path: Path) -> None:
    text = declare_facts(*read_facts(export(tmp_path)))
    source = parse_source(text)
    assert source.name == "my_export" and source.flat is not None
    target = source.flat.target
    assert (target.column, target.won, target.lost) == ("result", ("Closed Won",), ("Closed Lost",))
    assert source.flat.order == "created_date" and source.flat.lead_id == "deal_id"
    columns = source.tables["leads"].columns
    assert {name: str(c.role) for name, c in columns.items() if c.role is not Role.FEATURE} == {
        "deal_id": "display",
        "created_date": "display",
        "e_mail": "personal",
        "e_mail_domain": "display",
        "gender": "sensitive",
        "lost_reason": "ignore",
        "handover": "ignore",
        "country": "ignore",
        "result": "display",
    }
    assert columns["budget"].type is ColumnType.NUMBER and columns["budget"].topic is Topic.BUDGET
    assert columns["competitor_known"].type is ColumnType.BOOLEAN
    assert columns["competitor_known"].topic is Topic.COMPETITION
    assert columns["job_title"].topic is Topic.AUTHORITY and columns["job_title"].missing == ("unknown",)
    assert columns["demo_requests"].dimension is Dimension.INTENT
    assert columns["created_date"].type is ColumnType.TIMESTAMP
    assert "the outcome follows from its values alone in 100% of the rows" in columns["handover"].excluded_because
    assert "does 999 mean missing?" in text
    assert "p1@example.org" not in text


def test_the_starter_can_be_ingested_as_it_is(tmp_path: Path) -> None:
    path = export(tmp_path)
    source = parse_source(declare_facts(*read_facts(path)), path=tmp_path / "my.yaml")
    counts = ingest(source, Paths(tmp_path / "data", source.name)).content()
    assert counts["rows"]["leads"] == {"read": ROWS, "kept": ROWS, "quarantined": 0}
    frame = pd.read_parquet(tmp_path / "data" / source.name / "ingest" / "leads.parquet")
    assert frame["budget"].iloc[0] == 1000.5 and frame["lead_id"].iloc[0] == "D0"


@pytest.mark.parametrize(
    ("created", "closed", "won", "lost"),
    [
        ("Vytvořeno", "Uzavřeno", "Vyhráno", "Prohráno"),
        ("Erstellt am", "Abgeschlossen am", "Gewonnen", "Verloren"),
        ("Utworzono", "Zamknięto", "Wygrana", "Przegrana"),
        ("Créé le", "Clôturé le", "Gagné", "Perdu"),
    ],
)
def test_days_of_a_spreadsheet_are_the_clocks_of_a_timed_source(
    tmp_path: Path, created: str, closed: str, won: str, lost: str
) -> None:
    path = tmp_path / "deals.csv"
    columns = {
        "ID": [f"D{i}" for i in range(ROWS)],
        created: [f"{45_301 + 5 * i},{1 + i % 9}" if i % 4 else f"{45_301 + 5 * i}" for i in range(ROWS)],
        closed: [f"{45_340 + 5 * i},25" for i in range(ROWS)],
        "Status": [lost if i % 3 else won for i in range(ROWS)],
        "Umsatz": [f"{45_000 + 7 * i}" for i in range(ROWS)],  # no header of time: a number
    }
    pd.DataFrame(columns).to_csv(path, sep=";", index=False)
    source = parse_source(declare_facts(*read_facts(path)), path=tmp_path / "my.yaml")
    assert source.flat is None and source.tables["leads"].columns["umsatz"].type is ColumnType.NUMBER

    ingest(source, Paths(tmp_path / "data", source.name))
    folder = tmp_path / "data" / source.name / "ingest"
    leads, outcomes = (pd.read_parquet(folder / f"{name}.parquet") for name in ("leads", "outcomes"))
    assert leads["created_at"].iloc[1] == pd.Timestamp("2024-01-15 04:48")
    assert len(leads) == len(outcomes) == ROWS and outcomes["closed_at"].min() == pd.Timestamp("2024-02-18 06:00")


def test_numbers_under_a_header_that_counts_are_no_days(tmp_path: Path) -> None:
    paid = [str(45_301 + 5 * i) for i in range(ROWS)]
    source = parse_source(declare_facts(*read_facts(export(tmp_path, **{"Last amount": paid}))))
    assert source.tables["leads"].columns["last_amount"].type is ColumnType.NUMBER


def test_without_a_likely_target_the_starter_says_so(tmp_path: Path) -> None:
    text = declare_facts(*read_facts(export(tmp_path, Result=["?"] * ROWS)))
    assert "# TO EDIT: no column looks like a target" in text
    source = parse_source(text)
    assert source.flat is not None and source.flat.target.column == "target"


def test_awkward_headers_become_names_that_load(tmp_path: Path) -> None:
    path = tmp_path / "9.csv"
    path.write_text('"a: b",A b,owner,Überfall #1,"yes","{x}",1st,won\n' + "1,2,3,4,5,6,7,yes\n1,2,3,4,5,6,7,no\n" * 9)
    source = parse_source(declare_facts(*read_facts(path)))
    names = list(source.tables["leads"].columns)
    assert names == ["a_b", "a_b_2", "owner_2", "uberfall_1", "yes", "x", "c_1st", "won"]
    assert [c.source or n for n, c in source.tables["leads"].columns.items()][:3] == ["a: b", "A b", "owner"]
    assert source.name == "leads_9"


AWKWARD = ["yes", "null", "1.5", "-", "a: b", "a #b", "#", "[x]", "Ä", "y", " x", "it's", '"', ""]


@pytest.mark.parametrize("text", AWKWARD)
def test_quoted_scalars_read_back(text: str) -> None:
    assert parse_source(f"name: a\nkind: flat\ntitle: {quote_yaml(text)}\n{REST}").title == text


REST = "flat: {target: {column: y, won: [a], lost: [b]}}\ntables: {leads: {}}\n"


def test_an_empty_file_has_no_starter(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(DataError, match="is empty"):
        declare_facts(*read_facts(tmp_path / "x.csv"))


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_time_along_which_the_file_lies_is_suggested_as_its_order(tmp_path: Path, newest_first: bool) -> None:
    days = [f"2025-01-{1 + i // 2:02d} 09:00" for i in range(ROWS)]
    mixed = [days[(7 * i) % ROWS] for i in range(ROWS)]
    created = {"Created Date": ["x"] * ROWS, "Call day": days[::-1] if newest_first else days}
    text = declare_facts(*read_facts(export(tmp_path, **created, **{"Visit day": mixed, "Closed day": days})))
    assert "  # order: call_day # the file lies in its order" in text
    assert "order: row" not in text and "order: visit_day" not in text and "order: closed_day" not in text
    chosen = parse_source(text.replace("# order: call_day", "order: call_day"))
    assert chosen.flat is not None and chosen.flat.order == "call_day"
    assert "order: row" in declare_facts(*read_facts(export(tmp_path, **{**created, "Call day": mixed})))


TODAY = ("Page Views", "Number of Sessions", "Last Activity", "Last Notable Activity", "Lead Quality", "Lead Profile",
         "Asymmetrique Activity Index", "Asymmetrique Profile Score", "Tags",
         "Total Time Spent on Website")  # fmt: skip


@pytest.mark.parametrize("kind", ["number", "category", "date", "text"])
def test_columns_that_by_their_words_hold_todays_value_are_left_out_with_what_to_do(tmp_path: Path, kind: str) -> None:
    values = {
        "number": [str(i % 7) for i in range(ROWS)],
        "category": ["a", "b", "c", "d"] * (ROWS // 4),
        "date": [f"2025-02-{1 + i % 28:02d} 10:00" for i in range(ROWS)],
        "text": [f"a long remark of a seller about call number {i} and what came of it" for i in range(ROWS)],
    }
    honest = {"Last Name": [f"n{i}" for i in range(ROWS)], "Seats": values["number"]}
    text = declare_facts(*read_facts(export(tmp_path, **dict.fromkeys(TODAY, values[kind]), **honest)))
    columns = parse_source(text).tables["leads"].columns
    for header in TODAY:
        column = columns[header.lower().replace(" ", "_")]
        assert column.role is Role.IGNORE and "today's value" in column.excluded_because, header
        assert column.when_known is WhenKnown.OVERWRITTEN, header
    assert columns["last_name"].role is Role.PERSONAL and columns["seats"].role is Role.FEATURE
    assert text.count("# TODAY'S VALUE, left out") == len(TODAY)
    assert text.count("leadscore snapshot add") == text.count("a caution stands with every list") == 1
    assert "by its name ('quality')" in columns["lead_quality"].excluded_because
