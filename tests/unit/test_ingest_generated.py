"""Synthetic files are made when they are missing or were made otherwise, and only then."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from features.errors import SourceError
from pipelines.stages.ingest import ingest
from pipelines.synth import generators
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables
from tests.reference.exports import FLAT, write_flat

GENERATED = FLAT + "synthetic: true\ngenerator: {name: toy, parameters: {rows: 3}}\n"


@pytest.fixture(name="made")
def _made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def write_toy(folder: Path, rows: int) -> None:
        calls.append({"rows": rows})
        text = "".join(f"clerk;{i};{'yes' if i % 2 else 'no'}\n" for i in range(rows))
        (folder / "calls.csv").write_text("job;age;y\n" + text)

    monkeypatch.setitem(generators.GENERATORS, "toy", lambda: write_toy)
    monkeypatch.setattr(generators, "hash_code", lambda write: "code 1")
    return calls


def test_files_are_made_once_and_again_when_parameters_or_code_change(
    tmp_path: Path, made: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = Paths(tmp_path / "data", "calls")
    for _ in range(2):
        assert ingest(write_flat(tmp_path, declaration=GENERATED), paths).content()["rows"]["leads"]["kept"] == 3
    assert made == [{"rows": 3}]
    ingest(write_flat(tmp_path, declaration=GENERATED.replace("rows: 3", "rows: 5")), paths)
    assert made == [{"rows": 3}, {"rows": 5}] and len(load_tables(paths)["leads"]) == 5
    monkeypatch.setattr(generators, "hash_code", lambda write: "code 2")
    ingest(write_flat(tmp_path, declaration=GENERATED.replace("rows: 3", "rows: 5")), paths)
    (paths.raw / "calls.csv").unlink()
    ingest(write_flat(tmp_path, declaration=GENERATED.replace("rows: 3", "rows: 5")), paths)
    assert len(made) == 4


def test_a_generated_source_never_reads_a_file_of_the_same_name(tmp_path: Path, made: list[dict[str, Any]]) -> None:
    paths = Paths(tmp_path / "data", "calls")
    source = write_flat(tmp_path, "job;age;y\nreal;1;no\nreal;2;yes\n", GENERATED)
    ingest(source, paths)
    assert set(load_tables(paths)["leads"]["job"]) == {"clerk"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("name: toy", "name: toi", "no generator 'toi'; known: "), ("rows: 3", "leads: 3", "unexpected keyword.*'leads'")],
)
def test_a_wrong_generator_or_parameter_is_named(
    tmp_path: Path, made: list[dict[str, Any]], old: str, new: str, said: str
) -> None:
    paths = Paths(tmp_path / "data", "calls")
    with pytest.raises(SourceError, match=said):
        ingest(write_flat(tmp_path, declaration=GENERATED.replace(old, new)), paths)
    assert not paths.raw.exists()


def test_the_code_of_a_whole_package_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "toy_package"
    package.mkdir()
    (package / "__init__.py").write_text("def write_toy(folder): ...\n")
    (package / "part.py").write_text("x = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    write = importlib.import_module("toy_package").write_toy
    before = generators.hash_code(write)
    (package / "part.py").write_text("x = 2")
    assert generators.hash_code(write) != before
