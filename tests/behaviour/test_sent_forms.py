"""A form that is sent twice, as by a double click, is stored once; sent again after Undo, it counts anew."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from serving.store.tables import AnswerRow, Feedback, FieldRow
from tests.reference.serving import client_for, worklist_of

HTML = {"accept": "text/html"}


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as found:
        yield found


@pytest.fixture
def leads(tiny_demo: Any) -> list[str]:
    return [str(name) for name in worklist_of(tiny_demo)["lead_id"].iloc[:3]]


def hidden(part: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', part))


def form_of(client: TestClient, page: str, mark: str) -> dict[str, str]:
    """The hidden fields of the form in which a text stands."""
    html = client.get(page, headers=HTML).text
    return hidden(next(part for part in re.findall(r"<form.*?</form>", html, re.DOTALL) if mark in part))


def count(client: TestClient, table: Any) -> int:
    with client.app.state.app_state.store.reading() as session:  # type: ignore[attr-defined]
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def send_twice(client: TestClient, path: str, sent: dict[str, Any]) -> str:
    first, second = (client.post(path, data=sent, follow_redirects=False) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303), second.text
    assert first.headers["location"] == second.headers["location"], "both lead to the same Undo"
    return str(first.headers["location"])


@pytest.mark.parametrize(
    "said",
    [
        {"verdict": "accept"},
        {"verdict": "snooze"},
        {"verdict": "reject", "reason": "no_need"},
        {"verdict": "do_not_contact"},
        {"verdict": "override", "state": "mql", "reason": "good_fit"},
    ],
    ids=lambda said: said["verdict"],
)
def test_a_verdict_that_is_sent_twice_counts_once_and_one_undo_takes_it_back(
    client: TestClient, leads: list[str], said: dict[str, str]
) -> None:
    path, sent = f"/leads/{leads[0]}/feedback", form_of(client, f"/leads/{leads[0]}", 'value="accept"') | said
    told = send_twice(client, path, sent)
    assert count(client, Feedback) == 1
    undo = form_of(client, told, 'name="undoes"')
    given = re.findall(r"given=(\d+)", told)[0]
    assert "saved=withdraw" in send_twice(client, path, undo | {"undoes": given})
    assert count(client, Feedback) == 2
    assert client.get(f"/v1/leads/{leads[0]}").json()["feedback"] is None
    assert re.findall(r"given=(\d+)", send_twice(client, path, sent)) != [given], "as from a page that was kept"
    assert count(client, Feedback) == 3


def test_an_answer_that_is_sent_twice_is_stored_once(client: TestClient, leads: list[str]) -> None:
    path = f"/leads/{leads[0]}/answers"
    sent = form_of(client, f"/leads/{leads[0]}", 'value="accept"') | {"question": "decision_role", "value": "decides"}
    told = send_twice(client, path, sent)
    assert count(client, AnswerRow) == 1
    undo = form_of(client, told, 'name="undo"')
    assert "saved=undone" in send_twice(client, path, undo)
    assert count(client, AnswerRow) == 2
    send_twice(client, path, sent)
    assert count(client, AnswerRow) == 3, "it was taken back, so it is said anew"
    assert send_twice(client, path, sent | {"value": "recommends"}) and count(client, AnswerRow) == 4


def test_a_field_that_is_sent_twice_is_stored_once(client: TestClient, leads: list[str]) -> None:
    sent = form_of(client, f"/leads/{leads[0]}", 'value="accept"') | {"field": "employees", "value": "250"}
    send_twice(client, f"/leads/{leads[0]}/fields", sent)
    assert count(client, FieldRow) == 1


def test_several_leads_that_are_put_aside_twice_are_put_aside_once(client: TestClient, leads: list[str]) -> None:
    sent = form_of(client, "/worklist", "data-rows") | {"do": "snooze", "lead": leads}
    told = send_twice(client, "/worklist/chosen", sent)
    assert count(client, Feedback) == len(leads)
    ids = re.findall(r"given=(\d+)", told)
    assert "saved=withdraw" in send_twice(client, "/worklist/chosen", sent | {"do": "withdraw", "undoes": ids})
    assert count(client, Feedback) == 2 * len(leads)
    row = form_of(client, "/worklist", "data-rows") | {"verdict": "snooze"}
    send_twice(client, f"/leads/{leads[0]}/feedback", row)
    assert count(client, Feedback) == 2 * len(leads) + 1
