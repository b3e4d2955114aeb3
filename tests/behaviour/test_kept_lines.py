"""What a load scored again is kept: a start shows the same list, and scores only leads of which more is known."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient

from models.explaining.qualification_policy import default_qualification
from models.standing.unscored_lists import list_resting
from pipelines.workspace.people.register import FORGOTTEN, add_to_register
from serving.state import app_state as app_state_module
from serving.state.app_state import AppState
from serving.state.lead_data import load_data
from serving.state.loaded_model import LoadedModel
from serving.state.loading import build_worklist
from serving.state.worklist import kept_lines
from serving.state.worklist.kept_lines import describe_state
from serving.store.engine import open_store
from serving.store.tables import ActivityRow, AnswerRow, KeptLine
from serving.store.wall_clock import wall_now
from tests.reference.challengers import early_champion, rescaled
from tests.reference.challengers import keep as keep_bundle_of
from tests.reference.posted import fill_store
from tests.reference.serving import client_for, settings_for

Scored = list[list[str]]


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> Scored:
    """The leads of each batch that is scored from here on."""
    batches: Scored = []
    whole = LoadedModel.score_tables

    def count(self: LoadedModel, tables: Any, lead_ids: Sequence[str], *others: Any, **named: Any) -> Any:
        batches.append(list(lead_ids))
        return whole(self, tables, list(lead_ids), *others, **named)

    monkeypatch.setattr(LoadedModel, "score_tables", count)
    return batches


def start(run: Any, state_dir: Path, **changes: Any) -> AppState:
    """A server's state as a start makes it."""
    app_state = AppState(settings_for(run, state_dir, **changes))
    assert app_state.load() is not None, app_state.problem
    return app_state


def restart(run: Any, state_dir: Path, **changes: Any) -> list[dict[str, Any]]:
    """The lines scored again, as the next start shows them; it keeps them for the one after."""
    app_state = start(run, state_dir, **changes)
    app_state.keep_lines()
    lines = sorted((dict(line) for line in app_state.loaded.worklist.scored_again()), key=lambda one: one["lead_id"])
    app_state.store.close()
    return lines


def forget_kept(client: TestClient) -> None:
    with client.app.state.app_state.store.writing() as session:  # type: ignore[attr-defined]
        session.execute(delete(KeptLine))


def test_starts_show_the_same_list_whatever_was_kept_and_score_only_of_whom_more_is_known(
    tiny_demo: Any, tmp_path: Path, scored: Scored
) -> None:
    ids = fill_store(tiny_demo, tmp_path, rows=300, leads=25)
    first = restart(tiny_demo, tmp_path)
    assert [len(batch) for batch in scored] == [25] and len(first) == 25
    scored.clear()
    assert restart(tiny_demo, tmp_path) == first and not scored

    data = load_data(tiny_demo.context)
    with client_for(tiny_demo, tmp_path) as client:
        store = client.app.state.app_state.store  # type: ignore[attr-defined]

        def post(path: str, **sent: Any) -> Callable[[], None]:
            def send() -> None:
                assert client.post(path, json=sent).status_code in (200, 201), path

            return send

        def remove() -> None:
            with store.writing() as session:
                last = select(func.max(ActivityRow.id)).where(ActivityRow.lead_id == ids[5])
                session.execute(delete(ActivityRow).where(ActivityRow.id == last.scalar_subquery()))
                session.execute(delete(AnswerRow).where(AnswerRow.lead_id == ids[5]))

        def look_up() -> None:
            assert data.account_id_of(ids[6])
            sent = {"file": ("employees.csv", f"lead_id,employees\n{ids[6]},77777\n".encode(), "text/csv")}
            assert client.post("/v1/fields/employees", files=sent).status_code == 201

        steps: list[tuple[str, Callable[[], None]]] = [
            (ids[0], post(f"/v1/leads/{ids[0]}/answers", question="budget", value="<10k")),
            (ids[1], post(f"/v1/leads/{ids[1]}/activities", kind="demo_request", actor="lead")),
            (ids[2], post(f"/v1/leads/{ids[2]}/feedback", verdict="accept")),
            (ids[2], post(f"/v1/leads/{ids[2]}/feedback", verdict="withdraw")),
            (ids[5], remove),
            (ids[6], look_up),
        ]
        for lead, step in steps:
            step()
            scored.clear()
            shown = restart(tiny_demo, tmp_path)
            again = {name for batch in scored for name in batch}
            mates = {*data.leads_of_account(data.account_id_of(lead)), lead}
            assert lead in again and again <= mates, "kept though more is known, or scored though nothing is"
            forget_kept(client)
            assert restart(tiny_demo, tmp_path) == shown


def test_nothing_kept_is_shown_under_another_model_rubric_framework_data_or_register(
    tiny_copy: Any, tmp_path: Path, scored: Scored
) -> None:
    state_dir = tmp_path / "state"
    ids = fill_store(tiny_copy, state_dir, rows=30, leads=5)
    other = keep_bundle_of(tiny_copy, rescaled(early_champion(tiny_copy, tmp_path / "early")), tmp_path / "other")
    restart(tiny_copy, state_dir)

    def bundle() -> dict[str, Any]:
        return {"bundle": str(tiny_copy.context.paths.bundles / other)}

    def framework() -> dict[str, Any]:
        return {**bundle(), "framework": "meddicc"}

    def data() -> dict[str, Any]:
        counts = tiny_copy.context.paths.ingest / "counts.json"
        counts.write_text(counts.read_text())
        return framework()

    def forgotten() -> dict[str, Any]:
        add_to_register(tiny_copy.context.paths.root, FORGOTTEN, ["nobody-here"], [])
        return framework()

    for change in (bundle, framework, data, forgotten):
        settings = change()
        scored.clear()
        shown = restart(tiny_copy, state_dir, **settings)
        assert ids in [sorted(batch, key=ids.index) for batch in scored if len(batch) == len(ids)], change
        scored.clear()
        assert restart(tiny_copy, state_dir, **settings) == shown
        assert not any(len(batch) == len(ids) for batch in scored), "the posted leads are scored again"


