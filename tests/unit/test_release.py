"""A wheel holds all that the product reads, and nothing is released without a word about it."""

import re
import subprocess
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.reference.release import ROOT, build_archives, known_files

ROOMS = ("features", "models", "pipelines", "serving")
SHARED = ("sources", "rubrics", "policies", "templates")


@pytest.fixture(name="wheel", scope="module")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build_archives(tmp_path_factory.mktemp("release"))[1])


def test_the_wheel_built_from_the_source_archive_holds_every_file_of_the_rooms(wheel: zipfile.ZipFile) -> None:
    held = set(wheel.namelist())
    own = {name for name in known_files() if name.split("/")[0] in ROOMS} | {"leadscore.py"}
    assert own - held == set()
    suffixes = {Path(name).suffix for name in own}
    assert suffixes >= {".py", ".typed", ".yaml", ".po", ".html", ".css", ".js", ".svg", ".j2"}


def test_the_wheel_ships_declarations_commands_and_licence_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    kinds = tuple(f"data/{kind}/" for kind in SHARED)
    shared = {name for name in known_files() if name.startswith(kinds)}
    info = f"leadscore-{version('leadscore')}"
    held = {name for name in wheel.namelist() if name.split("/")[0] not in (*ROOMS, "leadscore.py")}
    prefix = f"{info}.data/data/share/leadscore/"
    assert {name.replace(prefix, "data/") for name in held if name.startswith(prefix)} == shared
    others = {name.removeprefix(f"{info}.dist-info/") for name in held if not name.startswith(prefix)}
    assert others == {"licenses/LICENSE", "METADATA", "WHEEL", "entry_points.txt", "top_level.txt", "RECORD"}
    told = wheel.read(f"{info}.dist-info/entry_points.txt").decode()
    assert "leadscore = pipelines.cli.main:main" in told and "server = serving.cli:app" in told


def test_the_installed_version_is_the_one_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert version("leadscore") == declared


def released(tmp_path: Path, changelog: str, number: str = "9.9.9") -> subprocess.CompletedProcess[str]:
    (tmp_path / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "leadscore"\nversion = "{number}"\n', encoding="utf-8")
    command = ["bash", str(ROOT / ".ci" / "release"), "--check"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


FINE = """\
# Changelog

## [Unreleased]

## [9.9.9] - 2026-12-01

### Added

- One thing.

## [9.9.8] - 2026-11-01
"""


def test_a_version_with_a_dated_section_may_be_released(tmp_path: Path) -> None:
    done = released(tmp_path, FINE)
    assert (done.returncode, done.stderr) == (0, "") and "- One thing." in done.stdout and "9.9.8" not in done.stdout


WRONG = {
    "no section": (FINE.replace("9.9.9", "9.9.7"), "CHANGELOG.md has no section '## [9.9.9] - YYYY-MM-DD'"),
    "no date": (FINE.replace(" - 2026-12-01", ""), "CHANGELOG.md has no section"),
    "empty section": (FINE.replace("\n### Added\n\n- One thing.\n", ""), "section 9.9.9 says nothing"),
    "left over": (FINE.replace("[Unreleased]\n", "[Unreleased]\n\n- Another.\n"), "entries under 'Unreleased'"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_version_without_a_word_about_it_may_not(tmp_path: Path, wrong: str) -> None:
    changelog, said = WRONG[wrong]
    done = released(tmp_path, changelog)
    assert done.returncode == 1 and said in done.stderr


def test_sections_of_the_changelog_are_dated_newest_first_and_linked() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[(.+?)\](.*)$", text, re.M)
    assert sections[0] == ("Unreleased", "")
    numbers = [tuple(map(int, name.split("."))) for name, _ in sections[1:]]
    assert numbers == sorted(set(numbers), reverse=True)
    assert all(re.fullmatch(r" - \d{4}-\d{2}-\d{2}", dated) for _, dated in sections[1:])
    assert "CONTRIBUTING.md#a-release" in text
