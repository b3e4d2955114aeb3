"""Pages are put together after the start: who asks first gets them all the same, unknown addresses stay unknown."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from serving.app import create_app
from serving.pages import views
from serving.pages.late_pages import LatePages
from tests.reference.serving import settings_for

HTML = {"accept": "text/html"}


@pytest.fixture
def started(tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FastAPI, list[FastAPI]]:
    """An application whose pages nothing has put together yet, and how often that was done."""
    done: list[FastAPI] = []
    install = views.install

    def counted(app: FastAPI) -> None:
        done.append(app)
        install(app)

    with monkeypatch.context() as held:  # as between a start and what is prepared beside it
        held.setattr(LatePages, "put_together", lambda _: None)
        app = create_app(settings_for(tiny_demo, tmp_path))
    monkeypatch.setattr(views, "install", counted)
    return app, done


def test_the_first_who_ask_at_once_all_get_their_page(started: tuple[FastAPI, list[FastAPI]]) -> None:
    app, done = started
    paths = ["/", "/worklist", "/model", "/docs", "/static/tokens.css", "/rubric"] * 2
    with TestClient(app, base_url="http://127.0.0.1:8000") as client, ThreadPoolExecutor(6) as askers:
        assert not done
        answers = list(askers.map(lambda path: client.get(path, headers=HTML), paths))
    assert [answer.status_code for answer in answers] == [200] * len(paths)
    assert done == [app]


def test_the_api_answers_without_them(started: tuple[FastAPI, list[FastAPI]]) -> None:
    app, done = started
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        assert client.get("/readyz").status_code == 200
        assert client.get("/v1/worklist").status_code == 200
        unknown = client.get("/v1/nothing", headers=HTML)
        assert unknown.status_code == 404
        assert unknown.json()["instance"].startswith("urn:request:")
        assert client.post("/v1/worklist").status_code == 405
        assert not done


@pytest.mark.parametrize("path", ["/nothing", "/worklist/nothing/at/all"])
def test_an_unknown_address_is_unknown_before_and_after(started: tuple[FastAPI, list[FastAPI]], path: str) -> None:
    app, done = started
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        first, second = client.get(path, headers=HTML), client.get(path, headers=HTML)
        program = client.get(path)
    assert (first.status_code, second.status_code, program.status_code) == (404, 404, 404)
    assert "Nothing is here under this address" in first.text
    assert "Nothing is here under this address" in second.text
    assert program.json()["code"] == "LS102"
    assert done == [app]


def test_a_request_that_fails_before_there_are_pages_reads_as_one(started: tuple[FastAPI, list[FastAPI]]) -> None:
    app, done = started

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("on purpose")

    with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
        answer = client.get("/broken", headers=HTML)
    assert answer.status_code == 500
    assert "The server failed." in answer.text
    assert done == [app]


def test_what_pages_show_of_each_other_is_there_before_the_first_of_them(
    started: tuple[FastAPI, list[FastAPI]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _ = started
    include, shown = app.include_router, []

    def look(*args: Any, **options: Any) -> None:
        shown.append(app.state.navigation)
        include(*args, **options)

    monkeypatch.setattr(app, "include_router", look)
    app.state.late_pages.put_together()
    assert len(shown) > 10 and all(shown)


def test_nobody_waits_for_who_failed_before_there_are_pages(
    started: tuple[FastAPI, list[FastAPI]], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, _ = started
    asked, go_on = threading.Event(), threading.Event()
    put_together = LatePages.put_together

    def slow(pages: LatePages) -> None:
        asked.set()
        assert go_on.wait(30)
        put_together(pages)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(LatePages, "put_together", slow)
    client = TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)
    with client, ThreadPoolExecutor(2) as askers:
        failed = askers.submit(client.get, "/broken", headers=HTML)
        assert asked.wait(30)
        other = askers.submit(client.get, "/readyz").result(timeout=30)
        go_on.set()
        assert (other.status_code, failed.result(timeout=30).status_code) == (200, 500)
