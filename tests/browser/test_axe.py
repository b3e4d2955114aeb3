"""axe-core finds nothing to object to: every page, in both themes, with the strict policy in force."""

import time
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from tests.benchmarks.bench_pages import addresses
from tests.reference.served import Served
from tests.reference.visitor import Visitor

pytestmark = pytest.mark.browser

_LOOKS = 120  # at a page that is being worked out, on a busy machine
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# id, how many places, the first of them; without rules all of them
RUN = """rules => axe.run(document, {resultTypes: ['violations'], preload: false, ...(rules && {runOnly: rules})})
  .then(found => found.violations.map(one =>
    [one.id, one.nodes.length, one.nodes.slice(0, 3).map(node => node.html.slice(0, 160))]))"""


@pytest.fixture(scope="module")
def served(tiny_demo: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tiny_demo, tmp_path_factory.mktemp("state")).start()
    yield server
    server.stop()


def violations(page: Any) -> list[Any]:
    """What axe objects to on an open page: everything in the light theme, colours in the dark one.

    The script is evaluated by the browser's own door for developers, so that the page's policy need not be loosened.
    """
    page.emulate_media(color_scheme="light", reduced_motion="reduce")  # a colour on its way to another is none
    page.evaluate(AXE)
    found = page.evaluate(RUN, None)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    dark = page.evaluate(RUN, ["color-contrast"])
    return [*found, *(["dark", *one] for one in dark)]


@pytest.mark.prove  # seconds for the hundreds of texts in its charts
def test_axe_objects_to_nothing_in_the_report(tiny_demo: Any, served: Served, chromium: Any) -> None:
    visitor = Visitor(chromium, served.url, 1280)
    visitor.page.goto(f"{served.url}/report")
    found = violations(visitor.page)
    visitor.page.close()
    assert found == []


@pytest.mark.parametrize("part", range(3))
def test_axe_objects_to_no_page(served: Served, tiny_demo: Any, chromium: Any, part: int) -> None:
    paths = [path for path in addresses(tiny_demo.context.paths, tiny_demo.data_dir) if "?search" not in path]
    paths += [
        "/?role=rep",
        "/?role=marketer",
        "/?role=scientist",
        "/rubric/rule",
        "/help/rep",
        "/docs",
        "/leads/nobody",
    ]
    visitor = Visitor(chromium, served.url, 1280)
    for _ in range(_LOOKS):  # a page that asks again by itself would take the one after it away
        if "refresh" not in visitor.page.request.get(served.url, headers={"accept": "text/html"}).headers:
            break
        time.sleep(1.0)
    found = {}
    for path in paths[part::3]:
        visitor.page.goto(served.url + path)
        found[path] = violations(visitor.page)
    visitor.page.close()
    assert {path: one for path, one in found.items() if one} == {}
