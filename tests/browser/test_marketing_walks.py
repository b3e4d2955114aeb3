"""A marketer's work in a real Chromium: a rubric from an empty page to its adoption, and a threshold by its score."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reference.served import Served
from tests.reference.visitor import CONTRAST, Visitor

pytestmark = pytest.mark.browser
WAIT = 60_000  # milliseconds for a replay; on a quiet machine it takes a twentieth
UNIQUE = """() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  return ids.filter((id, k) => ids.indexOf(id) !== k); }"""


@pytest.fixture
def served(tiny_copy: Any, tmp_path: Path) -> Iterator[Served]:
    server = Served(tiny_copy, tmp_path / "state").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def read(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose rubric nobody changes."""
    server = Served(tiny_demo, tmp_path_factory.mktemp("state")).start()
    yield server
    server.stop()


def test_a_marketer_comes_from_an_empty_page_to_an_adopted_rubric(served: Served, chromium: Any) -> None:
    visitor = Visitor(chromium, served.url, 1280)
    page = visitor.go("/rubric", "rubric")
    page.get_by_role("button", name="New draft…").click()
    page.get_by_role("button", name="Empty", exact=True).click()
    page.get_by_role("link", name="Add a rule").click()
    visitor.check("rubric-fields")
    page.get_by_role("link", name="Job title").click()
    page.get_by_label("Text it contains, 1", exact=True).fill("chief")
    page.get_by_label("Points for text 1", exact=True).fill("25")
    visitor.check("rubric-rule")
    page.get_by_role("button", name="Add the rule").click()
    page.wait_for_url("**/rubric?done=rule**")

    page.get_by_role("link", name="Add a rule").click()
    page.get_by_role("link", name="Demo requests").click()
    page.get_by_label("Points", exact=True).fill("30")
    page.get_by_label("Within how many days").fill("90")
    page.get_by_role("button", name="Add the rule").click()
    page.locator("#replay .compare").wait_for(timeout=WAIT)
    visitor.check("rubric-tried")
    assert page.locator("#replay .compare li").count() == 3, "rubric in use, draft and model"
    assert page.evaluate(CONTRAST) == [] and page.evaluate(UNIQUE) == []

    box = page.get_by_label("Points for Demo requests")
    box.fill("20")
    page.locator("#replay[data-underway]").wait_for(timeout=WAIT)
    page.locator("#replay .compare").wait_for(timeout=WAIT)
    assert page.get_by_label("Points for Demo requests").input_value() == "20", "saved and tried while one types"
    assert page.evaluate("document.activeElement.name").startswith("p.demo_request"), "and the box keeps the focus"
    page.get_by_role("button", name="One point more for Demo requests").click()
    assert page.get_by_label("Points for Demo requests").input_value() == "21", "buttons step where any may stand"
    page.get_by_role("button", name="One point less for Demo requests").click()
    page.get_by_role("button", name="One point less for Demo requests").click()
    page.locator("#replay[data-underway]").wait_for(timeout=WAIT)
    page.locator("#replay .compare").wait_for(timeout=WAIT)
    assert page.get_by_label("Points for Demo requests").input_value() == "19", "and what they change is tried"
    visitor.check()

    page.get_by_role("button", name="Adopt…").click()
    page.get_by_label("Why, in a sentence").fill("simpler, agreed with sales")
    page.get_by_role("button", name="Adopt", exact=True).click()
    page.wait_for_url("**done=adopted**")
    visitor.check("rubric-adopted")
    assert "simpler, agreed with sales" in page.locator("#versions").inner_text()
    assert "Rules in use, version 2" in page.inner_text("main")
    page.close()


