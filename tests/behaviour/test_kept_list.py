"""The list of a champion that the batch has not scored yet is kept: the next start shows the same without scoring."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from pipelines.workspace.people.register import FORGOTTEN, add_to_register
from serving.app import create_app
from serving.privacy.store_of_source import ServerOf
from serving.privacy.subject import collect_subject
from serving.state.app_state import AppState
from serving.state.loaded_model import LoadedModel
from serving.store.engine import open_store
from serving.store.tables import KeptList
from tests.reference.challengers import early_champion
from tests.reference.serving import settings_for


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many leads each batch has that is scored from here on."""
    batches: list[int] = []
    whole = LoadedModel.score_tables

    def count(self: LoadedModel, tables: Any, lead_ids: Sequence[str], *others: Any, **named: Any) -> Any:
        batches.append(len(lead_ids))
        return whole(self, tables, list(lead_ids), *others, **named)

    monkeypatch.setattr(LoadedModel, "score_tables", count)
    return batches


def restart(run: Any, state_dir: Path, **changes: Any) -> list[dict[str, Any]]:
    """All rows of the list as a start serves them; it keeps the list for the next one."""
    app = create_app(settings_for(run, state_dir, **changes))
    app_state: AppState = app.state.app_state
    app_state.keep_lines()
    client = TestClient(app, base_url="http://127.0.0.1:8000")
    rows: list[dict[str, Any]] = client.get("/v1/worklist", params={"size": 500}).json()["rows"]
    app_state.store.close()
    return rows


def kept(state_dir: Path) -> int:
    with open_store(None, state_dir).reading() as session:
        return session.scalar(select(func.count()).select_from(KeptList)) or 0


def test_the_list_of_another_champion_is_scored_by_one_start_and_shown_by_the_next(
    tiny_copy: Any, tmp_path: Path, scored: list[int]
) -> None:
    state_dir = tmp_path / "state"
    restart(tiny_copy, state_dir)
    assert not scored and kept(state_dir) == 0, "the batch has scored for this champion"
    early_champion(tiny_copy, tmp_path / "early")
    first = restart(tiny_copy, state_dir)
    assert scored == [len(first)] and len(first) > 100 and kept(state_dir) == 1
    scored.clear()
    assert restart(tiny_copy, state_dir) == first and not scored

    restart(tiny_copy, state_dir, framework="meddicc")
    assert scored and kept(state_dir) == 1, "kept under another framework"
    scored.clear()
    add_to_register(tiny_copy.context.paths.root, FORGOTTEN, [str(first[0]["lead_id"])], [])
    restart(tiny_copy, state_dir)
    assert scored and kept(state_dir) == 0, "a list with somebody who is forgotten is not kept"


@pytest.mark.parametrize("damaged", [b"", b"PAR1 no list PAR1", "the first half"], ids=repr)
def test_a_kept_list_that_cannot_be_read_is_scored_anew(
    tiny_copy: Any, tmp_path: Path, scored: list[int], damaged: bytes | str
) -> None:
    early_champion(tiny_copy, tmp_path / "early")
    state_dir = tmp_path / "state"
    first = restart(tiny_copy, state_dir)
    with open_store(None, state_dir).writing() as session:
        whole = session.scalars(select(KeptList.rows)).one()
        rows = damaged if isinstance(damaged, bytes) else whole[: len(whole) // 2]
        session.execute(update(KeptList).values(rows=rows))
    scored.clear()
    assert restart(tiny_copy, state_dir) == first and scored == [len(first)]
    scored.clear()
    assert restart(tiny_copy, state_dir) == first and not scored, "it was kept again"


def test_who_asks_what_is_held_of_them_sees_the_kept_list(tiny_copy: Any, tmp_path: Path) -> None:
    early_champion(tiny_copy, tmp_path / "early")
    rows = restart(tiny_copy, tmp_path / "state")
    server = ServerOf.of(tiny_copy.context, f"sqlite:///{tmp_path / 'state' / 'store.sqlite'}")
    held = collect_subject(tiny_copy.context, str(rows[0]["lead_id"]), server)
    listed = [score for score in held["served_scores"] if score["origin"] == "list"]
    assert [score["score"] for score in listed] == [rows[0]["score"]]
