"""dvc.yaml, the command line and the table of stages say the same, and a stage's deps hold all the code it imports."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from features.errors import ContractError
from pipelines.cli.main import app
from pipelines.stages.stage_table import STAGES, TRACK, stage
from pipelines.workspace.find_declarations import declaration_names
from tests.reference.import_graph import House

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
STAGES_OF_FILE: dict[str, Any] = yaml.safe_load(TEXT)["stages"]
FILE: dict[str, Any] = {name: one["do"] for name, one in STAGES_OF_FILE.items()}
PARAMS_TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
PARAMS: dict[str, Any] = yaml.safe_load(PARAMS_TEXT)
OWN = "data/${key}/"
HOUSE = House(ROOT)
MODULES = {TRACK: "pipelines.tracking.mlflow_run", "register": "pipelines.stages.register_bundle"}  # named otherwise


def outputs(name: str) -> set[str]:
    """What a stage of the file leaves, below the source's folder."""
    outs = [out for kind in ("outs", "metrics", "plots") for out in FILE[name].get(kind, [])]
    return {(next(iter(out)) if isinstance(out, dict) else out).removeprefix(OWN) for out in outs}


def closure(name: str) -> set[str]:
    """Files that a stage's module needs, itself included, relative to the repository."""
    todo = [MODULES.get(name, f"pipelines.stages.{name}")]
    seen: set[str] = set()
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo += HOUSE.edges.get(module, ())
    return {f"{module.replace('.', '/')}.py" for module in seen if not module.endswith("__init__")}


def test_stages_are_the_table_s_in_order_for_every_listed_source() -> None:
    assert tuple(FILE) == tuple(STAGES)
    assert all(one["foreach"] == "${sources}" for one in STAGES_OF_FILE.values())
    offered = re.findall(r"^  # (\w+): data/sources/(\w+)\.yaml", PARAMS_TEXT, re.M)
    assert sorted([*PARAMS["sources"], *(name for name, _ in offered)]) == declaration_names("sources")
    assert all(name == file for name, file in offered)
    assert len(TEXT.splitlines()) < 160


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_s_command_is_a_verb_of_the_command_line_with_its_purpose(name: str) -> None:
    assert FILE[name]["cmd"] == f"leadscore {name} --source ${{key}} --no-gate"
    command = typer.main.get_command(app).commands[name]
    assert command.help == STAGES[name].purpose


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_s_inputs_artifacts_and_params_are_the_table_s(name: str) -> None:
    one, deps = STAGES[name], FILE[name]["deps"]
    asked = {dep.removeprefix(OWN) for dep in deps if dep.startswith(OWN)}
    wanted = {artifact for earlier in one.inputs for artifact in STAGES[earlier].artifacts}
    assert asked == wanted | ({"champion.json"} if one.champion else set())
    assert outputs(name) == set(one.artifacts)
    assert tuple(FILE[name].get("params", ())) == one.params and set(one.params) <= set(PARAMS)
    assert all(list(STAGES).index(earlier) < list(STAGES).index(name) for earlier in one.inputs)


@pytest.mark.parametrize("name", STAGES)
def test_the_code_a_stage_imports_is_among_its_deps(name: str) -> None:
    deps = FILE[name]["deps"]
    missing = sorted(f for f in closure(name) if not any(f == dep or f.startswith(f"{dep}/") for dep in deps))
    assert missing == [], f"add to stage '{name}' of dvc.yaml: {', '.join(missing)}"


@pytest.mark.parametrize("name", STAGES)
def test_every_dep_exists(name: str) -> None:
    for dep in FILE[name]["deps"]:
        if not dep.startswith(OWN):
            for source, data in PARAMS["sources"].items():
                assert (ROOT / dep.replace("${key}", source).replace("${item}", data)).exists(), dep


def test_an_unknown_stage_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ContractError, match="no stage 'sore'; stages: ingest, validate"):
        stage("sore")


def test_dvc_sends_no_usage_data_and_leaves_git_alone() -> None:
    text = (ROOT / ".dvc" / "config").read_text(encoding="utf-8")
    assert "analytics = false" in text and "autostage = false" in text