@pytest.mark.prove
def test_a_rubric_is_built_tried_and_adopted_without_scripts(served: Served, chromium: Any) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.url}/rubric")
    page.get_by_role("button", name="New draft…").click()
    page.get_by_role("button", name="Empty", exact=True).click()
    page.get_by_role("link", name="Add a rule").click()
    page.get_by_role("link", name="Stated budget").click()
    page.get_by_label("Points for >50k", exact=True).fill("1000000000")
    page.get_by_role("button", name="Add the rule").click()
    if "done=rule" in page.url:
        raise AssertionError("a billion points were taken")
    page.get_by_label("Points for >50k", exact=True).fill("40")
    page.get_by_role("button", name="Add the rule").click()
    page.wait_for_url("**/rubric?done=rule**")
    page.locator("#replay .compare").wait_for(timeout=WAIT)  # the page asks again by itself
    page.get_by_role("button", name="Adopt…").click()
    page.get_by_label("Why, in a sentence").fill("budget first")
    page.get_by_role("button", name="Adopt", exact=True).click()
    page.wait_for_url("**done=adopted**")
    assert "budget first" in page.locator("#versions").inner_text()
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), pytest.param(1280, "dark", marks=pytest.mark.prove)])
def test_a_threshold_is_chosen_by_its_score(read: Served, chromium: Any, width: int, scheme: str) -> None:
    visitor = Visitor(chromium, read.url, width, scheme)
    page = visitor.go("/thresholds", "thresholds")
    assert page.evaluate(CONTRAST) == [] and page.evaluate(UNIQUE) == []
    slider = page.locator("#score")
    rows = page.locator("[data-threshold-rows] tbody tr")
    for key, row in (("Home", rows.last), ("End", rows.first)):
        slider.focus()
        page.keyboard.press(key)
        score = row.get_attribute("data-score")
        assert page.locator("output[data-show=score]").inner_text() == score and f"score={score}" in page.url
        for name in ("handoffs", "wins", "precision"):
            told = row.locator(f"[data-key={name}]").evaluate("e => e.textContent")
            shown = page.locator(f"[data-show={name}]").evaluate_all("all => all.map(e => e.textContent)")
            assert set(shown) == {told}, "wherever it stands"
    page.locator("a.point").first.click()
    assert page.locator("a.point").first.get_attribute("aria-current") == "true"
    page.get_by_label("Handoffs per week").fill("7")
    page.get_by_role("button", name="Replay").click()
    page.wait_for_url("**handoffs_per_week=7&**")
    assert page.locator("#tried").count() == 1
    visitor.check()
    page.close()


def test_without_scripts_a_score_is_shown_by_link_and_button(read: Served, chromium: Any) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{read.url}/thresholds")
    page.get_by_text("As a table").click()
    link = page.locator("[data-threshold-rows] tbody th a").last
    score = link.inner_text()
    link.click()
    assert page.locator("output[data-show=score]").inner_text() == score
    page.get_by_role("button", name="Show this score").click()
    assert f"score={score}" in page.url
    context.close()


def test_a_page_that_shows_what_is_loaded_by_itself_waits_for_whoever_is_writing(read: Served, chromium: Any) -> None:
    loading = [True]

    def answer(route: Any) -> None:
        got = route.fetch()
        note = '<p id="loading" aria-busy="true">loading</p>' if loading else ""
        route.fulfill(response=got, body=got.text().replace("</main>", f"{note}</main>"))

    visitor = Visitor(chromium, read.url, 1280)
    visitor.page.route("**/model", answer)
    page = visitor.go("/model")
    page.locator("main").evaluate(
        "main => main.insertAdjacentHTML('beforeend', '<dialog popover id=why><input aria-label=why></dialog>')"
    )
    page.locator("#why").evaluate("dialog => dialog.showPopover()")
    page.get_by_label("why").fill("because")
    loading.clear()
    for _ in range(2):  # the second look is made after the first one's answer was dealt with
        page.wait_for_event("requestfinished", lambda request: request.url.endswith("/model"))
    assert page.get_by_label("why").input_value() == "because" and page.locator("#loading").count() == 1
    page.locator("#why").evaluate("dialog => dialog.remove()")
    page.locator("#loading").wait_for(state="detached")
    visitor.check()
