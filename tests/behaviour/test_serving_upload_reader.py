"""An uploaded file is read in a process of its own, within bounds, and no other upload waits for it."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy.exc import OperationalError

from features.errors import DataError
from features.schema.source import Source
from pipelines.artifacts.reading_record import ReadingRecord
from pipelines.ingest.reading.read_limits import ReadLimits
from pipelines.scoring.leads_file import LeadsFile, read_leads_file
from serving.children.bounded_child import ReaderBounds, UnusableFileError
from serving.leads import upload_reader, upload_scorer
from serving.leads.upload_queue import UploadQueue
from tests.reference.exports import LEADS, write_export
from tests.reference.hostile_files import hostile_file
from tests.reference.serving import client_for, key_for

NOTHING = ReadingRecord(tables={})


def bounds(*, memory_mib: int = 2048, seconds: float = 60.0, **limits: int) -> ReaderBounds:
    return ReaderBounds(memory_mib=memory_mib, seconds=seconds, limits=ReadLimits(**limits))


def read_upload(*given: Any) -> LeadsFile:
    """What the process read, and at once."""
    with upload_reader.read_upload(*given) as rows:
        return rows.leads()


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return write_export(tmp_path)


def test_it_reads_what_this_process_would_read(tmp_path: Path, source: Source) -> None:
    texts = [LEADS, LEADS + "L9;soon;;e@x.org;old;small;much;no;x\n;2025-01-09;;;;;;;\n", LEADS[: len(LEADS) // 2]]
    for text in texts:
        path = tmp_path / "sent" / "input.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        here, there = read_leads_file(path, source), read_upload(path, source, NOTHING, bounds())
        pd.testing.assert_frame_equal(there.frame, here.frame)
        pd.testing.assert_series_equal(there.errors, here.errors, check_names=False)
        assert (there.missing_columns, there.undeclared_columns) == (here.missing_columns, here.undeclared_columns)
        assert list(path.parent.iterdir()) == [path]


def test_what_the_reader_refuses_is_said_in_its_words(tmp_path: Path, source: Source) -> None:
    path = tmp_path / "input.csv"
    path.write_bytes(b"%PDF-1.7\n")
    with pytest.raises(DataError, match=r"input\.csv is a PDF document"):
        read_upload(path, source, NOTHING, bounds())


def test_a_file_that_fills_the_memory_ends_its_reader_only(tmp_path: Path, source: Source) -> None:
    path = tmp_path / "input.parquet"
    codes = pa.array(np.zeros(900, dtype=np.int32))
    long = pa.table({"lead_id": pa.DictionaryArray.from_arrays(codes, pa.array(["x" * (1 << 20)]))})
    pq.write_table(long, path, compression="zstd")
    assert path.stat().st_size < 5_000
    with pytest.raises(DataError, match="unpacks to more than 250 times"):
        read_upload(path, source, NOTHING, bounds())
    with pytest.raises(DataError, match="could not be read within 256 MiB of memory"):
        read_upload(path, source, NOTHING, bounds(memory_mib=256, ratio=10**9, unpacked_mib=10**6))


def test_the_rows_on_their_way_are_their_user_s_alone(tmp_path: Path, source: Source) -> None:
    path = tmp_path / "input.csv"
    path.write_text(LEADS, encoding="utf-8")
    with upload_reader.read_upload(path, source, NOTHING, bounds()) as rows:
        assert rows.file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path, source: Source) -> None:
    path = tmp_path / "input.csv"
    path.write_text(LEADS, encoding="utf-8")
    children: list[subprocess.Popen[bytes]] = []
    with pytest.raises(DataError, match=r"was not read within 0\.05 seconds"):
        read_upload(path, source, NOTHING, bounds(seconds=0.05), children.append)
    assert children[0].returncode is not None, "the process is still there"


@pytest.mark.parametrize(
    ("end", "message", "kind"),
    [
        ("os.kill(os.getpid(), 11)", r"crashed \(SIGSEGV\), as a damaged file can make it", "crash"),
        ("os.abort()", r"crashed \(SIGABRT\)", "crash"),
        ("sys.exit(3)", r"crashed \(exit status 3\)", "crash"),
        ("sys.stdout.write('no answer')", r"crashed \(exit status 0\)", "crash"),
        ("sys.stderr.write('x' * 99_999 + 'std::bad_alloc'); os.abort()", "within 2,048 MiB of memory", "bounds"),
        ("os.kill(os.getpid(), 9)", "within 2,048 MiB of memory and 60 seconds", "bounds"),
        ("{work}(lambda _: [][0])", "leadscore failed while the file was read; this is no fault of the file", "failed"),
        ("{work}(lambda _: bytearray(1 << 60))", "within 2,048 MiB of memory", "bounds"),
    ],
)
def test_an_end_without_an_answer_is_told_and_logged_by_its_kind(
    tmp_path: Path,
    source: Source,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: str,
    message: str,
    kind: str,
) -> None:
    path = tmp_path / "number" / "input.csv"
    path.parent.mkdir()
    path.write_text(LEADS, encoding="utf-8")
    code = "import os, sys; " + end.format(
        work="from serving.children.child_work import answer_question; answer_question"
    )
    begin = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda command, **given: begin([command[0], "-c", code], **given))
    with pytest.raises(UnusableFileError, match=message) as found:
        read_upload(path, source, NOTHING, bounds())
    logged = json.loads(capsys.readouterr().err)
    assert (found.value.reason, logged["end"], logged["upload"]) == (kind, kind, "number")
    assert kind != "failed" or (logged["kind"] == "IndexError" and logged["places"])
    assert LEADS[:20] not in json.dumps(logged)


def test_a_full_disk_is_no_fault_of_the_file(tmp_path: Path, source: Source) -> None:
    path = tmp_path / "input.csv"
    path.write_text(LEADS, encoding="utf-8")
    rows = tmp_path / "read.arrow"
    rows.symlink_to("/dev/full")
    with pytest.raises(DataError, match="the server's disk is full"):
        read_upload(path, source, NOTHING, bounds())
    assert not rows.is_symlink()


def test_two_servers_that_read_the_same_file_leave_each_other_the_rows(tmp_path: Path, source: Source) -> None:
    path = tmp_path / "input.csv"
    path.write_text(LEADS, encoding="utf-8")
    with upload_reader.read_upload(path, source, NOTHING, bounds(), lambda _: None, "a") as one:
        with upload_reader.read_upload(path, source, NOTHING, bounds(), lambda _: None, "b") as other:
            assert list(other.lead_ids()) == list(one.lead_ids()) != []
        assert list(one.lead_ids())
    assert list(tmp_path.glob("read*")) == []


def test_hostile_files_end_in_rows_or_words(tmp_path: Path, source: Source) -> None:
    for seed in (766, 3, 11):
        file = hostile_file(seed)
        path = tmp_path / f"input{Path(file.name).suffix}"
        path.write_bytes(file.content)
        try:
            leads = read_upload(path, source, NOTHING, bounds())
            assert len(leads.frame) == len(leads.errors)
        except DataError as problem:
            assert len(problem.message) > 20


def wait_until(said: Callable[[], bool], seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not said() and time.monotonic() < end:
        time.sleep(0.05)
    return said()


def test_no_upload_waits_for_another(tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Lead ID,Created Date,Job Title\nnew-1,2026-06-01,CFO\n"
    over, read = threading.Event(), upload_reader.read_upload

    @contextmanager
    def slow(path: Path, *given: Any) -> Iterator[Any]:
        if "slow" in path.read_text(encoding="utf-8"):
            over.wait(60)
            raise DataError("the file was too slow to be read at all")
        with read(path, *given) as rows:
            yield rows

    monkeypatch.setattr(upload_reader, "read_upload", slow)
    with client_for(tiny_demo, tmp_path) as client:
        queue = UploadQueue(client.app.state.app_state)
        mine, other = key_for(client, "score"), key_for(client, "score")

        def send(content: str, headers: dict[str, str]) -> str:
            return str(client.post("/v1/uploads", files={"file": ("l.csv", content)}, headers=headers).json()["id"])

        def status(number: str) -> str:
            return _status_of(client, number)

        try:
            stuck = [send(f"{text}slow-{k},2026-06-01,CFO\n", mine) for k in range(3)]
            assert queue.serve_turn() == 2, "one caller took every reader"
            assert queue.serve_turn() == 0
            quick = send(text, other)
            assert queue.serve_turn() == 1
            assert wait_until(lambda: status(quick) == "done")
            assert [status(number) for number in stuck] == ["scoring", "scoring", "waiting"]
        finally:
            over.set()
        assert wait_until(lambda: status(stuck[0]) == "failed" and status(stuck[1]) == "failed")
        assert queue.serve_turn() == 1 and wait_until(lambda: status(stuck[2]) == "failed")
        assert wait_until(lambda: queue.serve_turn() == 0)


def test_a_store_that_refuses_takes_no_reader(tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        store = client.app.state.app_state.store
        queue = UploadQueue(client.app.state.app_state)
        text = "Lead ID,Created Date,Job Title\nnew-1,2026-06-01,CFO\n"
        sent = [client.post("/v1/uploads", files={"file": ("l.csv", text)}).json()["id"] for _ in range(2)]
        writing = store.writing

        @contextmanager
        def full() -> Iterator[Any]:
            with writing() as session:
                yield session
                raise OperationalError("COMMIT", {}, Exception("database or disk is full"))

        with monkeypatch.context() as patch:
            patch.setattr(store, "writing", full)
            with pytest.raises(OperationalError):
                queue.serve_turn()
        assert queue.serve_turn() == 2
        assert wait_until(lambda: [_status_of(client, number) for number in sent] == ["done", "done"])


def test_a_server_that_stops_takes_the_upload_up_again(
    tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = subprocess.Popen
    endless = "import sys, time; sys.stdin.read(); time.sleep(60)"
    monkeypatch.setattr(subprocess, "Popen", lambda command, **given: begin([command[0], "-c", endless], **given))
    with client_for(tiny_demo, tmp_path) as client:
        sent = client.post("/v1/uploads", files={"file": ("l.csv", "Lead ID\nnew-1\n")}).json()["id"]
        queue = UploadQueue(client.app.state.app_state)
        assert queue.serve_turn() == 1
        time.sleep(0.5)
        queue.close()
        assert _status_of(client, sent) == "waiting"


def test_a_running_server_scores_an_upload_by_itself(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path, background=True) as client:
        text = "Lead ID,Created Date,Job Title\nnew-1,2026-06-01,CFO\n"
        sent = client.post("/v1/uploads", files={"file": ("l.csv", text)}).json()["id"]
        assert wait_until(lambda: _status_of(client, sent) == "done")
        assert "new-1" in client.get(f"/v1/uploads/{sent}/result").text


MANY = "Lead ID,Created Date,Job Title\n" + "".join(f"new-{k},2026-06-01,{t}\n" for k, t in enumerate(["CFO", "x"] * 8))


def test_many_rows_are_scored_in_a_process_of_their_own_as_they_would_be_here(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, int, int, list[str]]] = []
    asked: list[str] = []
    began = upload_scorer.run_bounded
    monkeypatch.setattr(upload_scorer, "run_bounded", lambda *given: (asked.append(given[0]), began(*given))[1])
    for here in (2_000, 10):
        with client_for(tiny_copy, tmp_path / str(here), upload_rows_here=here) as client:
            if here == 10:
                tiny_copy.source.write_text("somebody is editing it", encoding="utf-8")
            queue = UploadQueue(client.app.state.app_state)
            known = client.get("/v1/worklist?size=1").json()["rows"][0]["lead_id"]
            client.post(f"/v1/leads/{known}/feedback", json={"verdict": "do_not_contact"})
            text = MANY + f"{known},2026-06-01,CFO\n,2026-06-01,CFO\n"
            sent = client.post("/v1/uploads", files={"file": ("l.csv", text)}).json()["id"]
            queue.serve_turn()
            assert wait_until(partial(_is_over, client, sent))
            told = client.get(f"/v1/uploads/{sent}").json()
            said.append((client.get(f"/v1/uploads/{sent}/result").text, told["done"], told["failed"], told["reasons"]))
    assert asked == ["serving.leads.upload_scorer"] and said[0] == said[1]
    assert said[0][1:3] == (18, 1)


@pytest.mark.parametrize(("title", "apart"), [("CFO", False), ("CFO" + "x" * 1_000_000, True)])
def test_few_rows_that_unpack_to_much_are_not_read_into_the_server(
    tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, title: str, apart: bool
) -> None:
    asked: list[str] = []
    began = upload_scorer.run_bounded
    monkeypatch.setattr(upload_scorer, "run_bounded", lambda *given: (asked.append(given[0]), began(*given))[1])
    rows = {"Lead ID": [f"new-{k}" for k in range(12)], "Created Date": "2026-06-01", "Job Title": title}
    sent = tmp_path / "leads.parquet"
    pd.DataFrame(rows).to_parquet(sent)
    assert sent.stat().st_size < 100_000
    with client_for(tiny_demo, tmp_path / "state") as client:
        queue = UploadQueue(client.app.state.app_state)
        number = client.post("/v1/uploads", files={"file": (sent.name, sent.read_bytes())}).json()["id"]
        queue.serve_turn()
        assert wait_until(partial(_is_over, client, number))
        told = client.get(f"/v1/uploads/{number}").json()
    assert (told["status"], told["rows"], told["done"]) == ("done", 12, 12)
    assert asked == ["serving.leads.upload_scorer"] * apart


@pytest.mark.parametrize("here", [2_000, 0])
def test_an_upload_that_its_newest_lead_moves_long_past_the_cutoff_says_so(
    tiny_copy: Any, tmp_path: Path, here: int
) -> None:
    written = tiny_copy.source.read_text(encoding="utf-8")
    text = re.sub("(?m)^data_cutoff:.*$", "data_cutoff: 2024-03-01", written)
    tiny_copy.source.write_text(text, encoding="utf-8")
    with client_for(tiny_copy, tmp_path / "state", upload_rows_here=here) as client:
        queue = UploadQueue(client.app.state.app_state)
        told = []
        for created in ("2024-03-20", "2024-06-10"):
            text = f"Lead ID,Created Date,Job Title\nnew-1,2024-02-01,CFO\nnew-2,{created},CFO\n"
            sent = client.post("/v1/uploads", files={"file": ("l.csv", text)}).json()["id"]
            queue.serve_turn()
            assert wait_until(partial(_is_over, client, sent))
            told.append(client.get(f"/v1/uploads/{sent}").json())
    assert [one["failed"] for one in told] == [0, 0] and told[0]["late"] == ""
    assert told[1]["late"].startswith("All rows are scored as of 2024-06-10, just after the newest lead of the file")


def test_a_process_that_scores_too_long_is_ended(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path, upload_rows_here=0, upload_score_seconds=0.1) as client:
        queue = UploadQueue(client.app.state.app_state)
        sent = client.post("/v1/uploads", files={"file": ("l.csv", MANY)}).json()["id"]
        queue.serve_turn()
        assert wait_until(partial(_is_over, client, sent))
        assert "was not scored within 0.1 seconds" in client.get(f"/v1/uploads/{sent}").json()["error"]


def _is_over(client: Any, number: str) -> bool:
    return _status_of(client, number) in ("done", "failed")


def _status_of(client: Any, number: str) -> str:
    from serving.store.tables import Upload

    with client.app.state.app_state.store.reading() as session:
        row = session.get(Upload, number)
    return str(row.status)
