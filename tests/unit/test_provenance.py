"""The commit of the project a declaration belongs to, and the packages a run was made with."""

import subprocess
from pathlib import Path

import pytest

from pipelines.tracking.provenance import Environment, installed_packages, project_commit


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, in which a declaration lies."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "mine.yaml").write_text("name: mine")
    (tmp_path / ".gitignore").write_text("ignored/")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-q", "-m", "first")
    return tmp_path


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_project_s_commit_and_whether_it_was_changed_since(project: Path) -> None:
    file, commit = project / "sources" / "mine.yaml", git(project, "rev-parse", "HEAD")
    assert project_commit(file) == {"mlflow.source.git.commit": commit, "git.dirty": "false"}
    file.write_text("name: other")
    assert project_commit(file) == {"mlflow.source.git.commit": commit, "git.dirty": "true"}


def test_no_commit_speaks_of_a_file_that_is_ignored_or_of_no_project(project: Path, tmp_path: Path) -> None:
    (project / "ignored").mkdir()
    (project / "ignored" / "mine.yaml").touch()
    assert project_commit(project / "ignored" / "mine.yaml") == {}


def test_a_repository_without_a_commit_and_a_machine_without_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    assert project_commit(tmp_path / "mine.yaml") == {}
    monkeypatch.setenv("PATH", str(tmp_path))
    assert project_commit(tmp_path / "mine.yaml") == {}


def test_the_same_packages_have_the_same_digest() -> None:
    found = installed_packages()
    assert found == installed_packages() and list(found.lines) == sorted(set(found.lines))
    assert any(line.startswith("scikit-learn==") for line in found.lines)
    assert Environment(found.lines[1:]).digest != found.digest
