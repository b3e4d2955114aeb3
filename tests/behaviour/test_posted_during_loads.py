"""What is posted while another model or other data are loaded is on the new list, scored by what is in use then."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, event, select
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from pipelines.registry.champion import point_to
from serving.state.gather_rows import count_posted, find_posted_since
from serving.state.loading import load_state
from serving.state.worklist import shown_scores
from serving.state.worklist.shown_scores import ShownScores
from serving.store.engine import Store, open_store
from serving.store.tables import AnswerRow, OutboxMessage, ScoreRow
from serving.store.wall_clock import wall_now
from tests.behaviour.test_cut_off_moves import HOOK, look
from tests.behaviour.test_serving_upkeep import another_bundle
from tests.reference.challengers import TEST
from tests.reference.serving import client_for, worklist_of
from tests.reference.tiny_run import TinyRun


@pytest.fixture
def client(tiny_copy: TinyRun, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_copy, tmp_path / "state") as found:
        yield found


def answer(client: TestClient, lead: str, value: str, key: str = "") -> int:
    """Give an answer; returns the score that the card then has."""
    headers = {"idempotency-key": key} if key else {}
    body = {"question": "budget", "value": value}
    given = client.post(f"/v1/leads/{lead}/answers", json=body, headers=headers)
    assert given.status_code == 201, given.text
    return int(given.json()["card"]["score"])


def listed(client: TestClient, lead: str) -> tuple[str, int]:
    """Bundle and score of a lead's row, without a request that would catch up."""
    row = client.app.state.app_state.loaded.worklist.line(lead)
    return row["bundle_hash"], row["score"]


def card(client: TestClient, lead: str) -> tuple[str, int]:
    found = client.get(f"/v1/leads/{lead}").json()
    return found["bundle_hash"], found["score"]


def test_what_is_posted_while_a_model_is_loaded_is_on_its_list(
    client: TestClient, tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, other = client.app.state.app_state, another_bundle(tiny_copy, tmp_path)
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[-1])
    build = load_state.build_worklist

    def build_slowly(*given: Any) -> Any:
        found = build(*given)
        answer(client, lead, ">50k")
        return found

    monkeypatch.setattr(load_state, "build_worklist", build_slowly)
    point_to(tiny_copy.context.paths, other, TEST)
    before = state.loaded.worklist.line(lead)["score"]
    assert state.refresh() is not None
    assert listed(client, lead) == card(client, lead) and listed(client, lead)[0] == other != before


def test_what_is_stored_under_the_model_before_is_scored_anew(
    client: TestClient, tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, other = client.app.state.app_state, another_bundle(tiny_copy, tmp_path)
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[-1])
    point_to(tiny_copy.context.paths, other, TEST)
    monkeypatch.setattr("serving.leads.writes.hold_lock", lambda *_: state.refresh())
    answer(client, lead, ">50k")
    assert client.get("/v1/worklist", params={"search": lead}).json()["rows"][0]["score"] == card(client, lead)[1]
    assert listed(client, lead) == card(client, lead) and listed(client, lead)[0] == other


@pytest.mark.parametrize("shown", ["to a reader", "before anybody reads"])
def test_what_another_server_scored_is_scored_by_what_is_in_use_here(
    client: TestClient, tiny_copy: TinyRun, shown: str
) -> None:
    """Its threshold or its rubric may be those of before."""
    state, lead = client.app.state.app_state, str(worklist_of(tiny_copy)["lead_id"].iloc[-1])
    score = answer(client, lead, ">50k")
    with state.store.writing() as session:
        own = session.scalars(select(ScoreRow).where(ScoreRow.lead_id == lead).order_by(ScoreRow.id.desc())).first()
        kept = {column.name: getattr(own, column.name) for column in ScoreRow.__table__.columns if column.name != "id"}
        session.add(ScoreRow(**kept | {"line": kept["line"] | {"score": 1, "state": "elsewhere"}}))
    state.loaded.worklist.update_row(kept["line"] | {"score": 2})
    if shown == "to a reader":
        client.get("/v1/worklist")
    else:
        look(client)
    row = state.loaded.worklist.line(lead)
    assert (row["score"], row["state"]) == (score, kept["state"])


@pytest.mark.parametrize("hindered", ["more than a request takes over", "the store does not answer as the load ends"])
def test_no_change_is_announced_that_a_list_behind_the_store_would_tell(
    client: TestClient, tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch, hindered: str
) -> None:
    state, leads = client.app.state.app_state, [str(name) for name in worklist_of(tiny_copy)["lead_id"].iloc[-3:]]
    build, catch_up = load_state.build_worklist, state.catch_up
    assert client.post("/v1/webhooks", json=HOOK).status_code == 201
    stale = {**state.loaded.worklist.line(leads[0]), "state": "elsewhere"}

    def build_slowly(*given: Any) -> Any:
        found = build(*given)
        for lead in leads:
            answer(client, lead, ">50k")
            found[0].update_row({**stale, "lead_id": lead})
        return found

    before = state.loaded.number

    def refuse(caught: Any = None) -> bool:
        if caught is None or caught.number == before:
            return bool(catch_up(caught))
        monkeypatch.setattr(state, "catch_up", catch_up)
        raise OperationalError("SELECT", {}, Exception("the connection is gone"))

    monkeypatch.setattr(load_state, "build_worklist", build_slowly)
    if hindered.startswith("more"):
        monkeypatch.setattr(shown_scores, "_AT_ONCE", 1)
    else:
        monkeypatch.setattr(state, "catch_up", refuse)
    assert state.load() is not None
    look(client)
    assert [row["state"] for row in map(state.loaded.worklist.line, leads)].count("elsewhere") == 0
    with state.store.reading() as session:
        assert [row.payload for row in session.scalars(select(OutboxMessage)) if row.payload["to"] == "elsewhere"] == []


