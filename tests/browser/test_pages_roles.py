"""Each role walks its main path in a real Chromium: no console error, no request elsewhere, nothing overlapping."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.auth.api_keys import create_key
from serving.store.engine import open_store
from tests.reference.axe import violations
from tests.reference.provider import CLIENT, SECRET, LocalProvider
from tests.reference.served import Served
from tests.reference.serving import worklist_of
from tests.reference.visitor import CONTRAST, Visitor

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tiny_demo, tmp_path_factory.mktemp("state")).start()
    yield server
    server.stop()


@pytest.mark.parametrize("width", [1280, pytest.param(390, marks=pytest.mark.prove)])
def test_a_data_scientist_reads_how_it_was_judged(served: Served, chromium: Any, width: int) -> None:
    visitor = Visitor(chromium, served.url, width)
    page = visitor.go("/model", "model")
    text = page.inner_text("main")
    assert all(name in text for name in ("blend", "scorecard", "booster", "in use", "Log loss"))
    visitor.go("/docs", "api")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_enough(served: Served, tiny_demo: Any, chromium: Any, scheme: str) -> None:
    visitor = Visitor(chromium, served.url, 1280, scheme)
    for path in ("/", f"/leads/{worklist_of(tiny_demo)['lead_id'].iloc[0]}", "/thresholds", "/team", "/model", "/docs"):
        assert visitor.go(path).evaluate(CONTRAST) == [], path
    visitor.page.close()


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.prove)])
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
    page.locator("ul.results .who-cell a[href^='/accounts/']").first.click()
    page.wait_for_url("**/accounts/**")
    visitor.check("account")
    assert page.locator("li.seat").count() == 10 and page.evaluate(CONTRAST) == []
    for path in ("/expansion", "/process"):
        visitor.go(path, path[1:])
        assert page.evaluate(CONTRAST) == [], path
    assert page.locator("svg.flow rect").count() >= 9
    page.close()


def sign_out(page: Any, name: str) -> None:
    """On a phone the way out is in the sheet with everything else."""
    page.get_by_role("button", name="More", exact=True).click()
    page.locator("#more-sheet").get_by_role("button", name=f"Sign out {name}").click()


def test_with_keys_people_sign_in_and_out(tiny_demo: Any, chromium: Any, tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    token = create_key(store, "ann", ["read", "feedback"])
    store.close()
    server = Served(tiny_demo, tmp_path).start()
    try:
        visitor = Visitor(chromium, server.url, 390)
        page = visitor.go("/", "sign-in")
        assert page.url.endswith("/sign-in") and violations(page) == []
        page.get_by_label("API key").fill(token)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: url.removeprefix(server.url) in ("/", "/worklist"))
        visitor.check()
        sign_out(page, "ann")
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
        assert visitor.page.evaluate(CONTRAST) == [] and violations(page) == []
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
        sign_out(page, "ann@sales.example")
        visitor.go("/")
        assert page.url == f"{server.url}/sign-in"
        page.close()
    finally:
        server.stop()
        provider.close()
