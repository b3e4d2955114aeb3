"""A file that is written while it is read, or that lost most of its rows, is refused; nothing of it is kept."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from features.schema.load_source import parse_source
from features.schema.source import Source
from features.schema.table_source import Location
from pipelines.ingest.errors import ChangedFileError, EmptyFileError, FewerRowsError, UnreadableFileError
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.reading.file_state import check_unchanged, read_whole, state_of
from pipelines.ingest.reading.input_listing import list_tables
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables
from tests.reference.exports import LEADS, write_export

HEAD = LEADS.splitlines(keepends=True)[0]


def many(count: int, size: str = "small") -> str:
    return HEAD + "".join(f"L{k};2025-01-09 11:00;;e{k}@x.org;20;{size};1;no;x\n" for k in range(1, count + 1))


@contextmanager
def rewriting(path: Path, texts: tuple[str, str]) -> Iterator[None]:
    """A thread that writes one text and the other over the file for as long as the block runs, in pieces."""
    over = threading.Event()

    def write() -> None:
        turn = 0
        while not over.is_set():
            with path.open("w", encoding="utf-8") as stream:
                for start in range(0, len(texts[turn]), 20_000):
                    stream.write(texts[turn][start : start + 20_000])
                    stream.flush()
            turn = 1 - turn

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_file_rewritten_during_ingest_is_never_taken_half(tmp_path: Path) -> None:
    source, paths = write_export(tmp_path, leads=many(3_000)), Paths(tmp_path / "data", "shop")
    refused = 0
    with rewriting(tmp_path / "leads.csv", (many(3_000), many(3_000, "large"))):
        for _ in range(6):
            try:
                ingest(source, paths)
            except (ChangedFileError, FewerRowsError, EmptyFileError):
                refused += 1
                continue
            leads = load_tables(paths)["leads"]
            assert len(leads) == 3_000 and leads["size"].nunique() == 1, "half of each"
    assert refused
    counts = ingest(source, paths)
    assert counts.rows["leads"].kept == 3_000


def test_a_file_written_once_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, paths = write_export(tmp_path), Paths(tmp_path / "data", "shop")
    ingest(source, paths)
    before = (paths.ingest / "counts.json").read_text()

    def check_and_write(*given: object) -> list[object]:
        (tmp_path / "leads.csv").write_text(LEADS + "L9;2025-01-09 11:00;;e@x.org;20;small;1;no;x\n")
        return []

    monkeypatch.setattr("pipelines.stages.ingest.check_rows_against_last", check_and_write)
    with pytest.raises(ChangedFileError, match=r"leads\.csv changed while it was read .*Run again once the export"):
        ingest(source, paths)
    assert (paths.ingest / "counts.json").read_text() == before, "the last good tables stay"


def test_the_same_size_at_the_same_time_differs_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("a,b\n1,2\n")
    state = state_of(path)
    check_unchanged([state])
    path.write_text("a,b\n1,3\n")
    os.utime(path, ns=(state.modified_ns, state.modified_ns))
    with pytest.raises(ChangedFileError, match="its bytes were written anew"):
        check_unchanged([state])
    path.unlink()
    with pytest.raises(ChangedFileError, match="no longer there"):
        check_unchanged([state])


def test_every_part_of_a_table_is_watched(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("id,size\n1,2\n")
    raw = read_file(tmp_path / "*.csv", Location(file="*.csv"))
    assert [state.path.name for state in raw.files] == ["a.csv", "b.csv"]
    (tmp_path / "b.csv").write_text("id,size\n1,2\n3,4\n")
    with pytest.raises(ChangedFileError, match=r"b\.csv changed"):
        check_unchanged(raw.files)


def test_half_the_rows_are_refused_once_and_the_same_file_is_taken_then(tmp_path: Path) -> None:
    source, paths = write_export(tmp_path, leads=many(200)), Paths(tmp_path / "data", "shop")
    ingest(source, paths)
    (tmp_path / "leads.csv").write_text(many(90))
    with pytest.raises(FewerRowsError, match=r"leads\.csv has 90 rows, and had 200 at the last ingest"):
        ingest(source, paths)
    assert len(load_tables(paths)["leads"]) == 200
    (tmp_path / "leads.csv").write_text(many(95))
    with pytest.raises(FewerRowsError, match="has 95 rows"):  # still being written: not the file asked about
        ingest(source, paths)
    counts = ingest(source, paths)
    assert counts.rows["leads"].kept == 95
    assert "warning: leads: leads.csv has 95 rows, and had 200 at the last ingest." in counts.text
    assert not any("at the last ingest" in note for note in ingest(source, paths).notes)


def test_a_few_rows_less_are_told(tmp_path: Path) -> None:
    source, paths = write_export(tmp_path, leads=many(200)), Paths(tmp_path / "data", "shop")
    ingest(source, paths)
    (tmp_path / "leads.csv").write_text(many(150))
    assert "leads: leads.csv has 150 rows, and had 200 at the last ingest." in ingest(source, paths).notes


ONE_FILE = """\
name: shop
kind: relational
data_cutoff: "2025-07-01"
tables:
  leads:
    location: {file: deals.csv}
    columns: {lead_id: {from: Id}, created_at: {from: Created}}
  outcomes:
    location: {file: deals.csv}
    rows: {Stage: [Won, Lost]}
    columns:
      opportunity_id: {from: Id}
      lead_id: {from: Id}
      closed_at: {from: Closed}
      won: {from: Stage, map: {Won: "true", Lost: "false"}}
