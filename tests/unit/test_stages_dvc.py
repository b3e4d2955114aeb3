"""dvc.yaml lists the stages of ``leadscore run`` with the code they import."""

import ast
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from pipelines.cli.main import app
from pipelines.run import STAGES, TRACK
from pipelines.workspace.find_declarations import declared

ROOT = Path(__file__).resolve().parents[2]
FILE: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
EVERY = (*STAGES, TRACK)
MODULES = {TRACK: "pipelines.tracking.mlflow_run"}


def file_of(module: str) -> Path | None:
    """File of one of our modules."""
    base = ROOT / Path(*module.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.exists()), None)


def imported(path: Path) -> set[str]:
    """Our modules a file imports, at the top or inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.split(".")[0] in ("features", "models", "pipelines")}


def closure(module: str) -> set[str]:
    """Files that module needs, itself included, relative to the repository."""
    seen: set[Path] = set()
    todo = [module]
    while todo:
        path = file_of(todo.pop())
        if path is not None and path not in seen:
            seen.add(path)
            todo += imported(path)
    return {path.relative_to(ROOT).as_posix() for path in seen if path.name != "__init__.py"}


def test_stages_are_the_run_s_in_order_for_every_source() -> None:
    assert tuple(FILE) == EVERY
    for stage in FILE.values():
        assert sorted(stage["matrix"]["source"]) == declared("sources")


@pytest.mark.parametrize("name", EVERY)
def test_a_stage_s_command_is_a_verb_of_the_command_line(name: str) -> None:
    assert FILE[name]["cmd"] == f"leadscore {name} --source ${{item.source}} --no-gate"
    assert name in typer.main.get_command(app).commands


@pytest.mark.parametrize("name", EVERY)
def test_the_code_a_stage_imports_is_among_its_deps(name: str) -> None:
    deps = FILE[name]["deps"]
    covered = {
        file
        for file in closure(MODULES.get(name, f"pipelines.stages.{name}"))
        if any(file == dep or file.startswith(f"{dep}/") for dep in deps)
    }
    missing = sorted(closure(MODULES.get(name, f"pipelines.stages.{name}")) - covered)
    assert missing == [], f"add to stage '{name}' of dvc.yaml: {', '.join(missing)}"


@pytest.mark.parametrize("name", EVERY)
def test_every_dep_exists_or_is_made_by_an_earlier_stage(name: str) -> None:
    made = {"data/${item.source}/champion.json"}
    for earlier in EVERY[: EVERY.index(name)]:
        outs = [*FILE[earlier].get("outs", []), *(m for m in FILE[earlier].get("metrics", []))]
        made |= {next(iter(out)) if isinstance(out, dict) else out for out in outs}
    for dep in FILE[name]["deps"]:
        if dep.startswith("data/${item.source}/"):
            assert dep in made, f"{dep} of '{name}' is nobody's output"
        else:
            for source in declared("sources"):
                assert (ROOT / dep.replace("${item.source}", source)).exists(), dep


def test_stages_that_learn_watch_the_budgets() -> None:
    assert {name for name, stage in FILE.items() if stage.get("params") == ["leadscore"]} == {
        "matrix",
        "backtest",
        "train",
        "evaluate",
        "thresholds",
    }
    assert (ROOT / "params.yaml").exists()


def test_dvc_sends_no_usage_data_and_leaves_git_alone() -> None:
    text = (ROOT / ".dvc" / "config").read_text(encoding="utf-8")
    assert "analytics = false" in text and "autostage = false" in text
