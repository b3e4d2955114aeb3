"""A manager, a marketer and a data scientist begin their day at home in a real Chromium."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.reference.served import Served
from tests.reference.visitor import CONTRAST, Visitor

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tiny_demo, tmp_path_factory.mktemp("state")).start()
    yield server
    server.stop()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_manager_has_three_questions_and_finds_three_answers(served: Served, chromium: Any, width: int) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/?role=manager", "home-manager")
    assert page.locator(".tile").count() == 5
    assert page.locator(".note", has_text="score").first.is_visible()
    page.locator(".tile .term").first.click()
    assert page.locator(".pop:popover-open").count() == 1, "a word is explained where it stands"
    page.keyboard.press("Escape")

    page.locator(".tile a", has_text="Waiting too long").click()
    page.wait_for_url("**/team#waiting")
    visitor.check("team")
    assert page.locator("table.heat td").count() > 10
    row = page.locator("#waiting tbody tr").first
    row.locator("a").first.click()
    page.wait_for_url("**/leads/**")
    visitor.check("card")

    visitor.go("/?role=manager")
    page.get_by_role("link", name="See the evidence").click()
    page.wait_for_url("**/model")
    visitor.check("model")


@pytest.mark.parametrize(("role", "leads_to"), [("marketer", "/rubric"), ("scientist", "/model"), ("rep", "/worklist")])
def test_every_home_leads_to_the_page_its_role_works_on(
    served: Served, chromium: Any, role: str, leads_to: str
) -> None:
    visitor = Visitor(chromium, served.url, 1280)
    page = visitor.go("/")
    page.locator(f".seg a[href='/?role={role}']").click()
    page.wait_for_url(f"**role={role}")
    visitor.check(f"home-{role}")
    assert page.locator(f"main a[href^='{leads_to}']").count() >= 1
    visitor.go("/")
    assert page.locator(".page-head .seg [aria-current]").get_attribute("href") == f"/?role={role}", "it is remembered"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/?role=manager", "/?role=marketer", "/team", "/help/manager"])
def test_texts_of_home_and_team_stand_out_enough(served: Served, chromium: Any, scheme: str, path: str) -> None:
    visitor = Visitor(chromium, served.url, 1280, scheme)
    assert visitor.go(path).evaluate(CONTRAST) == []


def test_help_is_read_role_by_role(served: Served, chromium: Any) -> None:
    visitor = Visitor(chromium, served.url, 390)
    page = visitor.go("/help", "help")
    page.locator("main a[href='/help/rep']").click()
    page.wait_for_url("**/help/rep")
    visitor.check("help-rep")
    assert page.locator("dl.words dt").count() >= 8
