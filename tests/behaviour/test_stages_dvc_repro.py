"""``dvc repro`` and ``leadscore run`` are two ways to the same result."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.settings import TrainSettings
from tests.reference.tiny_run import LEADS

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.prove


def copy_of_the_tree(folder: Path) -> Path:
    """The tracked files, with a small demo and tiny budgets."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for name in filter(None, listed):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    path = folder / "data" / "sources" / "demo.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["generator"]["parameters"]["leads"] = LEADS
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    budgets = TrainSettings.tiny().model_copy(update={"alpha": 0.2}).model_dump()
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | {"leadscore": budgets}
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def call(folder: Path, *words: str) -> str:
    """A command in the copy, with the copy's code."""
    here = str(Path(sys.executable).parent)
    environment = os.environ | {"PYTHONPATH": str(folder), "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return done.stdout


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "demo" / "reports" / "summary.json").read_text(encoding="utf-8"))
    return {key: value for key, value in found.items() if key != "seconds"}


def test_the_same_bundle_and_the_same_summary(tmp_path: Path) -> None:
    folder = copy_of_the_tree(tmp_path / "tree")
    call(folder, "dvc", "repro", "track@demo")
    call(folder, "leadscore", "run", "--source", "demo", "--data-dir", "elsewhere", "--no-track")
    by_dvc, by_run = summary(folder / "data"), summary(folder / "elsewhere")
    assert by_dvc["bundle"]["hash"] is not None
    assert by_dvc == by_run
    assert "didn't change, skipping" in call(folder, "dvc", "repro", "report@demo")
    assert (folder / "data" / "mlflow.db").exists()
