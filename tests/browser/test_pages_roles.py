"""Each role walks its main path in a real Chromium: no console error, no request elsewhere, nothing overlapping."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.auth.api_keys import create_key
from serving.store.engine import open_store
from tests.reference.provider import CLIENT, SECRET, LocalProvider
from tests.reference.served import Served
from tests.reference.serving import worklist_of

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("LEADSCORE_SCREENSHOTS")


@pytest.fixture(scope="module")
def served(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tiny_demo, tmp_path_factory.mktemp("state")).start()
    yield server
    server.stop()


class Visitor:
    """A browser window that notes what must not happen."""

    def __init__(self, chromium: Any, base: str, width: int, scheme: str = "light") -> None:
        self.page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.base, self.width, self.problems = base, width, []
        self.page.on("console", lambda message: self._note(message.type in ("error", "warning"), message.text))
        self.page.on("pageerror", lambda error: self._note(True, str(error)))
        self.page.on("request", lambda request: self._note(not request.url.startswith(base), f"asked {request.url}"))

    def _note(self, bad: bool, text: str) -> None:
        if bad:
            self.problems.append(text)

    def go(self, path: str, name: str = "") -> Any:
        self.page.goto(self.base + path)
        self.check(name)
        return self.page

    def check(self, name: str = "") -> None:
        self.page.wait_for_load_state()
        assert self.problems == []
        root = "document.documentElement"
        assert self.page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), f"{self.page.url} is too wide"
        assert self.page.evaluate(NAMELESS) == [], "controls without a name"
        if SHOTS and name:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}-{self.width}.png"))


NAMELESS = """[...document.querySelectorAll('input:not([type=hidden]), select, button, a')].filter(e =>
  !(e.labels && e.labels.length) && !e.getAttribute('aria-label') && !e.textContent.trim()).map(e => e.outerHTML)"""

CONTRAST = """() => {
  const channel = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const low = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
    if (['SCRIPT', 'OPTION', 'text'].includes(e.tagName)) continue;
    const style = getComputedStyle(e), a = light(rgb(style.color)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) low.push([e.tagName, e.className, e.textContent.trim().slice(0, 30), ratio]);
  }
  return low;
}"""


def unknown_authority(run: Any) -> str:
    frame = worklist_of(run)
    return str(frame[frame["status_authority"] == "unknown"]["lead_id"].iloc[0])


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_a_rep_finds_the_next_lead_and_answers_on_its_card(
    served: Served, tiny_demo: Any, chromium: Any, width: int
) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/", "worklist")
    lead = unknown_authority(tiny_demo)
    page.get_by_role("searchbox").fill(lead)
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**search=**")
    page.locator("a.name").first.click()
    page.wait_for_url("**/leads/**")
    visitor.check("card")
    shown = page.locator(".figures .main dd").inner_text()
    bars = page.locator(".waterfall .bar:not(.start):not(.end) b").all_inner_texts()
    assert 50 + sum(int(text.replace("−", "-")) for text in bars) == int(shown)
    box = page.locator("#c-authority .question")
    if box.count():
        box.get_by_label("Answer").select_option("decides")
        box.get_by_role("button", name="Save and rescore").click()
        page.wait_for_url("**saved=answer**")
        visitor.check("answered")
        assert "up to date" in page.get_by_role("status").inner_text()
        assert "met" in page.locator("#c-authority h3 .chip").inner_text()
    page.get_by_label("Framework").select_option("meddicc")
    page.wait_for_url("**framework=meddicc**")
    visitor.check("framework")
    page.get_by_role("button", name="Accept").click()
    page.wait_for_url("**saved=feedback**")
    assert "accept" in page.locator("section[aria-labelledby=h-sales] .tag").inner_text()
    visitor.check()
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_rep_puts_a_lead_aside_from_the_list(served: Served, chromium: Any, width: int) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/?sort=lead&size=20")
    row = page.locator("table.worklist tbody tr").first
    lead = row.locator("a.name").get_attribute("href")
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    visitor.check("put-aside")
    assert page.evaluate(CONTRAST) == []
    row.get_by_role("button", name="Reject").click()
    assert page.url.endswith("?sort=lead&size=20"), "a rejection needs a reason"
    row.get_by_label("Reason").select_option("no_need")
    row.get_by_role("button", name="Reject").click()
    page.wait_for_url("**saved=reject**")
    visitor.check()
    assert "sort=lead" in page.url and "reject" in page.get_by_role("status").inner_text()
    assert lead not in [link.get_attribute("href") for link in page.locator("a.name").all()]
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_rep_reads_in_another_language(served: Served, chromium: Any, width: int) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/")
    for code, heading in (("pl", "Lista do pracy"), ("ko", "작업 목록"), ("en", "Worklist")):
        with page.expect_navigation():
            page.locator("header select[name=code]").select_option(code)
        visitor.check(f"worklist-{code}")
        assert page.locator("h1").inner_text() == heading
        page.locator("a.name").first.click()
        page.wait_for_url("**/leads/**")
        visitor.check(f"card-{code}")
        assert page.evaluate("document.documentElement.lang") == code
        for name in ("thresholds", "team", "model"):
            visitor.go(f"/{name}", f"{name}-{code}")
        visitor.go("/")
    visitor.go("/short", "short")
    page.context.clear_cookies()
    page.close()


def test_marketing_tries_a_rubric_on_the_past(served: Served, chromium: Any) -> None:
    visitor = Visitor(chromium, served.url, 1280)
    page = visitor.go("/thresholds")
    page.get_by_text("The rubric as YAML").click()
    page.get_by_role("button", name="Replay with this rubric").click()
    page.locator("#own").wait_for()
    visitor.check("rubric-tried")
    assert "model" in page.locator("#own").inner_text()
    page.close()


def test_the_list_is_walked_by_keyboard(served: Served, chromium: Any) -> None:
    visitor = Visitor(chromium, served.url, 1280)
    page = visitor.go("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for key, place in (("j", 0), ("j", 1), ("k", 0)):
        page.keyboard.press(key)
        assert page.evaluate("[...document.querySelectorAll('a.name')].indexOf(document.activeElement)") == place
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_url("**/leads/**")
    assert page.locator("h1").inner_text() == name
    visitor.check()
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_manager_moves_the_workload(served: Served, chromium: Any, width: int) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/thresholds", "thresholds")
    slider = page.locator("#workload")
    slider.focus()
    page.keyboard.press("Home")
    first = page.locator("b[data-show=workload]").inner_text()
    page.keyboard.press("End")
    last = page.locator("b[data-show=workload]").inner_text()
    assert int(first.replace(",", "")) < int(last.replace(",", ""))
    page.get_by_label("Handoffs per week").fill("7")
    page.get_by_role("button", name="Replay").click()
    page.wait_for_url("**handoffs_per_week=7&**")
    assert "At 7 handoffs per week" in page.inner_text("main")
    visitor.check()
    visitor.go("/team", "team")
    page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_data_scientist_reads_how_it_was_judged(served: Served, chromium: Any, width: int) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/model", "model")
    text = page.inner_text("main")
    assert all(name in text for name in ("blend", "scorecard", "booster", "live model", "Log loss"))
    visitor.go("/docs", "api")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_enough(served: Served, tiny_demo: Any, chromium: Any, scheme: str) -> None:
    visitor = Visitor(chromium, served.url, 1280, scheme)
    for path in ("/", f"/leads/{worklist_of(tiny_demo)['lead_id'].iloc[0]}", "/thresholds", "/team", "/model", "/docs"):
        assert visitor.go(path).evaluate(CONTRAST) == [], path
    visitor.page.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_manager_finds_somebody_their_company_what_it_lacks_and_how_the_process_runs(
    served: Served, chromium: Any, width: int
) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/find")
    page.get_by_label("Name, company, mail, domain or id").fill("rio verde")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**q=rio**")
    visitor.check("find")
    assert page.evaluate(CONTRAST) == []
    page.locator("section[aria-labelledby=h-companies] tbody a").first.click()
    page.wait_for_url("**/accounts/**")
    visitor.check("account")
    assert page.locator("li.seat").count() == 10 and page.evaluate(CONTRAST) == []
    for path in ("/expansion", "/process"):
        visitor.go(path, path[1:])
        assert page.evaluate(CONTRAST) == [], path
    assert page.locator("svg.flow rect").count() >= 9
    page.close()


def test_with_keys_people_sign_in_and_out(tiny_demo: Any, chromium: Any, tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    token = create_key(store, "ann", ["read", "feedback"])
    store.close()
    server = Served(tiny_demo, tmp_path).start()
    try:
        visitor = Visitor(chromium, server.url, 390)
        page = visitor.go("/", "sign-in")
        assert page.url.endswith("/sign-in")
        page.get_by_label("API key").fill(token)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(server.url + "/")
        visitor.check()
        page.get_by_role("button", name="Sign out ann").click()
        visitor.go("/")
        assert page.url.endswith("/sign-in")
        page.close()
    finally:
        server.stop()


def test_people_sign_in_through_the_provider_on_another_site(tiny_demo: Any, chromium: Any, tmp_path: Path) -> None:
    people = {"ann": {"email": "ann@sales.example", "email_verified": True, "groups": ["sales"]}}
    provider = LocalProvider(people, host="localhost")  # another site than 127.0.0.1: strict cookies stay at home
    own = {"ISSUER": provider.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET}
    own |= {"GROUPS": '{"sales": ["read"]}', "SEE_ALL": '["sales"]', "NAME": "Example Inc."}
    server = Served(tiny_demo, tmp_path, **{f"OIDC_{name}": value for name, value in own.items()}).start()
    try:
        visitor = Visitor(chromium, server.url, 390)
        lead = str(worklist_of(tiny_demo)["lead_id"].iloc[0])
        page = visitor.go(f"/leads/{lead}", "sign-in-provider")
        assert visitor.page.evaluate(CONTRAST) == []
        page.get_by_role("link", name="Sign in with Example Inc.").click()
        page.wait_for_url(f"{provider.issuer}/authorize**")
        asked_elsewhere = [
            text for text in visitor.problems if not text.startswith(f"asked {provider.issuer}/authorize")
        ]
        assert asked_elsewhere == []
        page.get_by_role("button", name="ann").click()
        page.wait_for_url(f"{server.url}/leads/{lead}")
        visitor.problems.clear()
        visitor.check("signed-in")
        page.get_by_role("button", name="Sign out ann@sales.example").click()
        visitor.go("/")
        assert page.url == f"{server.url}/sign-in"
        page.close()
    finally:
        server.stop()
        provider.close()
