"""Pictures in the docs exist and are all used."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"(?:\]\(|src=\")([^)#\"\s]+)")


def test_no_picture_is_left_over() -> None:
    used = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if target.endswith(".png")
    }
    assert used == {file.resolve() for file in (ROOT / "docs").rglob("*.png")}
