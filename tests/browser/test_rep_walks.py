"""A rep's day in a real Chromium: whom to call, what to ask, what was done, and how it is undone."""

from collections.abc import Iterator
from typing import Any

import pytest

from serving.store.wall_clock import wall_now
from tests.reference.axe import violations
from tests.reference.served import Served
from tests.reference.serving import worklist_of
from tests.reference.visitor import CONTRAST, Visitor

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tiny_demo, tmp_path_factory.mktemp("state")).start()
    yield server
    server.stop()


def unknown_authority(run: Any) -> str:
    frame = worklist_of(run)
    return str(frame[frame["status_authority"] == "unknown"]["lead_id"].iloc[0])


def number(text: str) -> int:
    return int(text.split()[0].replace("−", "-"))


@pytest.mark.parametrize(
    "width", [390, pytest.param(1280, marks=pytest.mark.prove), pytest.param(1920, marks=pytest.mark.prove)]
)
def test_a_rep_finds_the_next_lead_answers_on_its_card_and_undoes(
    served: Served, tiny_demo: Any, chromium: Any, width: int
) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/worklist", "worklist")
    lead = unknown_authority(tiny_demo)
    page.get_by_role("searchbox", name="Search this list").fill(lead)
    page.keyboard.press("Enter")
    page.wait_for_url("**search=**")
    page.locator("[data-rows] tbody th a").first.click()
    page.wait_for_url("**/leads/**")
    visitor.check("card")

    shown = number(page.locator(".score-xl").inner_text())
    points = page.locator(".fall li:not(:first-child, .sum, [aria-hidden]) .pts").all_inner_texts()
    assert 50 + sum(number(text) for text in points) == shown
    before = page.locator("#c-authority .crit-head .chip").inner_text()
    if not page.locator("#ask-authority").is_visible():
        page.locator("#c-authority summary", has_text="Answer").first.click()
    box = page.locator("#ask-authority")
    box.get_by_label("Decides").check()
    box.get_by_role("button", name="Save and rescore").click()
    page.wait_for_url("**saved=answer**")
    visitor.check("answered")
    assert "search=" in page.url, "the list it was opened from is kept"
    toast = page.locator(".toast")
    assert toast.inner_text().startswith("Saved. The score ") and str(shown) in toast.inner_text()
    assert "met" in page.locator("#c-authority .crit-head .chip").inner_text()
    toast.get_by_role("button", name="Undo").click()
    page.wait_for_load_state()
    assert page.locator("#c-authority .crit-head .chip").inner_text() == before
    assert number(page.locator(".score-xl").inner_text()) == shown

    page.get_by_label("Framework").select_option("meddicc")
    page.wait_for_url("**framework=meddicc**")
    visitor.check("framework")
    page.locator("#do").get_by_role("button", name="Accept", exact=True).click()
    page.wait_for_url("**saved=accept**")
    assert "Accepted." in page.locator(".toast").inner_text()
    visitor.check()
    visitor.go(page.url.removeprefix(served.url).split("?")[0], "accepted")
    assert page.locator("#do").get_by_role("button", name="Accept", exact=True).count() == 0, "it looks accepted"
    page.get_by_role("button", name="Take back").click()
    page.wait_for_url("**saved=withdraw**")
    assert page.locator("#do").get_by_role("button", name="Accept", exact=True).count() == 1
    page.close()


