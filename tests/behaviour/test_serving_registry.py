"""A server that follows MLflow's alias: takes up what it names, checks it by hash, serves on while it is away."""

import dataclasses
import http.client
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

import pipelines.tracking.mlflow_registry
import serving.state.registry_follower
from features.catalog.feature import Catalog
from features.errors import BundleError, RegistryError
from models.bundle import load_bundle, save_bundle
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.registry.champion import keep_bundle, read_champion
from pipelines.tracking.mlflow_names import SERVER, model_name
from pipelines.tracking.mlflow_registry import NamedVersion, follow_registry, named_champion
from pipelines.tracking.mlflow_run import track_run
from serving.background import run_step
from serving.state.registry_follower import follow
from tests.behaviour.test_serving_upkeep import another_bundle
from tests.reference.mlflow_server import run_mlflow
from tests.reference.serving import client_for, worklist_of


class Registry:
    """The one address of an MLflow server that is asked often; ``answer`` is what it says."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (404, b"{}")
        self.headers: dict[str, str] = {}
        self.raw = b""  # in place of an answer
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("authorization")))
                status, body = outer.answer
                if outer.raw:
                    self.wfile.write(outer.raw)
                    return
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.uri = f"http://127.0.0.1:{self.server.server_address[1]}"

    def names(self, bundle_hash: str, version: str = "1") -> None:
        tags = [{"key": "bundle_hash", "value": bundle_hash}] if bundle_hash else []
        self.answer = (200, json.dumps({"model_version": {"version": version, "tags": tags}}).encode())


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    found = Registry()
    monkeypatch.setenv(SERVER, found.uri)
    yield found
    found.server.shutdown()
    found.server.server_close()


def health(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/healthz").json())


def test_a_moved_alias_is_taken_up_and_an_absent_registry_said(
    registry: Registry, tiny_copy: Any, tmp_path: Path
) -> None:
    first, lead = tiny_copy.summary["bundle"]["hash"], str(worklist_of(tiny_copy)["lead_id"].iloc[0])
    other = another_bundle(tiny_copy, tmp_path)
    registry.names(first)
    with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
        app_state = client.app.state.app_state
        assert (health(client)["status"], health(client)["bundle_hash"]) == ("ok", first)
        registry.names(other, "2")
        follow(app_state)
        assert app_state.refresh()
        assert client.get(f"/v1/leads/{lead}").json()["bundle_hash"] == other
        move = read_champion(tiny_copy.context.paths).history[-1]
        assert move.how == "registry" and "version 2" in move.reason
        registry.server.shutdown()
        registry.server.server_close()
        follow(app_state)
        app_state.refresh()
        told = health(client)
        assert told["status"] == "degraded" and "cannot be reached" in told["problem"]
        assert client.get(f"/v1/leads/{lead}").json()["bundle_hash"] == other
        for path, body in (("", {"hash": first[:12]}), ("/rollback", {})):
            answer = client.post(f"/v1/champion{path}", json=body)
            assert answer.status_code == 409 and "move the alias" in answer.json()["detail"]


def test_a_machine_that_has_no_bundle_yet_fetches_it(
    registry: Registry, tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, bundle = tiny_copy.context.paths, tmp_path / "given out"
    first = read_champion(paths)
    shutil.copytree(first.folder, bundle)
    shutil.rmtree(paths.bundles)
    paths.champion.unlink()
    registry.names(first.hash)
    monkeypatch.setattr(pipelines.tracking.mlflow_registry, "fetch_bundle", lambda *_: bundle)
    monkeypatch.setattr(
        "serving.state.registry_follower.fetch_champion", lambda app_state: follow_registry(app_state.context)
    )
    with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
        assert (health(client)["status"], health(client)["bundle_hash"]) == ("ok", first.hash)


def test_a_bundle_of_another_hash_is_refused(
    registry: Registry, tiny_copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = tiny_copy.context.paths
    before = read_champion(paths)
    registry.names("0" * 64)
    monkeypatch.setattr(pipelines.tracking.mlflow_registry, "fetch_bundle", lambda *_: paths.train / "twin")
    with pytest.raises(BundleError, match="hash"):
        follow_registry(tiny_copy.context)
    assert read_champion(paths) == before
    assert not (paths.bundles / ("0" * 64)).exists()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}'), "no alias 'champion' .* 'leadscore-.*RESOURCE_DOES"),
        ((400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "Registered model alias x"}'), "has no alias"),
        ((400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "no"}'), "answered 400 INVALID_PARAMETER_VALUE;"),
        ((401, b"<html>who are you"), r"rejects these credentials \(401\); set MLFLOW_TRACKING_USERNAME"),
        ((403, b'{"error_code": "PERMISSION_DENIED"}'), r"\(403 PERMISSION_DENIED\).* may read 'leadscore-demo'"),
        ((503, b"[]"), "answered 503; it will be asked again"),
        ((500, b'{"error_code": "<b>words</b>"}'), "answered 500; "),
        ((200, b"<html>a proxy's page"), "does not answer as an MLflow server"),
        ((200, b"[]"), "does not answer as an MLflow server"),
        ((200, b"null"), "does not answer as an MLflow server"),
        ((200, b"[" * 100_000), "does not answer as an MLflow server"),
        ((200, b'{"model_version": null}'), "does not answer as an MLflow server"),
        ((200, b'{"model_version": {"tags": []}}'), "does not answer as an MLflow server"),
        ((200, b'{"model_version": {"version": "../3", "tags": []}}'), "does not answer as an MLflow server"),
        ((200, b'{"model_version": {"version": "3", "tags": ["bundle_hash"]}}'), "does not answer as an MLflow server"),
        ((200, b'{"model_version": {"version": "3", "tags": null}}'), "version 3 .* no tag 'bundle_hash'"),
        ((200, b'{"model_version": {"version": "3", "tags": []}}'), "version 3 .* no tag 'bundle_hash'"),
        (
            (200, b'{"model_version": {"version": 3, "tags": [{"key": "bundle_hash", "value": "../../etc"}]}}'),
            "version 3 .* no tag 'bundle_hash'",
        ),
    ],
)
def test_what_a_registry_may_say_is_told_with_what_to_do(
    registry: Registry, answer: tuple[int, bytes], text: str
) -> None:
    registry.answer = answer
    with pytest.raises(RegistryError, match=text):
        named_champion("demo")


@pytest.mark.parametrize("raw", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}"])
def test_what_is_no_answer_is_an_absent_registry(registry: Registry, raw: bytes) -> None:
    registry.raw = raw
    with pytest.raises(RegistryError, match=r"cannot be reached|does not answer as an MLflow server"):
        named_champion("demo")


@pytest.mark.parametrize(
    "uri",
    [
        "http://quentin:s3cret@127.0.0.1:1/prefix?token=s3cret#s3cret",
        "https://quentin:s3cret@registry.invalid",
        "http://s3cret@registry.invalid",
        "http://127.0.0.1:s3cret",
        "http://quentin:s3cret@[::1",
        "http://quentin:s3cret@",
        "http://quentin:s3cret@127.0.0.1:1/a b",
        "s3cret",
    ],
)
def test_no_secret_of_the_address_is_shown(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv(SERVER, uri)
    with pytest.raises(RegistryError) as told:
        named_champion("demo")
    assert "s3cret" not in str(told.value) and "quentin" not in str(told.value)
    assert SERVER in str(told.value)


def test_user_and_password_of_the_address_sign_in(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.names("a" * 64)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "other")
    monkeypatch.setenv(SERVER, registry.uri.replace("://", "://ann:b%3Ac@") + "/?x=1")
    named_champion("demo")
    path = "/api/2.0/mlflow/registered-models/alias?name=leadscore-demo&alias=champion"
    assert registry.asked == [(path, "Basic YW5uOmI6Yw==")]


def test_credentials_go_to_the_declared_server_alone(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Registry()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cret")
    registry.answer, registry.headers = (302, b""), {"location": f"{other.uri}/there"}
    with pytest.raises(RegistryError, match=r"redirects elsewhere \(302\)"):
        named_champion("demo")
    assert other.asked == []
    other.server.shutdown()
    other.server.server_close()


def test_the_alias_is_asked_for_as_mlflow_s_own_client_would(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.names("a" * 64, "7")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    assert named_champion("demo") == NamedVersion("leadscore-demo", "7", "a" * 64)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")  # without a password it is not used
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    named_champion("demo")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "b:c")
    named_champion("demo")
    path = "/api/2.0/mlflow/registered-models/alias?name=leadscore-demo&alias=champion"
    assert registry.asked == [(path, "Bearer secret")] * 2 + [(path, "Basic YW5uOmI6Yw==")]


def of_another_catalog(run: Any, tmp_path: Path) -> str:
    """A kept, sound bundle that today's declaration does not give the catalog of."""
    champion = read_champion(run.context.paths)
    assert champion is not None
    bundle = load_bundle(champion.folder)
    records = bundle.catalog.records()
    records[0]["doc"] = "otherwise than declared"
    changed = dataclasses.replace(bundle, catalog=Catalog.from_records(records))
    assert changed.catalog.hash != bundle.catalog.hash
    save_bundle(changed, tmp_path / "of another catalog")
    return keep_bundle(run.context.paths, tmp_path / "of another catalog")