def test_a_load_that_never_settled_is_told_with_the_next(
    client: TestClient, tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, lead = client.app.state.app_state, str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    assert client.post("/v1/webhooks", json=HOOK).status_code == 201
    row = state.loaded.worklist.line(lead)
    state.loaded.worklist.update_row({**row, "state": "elsewhere"})
    with monkeypatch.context() as patched:
        patched.setattr(state, "settle", lambda: None)
        assert state.load() is not None
    assert state.load() is not None
    look(client)
    with state.store.reading() as session:
        told = [(one.payload["from"], one.payload["to"]) for one in session.scalars(select(OutboxMessage))]
    assert told == [("elsewhere", row["state"])]


def test_what_another_server_announced_before_a_load_is_not_announced_with_it(
    client: TestClient, tiny_copy: TinyRun
) -> None:
    state, lead = client.app.state.app_state, str(worklist_of(tiny_copy)["lead_id"].iloc[-1])
    assert client.post("/v1/webhooks", json=HOOK).status_code == 201
    answer(client, lead, ">50k")
    row = state.loaded.worklist.line(lead)
    with state.store.writing() as session:  # by a server that told of it; here the list is as it was before
        own = session.scalars(select(ScoreRow).where(ScoreRow.lead_id == lead).order_by(ScoreRow.id.desc())).first()
        kept = {column.name: getattr(own, column.name) for column in ScoreRow.__table__.columns if column.name != "id"}
        session.add(ScoreRow(**kept))
        session.execute(delete(OutboxMessage))
    state.loaded.worklist.update_row({**row, "state": "elsewhere"})
    assert state.load() is not None
    look(client)
    with state.store.reading() as session:
        assert [one.payload for one in session.scalars(select(OutboxMessage))] == []


def test_a_score_gets_its_number_under_the_lock_that_whoever_posts_takes(
    client: TestClient, tiny_copy: TinyRun
) -> None:
    """Else a lower number could come to the store after a higher one was read, and be passed over for good."""
    state, written = client.app.state.app_state, []

    @event.listens_for(state.store.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO"):
            written.append(statement.split()[2])

    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    for body in ({"verdict": "reject", "reason": "no_budget"}, {"verdict": "withdraw"}):
        written.clear()
        given = client.post(f"/v1/leads/{lead}/feedback", json=body)
        assert given.status_code == 201, given.text
        assert written.index("audit") < written.index("scores")


def test_own_scores_neither_hide_those_of_others_nor_pile_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_scores, "_AT_ONCE", 2)
    monkeypatch.setattr(shown_scores, "_READ_AT_ONCE", 3)
    scores = ShownScores(SimpleNamespace(update_row=dict, update_rows=list), 0)  # type: ignore[arg-type]
    for lead, origin in [(f"own {n}", "answer") for n in range(5)] + [
        ("seen", "card"),
        ("a", "answer"),
        ("b", "field"),
    ]:
        with store.writing() as session:
            session.add(row := score_row(lead, origin))
            session.flush()
            if lead.startswith("own"):
                scores.show_once_stored(session, row.id, {"lead_id": lead})
    with store.writing() as session:
        session.add(score_row("c", "answer"))
    with store.reading() as session:
        through, missed = scores.find_missed(session)
        assert (through, missed) == (8, ["a", "b"])
        scores.take_over(through, [])
        assert scores.find_missed(session) == (9, ["c"]) and scores._own == set()


def test_a_repeated_request_does_not_bring_back_the_row_of_then(client: TestClient, tiny_copy: TinyRun) -> None:
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[-1])
    first = answer(client, lead, ">50k", "a" * 16)
    later = answer(client, lead, "<10k")
    assert answer(client, lead, ">50k", "a" * 16) == first != later
    assert listed(client, lead)[1] == later
    assert client.get("/v1/worklist", params={"search": lead}).json()["rows"][0]["score"] == later


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(None, tmp_path)
    yield opened
    opened.close()


def score_row(lead: str, origin: str) -> ScoreRow:
    figures: dict[str, Any] = {"score": 1, "log_odds": 0.0, "probability": 0.5, "line": {}}
    names = {"state": "lead", "framework": "own", "bundle_hash": "b", "origin": origin}
    return ScoreRow(lead_id=lead, as_of=None, written_at=wall_now(), **figures, **names)


def post(store: Store, lead: str) -> None:
    now = wall_now()
    with store.writing() as session:
        session.add(
            AnswerRow(lead_id=lead, question="q", value="v", channel="c", author="a", happened_at=now, known_at=now)
        )


@pytest.mark.parametrize("removed", [1, 2], ids=["the first", "the last, whose id is given out again"])
def test_a_row_that_takes_the_place_of_a_removed_one_is_seen(store: Store, removed: int) -> None:
    for lead in ("one", "two"):
        post(store, lead)
    before = count_posted(store)
    assert count_posted(store) == before
    with store.writing() as session:
        session.execute(delete(AnswerRow).where(AnswerRow.id == removed))
    gone = count_posted(store)
    post(store, "three")
    now = count_posted(store)
    assert len({before, gone, now}) == 3
    with store.reading() as session:
        assert find_posted_since(session, before) == {"three"}
