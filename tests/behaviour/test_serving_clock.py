"""On real time a lead is scored as of the last that is known of it: list, card and answer tell one moment."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from models.standing.unscored_lists import list_resting
from serving.state.app_state import AppState
from serving.state.clock import ServingClock
from serving.state.gather_rows import GatheredRows, gather_rows
from serving.state.lead_scoring import score_leads
from serving.state.worklist.last_week import LastWeek
from serving.store.wall_clock import wall_now
from tests.reference.serving import client_for, worklist_of


@pytest.fixture
def client(tiny_copy: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_copy, tmp_path / "state", clock="wall") as found:
        assert found.get("/healthz").json()["clock"] == "wall"
        yield found


def app_of(client: TestClient) -> AppState:
    found: AppState = client.app.state.app_state  # type: ignore[attr-defined]
    return found


def listed(client: TestClient) -> dict[str, dict[str, Any]]:
    return {row["lead_id"]: row for row in client.get("/v1/worklist", params={"size": 500}).json()["rows"]}


def test_leads_of_which_nothing_new_is_known_are_on_the_list_as_on_their_cards(
    client: TestClient, tiny_copy: Any
) -> None:
    rows = listed(client)
    for lead in [str(name) for name in worklist_of(tiny_copy)["lead_id"].iloc[::9]]:
        card = client.get(f"/v1/leads/{lead}").json()
        assert (card["score"], card["state"]) == (rows[lead]["score"], rows[lead]["state"])
        assert pd.Timestamp(card["as_of"]) == app_of(client).loaded.data.cutoff


def test_the_days_since_the_cut_off_are_no_work_of_an_answer(client: TestClient, tiny_copy: Any) -> None:
    moved, state = 0, app_of(client).loaded
    for lead in [str(name) for name in worklist_of(tiny_copy)["lead_id"].iloc[:5]]:
        shown = listed(client)[lead]["score"]
        given = client.post(f"/v1/leads/{lead}/activities", json={"kind": "fair", "actor": "lead"}).json()
        row, as_of = given["activity"], pd.Timestamp(given["card"]["as_of"])
        without = state.model.score_tables(state.data.tables, [lead], as_of, app_of(client).framework(None))
        assert given["score_before"] == int(without.columns["score"][0])
        assert given["score_before"] == given["card"]["score"], "no feature reads this kind"
        assert (
            listed(client)[lead]["score"] == client.get(f"/v1/leads/{lead}").json()["score"] == given["card"]["score"]
        )
        moved += shown != given["score_before"]

        taken = client.delete(f"/v1/leads/{lead}/activities/{row}").json()
        assert taken["score_before"] == given["card"]["score"], "as it was shown"
        assert listed(client)[lead]["score"] == client.get(f"/v1/leads/{lead}").json()["score"] == shown, taken
    assert moved, "nothing depends on time: the test shows nothing"


def test_what_is_posted_about_one_lead_moves_no_other(client: TestClient, tiny_copy: Any) -> None:
    app_state = app_of(client)
    state = app_state.loaded
    accounts = pd.Series({str(lead): state.data.account_id_of(str(lead)) for lead in listed(client)})
    shared = accounts[accounts.duplicated(keep=False) & accounts.notna()].sort_values()
    about, mate = (str(lead) for lead in shared.index[:2])
    other = next(str(lead) for lead in accounts.index if accounts[lead] != accounts[about])
    client.post(f"/v1/leads/{about}/activities", json={"kind": "fair", "actor": "lead"})
    with app_state.store.reading() as session:
        codes = [state.data.code(lead) for lead in (about, mate, other)]
        found = score_leads(app_state, session, state, codes, app_state.framework(None)).frame
    cutoff = state.data.cutoff
    assert found["as_of"].iloc[0] > cutoff and (found["as_of"].iloc[1:] == cutoff).all()
    for lead, score in zip((mate, other), found["score"].iloc[1:], strict=True):
        assert listed(client)[lead]["score"] == client.get(f"/v1/leads/{lead}").json()["score"] == score


def test_card_history_change_and_account_tell_the_score_of_the_list(client: TestClient) -> None:
    app_state = app_of(client)
    data, rows = app_state.loaded.data, listed(client)
    accounts = pd.Series({lead: data.account_id_of(lead) for lead in rows})
    shared = accounts[accounts.duplicated(keep=False) & (accounts != "")]
    several = shared[shared == shared.value_counts().index[0]]
    about, *mates = (str(lead) for lead in several.index)
    moved = 0
    for kind in ("demo_request", "page_view", "meeting_held"):
        client.post(f"/v1/leads/{about}/activities", json={"kind": kind, "actor": "lead"})
    posted = listed(client)
    for lead in (about, *mates):
        score = posted[lead]["score"]
        assert client.get(f"/v1/leads/{lead}").json()["score"] == score
        assert client.get(f"/v1/leads/{lead}/history").json()["weekly"][-1]["score"] == score
        change = client.get(f"/v1/leads/{lead}/change").json()
        assert change["score_after"] == score
    account = client.get(f"/v1/accounts/{several.iloc[0]}").json()
    told = {lead["lead_id"]: lead["score"] for lead in account["leads"] if lead["lead_id"] in posted}
    assert told == {lead: posted[lead]["score"] for lead in (about, *mates)}
    assert account["score"]["best"] == account["history"][-1]["best"] == max(told.values())
    with app_state.store.reading() as session:
        tables = gather_rows(session, data, [data.code(about)]).tables
    at = pd.Timestamp(client.get(f"/v1/leads/{about}").json()["as_of"])
    for lead in mates:
        moved += client.get(f"/v1/leads/{lead}").json()["as_of"] == data.cutoff.isoformat()
        then = app_state.loaded.model.score_tables(tables, [lead], at, app_state.framework(None))
        moved += int(then.columns["score"][0]) != posted[lead]["score"]
    assert moved > len(mates), "no colleague's score depends on the moment: the test shows nothing"


def test_on_real_time_leads_whose_rest_is_over_are_on_the_list_as_on_their_cards(client: TestClient) -> None:
    data = app_of(client).loaded.data
    people = set(map(str, data.lead_ids)) - set(data.closed_now)
    resting = list_resting(data.tables, data.source, people, {}, data.cutoff)
    assert len(resting) and (resting["back_at"] < pd.Timestamp(wall_now())).all()
    lists = client.get("/v1/worklist", params={"size": 1}).json()["lists"]
    assert lists["resting"] == 0 and sum(lists.values()) == len(data)
    rows = listed(client)
    for lead, back in zip(resting["lead_id"], resting["back_at"], strict=True):
        card, row = client.get(f"/v1/leads/{lead}").json(), rows[str(lead)]
        assert pd.Timestamp(card["as_of"]) == pd.Timestamp(row["as_of"]) == back
        assert (card["score"], card["state"], card["next_action"]) == (row["score"], row["state"], row["next_action"])
        assert card["standing"]["lead_list"] == row["lead_list"] != "resting"
    lead = str(resting["lead_id"].iloc[0])
    assert client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"}).status_code == 201
    assert listed(client)[lead]["stage"] == client.get(f"/v1/leads/{lead}").json()["standing"]["stage"] != "recycled"


def test_what_is_posted_about_a_colleague_ends_no_rest(tiny_copy: Any, tmp_path: Path) -> None:
    with client_for(tiny_copy, tmp_path / "state", clock="wall") as client:
        data = app_of(client).loaded.data
        people = set(map(str, data.lead_ids)) - set(data.closed_now)
        resting = list_resting(data.tables, data.source, people, {}, data.cutoff)["lead_id"].astype("str")
        mates = {lead: [m for m in data.leads_of_account(data.account_id_of(lead)) if m != lead] for lead in resting}
        lead = next(lead for lead in resting if mates[lead])
        assert client.post(f"/v1/leads/{mates[lead][0]}/activities", json={"kind": "fair"}).status_code == 201
    with client_for(tiny_copy, tmp_path / "state", clock="data") as client:
        assert client.get(f"/v1/leads/{lead}").json()["standing"]["lead_list"] == "resting"
        refused = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"})
        assert refused.status_code == 409 and "the lead rests until" in refused.json()["detail"]


def test_the_foot_says_whether_scores_are_as_of_later_than_the_data(tiny_copy: Any, tmp_path: Path) -> None:
    both = "scores are as of then, or of what was said here since"
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    for clock, told in (("data", False), ("wall", True), ("data", True)):
        with client_for(tiny_copy, tmp_path / "state", clock=clock) as found:
            text = found.get("/worklist", headers={"accept": "text/html"}).text
            assert (both in text) == told and "scores are as of then" in text, clock
            found.post(f"/v1/leads/{lead}/activities", json={"kind": "fair", "actor": "lead"})


def test_on_real_time_a_rest_ends_with_its_day(client: TestClient, tiny_copy: Any) -> None:
    state = app_of(client).loaded
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    days = state.data.source.label.recycle_cool_down_days
    stages = pd.DataFrame({"lead_id": [lead], "stage": ["recycled"], "entered_at": [pd.Timestamp("2026-01-01")]})
    rows = GatheredRows({"stages": stages.assign(known_at=stages["entered_at"], owner="", reason="")}, None)
    codes = [state.data.code(lead)]
    back = pd.Timestamp("2026-01-01") + pd.Timedelta(days=days)
    clocks = {kind: ServingClock(pd.Timestamp("2026-01-02"), kind, 1.0) for kind in ("wall", "data")}
    assert rows.scored_as_of(state.data, codes, clocks["wall"]).tolist() == [back]
    assert rows.scored_as_of(state.data, codes, clocks["data"]).tolist() == [pd.Timestamp("2026-01-02")]


def test_the_change_in_a_week_on_the_list_is_that_of_the_card(client: TestClient) -> None:
    def changes() -> dict[str, Any]:
        rows = client.get("/v1/worklist", params={"size": 500, "sort": "change"}).json()["rows"]
        return {row["lead_id"]: row["change"] for row in rows}

    def on_card(lead: str) -> int:
        found = client.get(f"/v1/leads/{lead}/change").json()
        return int(found["score_after"] - found["score_before"])

    before = changes()
    first, second = [lead for lead, change in before.items() if change is not None][:2]
    acted = {"kind": "demo_request", "actor": "lead"}
    assert client.post(f"/v1/leads/{first}/activities", json=acted).status_code == 201
    after = changes()
    assert after[first] is None, "it is scored as of now, the other score is of a week before the cut-off"
    assert all(change is None for change in list(after.values())[list(after).index(first) :]), "it comes last"
    assert after[second] == before[second] == on_card(second)

    assert app_of(client).load() is not None
    after = changes()
    assert after[first] == on_card(first) and after[second] == on_card(second)


def test_an_export_of_changes_leaves_out_who_was_posted_about_and_did_not_move(client: TestClient) -> None:
    assert client.get("/v1/worklist", params={"sort": "change"}).status_code == 200
    worklist, cutoff = app_of(client).loaded.worklist, app_of(client).loaded.data.cutoff
    assert cutoff is not None
    still, moved, new = (str(lead) for lead in worklist.rows.position[:3])
    for lead in (still, moved, new):
        assert client.post(f"/v1/leads/{lead}/activities", json={"kind": "fair", "actor": "lead"}).status_code == 201
    rows = listed(client)
    assert {rows[lead]["change"] for lead in (still, moved, new)} == {None}
    scores, states = worklist.last_week.scores.copy(), worklist.last_week.states.copy()
    scores[:3] = rows[still]["score"], rows[moved]["score"] + 1, np.nan
    states[:3] = [rows[lead]["state"] for lead in (still, moved, new)]
    worklist.last_week = LastWeek(scores, states, np.full(len(worklist), cutoff.to_datetime64()))
    text = client.get("/v1/worklist/export", params={"changed": True}).text
    exported = {row["lead_id"] for row in csv.DictReader(io.StringIO(text))}
    assert exported & {still, moved, new} == {moved, new}
