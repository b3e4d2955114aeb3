"""Changes of state by a load wait for a store that takes no writes, and not for one that can never be told."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from pipelines.workspace.people.register import FORGOTTEN, add_to_register
from serving.state.forgotten_people import ForgottenPeople
from serving.state.loaded_state import UntoldStep
from serving.store.engine import Store, open_store
from serving.store.tables import OutboxMessage
from serving.webhooks import state_changes
from serving.webhooks.outbox import add_webhook
from serving.webhooks.state_changes import EVENT, announce_untold
from tests.behaviour.test_webhook_delivery import LOOPBACK


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(None, tmp_path)
    add_webhook(opened, "admin", "http://127.0.0.1:9/x", [EVENT], LOOPBACK)
    yield opened
    opened.close()


def server(store: Store, *leads: str, root: Path = Path("nowhere")) -> Any:
    """A server that has to tell one step a lead; the register of forgotten people lies below ``root``."""
    moved = {lead: pd.DataFrame({"state_before": ["lead"], "state": ["sql"], "score": [70]}, [lead]) for lead in leads}
    untold = deque(UntoldStep(lead, frame) for lead, frame in moved.items())
    people = ForgottenPeople(root)
    return SimpleNamespace(store=store, people=people, untold=untold, telling=threading.Lock(), settle=lambda: None)


def told(store: Store) -> list[str]:
    with store.reading() as session:
        return [row.payload["lead_id"] for row in session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))]


def refuse_of(monkeypatch: pytest.MonkeyPatch, lead: str, problem: Exception) -> None:
    announce = state_changes.announce

    def refuse(session: Any, event: str, *messages: Any) -> None:
        if messages[0]["lead_id"] == lead:
            raise problem
        announce(session, event, *messages)

    monkeypatch.setattr(state_changes, "announce", refuse)


def test_a_step_that_can_never_be_told_does_not_hold_up_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = server(store, "one", "two")
    refuse_of(monkeypatch, "one", ValueError("a bug"))
    for _ in range(state_changes.FAILURES - 1):
        with pytest.raises(ValueError, match="a bug"):
            announce_untold(state)
    assert told(store) == []
    assert announce_untold(state) == 1 and told(store) == ["two"] and not state.untold
    said = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (said["event"], said["kind"], said["leads"]) == ("changes of state given up", "ValueError", 1)


def test_nobody_hears_of_who_was_forgotten_since_the_load(store: Store, tmp_path: Path) -> None:
    state = server(store, "one", "two", root=tmp_path)
    add_to_register(tmp_path, FORGOTTEN, ["one"], [])
    assert announce_untold(state) == 1 and told(store) == ["two"] and not state.untold


def test_a_store_that_is_away_for_long_loses_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    state = server(store, "one", "two")
    with monkeypatch.context() as patched:
        refuse_of(patched, "one", OperationalError("INSERT", {}, Exception("disk full")))
        for _ in range(state_changes.FAILURES + 5):
            with pytest.raises(OperationalError):
                announce_untold(state)
    assert announce_untold(state) == 2 and told(store) == ["one", "two"]


def test_of_very_many_the_newest_are_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(state_changes, "_KEPT", 2)
    assert announce_untold(server(store, "one", "two", "three")) == 2 and told(store) == ["two", "three"]
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["kind"] == "too many"
