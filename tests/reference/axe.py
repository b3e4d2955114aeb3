"""What axe-core objects to on an open page, in both themes."""

from importlib.resources import files
from typing import Any

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# id, how many places, the first of them
RUN = """asked => axe.run(document, {resultTypes: ['violations'], preload: false, ...asked})
  .then(found => found.violations.map(one =>
    [one.id, one.nodes.length, one.nodes.slice(0, 3).map(node => node.html.slice(0, 160))]))"""
COLOURS = "color-contrast"  # three quarters of axe's time


def violations(page: Any, *, colours: bool = True) -> list[Any]:
    """What axe objects to on an open page in the light theme, with or without its look at the ``colours``.

    The script is evaluated by the browser's own door for developers, so that the page's policy need not be loosened.
    """
    return _run(page, "light", {} if colours else {"rules": {COLOURS: {"enabled": False}}})


def colours_of(page: Any, scheme: str) -> list[Any]:
    """What axe objects to in the colours of an open page in a theme."""
    return _run(page, scheme, {"runOnly": [COLOURS]})


def _run(page: Any, scheme: str, asked: dict[str, Any]) -> list[Any]:
    page.wait_for_load_state()  # before its styles are there, a page shows both the wide and the narrow frame
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # a colour on its way to another is none
    page.evaluate(AXE)
    return list(page.evaluate(RUN, asked))
