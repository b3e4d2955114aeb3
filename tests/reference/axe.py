"""What axe-core objects to on an open page, in both themes."""

from importlib.resources import files
from typing import Any

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# id, how many places, the first of them; without rules all of them
RUN = """rules => axe.run(document, {resultTypes: ['violations'], preload: false, ...(rules && {runOnly: rules})})
  .then(found => found.violations.map(one =>
    [one.id, one.nodes.length, one.nodes.slice(0, 3).map(node => node.html.slice(0, 160))]))"""


def violations(page: Any, *, dark: bool = True) -> list[Any]:
    """What axe objects to on an open page: everything in the light theme, colours in the ``dark`` one, too.

    The script is evaluated by the browser's own door for developers, so that the page's policy need not be loosened.
    """
    page.wait_for_load_state()  # before its styles are there, a page shows both the wide and the narrow frame
    page.emulate_media(color_scheme="light", reduced_motion="reduce")  # a colour on its way to another is none
    page.evaluate(AXE)
    found = page.evaluate(RUN, None)
    if not dark:
        return list(found)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    in_dark = page.evaluate(RUN, ["color-contrast"])
    page.emulate_media(color_scheme="light")
    return [*found, *(["dark", *one] for one in in_dark)]
