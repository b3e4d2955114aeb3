"""On real time a lead is scored as of the last that is known of it: list, card and answer tell one moment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from serving.state.app_state import AppState
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
        assert listed(client)[lead]["score"] == client.get(f"/v1/leads/{lead}").json()["score"] == shown, taken
    assert moved, "nothing depends on time: the test shows nothing"
