"""Somebody's two records become one: what sales said of the one that is gone holds for the one that stays."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from features.cohort.identity_resolution import merge_leads
from pipelines.ingest.identity_files import IDENTITY, read_merged_leads, unresolved_tables
from pipelines.run import run_stage
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.table_files import load_tables
from serving.lists.team_queues import find_touched
from serving.state.gather_rows import gather_all_rows
from serving.state.loaded_model import LoadedModel
from serving.state.loading import load_state
from serving.store.engine import open_store
from serving.store.tables import ActivityRow, Feedback, NoteRow, StageRow
from tests.behaviour.test_cut_off_moves import look
from tests.reference.serving import client_for
from tests.reference.tiny_run import TinyRun


def listed_by(client: TestClient) -> set[str]:
    asked = {"size": 500, "sort": "lead"}
    return {row["lead_id"] for row in client.get("/v1/worklist", params=asked).json()["rows"]}


def say(client: TestClient, lead: str, verdict: str) -> None:
    given = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": verdict})
    assert given.status_code == 201, given.text


def said_of(client: TestClient, lead: str) -> str | None:
    """The verdict on the card of a lead."""
    answer = client.get(f"/v1/leads/{lead}")
    assert answer.status_code == 200, answer.text
    found = answer.json()["feedback"]
    return None if found is None else str(found["verdict"])


@contextmanager
def merged_records(run: TinyRun, gone: str, kept: str) -> Iterator[None]:
    """What an ingest and a batch leave that find two records to be one person's; after it they are two again."""
    paths = run.context.paths
    before = run.folder.with_name("before")
    shutil.copytree(run.data_dir, before)
    tables = load_tables(paths)
    known_at = tables["leads"].set_index("lead_id")["created_at"][gone]
    row = pd.DataFrame([{"lead_id": gone, "became": kept, "rule": "same_email", "known_at": known_at}])
    log = read_parquet(paths.ingest / IDENTITY)
    write_parquet(paths.ingest / IDENTITY, pd.concat([log, row.astype(log.dtypes)], ignore_index=True))
    for name, frame in merge_leads(tables, row).items():
        write_parquet(paths.ingest / f"{name}.parquet", frame)
    worklist = read_parquet(paths.score / "worklist.parquet")
    write_parquet(paths.score / "worklist.parquet", worklist[worklist["lead_id"] != gone].reset_index(drop=True))
    _touch(run)
    yield
    for folder in (paths.ingest, paths.score):
        shutil.rmtree(folder)
        shutil.copytree(before / folder.relative_to(run.data_dir), folder)
    shutil.rmtree(before)
    _touch(run)


def _touch(run: TinyRun) -> None:
    counts = run.context.paths.ingest / "counts.json"
    text = counts.read_text()
    counts.unlink()
    counts.write_text(text)


def reload(client: TestClient) -> None:
    app_state = client.app.state.app_state  # type: ignore[attr-defined]
    assert app_state.refresh() is not None, app_state.problem or "nothing newer was found"


def test_who_must_not_be_contacted_stays_so_under_the_id_that_was_kept(tiny_copy: Any, tmp_path: Path) -> None:
    paths = tiny_copy.context.paths
    with client_for(tiny_copy, tmp_path) as client:
        listed = listed_by(client)
    gone, kept = "their-second-record", min(listed)
    log = read_parquet(paths.ingest / IDENTITY)
    row = pd.DataFrame([{"lead_id": gone, "became": kept, "rule": "same_email", "known_at": pd.NaT}]).astype(log.dtypes)
    write_parquet(paths.ingest / IDENTITY, pd.concat([log, row], ignore_index=True))
    asked = {"reason": "", "note": "", "author": "kim", "written_at": datetime(2026, 6, 1)}
    said = datetime(2026, 6, 1)
    with open_store(None, tmp_path).writing() as session:
        session.add(Feedback(lead_id=gone, verdict="do_not_contact", **asked))
        session.add(NoteRow(lead_id=gone, note="asked by telephone", author="kim", happened_at=said, known_at=said))

    with client_for(tiny_copy, tmp_path) as client:
        card = client.get(f"/v1/leads/{kept}").json()
        assert card["feedback"]["verdict"] == "do_not_contact" and card["feedback"]["author"] == "kim"
        assert kept not in listed_by(client)
        assert [note["note"] for note in client.get(f"/v1/leads/{kept}/notes").json()] == ["asked by telephone"]
        moves = [entry for entry in client.get("/v1/audit").json() if entry["action"] == "feedback.merged"]
        assert [(one["subject"], one["actor"]) for one in moves] == [(kept, "leadscore")]
        assert client.post(f"/v1/leads/{kept}/feedback", json={"verdict": "withdraw"}).status_code == 201

    with client_for(tiny_copy, tmp_path) as client:  # what was taken back stays so, and nothing moves twice
        assert client.get(f"/v1/leads/{kept}").json()["feedback"] is None and kept in listed_by(client)
        moves = [entry for entry in client.get("/v1/audit").json() if entry["action"] == "feedback.merged"]
        assert len(moves) == 1


