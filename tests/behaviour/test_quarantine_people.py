"""Rows in quarantine tell nobody who they are about, whichever table they were read for, and go with the person."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipelines.artifacts.counts_record import CountsRecord
from pipelines.run import run_stage
from pipelines.workspace.atomic_files import read_json, write_parquet, write_text
from pipelines.workspace.context import Context, open_context
from tests.reference.file_texts import text_of

Cli = Callable[..., tuple[int, str, str]]

DECLARED = """
name: deals
kind: relational
opportunities:
  location: {file: deals.csv}
  lead_id: id
  created_at: created
  closed_at: closed
  status: {from: status, won: [won], lost: [lost]}
  amount: pay
  columns:
    email: {from: email, role: personal}
    phone: {from: phone, role: personal}
    salary: {from: pay, role: sensitive}
"""
JANE = "D10004,jane.roe@secret.example,+49 170 5500004,2025-01-05,2025-03-05,lost,4e3x"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    rows = ["id,email,phone,created,closed,status,pay"]
    for k in range(30):
        day = f"{1 + k % 28:02d}"
        ends = f"2025-01-{day},2025-03-{day},{'won' if k % 2 else 'lost'},{k}000"
        rows.append(f"D{10_000 + k},p{k}@a.example,+49 170 55{k:05d},{ends}")
    rows[5], rows[9] = JANE.replace("4e3x", "4000,oops"), rows[9].replace("8000", "8e3x")
    (tmp_path / "deals.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "deals.yaml").write_text(DECLARED)
    found = open_context(str(tmp_path / "deals.yaml"), tmp_path / "data")
    run_stage(found, "ingest")
    run_stage(found, "validate")
    return found


def places_of(folder: Path, *words: str) -> set[str]:
    """Files below a folder that hold one of the words."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)) for path in files if any(word in text_of(path) for word in words)}


def test_rows_are_masked_for_every_table_of_the_file(context: Context) -> None:
    counts = CountsRecord.read(context.paths)
    assert {table: row.quarantined for table, row in counts.rows.items() if row.quarantined}["outcomes"] == 2
    kept = {"ingest/quarantined_rows.parquet"}
    assert places_of(context.paths.root, "jane.roe", "5500004") == kept
    assert places_of(context.paths.root, "8e3x") == kept, "the amount is the sensitive column of another table"


def test_all_of_a_person_s_own_row_goes(context: Context, cli: Cli) -> None:
    paths = context.paths
    _show_in_clear(context)
    words = ("jane.roe", "5500004", "D10004")
    assert len(places_of(paths.root, *words)) >= 5
    where = ("--source", str(paths.data_dir.parent / "deals.yaml"), "--data-dir", str(paths.data_dir))
    status, said, problem = cli("forget", "jane.roe@secret.example", *where)
    assert status == 0, said + problem
    assert places_of(paths.root, *words) == set()
    counts = CountsRecord.read(paths)
    assert all(row.read == row.kept + row.quarantined + row.set_apart for row in counts.rows.values())
    assert counts.rows["outcomes"].quarantined == 1


def _show_in_clear(context: Context) -> None:
    """As versions did that masked the rows of one table alone."""
    paths, raw = context.paths, JANE.replace("4e3x", "4000,oops")
    mask = next(reason.example for reason in CountsRecord.read(paths).reasons["outcomes"] if reason.row == 5)
    for file in (paths.ingest / "counts.json", paths.ingest / "verdict.json", paths.validate / "validation.json"):
        write_text(file, file.read_text().replace(mask, raw))
        assert read_json(file)
    page = paths.validate / "validation.html"
    write_text(page, page.read_text().replace(mask, raw))
    quarantine = pd.read_parquet(paths.ingest / "quarantine.parquet")
    write_parquet(paths.ingest / "quarantine.parquet", quarantine.assign(value=quarantine["value"].replace(mask, raw)))
