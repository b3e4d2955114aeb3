"""``dvc repro`` and ``leadscore run`` are two ways to the same result; a source of one's own, month by month."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from models.bundle import load_bundle
from models.settings import TrainSettings
from pipelines.report.charts.curves import CURVES
from tests.reference.crm_export import deals, write_export
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


def exports_on(*days: str) -> list[pd.DataFrame]:
    """One CRM's deals as an export of each day has them: later closes are still open."""
    every, found = deals(2600), []
    for day in days:
        known = every[every["created"] < day].copy()
        known.loc[known["closed"] >= day, ["status", "closed", "amount"]] = ["Open", "", ""]
        found.append(known)
    return found


def commit(folder: Path, message: str) -> None:
    call(folder, "git", "add", "-A")
    call(folder, "git", "-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q", "-m", message)


def figures(folder: Path, *words: str) -> dict[str, Any]:
    """The figures of ``dvc metrics diff`` by their names."""
    found: dict[str, Any] = json.loads(call(folder, "dvc", "metrics", "diff", *words, "--json"))
    return dict(found["data/mine/reports/metrics.json"])


def test_new_deals_make_stages_stale_and_a_promotion_trains_nothing(tmp_path: Path) -> None:
    folder, (before, after) = copy_of_the_tree(tmp_path / "tree"), exports_on("2024-12-01 00:00", "2025-05-20 00:00")
    (folder / "exports" / "mine").mkdir(parents=True)
    file = write_export(folder / "exports" / "mine" / "deals.csv", before)
    python = (sys.executable, "-m", "pipelines.cli")
    call(folder, *python, "init", "exports/mine/deals.csv", "--out", "data/sources/mine.yaml")
    declaration = folder / "data" / "sources" / "mine.yaml"
    text = declaration.read_text(encoding="utf-8").replace("name: deals", "name: mine", 1)
    declaration.write_text(text, encoding="utf-8")
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    (folder / "params.yaml").write_text(
        yaml.safe_dump(params | {"sources": {"mine": "exports/mine"}}), encoding="utf-8"
    )

    call(folder, "dvc", "repro")
    assert "up to date" in call(folder, "dvc", "status")
    commit(folder, "first")
    first = json.loads((folder / "data" / "mine" / "champion.json").read_text())["hash"]

    write_export(file, after)
    stale = json.loads(call(folder, "dvc", "status", "--json"))
    assert stale["ingest@mine"] == [{"changed deps": {"exports/mine": "modified"}}]
    call(folder, "dvc", "repro")
    found = figures(folder)
    assert found["test.n"]["new"] > found["test.n"]["old"] and "test.log_loss" in found
    assert len(json.loads(call(folder, "dvc", "plots", "diff", "--json"))["data"]) == len(CURVES)
    champion = folder / "data" / "mine" / "champion.json"
    assert json.loads(champion.read_text())["hash"] == first, "no training promotes itself"
    commit(folder, "second")

    call(folder, *python, "promote", "--source", "mine", "--force", "--reason", "more deals")
    promoted = json.loads(champion.read_text())["hash"]
    assert promoted != first
    assert json.loads(call(folder, "dvc", "status", "register@mine", "--json")).keys() >= {"register@mine"}
    ran = call(folder, "dvc", "repro")
    assert {line.split("'")[1] for line in ran.splitlines() if line.startswith("Running stage")} == {
        f"{name}@mine" for name in ("register", "score", "report", "track")
    }
    assert json.loads(champion.read_text())["hash"] == promoted
    commit(folder, "promoted")

    call(folder, "dvc", "exp", "run", "-S", "leadscore.seed=8", "-n", "other", "report@mine")
    shown = json.loads(call(folder, "dvc", "exp", "show", "--json"))
    assert len(shown) >= 2 and json.loads(champion.read_text())["hash"] == promoted
    changed = json.loads(call(folder, "dvc", "params", "diff", "--json"))["params.yaml"]
    assert list(changed) == ["leadscore.seed"] and changed["leadscore.seed"]["new"] == 8
    call(folder, "git", "checkout", "-q", "--", "params.yaml", "dvc.lock")
    call(folder, "dvc", "checkout", "--force")

    call(folder, "dvc", "remote", "add", "--default", "team", str(tmp_path / "remote"))
    call(folder, "dvc", "push", "-q")
    commit(folder, "remote")
    clone = tmp_path / "clone"
    call(tmp_path, "git", "clone", "-q", str(folder), str(clone))
    call(clone, "dvc", "pull", "-q", "register@mine", "report@mine")
    kept = clone / "data" / "mine"
    assert json.loads((kept / "champion.json").read_text())["hash"] == promoted
    assert load_bundle(kept / "bundles" / promoted, promoted).hash == promoted
    assert (kept / "reports" / "report.html").exists() and not (kept / "ingest").exists()
