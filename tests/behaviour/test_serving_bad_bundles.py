"""A server starts whatever bundle or pointer lies there, with the last good one, and says so; or says why it cannot."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.errors import BundleError, ExitStatus
from models.bundle import content_hash
from pipelines.registry.champion import point_to, read_champion
from pipelines.tracking import mlflow_registry
from tests.reference.challengers import TEST
from tests.reference.champion_states import MADE, STATES
from tests.reference.serving import client_for

Cli = Callable[..., tuple[int, str, str]]


def health_of(client: Any) -> dict[str, Any]:
    return dict(client.get("/healthz").json())


def plant_bad_bundle(run: Any) -> str:
    """A kept bundle with a right hash and a negative slope, and a pointer to it, as if written by hand."""
    paths = run.context.paths
    good = read_champion(paths)
    document = json.loads((good.folder / "bundle.json").read_text())
    files = {path.name: path.read_text() for path in good.folder.glob("*.txt")}
    document.pop("hash")
    document["calibration"]["slope"] *= -1
    bad = document["hash"] = content_hash(document, files)
    folder = paths.bundles / bad
    folder.mkdir()
    (folder / "bundle.json").write_text(json.dumps(document))
    for name, text in files.items():
        (folder / name).write_text(text)
    pointer = json.loads(paths.champion.read_text())
    pointer |= {"path": f"bundles/{bad}", "hash": bad, "previous": good.hash}
    paths.champion.write_text(json.dumps(pointer))
    return bad


def test_a_server_starts_on_a_bad_bundle_with_the_champion_before_it(tiny_copy: Any, tmp_path: Path) -> None:
    paths = tiny_copy.context.paths
    kept, good = paths.champion.read_bytes(), read_champion(paths).hash
    plant_bad_bundle(tiny_copy)
    with client_for(tiny_copy, tmp_path) as client:
        health = health_of(client)
        assert (health["status"], health["bundle_hash"]) == ("degraded", good)
        assert (
            "calibration.slope" in health["problem"] and f"Bundle {good[:12]}, the last good one" in health["problem"]
        )
        assert client.get("/readyz").status_code == 200 and client.get("/v1/worklist").status_code == 200

        client.app.state.app_state.refresh()
        assert health_of(client)["status"] == "degraded"
        paths.champion.write_bytes(kept)
        client.app.state.app_state.refresh()
        assert health_of(client)["status"] == "ok"


def ask_each_command(cli: Cli, tiny: Any, folder: Path) -> None:
    """Every command that reads the pointer refuses it in words that name it."""
    (folder / "new.csv").write_text("Lead ID\n1\n")
    commands = (
        ("champion",), ("rollback",), ("promote", "--check"), ("promote",), ("monitor",), ("score",),
        ("score", "--input", str(folder / "new.csv"), "--out", str(folder / "out.csv")), ("explain", "L1"),
    )  # fmt: skip
    for command in commands:
        status, out, err = cli(*command, *tiny.args)
        assert status not in (0, ExitStatus.INTERNAL), (command, out, err)
        assert "Traceback" not in out + err and "champion.json" in (out + err).replace("\n", ""), (command, out, err)


@pytest.mark.parametrize("state", ["empty", "binary", "a list", "a hash that climbs"])
def test_no_command_shows_a_traceback_for_a_damaged_pointer(
    cli: Cli, tiny_copy: Any, tmp_path: Path, state: str
) -> None:
    pointer = tiny_copy.context.paths.champion
    pointer.write_bytes(STATES[state])
    ask_each_command(cli, tiny_copy, tmp_path)
    assert pointer.read_bytes() == STATES[state]


def test_no_command_waits_for_a_pointer_that_is_a_pipe(cli: Cli, tiny_copy: Any, tmp_path: Path) -> None:
    pointer = tiny_copy.context.paths.champion
    pointer.unlink()
    MADE["pipe"](pointer)
    ask_each_command(cli, tiny_copy, tmp_path)
    assert pointer.is_fifo()


@pytest.mark.prove
def test_no_command_shows_a_traceback_whatever_the_pointer_is(
    cli: Cli, tiny_copy: Any, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    pointer = tiny_copy.context.paths.champion
    for state in (*STATES, *MADE):
        shutil.rmtree(pointer) if pointer.is_dir() and not pointer.is_symlink() else pointer.unlink(missing_ok=True)
        pointer.write_bytes(STATES[state]) if state in STATES else MADE[state](pointer)
        ask_each_command(cli, tiny_copy, tmp_path)
    record_property("states", len(STATES) + len(MADE))


def test_a_bad_bundle_is_not_promoted(cli: Cli, tiny_copy: Any) -> None:
    paths = tiny_copy.context.paths
    kept = paths.champion.read_bytes()
    bad = plant_bad_bundle(tiny_copy)
    paths.champion.write_bytes(kept)
    status, _, err = cli("promote", "--bundle", bad[:12], "--force", "--reason", "a test", *tiny_copy.args)
    assert status == ExitStatus.BUNDLE and "calibration.slope" in err.replace("\n", "")
    assert paths.champion.read_bytes() == kept
    point_to(paths, read_champion(paths).hash, TEST)
    assert paths.champion.read_bytes() == kept


def test_a_bad_bundle_of_the_registry_leaves_the_pointer_and_is_not_kept(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = tiny_copy.context.paths
    kept = paths.champion.read_bytes()
    bad = plant_bad_bundle(tiny_copy)
    paths.champion.write_bytes(kept)
    fetched = (paths.bundles / bad).rename(tmp_path / "fetched")
    monkeypatch.setattr(mlflow_registry, "fetch_bundle", lambda *_: fetched)
    with pytest.raises(BundleError, match=r"calibration\.slope"):
        mlflow_registry.pull_champion(tiny_copy.context, mlflow_registry.NamedVersion("leadscore", "1", bad))
    assert paths.champion.read_bytes() == kept and not (paths.bundles / bad).exists()
