"""What the server has ready before anybody asks, and what it leaves out of the search for garbage."""

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from features.pause_points import pause_point
from serving import background
from serving.accounts import account_record, accounts_list
from serving.app import create_app
from serving.background import BackgroundThreads
from serving.garbage import set_aside, take_back
from serving.http.right_of_way import RightOfWay
from serving.lists import one_answer_short
from serving.metrics import Metrics
from serving.problems import ConflictError
from serving.results import promotion
from serving.state.result_cache import ResultCache
from tests.reference.serving import client_for, settings_for, whole_page, worklist_of

HTML = {"accept": "text/html"}


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


class _Ring:
    """Only a search for garbage frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_left_out_of_the_search_is_freed_after_the_next_load() -> None:
    try:
        ring = _Ring()
        gone = weakref.ref(ring)
        set_aside()
        assert gc.get_freeze_count() > 0, "each search would go through everything that was loaded"
        del ring
        set_aside()
        assert gone() is None, "what loads replace would pile up"
    finally:
        take_back()
    assert gc.get_freeze_count() == 0


def test_a_server_that_left_nothing_out_leaves_alone_what_others_did(tiny_demo: Any, tmp_path: Path) -> None:
    gc.freeze()
    with client_for(tiny_demo, tmp_path):
        pass
    assert gc.get_freeze_count() > 0


def test_a_replaced_state_is_freed(client: TestClient) -> None:
    app_state = client.app.state.app_state  # type: ignore[attr-defined]
    before = weakref.ref(app_state.loaded.worklist)
    for path in ("/worklist", "/short", "/accounts", "/find?q=a"):
        assert client.get(path, headers=HTML).status_code == 200
    set_aside()
    for _ in range(2):  # what the first load replaced is told by the second
        app_state.load()
        set_aside()
        client.get("/worklist", headers=HTML)
    assert before() is None


def test_a_start_leaves_what_it_loaded_out_of_the_search(tiny_demo: Any, tmp_path: Path) -> None:
    was_on = gc.isenabled()
    try:
        app = create_app(settings_for(tiny_demo, tmp_path, background=True))
        assert gc.get_freeze_count() > 0 and gc.isenabled() == was_on
        app.state.app_state.store.close()
    finally:
        take_back()


@pytest.fixture
def prepared(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """After what is prepared of accounts and lists, without the slow rest."""
    for name in ("compare_with_last_week", "compute_lifecycle", "begin_weekly_trends", "begin_drift"):
        monkeypatch.setattr(background, name, lambda *_: None)
    monkeypatch.setattr(one_answer_short, "_BLOCK", 50)
    client.app.state.background.prepare()  # type: ignore[attr-defined]
    return client


def test_the_first_account_does_not_wait_for_what_products_wins_were_of(
    prepared: TestClient, tiny_demo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_record, "fit_product_chances", None)
    data = prepared.app.state.app_state.loaded.data  # type: ignore[attr-defined]
    account = data.account_id_of(str(worklist_of(tiny_demo)["lead_id"].iloc[0]))
    assert prepared.get(f"/accounts/{account}", headers=HTML).status_code == 200


def test_another_model_of_the_same_data_changes_nothing_of_people_and_accounts(
    prepared: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app_state = prepared.app.state.app_state  # type: ignore[attr-defined]
    before = prepared.get("/accounts", headers=HTML).text
    monkeypatch.setattr(account_record, "fit_product_chances", None)
    monkeypatch.setattr(accounts_list, "PeopleIndex", None)
    app_state.load()
    prepared.app.state.background.prepare()  # type: ignore[attr-defined]
    assert app_state.newest.number == 2 and prepared.get("/accounts", headers=HTML).text == before


def test_the_search_for_one_answer_begins_before_anybody_asks(prepared: TestClient) -> None:
    app_state = prepared.app.state.app_state  # type: ignore[attr-defined]
    assert app_state.results.is_begun("one answer short beside", app_state.loaded.number)


def test_a_long_list_is_searched_for_one_answer_beside_the_request(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    enough, whole = threading.Event(), one_answer_short.score_block

    def slowly(*given: Any) -> Any:
        assert enough.wait(60)
        return whole(*given)

    monkeypatch.setattr(one_answer_short, "_BLOCK", 50)
    monkeypatch.setattr(one_answer_short, "score_block", slowly)
    first = client.get("/short", headers=HTML)
    assert 'aria-busy="true"' in first.text and first.headers["refresh"] == "2"
    enough.set()
    html = whole_page(client, "/short")
    listed = client.get("/v1/shortlist", params={"limit": 50}).json()["rows"]
    assert listed and html.count('<tr role="row">') == len(listed)
    monkeypatch.setattr(one_answer_short, "score_block", None)
    assert whole_page(client, "/short") == html, "the leads would be looked at again by every reader"


def test_several_leads_are_shown_as_each_is(client: TestClient) -> None:
    data = client.app.state.app_state.loaded.data  # type: ignore[attr-defined]
    codes = range(0, len(data), 5)
    assert data.displays([*codes, -1]) == [*(data.display(code) for code in codes), {}]


def test_asking_for_products_that_are_none_keeps_nothing(client: TestClient) -> None:
    kept = client.app.state.app_state.results._locks  # type: ignore[attr-defined]
    before = len(kept)
    for name in ("one", "two"):
        assert client.get("/v1/expansion", params={"product": name}).status_code == 422
    assert len(kept) == before


def threads_of(steps: list[Any], **state: Any) -> tuple[BackgroundThreads, SimpleNamespace]:
    """Background threads whose preparation consists of these steps."""
    app_state = SimpleNamespace(**{"loads": 1, "way": RightOfWay()} | state)
    found = BackgroundThreads(app_state, Metrics())  # type: ignore[arg-type]
    found._preparations = lambda: list(steps)  # type: ignore[method-assign]
    return found, app_state


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "set_aside", lambda: None)


def test_what_is_prepared_for_a_replaced_state_ends(no_search: None) -> None:
    done: list[str] = []

    def replaced() -> None:
        done.append("first")
        app_state.loads = 2

    threads, app_state = threads_of([replaced, lambda: done.append("second")])
    threads.prepare()
    assert done == ["first"], "it would compete with what is prepared of the new state"
    threads.prepare()
    assert done == ["first", "first", "second"]


def test_one_state_is_prepared_at_a_time(no_search: None) -> None:
    begun, enough, together = threading.Event(), threading.Event(), list[int]()

    def step() -> None:
        together.append(1)
        begun.set()
        assert enough.wait(20)

    threads, _ = threads_of([step])
    workers = [threading.Thread(target=threads.prepare) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert begun.wait(20) and threads._preparing.locked()
    alone = len(together)
    enough.set()
    for worker in workers:
        worker.join(20)
    assert (alone, len(together)) == (1, 2)


def test_who_waits_for_a_load_goes_before_what_is_prepared(no_search: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_YIELD_SECONDS", 0.001)
    done: list[str] = []
    threads, app_state = threads_of([lambda: done.append("prepared")])
    worker = threading.Thread(target=threads.prepare)
    with app_state.way.held():
        worker.start()
        while not threads._preparing.locked():
            pass
        done.append("loaded")
    worker.join(20)
    assert done == ["loaded", "prepared"], "the step was taken while a load went on"


def test_a_step_that_has_begun_stands_back_at_its_next_pause_point(no_search: None) -> None:
    begun, promoting, done = threading.Event(), threading.Event(), list[str]()

    def step() -> None:
        begun.set()
        assert promoting.wait(20)
        pause_point()
        done.append("prepared")

    threads, app_state = threads_of([step])
    worker = threading.Thread(target=threads.prepare)
    worker.start()
    assert begun.wait(20)
    with app_state.way.held():
        promoting.set()
        done.append("promoted")
    worker.join(20)
    assert done == ["promoted", "prepared"]


def test_what_is_worked_out_beside_requests_begins_after_a_promotion() -> None:
    way, done = RightOfWay(), list[str]()
    cache = ResultCache(way)
    with way.held():
        assert cache.begin("trends", 1, lambda: done.append("counted"), patience=0.0).underway
        done.append("promoted")
    cache.begin("trends", 1, lambda: None, patience=20)
    cache.close()
    assert done == ["promoted", "counted"]


def test_a_promotion_and_a_rollback_go_first(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    app_state, held = client.app.state.app_state, list[bool]()  # type: ignore[attr-defined]

    def look(*_: Any) -> None:
        held.append(app_state.way.is_held)
        raise ConflictError("only looked at")

    monkeypatch.setattr(promotion, "_refuse_if_registry_decides", look)
    for act in (lambda: promotion.promote(app_state, "tester", "a"), lambda: promotion.roll_back(app_state, "tester")):
        with pytest.raises(ConflictError):
            act()
    assert held == [True, True] and not app_state.way.is_held
