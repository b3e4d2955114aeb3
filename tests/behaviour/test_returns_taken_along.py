"""A return that an ingest took along and somebody takes back: the lead is open, and on its list with the next load."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import update

from pipelines.run import run_stage
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.standing_feedback import read_standing_feedback
from serving.lists.closed_leads_page import closed_rows
from serving.results.recent_changes import find_recent_changes
from serving.store.tables import ActivityRow, Feedback, StageRow
from tests.reference.serving import client_for, worklist_of
from tests.reference.tiny_run import TinyRun

HTML = {"accept": "text/html"}
LATER = "Taken back. The lead is on its list again once data or a model are loaded."


def entered(app: Any, stage: str) -> int:
    found = find_recent_changes(app, None)
    assert found is not None
    return found.counts.get(stage, 0)


@pytest.mark.parametrize("reason", ["no_need", "bad_timing"], ids=["disqualified", "recycled"])
def test_a_lead_is_on_its_list_again_with_the_next_load(
    tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    lead, paths = str(worklist_of(tiny_copy)["lead_id"].iloc[0]), tiny_copy.context.paths
    with client_for(tiny_copy, paths.root / "serving") as client:
        app = client.app.state.app_state  # type: ignore[attr-defined]
        told = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "reject", "reason": reason}).json()
        then = pd.Timestamp(app.loaded.data.cutoff) - pd.Timedelta("1s")
        with app.store.writing() as session:
            session.execute(update(StageRow).values(entered_at=then, known_at=then))
            session.execute(update(Feedback).values(known_at=then))
    run_stage(tiny_copy.context, "ingest")
    assert read_standing_feedback(paths).aside == {lead}
    file = paths.score / "worklist.parquet"
    scored = read_parquet(file)
    write_parquet(file, scored[scored["lead_id"] != lead].reset_index(drop=True))  # as the next run lists it

    with client_for(tiny_copy, paths.root / "serving") as client:
        app = client.app.state.app_state  # type: ignore[attr-defined]
        assert lead in set(closed_rows(app.loaded)["lead_id"]), "it is over, or rests"
        assert app.loaded.worklist.current_state_of(lead) is None
        weeks = [pd.Timestamp(row["as_of"]) for row in client.get(f"/v1/leads/{lead}/history").json()["weekly"]]
        assert reason != "no_need" or max(weeks) <= then
        before = entered(app, told["stage"])
        taken = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "withdraw", "undoes": told["id"]}).json()
        assert taken["listed"] is False
        told_back = {"saved": "withdraw", "given": taken["id"]}
        page = client.get(f"/leads/{lead}", params=told_back, headers=HTML).text
        assert LATER in page
        with monkeypatch.context() as patch:
            nobody = {"cohort": app.loaded.data.source.cohort.model_copy(update={"where": {"lead_source": ["none"]}})}
            patch.setattr(app.loaded.data, "source", app.loaded.data.source.model_copy(update=nobody))
            assert LATER not in client.get(f"/leads/{lead}", params=told_back, headers=HTML).text, "of no list"
        assert entered(app, told["stage"]) == before - 1, "it was taken back"

        assert app.load() is not None
        assert lead not in set(closed_rows(app.loaded)["lead_id"]) and lead not in app.loaded.find_over()
        row = client.get("/v1/worklist", params={"search": lead}).json()["rows"][0]
        card = client.get(f"/v1/leads/{lead}").json()
        assert row["lead_id"] == lead and row["score"] == card["score"] and card["closed"] is None
        last = client.get(f"/v1/leads/{lead}/history").json()["weekly"][-1]
        assert (last["as_of"], last["score"]) == (card["as_of"], card["score"]), "it is open: its weeks go on"
        assert LATER not in client.get(f"/leads/{lead}", params=told_back, headers=HTML).text


def test_the_weeks_of_a_lead_end_with_a_return_that_was_posted(tiny_copy: TinyRun, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    with client_for(tiny_copy, tmp_path / "state") as client:
        app = client.app.state.app_state  # type: ignore[attr-defined]
        client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "reject", "reason": "no_need"})
        client.post(f"/v1/leads/{lead}/activities", json={"kind": "fair", "actor": "lead"})
        later = pd.Timestamp(app.loaded.data.cutoff) + pd.Timedelta(days=20)
        with app.store.writing() as session:
            session.execute(update(ActivityRow).values(happened_at=later, known_at=later))
        closed = client.get(f"/v1/leads/{lead}").json()["closed"]
        weeks = client.get(f"/v1/leads/{lead}/history").json()["weekly"]
    assert closed["outcome"] == "disqualified"
    assert weeks and pd.Timestamp(weeks[-1]["as_of"]) <= pd.Timestamp(closed["at"])


def test_of_a_lead_that_is_on_no_list_anyway_nothing_is_promised(tiny_copy: TinyRun, tmp_path: Path) -> None:
    file = tiny_copy.context.paths.score / "worklist.parquet"
    scored = read_parquet(file)
    lead = str(scored["lead_id"].iloc[0])
    write_parquet(file, scored.iloc[1:].reset_index(drop=True))  # as one outside the cohort
    with client_for(tiny_copy, tmp_path / "state") as client:
        assert client.get("/v1/worklist", params={"search": lead}).json()["rows"] == []
        for verdict in ("do_not_contact", "snooze", "accept", "reject"):
            said = {"verdict": verdict, "reason": "no_need" if verdict == "reject" else ""}
            given = client.post(f"/v1/leads/{lead}/feedback", json=said).json()
            taken = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "withdraw", "undoes": given["id"]})
            asked = {"saved": "withdraw", "given": taken.json()["id"]}
            page = client.get(f"/leads/{lead}", params=asked, headers=HTML).text
            assert "Taken back." in page and LATER not in page
