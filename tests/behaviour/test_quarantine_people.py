"""Rows in quarantine tell nobody who they are about, whichever table they were read for, and go with the person."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from pipelines.artifacts.counts_record import CountsRecord
from pipelines.privacy.forget import Forgotten, finish_forgetting, forget_person
from pipelines.run import run_stage
from pipelines.workspace.atomic_files import read_json, write_parquet, write_text
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.paths import Paths
from serving.privacy.store_of_source import ServerOf
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


def test_nothing_of_the_row_stays_wherever_forget_is_killed(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _show_in_clear(context)
    run = context.paths.data_dir / "mlartifacts" / context.paths.source / "1"
    write_text(run / "report" / "report.html", "<p>jane.roe@secret.example</p>")
    write_text(run / "charts" / "waterfall_1.png", "a picture with her id")
    rehearsed = forget_of(context, dry_run=True)
    written, moved = list[Path](), Path.replace

    def move(self: Path, target: Path, *, kill_after: int = 0) -> Path:
        found = moved(self, target)
        written.append(target)
        if len(written) == kill_after:
            raise KeyboardInterrupt
        return found

    steps, after = 1, 0
    while after < steps:
        after += 1
        copy = replace(context, paths=Paths(tmp_path / f"killed-{after}", context.paths.source))
        shutil.copytree(context.paths.data_dir, copy.paths.data_dir)
        with monkeypatch.context() as patch:
            written.clear()
            patch.setattr(Path, "replace", lambda self, target, n=after: move(self, target, kill_after=n))
            try:
                done = forget_of(copy)
            except KeyboardInterrupt:
                steps = after + 1
                finish_forgetting(copy, ServerOf.of(copy)) or forget_of(copy)
        left = places_of(copy.paths.data_dir, "jane.roe", "5500004", "D10004", "a picture with")
        assert left == set(), f"killed after {written[:after]}"
        counts = CountsRecord.read(copy.paths)
        assert all(row.read == row.kept + row.quarantined + row.set_apart for row in counts.rows.values())
    assert steps > 10
    assert any("names and telephones are not kept, not even as hashes" in note for note in done.notes)
    assert rehearsed.places == done.places and len({place.where for place in done.places}) == len(done.places)


def forget_of(context: Context, *, dry_run: bool = False) -> Forgotten:
    """Jane forgotten, by her address."""
    return forget_person(context, "jane.roe@secret.example", ServerOf.of(context), dry_run=dry_run)


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
