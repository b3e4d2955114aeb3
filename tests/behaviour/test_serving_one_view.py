"""What is told is of one state: within a request, and of all that a kept result was worked out from."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import pipelines.diagnostics.monitor
import pipelines.registry.promotion_churn
import pipelines.registry.promotion_gate
from models.explaining.framework import load_framework
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.comparison_record import ComparisonRecord
from serving.http.request_view import request_view
from serving.lists import team_queues
from serving.results import drift, promotion
from serving.state.app_state import AppState
from serving.state.worklist.ranked_worklist import Worklist
from serving.store.wall_clock import wall_now
from serving.webhooks.load_decided import load_decided
from tests.reference.serving import client_for, whole_page, worklist_of

HTML = {"accept": "text/html"}


def state_of(client: TestClient) -> AppState:
    found: AppState = client.app.state.app_state  # type: ignore[attr-defined]
    return found


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


def test_a_load_in_the_middle_of_a_request_does_not_mix_two_lists(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app_state, told = state_of(client), team_queues.find_leads_with_feedback
    whole_page(client, "/")
    before = app_state.newest
    shorter = Worklist(before.worklist.rows.frame.head(20), before.data)

    def load_meanwhile(store: Any) -> frozenset[str]:
        app_state._loaded = replace(before, worklist=shorter, number=before.number + 1)
        return told(store)

    monkeypatch.setattr(team_queues, "find_leads_with_feedback", load_meanwhile)
    answer = client.get("/", headers=HTML)
    assert app_state.newest.worklist is shorter, "the test loaded nothing"
    assert answer.status_code == 200, "positions of one list were looked up in another"
    monkeypatch.setattr(team_queues, "find_leads_with_feedback", told)
    assert client.get("/v1/worklist").json()["total"] == 20, "the next request sees what was loaded"


def test_a_request_sees_what_it_loads_itself_and_nothing_else(client: TestClient) -> None:
    app_state = state_of(client)
    with request_view():
        first = app_state.loaded
        other = threading.Thread(target=app_state.load)
        other.start()
        other.join()
        assert app_state.loaded is first is not app_state.newest
        assert load_decided(app_state) is True
        assert app_state.loaded is app_state.newest, "somebody who sets a threshold would be shown the one before"
        app_state.load()
        assert app_state.loaded is app_state.newest


def test_queues_count_what_is_pinned_as_the_tabs_do(client: TestClient, tiny_demo: Any) -> None:
    frame = worklist_of(tiny_demo)
    lead = str(frame.loc[frame["lead_list"] == "watching", "lead_id"].iloc[0])

    def counted() -> tuple[int, int]:
        queues = team_queues.count_queues(state_of(client), None)
        tab = client.get("/v1/worklist", params={"list": "to_hand_off"}).json()["total"]
        return sum(row["list_to_hand_off"] for row in queues.rows), tab

    here, there = counted()
    said = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "override", "state": "sql", "reason": "good_fit"})
    assert said.status_code < 300, said.text
    assert counted() == (here + 1, there + 1)


class _Counted:
    """Stands for what is slow to work out, and counts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.calls += 1
        return self

    def content(self) -> dict[str, Any]:
        return {"call": self.calls}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> _Counted:
    found = _Counted()
    monkeypatch.setattr(pipelines.diagnostics.monitor, "monitor", found)
    monkeypatch.setattr(pipelines.registry.promotion_churn, "churn_if_possible", found)
    monkeypatch.setattr(pipelines.registry.promotion_gate, "ask_gate", found)
    return found


def touch(file: Path) -> None:
    """Written again, whatever the clock's steps."""
    os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + 1_000_000))


def test_the_monitor_is_asked_again_once_what_it_reads_changes(
    tiny_copy: Any, tmp_path: Path, counted: _Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    with client_for(tiny_copy, tmp_path / "state") as client:
        app_state, paths = state_of(client), tiny_copy.context.paths

        def asked() -> int:
            return int(drift.compute_drift(app_state)["call"])

        assert (asked(), asked()) == (1, 1)
        touch(AuditRecord.path(paths))
        assert asked() == 2, "between two stages of a run"
        touch(ComparisonRecord.path(paths))
        assert asked() == 3, "a promise made after the load"
        (place / "params.yaml").write_text("monitor:\n  data_days: 2\n", encoding="utf-8")
        assert asked() == 4
        paths.feeds_accepted.write_text("[]", encoding="utf-8")
        assert asked() == 5
        tomorrow = wall_now() + timedelta(days=1)
        monkeypatch.setattr(drift, "wall_now", lambda: tomorrow)
        assert (asked(), asked()) == (6, 6), "an export that stopped is older every day"


def test_a_mistake_in_the_parameters_is_forgotten_once_it_is_mended(
    client: TestClient, tmp_path: Path, counted: _Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "params.yaml"
    file.write_text("monitor:\n  data_dayz: 2\n", encoding="utf-8")
    assert "data_dayz" in drift.begin_drift(state_of(client)).problem
    file.write_text("monitor:\n  data_days: 2\n", encoding="utf-8")
    touch(file)
    found = drift.begin_drift(state_of(client))
    assert not found.problem


def test_who_would_move_is_asked_again_under_another_handoff_score(
    tiny_copy: Any, tmp_path: Path, counted: _Counted
) -> None:
    with client_for(tiny_copy, tmp_path / "state") as client:
        app_state = state_of(client)
        chosen = app_state.newest.model.bundle.hash

        def asked() -> tuple[int, int]:
            promotion.compute_churn(app_state, chosen)
            moves = counted.calls
            promotion.ask_gate(app_state, chosen)
            return moves, counted.calls

        assert asked() == (1, 2)
        assert asked() == (2, 2)
        assert client.post("/v1/threshold", json={"score": 30, "reason": "two new reps"}).status_code < 300
        assert asked() == (3, 4), "it would become the promotion's record"


OWN = "name: own\ntitle: Own\ncriteria:\n  all:\n    label: {label}\n    topics: [{topics}]\n"


def test_an_edited_framework_is_read_again_by_the_next_load(tiny_demo: Any, tmp_path: Path) -> None:
    shipped = load_framework("meddicc")
    file = tmp_path / "own.yaml"
    topics = ", ".join(str(topic) for criterion in shipped.criteria.values() for topic in criterion.topics)
    text = OWN.replace("{topics}", topics)
    file.write_text(text.replace("{label}", "Everything"), encoding="utf-8")
    first = load_framework(str(file))
    assert load_framework(str(file)) is first, "what a framework remembers of features would be lost"
    with client_for(tiny_demo, tmp_path / "state", framework=str(file)) as client:
        app_state = state_of(client)
        file.write_text(text.replace("{label}", "All of it"), encoding="utf-8")
        assert app_state.framework(None).label("all") == "Everything", "the list was scored under it"
        app_state.load()
        assert app_state.framework(None).label("all") == "All of it"
