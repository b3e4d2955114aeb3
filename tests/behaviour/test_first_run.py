"""A server without a model opens on a page that takes a file; what cannot be read is told in words."""

import io
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from starlette.testclient import TestClient

import serving
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.declaring.confirming.guessed_files import GuessedFiles, guess_files
from pipelines.declaring.corrections.file_corrections import FileCorrections
from pipelines.run import RUN
from pipelines.workspace.atomic_files import copy_stream
from pipelines.workspace.context import open_context
from pipelines.workspace.paths import Paths
from serving.first_run import first_run as machinery
from serving.first_run.attempt import Attempt, AttemptFolder, Step
from serving.first_run.first_run import FirstRun, load_served
from serving.first_run.run_child import STAGES, RunEnd
from tests.reference.crm_export import deals, write_export
from tests.reference.serving import client_for, key_for

HTML = {"accept": "text/html"}


@dataclass(frozen=True)
class Empty:
    """A data directory in which nothing was run."""

    source: str
    data_dir: Path


@pytest.fixture
def empty(tmp_path: Path) -> Empty:
    return Empty("demo", tmp_path / "data")


@pytest.fixture
def client(empty: Empty) -> Iterator[TestClient]:
    with client_for(empty, empty.data_dir / "demo" / "serving") as found:
        yield found


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at in this process: one of its own takes a second to begin, and has tests of its own."""

    def guess(files: Sequence[Path], out: Path, data_dir: Path, said: FileCorrections, *_: Any) -> GuessedFiles:
        return guess_files(files, out, data_dir, said)

    monkeypatch.setattr(machinery, "guess_in_child", guess)


def page(client: TestClient, path: str = "/setup") -> str:
    return str(client.get(path, headers=HTML).text)


def token_in(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found is not None
    return found.group(1)


def send(client: TestClient, *files: tuple[str, bytes]) -> str:
    token = token_in(page(client))
    sent = [("files", (name, io.BytesIO(content))) for name, content in files]
    answer = client.post("/setup/files", data={"token": token}, files=sent, headers=HTML)
    return until_still(client, answer.text)


def until_still(client: TestClient, html: str) -> str:
    until = time.monotonic() + 60
    while 'aria-busy="true"' in html:
        assert time.monotonic() < until, "it never came to an end"
        time.sleep(0.1)
        html = page(client)
    return html


def post(client: TestClient, where: str, **fields: Any) -> str:
    answer = client.post(f"/setup/{where}", data={"token": token_in(page(client)), **fields}, headers=HTML)
    return until_still(client, answer.text)


def export(tmp_path: Path, name: str = "deals.csv") -> bytes:
    return write_export(tmp_path / name, deals(120)).read_bytes()


@pytest.mark.parametrize("path", ["/", "/worklist", "/team", "/model", "/leads/L1", "/thresholds", "/find"])
def test_every_page_without_a_model_leads_to_the_first_run(client: TestClient, path: str) -> None:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200
    assert answer.url.path == "/setup"
    assert "Choose the file of your leads" in answer.text


@pytest.mark.parametrize("path", ["/v1/worklist", "/v1/lifecycle", "/v1/model", "/v1/thresholds"])
def test_programs_keep_their_problem_document(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (404, 422, 503)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_is_read_and_its_columns_stand_to_be_confirmed(client: TestClient, empty: Empty, tmp_path: Path) -> None:
    html = send(client, ("../../My deals.csv", export(tmp_path)))
    assert "What became of a lead" in html
    assert re.search(r'<option value="won" selected>won</option>', html)
    assert '<option value="Create Date" selected>' in html
    assert "Lee1" not in html and "p1@" not in html, "names of people are not shown"
    given = [file for file in empty.data_dir.rglob("*") if file.suffix == ".csv"]
    assert [file.name for file in given] == ["My deals.csv"]
    assert given[0].parent.parent == empty.data_dir / "first-run"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"Record ID,Status\n", "has no rows below its header"),
        ("book.xlsx", bytes(range(256)) * 20, "cannot be read as a table"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_words(client: TestClient, name: str, content: bytes, said: str) -> None:
    html = send(client, (name, content))
    assert said in html
    assert "Choose the file of your leads" in html, "another file can be sent at once"


def test_a_kind_of_file_that_is_not_read_is_refused(client: TestClient) -> None:
    token = token_in(page(client))
    answer = client.post(
        "/setup/files", data={"token": token}, files={"files": ("a.exe", io.BytesIO(b"MZ"))}, headers=HTML
    )
    assert answer.status_code == 422
    assert "send CSV, Excel" in answer.text


@pytest.mark.usefixtures("here")
def test_what_a_person_says_comes_before_the_guess(client: TestClient, empty: Empty, tmp_path: Path) -> None:
    send(client, ("deals.csv", export(tmp_path)))
    first_run: FirstRun = client.app.state.first_run  # type: ignore[attr-defined]
    attempt = first_run.attempt()
    assert attempt is not None and attempt.guesses is not None
    at = [column.header for column in attempt.guesses.columns].index("Industry")
    values = {f"m{k}": row.means for k, row in enumerate(attempt.guesses.values)}
    open_at = next(k for k, row in enumerate(attempt.guesses.values) if row.means == "open")
    html = post(client, "columns", step="again", **values | {f"m{open_at}": ""}, **{f"u{at}": "leave_out"})
    assert "not clear: set aside" in html
    attempt = first_run.attempt()
    assert attempt is not None and attempt.guesses is not None
    assert {c.header: c.use for c in attempt.guesses.columns}["Industry"] == "leave_out"
    assert attempt.guesses.values[open_at].means == ""
    html = post(client, "columns", step="again", created="")
    assert "without a date" in html
    assert first_run.attempt().guesses.kind == "flat"  # type: ignore[union-attr]


@pytest.mark.usefixtures("here")
def test_dates_that_read_two_ways_are_asked_for(client: TestClient, tmp_path: Path) -> None:
    rows = "".join(f"{k},{'won' if k % 3 else 'lost'},{1 + k % 12:02}/{1 + k % 9:02}/2025\n" for k in range(80))
    html = send(client, ("dates.csv", f"Deal ID,Status,Create Date\n{rows}".encode()))
    assert "which comes first?" in html
    html = post(client, "columns", step="again", dates="day_first")
    assert re.search(r'value="day_first" required checked', html)
    attempt = client.app.state.first_run.attempt()  # type: ignore[attr-defined]
    assert "time_format: day_first" in attempt.guesses.declaration


@pytest.mark.usefixtures("here")
def test_a_wrong_outcome_is_said_and_nothing_is_run(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machinery, "run_in_child", lambda *_: pytest.fail("it was run all the same"))
    send(client, ("deals.csv", export(tmp_path)))
    assert "at least one value must mean won and one lost" in post(client, "columns", step="again", status="Industry")
    html = post(client, "columns", step="run", status="Industry")
    assert "Nothing was run: no row of this outcome means won" in html and "Column of the outcome" in html
    assert "cannot be used: line" not in html, "no line of a declaration that nobody wrote"


@pytest.mark.usefixtures("here")
def test_dates_written_in_two_ways_are_said(client: TestClient) -> None:
    days = (
        f"2025-{1 + k % 9:02}-{13 + k % 12:02}" if k % 2 else f"{13 + k % 12:02}.{1 + k % 9:02}.2025" for k in range(80)
    )
    rows = "".join(f"{k},{'won' if k % 3 else 'lost'},{day}\n" for k, day in enumerate(days))
    html = send(client, ("dates.csv", f"Deal ID,Status,Create Date\n{rows}".encode()))
    assert "Create Date writes its dates in more than one way, such as" in html
    assert "which comes first?" not in html


def test_every_stage_of_a_run_has_its_line() -> None:
    assert STAGES == RUN and "register" in STAGES
    words = (Path(serving.__file__).parent / "pages" / "templates" / "setup" / "words.html").read_text(encoding="utf-8")
    assert all(f'"{name}": _(' in words for name in STAGES)


@pytest.mark.usefixtures("here")
def test_two_at_once_are_refused(client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(machinery, "_PATIENCE", 0.05)
    monkeypatch.setattr(machinery, "run_in_child", lambda *_: (go_on.wait(60), RunEnd("LS037", "why"))[1])
    token = token_in(send(client, ("deals.csv", export(tmp_path))))
    client.post("/setup/columns", data={"token": token, "step": "run"}, headers=HTML)
    for path, fields in (("files", {}), ("columns", {"step": "run"}), ("run", {}), ("over", {})):
        sent = {"files": {"files": ("b.csv", io.BytesIO(b"a,b\n1,2\n"))}} if path == "files" else {}
        answer = client.post(f"/setup/{path}", data={"token": token, **fields}, headers=HTML, **sent)
        assert (answer.status_code, "already" in answer.text) == (409, True), path
    assert "On the way to the first scores" in page(client)
    go_on.set()
    assert "Most rows of the file could not be used" in until_still(client, page(client))


def test_a_run_that_a_stopped_server_left_says_so(client: TestClient, empty: Empty) -> None:
    AttemptFolder(empty.data_dir).write(Attempt(number="", step=Step.RUNNING, source="demo"))
    assert "The server was stopped while it was at work" in page(client)


def test_only_administrators_load_files(client: TestClient) -> None:
    key = key_for(client, "read", "feedback")
    html = client.get("/setup", headers=HTML | key).text
    assert "Ask whoever runs this server" in html and 'type="file"' not in html
    answer = client.post("/setup/run", data={"token": "x"}, headers=key)
    assert answer.status_code == 403


def test_somebody_with_the_leads_of_one_owner_loads_no_files(client: TestClient) -> None:
    key = key_for(client, "read", "feedback", owner="Kim")
    assert 'type="file"' not in client.get("/setup", headers=HTML | key).text


def test_a_form_needs_its_token(client: TestClient) -> None:
    assert client.post("/setup/run", data={"token": "x"}).status_code == 403


@pytest.mark.parametrize(("first_run", "taken"), [("unserved", False), ("always", True), ("never", False)])
def test_where_a_model_is_served_files_are_taken_only_if_allowed(
    tiny_demo: Any, tmp_path: Path, first_run: str, taken: bool
) -> None:
    with client_for(tiny_demo, tmp_path, first_run=first_run) as client:
        assert ('type="file"' in page(client)) is taken
        assert ('href="/setup"' in page(client, "/model")) is taken


@pytest.mark.usefixtures("here")
def test_files_that_are_served_stay_though_a_page_opened_before_asks_for_their_columns_again(
    client: TestClient, empty: Empty, tmp_path: Path
) -> None:
    send(client, ("deals.csv", export(tmp_path)))
    folder = AttemptFolder(empty.data_dir)
    attempt = folder.read()
    assert attempt is not None
    declaration = folder.files(attempt.number) / "declaration.yaml"
    declaration.write_text("name: deals\n", encoding="utf-8")
    folder.write(attempt.model_copy(update={"step": Step.DONE, "declaration": str(declaration)}))
    folder.remember_served("demo", declaration)
    post(client, "back")
    post(client, "over")
    assert folder.read() is None
    assert declaration.is_file() and load_served(folder, "demo") == declaration.resolve()


def test_a_source_with_a_model_is_served_though_another_was_loaded(tiny_demo: Any, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    folder = AttemptFolder(data_dir)
    folder.files("ab").mkdir(parents=True)
    declaration = folder.files("ab") / "declaration.yaml"
    declaration.write_text("name: x\n", encoding="utf-8")
    folder.remember_served(str(tiny_demo.source), declaration)
    assert load_served(folder, str(tiny_demo.source)) == declaration.resolve()
    assert load_served(folder, "demo") is None
    shutil.copytree(tiny_demo.data_dir, data_dir, dirs_exist_ok=True)
    assert load_served(folder, str(tiny_demo.source)) is None


def sent_files(empty: Empty) -> list[str]:
    return sorted(file.name for file in (empty.data_dir / "first-run").rglob("*.csv"))


@pytest.mark.usefixtures("here")
def test_files_that_data_were_made_of_stay(
    client: TestClient, empty: Empty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_after_ingest(declaration: str, data_dir: Path, *_: Any) -> RunEnd:
        Paths(data_dir, open_context(declaration, data_dir).source.name).ingest.mkdir(parents=True)
        return RunEnd("LS037", "why")

    monkeypatch.setattr(machinery, "run_in_child", fail_after_ingest)
    send(client, ("deals.csv", export(tmp_path)))
    assert "Most rows of the file could not be used" in post(client, "columns", step="run")
    post(client, "over")
    assert AttemptFolder(empty.data_dir).read() is None and sent_files(empty) == ["deals.csv"]


def test_a_file_that_was_of_no_use_does_not_stay(
    client: TestClient, empty: Empty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machinery, "run_in_child", lambda *_: RunEnd("LS037", "why"))
    assert "has no rows below its header" in send(client, ("empty.csv", b"Record ID,Status\n"))
    assert sent_files(empty) == ["empty.csv"]
    post(client, "run")
    assert sent_files(empty) == []

    def fill_up(file: Path, content: Any) -> None:
        if file.name == "b.csv":
            raise OSError("no space left")
        copy_stream(file, content)

    monkeypatch.setattr(machinery, "copy_stream", fill_up)
    send(client, ("a.csv", b"a\n1\n"), ("b.csv", b"b\n2\n"))
    assert [path for path in (empty.data_dir / "first-run").iterdir() if path.is_dir()] == []


class Contended(FileLock):  # type: ignore[misc]
    """A lock that another process, which looks whether somebody is at work, holds for a moment each time."""

    def acquire(self, *words: Any, **named: Any) -> Any:
        other = FileLock(self.lock_file, thread_local=False)
        other.acquire()
        threading.Timer(0.15, other.release).start()
        return super().acquire(*words, **named)


@pytest.mark.usefixtures("here")
def test_whoever_looks_on_neither_refuses_nor_ends_what_begins(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machinery, "FileLock", Contended)
    monkeypatch.setattr(machinery, "_MOMENT", 30.0)
    assert "What became of a lead" in send(client, ("deals.csv", export(tmp_path)))


def test_a_run_without_a_model_says_so_though_one_of_before_goes_on_scoring(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = SummaryRecord.path(tiny_copy.context.paths)
    found = json.loads(summary.read_text(encoding="utf-8"))
    monkeypatch.setattr(machinery, "run_in_child", lambda *_: RunEnd())
    with client_for(tiny_copy, tmp_path, first_run="always") as client:
        done = post(client, "run")
        assert "Your worklist is ready" in done and 'href="/report"' in done
        summary.write_text(json.dumps(found | {"verdict": "no_signal", "verdict_text": "none"}), encoding="utf-8")
        done = post(client, "run")
        assert "Nothing in the file tells the won leads from the others" in done and "is ready" not in done
        assert "The model that was in use before goes on scoring" in done
        summary.write_text(json.dumps(found), encoding="utf-8")
        post(client, "run")
        own = client.get("/setup", headers=HTML | key_for(client, "read", owner="Kim")).text
        assert "Your worklist is ready" in own and 'href="/report"' not in own, "it would be refused"