@pytest.mark.parametrize(
    ("width", "scripts"),
    [(1280, True), pytest.param(390, True, marks=pytest.mark.prove), pytest.param(390, False, marks=pytest.mark.prove)],
)
def test_a_rep_logs_a_call_with_a_note_and_undoes_it(
    served: Served, tiny_demo: Any, chromium: Any, width: int, scripts: bool
) -> None:
    lead = str(worklist_of(tiny_demo)["lead_id"].iloc[5])
    if not scripts:
        page = chromium.new_page(viewport={"width": width, "height": 900}, java_script_enabled=False)
        page.goto(f"{served.url}/leads/{lead}")
    else:
        visitor = Visitor(chromium, served.url, width)
        page = visitor.go(f"/leads/{lead}")
    page.locator("#do").get_by_role("button", name="Log…").click()
    dialog = page.locator("#log")
    dialog.wait_for(state="visible")
    when = dialog.get_by_label("When (UTC)")
    latest = f"{wall_now():%Y-%m-%dT%H:%M}"
    assert when.input_value() <= str(when.get_attribute("max")) <= latest, "the data's present, and nothing to come"
    if scripts:
        visitor.check("log")
        assert violations(page) == []
    dialog.get_by_label("Meeting").check()
    dialog.get_by_role("textbox", name="Note").fill("Likes the plan.\nCall again after the board has met.")
    dialog.get_by_role("button", name="Log", exact=True).click()
    page.wait_for_url("**saved=logged**")
    first = page.locator(".timeline > li").first
    assert first.locator("p").all_inner_texts() == [
        "Meeting",
        "Likes the plan.\nCall again after the board has met.",
        "sales, local",
    ]
    if scripts:
        visitor.check("logged")
        assert violations(page) == []
    page.locator(".toast").get_by_role("button", name="Undo").click()
    page.wait_for_url("**saved=withdraw**")
    assert "Taken back." in page.locator(".toast").inner_text()
    assert "board has met" not in page.locator("main").inner_text()

    page.locator("section[aria-labelledby=time-h]").get_by_role("button", name="Log what happened…").click()
    dialog.get_by_label("Note", exact=True).and_(dialog.get_by_role("radio")).check()
    dialog.get_by_role("textbox", name="Note").fill("Back on Monday")
    dialog.get_by_role("button", name="Log", exact=True).click()
    page.wait_for_url("**saved=logged**")
    page.locator(".timeline > li").first.get_by_role("button", name="Take back").click()
    page.wait_for_url("**saved=withdraw**")
    assert "Back on Monday" not in page.locator("main").inner_text()
    page.close()


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.prove)])
def test_a_rep_returns_a_lead_with_a_reason(served: Served, chromium: Any, width: int) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/worklist?sort=name")
    row = page.locator("[data-rows] tbody tr").first
    lead = str(row.locator("th a").get_attribute("href"))
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    visitor.check("more")
    assert page.evaluate(CONTRAST) == []
    row.get_by_role("link", name="Return…").click()
    page.wait_for_url("**/leads/**")
    dialog = page.locator("#return")
    dialog.wait_for(state="visible")  # the address opens the question
    dialog.get_by_role("button", name="Return", exact=True).click()
    assert "saved=" not in page.url, "a return needs a reason"
    dialog.get_by_label("Reason").select_option("no_budget")
    dialog.get_by_role("button", name="Return", exact=True).click()
    page.wait_for_url("**saved=reject**")
    visitor.check("returned")
    assert "Returned" in page.locator(".note.is-watch[role=status]").inner_text()
    visitor.go("/worklist?sort=name")
    assert lead not in [link.get_attribute("href") for link in page.locator("[data-rows] tbody th a").all()]
    visitor.go(lead)
    page.locator(".note.is-watch[role=status]").get_by_role("button", name="Take back").click()
    page.wait_for_url("**saved=withdraw**")
    assert page.locator(".note.is-watch[role=status]").count() == 0
    page.close()


def test_several_leads_are_put_aside_at_once_and_come_back(served: Served, chromium: Any) -> None:
    visitor = Visitor(chromium, served.url, 1280)
    page = visitor.go("/worklist?grade=B")
    rows = page.locator("[data-rows] tbody tr")
    names = [rows.nth(k).locator("th a").get_attribute("href") for k in (1, 2)]
    for k in (1, 2):
        rows.nth(k).get_by_role("checkbox").check()
    assert page.locator("[data-tally]").inner_text() == "2"
    page.get_by_role("button", name="Snooze a week").first.click()
    page.wait_for_url("**saved=snooze**")
    visitor.check("bulk")
    assert "grade=B" in page.url and page.locator(".filter-on", has_text="Fit B").count() == 1
    left = [link.get_attribute("href") for link in page.locator("[data-rows] tbody th a").all()]
    assert not set(names) & set(left)
    page.locator(".toast").get_by_role("button", name="Undo").click()
    page.wait_for_url("**saved=withdraw**")
    back = [link.get_attribute("href") for link in page.locator("[data-rows] tbody th a").all()]
    assert set(names) <= set(back)
    page.close()


