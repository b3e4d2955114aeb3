"""One file of deals is leads, outcomes, accounts and stages at once; every row is counted."""

from pathlib import Path

import pandas as pd
import pytest

from features.errors import SourceError
from features.schema.load_source import load_source, parse_source
from pipelines.ingest.errors import MissingColumnError
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths

DEALS = """\
Deal ID,Company,Industry,Deal Stage,Create Date,Closed Won Date,Close Date,Amount
D1,Acme,Steel,Closed Won,2024-01-02,2024-02-01,,1000
D2,Acme,Steel,closed-lost,2024-01-03,,2024-02-03,500
D3,Bolt,IT,Unqualified,2024-01-04,,2024-01-20,
D4,Bolt,IT,New,2024-02-04,,2030-01-01,700
D5,,IT,,2024-02-05,,,
D6,Cork,IT,Closed Lost,2024-01-06,,,300
D7,Cork,IT,On hold,2024-01-07,,,300
"""
SHORT = """\
name: deals
kind: relational
opportunities:
  location: {file: deals.csv}
  lead_id: Deal ID
  created_at: Create Date
  closed_at: [Closed Won Date, Close Date]
  status: {from: Deal Stage, won: [Closed Won], lost: [Closed Lost], disqualified: [Unqualified], open: [New, ""]}
  account_id: {from: Company, when_known: at_creation}
  amount: Amount
  columns:
    industry: {from: Industry, topic: need}
  account_columns:
    sector: {from: Industry}
"""


def read(folder: Path, declaration: str = SHORT, deals: str = DEALS) -> tuple[Paths, dict[str, pd.DataFrame]]:
    (folder / "deals.csv").write_text(deals, encoding="utf-8")
    (folder / "deals.yaml").write_text(declaration, encoding="utf-8")
    paths = Paths(folder / "data", "deals")
    ingest(load_source(folder / "deals.yaml"), paths)
    names = ("leads", "outcomes", "accounts", "stages", "quarantine")
    return paths, {name: pd.read_parquet(paths.ingest / f"{name}.parquet") for name in names}


def test_open_rows_are_leads_closed_ones_outcomes_too_and_only_broken_ones_quarantined(tmp_path: Path) -> None:
    _, tables = read(tmp_path)
    assert tables["leads"]["lead_id"].tolist() == ["D1", "D2", "D3", "D4", "D5"]
    assert tables["leads"]["status"].tolist()[:4] == ["Closed Won", "Closed Lost", "Unqualified", "New"]
    outcomes = tables["outcomes"].set_index("lead_id")
    assert outcomes["won"].to_dict() == {"D1": True, "D2": False, "D3": False}
    assert outcomes["closed_at"].dt.strftime("%m-%d").to_dict() == {"D1": "02-01", "D2": "02-03", "D3": "01-20"}
    assert not len(tables["stages"])  # disqualified counts as lost unless declared otherwise

    found = tables["quarantine"].query("table == 'leads'").set_index("row")["rule"].to_dict()
    assert found == {6: "close_quarantined", 7: "allowed_values"}  # lost on no day; a status nobody declared


def test_rows_of_other_tables_are_counted_apart_from_bad_ones(tmp_path: Path) -> None:
    paths, tables = read(tmp_path)
    counts = pd.read_json(paths.ingest / "counts.json", typ="series")["rows"]
    assert counts["outcomes"] == {"read": 7, "kept": 3, "quarantined": 1, "left_out": 3}
    assert counts["leads"] == {"read": 7, "kept": 5, "quarantined": 2}
    assert counts["accounts"] == {"read": 7, "kept": 6, "quarantined": 0, "left_out": 1}  # D5 names no company
    assert tables["accounts"].groupby("account_id").size().to_dict() == {"Acme": 2, "Bolt": 2, "Cork": 2}
    assert pd.read_json(paths.ingest / "counts.json", typ="series")["undeclared_columns"] == {}


def test_disqualified_is_a_stage_where_its_label_differs_from_lost(tmp_path: Path) -> None:
    _, tables = read(tmp_path, SHORT + "label: {disqualified: excluded}\n")
    assert tables["stages"][["lead_id", "stage"]].to_numpy().tolist() == [["D3", "disqualified"]]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("topic: need", "topik: need", ["line 12", "opportunities.columns.industry.topik", "did you mean 'topic'?"]),
        ("topic: need", "direction: 1", ["line 12", "a category has no order"]),
        ("lead_id: Deal ID", "lead: Deal ID", ["line 5", "unknown key", "created_at"]),
        ("[Closed Lost]", "[closed-won]", ["line 8", "'closed-won' stands under 'won' and under 'lost'"]),
        ("[Unqualified]", '[""]', ["line 8", "an empty value can only mean open"]),
        ("industry:", "status:", ["opportunities", "'status' is said above"]),
        ("kind: relational", "kind: relational\ntables: {outcomes: {columns: {}}}", ["line 3", "tables.outcomes"]),
        ("kind: relational", "kind: flat\nflat: {target: {column: x, won: [a], lost: [b]}}", ["sources with clocks"]),
        ("  account_id: {from: Company, when_known: at_creation}\n", "", ["'account_columns' needs 'account_id'"]),
    ],
)
def test_a_mistake_in_the_shorthand_is_named_by_the_line_it_was_written_in(old: str, new: str, said: list[str]) -> None:
    assert old in SHORT
    with pytest.raises(SourceError) as caught:
        parse_source(SHORT.replace(old, new, 1), where="my.yaml")
    for part in said:
        assert part in str(caught.value)


def test_a_header_that_the_file_lacks_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError, match=r"deals.yaml line 7: .*'Closing Date'.*Did you mean 'Close Date'"):
        read(tmp_path, SHORT.replace("[Closed Won Date, Close Date]", "[Closed Won Date, Closing Date]"))
    with pytest.raises(MissingColumnError, match=r"line 8: .*'Stage'"):
        read(tmp_path, SHORT.replace("from: Deal Stage", "from: Stage"))


def test_a_table_may_take_its_rows_and_first_filled_columns_without_the_shorthand(tmp_path: Path) -> None:
    declaration = """\
name: deals
kind: relational
tables:
  leads:
    location: {file: deals.csv}
    rows: {Industry: [steel, it]}
    columns: {lead_id: {from: Deal ID}, created_at: {from: Create Date}, company: {from: [Company, Industry]}}
  outcomes:
    location: {file: deals.csv}
    rows: {Deal Stage: [Closed Won, Closed Lost]}
    columns:
      opportunity_id: {from: Deal ID}
      lead_id: {from: Deal ID}
      closed_at: {from: [Closed Won Date, Close Date, Create Date]}
      won: {from: Deal Stage, true_values: [closed won], false_values: [closed lost]}
"""
    _, tables = read(tmp_path, declaration)
    assert tables["leads"]["company"].tolist() == ["Acme", "Acme", "Bolt", "Bolt", "IT", "Cork", "Cork"]
    assert tables["outcomes"]["won"].tolist() == [True, False, False]
    assert tables["outcomes"]["closed_at"].dt.strftime("%m-%d").tolist() == ["02-01", "02-03", "01-06"]
