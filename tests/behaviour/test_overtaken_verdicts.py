"""What sales said of a lead holds until the CRM moves it on: a lead that was opened again is on its list."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import event, update
from starlette.testclient import TestClient

from pipelines.workspace.atomic_files import read_parquet, write_parquet
from serving.leads.feedback import find_hidden_leads, find_returned_leads
from serving.store.tables import Feedback, StageRow
from tests.reference.serving import client_for, worklist_of
from tests.reference.tiny_run import TinyRun

HTML = {"accept": "text/html"}


def enter(run: TinyRun, moved: dict[str, str], at: pd.Timestamp) -> None:
    """The next export of the CRM: leads that entered a stage."""
    file = run.context.paths.ingest / "stages.parquet"
    held = read_parquet(file)
    new = pd.DataFrame({"lead_id": list(moved), "stage": list(moved.values()), "entered_at": at, "known_at": at})
    new = new.reindex(columns=held.columns).astype(held.dtypes)
    write_parquet(file, pd.concat([held, new], ignore_index=True))


def as_said_hours_ago(app: Any) -> pd.Timestamp:
    """What was said, three hours before the cut-off, so that the CRM may move leads in between; the cut-off."""
    cutoff = pd.Timestamp(app.loaded.data.cutoff)
    then = cutoff - pd.Timedelta("3h")
    with app.store.writing() as session:
        session.execute(update(StageRow).values(entered_at=then, known_at=then))
        session.execute(update(Feedback).values(known_at=then))
    return cutoff


def say(client: TestClient, lead: str, verdict: str, **more: str) -> dict[str, Any]:
    answer = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": verdict, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def hidden_fields(client: TestClient, lead: str) -> dict[str, str]:
    form = client.get(f"/leads/{lead}", headers=HTML).text.split('id="return"')[1].split("</dialog>")[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


@pytest.mark.parametrize("reason", ["no_need", "bad_timing"], ids=["disqualified", "recycled"])
def test_a_verdict_ends_with_the_next_stage_that_the_crm_tells(tiny_copy: TinyRun, tmp_path: Path, reason: str) -> None:
    listed = worklist_of(tiny_copy)
    fresh = listed[~listed["stage"].isin(["sal", "sql", "opportunity"])]["lead_id"].astype("str").tolist()
    opened, echoed, worked, kept = fresh[:4]
    with client_for(tiny_copy, tmp_path / "state") as client:
        app = client.app.state.app_state  # type: ignore[attr-defined]
        left = {lead: say(client, lead, "reject", reason=reason)["stage"] for lead in (opened, echoed)}
        for lead in (worked, kept):
            assert say(client, lead, "accept")["stage"] == "sal"
        assert find_hidden_leads(app.store, app.loaded.data) == {opened, echoed}

        later = pd.Timestamp(app.clock.now()) + pd.Timedelta("1h")
    enter(tiny_copy, {opened: "mql", echoed: left[echoed], worked: "opportunity", kept: "sal"}, later)
    with client_for(tiny_copy, tmp_path / "state") as client:
        app = client.app.state.app_state  # type: ignore[attr-defined]
        data = app.loaded.data
        assert find_hidden_leads(app.store, data) == find_returned_leads(app.store, data) == {echoed}
        told = {lead: client.get(f"/v1/leads/{lead}").json()["feedback"] for lead in (opened, worked, kept)}
        assert told[opened] is None and told[worked] is None and told[kept]["verdict"] == "accept"
        assert 'class="kicker">Returned' not in client.get(f"/leads/{opened}", headers=HTML).text
        assert 'value="accept"' in client.get(f"/leads/{worked}", headers=HTML).text, "the old accept is over"


def test_no_stage_is_read_of_leads_on_which_no_verdict_holds(tiny_copy: TinyRun, tmp_path: Path) -> None:
    held, over = worklist_of(tiny_copy)["lead_id"].astype("str").tolist()[:2]
    with client_for(tiny_copy, tmp_path / "state") as client:
        app = client.app.state.app_state  # type: ignore[attr-defined]
        for lead in (held, over):
            say(client, lead, "reject", reason="no_need")
        say(client, over, "withdraw")
        asked: list[tuple[str, Any]] = []
        event.listen(app.store.engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
        assert find_hidden_leads(app.store, app.loaded.data) == {held}
        of_stages = [values for statement, values in asked if "FROM stages" in statement]
        assert len(of_stages) == 1 and held in of_stages[0] and over not in of_stages[0]


def test_a_form_that_is_sent_again_after_the_crm_moved_the_lead_counts_anew(tiny_copy: TinyRun, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    with client_for(tiny_copy, tmp_path / "state") as client:
        sent = hidden_fields(client, lead) | {"verdict": "reject", "reason": "no_need"}

        def send(by: TestClient) -> str:
            told = by.post(f"/leads/{lead}/feedback", data=sent, follow_redirects=False)
            assert told.status_code == 303, told.text
            return str(re.findall(r"given=(\d+)", told.headers["location"])[0])

        first = send(client)
        assert send(client) == first, "a double click"
        cutoff = as_said_hours_ago(client.app.state.app_state)  # type: ignore[attr-defined]
    enter(tiny_copy, {lead: "mql"}, cutoff - pd.Timedelta("2h"))
    with client_for(tiny_copy, tmp_path / "state") as client:
        sent["token"] = hidden_fields(client, lead)["token"]  # another server's
        assert send(client) != first
        assert client.get(f"/v1/leads/{lead}").json()["feedback"]["verdict"] == "reject"


def test_nobody_is_sent_to_take_back_a_return_after_which_the_crm_had_the_lead_rest(
    tiny_copy: TinyRun, tmp_path: Path
) -> None:
    ours, theirs = worklist_of(tiny_copy)["lead_id"].astype("str").tolist()[:2]
    with client_for(tiny_copy, tmp_path / "state") as client:
        for lead in (ours, theirs):
            assert say(client, lead, "reject", reason="bad_timing")["stage"] == "recycled"
        cutoff = as_said_hours_ago(client.app.state.app_state)  # type: ignore[attr-defined]
    enter(tiny_copy, {theirs: "mql"}, cutoff - pd.Timedelta("2h"))
    enter(tiny_copy, {theirs: "recycled"}, cutoff - pd.Timedelta("1h"))
    with client_for(tiny_copy, tmp_path / "state") as client:
        told = {lead: client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"}) for lead in (ours, theirs)}
        assert {answer.status_code for answer in told.values()} == {409}
        assert "or take its return back first" in told[ours].text
        assert "accept it then." in told[theirs].text and "take its return back" not in told[theirs].text
