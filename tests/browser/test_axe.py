"""axe-core finds nothing to object to: every page and report, wide and narrow, with the strict policy in force."""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.report.scorecard_page import html_of
from pipelines.retraining.retrain_page import render_page
from pipelines.retraining.retrain_record import Aging, Decision, JudgedChallenger, NewRows, RetrainRecord, WhatsNew
from pipelines.run import run_stage
from pipelines.workspace.table_files import load_table
from tests.benchmarks.bench_pages import addresses
from tests.reference.axe import colours_of, violations
from tests.reference.served import Served
from tests.reference.serving import worklist_of
from tests.reference.visitor import CONTRAST, Visitor

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 900}
_LOOKS = 120  # at a page that is being worked out, on a busy machine
_PARTS = 4  # of the pages, so that several workers share them
_SAID: tuple[dict[str, str], ...] = (
    {"verdict": "accept"},
    {"verdict": "snooze", "expires_at": "2100-01-01T00:00:00"},
    {"verdict": "do_not_contact", "reason": "asked_not_to"},
    {"verdict": "override", "state": "sql", "reason": "known_to_us"},
    {"verdict": "reject", "reason": "no_budget"},
)


@pytest.fixture(scope="module")
def served(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tiny_demo, tmp_path_factory.mktemp("state")).start()
    for lead, said in zip(leads_spoken_of(tiny_demo), _SAID, strict=True):
        address = f"{server.url}/v1/leads/{lead}/feedback"
        asked = urllib.request.Request(address, json.dumps(said).encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 201
    yield server
    server.stop()


def leads_spoken_of(run: Any) -> list[str]:
    """Open leads of which sales says each thing that it can say."""
    return [str(lead) for lead in worklist_of(run)["lead_id"].head(len(_SAID))]


def closed_leads(run: Any) -> list[str]:
    """One that was won, and one that was lost."""
    stages = load_table(run.context.paths, "stages")
    return [str(stages.loc[(stages["stage"] == stage).to_numpy(), "lead_id"].iloc[-1]) for stage in ("won", "lost")]


@pytest.mark.prove  # seconds for the hundreds of texts in its charts
def test_axe_objects_to_nothing_in_the_report(tiny_demo: Any, served: Served, chromium: Any) -> None:
    visitor = Visitor(chromium, served.url, 1280)
    visitor.page.goto(f"{served.url}/report")
    found = violations(visitor.page)
    visitor.page.close()
    assert found == []


@pytest.mark.parametrize("part", range(_PARTS))
def test_axe_objects_to_no_page(served: Served, tiny_demo: Any, chromium: Any, part: int) -> None:
    found: dict[tuple[str, str], list[Any]] = {}
    for page, path in look_at(served, chromium, pages_of(tiny_demo)[part::_PARTS]):
        found["wide", path] = violations(page, colours=False)  # the next test's
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found[scheme, path] = page.evaluate(CONTRAST)
        page.set_viewport_size(NARROW)
        found["narrow", path] = violations(page, colours=False)
        page.set_viewport_size(WIDE)
    assert {path: one for path, one in found.items() if one} == {}


@pytest.mark.prove
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_objects_to_no_colour(served: Served, tiny_demo: Any, chromium: Any, scheme: str) -> None:
    found = {path: colours_of(page, scheme) for page, path in look_at(served, chromium, pages_of(tiny_demo))}
    assert {path: one for path, one in found.items() if one} == {}


def pages_of(run: Any) -> list[str]:
    """A page of each kind, in each state that it has."""
    paths = [path for path in addresses(run.context.paths, run.data_dir) if "?search" not in path]
    paths += ["/?role=rep", "/?role=marketer", "/?role=scientist", "/rubric/rule", "/docs", "/leads/nobody", "/nowhere"]
    paths += [f"/help/{role}" for role in ("rep", "marketer", "manager", "scientist")]
    paths += ["/worklist?list=to_hand_off", "/worklist?show=snoozed", "/worklist?show=hidden", "/find?q=zzzz"]
    return paths + [f"/leads/{lead}" for lead in (*leads_spoken_of(run), *closed_leads(run))]


def look_at(served: Served, chromium: Any, paths: list[str]) -> Iterator[tuple[Any, str]]:
    """Each of the pages, opened one after the other in a wide window."""
    page = Visitor(chromium, served.url, WIDE["width"]).page
    for _ in range(_LOOKS):  # a page that asks again by itself would take the one after it away
        if "refresh" not in page.request.get(served.url, headers={"accept": "text/html"}).headers:
            break
        time.sleep(1.0)
    for path in paths:
        page.goto(served.url + path)
        yield page, path
    page.close()


def test_axe_objects_to_nothing_on_a_draft_and_in_open_dialogs(tiny_demo: Any, chromium: Any, tmp_path: Path) -> None:
    server = Served(tiny_demo, tmp_path).start()
    try:
        visitor = Visitor(chromium, server.url, 1280)
        page = visitor.go("/rubric")
        page.get_by_role("button", name="New draft").click()
        found = {"new draft": violations(page)}
        page.get_by_role("button", name="From the rubric in use").click()
        page.wait_for_load_state()
        found["draft"] = violations(page)
        visitor.go(f"/leads/{leads_spoken_of(tiny_demo)[0]}")
        page.get_by_role("button", name="Return…").click()
        found["return"] = violations(page)
        visitor.go("/thresholds")
        page.get_by_role("button", name="Set a score…").click()
        found["set a score"] = violations(page)
        page.close()
        assert {name: one for name, one in found.items() if one} == {}
    finally:
        server.stop()


def test_axe_objects_to_nothing_in_pages_that_are_files(tiny_copy: Any, chromium: Any, tmp_path: Path) -> None:
    paths = tiny_copy.context.paths
    run_stage(tiny_copy.context, "validate")
    (tmp_path / "scorecard.html").write_text(html_of(tiny_copy.context), encoding="utf-8")
    (tmp_path / "retrain.html").write_text(render_page(retrain_record()), encoding="utf-8")
    files = [tmp_path / "scorecard.html", tmp_path / "retrain.html", paths.reports / "model_card.html"]
    page = chromium.new_page(viewport=WIDE)
    found = {}
    for file in [*files, paths.validate / "validation.html"]:
        page.goto(file.as_uri())
        found[file.name] = violations(page)
    page.close()
    assert {name: one for name, one in found.items() if one} == {}


def retrain_record() -> RetrainRecord:
    """A retrain of which every part of its page has something to tell."""
    mover = {"lead_id": "L1", "owner": "kim", "score_before": 40, "score_after": 52, "reason": "need goes up"}
    band = {"low_days": 0, "high_days": 90, "rows": 900, "won": 80, "excess": 0.004, "ci": (-0.002, 0.01)}
    return RetrainRecord(
        source="demo",
        synthetic=True,
        at="2026-06-29T08:00:00+00:00",
        as_of="2026-06-29",
        decision=Decision.KEPT,
        status=0,
        sentence="The champion stays.",
        next="Retrain in three weeks.",
        new=WhatsNew(
            since="2026-06-22",
            until="2026-06-29",
            tables={"leads": NewRows(rows=1500, new=40, late=1, gone=0)},
            new_leads=40,
            newly_won=3,
            newly_lost=9,
            corrected=0,
            reversed=0,
            taken_back=0,
            said={},
            sentences=("40 new leads.",),
            changed=True,
        ),
        trained="b" * 64,
        champion_before="a" * 64,
        champion_after="a" * 64,
        moved=({"check": "features", "level": "watch", "sentence": "One moved.", "next": "Look again."},),
        challengers=(
            JudgedChallenger(
                hash="b" * 64,
                what="trained now",
                trained_through="2026-03-01",
                gate={"sentence": "Worse.", "needed": "Nothing.", "checks": [{"sentence": "log loss: worse"}]},
            ),
        ),
        churn={
            "sentence": "One lead moves.",
            "churn": {
                "sentences": ["One lead moves."],
                "movers": [mover | {"place_before": 9, "place_after": 2}],
            },
        },
        aging=Aging(days=None, sentence="Models do not age.", ages=(band | {"allowed": 0.02},)),
        seconds=1.0,
    )
