"""What happens while it serves: another model, a registry that is away, webhooks, the clock."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from features.schema.vocabulary import Verdict
from models.bundle import load_bundle
from models.explaining.language import ENGLISH
from models.interfaces import Scale
from models.judging.evaluation.trust import NOT, UNCLEAR
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.evaluation_record import EvaluationRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.registry.champion import keep_bundle, point_to, read_champion
from pipelines.registry.kept_decisions import decision_files
from pipelines.workspace.atomic_files import read_json
from serving.background import BackgroundThreads
from serving.metrics import Metrics
from serving.pages.home.shared_tiles import wins_tile
from serving.results.promotion import find_churn
from serving.results.score_bands import score_bands
from serving.results.weekly_comparison import compare_with_last_week
from serving.state.clock import ServingClock
from serving.state.result_cache import ResultCache
from serving.webhooks.delivery import deliver
from serving.webhooks.outbox import SIGNATURE, sign
from tests.reference.challengers import TEST, early_champion, keep, rescaled, spoiled
from tests.reference.serving import client_for, key_for, still_page, worklist_of

FORCED = {"force": True, "reason": "a test"}


@pytest.fixture
def client(tiny_copy: Any, tmp_path: Path) -> Iterator[TestClient]:
    with client_for(tiny_copy, tmp_path / "state") as found:
        yield found


def another_bundle(run: Any, tmp_path: Path) -> str:
    """A kept bundle that scores otherwise."""
    import dataclasses

    from models.bundle import save_bundle

    champion = read_champion(run.context.paths)
    assert champion is not None
    bundle = load_bundle(champion.folder)
    scale = Scale("other", bundle.scale.reference_log_odds + 1.0, bundle.scale.pdo)
    changed = dataclasses.replace(bundle, scale=scale)
    save_bundle(changed, tmp_path / "changed")
    return keep_bundle(run.context.paths, tmp_path / "changed")


def test_a_promotion_is_taken_up_and_rolled_back(client: TestClient, tiny_copy: Any, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    before = client.get(f"/v1/leads/{lead}").json()
    other = another_bundle(tiny_copy, tmp_path)
    assert client.get("/v1/champion/churn").json()["churn"] is None, "nothing has moved yet"
    asked = client.get("/v1/champion/churn", params={"hash": other[:12]}).json()
    told = client.post("/v1/champion", json={"hash": other[:12], **FORCED}).json()
    assert asked["churn"]["moved"] > 0 and told["churn"]["churn"] == asked["churn"]
    assert client.get("/v1/champion/churn").json()["churn"] == asked["churn"]
    after = client.get(f"/v1/leads/{lead}").json()
    assert (told["champion"], told["in_use"]) == (other, True)
    assert (after["bundle_hash"], after["scale_version"]) == (other, "other")
    assert after["score"] < before["score"]
    listed = client.get("/v1/worklist", params={"search": lead}).json()
    assert (listed["bundle_hash"], listed["rows"][0]["score"]) == (other, after["score"])
    assert client.post("/v1/champion/rollback").json()["churn"]["how"] == "rollback"
    again = client.get(f"/v1/leads/{lead}").json()
    assert (again["bundle_hash"], again["score"]) == (before["bundle_hash"], before["score"])
    assert [row["action"] for row in client.get("/v1/audit").json()][:4] == [
        *("rolled.back", "rolling.back", "promoted", "promoting")
    ]
    moved, leads = asked["churn"]["moved"], asked["churn"]["leads"]
    owner = str(listed["rows"][0]["owner"])
    page = client.get("/model", headers=key_for(client, "read", owner=owner) | {"accept": "text/html"}).text
    own = sum(mover["owner"] == owner for mover in asked["churn"]["movers"])
    assert f"{moved:,} of {leads:,} open leads move noticeably" in page
    assert f"Of yours: {own:,}." in page and own < moved
    movers = asked["churn"]["movers"]
    lead = next(mover["lead_id"] for mover in movers if mover["owner"] == owner)
    other = next(mover["owner"] for mover in movers if mover["owner"] not in ("", owner, "no owner"))
    state = client.app.state.app_state  # type: ignore[attr-defined]
    leads_table = state.loaded.data.tables["leads"]
    at = leads_table["lead_id"].astype("str") == lead

    def movers_of(name: str) -> set[str]:
        return {row["lead_id"] for row in find_churn(state, None, name)["churn"]["movers"]}

    assert lead in movers_of(owner) and lead not in movers_of(other)
    leads_table.loc[at, "owner"] = other
    assert lead not in movers_of(owner) and lead in movers_of(other), "whoever has it today"
    leads_table.loc[at, "owner"] = owner
    assert 'href="/report"' not in page, "it names leads of all owners, and would be refused"
    assert 'href="/report"' in client.get("/model", headers=key_for(client, "read") | {"accept": "text/html"}).text


def test_the_gate_keeps_a_challenger_back_in_words(client: TestClient, tiny_copy: Any, tmp_path: Path) -> None:
    before = read_champion(tiny_copy.context.paths)
    other = another_bundle(tiny_copy, tmp_path)
    refused = client.post("/v1/champion", json={"hash": other})
    assert (refused.status_code, refused.json()["code"]) == (409, "LS023")
    assert (
        "Inconclusive, the champion stays" in refused.json()["detail"]
        and "50 won leads are needed" in refused.json()["detail"]
    )
    assert read_champion(tiny_copy.context.paths) == before
    asked = client.get("/v1/champion/gate", params={"hash": other[:12]}).json()
    assert (asked["verdict"], asked["passes"], asked["challenger"]) == ("inconclusive", False, other)
    assert client.get("/v1/champion/gate", params={"hash": "0" * 12}).status_code == 404
    for half in ({"force": True}, {"reason": "because"}):
        assert client.post("/v1/champion", json={"hash": other, **half}).status_code == 422
    told = client.post("/v1/champion", json={"hash": other, **FORCED}).json()
    assert (told["champion"], told["forced"], told["gate"]["verdict"]) == (other, True, "inconclusive")
    assert client.get("/v1/audit").json()[0]["detail"]["reason"] == "a test"
    on_record = [read_json(file) for file in decision_files(tiny_copy.context.paths)]
    assert [(one["decision"], one["challenger"]) for one in on_record] == [("kept back", other), ("forced", other)]
    assert on_record[1]["sentence"] == "a test" and on_record[1]["gate"]["verdict"] == "inconclusive"


def answered(client: TestClient, asked: str) -> str:
    """The model page once the gate, which is asked beside it, has answered."""
    return still_page(lambda: client.get(f"/model?asked={asked}").text)


def test_the_page_asks_the_same_gate(client: TestClient, tiny_copy: Any, tmp_path: Path) -> None:
    champion = early_champion(tiny_copy, tmp_path)
    client.app.state.app_state.refresh()
    bad, good = (keep(tiny_copy, b, tmp_path / n) for n, b in (("b", spoiled(champion)), ("g", rescaled(champion))))
    text = client.get("/model").text
    promoted = client.get("/v1/model").json()["promoted"]
    assert promoted
    row = text.split(f"{champion.hash[:12]}</code>")[1].split("</tr>")[0]
    assert "in use" in row and f"{int(promoted[champion.hash][8:10])} " in row
    token = text.split('name="token" value="')[1].split('"')[0]
    answer = client.post("/model/champion", data={"token": token, "hash": bad}, follow_redirects=False)
    assert answer.headers["location"] == f"/model?asked={bad}#gate"
    kept = answered(client, bad)
    assert "Worse, the champion stays: log loss and calibration error" in kept and "Overrule and promote" in kept
    assert read_champion(tiny_copy.context.paths).hash == champion.hash
    assert "Overrule and promote" not in answered(client, good)
    client.post("/model/champion", data={"token": token, "hash": good})
    assert read_champion(tiny_copy.context.paths).hash == good
    client.post("/model/champion", data={"token": token, "hash": bad, "reason": "to see it fail"})
    assert read_champion(tiny_copy.context.paths).hash == bad
    now = client.get("/model").text.split(f"{bad[:12]}</code>")[1].split("</tr>")[0]
    assert "overruled" in now and "to see it fail" in now


def test_an_order_that_may_be_chance_is_not_called_good_enough_to_sort_by(client: TestClient, tiny_copy: Any) -> None:
    paths, before = tiny_copy.context.paths, client.get("/model").text
    assert UNCLEAR not in before and NOT not in before
    found = EvaluationRecord.read(paths)
    for interval, said in (((0.47, 0.61), UNCLEAR), ((0.31, 0.46), NOT)):
        figures = {**found.figures, found.winner: found.figures[found.winner] | {"auc_ci": interval}}
        found.model_copy(update={"figures": figures}).write(EvaluationRecord.path(paths).parent)
        text = client.get("/model").text
        assert said in text and "Good enough to sort by" not in text


def test_the_figures_of_a_bundle_that_did_not_come_in_are_not_told_as_those_of_the_one_in_use(
    client: TestClient, tiny_copy: Any, tmp_path: Path
) -> None:
    trained = read_champion(tiny_copy.context.paths).hash
    app_state, pages = client.app.state.app_state, ("/model", "/?role=scientist", "/thresholds")
    own, said = client.get("/model").text, f"{trained[:12]}, which"
    assert said not in own
    candidates = own.split('id="cand-h"')[1].split("</section>")[0]
    assert "in use" in candidates and "trained last" not in candidates
    assert "Order on the test (AUC)" in client.get("/?role=scientist").text and score_bands(app_state)
    assert client.get("/v1/model").json()["judged"] == trained

    champion = early_champion(tiny_copy, tmp_path)
    app_state.refresh()
    seen = {path: client.get(path).text for path in pages}
    assert all(said in seen[path] for path in pages), "each page says whose figures they are, or has none"
    candidates = seen["/model"].split('id="cand-h"')[1].split("</section>")[0]
    assert "in use" not in candidates and "trained last" in candidates
    assert f"{champion.hash[:12]} scores; the last run tested another one." in seen["/model"]
    assert "Order on the test (AUC)" not in seen["/?role=scientist"]
    assert score_bands(app_state) == [], "win rates by score would be of another scale"
    assert wins_tile(app_state, ENGLISH).foot == f"of {trained[:12]}, trained last and not in use"
    described = client.get("/v1/model").json()
    assert (described["judged"], described["bundle"]["hash"]) == (trained, champion.hash)


def test_a_run_that_allowed_no_model_says_nothing_of_the_tests_of_the_one_in_use(
    client: TestClient, tiny_copy: Any
) -> None:
    paths = tiny_copy.context.paths
    champion, before = read_champion(paths), client.get("/model").text
    tested = EvaluationRecord.read(paths).model_copy(update={"judged": "", "verdict": Verdict.NO_SIGNAL})
    tested.write(EvaluationRecord.path(paths).parent)
    text = client.get("/model").text
    assert f"{champion.hash[:12]} scores; the last run allowed no model." in text
    assert "it was tested when it was trained" in text and "has not been tested" not in text
    for tile in ("Ranks well", "Percentages hold", "Beats the rubric by"):
        assert tile in before and tile not in text
    assert "Leaks found" in text


def test_between_training_and_test_the_figures_keep_the_name_of_the_bundle_they_are_of(
    client: TestClient, tiny_copy: Any
) -> None:
    paths, pages = tiny_copy.context.paths, ("/model", "/?role=scientist", "/?role=manager", "/thresholds", "/team")
    own = read_champion(paths).hash
    assert EvaluationRecord.read(paths).judged == ComparisonRecord.read(paths).judged == own
    for trained in ("f" * 64, None):
        changes = {"hash": trained}
        TrainRecord.read(paths).model_copy(update=changes).write(TrainRecord.path(paths).parent)
        for path in pages:
            text = client.get(path).text
            assert "ffffffffffff" not in text and "allowed no model" not in text and "trained last" not in text, path
        assert client.get("/v1/model").json()["judged"] == own and score_bands(client.app.state.app_state)

    tested = EvaluationRecord.read(paths)  # the test is done, the comparison not yet
    tested.model_copy(update={"judged": "f" * 64}).write(paths.evaluate)
    text = client.get("/model").text
    assert "ffffffffffff, which was trained last and is not in use" in text and "no rubric to compare with" not in text
    assert "ffffffffffff" not in client.get("/thresholds").text

    TrainRecord.read(paths).model_copy(update={"hash": "e" * 64}).write(TrainRecord.path(paths).parent)
    for record in (tested, ComparisonRecord.read(paths)):  # of an earlier leadscore
        record.model_copy(update={"judged": None}).write(record.path(paths).parent)
    assert all("eeeeeeeeeeee" in client.get(path).text for path in ("/model", "/thresholds"))


def test_the_page_does_not_call_in_use_what_is_being_loaded(
    client: TestClient, tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, before = another_bundle(tiny_copy, tmp_path), read_champion(tiny_copy.context.paths)
    token = client.get("/model").text.split('name="token" value="')[1].split('"')[0]
    form = {"token": token, "hash": other, "reason": "to see it"}
    with monkeypatch.context() as patched:
        patched.setattr("serving.results.promotion.load_decided", lambda _: False)
        assert client.post("/model/champion", data=form, follow_redirects=False).status_code == 303
    page = client.get("/model")
    rows = {name: page.text.split(f"{name[:12]}</code>")[1].split("</tr>")[0] for name in (other, before.hash)}
    assert "chosen, not in use yet" in rows[other] and "in use</span>" in rows[before.hash]
    assert "this server is loading it" in page.text and 'id="loading" aria-busy="true"' in page.text
    assert "refresh" not in page.headers, "the whole page would go from under a dialog"
    with monkeypatch.context() as patched:
        patched.setattr(client.app.state.app_state, "problem", "a file may not be read")
        held = client.get("/model").text
    assert "could not load it" in held and 'id="loading">' in held, "there is nothing to look for again"
    client.app.state.app_state.refresh()
    page = client.get("/model")
    assert "not in use yet" not in page.text and 'id="loading"' not in page.text


def test_no_request_is_dropped_or_mixed_while_models_change(client: TestClient, tiny_copy: Any, tmp_path: Path) -> None:
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    first = client.get(f"/v1/leads/{lead}").json()["bundle_hash"]
    other = another_bundle(tiny_copy, tmp_path)
    expected = {}
    for hash_ in (other, first):
        client.post("/v1/champion", json={"hash": hash_, **FORCED})
        expected[hash_] = client.get(f"/v1/leads/{lead}").json()["score"]
    seen: list[Any] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            answer = client.get(f"/v1/leads/{lead}")
            body = answer.json()
            seen.append((answer.status_code, body.get("bundle_hash"), body.get("score")))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for k in range(6):
        client.post("/v1/champion", json={"hash": (other, first)[k % 2], **FORCED})
    over.set()
    for thread in threads:
        thread.join()
    assert {status for status, _, _ in seen} == {200}
    assert {(h, s) for _, h, s in seen} <= set(expected.items())
    assert len({h for _, h, _ in seen}) == 2


def test_without_its_pointer_it_serves_on_and_says_so(client: TestClient, tiny_copy: Any) -> None:
    pointer = tiny_copy.context.paths.champion
    kept = pointer.read_text()
    pointer.unlink()
    client.app.state.app_state.refresh()
    health = client.get("/healthz").json()
    assert (health["status"], "pointer" in health["problem"]) == ("degraded", True)
    assert client.get("/readyz").status_code == 200
    assert client.get("/v1/worklist").status_code == 200
    pointer.write_text('{"path": "bundles/none", "hash": "0", "previous": null}')
    client.app.state.app_state.refresh()
    assert client.get("/healthz").json()["status"] == "degraded"
    pointer.write_text(kept)
    client.app.state.app_state.refresh()
    assert client.get("/healthz").json()["status"] == "ok"


def test_a_bundle_of_another_declaration_is_refused(tiny_copy: Any, tmp_path: Path) -> None:
    text = tiny_copy.source.read_text()
    tiny_copy.source.write_text(text.replace("half_life_days: 14", "half_life_days: 15"))
    with client_for(tiny_copy, tmp_path) as client:
        answer = client.get("/v1/worklist")
        health = client.get("/healthz").json()
    assert (answer.status_code, answer.json()["code"]) == (503, "LS110")
    assert "declaration" in health["problem"]


def test_a_server_without_a_model_says_what_to_do(tiny_copy: Any, tmp_path: Path) -> None:
    tiny_copy.context.paths.champion.unlink()
    with client_for(tiny_copy, tmp_path) as client:
        assert client.get("/readyz").status_code == 503
        assert "leadscore run" in client.get("/v1/worklist").json()["detail"]
        point_to(tiny_copy.context.paths, next(tiny_copy.context.paths.bundles.iterdir()).name, TEST)
        client.app.state.app_state.refresh()
        assert client.get("/readyz").status_code == 200


def test_webhooks_are_signed_and_tried_until_they_arrive(client: TestClient, tiny_copy: Any) -> None:
    got: list[tuple[str, bytes]] = []
    answers = [500, 200]

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.headers[SIGNATURE], body))
            self.send_response(answers.pop(0))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook = {"url": f"http://127.0.0.1:{server.server_port}/x", "events": ["lead.feedback"]}
    secret = client.post("/v1/webhooks", json=hook).json()["secret"]
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    client.post(f"/v1/leads/{lead}/feedback", json={"verdict": "accept"})
    store = client.app.state.app_state.store
    delivered = [deliver(store, client.app.state.app_state.settings.networks)]
    for _ in range(40):
        if sum(delivered):
            break
        time.sleep(0.1)
        delivered.append(deliver(store, client.app.state.app_state.settings.networks))
    delivered.append(deliver(store, client.app.state.app_state.settings.networks))
    server.shutdown()
    server.server_close()
    assert (len(got), sum(delivered)) == (2, 1)
    stamp = int(got[1][0].split(",")[0].removeprefix("t="))
    assert got[1][0] == sign(secret, stamp, got[1][1])
    assert json.loads(got[1][1])["data"] == {"lead_id": lead, "verdict": "accept", "reason": ""}


def test_the_clock_never_repeats_a_moment_nor_goes_back() -> None:
    cutoff = pd.Timestamp("2026-06-29")
    clock = ServingClock(cutoff, "data", 7)
    ticks = [clock.next_known_at() for _ in range(3)]
    assert ticks == sorted(set(ticks)) and ticks[0] == cutoff
    clock.observe(datetime(2026, 7, 1))
    assert clock.next_known_at() > datetime(2026, 7, 1)
    assert clock.now() == clock.scored_as_of(None) == cutoff
    assert clock.scored_as_of(ticks[2]) == ticks[2] + timedelta(microseconds=1)


def test_the_trend_is_this_week_against_last(client: TestClient, tiny_copy: Any) -> None:
    compare_with_last_week(client.app.state.app_state)
    rows = [row for row in client.get("/v1/worklist").json()["rows"] if row["change"] is not None]
    assert rows
    for row in rows[:3]:
        week_ago = (pd.Timestamp(row["as_of"]) - pd.Timedelta(days=7)).isoformat()
        past = client.get(f"/v1/leads/{row['lead_id']}", params={"as_of": week_ago}).json()
        weekly = client.get(f"/v1/leads/{row['lead_id']}/history").json()["weekly"]
        assert row["score"] - row["change"] == past["score"] == weekly[-2]["score"]


def test_metrics_count_requests_by_route(client: TestClient, tiny_copy: Any) -> None:
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    client.get(f"/v1/leads/{lead}")
    text = client.get("/metrics").text
    assert 'route="/v1/leads/{lead_id}",status="200"} 1.0' in text
    assert lead not in text
    assert "leadscore_ready 1.0" in text


def test_who_changes_the_champion_and_the_watch_load_it_once(
    client: TestClient, tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app_state = client.app.state.app_state
    first, other = app_state.loads, keep(tiny_copy, rescaled(early_champion(tiny_copy, tmp_path)), tmp_path / "o")
    app_state.refresh()
    before, begun, load = app_state.loads, threading.Event(), app_state._load

    def slow_load() -> Any:
        begun.set()
        time.sleep(0.2)
        return load()

    monkeypatch.setattr(app_state, "_load", slow_load)
    monkeypatch.setattr(BackgroundThreads, "prepare", lambda _: None)
    background = BackgroundThreads(app_state, metrics := Metrics())
    asked = threading.Thread(target=client.post, args=("/v1/champion",), kwargs={"json": {"hash": other, **FORCED}})
    asked.start()
    assert begun.wait(60)
    background.watch()
    asked.join(60)
    background.stop()
    assert app_state.loaded.model.bundle.hash == other
    assert (app_state.loads, first) == (before + 1, 1), "the watch loads anew what the request has just loaded"
    assert metrics.swaps._value.get() == 1, "what a request loaded is followed up"


def test_the_watch_goes_on_while_pages_are_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, enough = threading.Event(), threading.Event()
    monkeypatch.setattr(BackgroundThreads, "prepare", lambda _: (begun.set(), enough.wait(20)))
    app_state = SimpleNamespace(
        ready=False,
        refresh=lambda: None,
        settle=lambda: None,
        loads=0,
        move_untold=False,
        untold=(),
        telling=threading.Lock(),
        results=ResultCache(),
    )
    background = BackgroundThreads(app_state, Metrics())  # type: ignore[arg-type]
    app_state.loads = 1
    watch = threading.Thread(target=background.watch)
    watch.start()
    watch.join(timeout=5)
    done = not watch.is_alive()
    assert begun.wait(5) and done, "the next promotion would wait for the pages"
    enough.set()
    background.stop()
