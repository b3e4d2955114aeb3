"""Whatever a client or a browser sends: an answer in words, never a fault of the server, nor a way to another host."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import process_time
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from starlette.testclient import TestClient

from pipelines.workspace.find_declarations import find_rubric
from pipelines.workspace.table_files import load_table
from tests.reference.damaged_requests import Sent, damaged_form, damaged_request
from tests.reference.serving import client_for, rows_sent, worklist_of
from tests.reference.tiny_run import TinyRun, copy_run

FEW, MANY = 60, 5_000
REFUSED = ("/sign-in", "/model/champion", "/rubric/upload", "/rubric/rule")  # in words: no such key, bundle, file, rule
HERE = "http://127.0.0.1:8000"
LONGEST_SECONDS = 8.0  # of processor time for one request


@pytest.fixture(scope="module")
def run(tiny_demo: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    return copy_run(tiny_demo, tmp_path_factory.mktemp("requests") / "run")  # a score or a rubric may be adopted


@pytest.fixture(scope="module")
def client(run: TinyRun) -> Iterator[TestClient]:
    with client_for(run, run.folder / "state", background=False) as found:
        yield found


def sound_requests(run: TinyRun) -> list[tuple[str, str, Any]]:
    """Method, address and JSON of requests that the server takes."""
    opened = load_table(run.context.paths, "leads").set_index("lead_id")["created_at"]
    listed = [str(name) for name in worklist_of(run)["lead_id"]]
    lead = next(name for name in listed[3:] if opened[name] < pd.Timestamp("2026-05-25"))  # looked back at below
    rows, here = rows_sent(run, lead), f"/v1/leads/{quote(lead)}"
    answer = {"question": "decision_role", "status": "value", "value": "decides", "channel": "call"}
    flat = {name: part for name, part in rows.items() if name in ("accounts", "activities", "answers", "stages")}
    rubric = {"rubric": find_rubric("demo").read_text(encoding="utf-8")}
    return [
        ("POST", "/v1/score", rows),
        ("POST", "/v1/score/batch", flat | {"leads": [rows["lead"], *rows["colleagues"]]}),
        ("POST", f"{here}/answers", answer),
        ("POST", f"{here}/activities", {"kind": "demo_request", "happened_at": "2026-06-20T10:00:00Z"}),
        ("POST", f"{here}/feedback", {"verdict": "reject", "reason": "no_budget", "note": "x"}),
        ("POST", f"{here}/fields", {"field": "industry", "value": "retail", "channel": "api"}),
        ("POST", "/v1/threshold", {"score": 60, "reason": "a test"}),
        ("POST", "/v1/rubric/compare", rubric),
        ("POST", "/v1/webhooks", {"url": "https://127.0.0.1/x", "events": ["lead.feedback"]}),
        ("GET", f"{here}?framework=bant&as_of=2026-06-01T00:00:00Z", None),
        ("GET", f"{here}/change?since=2026-06-01T00:00:00Z", None),
        ("GET", "/v1/worklist?limit=5&offset=0&owner=x&state=mql&sort=score&search=a", None),
        ("GET", "/v1/accounts?limit=5&sort=score&search=a", None),
        ("GET", "/v1/find?q=a&limit=3", None),
        ("GET", "/v1/thresholds?handoffs_per_week=5", None),
    ]


def sound_forms(run: TinyRun) -> list[tuple[str, Mapping[str, str]]]:
    """Address and fields of forms as the pages send them."""
    listed = worklist_of(run)["lead_id"].astype("str")
    lead = f"/leads/{quote(listed.iloc[1])}"
    answered = {
        "question": "decision_role",
        "value": "decides",
        "status": "value",
        "channel": "call",
        "back": "/worklist",
    }
    return [
        (f"{lead}/answers", answered),
        (f"{lead}/fields", {"field": "industry", "value": "retail", "framework": "bant", "back": lead}),
        (f"{lead}/feedback", {"verdict": "snooze", "reason": "no_budget", "note": "later", "back": "/worklist"}),
        ("/worklist/chosen", {"do": "snooze", "lead": listed.iloc[2], "back": "/worklist?page=2"}),
        ("/worklist/views", {"name": "mine", "query": "?sort=score", "forget": ""}),
        ("/thresholds/set", {"score": "61", "reason": "a test"}),
        ("/rubric/draft", {"how": "empty"}),
        ("/rubric/points", {"do": "saved", "points:1": "5"}),
        ("/rubric/rule", {"column": "industry", "value": "retail", "points": "5", "id": "r1"}),
        ("/rubric/upload", {"file": "id,when,points\nr1,industry = retail,5\n"}),
        ("/language", {"code": "ko", "back": "/"}),
        ("/display", {"size": "large", "back": "/"}),
        ("/sign-in", {"key": "lsk_x", "back": "/"}),
        ("/model/champion", {"hash": "0" * 64, "reason": "x"}),
    ]


def send(client: TestClient, sent: Sent) -> str:
    """What came of a request: its status, or ``refused`` by our own client; AssertionError for a fault."""
    try:
        answer = client.request(
            sent.method, sent.path, headers=dict(sent.headers), content=sent.body, follow_redirects=False
        )
    except UnicodeError:
        return "refused"
    shown = answer.content[:2_000]
    assert answer.status_code < 500, f"{answer.status_code} {shown!r}"
    assert b"Traceback" not in shown and b"log has the cause" not in shown, shown
    if answer.status_code >= 400 and sent.path.startswith("/v1/") and sent.method != "HEAD":
        assert answer.headers["content-type"].startswith("application/problem+json"), answer.headers
        assert answer.json()["status"] == answer.status_code
    if answer.is_redirect:
        place = answer.headers["location"].removeprefix(HERE)
        assert place.startswith("/") and place[1:2] not in ("/", "\\"), f"leads away: {place[:200]}"
    assert "x-request-id" in answer.headers and "\n" not in answer.headers["x-request-id"]
    return str(answer.status_code)


def try_all(client: TestClient, made: Iterator[Sent]) -> tuple[Counter[str], list[str]]:
    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    for number, sent in enumerate(made):
        started = process_time()
        try:
            outcomes[send(client, sent)] += 1
        except Exception as fault:
            outcomes["fault"] += 1
            faults.append(f"{number}: {sent.method} {sent.path[:150]} {sent.body[:150]!r}: {str(fault)[:300]}")
        if process_time() - started > LONGEST_SECONDS:
            faults.append(f"{number}: {sent.method} {sent.path[:150]} took {process_time() - started:.1f} s")
    assert client.get("/healthz").json()["status"] == "ok"
    return outcomes, faults


def requests_of(run: TinyRun, seeds: range) -> Iterator[Sent]:
    sound = sound_requests(run)
    return (damaged_request(sound, seed) for seed in seeds)


def forms_of(client: TestClient, run: TinyRun, seeds: range) -> Iterator[Sent]:
    sound, token = sound_forms(run), token_of(client)
    return (damaged_form(sound, token, seed) for seed in seeds)


def token_of(client: TestClient) -> str:
    """What a form of a page carries."""
    return client.get("/").text.split('name="token" value="')[1].partition('"')[0]


def test_sound_ones_are_taken(tiny_copy: TinyRun, tmp_path: Path) -> None:
    """Else the damaged ones would all fail for the same reason. On a run of its own: some are taken only once."""
    with client_for(tiny_copy, tmp_path / "state", background=False) as client:
        for method, path, value in sound_requests(tiny_copy):
            answer = client.request(method, path, json=value)
            assert answer.status_code < 300, (path, answer.text)
        token = token_of(client)
        for path, fields in sound_forms(tiny_copy):
            answer = client.post(path, data={**fields, "token": token}, follow_redirects=False)
            assert answer.status_code == 303 or path in REFUSED, (path, answer.status_code)


def test_a_few_damaged_requests(client: TestClient, run: TinyRun) -> None:
    outcomes, faults = try_all(client, requests_of(run, range(FEW)))
    assert not faults, "\n".join(faults)
    assert {"200", "422"} <= set(outcomes)


def test_a_few_damaged_forms(client: TestClient, run: TinyRun) -> None:
    outcomes, faults = try_all(client, forms_of(client, run, range(FEW)))
    assert not faults, "\n".join(faults)
    assert {"303", "422", "403"} <= set(outcomes)


@pytest.mark.prove
@pytest.mark.parametrize("what", ["requests", "forms"])
def test_five_thousand_damaged_requests(
    client: TestClient, run: TinyRun, what: str, record_property: Callable[[str, object], None]
) -> None:
    seeds = range(10_000, 10_000 + MANY)
    made = requests_of(run, seeds) if what == "requests" else forms_of(client, run, seeds)
    outcomes, faults = try_all(client, made)
    record_property(what, dict(outcomes.most_common()))
    record_property(f"{what} faults", len(faults))
    assert not faults, "\n".join(faults[:20])
