"""On real time a lead is scored as of the last that is known of it: list, card and answer tell one moment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from serving.state.app_state import AppState
from serving.state.clock import ServingClock
from serving.state.gather_rows import GatheredRows
from serving.state.lead_scoring import score_leads
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
