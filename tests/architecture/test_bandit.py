"""Bandit looks at every package in `make lint`; whatever it may not find says why at its line."""

import tomllib
from pathlib import Path

import pytest

from tests.reference.bandit_findings import ROOMS, find_unexplained, unexplained_marks
from tests.reference.licence_table import ROOT

SHELL = "from subprocess import run\n\nrun(name, shell=True)"


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("", 1),
        ("  # noqa: S602", 1),
        ("  # noqa: S608  our own names", 1),
        ("  # noqa: S602  our own command", 0),
        ("  # noqa: S602, S607  our own command", 0),
    ],
)
def test_what_is_found_is_told_unless_its_line_says_why(mark: str, told: int, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(f"{SHELL}{mark}\n")
    found = find_unexplained([tmp_path])
    assert len(found) == told and all("code.py:3: B602" in line for line in found)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("def (\n")
    assert "not looked at" in find_unexplained([tmp_path])[0]


def test_no_security_rule_is_switched_off_without_a_reason(tmp_path: Path) -> None:
    assert unexplained_marks([ROOT / room for room in ROOMS]) == []
    (tmp_path / "code.py").write_text(
        "a = 1  # noqa: S105\nb = 2  # nosec\nc = 3  # noqa: S105  a name\nd = 4  # noqa: E501\n"
    )
    assert [line.split(":")[1] for line in unexplained_marks([tmp_path])] == ["1", "2"]


def test_lint_runs_it_over_every_package_with_one_rule_left_out() -> None:
    lint = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    assert "python -m tests.reference.bandit_findings" in lint
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages <= set(ROOMS)
    assert project["tool"]["bandit"] == {"skips": ["B404"]}
