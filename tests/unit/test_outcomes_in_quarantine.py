"""A lead whose outcome is in quarantine is not known to be open or lost, and goes there too."""

from pathlib import Path

import pandas as pd
import pytest

from features.schema.load_source import parse_source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths

DECLARATION = """\
name: shop
kind: relational
tables:
  leads:
    location: {file: leads.csv}
    columns:
      lead_id: {from: Id}
      created_at: {from: Created}
  outcomes:
    location: {file: deals.csv}
    columns:
      opportunity_id: {from: Id}
      lead_id: {from: Lead}
      closed_at: {from: Closed}
      amount: {from: Amount, minimum: 1}
      won: {from: Won}
cohort: {policy: after_creation}
label: {outcome: won, horizon_days: 30}
"""
GOOD = "D1,L1,2025-02-01,100,yes\nD2,L2,2025-02-02,100,no\nD3,L3,2025-02-03,100,yes\n"


def read(folder: Path, deal: str, declared: str = DECLARATION) -> tuple[CountsRecord, list[str], dict[int, str]]:
    """Counts, the leads kept, and the rules that rows of leads broke; the leads are L1 to L5."""
    leads = "".join(f"L{row},2025-01-0{row}\n" for row in range(1, 6))
    (folder / "leads.csv").write_text("Id,Created\n" + leads, encoding="utf-8")
    (folder / "deals.csv").write_text("Id,Lead,Closed,Amount,Won\n" + GOOD + deal, encoding="utf-8")
    path = folder / "shop.yaml"
    path.write_text(declared, encoding="utf-8")
    paths = Paths(folder / "data", "shop")
    counts = ingest(parse_source(declared, where="shop.yaml", path=path), paths)
    apart = pd.read_parquet(paths.ingest / "quarantine.parquet").query("table == 'leads'")
    kept = pd.read_parquet(paths.ingest / "leads.parquet")["lead_id"].tolist()
    return counts, kept, dict(zip(apart["row"], apart["rule"], strict=True))


@pytest.mark.parametrize(
    "deal",
    [
        "D4,L4,2025-02-01,0,yes\n",  # below the minimum
        "D4,L4,soon,100,yes\n",
        "D4,L4,,100,yes\n",
        "D4,L4,2025-02-01,100,perhaps\n",
        "D4,L4,soon,100,no\n",
        "D4,L4,soon,100,perhaps\n",
        "D4,L4,2025-02-01,0,no\n",
        ",L4,2025-02-01,100,yes\n",
    ],
)
def test_a_lead_whose_outcome_cannot_be_kept_goes_with_it(tmp_path: Path, deal: str) -> None:
    counts, kept, apart = read(tmp_path, deal)
    assert kept == ["L1", "L2", "L3", "L5"] and apart == {4: "close_quarantined"}
    assert counts.rows["leads"].quarantined == counts.rows["outcomes"].quarantined == 1
    assert "of a deal that seems over, but whose outcome cannot be kept" in counts.text


@pytest.mark.parametrize(
    "deal",
    [
        "D4,L4,,100,no\n",  # an open deal in a table that says only of closed ones when
        "D4,L4,,100,\n",
        "D4,L4,,100,kickoff\n",  # a status that is not understood, of a deal that has not closed
        "D4,L4,,0,no\n",
        "D3,L3,2025-02-03,100,yes\n",  # a repeated row
        "D4,L9,2025-02-01,100,yes\n",  # of a lead that is not there
        "D4,L1,2025-02-01,0,yes\n",  # of a lead that another deal has won
        "D4,L2,2025-02-03,0,no\n",  # lost again: the loss that is kept says the same
    ],
)
def test_other_leads_stay(tmp_path: Path, deal: str) -> None:
    _, kept, apart = read(tmp_path, deal)
    assert kept == ["L1", "L2", "L3", "L4", "L5"] and not apart


@pytest.mark.parametrize("won", ["yes", "perhaps"])
def test_a_loss_that_is_kept_says_nothing_of_what_may_be_a_win(tmp_path: Path, won: str) -> None:
    _, kept, apart = read(tmp_path, f"D4,L2,2025-02-03,0,{won}\n")
    assert kept == ["L1", "L3", "L4", "L5"] and apart == {2: "close_quarantined"}


def test_a_close_after_the_declared_cutoff_leaves_its_lead_open(tmp_path: Path) -> None:
    declared = DECLARATION.replace("tables:", "data_cutoff: 2025-02-10T00:00:00Z\ntables:")
    _, kept, apart = read(tmp_path, "D4,L4,2025-03-01,100,yes\n", declared)
    assert kept == ["L1", "L2", "L3", "L4", "L5"] and not apart


@pytest.mark.parametrize(("won", "later"), [("yes", "yes"), ("no", "yes"), ("no", "no")])
def test_a_close_after_the_declared_cutoff_stands_for_none_before_it(tmp_path: Path, won: str, later: str) -> None:
    declared = DECLARATION.replace("tables:", "data_cutoff: 2025-02-10T00:00:00Z\ntables:")
    deals = f"D4,L4,2025-02-01,0,{won}\nD5,L4,2025-03-01,100,{later}\n"
    _, kept, apart = read(tmp_path, deals, declared)
    assert kept == ["L1", "L2", "L3", "L5"] and apart == {4: "close_quarantined"}
