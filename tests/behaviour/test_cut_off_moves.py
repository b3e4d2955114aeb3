"""A promotion or rollback on the server that is cut off: the trail says who asked, and no message is lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from pipelines.registry.champion import point_to, read_champion
from serving.background import BackgroundThreads
from serving.metrics import Metrics
from serving.results import promotion
from serving.store.tables import OutboxMessage
from tests.behaviour.test_serving_upkeep import FORCED, another_bundle
from tests.reference.serving import client_for
from tests.reference.tiny_run import TinyRun

HOOK = {"url": "http://127.0.0.1:9/x", "events": ["model.promoted", "lead.state_changed"]}


class Killed(BaseException):
    """What nothing catches, as nothing catches kill -9."""


@pytest.fixture
def client(tiny_copy: TinyRun, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_copy, tmp_path / "state") as found:
        yield found


def moves_in_trail(client: TestClient) -> list[tuple[str, str]]:
    """Who did what to the champion, oldest first."""
    rows = reversed(client.get("/v1/audit").json())
    return [(row["actor"], row["action"]) for row in rows if row["action"].endswith(("ing", "ed", ".back"))]


def told(client: TestClient) -> list[tuple[str, Any]]:
    """Messages by event: of a promotion the hashes, else the lead."""
    with client.app.state.app_state.store.reading() as session:
        rows = list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))
    return [(row.event, row.payload.get("hash") or row.payload["lead_id"]) for row in rows]


def look(client: TestClient) -> None:
    """What the watch does every two seconds."""
    background = BackgroundThreads(client.app.state.app_state, Metrics())
    background._loads = client.app.state.app_state.loads  # nothing to sweep or to prepare
    background.watch()


def refuse(*_: Any, **__: Any) -> None:
    raise OperationalError("INSERT", {}, Exception("database is locked"))


def test_a_store_that_refuses_after_the_pointer_has_moved_loses_nothing(
    client: TestClient, tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post("/v1/webhooks", json=HOOK).status_code == 201
    other = another_bundle(tiny_copy, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("serving.webhooks.outcomes.record_action", refuse)
        patched.setattr("serving.webhooks.state_changes.announce", refuse)
        answer = client.post("/v1/champion", json={"hash": other, **FORCED})
        assert (answer.status_code, answer.json()["in_use"]) == (200, True), "it is the champion"
        with pytest.raises(OperationalError):
            look(client)
    assert moves_in_trail(client)[-1] == ("local", "promoting") and told(client) == []
    look(client)
    assert moves_in_trail(client)[-2:] == [("local", "promoting"), ("local", "promoted")]
    first, *states = told(client)
    assert first == ("model.promoted", other) and states and {event for event, _ in states} == {"lead.state_changed"}
    look(client)
    assert len(told(client)) == 1 + len(states), "told twice"


def test_a_server_that_was_killed_over_a_move_says_at_its_next_start_who_made_it(
    tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, other = tiny_copy.context.paths, another_bundle(tiny_copy, tmp_path)
    first = read_champion(paths)
    assert first is not None

    def cut_off(when: str) -> None:
        def stop(*args: Any) -> Any:
            if when == "after":
                point_to(*args)
            raise Killed

        monkeypatch.setattr(promotion, "point_to", stop)

    def ask(client: TestClient, leaving: str | None = None) -> None:
        with pytest.raises(Killed):
            promotion.roll_back(client.app.state.app_state, "ann", leaving, "it gets worse")

    with client_for(tiny_copy, tmp_path / "state") as client:
        assert client.post("/v1/webhooks", json=HOOK).status_code == 201
        assert client.post("/v1/champion", json={"hash": other, **FORCED}).status_code == 200
        cut_off("before")
        ask(client)
        cut_off("after")
        ask(client)
        monkeypatch.undo()
    with client_for(tiny_copy, tmp_path / "state") as client:
        look(client)
        trail = [what for who, what in moves_in_trail(client) if who == "ann"]
        assert trail == ["rolling.back", "not_rolled.back", "rolling.back", "rolled.back"]
        ended = client.get("/v1/audit").json()[0]
        assert ended["subject"] == first.hash and ended["detail"]["reason"] == "it gets worse"
        assert ended["detail"]["outcome"] == "cut off after the champion changed"
        assert [hash for event, hash in told(client) if event == "model.promoted"] == [other, first.hash]

        again = client.post("/v1/champion/rollback").json()
        assert again["champion"] == first.hash, "it had been rolled back already"
        assert again["churn"]["challenger"] == first.hash
        assert client.post("/v1/champion/rollback").json()["champion"] == other, "one step back, as asked"


def test_a_form_of_another_champion_moves_nothing(client: TestClient, tiny_copy: TinyRun, tmp_path: Path) -> None:
    paths, other = tiny_copy.context.paths, another_bundle(tiny_copy, tmp_path)
    first = read_champion(paths)
    assert first is not None and client.post("/v1/champion", json={"hash": other, **FORCED}).status_code == 200
    shown = client.get("/model").text
    token = shown.split('name="token" value="')[1].split('"')[0]
    rollback = shown.split('id="rollback"')[1].split("</form>")[0]
    assert f'name="leaving" value="{other}"' in rollback
    form = {"token": token, "leaving": other, "reason": "it gets worse"}
    answers = [client.post("/model/champion", data=form, follow_redirects=False).status_code for _ in range(2)]
    champion = read_champion(paths)
    assert answers == [303, 409], "a double click goes one step back"
    assert champion is not None and (champion.hash, champion.history[-1].reason) == (first.hash, "it gets worse")

    promote = {"token": token, "leaving": first.hash, "hash": other, "reason": "back to it"}
    answers = [client.post("/model/champion", data=promote, follow_redirects=False).status_code for _ in range(2)]
    assert answers == [303, 303] and moves_in_trail(client)[-2:] == [("local", "promoting"), ("local", "promoted")]
    late = promote | {"hash": first.hash}
    assert client.post("/model/champion", data=late, follow_redirects=False).status_code == 409
