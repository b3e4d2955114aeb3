"""The house rules hold: import directions, top level, no pickle, no machine paths, documented decisions."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "models", "pipelines", "serving")
TOP_LEVEL = {*PACKAGES, "notebooks", "data", "tests", "docs", ".ci", ".dvc"}


def tracked() -> list[str]:
    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_imports_run_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_top_level_holds_only_the_declared_rooms() -> None:
    folders = {Path(name).parts[0] for name in tracked() if "/" in name}
    assert folders <= TOP_LEVEL, folders - TOP_LEVEL


@pytest.mark.parametrize("package", PACKAGES)
def test_product_never_unpickles(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        found = re.search(r"\b(pickle|joblib|cloudpickle|dill)\b", re.sub(r'"""[\s\S]*?"""', "", path.read_text()))
        assert found is None, f"{path}: {found}"


def test_generated_data_are_not_tracked() -> None:
    kept = {"sources", "rubrics", "policies", "README.md"}
    assert all(Path(name).parts[1] in kept for name in tracked() if name.startswith("data/"))


def test_every_decision_has_a_status() -> None:
    for path in (ROOT / "docs/adr").glob("0*.md"):
        assert re.search(r"^Status: (accepted|superseded by \d{4}|proposed)$", path.read_text(), re.M), path


def test_links_between_documents_lead_somewhere() -> None:
    for name in tracked():
        if not name.endswith(".md"):
            continue
        page = ROOT / name
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{name} links to {target}, which does not exist"