def test_while_a_load_fails_and_on_a_server_that_has_not_loaded_both_records_stay_silent(
    tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no memory")

    with client_for(tiny_copy, tmp_path) as client:
        gone, kept = sorted(listed_by(client))[:2]
        say(client, gone, "do_not_contact")
        with merged_records(tiny_copy, gone, kept):
            with monkeypatch.context() as patched:
                patched.setattr(LoadedModel, "warm", fail)
                assert client.app.state.app_state.refresh() is None  # type: ignore[attr-defined]
            assert said_of(client, gone) == "do_not_contact" and gone not in listed_by(client)
            with client_for(tiny_copy, tmp_path) as second:
                assert said_of(second, kept) == "do_not_contact" and kept not in listed_by(second)
                assert said_of(client, gone) == "do_not_contact" and gone not in listed_by(client)
                say(second, kept, "withdraw")
                assert said_of(second, kept) is None and said_of(client, gone) is None
                assert {gone, kept} <= listed_by(client), "taken back of the person, under both ids"
                look(second)
                assert said_of(second, kept) is None and kept in listed_by(second)


def test_records_that_are_two_again_are_both_silent(tiny_copy: TinyRun, tmp_path: Path) -> None:
    with client_for(tiny_copy, tmp_path) as client:
        gone, kept = sorted(listed_by(client))[:2]
        say(client, gone, "do_not_contact")
        with merged_records(tiny_copy, gone, kept):
            reload(client)
            assert client.get(f"/v1/leads/{gone}").status_code == 404
            assert said_of(client, kept) == "do_not_contact" and kept not in listed_by(client)
        reload(client)
        assert said_of(client, gone) == said_of(client, kept) == "do_not_contact"
        assert not {gone, kept} & listed_by(client)
        say(client, kept, "withdraw")
        assert said_of(client, gone) == "do_not_contact", "of another lead nothing is taken back"


@pytest.mark.parametrize("when", ["while the new list is made", "by a server that has not loaded"])
def test_what_is_said_late_of_the_record_that_is_gone_silences_the_one_that_stays(
    tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    build = load_state.build_worklist
    with client_for(tiny_copy, tmp_path) as client, client_for(tiny_copy, tmp_path) as second:
        gone, kept = sorted(listed_by(client))[:2]

        def build_slowly(*given: Any) -> Any:
            found = build(*given)
            say(client, gone, "do_not_contact")
            return found

        if when.startswith("while"):
            monkeypatch.setattr(load_state, "build_worklist", build_slowly)
        with merged_records(tiny_copy, gone, kept):
            reload(client)
            if not when.startswith("while"):
                assert said_of(client, kept) is None
                say(second, gone, "do_not_contact")
            look(client)
            assert said_of(client, kept) == "do_not_contact" and kept not in listed_by(client)
            with client.app.state.app_state.store.reading() as session:  # type: ignore[attr-defined]
                before = session.execute(select(Feedback.id, Feedback.lead_id)).all()
            look(client)
            with client.app.state.app_state.store.reading() as session:  # type: ignore[attr-defined]
                assert session.execute(select(Feedback.id, Feedback.lead_id)).all() == before, "said once"


def bring_back(run: TinyRun, gone: str) -> None:
    """Tables as before an ingest found this record to be somebody's second."""
    paths = run.context.paths
    tables = load_tables(paths)
    leads = unresolved_tables(paths, tables)["leads"]
    own = leads[leads["lead_id"] == gone]
    write_parquet(paths.ingest / "leads.parquet", pd.concat([tables["leads"], own], ignore_index=True))
    log = read_parquet(paths.ingest / IDENTITY)
    write_parquet(paths.ingest / IDENTITY, log[log["lead_id"] != gone].reset_index(drop=True))
    _touch(run)


@pytest.mark.parametrize("hours", [-1, 1], ids=["in the tables", "waiting for the next export"])
def test_what_is_taken_back_of_a_merged_record_goes_as_a_whole(tiny_copy: TinyRun, hours: int) -> None:
    folder = tiny_copy.context.paths.root / "serving"
    with client_for(tiny_copy, folder) as client:
        listed = listed_by(client)
    gone, kept = next(pair for pair in read_merged_leads(tiny_copy.context.paths).items() if pair[1] in listed)
    bring_back(tiny_copy, gone)
    with client_for(tiny_copy, folder) as client:
        rejected = {"verdict": "reject", "reason": "no_need"}
        assert client.post(f"/v1/leads/{gone}/feedback", json=rejected).json()["stage"] == "disqualified"
        called = client.post(f"/v1/leads/{gone}/activities", json={"kind": "rep_call", "actor": "rep"}).json()
        app_state = client.app.state.app_state  # type: ignore[attr-defined]
        then = app_state.loaded.data.cutoff + timedelta(hours=hours)
        with app_state.store.writing() as session:
            session.execute(update(StageRow).values(entered_at=then, known_at=then))
            session.execute(update(ActivityRow).values(happened_at=then, known_at=then))
    run_stage(tiny_copy.context, "ingest")
    assert read_merged_leads(tiny_copy.context.paths)[gone] == kept

    with client_for(tiny_copy, folder) as client:
        app_state = client.app.state.app_state  # type: ignore[attr-defined]
        card = client.get(f"/v1/leads/{kept}").json()
        assert card["closed"]["outcome"] == "disqualified" and card["ended_by"]["author"] == "local"
        assert kept in app_state.loaded.find_over() and kept not in listed_by(client)
        at = app_state.loaded.worklist.rows.position.get_loc(kept)
        assert find_touched(app_state)[at]
        say(client, kept, "withdraw")
        card = client.get(f"/v1/leads/{kept}").json()
        assert card["closed"] is None and card["feedback"] is None and kept in listed_by(client)
        assert kept not in app_state.loaded.find_over()
        assert app_state.loaded.worklist.line(kept)["score"] == card["score"]
        assert client.delete(f"/v1/leads/{kept}/activities/{called['activity']}").status_code == 200
        with app_state.store.reading() as session:
            acts = gather_all_rows(session, app_state.loaded.data).tables["activities"]
        assert not ((acts["lead_id"] == kept) & (acts["known_at"] == then)).any()
    run_stage(tiny_copy.context, "ingest")
    tables = load_tables(tiny_copy.context.paths)
    assert not (tables["stages"]["entered_at"] == then).any()
    with client_for(tiny_copy, folder) as client:
        assert client.get(f"/v1/leads/{kept}").json()["closed"] is None and kept in listed_by(client)


def test_an_answer_told_late_of_the_record_that_is_gone_counts_for_the_one_that_stays(
    tiny_copy: TinyRun, tmp_path: Path
) -> None:
    def rows_of(lead: str) -> int:
        with app_state.store.reading() as session:
            answers = gather_all_rows(session, app_state.loaded.data).tables["answers"]
        return int((answers["lead_id"] == lead).sum())

    with client_for(tiny_copy, tmp_path) as client, client_for(tiny_copy, tmp_path) as second:
        app_state = client.app.state.app_state  # type: ignore[attr-defined]
        gone, kept = sorted(listed_by(client))[:2]
        with merged_records(tiny_copy, gone, kept):
            reload(client)
            given = second.post(f"/v1/leads/{gone}/answers", json={"question": "budget", "value": ">50k"})
            assert given.status_code == 201
            attended = {"activity_id": "w", "kind": "webinar", "actor": "lead"}
            for one, lead in ((client, kept), (second, gone)):  # one id on record of both: it stays with each
                assert one.post(f"/v1/leads/{lead}/activities", json=attended).status_code == 201
            before = rows_of(kept)
            look(client)
            look(client)
            assert rows_of(kept) == before + 1
            card = client.get(f"/v1/leads/{kept}").json()
            line = app_state.loaded.worklist.line(kept)
            assert (line["score"], line["as_of"]) == (card["score"], card["as_of"])
            assert client.get(f"/v1/leads/{kept}/answers").json()[0]["value"] == ">50k"
