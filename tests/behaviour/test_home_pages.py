"""Home per role and the team page: the figures are those of API and report, and what cannot be known is said."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.diagnostics.hot_leads import LOG, keep_hot_count, read_hot_counts
from pipelines.diagnostics.promises_by_month import KeptMap, promises_by_month
from pipelines.diagnostics.score_trust import trust_of
from serving.lists.team_queues import count_queues, find_hot_leads, find_touched, list_overdue
from serving.pages.home.roles import COOKIE, HomeRole
from serving.store.tables import Feedback
from serving.store.wall_clock import wall_now
from tests.reference.serving import client_for, key_for, whole_page, worklist_of

ROLES = [str(role) for role in HomeRole]


@pytest.fixture
def client(tiny_demo: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_demo, tmp_path) as made:
        yield made


def page(client: TestClient, path: str, **headers: str) -> str:
    return unescape(whole_page(client, path, **headers))


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize(
    ("scopes", "owner", "role"),
    [
        (("read", "feedback"), "somebody", "rep"),
        (("read",), None, "marketer"),
        (("read", "feedback"), None, "manager"),
        (("admin",), None, "scientist"),
    ],
)
def test_home_is_the_caller_s_own_until_another_is_chosen_and_that_is_kept(
    reader: TestClient, scopes: tuple[str, ...], owner: str | None, role: str
) -> None:
    headers = key_for(reader, *scopes, owner=owner)
    chosen = re.compile(r'href="/\?role=(\w+)" aria-current="true"')
    assert set(chosen.findall(page(reader, "/", **headers))) == {role}
    for other in ROLES:
        assert set(chosen.findall(page(reader, f"/?role={other}", **headers))) == {other}
        assert reader.cookies[COOKIE] == other
        assert set(chosen.findall(page(reader, "/", **headers))) == {other}


def test_an_old_address_of_the_list_still_leads_there(client: TestClient) -> None:
    answer = client.get("/?stage=sql&minimum=30", headers={"accept": "text/html"}, follow_redirects=False)
    assert answer.headers["location"] == "/worklist?stage=sql&minimum=30"


def test_a_manager_reads_the_figures_of_report_and_api(client: TestClient, tiny_demo: Any) -> None:
    state, paths = client.app.state.app_state, tiny_demo.context.paths
    html = page(client, "/?role=manager")
    text = words(html)
    late = list_overdue(state, None, limit=0)
    assert f"{late.leads} leads wait longer than promised." in text
    assert f"{late.leads} leads wait longer than promised." in words(page(client, "/team"))
    rows = list_overdue(state, None, limit=10_000).rows
    by_owner = Counter(owner for owner, _ in {(row["owner"], row["lead_id"]) for row in rows if row["owner"]})
    (behind,) = re.findall(r"Most of these are with (\S+): (\d+)\.", text)
    assert by_owner[behind[0]] == int(behind[1]) == max(by_owner.values())
    queues = {row["owner"]: row["overdue"] for row in count_queues(state, None).rows}
    assert queues[behind[0]] == sum(row["owner"] == behind[0] for row in rows)
    assert trust_of(EvaluationRecord.read(paths)).text() in text

    capacity = {row["policy"]: row for row in ComparisonRecord.read(paths).policies}
    model, rubric = capacity["model_at_capacity"], capacity["rubric_at_capacity"]
    assert re.search(rf"Wins inside the list .*? {model['wins']} of ", text)
    assert f"rubric: {rubric['wins']}, on past weeks" in text
    funnel = client.get("/v1/lifecycle").json()["funnel"]
    assert all(f"{row['leads']:,}" in text for row in funnel)
    assert html.count('class="tile"') == 5


def test_tiles_of_one_owner_count_among_that_owner_s_leads(client: TestClient, tiny_demo: Any) -> None:
    headers = key_for(client, "read", owner=str(worklist_of(tiny_demo)["owner"].iloc[0]))
    total = client.get("/v1/worklist?size=1", headers=headers).json()["total"]
    assert 0 < total < len(worklist_of(tiny_demo))
    for path, title in (
        ("/?role=manager", "Waiting too long"),
        ("/?role=marketer", "Points and score disagree"),
        ("/team", "Waiting too long"),
    ):
        tiles = [words("<" + tile) for tile in page(client, path, **headers).split('class="tile"')[1:]]
        (told,) = [tile for tile in tiles if title in tile.split("of")[0]]
        assert re.search(rf"\d of {total}\b", told), (path, told)


@pytest.mark.parametrize("path", ["/?role=manager", "/?role=marketer", "/team"])
def test_what_is_of_all_owners_says_so_on_the_page_of_one(client: TestClient, tiny_demo: Any, path: str) -> None:
    headers = key_for(client, "read", owner=str(worklist_of(tiny_demo)["owner"].iloc[0]))
    html, whole = page(client, path, **headers), page(client, path)
    assert "all owners" not in whole

    def marked(heading: str) -> bool:
        (one,) = [head for head in re.findall(r"<h2.*?</h2>", html, re.DOTALL) if heading in head]
        return "all owners" in one

    everybodys = {
        "/?role=manager": ("First call within", "Handed off in a week", "Wins inside the list", "Where leads stop"),
        "/?role=marketer": ("Handed off in a week", "Accepted by sales", "Handed off against what was promised"),
        "/team": ("Handed off in a week", "Promises kept, month by month", "Why sales returned", "Leads per stage"),
    }
    own = {"/?role=manager": "Waiting too long", "/?role=marketer": "Points and score disagree", "/team": "Open leads"}
    assert all(marked(heading) for heading in everybodys[path]) and not marked(own[path])


def test_hot_leads_are_those_the_policy_calls_hot_and_touched_ones_are_left_out(
    client: TestClient, tiny_demo: Any
) -> None:
    state = client.app.state.app_state
    frame = worklist_of(tiny_demo)
    hot = set(frame[frame["temperature"] == "hot"]["lead_id"].astype("str"))
    found = find_hot_leads(state, None, limit=1_000)
    touched = set(state.loaded.worklist.rows.position[find_touched(state)])
    assert found.total == len(hot) > 0
    assert {row["lead_id"] for row in found.rows} == hot - touched
    some = sorted(hot - touched)[:1]
    for lead in some:
        client.post(f"/v1/leads/{lead}/activities", json={"kind": "demo_request", "actor": "rep"})
        again = find_hot_leads(state, None, limit=1_000)
        assert again.untouched in (found.untouched, found.untouched - 1)
        warmth = client.get(f"/v1/leads/{lead}").json()["qualification"]["temperature"]
        worklist = state.loaded.worklist
        assert dict(zip(worklist.rows.position, worklist.texts("temperature"), strict=True))[lead] == warmth == "hot"
        assert again.total == found.total


def test_the_run_counts_hot_and_untouched_leads_as_the_home_does(client: TestClient, tiny_demo: Any) -> None:
    found = find_hot_leads(client.app.state.app_state, None)
    (kept,) = read_hot_counts(tiny_demo.context.paths)
    assert (kept.hot, kept.untouched) == (found.total, found.untouched) and kept.untouched > 0
    assert kept.as_of == client.app.state.app_state.loaded.data.cutoff
    tile = hot_tile(client)
    assert "no week to compare yet" in words(tile) and 'class="spark"' not in tile


def test_hot_leads_have_a_trend_of_the_weeks_that_were_counted_and_of_no_other(tiny_copy: Any, tmp_path: Path) -> None:
    paths = tiny_copy.context.paths
    (kept,) = read_hot_counts(paths)
    for weeks, more in ((5, 4), (2, 1), (1, 3)):
        as_of = kept.as_of - timedelta(weeks=weeks)
        keep_hot_count(paths, replace(kept, as_of=as_of, untouched=kept.untouched + more))
    with client_for(tiny_copy, tmp_path) as client:
        tile = hot_tile(client)
        assert "3 fewer in a week" in words(tile) and "is-better" in tile
        assert "last eight weeks; 4 weeks were not counted" in tile
        (line,) = re.findall(r'<polyline points="([^"]+)"', tile)
        assert len(line.split()) == 3 and tile.count("<circle") == 2, "a lone week stands alone, gaps are not bridged"
        headers = key_for(client, "read", owner=str(worklist_of(tiny_copy)["owner"].iloc[0]))
        assert 'class="spark"' not in hot_tile(client, **headers), "of one owner nothing is kept"

    (paths.root / LOG).write_bytes(b"torn")
    with client_for(tiny_copy, tmp_path / "torn") as client:
        assert "cannot be read" in words(hot_tile(client))

    (paths.root / LOG).unlink()
    with client_for(tiny_copy, tmp_path / "without keys") as client:
        assert "not counted in the weeks before" in words(hot_tile(client))


def hot_tile(client: TestClient, **headers: str) -> str:
    (found,) = [one for one in page(client, "/?role=manager", **headers).split('class="tile"') if "Hot, not" in one]
    return found


def test_promises_of_parts_of_an_hour_are_told_as_they_are(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def halved(*args: Any) -> KeptMap:
        found = promises_by_month(*args)
        return replace(found, promises=tuple(replace(one, promised_hours=0.5) for one in found.promises))

    for module in ("serving.pages.home.manager", "serving.pages.team.team_record"):
        monkeypatch.setattr(f"{module}.promises_by_month", halved)
    assert "within 0.5 hours" in page(client, "/?role=manager") and "within 0.5 hours" in page(client, "/team")
    client.cookies.set("leadscore_language", "pl")
    assert "w 0,5 godz." in page(client, "/?role=manager") and "w ciągu 0,5 godz." in page(client, "/team")


def test_a_list_that_the_server_scores_itself_has_its_hot_leads(tiny_copy: Any, tmp_path: Path) -> None:
    (tiny_copy.context.paths.score / "worklist.parquet").unlink()
    with client_for(tiny_copy, tmp_path) as client:
        app_state = client.app.state.app_state
        worklist, policy = app_state.loaded.worklist, app_state.context.policy
        states = worklist.current_states()["state"]
        warm = {str(name) for name, warmth in policy.temperature.states.items() if warmth == "hot"}
        assert find_hot_leads(app_state, None).total == int(states.isin(warm).sum()) > 0
        assert {"rule", "team", "programme", "reason", "temperature", "persona"} <= set(worklist.rows.frame)


def test_what_happened_lately_is_in_the_data_and_named(client: TestClient) -> None:
    from serving.results.recent_changes import find_recent_changes

    found = find_recent_changes(client.app.state.app_state, None)
    assert found is not None and found.rows
    cutoff = pd.Timestamp(client.app.state.app_state.loaded.data.cutoff)
    assert (cutoff - found.since).days in (1, 7) and all(change.at > found.since for change in found.rows)
    text = words(page(client, "/?role=manager"))
    assert f"Since {found.since.day} {found.since:%b} " in text, "the day is named"
    assert all(change.name in text for change in found.rows)
    assert [change.at for change in found.rows] == sorted((change.at for change in found.rows), reverse=True)


def test_what_was_said_is_told_in_words_until_it_is_taken_back(client: TestClient, tiny_demo: Any) -> None:
    frame = worklist_of(tiny_demo)
    lead = str(frame[frame["status_authority"] == "unknown"]["lead_id"].iloc[0])
    other = str(frame[frame["lead_id"] != lead]["lead_id"].iloc[0])
    token = re.findall(r'name="token" value="([^"]+)"', page(client, f"/leads/{lead}"))[0]
    question = {"token": token, "question": "decision_role"}

    def told() -> str:
        return words(page(client, "/?role=rep").split('id="changed-h"')[1].split("</section>")[0])

    sent = client.post(f"/leads/{lead}/answers", data={**question, "value": "decides"}, follow_redirects=False)
    answer = re.findall(r"answer=(\d+)", sent.headers["location"])[0]
    client.post(f"/leads/{other}/feedback", data={"token": token, "verdict": "reject", "reason": "no_budget"})
    found = told()
    assert "Takes the decision" in found and "answer: 1" in found
    assert "returned: 1" in found and "no budget" in found and "reject" not in found

    client.post(f"/leads/{lead}/answers", data={**question, "corrects": answer, "status": "dont_know"})
    client.post(f"/leads/{other}/feedback", data={"token": token, "verdict": "withdraw"})
    found = told()
    assert "Takes the decision" not in found and "answer" not in found and "returned" not in found


@pytest.mark.parametrize(("known", "told"), [("1h", True), ("8d", False)])
def test_what_was_said_counts_by_the_clock_of_the_data(
    client: TestClient, tiny_demo: Any, known: str, told: bool
) -> None:
    """The wall clock of a server on old data is months ahead: by it, all that was ever said is of the last day."""
    from serving.results.recent_changes import find_recent_changes

    app_state = client.app.state.app_state  # type: ignore[attr-defined]
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
    said = client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"}).json()["id"]
    then = pd.Timestamp(app_state.loaded.data.cutoff) - pd.Timedelta(known)
    with app_state.store.writing() as session:
        session.execute(update(Feedback).where(Feedback.id == said).values(known_at=then, written_at=wall_now()))
    found = find_recent_changes(app_state, None, 500)
    assert found is not None and found.counts.get("accept", 0) == told
    assert [change.at for change in found.rows if change.what == "accept"] == [then.to_pydatetime()] * told
    since = f"{found.since.day} {found.since:%b}"
    assert f"Since {since} " in words(page(client, "/?role=manager"))
    client.cookies.set("leadscore_language", "ko")
    assert f"{found.since.month}월 {found.since.day}일 이후" in page(client, "/?role=manager")


@pytest.mark.parametrize("path", [*(f"/?role={role}" for role in ROLES), "/team", "/help", "/help/rep"])
@pytest.mark.parametrize("code", ["ko", "pl"])
def test_pages_are_whole_in_every_language(reader: TestClient, path: str, code: str) -> None:
    reader.cookies.set("leadscore_language", code)
    html = page(reader, path)
    assert f'<html lang="{code}"' in html
    shown = re.sub(r'<(?:p|ul|div)[^>]* lang="en">.*?</(?:p|ul|div)>', " ", html, flags=re.DOTALL)
    for english in ("Today", "Waiting too long", "Hot and not called", "Promises kept", "Step by step", "in a week"):
        assert english not in words(shown), english


@pytest.mark.parametrize("path", ["/?role=manager", "/team"])
def test_while_figures_are_counted_the_page_says_so_and_asks_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    for module in ("serving.pages.home.home_page", "serving.pages.team.team_page"):
        monkeypatch.setattr(f"{module}.awaits_lifecycle", lambda app_state: True)
    answer = client.get(path, headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["refresh"]) == (200, "2")
    assert "The figures are being counted" in answer.text
