"""A source of one's own under DVC: named like its file, its paths hold elsewhere, and unwatched files are told."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipelines.workspace.params_file import watched_data
from tests.reference.calls import calls, write_calls

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an export and its declaration, in which one works."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "sources").mkdir()
    write_calls(tmp_path / "exports", calls(120)).rename(tmp_path / "sources" / "calls.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def file_of(declaration: Path) -> str:
    return str(yaml.safe_load(declaration.read_text(encoding="utf-8"))["tables"]["leads"]["location"]["file"])


def test_a_starter_in_the_project_names_its_file_so_that_a_clone_finds_it(cli: Cli, project: Path) -> None:
    export = next((project / "exports").iterdir())
    assert cli("init", f"exports/{export.name}", "--out", "sources/mine.yaml")[0] == 0
    assert file_of(project / "sources" / "mine.yaml") == f"../exports/{export.name}"
    outside = project.parent / f"{project.name}_elsewhere" / "mine.yaml"
    outside.parent.mkdir()
    assert cli("init", f"exports/{export.name}", "--out", str(outside))[0] == 0
    assert file_of(outside) == str(export.resolve())


def test_files_that_dvc_does_not_watch_are_told(cli: Cli, project: Path) -> None:
    declaration, export = project / "sources" / "calls.yaml", next((project / "exports").iterdir())
    declaration.write_text(
        declaration.read_text(encoding="utf-8").replace(f"file: {export.name}", f"file: ../exports/{export.name}"),
        encoding="utf-8",
    )
    command = ("ingest", "--source", str(declaration), "--data-dir", "data")
    assert "DVC" not in cli(*command)[1], "without a list there is nothing to say"

    (project / "params.yaml").write_text("sources: {calls: exports}", encoding="utf-8")
    assert watched_data("calls") == Path("exports") and watched_data("other") is None
    assert "DVC" not in cli(*command)[1]

    (project / "params.yaml").write_text("sources: {calls: sources}", encoding="utf-8")
    status, out, _ = cli(*command)
    assert (
        status == 0 and f"DVC watches sources for 'calls', but {declaration.parent / '../exports' / export.name}" in out
    )


def test_a_declaration_found_by_name_carries_that_name(
    cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.workspace.find_declarations.TREE", project)
    (project / "sources" / "calls.yaml").rename(project / "sources" / "mine.yaml")
    status, _, err = cli("ingest", "--source", "mine", "--data-dir", "data")
    assert status != 0 and "'name' is 'calls', but the file is mine.yaml; write name: mine" in " ".join(err.split())
    assert not (project / "data").exists()


def test_dvc_takes_the_line_as_a_dependency_of_ingest(project: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    shutil.copyfile(root / "dvc.yaml", project / "dvc.yaml")
    (project / ".dvc").mkdir()
    shutil.copyfile(root / ".dvc" / "config", project / ".dvc" / "config")
    (project / "params.yaml").write_text("sources: {calls: exports}\nleadscore: {}\nmonitor: {}", encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    command = [str(Path(sys.executable).parent / "dvc"), "status", "--json", "ingest@calls", "report@calls"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    deps = {name: one[0]["changed deps"] for name, one in found.items()}
    ingest = deps["ingest@calls"]
    assert ingest["exports"] == "modified" and ingest["data/sources/calls.yaml"] == "deleted"
    outs = {name: one[1]["changed outs"] for name, one in found.items()}
    assert "data/calls/reports/metrics.json" in outs["report@calls"] and "data/calls/ingest" in outs["ingest@calls"]
