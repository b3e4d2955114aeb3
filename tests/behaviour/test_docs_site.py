"""The site of the docs: built strictly, references from the code, links that lead somewhere, nothing from elsewhere."""

import functools
import html
import http.server
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer
from mkdocs.commands.build import build
from mkdocs.config import load_config

import leadscore
from pipelines.cli.main import app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as ``make docs`` builds it; a warning of mkdocs ends the build."""
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return folder


def words(page: Path) -> str:
    text = re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8").partition("<article")[2].partition("</article")[0])
    return re.sub(r"\s+", " ", html.unescape(text))


def commands(command: Any, name: str) -> Iterator[str]:
    for inner, one in getattr(command, "commands", {}).items():
        yield from commands(one, f"{name} {inner}")
    if not getattr(command, "commands", {}):
        yield name


def test_the_command_line_is_there_as_it_is(site: Path) -> None:
    text = words(site / "reference/cli.html")
    for name in commands(typer.main.get_command(app), "leadscore"):
        assert f" {name} ¶" in text, name
    assert "--promote-if-better make a challenger that is better beyond noise the champion" in text


def test_every_name_of_leadscore_is_there_with_what_it_takes(site: Path) -> None:
    page = site / "reference/python.html"
    anchors = page.read_text(encoding="utf-8")
    for name in leadscore.__all__:
        assert f'id="leadscore.{name}"' in anchors, name
    text = words(page)
    assert "one moment for all or one per lead (naive times are UTC)" in text
    assert ":func:" not in text and ":class:" not in text and "----" not in text


def test_every_link_leads_to_a_file_of_the_site(site: Path) -> None:
    pages = sorted(set(site.rglob("*.html")) - {site / "404.html"})  # its links are absolute
    assert len(pages) > 90
    for page in pages:
        for target in re.findall(r'(?:href|src)="([^"#?]+)', page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target):
                there = page.parent / unquote(html.unescape(target))
                assert there.is_file() or (there / "index.html").is_file(), f"{page}: {target}"
    contributing = (site / "contributing.html").read_text(encoding="utf-8")
    assert (
        'href="quality.html"' in contributing and "<code>features/catalog/families/engagement.py</code>" in contributing
    )


@pytest.mark.browser
def test_nothing_is_asked_of_another_host_and_the_search_finds(site: Path, chromium: Any) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}/"
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    try:
        for name in ("index.html", "reference/python.html", "roles/sales.html"):
            page.goto(home + name)
        page.keyboard.press("/")
        page.keyboard.type("quarantine")
        page.wait_for_selector(".md-search-result__item")
        assert page.locator(".md-search-result__item").count() > 3
    finally:
        page.close()
        server.shutdown()
        server.server_close()
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((home, "data:", "blob:"))] == []
