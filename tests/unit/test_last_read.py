"""Bundles read last are kept: the same object for the same bytes, another for others, never what was damaged since."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from features.errors import BundleError
from models.bundle import load_bundle
from models.bundle_files.last_read import LastRead


def test_only_the_last_ones_are_kept_and_a_failure_is_not() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    kept: LastRead[str] = LastRead(2)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert kept.read(name, lambda name=name: make(name)) == name.upper()  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]
    with pytest.raises(ZeroDivisionError):
        kept.read("d", lambda: str(1 / 0))
    assert kept.read("d", lambda: "d") == "d"


def test_a_bundle_is_what_its_files_say_now(tiny_demo: Any, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_demo.context.paths.train / "bundle", folder)
    first = load_bundle(folder, shared=True)
    assert load_bundle(folder, shared=True) is first
    assert load_bundle(folder) is not first

    document = json.loads((folder / "bundle.json").read_text())
    document["meta"]["seconds"] = -1.0  # no part of the hash
    (folder / "bundle.json").write_text(json.dumps(document))
    again = load_bundle(folder, shared=True)
    assert again.hash == first.hash
    assert again.meta["seconds"] == -1.0
    assert first.meta.get("seconds") != -1.0

    document["percentiles"][0] -= 1.0
    (folder / "bundle.json").write_text(json.dumps(document))
    with pytest.raises(BundleError, match="was changed"):
        load_bundle(folder, shared=True)
