"""What a card and an account keep is what a server that kept nothing would show, whatever was done meanwhile."""

from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from pipelines.diagnostics.lifecycle_figures import lifecycle_of
from pipelines.privacy.forget import forget_person
from pipelines.registry import soundness
from serving.lists.team_queues import list_overdue
from serving.privacy.store_of_source import ServerOf
from serving.results import lifecycle_now as lifecycle_now_module
from serving.results import trends_beside
from serving.results.lifecycle_now import lifecycle_now
from serving.state.gather_rows import gather_all_rows
from serving.state.result_cache import ResultCache
from serving.store.tables import ScoreRow
from tests.reference.challengers import early_champion, rescaled
from tests.reference.challengers import keep as keep_bundle_of
from tests.reference.serving import client_for, key_for, without_marks, worklist_of

HTML = {"accept": "text/html"}


def page(client: TestClient, path: str, headers: dict[str, str] = HTML) -> str:
    """A page without what differs from one look to the next."""
    return without_marks(unescape(client.get(path, headers=HTML | headers).text))


def colleagues(client: TestClient, run: Any, *, apart: bool = False) -> tuple[str, str, str]:
    """Two open leads of one account, and the account; ``apart``: of two owners."""
    data = client.app.state.app_state.loaded.data  # type: ignore[attr-defined]
    listed = worklist_of(run)["lead_id"].astype("str").tolist()
    by_account: dict[str, list[str]] = {}
    for lead in listed:
        by_account.setdefault(data.account_id_of(lead), []).append(lead)
    pairs = (
        (a, b, account) for account, leads in by_account.items() if account for a in leads for b in leads if a != b
    )
    return next(pair for pair in pairs if not apart or data.owners[pair[0]] != data.owners[pair[1]])