def test_a_bundle_of_another_declaration_leaves_the_pointer_alone(
    registry: Registry, tiny_copy: Any, tmp_path: Path
) -> None:
    paths = tiny_copy.context.paths
    first, foreign = read_champion(paths), of_another_catalog(tiny_copy, tmp_path)
    registry.names(foreign)
    for _ in "to start", "and to start again":
        with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
            told = health(client)
            assert (told["status"], told["bundle_hash"]) == ("degraded", first.hash)
            assert (
                "was trained with catalog" in told["problem"] and "The last champion still serves." in told["problem"]
            )
        assert read_champion(paths) == first
    paths.champion.unlink()
    with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
        assert "serves on" not in health(client)["problem"]


def test_a_damaged_copy_is_fetched_again(
    registry: Registry, tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, given = tiny_copy.context.paths, tmp_path / "given out"
    other = another_bundle(tiny_copy, tmp_path)
    shutil.copytree(paths.bundles / other, given)
    monkeypatch.setattr(pipelines.tracking.mlflow_registry, "fetch_bundle", lambda *_: given)
    monkeypatch.setattr(
        "serving.state.registry_follower.fetch_champion", lambda app_state: follow_registry(app_state.context)
    )
    registry.names(other)
    file = paths.bundles / other / "bundle.json"
    for _ in "kept before it is named", "kept as the champion":
        file.write_text(file.read_text()[:500])
        with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
            assert (health(client)["status"], health(client)["bundle_hash"]) == ("ok", other)
        assert load_bundle(paths.bundles / other).hash == other


def test_a_folder_that_cannot_be_written_is_said(
    registry: Registry, tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = read_champion(tiny_copy.context.paths), another_bundle(tiny_copy, tmp_path)

    def read_only(*_: Any) -> None:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr("pipelines.artifacts.champion_record.write_json", read_only)
    registry.names(other)
    with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
        told = health(client)
        assert (told["status"], told["bundle_hash"]) == ("degraded", first.hash)
        assert "(Read-only file system)" in told["problem"]


def test_what_cannot_be_fetched_is_tried_later_and_later(
    registry: Registry, tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []
    now = [0.0]

    def fails(_: Any) -> None:
        tries.append(now[0])
        raise RegistryError("nothing is given out.")

    monkeypatch.setattr("serving.state.registry_follower.fetch_champion", fails)
    monkeypatch.setattr("serving.state.registry_follower.time.monotonic", lambda: now[0])
    registry.names("b" * 64)
    with client_for(tiny_copy, tmp_path / "state", bundle="registry", registry_seconds=15) as client:
        app_state = client.app.state.app_state
        for _ in range(80):
            now[0] += 15
            follow(app_state)
            assert "nothing is given out." in health(client)["problem"]
        assert tries == [0, 30, 90, 210, 450, 750, 1050]
        registry.names("b" * 64, "2")  # another version of it is tried at once
        follow(app_state)
        assert len(tries) == 8
        registry.names(app_state.loaded.model.bundle.hash)
        follow(app_state)
        assert health(client)["status"] == "ok"


def test_a_fetch_that_breaks_down_tells_nothing_of_its_own(monkeypatch: pytest.MonkeyPatch, tiny_copy: Any) -> None:
    app_state = SimpleNamespace(settings=SimpleNamespace(source="demo", data_dir=tiny_copy.data_dir))
    for status, text in ((17, "the registry is away"), (1, "status 1; run 'leadscore champion --pull'")):
        ended = subprocess.CompletedProcess([], status, "", "a line\nLS017 the registry is away: s3cret\n")
        monkeypatch.setattr(subprocess, "run", lambda *_, ended=ended, **__: ended)
        with pytest.raises(RegistryError, match=text) as told:
            serving.state.registry_follower.fetch_champion(app_state)  # type: ignore[arg-type]
        assert ("s3cret" in str(told.value)) == (status == 17)


def test_no_fault_ends_a_thread_behind_the_requests(capsys: pytest.CaptureFixture[str]) -> None:
    def faulty() -> None:
        raise http.client.IncompleteRead(b"a body")

    run_step("registry", faulty)
    told = capsys.readouterr().err
    assert '"kind": "IncompleteRead"' in told and '"step": "registry"' in told and "a body" not in told


def test_without_a_server_the_pointer_serves_and_health_says_what_is_missing(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SERVER, raising=False)
    with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
        told = health(client)
        assert told["status"] == "degraded" and f"set {SERVER}" in told["problem"]
        assert told["bundle_hash"] == read_champion(tiny_copy.context.paths).hash


def test_what_was_tracked_is_what_is_fetched(tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.tracking.untracked_runs.draw_pictures", lambda *_: [])
    told = track_run(tiny_copy.context, tiny_copy.summary_record)
    wanted = tiny_copy.summary["bundle"]["hash"]
    named = NamedVersion(model_name(tiny_copy.context.source.name), str(told.version), wanted)
    shutil.rmtree(tiny_copy.context.paths.bundles)
    assert pipelines.tracking.mlflow_registry.pull_champion(tiny_copy.context, named).hash == wanted
    assert (tiny_copy.context.paths.bundles / wanted / "bundle.json").exists()
    with pytest.raises(RegistryError, match="does not serve version 99"):
        pipelines.tracking.mlflow_registry.fetch_bundle(
            tiny_copy.context, NamedVersion(named.model, "99", wanted), tmp_path
        )


@pytest.fixture
def mlflow_server(tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A real server with a store and artifacts of its own."""
    folder = tmp_path / "mlflow"
    folder.mkdir()
    with run_mlflow(folder, f"sqlite:///{folder / 'm.db'}") as found:
        yield found


@pytest.mark.prove
def test_a_real_registry_is_followed_from_a_bare_machine(
    mlflow_server: tuple[str, Any], tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    uri, process = mlflow_server
    monkeypatch.setenv(SERVER, uri)
    monkeypatch.setattr("pipelines.tracking.untracked_runs.draw_pictures", lambda *_: [])
    paths, name = tiny_copy.context.paths, model_name(tiny_copy.context.source.name)
    track_run(tiny_copy.context, tiny_copy.summary_record)
    first = tiny_copy.summary["bundle"]["hash"]
    other = another_bundle(tiny_copy, tmp_path)
    shutil.rmtree(paths.train / "bundle")
    shutil.copytree(paths.bundles / other, paths.train / "bundle")
    changed = tiny_copy.summary | {"bundle": tiny_copy.summary["bundle"] | {"hash": other}}
    second = track_run(tiny_copy.context, SummaryRecord.of(changed)).version
    shutil.rmtree(paths.bundles)
    paths.champion.unlink()
    with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
        assert (health(client)["status"], health(client)["bundle_hash"]) == ("ok", first)
        mlflow.MlflowClient(uri).set_registered_model_alias(name, "champion", second)
        follow(client.app.state.app_state)
        client.app.state.app_state.refresh()
        assert (health(client)["status"], health(client)["bundle_hash"]) == ("ok", other)
        process.terminate()
        process.wait()
        follow(client.app.state.app_state)
        assert (health(client)["status"], health(client)["bundle_hash"]) == ("degraded", other)
