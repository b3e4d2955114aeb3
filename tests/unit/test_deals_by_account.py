"""Deals that name an account alone find its leads however the two exports write it; what finds none is told."""

from pathlib import Path

import pytest

from features.cohort.outcomes import credited_outcomes
from features.schema.load_source import parse_source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

DECLARATION = """\
name: shop
kind: relational
tables:
  leads:
    location: {file: leads.csv}
    columns:
      lead_id: {from: Id}
      created_at: {from: Created}
      account_id: {from: Company, when_known: at_creation}
  outcomes:
    location: {file: deals.csv}
    columns:
      opportunity_id: {from: Id}
      account_id: {from: Company}
      closed_at: {from: Closed}
      won: {from: Won}
cohort: {policy: after_creation}
label: {outcome: won, horizon_days: 30, credit: account}
"""


def read(folder: Path, leads: list[str], deals: list[str]) -> tuple[CountsRecord, dict[str, str]]:
    """Counts, and the deal that each lead is credited with."""
    (folder / "leads.csv").write_text(
        "Id,Created,Company\n" + "".join(f"L{row},2025-01-0{row},{name}\n" for row, name in enumerate(leads, 1)),
        encoding="utf-8",
    )
    (folder / "deals.csv").write_text(
        "Id,Company,Closed,Won\n"
        + "".join(
            f"D{row},{name},2025-02-0{9 - row},{'yes' if row % 2 else 'no'}\n" for row, name in enumerate(deals, 1)
        ),
        encoding="utf-8",
    )
    path = folder / "shop.yaml"
    path.write_text(DECLARATION, encoding="utf-8")
    source = parse_source(DECLARATION, where="shop.yaml", path=path)
    paths = Paths(folder / "data", "shop")
    counts = ingest(source, paths)
    credited = credited_outcomes(load_tables(paths), source)
    return counts, dict(zip(credited["lead_id"], credited["opportunity_id"], strict=True))


@pytest.mark.parametrize(
    ("leads", "deals", "way"),
    [
        (["Müller GmbH", "Kim AG"], ["MÜLLER GMBH", "Kim AG"], "upper and lower case"),
        (["0012", "0034"], ["12", "0034"], "leading zeros lost"),
        (["123", "34"], ["123.0", "34"], "whole numbers with and without .0"),
        (["001A0000006Vm9u", "001A0000006Vm9v"], ["001A0000006Vm9uIAC", "001A0000006Vm9v"], "Salesforce"),
    ],
)
def test_an_account_written_otherwise_finds_its_leads(
    tmp_path: Path, leads: list[str], deals: list[str], way: str
) -> None:
    counts, credited = read(tmp_path, leads, deals)
    assert credited == {"L1": "D1", "L2": "D2"}
    told = [
        note for note in counts.text.splitlines() if "outcomes.account_id: 1 of 2 ids are written otherwise" in note
    ]
    assert len(told) == 1 and "leads.account_id" in told[0] and way in told[0]
    assert "no lead names" not in counts.text


def test_a_company_with_commas_in_its_name_is_not_a_list_of_others(tmp_path: Path) -> None:
    counts, credited = read(tmp_path, ["Johnson", "Kim AG"], ['"Johnson, Smith & Partners LLP"', "Kim AG"])
    assert credited == {"L2": "D2"} and "several ids in one cell" not in counts.text
    assert any("name an account that no lead names (e.g. account 'Johnson, Smith" in note for note in counts.notes)


def test_closes_of_accounts_that_no_lead_names_are_told(tmp_path: Path) -> None:
    counts, credited = read(tmp_path, ["Acme", "Kim AG"], ["Acme Corporation", "Kim AG", "Lee Ltd"])
    assert credited == {"L2": "D2"}
    assert any(
        note.startswith("2 of 3 closes (2 won) name an account that no lead names (e.g. account 'Acme Corporation')")
        for note in counts.notes
    )