def test_two_states_are_one_only_where_declaration_and_code_are(tiny_copy: Any, tmp_path: Path) -> None:
    loaded = start(tiny_copy, tmp_path / "state").loaded
    model, context = loaded.model, loaded.model.context

    def describe(**changes: Any) -> str:
        other = replace(model, context=replace(context, **({"own_code": False} | changes)))
        return describe_state(other, loaded.data, context.framework, (0, 0))

    policy = context.policy or default_qualification()
    now = describe()
    found = {now, describe(rubric=None), describe(policy=policy.model_copy(update={"version": "another"}))}
    found.add(describe(source=context.source.model_copy(update={"title": "another"})))
    (tiny_copy.source.parent / "own_features.py").write_text("VALUE = 1\n")
    assert describe() == now, "no module is imported that is not allowed to be"
    found.add(describe(own_code=True))
    assert len(found) == 5


def test_what_was_kept_does_not_age_and_is_not_written_for_who_was_forgotten_meanwhile(
    tiny_copy: Any, tmp_path: Path, scored: Scored
) -> None:
    state_dir = tmp_path / "state"
    fill_store(tiny_copy, state_dir, rows=30, leads=5)

    def scored_at_start(**changes: Any) -> int:
        scored.clear()
        restart(tiny_copy, state_dir, clock="wall")
        return sum(len(batch) for batch in scored)

    app_state = start(tiny_copy, state_dir, clock="wall")
    data = app_state.loaded.data
    people = set(map(str, data.lead_ids)) - set(data.closed_now)
    rested = len(list_resting(data.tables, data.source, people, {}, data.cutoff))
    assert (scored_at_start(), scored_at_start()) == (5 + rested, 0)
    with app_state.store.writing() as session:
        session.execute(update(KeptLine).values(written_at=wall_now() - timedelta(days=25)))
    assert scored_at_start() == 0

    with app_state.store.writing() as session:
        session.execute(delete(KeptLine))
    late = start(tiny_copy, state_dir, clock="wall")
    add_to_register(tiny_copy.context.paths.root, FORGOTTEN, ["nobody-here"], [])
    late.keep_lines()
    with late.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(KeptLine)) == 0
    for one in (app_state, late):
        one.store.close()


def test_lines_are_kept_for_the_clock_they_were_scored_on(tiny_demo: Any, tmp_path: Path, scored: Scored) -> None:
    fill_store(tiny_demo, tmp_path, rows=30, leads=5)
    for clock, fresh in (("data", True), ("data", False), ("wall", True), ("wall", False), ("data", True)):
        scored.clear()
        restart(tiny_demo, tmp_path, clock=clock)
        assert bool(scored) == fresh, clock


def test_more_leads_than_are_asked_for_one_by_one_show_the_same(
    tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_store(tiny_demo, tmp_path, rows=120, leads=12)
    one_by_one = restart(tiny_demo, tmp_path)
    store = start(tiny_demo, tmp_path).store
    with store.writing() as session:
        session.execute(delete(KeptLine))
    store.close()
    monkeypatch.setattr(build_worklist, "FEW", 3)
    assert restart(tiny_demo, tmp_path) == one_by_one


def test_a_store_that_keeps_nothing_holds_nothing_else_back(
    tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scored: Scored
) -> None:
    fill_store(tiny_demo, tmp_path, rows=30, leads=5)

    def refuse(*_: Any) -> None:
        raise IntegrityError("INSERT", {}, Exception("another server was first"))

    with monkeypatch.context() as patched:
        patched.setattr(app_state_module, "keep_lines", refuse)
        first = restart(tiny_demo, tmp_path)
    scored.clear()
    assert restart(tiny_demo, tmp_path) == first and sum(map(len, scored)) == 5


def test_no_more_is_kept_than_there_is_room_for_nothing_of_the_forgotten_and_nothing_without_use(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_dir = tmp_path / "state"
    ids = fill_store(tiny_copy, state_dir, rows=60, leads=6)
    add_to_register(tiny_copy.context.paths.root, FORGOTTEN, [ids[0]], [])
    monkeypatch.setattr(kept_lines, "MOST", 3)

    def kept() -> list[str]:
        with open_store(None, state_dir).reading() as session:
            return list(session.scalars(select(KeptLine.lead_id)))

    for _ in range(3):
        restart(tiny_copy, state_dir)
        assert len(kept()) == 3, "the room is that of all starts together"
        assert ids[0] not in kept(), "whom a load still found in the data as they were being forgotten"
    with open_store(None, state_dir).writing() as session:
        for table in (ActivityRow, AnswerRow):
            session.execute(delete(table))
    restart(tiny_copy, state_dir)
    assert kept() == []
