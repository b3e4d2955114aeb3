"""Of rows of one id that contradict each other the newest counts where a column tells it; else that is said."""

from pathlib import Path

import pandas as pd
import pytest

from features.errors import SourceError
from features.schema.load_source import parse_source
from features.schema.source import Source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.notes_in_words import split_notes
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

SOURCE = """\
name: shop
kind: relational
tables:
  leads:
    location: {file: leads.csv}
    NEWEST
    columns:
      lead_id: {from: Id}
      created_at: {from: Created}
      size: {from: Size}
      MORE
  outcomes:
    location: {file: deals.csv}
    columns:
      opportunity_id: {from: Id}
      lead_id: {from: Id}
      closed_at: {from: Closed}
      won: {from: Won}
cohort: {policy: after_creation}
label: {outcome: won, horizon_days: 30}
"""
UPDATED = "updated_at: {from: Changed, type: timestamp, role: display}"
ROWS = """\
Id,Created,Size,Changed,Version
L1,2025-01-06 09:00,small,2025-02-01 10:00,1
L2,2025-01-07 09:00,small,2025-02-01 10:00,1
L1,2025-01-06 09:00,large,2025-03-01 10:00,2
L1,2025-01-06 09:00,tiny,2025-01-20 10:00,0
L3,2025-01-08 09:00,small,2025-02-01 10:00,1
L3,2025-01-08 09:00,small,2025-03-01 10:00,2
"""
DEALS = "Id,Closed,Won\nL1,2025-02-01 10:00,yes\nL2,2025-02-02 10:00,no\n"


def declare(folder: Path, *, more: str = "", newest: str = "") -> Source:
    path = folder / "shop.yaml"
    text = SOURCE.replace("    NEWEST\n", f"    newest_by: {newest}\n" if newest else "")
    path.write_text(text.replace("      MORE\n", f"      {more}\n" if more else ""), encoding="utf-8")
    return parse_source(path.read_text(), where="shop.yaml", path=path)


def read(folder: Path, source: Source, rows: str = ROWS) -> tuple[CountsRecord, dict[str, str]]:
    (folder / "leads.csv").write_text(rows, encoding="utf-8")
    (folder / "deals.csv").write_text(DEALS, encoding="utf-8")
    paths = Paths(folder / "data", "shop")
    counts = ingest(source, paths)
    leads = load_tables(paths)["leads"]
    return counts, dict(zip(leads["lead_id"], leads["size"], strict=True))


@pytest.mark.parametrize(
    ("more", "newest", "column"),
    [
        (UPDATED, "", "updated_at"),
        ("known_at: {from: Changed}", "", "known_at"),
        ("changed: {from: Changed, type: timestamp, role: display}", "changed", "changed"),
        ("version: {from: Version, type: number, role: display}", "version", "version"),
    ],
)
def test_the_newest_row_counts(tmp_path: Path, more: str, newest: str, column: str) -> None:
    counts, sizes = read(tmp_path, declare(tmp_path, more=more, newest=newest))
    assert sizes == {"L1": "large", "L2": "small", "L3": "small"}
    assert counts.rows["leads"].quarantined == 3
    note = (
        f"leads: rows of 1 id contradict each other (size in 1; e.g. L1); the newest by '{column}' counts, the others "
        "are in quarantine."
    )
    assert note in counts.notes and f"note: {note}" in counts.text


def test_without_such_a_column_the_first_counts_and_it_is_said(tmp_path: Path) -> None:
    counts, sizes = read(tmp_path, declare(tmp_path))
    assert sizes["L1"] == "small"
    found = [note for note in counts.notes if note.startswith("warning: leads: rows of 1 id contradict each other")]
    assert len(found) == 1 and "(size in 1; e.g. L1)" in found[0] and "newest_by" in found[0]
    assert found[0] in counts.text
    assert found[0].removeprefix("warning: ") in split_notes(counts)[0], "it stands in the report"


def test_rows_of_one_moment_are_named(tmp_path: Path) -> None:
    rows = ROWS + "L2,2025-01-07 09:00,large,2025-02-01 10:00,1\n"
    counts, sizes = read(tmp_path, declare(tmp_path, more=UPDATED), rows)
    assert sizes == {"L1": "large", "L2": "small", "L3": "small"}
    told = "\n".join(counts.notes)
    assert "warning: leads: rows of 1 id contradict each other" in told and "e.g. L2" in told
    assert "'updated_at' is the same or empty" in told and "the newest by 'updated_at' counts" in told


def test_rows_without_the_moment_are_older_than_those_with_it(tmp_path: Path) -> None:
    rows = "Id,Created,Size,Changed\nL1,2025-01-06,small,\nL1,2025-01-06,large,2025-03-01\nL2,2025-01-06,x,2025-03-01\n"
    _, sizes = read(tmp_path, declare(tmp_path, more=UPDATED), rows)
    assert sizes["L1"] == "large"


