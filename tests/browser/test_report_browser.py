"""The report in a real browser, wide and narrow, light and dark."""

import re
from typing import Any

import pytest

from tests.reference.tiny_run import TinyRun

pytestmark = pytest.mark.browser

UNFOLD = "document.querySelectorAll('details.fold').forEach(fold => { fold.open = true; })"
SCREEN = 900
OVERLAPS = """() => {
  const texts = 'main h1, main h2, main h3, main h4, main p, figcaption b, figcaption .n, .tile b, .tile span';
  const seen = [...document.querySelectorAll(texts)]
    .map(e => [e.getBoundingClientRect(), e]).filter(([r, e]) => r.width && r.height && e.checkVisibility());
  const bad = [];
  for (let i = 0; i < seen.length; i++) for (let j = i + 1; j < Math.min(seen.length, i + 12); j++) {
    const [a, e] = seen[i], [b, f] = seen[j];
    if (e.contains(f) || f.contains(e)) continue;
    const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (w > 2 && h > 2) bad.push(e.textContent.slice(0, 40) + ' | ' + f.textContent.slice(0, 40));
  }
  return bad;
}"""
TICKS = """() => [...document.querySelectorAll('.plot')].flatMap(plot => {
  const bad = [], box = plot.getBoundingClientRect();
  for (const axis of ['.xtick text', '.ytick text']) {
    const ticks = [...plot.querySelectorAll(axis)].map(t => t.getBoundingClientRect());
    for (const t of ticks)
      if (t.left < box.left - 2 || t.right > box.right + 2) bad.push(plot.dataset.chart + ' cut ' + axis);
    for (let k = 1; k < ticks.length; k++) {
      const a = ticks[k - 1], b = ticks[k];
      const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (w > 1 && h > 1) bad.push(plot.dataset.chart + ' overlapping ' + axis);
    }
  }
  for (const title of plot.querySelectorAll('.xtitle, .ytitle')) {
    const t = title.getBoundingClientRect();
    if (t.left < box.left - 2 || t.right > box.right + 2 || t.top < box.top - 2 || t.bottom > box.bottom + 2)
      bad.push(plot.dataset.chart + ' cut title');
  }
  return bad;
})"""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), pytest.param(390, "dark", marks=pytest.mark.prove)])
def test_the_report_draws_without_errors_overlaps_or_requests(
    tiny_demo: TinyRun, chromium: Any, width: int, scheme: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else said.append(r.url))
    page.goto(tiny_demo.page.as_uri(), timeout=90_000)
    assert page.evaluate("document.documentElement.scrollHeight") <= (12 * SCREEN if width == 1280 else 15_000)
    assert page.evaluate(OVERLAPS) == []
    answers = page.locator(".answer")
    assert answers.count() == 4
    if width == 1280:
        boxes = [one.bounding_box() for one in answers.all()]
        assert max(box["y"] + box["height"] for box in boxes) <= SCREEN
    page.evaluate(UNFOLD)
    page.wait_for_function(
        "document.querySelectorAll('.plot .main-svg').length >= document.querySelectorAll('.plot').length"
    )
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert page.locator(".plot").count() >= 10
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(TICKS) == []
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") != scheme
    assert said == []
    context.close()


def test_paper_shows_every_fold_and_the_answers_alone_fit_few_pages(tiny_demo: TinyRun, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.goto(tiny_demo.page.as_uri(), timeout=90_000)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.fold[open]").count() == 0
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.evaluate("document.body.classList.add('brief')")
    few = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", few)) <= 6
    page.close()


def test_a_link_into_a_folded_section_opens_it(tiny_demo: TinyRun, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(tiny_demo.page.as_uri(), timeout=90_000)
    page.click("nav a[href='#worklist']")
    assert page.locator("#worklist > details").get_attribute("open") is not None
    assert page.locator("#worklist .plot .main-svg").count() > 0
    page.close()