@pytest.mark.parametrize("width", [1280, pytest.param(390, marks=pytest.mark.prove)])
def test_a_lead_is_put_aside_until_a_day_with_a_note(served: Served, chromium: Any, width: int) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/worklist?sort=value")
    row = page.locator("[data-rows] tbody tr").first
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    row.get_by_role("link", name="Snooze until…").click()
    dialog = page.locator("#snooze")
    dialog.wait_for(state="visible")  # the address opens the question
    dialog.get_by_label("Back on the list on").fill("2199-11-30")
    dialog.get_by_label("Note").fill("when the board has met in the new year")
    dialog.get_by_role("button", name="Snooze", exact=True).click()
    page.wait_for_url("**saved=snooze**")
    visitor.check("put-aside")
    visitor.go("/worklist?show=snoozed", "snoozed")
    assert page.evaluate(CONTRAST) == []
    tab = page.locator(".tabs [aria-current]").bounding_box()
    assert tab and tab["x"] >= 0 and tab["x"] + tab["width"] <= width, "the tab one is on is in sight"
    cell, chip = (page.locator(f"[data-rows] tbody {part}").first.bounding_box() for part in ("th", "th .chip"))
    assert cell and chip and chip["x"] + chip["width"] <= cell["x"] + cell["width"], "the day stays in its column"
    assert "new year" in page.locator("[data-rows] tbody th q").inner_text()
    page.get_by_role("button", name="Wake").click()
    page.wait_for_url("**saved=withdraw**")
    visitor.check("nobody-aside")
    assert "Nobody is put aside" in page.locator(".empty").inner_text()
    page.close()


def test_an_action_keeps_the_place_and_the_focus(served: Served, chromium: Any) -> None:
    visitor = Visitor(chromium, served.url, 1280)
    page = visitor.go("/worklist")
    row = page.locator("[data-rows] tbody tr").nth(20)
    row.scroll_into_view_if_needed()
    place, name = page.evaluate("scrollY"), row.locator("th a").inner_text()
    assert place > 0
    row.locator("th a").focus()
    page.keyboard.press("a")
    page.wait_for_url("**saved=accept**")
    visitor.check()
    assert abs(page.evaluate("scrollY") - place) < 80, "the page comes back where it was"
    assert page.evaluate("document.activeElement.textContent") == name
    page.close()


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.prove)])
def test_a_rep_reads_in_another_language(served: Served, chromium: Any, width: int) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/worklist")
    for code, own, heading in (
        ("pl", "Polski", "Lista do pracy"),
        ("ko", "한국어", "작업 목록"),
        ("en", "English", "Worklist"),
    ):
        if width < 700:
            page.locator(".tabbar button").click()
        with page.expect_navigation():
            page.get_by_role("button", name=own).locator("visible=true").first.click()
        visitor.check(f"worklist-{code}")
        assert page.locator("h1").inner_text().strip() == heading
        page.locator("[data-rows] tbody th a").first.click()
        page.wait_for_url("**/leads/**")
        visitor.check(f"card-{code}")
        assert page.evaluate("document.documentElement.lang") == code
        visitor.go("/short", f"short-{code}")
        visitor.go("/worklist")
    page.context.clear_cookies()
    page.close()


def test_the_list_is_walked_by_keyboard_unless_keys_are_off(served: Served, chromium: Any) -> None:
    visitor = Visitor(chromium, served.url, 1280)
    page = visitor.go("/worklist")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    links = "[...document.querySelectorAll('[data-rows] tbody th a')]"
    for key, place in (("j", 0), ("j", 1), ("k", 0)):
        page.keyboard.press(key)
        assert page.evaluate(f"{links}.indexOf(document.activeElement)") == place
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "search"
    page.keyboard.press("Escape")
    page.locator("[data-rows] tbody th a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/leads/**")
    assert page.locator("h1").inner_text() == name
    with page.expect_navigation():
        page.keyboard.press("j")
    visitor.check()
    assert page.locator("h1").inner_text() != name, "j leads to the next lead"

    page.get_by_role("button", name="Keys: on").click()
    page.wait_for_load_state()
    visitor.go("/worklist")
    page.keyboard.press("j")
    assert page.evaluate(f"{links}.indexOf(document.activeElement)") == -1
    page.context.clear_cookies()
    page.close()


def test_the_theme_is_kept_by_the_server(served: Served, chromium: Any) -> None:
    visitor = Visitor(chromium, served.url, 1280)
    page = visitor.go("/worklist")
    with page.expect_response("**/display"):
        page.get_by_role("button", name="Dark").first.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    visitor.go("/worklist")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(CONTRAST) == []
    page.context.clear_cookies()
    page.close()


def test_it_works_without_a_script(served: Served, tiny_demo: Any, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{served.url}/worklist?search={unknown_authority(tiny_demo)}")
    page.locator("[data-rows] tbody th a").first.click()
    page.wait_for_url("**/leads/**")
    page.locator("#do").get_by_role("button", name="Accept", exact=True).click()
    page.wait_for_url("**saved=accept**")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    page.wait_for_url("**saved=withdraw**")
    context.close()