"""
WIDE = """\
name: shop
kind: relational
data_cutoff: "2025-07-01"
tables:
  leads:
    location: {file: deals.csv}
    columns: {lead_id: {from: Id}, created_at: {from: Created}}
  stages:
    location: {file: deals.csv}
    wide: {mql: MQL, sql: SQL, won: Won, lost: Lost}
    columns: {lead_id: {from: Id}}
"""


def closed_of(count: int, every: int) -> str:
    """Deals of which one in ``every`` is over."""
    over = [f"D{k},2025-01-0{k % 9 + 1},2025-03-01,{'Won' if k % 2 else 'Lost'}\n" for k in range(count // every)]
    still = [f"D{k},2025-01-0{k % 9 + 1},,Open\n" for k in range(count // every, count)]
    return "Id,Created,Closed,Stage\n" + "".join([*over, *still])


def wide_of(count: int, filled: int) -> str:
    """Leads of which ``filled`` have a date for each of three stages; the others have none."""
    dates = ["2025-02-01,2025-02-02,2025-03-01,", ",,,"]
    rows = [f"L{k},2025-01-0{k % 9 + 1},{dates[k >= filled]}\n" for k in range(count)]
    return "Id,Created,MQL,SQL,Won,Lost\n" + "".join(rows)


def declared(folder: Path, text: str) -> Source:
    (folder / "shop.yaml").write_text(text)
    return parse_source(text, path=folder / "shop.yaml")


@pytest.mark.parametrize(
    ("declaration", "export"), [(ONE_FILE, closed_of(300, 3)), (WIDE, wide_of(300, 20)), (WIDE, wide_of(300, 80))]
)
def test_a_file_of_several_tables_is_held_against_the_same_file(tmp_path: Path, declaration: str, export: str) -> None:
    source, paths = declared(tmp_path, declaration), Paths(tmp_path / "data", "shop")
    (tmp_path / "deals.csv").write_text(export)
    ingest(source, paths)
    assert not any("at the last ingest" in note for note in ingest(source, paths).notes)


@pytest.mark.parametrize(
    ("declaration", "whole", "part", "tables"),
    [
        (ONE_FILE, closed_of(300, 3), closed_of(140, 2), "leads, outcomes"),
        (WIDE, wide_of(300, 300), wide_of(140, 140), "leads, stages"),
    ],
)
def test_half_a_file_of_several_tables_is_refused_once(
    tmp_path: Path, declaration: str, whole: str, part: str, tables: str
) -> None:
    source, paths = declared(tmp_path, declaration), Paths(tmp_path / "data", "shop")
    (tmp_path / "deals.csv").write_text(whole)
    ingest(source, paths)
    (tmp_path / "deals.csv").write_text(part)
    said = f"{tables}: deals.csv has 140 rows, and had 300 at the last ingest"
    with pytest.raises(FewerRowsError, match=said):
        ingest(source, paths)
    assert f"warning: {said}." in ingest(source, paths).notes


def test_pipes_sockets_and_devices_are_refused_unopened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket.csv"))
    started = time.perf_counter()
    for path in (pipe, tmp_path / "socket.csv", Path("/dev/zero")):
        for read in (lambda p: read_file(p, Location(file=p.name)), read_whole, list_tables):
            with pytest.raises(UnreadableFileError, match="is not a file but a pipe or device"):
                read(path)
    listener.close()
    assert time.perf_counter() - started < 5