def test_no_page_is_older_than_the_last_action(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        lead, mate, account = colleagues(client, tiny_demo)
        paths = (f"/leads/{lead}", f"/leads/{mate}", f"/accounts/{account}")
        pinned = {"verdict": "override", "state": "sql", "reason": "good_fit"}
        steps = [
            (f"/v1/leads/{mate}/answers", {"question": "decision_role", "value": "decides"}),
            (f"/v1/leads/{lead}/feedback", {"verdict": "accept"}),
            (f"/v1/leads/{mate}/feedback", {"verdict": "do_not_contact"}),
            (f"/v1/leads/{lead}/feedback", pinned),
        ]
        seen = {path: page(client, path) for path in paths}
        for where, sent in steps:
            assert client.post(where, json=sent).status_code in (200, 201), (where, sent)
            now = {path: page(client, path) for path in paths}
            client.app.state.app_state.loaded.keep.clear()  # type: ignore[attr-defined]
            for path in paths:
                assert page(client, path) == now[path], f"{path} after {sent}"
            assert now != seen, f"nothing shows {sent}"
            seen = now


def test_a_second_look_works_out_nothing_again(tiny_demo: Any, tmp_path: Path) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        lead, _, account = colleagues(client, tiny_demo)
        keep = client.app.state.app_state.loaded.keep  # type: ignore[attr-defined]
        for path in (f"/leads/{lead}", f"/accounts/{account}"):
            page(client, path)
            misses, hits = keep.misses, keep.hits
            page(client, path)
            assert keep.misses == misses and keep.hits > hits


def test_what_one_was_shown_is_not_shown_to_another_nor_after_a_promotion_nor_of_the_forgotten(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soundness, "probe_bundle", lambda *_: None)  # seconds, and not what this is about
    other = keep_bundle_of(tiny_copy, rescaled(early_champion(tiny_copy, tmp_path / "early")), tmp_path / "other")
    with client_for(tiny_copy, tmp_path / "state", request_seconds=300) as client:
        data = client.app.state.app_state.loaded.data  # type: ignore[attr-defined]
        lead, mate, account = colleagues(client, tiny_copy, apart=True)
        everybody, his = key_for(client, "admin"), key_for(client, "read", owner=data.owners[mate])
        whole, other_words = f"/accounts/{account}", f"/accounts/{account}?framework=meddicc"
        looks = [(f"/leads/{lead}", everybody), (whole, everybody), (whole, his), (other_words, everybody)]

        def look(looks: list[tuple[str, dict[str, str]]]) -> list[str]:
            """Pages as they stand, which are those of a server that kept nothing and was asked the other way round."""
            shown = [page(client, *asked) for asked in looks]
            client.app.state.app_state.loaded.keep.clear()  # type: ignore[attr-defined]
            assert [page(client, *asked) for asked in reversed(looks)] == shown[::-1]
            return shown

        card, first, own, worded = look(looks)
        assert len({first, own, worded}) == 3, "owner or framework changes nothing that is shown"
        assert f"/leads/{lead}" in first and f"/leads/{lead}" not in own

        sent = {"hash": other, "force": True, "reason": "a test"}
        assert client.post("/v1/champion", json=sent, headers=everybody).status_code == 200
        promoted, scored = look([looks[1], looks[0]])
        assert promoted != first and scored != card

        forget_person(tiny_copy.context, mate, ServerOf.of(tiny_copy.context))
        client.app.state.background.watch()  # type: ignore[attr-defined]
        assert f"/leads/{mate}" in first and f"/leads/{mate}" not in look([looks[1]])[0]


def test_the_change_of_a_week_begins_with_the_model_that_served_the_lead_then(tiny_copy: Any, tmp_path: Path) -> None:
    with client_for(tiny_copy, tmp_path / "state") as client:
        app_state = client.app.state.app_state  # type: ignore[attr-defined]
        served = keep_bundle_of(tiny_copy, rescaled(app_state.loaded.model.bundle), tmp_path / "other")
        listed = worklist_of(tiny_copy)["lead_id"].astype("str")
        lead = next(name for name in listed if client.get(f"/v1/leads/{name}/change").status_code == 200)
        before = page(client, f"/leads/{lead}")
        with app_state.store.writing() as session:  # as another server on this store wrote it
            row = ScoreRow(lead_id=lead, as_of=datetime(2020, 1, 1), written_at=datetime(2020, 1, 1), score=50)
            row.log_odds, row.probability, row.state, row.framework, row.line = 0.0, 0.5, "mql", "bant", {}
            row.bundle_hash, row.origin = served, "answer"
            session.add(row)
        now = page(client, f"/leads/{lead}")
        app_state.loaded.keep.clear()
        assert page(client, f"/leads/{lead}") == now != before


def test_who_waits_is_as_new_as_the_last_action_while_all_else_is_counted_again(
    tiny_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client_for(tiny_demo, tmp_path) as client:
        app_state = client.app.state.app_state  # type: ignore[attr-defined]
        first = lifecycle_now(app_state)
        waiting = list_overdue(app_state, None, limit=10_000).rows
        untouched = [str(row["lead_id"]) for row in waiting if row["what"] == "first touch"]
        lead, other = untouched[0], next(name for name in untouched if name != untouched[0])
        for module in (lifecycle_now_module, trends_beside):
            monkeypatch.setattr(module, "AT_ONCE_SECONDS", -1.0)  # as where the leads are many
        monkeypatch.setattr(ResultCache, "renew", lambda *_: None)  # the next count is far away

        called = {"kind": "demo_request", "actor": "rep"}
        steps: list[tuple[str, dict[str, Any]]] = [
            (f"/v1/leads/{lead}/activities", called),
            (f"/v1/leads/{other}/feedback", {"verdict": "accept"}),
            (f"/v1/leads/{other}/feedback", {"verdict": "withdraw"}),
            (f"/v1/leads/{other}/feedback", {"verdict": "snooze"}),
        ]
        seen = promises_of(lifecycle_now(app_state).found.overdue)
        changed = []
        for where, sent in steps:
            assert client.post(where, json=sent).status_code in (200, 201), (where, sent)
            now = lifecycle_now(app_state)
            assert now.counted_at is not None and now.record is first.record
            with app_state.store.reading() as session:
                rows = gather_all_rows(session, app_state.loaded.data)
            counted = lifecycle_of(
                app_state.context, rows.tables, pd.Timestamp(app_state.clock.scored_as_of(rows.latest))
            )
            assert promises_of(now.found.overdue) == promises_of(counted.overdue), sent
            changed.append(promises_of(now.found.overdue) != seen)
            seen = promises_of(now.found.overdue)
        assert changed[0] and any(changed[1:]), "nothing that was done changes who waits"
        assert other not in {str(row["lead_id"]) for row in list_overdue(app_state, None, limit=10_000).rows}
        for path in ("/?role=manager", "/team", "/process"):
            assert "are as counted on" in page(client, path)

        for module in (lifecycle_now_module, trends_beside):
            monkeypatch.setattr(
                module, "AT_ONCE_SECONDS", float("inf")
            )  # as where they are few, however busy it is here
        assert lifecycle_now(app_state).counted_at is None
        assert "are as counted on" not in page(client, "/?role=manager")


def promises_of(overdue: pd.DataFrame) -> set[tuple[str, str, str]]:
    """Broken promises, without how long they have been."""
    return {(str(row.lead_id), str(row.stage), str(row.what)) for row in overdue.itertuples()}
