"""From an empty data directory to a worklist, in Chromium: a file, its columns confirmed, the run, the list."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.reference.axe import violations
from tests.reference.crm_export import deals, write_export
from tests.reference.served import Served

pytestmark = pytest.mark.browser
_WAIT = 120_000  # milliseconds; on a quiet machine it takes a tenth


@dataclass(frozen=True)
class Empty:
    source: str
    data_dir: Path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    run = Empty("demo", tmp_path / "data")
    server = Served(run, run.data_dir / "demo" / "serving").start(ready="/healthz")
    yield server
    server.stop()


@pytest.mark.prove  # it trains as a run does
def test_a_newcomer_comes_from_a_file_to_a_worklist(served: Served, chromium: Any, tmp_path: Path) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(served.url) else problems.append(r.url))

    page.goto(served.url)
    assert page.url.endswith("/setup")
    assert violations(page) == []
    page.set_input_files("#file", str(write_export(tmp_path / "deals.csv", deals(500, seed=5))))
    page.get_by_role("button", name="Read the file").click()
    page.wait_for_selector("form[data-columns]", timeout=_WAIT)
    assert page.get_by_label("Column of the outcome").input_value() == "Lead Status"
    assert violations(page) == []
    page.get_by_role("button", name="Confirm and run").click()
    page.wait_for_selector("#ready-h", timeout=_WAIT)
    assert violations(page) == []
    assert not page.get_by_role("link", name="Read the report").get_attribute("href").startswith("http")
    page.get_by_role("link", name="Open the worklist").click()
    page.wait_for_url("**/worklist")
    assert page.locator("a[href^='/leads/']").count() > 5
    assert problems == []
    page.close()
