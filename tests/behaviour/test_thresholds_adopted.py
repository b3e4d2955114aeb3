"""From which score on sales gets a lead: set on the page, by the API or a command, with a reason; one truth for all."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.errors import ExitStatus
from models.explaining.handoff_score import handoff_score
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.workspace.adopted_thresholds import AdoptedThreshold, ThresholdHistory, adopt_threshold
from pipelines.workspace.atomic_files import read_json, read_parquet
from pipelines.workspace.context import open_context
from pipelines.workspace.lock import only_writer
from serving.pages.language import COOKIE
from tests.reference.serving import client_for, key_for
from tests.reference.tiny_run import TinyRun

Cli = Callable[..., tuple[int, str, str]]
HTML = {"accept": "text/html"}


def score_in_force(run: TinyRun) -> int | None:
    policy = open_context(str(run.source), run.data_dir).policy
    assert policy is not None
    return handoff_score(policy)


def test_a_score_is_set_with_a_reason_and_taken_back(cli: Cli, tiny_copy: TinyRun) -> None:
    declared, before = (
        score_in_force(tiny_copy),
        open_context(str(tiny_copy.source), tiny_copy.data_dir).declaration_hash,
    )
    assert declared == 45
    status, out, _ = cli("threshold", "adopt", "40", "--reason", "two new reps", "--author", "kim", *tiny_copy.args)
    assert status == 0 and "Handed off from 40 on (before: 45), by kim: two new reps" in out
    assert score_in_force(tiny_copy) == 40
    now = open_context(str(tiny_copy.source), tiny_copy.data_dir)
    assert now.declaration_hash == before, "what a model learns from stays as it is: a retrain trains nothing anew"
    assert now.policies == tiny_copy.context.policies, "what is declared stays as it is"

    again = cli("threshold", "adopt", "40", "--reason", "two new reps", "--author", "kim", *tiny_copy.args)
    assert again[:2] == (0, out), "killed once it was set, the same command ends as if undisturbed"
    assert len(read_json(tiny_copy.context.paths.root / "thresholds.adopted.json")["adopted"]) == 1
    status, _, err = cli("threshold", "adopt", "40", "--reason", "again", *tiny_copy.args)
    assert status != 0 and "handed off from 40 on already" in err
    status, _, err = cli("threshold", "adopt", "41", "--reason", " ", *tiny_copy.args)
    assert status != 0 and "for a reason" in err

    cli("threshold", "adopt", "45", "--reason", "as before", *tiny_copy.args)
    assert score_in_force(tiny_copy) == declared
    cli("threshold", "adopt", "30", "--reason", "three new reps", *tiny_copy.args)

    assert cli("threshold", "withdraw", "--reason", "they left", *tiny_copy.args)[0] == 0
    assert score_in_force(tiny_copy) == declared
    _, out, _ = cli("threshold", "show", *tiny_copy.args)
    assert "Leads are handed off from 45 on, by policy demo 2." in out
    assert out.index("they left") < out.index("two new reps")
    file = tiny_copy.context.paths.root / "thresholds.adopted.json"
    for damaged in (file.read_text(encoding="utf-8").replace("+00:00", ""), "{"):
        file.write_text(damaged, encoding="utf-8")
        status, _, err = cli("threshold", "show", *tiny_copy.args)
        assert status != 0 and "thresholds.adopted.json is damaged" in err


def test_a_promise_that_is_kept_by_a_score_without_a_step_is_told_as_kept(tiny_copy: TinyRun, tmp_path: Path) -> None:
    paths = tiny_copy.context.paths
    found = ComparisonRecord.read(paths).content()
    step = {"lower_bound": 0.301, "passed": True, "precision": 0.4, "share": 0.1, "threshold": -1.0, "wins": 20}
    mapped = {"bundle": "b", "leads": 50, "log_odds": -1.0, "score": 99, "sentence": "Tested.", "share": 0.1}
    kept = {"promised": 0.296, "confidence": 0.9, "kept": step | {"workload": 50}, "tested": [], "sentence": "Kept."}
    scores = found["scores"] | {"points": [row for row in found["scores"]["points"] if row["name"] != "promise"]}
    record = ComparisonRecord.of(found | {"promise": kept | {"mapped": mapped}, "scores": scores})
    assert 99 not in [row["score"] for row in scores["steps"]]
    record.write(ComparisonRecord.path(paths).parent)
    with client_for(tiny_copy, tmp_path / "state") as client:
        html = client.get("/thresholds", headers=HTML).text
    assert "Keep a promise: 99" in html and "Promise: 29.6 of 100, kept from 99 on." in html
    assert "cannot be promised" not in html and "No promise of" not in html


def test_the_page_sets_it_and_every_list_follows(
    tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client_for(tiny_copy, tmp_path / "state") as client:
        state = client.app.state.app_state  # type: ignore[attr-defined]
        scores = state.loaded.worklist.current_states()["score"]
        html = client.get("/thresholds", headers=HTML).text
        token = re.search(r'name="token" value="([^"]+)"', html)
        assert token is not None and "Sales gets a lead from 45 on." in html

        def set_to(score: str, reason: str) -> str:
            sent = {"token": token[1], "score": score, "reason": reason}
            return str(client.post("/thresholds/set", data=sent, headers=HTML).text)

        assert "Say in a sentence why" in set_to("30", " ")
        assert "whole score from 0 to 100" in set_to("130", "x")
        assert client.get("/v1/threshold").json()["score"] == 45, "nothing was saved"
        sent = {"token": token[1], "score": "130", "reason": "two <new> reps"}
        refused = client.post("/thresholds/set", data=sent, headers=HTML)
        opened = re.search(r'<dialog[^>]* id="set" popover data-again.*?</dialog>', refused.text, re.DOTALL)
        assert refused.status_code == 422 and opened is not None, "the question stands open again"
        assert 'value="130"' in opened[0] and 'value="two &lt;new&gt; reps"' in opened[0]

        with only_writer(tiny_copy.context.paths):
            busy = client.post("/thresholds/set", data=sent | {"score": "31"}, headers=HTML)
        opened = re.search(r'<dialog[^>]* id="set" popover data-again.*?</dialog>', busy.text, re.DOTALL)
        assert busy.status_code == 422 and opened is not None and "is working on source" in busy.text
        assert 'value="31"' in opened[0] and 'value="two &lt;new&gt; reps"' in opened[0], "nothing typed is lost"
        with only_writer(tiny_copy.context.paths):
            client.cookies.set(COOKIE, "pl")
            assert "Zaczekaj na niego" in client.post("/thresholds/set", data=sent | {"score": "31"}, headers=HTML).text
            client.cookies.delete(COOKIE)

        was = client.get("/v1/worklist", params={"state": "mql"}).json()["total"]
        html = set_to("30", "two new reps")
        assert "Sales gets a lead from 30 on now." in html and "two new reps" in html and "Back to 45" in html
        states = state.loaded.worklist.current_states()
        assert (states["score"].sort_index() == scores.sort_index()).all(), "no score changes"
        assert client.get("/v1/worklist", params={"state": "mql"}).json()["total"] > was
        listed = set(states.index[states["state"] == "mql"])
        assert {name for name in listed if states["score"][name] < 30} == set()
        assert handoff_score(state.context.policy) == 30 == score_in_force(tiny_copy)

        unseen = {"token": token[1], "score": "28", "reason": "not seen", "replaces": "45"}
        lost = client.post("/thresholds/set", data=unseen, headers=HTML)
        assert lost.status_code == 422 and "handed off from 30 on by now, not from 45" in lost.text
        assert 'name="replaces" value="30"' in lost.text and handoff_score(state.context.policy) == 30
        body = {"score": 28, "reason": "not seen", "replaces": 45}
        assert client.post("/v1/threshold", json=body).status_code == 409

        client.cookies.set(COOKIE, "pl")
        assert "leady są już przekazywane od 30" in set_to("30", "jeszcze raz").replace("&#39;", "'")
        client.cookies.delete(COOKIE)
        assert client.post("/v1/threshold", json={"score": None, "reason": "they left"}).json()["in_use"] is True
        assert client.get("/v1/worklist", params={"state": "mql"}).json()["total"] == was
        told = [row["action"] for row in client.get("/v1/audit").json()]
        assert told.count("threshold.set") == 2 and told.count("threshold.not_set") == 5

        opened = state.open_declaration

        def open_while_another_sets_it() -> Any:
            context = opened()
            adopt_threshold(tiny_copy.context.paths, context.thresholds, 35, author="kim", reason="at that moment")
            return context

        with monkeypatch.context() as patched:
            patched.setattr(state, "open_declaration", open_while_another_sets_it)
            assert state.load() and handoff_score(state.context.policy) == 45
        assert state.refresh() and handoff_score(state.context.policy) == 35, "the next look loads what came meanwhile"

        with monkeypatch.context() as patched:
            patched.setattr(state, "refresh", lambda: None)
            html = set_to("31", "the server cannot load it")
            assert "until then the score before holds" in html and "Sales gets a lead from 35 on." in html
            patched.setattr(state, "problem", "a file may not be read")
            assert "could not load it" in client.get("/thresholds?done=later&score=31", headers=HTML).text

        until, load = threading.Event(), state.refresh
        with monkeypatch.context() as patched:
            patched.setattr("serving.webhooks.load_decided.LOAD_SECONDS", 0.0)
            patched.setattr(state, "refresh", lambda: until.wait(60.0) and load())
            html = set_to("32", "with many leads loading takes long")
            assert "this server is loading it" in html and "Sales gets a lead from 35 on." in html
            until.set()
            for thread in [one for one in threading.enumerate() if one.name == "leadscore-load"]:
                thread.join(60.0)
        assert "Sales gets a lead from 32 on." in client.get("/thresholds?done=later&score=32", headers=HTML).text

        reader = key_for(client, "read")
        assert client.post("/v1/threshold", json={"score": 30, "reason": "x"}, headers=reader).status_code == 403
        assert 'popovertarget="set"' not in client.get("/thresholds", headers=HTML | reader).text


def test_a_score_that_the_server_has_not_loaded_can_be_set_anew_on_the_page(
    tiny_copy: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client_for(tiny_copy, tmp_path / "state") as client:
        state = client.app.state.app_state  # type: ignore[attr-defined]
        monkeypatch.setattr(state, "refresh", lambda: None)

        def send(html: str, score: str) -> Any:
            form = html.split(' id="set"')[1].split("</form>")[0]
            hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
            sent = hidden | {"score": score, "reason": f"because of {score}"}
            return client.post("/thresholds/set", data=sent, headers=HTML)

        seen = client.get("/thresholds", headers=HTML).text
        set_once = send(seen, "30")
        assert "until then the score before holds" in set_once.text and handoff_score(state.context.policy) == 45
        unseen = send(seen, "31")
        assert unseen.status_code == 422 and "handed off from 30 on by now, not from 45" in unseen.text
        assert "It was set to 30, which this server has not loaded yet; until then 45 holds." in unseen.text
        assert "because of 30" in unseen.text and "Back to 45" in unseen.text, "by whom and why, to go on from"
        assert send(unseen.text, "32").status_code == 200 and score_in_force(tiny_copy) == 32
        assert send(set_once.text, "33").status_code == 422, "32 was set since"
        assert send(client.get("/thresholds", headers=HTML).text, "33").status_code == 200
        assert score_in_force(tiny_copy) == 33


def test_the_list_keeps_no_state_that_the_score_in_use_does_not_give(cli: Cli, tiny_copy: TinyRun) -> None:
    paths = tiny_copy.context.paths
    cli("threshold", "adopt", "30", "--reason", "two new reps", *tiny_copy.args)
    assert cli("score", *tiny_copy.args)[0] == 0
    listed, told = read_parquet(paths.score / "worklist.parquet"), read_json(paths.score / "qualification.json")
    ladder = ["lead", "iql", "mql", "pql", "sal", "sql"]
    ranks = listed[["state", "state_kept"]].apply(lambda states: states.map(ladder.index))
    assert (ranks["state_kept"] >= ranks["state"]).all(), "memory holds a state up, and lets none stay below"
    assert (listed.loc[listed["score"].between(30, 44), "state_kept"].isin(["mql", "pql", "sal", "sql"])).all()
    assert told["kept"] == (listed["state"] != listed["state_kept"]).sum()


def test_weeks_before_a_score_was_adopted_are_judged_without_it(tiny_demo: TinyRun) -> None:
    declared = tiny_demo.context.policy
    assert declared is not None
    line = {"replaces": 45, "policy": declared.name, "policy_version": declared.version, "author": "kim", "reason": "x"}
    adopted = [
        AdoptedThreshold(score=score, adopted_at=f"2026-0{month}-01T00:00:00+00:00", **line)
        for score, month in ((40, 3), (30, 5))
    ]
    history = ThresholdHistory(declared, tuple(adopted))
    then = [history.as_of(datetime(2026, month, 2, tzinfo=UTC), declared).policy for month in (2, 4, 6)]
    assert [handoff_score(policy) for policy in then] == [45, 40, 30]
    other = declared.model_copy(update={"version": "1"})
    assert history.as_of(datetime(2026, 6, 2, tzinfo=UTC), other).policy is other, "it was set in another version"


@pytest.mark.parametrize("more", [True, False])
def test_the_command_says_whether_the_policy_asks_for_evidence_too(
    cli: Cli, tiny_demo: TinyRun, monkeypatch: pytest.MonkeyPatch, more: bool
) -> None:
    monkeypatch.setattr("pipelines.workspace.adopted_thresholds.asks_for_more", lambda policy: more)
    _, out, _ = cli("threshold", "show", *tiny_demo.args)
    assert "Leads are handed off from 45 on" in out
    assert ("The policy asks for evidence as well." in out) is more


def test_where_points_score_no_score_is_set(cli: Cli, tiny_demo: TinyRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.registry.champion.points_score", lambda paths: True)
    for words in (("adopt", "40"), ("withdraw",)):
        status, _, err = cli("threshold", *words, "--reason", "two new reps", *tiny_demo.args)
        assert status == ExitStatus.POLICY and "set it in the rubric" in err
    assert "Points score alone" in cli("threshold", "show", *tiny_demo.args)[1]
    assert not (tiny_demo.context.paths.root / "thresholds.adopted.json").exists()
