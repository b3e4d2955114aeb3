"""The notebooks: paired with their scripts, no outputs, no definitions, words under every picture, and they run."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest

import leadscore
from pipelines.retraining.fingerprints import fingerprint_of
from pipelines.retraining.whats_new import keep_seen, see
from tests.reference.notebook_cells import code_cells, is_parameters, run_cells
from tests.reference.tiny_run import SETTINGS, TinyRun, open_run

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
Run = Callable[..., str]

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_seven_and_each_has_its_script() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{k:02}" for k in range(1, 8)]
    assert {path.stem for path in NOTEBOOKS} == {path.stem for path in FOLDER.glob("*.py")}


@each
def test_a_notebook_and_its_script_say_the_same(path: Path) -> None:
    notebook, script = nbformat.read(path, as_version=4), jupytext.read(path.with_suffix(".py"))
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ], "run: make notebooks"
    assert notebook.metadata.kernelspec.name == "leadscore"


@each
def test_a_notebook_holds_no_output_and_defines_nothing(path: Path) -> None:
    cells = code_cells(path)
    assert cells and not any(cell.outputs or cell.execution_count for cell in cells)
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    assert not [node for cell in cells for node in ast.walk(ast.parse(cell.source)) if isinstance(node, defined)]
    assert sum(is_parameters(cell) for cell in cells) == 1


@each
def test_of_leadscore_a_notebook_calls_what_is_public(path: Path) -> None:
    rooms = {"features", "models", "pipelines", "serving", "tests"}
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                named = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
                assert not rooms & {name.partition(".")[0] for name in named}, ast.unparse(node)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "leadscore":
                assert node.attr in leadscore.__all__, node.attr


@each
def test_every_picture_has_words_under_it(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    for cell, below in zip(cells, [*cells[1:], None], strict=True):
        if cell.cell_type == "code" and ("plt.subplots" in cell.source or "shap.plots" in cell.source):
            assert below is not None and below.cell_type == "markdown", cell.source
            assert len(below.source.partition("\n#")[0].split()) > 20, below.source


@pytest.fixture(scope="module")
def copied(tiny_demo: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run, where notebooks may write; they share it, as they share ``../data``."""
    return Path(shutil.copytree(tiny_demo.folder, tmp_path_factory.mktemp("notebooks") / "tiny_demo"))


@pytest.fixture
def run(copied: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a notebook by its number, on the tiny run unless told otherwise; returns what it told."""
    monkeypatch.chdir(FOLDER)
    tiny = {"SOURCE": copied / "tiny_demo.yaml", "DATA_DIR": str(copied / "data"), "SETTINGS": SETTINGS}

    def call(number: str, parameters: Mapping[str, Any] = tiny) -> str:
        return run_cells(next(FOLDER.glob(f"{number}_*.ipynb")), parameters)

    return call


def test_01_shows_what_can_be_learned_from(run: Run) -> None:
    told = run("01")
    assert "contract_number" in told and "a planted leak" in told
    assert "of matured rows are won within 91 days" in told
    assert "of 155 features moved" in told


def test_02_makes_a_leak_and_finds_it(run: Run) -> None:
    told = run("02")
    assert "a microsecond later" in told
    counts = {
        line.split(":")[0]: ast.literal_eval(line.partition(":")[2].strip())
        for line in told.splitlines()
        if line.startswith(("then:", "today:"))
    }
    assert "leak" not in counts["then"] and counts["today"]["leak"] > 0
    assert "Contract Number" in told


@pytest.mark.real_data
def test_03_judges_the_models_on_the_same_rows(run: Run, tmp_path: Path) -> None:
    told = run("03", {"SOURCE": "b2b", "DATA_DIR": str(tmp_path), "SETTINGS": leadscore.TrainSettings.tiny()})
    assert "336 rows to learn from, 112 to judge by, 54 of them won" in told
    for model in ("base rate", "rubric", "scorecard", "logistic regression", "leadscore"):
        assert f"\n{model} " in told, model


def test_04_adds_up(run: Run) -> None:
    told = run("04")
    assert "adds up to" in told
    summed, score = told.partition("adds up to ")[2].splitlines()[0].split("; the score is ")
    assert summed == score


def test_05_says_what_rubric_and_model_would_have_held(run: Run) -> None:
    told = run("05")
    assert "At the rubric's workload" in told and "'promise':" in told and "cannot tell" in told


def test_06_takes_closed_deals_to_a_decision(run: Run, copied: Path) -> None:
    context = open_run(copied).context
    keep_seen(context.paths, see(context.paths, fingerprint_of(context)))  # nothing is new, so nothing is trained
    told = run("06")
    assert "Nothing is new since the last retrain." in told
    assert "inconclusive | " in told and "there will be enough" in told


def test_07_takes_an_export_to_a_list(run: Run, copied: Path) -> None:
    told = run("07", {"DEMO": copied / "tiny_demo.yaml", "DATA_DIR": str(copied / "data"), "SETTINGS": SETTINGS})
    assert "1,497 leads kept" in told, "the outcome of three is in quarantine"
    assert "reason_1" in told


@pytest.mark.prove
@each
def test_notebooks_run_as_they_stand_in_their_kernel(path: Path, tmp_path: Path) -> None:
    """As a reader runs them: the kernel of ``make notebooks``, the product's budgets, real data fetched."""
    from nbclient import NotebookClient

    install = [sys.executable, "-m", "ipykernel", "install", "--prefix", str(tmp_path), "--name", "leadscore"]
    subprocess.run(install, check=True, capture_output=True)
    spec = json.loads((tmp_path / "share/jupyter/kernels/leadscore/kernel.json").read_text())
    assert spec["argv"][0] == sys.executable
    shutil.copytree(FOLDER, tmp_path / "notebooks")
    notebook = nbformat.read(path, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(tmp_path / "share/jupyter"))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]))
        client = NotebookClient(
            notebook,
            timeout=3600,
            kernel_name="leadscore",
            resources={"metadata": {"path": str(tmp_path / "notebooks")}},
        )
        client.execute()
    assert not [cell for cell in notebook.cells if any(out.output_type == "error" for out in cell.get("outputs", ()))]
