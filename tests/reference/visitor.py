"""A visitor in a real Chromium: notes console messages, requests elsewhere, nameless controls and faint texts."""

import os
from pathlib import Path
from typing import Any

SHOTS = os.environ.get("LEADSCORE_SCREENSHOTS")


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
        self.page.wait_for_function(COUNTED, timeout=120_000)
        assert self.problems == []
        root = "document.documentElement"
        assert self.page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), f"{self.page.url} is too wide"
        assert self.page.evaluate(NAMELESS) == [], "controls without a name"
        if SHOTS and name:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}-{self.width}.png"))


COUNTED = "() => document.body && !document.querySelector('[data-counting]')"  # such a page asks again by itself

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