def test_a_newest_row_that_breaks_a_rule_does_not_count(tmp_path: Path) -> None:
    rows = ROWS + "L1,soon,huge,2025-06-01 10:00,9\n"
    _, sizes = read(tmp_path, declare(tmp_path, more=UPDATED), rows)
    assert sizes["L1"] == "large"


def test_rows_alike_are_no_contradiction(tmp_path: Path) -> None:
    rows = "Id,Created,Size\nL1,2025-01-06,small\nL1,2025-01-06,small\nL2,2025-01-06,large\n"
    counts, _ = read(tmp_path, declare(tmp_path), rows)
    assert counts.rows["leads"].quarantined == 1 and "contradict" not in counts.text


def test_the_column_has_to_be_declared(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="'newest_by' names 'changed', which is no column that is read"):
        declare(tmp_path, newest="changed")


DEAL_FILE = """\
name: deals
kind: relational
opportunities:
  location: {file: deals.csv}
  lead_id: Id
  created_at: Created
  closed_at: Closed
  status: {from: Stage, won: [Won], lost: [Lost], open: [Open]}
  account_id: Company
  columns:
    updated_at: {from: Changed, type: timestamp, role: display}
  account_columns:
    industry: {from: Industry}
cohort: {policy: after_creation}
label: {outcome: won, horizon_days: 30}
"""


def test_of_a_file_of_deals_the_newest_row_says_how_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "deals.yaml"
    path.write_text(DEAL_FILE, encoding="utf-8")
    (tmp_path / "deals.csv").write_text(
        "Id,Created,Closed,Stage,Company,Industry,Changed\n"
        "D1,2025-01-06 09:00,2025-02-01 09:00,Lost,A,Cars,2025-02-01 10:00\n"
        "D1,2025-01-06 09:00,2025-03-01 09:00,Won,A,Trucks,2025-03-01 10:00\n"
        "D2,2025-01-07 09:00,2025-03-02 09:00,Lost,B,Food,2025-03-02 10:00\n"
        "D3,2025-01-08 09:00,,Open,B,Food,2025-03-02 10:00\n",
        encoding="utf-8",
    )
    paths = Paths(tmp_path / "data", "deals")
    counts = ingest(parse_source(DEAL_FILE, where="deals.yaml", path=path), paths)
    tables = load_tables(paths)
    closes = tables["outcomes"][["opportunity_id", "won"]]
    assert closes.to_numpy().tolist() == [["D1", True], ["D2", False]]
    assert pd.Series(tables["leads"]["lead_id"]).tolist() == ["D1", "D2", "D3"]
    for table, n in counts.rows.items():
        assert n.read == n.kept + n.quarantined + n.left_out, table
    told = [note for note in counts.notes if "contradict" in note]
    assert [note for note in told if note.startswith("warning: accounts: rows of 1 id contradict each other")]
    assert [note for note in told if note.startswith("leads: rows of 1 id contradict each other")]


def test_a_newest_row_that_two_exports_hold_is_one(tmp_path: Path) -> None:
    rows = ROWS + "L1,2025-01-06 09:00,large,2025-03-01 10:00,2\n"
    counts, sizes = read(tmp_path, declare(tmp_path, more=UPDATED), rows)
    assert sizes["L1"] == "large"
    assert not [note for note in counts.notes if note.startswith("warning") and "contradict" in note]


def test_a_deal_taken_back_is_lost_where_two_exports_say_so(tmp_path: Path) -> None:
    """January's win was taken back in February; March brings February's row once more."""
    path = tmp_path / "deals.yaml"
    path.write_text(DEAL_FILE, encoding="utf-8")
    (tmp_path / "deals.csv").write_text(
        "Id,Created,Closed,Stage,Company,Industry,Changed\n"
        "7,2024-03-01,2024-04-10,Won,A,Cars,2024-04-10\n"
        "7,2024-03-01,2024-03-31,Lost,A,Cars,2024-05-02\n"
        "7,2024-03-01,2024-03-31,Lost,A,Cars,2024-05-02\n"
        "8,2024-03-01,2024-04-12,Won,B,Food,2024-04-12\n",
        encoding="utf-8",
    )
    paths = Paths(tmp_path / "data", "deals")
    counts = ingest(parse_source(DEAL_FILE, where="deals.yaml", path=path), paths)
    closes = load_tables(paths)["outcomes"][["lead_id", "won"]]
    assert closes.to_numpy().tolist() == [["7", False], ["8", True]]
    assert not [note for note in counts.notes if note.startswith("warning") and "contradict" in note]
    for table, n in counts.rows.items():
        assert n.read == n.kept + n.quarantined + n.left_out, table
