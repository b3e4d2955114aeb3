"""A server that has lost an upload while it scored overwrites nothing, and brings back no folder that was removed."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from starlette.testclient import TestClient

from serving.leads import upload_scorer
from serving.leads.upload_claims import UploadClaims
from serving.leads.upload_scorer import ScoredRows, Scoring
from serving.leads.uploads import score_upload
from serving.store.tables import Upload
from serving.store.wall_clock import wall_now
from tests.reference.serving import client_for


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def begin(client: TestClient) -> None:
    """Take the one upload and score it, as another server would."""
    state = client.app.state.app_state
    with state.store.writing() as session:
        row = session.scalars(select(Upload)).one()
        UploadClaims().take(row, wall_now())
    score_upload(state, row, lambda _: None)


def score_as(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Path], None]) -> None:
    """Scoring writes the number of the take; the first is held up until something else has happened."""
    takes = iter("12")

    def score(_: Any, asked: Scoring) -> ScoredRows:
        number = next(takes)
        if number == "1":
            meanwhile(asked.out.parent)
        asked.out.parent.mkdir(exist_ok=True)
        asked.out.write_text(number)
        return ScoredRows(done=1, failed=0, forgotten=0, reasons=[], unseen=[number], late="")

    monkeypatch.setattr(upload_scorer, "score_rows_here", score)


def send(client: TestClient) -> str:
    rows = b"Lead ID,Created Date,Job Title\nnew-1,2026-06-01,CFO\n"
    sent = client.post("/v1/uploads", files={"file": ("leads.csv", rows)})
    assert sent.status_code == 202, sent.text
    return str(sent.json()["id"])


def test_the_result_is_of_the_server_that_has_the_upload(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []

    def score_elsewhere(folder: Path) -> None:
        folders.append(folder)
        begin(client)

    score_as(monkeypatch, score_elsewhere)
    number = send(client)
    begin(client)
    progress = client.get(f"/v1/uploads/{number}").json()
    assert (progress["status"], progress["unseen"]) == ("done", ["2"])
    assert client.get(progress["result"]).text == "2"
    assert sorted(file.name.partition(".")[0] for file in folders[0].iterdir()) == ["input", "notes", "result"]


def test_a_start_that_comes_too_late_takes_no_result_away(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    score_as(monkeypatch, lambda _: None)
    number, state = send(client), client.app.state.app_state
    with state.store.writing() as session:
        late = session.scalars(select(Upload)).one()
        UploadClaims().take(late, wall_now())
    begin(client)
    score_upload(state, late, lambda _: None)
    progress = client.get(f"/v1/uploads/{number}").json()
    assert (progress["status"], progress["unseen"]) == ("done", ["1"])
    assert client.get(progress["result"]).text == "1"


def test_what_was_removed_meanwhile_does_not_come_back(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    store, folders = client.app.state.app_state.store, []

    def forget(folder: Path) -> None:
        folders.append(folder)
        shutil.rmtree(folder)
        with store.writing() as session:
            session.execute(delete(Upload))

    score_as(monkeypatch, forget)
    send(client)
    begin(client)
    assert len(folders) == 1 and not folders[0].exists()


def test_a_result_of_an_older_version_is_found(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []
    score_as(monkeypatch, folders.append)
    number = send(client)
    begin(client)
    for file in [*folders[0].glob("result.*"), *folders[0].glob("notes.*")]:
        file.rename(folders[0] / f"{file.name.partition('.')[0]}{file.suffix}")
    with client.app.state.app_state.store.writing() as session:
        session.execute(update(Upload).values(taken_by="there/1-1/q/t", taken_until=wall_now() - timedelta(hours=1)))
    progress = client.get(f"/v1/uploads/{number}").json()
    assert progress["unseen"] == ["1"] and client.get(progress["result"]).text == "1"
