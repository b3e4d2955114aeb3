"""The cron and CI examples of docs/retraining.md run, and end as they say for every status of a retrain."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import typer

from features.errors import ExitStatus
from pipelines.cli.main import app
from pipelines.retraining.retrain_record import Decision
from pipelines.retraining.retrain_run import STATUS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "retraining.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```bash (\w+)\n(.*?)```", PAGE, flags=re.DOTALL))
CRON = {0: (0, ""), 31: (0, ""), 30: (0, "then promote"), 32: (0, "too early"), 33: (1, "mend"), 20: (0, "tomorrow")}


def _run(example: str, folder: Path, retrain: int, monitor: int = 0) -> tuple[int, str]:
    fake = folder / "leadscore"
    fake.write_text(f'#!/bin/sh\necho "$@" >> calls\ntest "$1" = monitor && exit {monitor}\nexit {retrain}\n')
    fake.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "SOURCE": "demo", "DATA_DIR": "data"}
    done = subprocess.run(
        ["/bin/sh", "-c", EXAMPLES[example]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("status", [*CRON, 12])
def test_cron(status: int, tmp_path: Path) -> None:
    expected, said = CRON.get(status, (status, f"ended with {status}"))
    assert _run("cron", tmp_path, status)[0] == expected
    assert said in _run("cron", tmp_path, status)[1]


@pytest.mark.parametrize(
    ("retrain", "monitor", "expected"),
    [(0, 0, 0), (30, 0, 0), (31, 0, 0), (32, 0, 0), (33, 0, 1), (31, 24, 1), (12, 0, 12)],
)
def test_ci(retrain: int, monitor: int, expected: int, tmp_path: Path) -> None:
    assert _run("ci", tmp_path, retrain, monitor)[0] == expected


def test_the_options_and_statuses_of_the_page_exist() -> None:
    command = typer.main.get_command(app)
    assert isinstance(command, typer.main.TyperGroup)
    known = {flag for name in ("retrain", "monitor") for p in command.commands[name].params for flag in p.opts}
    used = {flag for text in EXAMPLES.values() for flag in re.findall(r"--[a-z-]+", text)}
    assert used and used <= known
    table = PAGE[PAGE.index("| exit status |") :].partition("\n\n")[0]
    assert {int(found) for found in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)} == {
        *map(int, STATUS.values())
    }
    assert set(STATUS) == set(Decision) and STATUS[Decision.PROMOTED] == ExitStatus.OK
