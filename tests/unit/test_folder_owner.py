"""Two declarations of one name never share a data folder; one that was only moved keeps its own."""

import shutil
from pathlib import Path

import pytest

from pipelines.run import run_stage
from pipelines.workspace.context import open_context
from pipelines.workspace.folder_owner import OWNER, TakenFolderError, claim_folder, is_taken, read_owner
from pipelines.workspace.paths import Paths
from tests.reference.exports import write_flat


def declare(folder: Path) -> Path:
    """A declaration named shop, beside its own file."""
    folder.mkdir()
    source = write_flat(folder)
    assert source.path is not None
    return source.path


def test_a_second_declaration_of_one_name_is_refused(tmp_path: Path) -> None:
    first, second = declare(tmp_path / "a"), declare(tmp_path / "b")
    data = tmp_path / "data"
    run_stage(open_context(str(first), data), "ingest")
    paths = open_context(str(first), data).paths
    kept = (paths.ingest / "leads.parquet").read_bytes()

    with pytest.raises(TakenFolderError, match="another --data-dir") as refused:
        open_context(str(second), data)
    assert str(first) in str(refused.value) and str(second) in str(refused.value)
    assert (paths.ingest / "leads.parquet").read_bytes() == kept
    open_context(str(second), tmp_path / "other")


def test_a_declaration_may_be_edited_where_it_lies_and_moved_as_it_is(tmp_path: Path) -> None:
    first = declare(tmp_path / "a")
    paths = Paths(tmp_path / "data", "shop")
    claim_folder(paths, first)
    first.write_text(first.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    claim_folder(paths, first)

    shutil.move(tmp_path / "a", tmp_path / "moved")
    moved = tmp_path / "moved" / first.name
    claim_folder(paths, moved)
    owner = read_owner(paths)
    assert owner is not None and owner.path == str(moved.resolve())

    moved.unlink()
    edited = declare(tmp_path / "c")
    edited.write_text(edited.read_text(encoding="utf-8") + "# moved and edited\n", encoding="utf-8")
    with pytest.raises(TakenFolderError, match=f"remove .*{OWNER}"):
        claim_folder(paths, edited)


def test_a_project_may_be_copied_as_a_whole(tmp_path: Path) -> None:
    declaration = declare(tmp_path / "a")
    claim_folder(Paths(tmp_path / "a" / "data", "shop"), declaration)
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    claim_folder(Paths(tmp_path / "copy" / "data", "shop"), tmp_path / "copy" / declaration.name)
    claim_folder(Paths(tmp_path / "a" / "data", "shop"), declaration)


def test_a_damaged_record_keeps_nobody_out(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "data", "shop")
    paths.root.mkdir(parents=True)
    (paths.root / OWNER).write_text("{", encoding="utf-8")
    claim_folder(paths, declare(tmp_path / "a"))
    assert read_owner(paths) is not None


def test_names_that_are_taken(tmp_path: Path) -> None:
    data, mine = tmp_path / "data", declare(tmp_path / "a")
    assert is_taken("bank", data, mine)
    assert not is_taken("shop", data, None)
    claim_folder(Paths(data, "shop"), mine)
    assert is_taken("shop", data, None) and is_taken("shop", data, tmp_path / "b.yaml")
    assert not is_taken("shop", data, mine)
