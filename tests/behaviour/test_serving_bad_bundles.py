"""A server starts whatever bundle or pointer lies there, with the last good one, and says so; or says why it cannot."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.errors import BundleError, ExitStatus
from models.bundle import Bundle, content_hash, load_bundle
from pipelines.registry import soundness
from pipelines.registry.champion import point_to, read_champion
from pipelines.registry.prior_bundle import load_prior
from pipelines.tracking import mlflow_registry
from pipelines.workspace.context import open_context
from pipelines.workspace.matrix_files import load_matrix
from tests.reference.challengers import TEST, keep, rescaled
from tests.reference.serving import client_for, worklist_of

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


@pytest.mark.parametrize("state", [b"", b"\xff\x00", b'{"path": "../x", "hash": "../x", "previous": null}'])
def test_a_server_starts_on_a_damaged_pointer_with_what_it_served_last(
    tiny_copy: Any, tmp_path: Path, state: bytes
) -> None:
    paths = tiny_copy.context.paths
    good = read_champion(paths).hash
    with client_for(tiny_copy, tmp_path / "state") as client:
        assert health_of(client)["status"] == "ok"
    paths.champion.write_bytes(state)
    with client_for(tiny_copy, tmp_path / "state") as client:
        health = health_of(client)
        assert (health["status"], health["bundle_hash"]) == ("degraded", good)
        assert "champion.json" in health["problem"]
        assert client.get("/v1/worklist").status_code == 200
    with client_for(tiny_copy, tmp_path / "another state") as client:  # nothing was ever served here
        assert client.get("/readyz").status_code == 503
        assert "champion.json" in client.get("/v1/worklist").json()["detail"]
        assert health_of(client)["status"] == "degraded"


def test_a_server_without_a_good_bundle_starts_and_says_why(tiny_copy: Any, tmp_path: Path) -> None:
    paths = tiny_copy.context.paths
    first = read_champion(paths)
    plant_bad_bundle(tiny_copy)
    (first.folder / "bundle.json").write_bytes(b"{")
    with client_for(tiny_copy, tmp_path) as client:
        assert client.get("/readyz").status_code == 503
        assert "calibration.slope" in client.get("/v1/worklist").json()["detail"]


def test_a_bundle_that_cannot_be_probed_is_not_served(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise BundleError("scoring with it crashed (SIGABRT)")

    paths = tiny_copy.context.paths
    paths.probed.unlink(missing_ok=True)
    (paths.train / "train.json").unlink()  # so that nothing says who trained it
    monkeypatch.setattr(soundness, "probe_bundle", crash)
    with client_for(tiny_copy, tmp_path) as client:
        assert client.get("/readyz").status_code == 503
        assert "SIGABRT" in health_of(client)["problem"]


def test_a_bundle_by_its_folder_is_probed_before_it_scores(
    cli: Cli, tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Path] = []

    def crash(folder: Path, _: str) -> None:
        tried.append(folder)
        raise BundleError("scoring with it crashed (SIGABRT)")

    paths = tiny_copy.context.paths
    foreign = tmp_path / "foreign"
    shutil.copytree(read_champion(paths).folder, foreign)
    (foreign / "bundle.json").touch()
    paths.probed.unlink(missing_ok=True)
    (paths.train / "train.json").unlink()  # so that nothing says who trained it
    monkeypatch.setattr(soundness, "probe_bundle", crash)
    (tmp_path / "new.csv").write_text("Lead ID\n1\n")
    lead = str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    for words in (
        ("score", "--input", str(tmp_path / "new.csv"), "--out", str(tmp_path / "out.csv"), "--bundle", str(foreign)),
        ("explain", lead),
    ):
        status, _, err = cli(*words, *tiny_copy.args)
        assert status == ExitStatus.BUNDLE and "SIGABRT" in err.replace("\n", "")
    assert foreign in tried and not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("asked", ["/v1/champion/gate", "/v1/champion/churn", "promote --check", "monitor"])
def test_nothing_scores_with_a_bundle_before_its_probe(
    cli: Cli, tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    paths = tiny_copy.context.paths
    champion = load_bundle(paths.train / "bundle")
    other = keep(tiny_copy, rescaled(champion), tmp_path / "other")
    refused = champion.hash if asked == "monitor" else other
    scored: list[str] = []
    score = Bundle.log_odds

    def crash(_: Path, bundle_hash: str) -> None:
        if bundle_hash == refused:
            raise BundleError("scoring with it crashed (SIGABRT)")

    def watch(bundle: Bundle, values: Any) -> Any:
        scored.append(bundle.hash)
        return score(bundle, values)

    if asked == "monitor":
        paths.probed.unlink(missing_ok=True)
        (paths.train / "train.json").unlink()  # so that nothing says who trained it
    monkeypatch.setattr(soundness, "probe_bundle", crash)
    monkeypatch.setattr(Bundle, "log_odds", watch)
    if asked.startswith("/"):
        with client_for(tiny_copy, tmp_path / "state") as client:
            answer = client.get(asked, params={"hash": other})
        assert answer.status_code == (503 if asked.endswith("gate") else 200) and "SIGABRT" in answer.text
    else:
        words = asked.split() + ["--bundle", other] * asked.startswith("promote")
        status, _, err = cli(*words, *tiny_copy.args)
        assert status == ExitStatus.BUNDLE and "SIGABRT" in err.replace("\n", "")
    assert refused not in scored


def test_a_prior_bundle_is_probed_before_anything_leans_on_it(tiny_copy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise BundleError("scoring with it crashed (SIGABRT)")

    paths = tiny_copy.context.paths
    text = tiny_copy.source.read_text(encoding="utf-8") + f"\nmodel: {{prior_bundle: {read_champion(paths).folder}}}\n"
    tiny_copy.source.write_text(text, encoding="utf-8")
    paths.probed.unlink(missing_ok=True)
    (paths.train / "train.json").unlink()
    monkeypatch.setattr(soundness, "probe_bundle", crash)
    context = open_context(str(tiny_copy.source), tiny_copy.data_dir)
    with pytest.raises(BundleError, match=r"yaml line \d+: .*SIGABRT"):
        load_prior(context, load_matrix(paths.matrix))


@pytest.mark.parametrize("state", [b"", b"\xff\xfe\x00", b"[]", b'{"path": "x", "hash": "a/b", "previous": null}'])
def test_no_command_shows_a_traceback_for_a_damaged_pointer(
    cli: Cli, tiny_copy: Any, tmp_path: Path, state: bytes
) -> None:
    tiny_copy.context.paths.champion.write_bytes(state)
    (tmp_path / "new.csv").write_text("Lead ID\n1\n")
    commands = (
        ("champion",), ("rollback",), ("promote", "--check"), ("promote",), ("monitor",), ("score",),
        ("score", "--input", str(tmp_path / "new.csv"), "--out", str(tmp_path / "out.csv")), ("explain", "L1"),
    )  # fmt: skip
    for command in commands:
        status, out, err = cli(*command, *tiny_copy.args)
        assert status not in (0, ExitStatus.INTERNAL), (command, out, err)
        assert "Traceback" not in out + err and "champion.json" in (out + err).replace("\n", ""), (command, out, err)
    assert tiny_copy.context.paths.champion.read_bytes() == state


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
