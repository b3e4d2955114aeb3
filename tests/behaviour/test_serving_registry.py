"""A server that follows MLflow's alias: takes up what it names, checks it by hash, serves on while it is away."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import pipelines.registry
from features.errors import BundleError, RegistryError
from pipelines.champion import read_champion
from pipelines.registry import Named, follow_registry, named_champion
from pipelines.registry_names import SERVER, model_name
from pipelines.tracking import track_run
from serving.registry import follow
from tests.behaviour.test_serving_upkeep import another_bundle
from tests.reference.serving import client_for, worklist_of


class Registry:
    """The one address of an MLflow server that is asked often; ``answer`` is what it says."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (404, b"{}")
        self.asked: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("authorization")))
                status, body = outer.answer
                self.send_response(status)
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
        desk = client.app.state.desk
        assert (health(client)["status"], health(client)["bundle_hash"]) == ("ok", first)
        registry.names(other, "2")
        follow(desk)
        assert desk.refresh()
        assert client.get(f"/v1/leads/{lead}").json()["bundle_hash"] == other
        move = read_champion(tiny_copy.context.paths).history[-1]
        assert move["how"] == "registry" and "version 2" in move["reason"]
        registry.server.shutdown()
        registry.server.server_close()
        follow(desk)
        desk.refresh()
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
    monkeypatch.setattr(pipelines.registry, "_fetched", lambda *_: bundle)
    monkeypatch.setattr("serving.registry._fetch", lambda desk: follow_registry(desk.context))
    with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
        assert (health(client)["status"], health(client)["bundle_hash"]) == ("ok", first.hash)


def test_a_bundle_of_another_hash_is_refused(
    registry: Registry, tiny_copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = tiny_copy.context.paths
    before = read_champion(paths)
    registry.names("0" * 64)
    monkeypatch.setattr(pipelines.registry, "_fetched", lambda *_: paths.train / "twin")
    with pytest.raises(BundleError, match="hash"):
        follow_registry(tiny_copy.context)
    assert read_champion(paths) == before
    assert not (paths.bundles / ("0" * 64)).exists()


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}'), "names no 'champion' of 'leadscore-.*RESOURCE_DOES"),
        ((401, b"<html>who are you"), r"names no 'champion'.*\(401\)"),
        ((200, b"<html>a proxy's page"), "cannot be reached"),
        ((200, b'{"model_version": {"version": "3", "tags": []}}'), "version 3 .* no tag 'bundle_hash'"),
    ],
)
def test_what_a_registry_may_say_is_told_with_what_to_do(
    registry: Registry, answer: tuple[int, bytes], text: str
) -> None:
    registry.answer = answer
    with pytest.raises(RegistryError, match=text):
        named_champion("demo")


def test_the_alias_is_asked_for_as_mlflow_s_own_client_would(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.names("a" * 64, "7")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    assert named_champion("demo") == Named("leadscore-demo", "7", "a" * 64)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "b:c")
    named_champion("demo")
    path = "/api/2.0/mlflow/registered-models/alias?name=leadscore-demo&alias=champion"
    assert registry.asked == [(path, "Bearer secret"), (path, "Basic YW5uOmI6Yw==")]


def test_without_a_server_the_pointer_serves_and_health_says_what_is_missing(
    tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SERVER, raising=False)
    with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
        told = health(client)
        assert told["status"] == "degraded" and f"set {SERVER}" in told["problem"]
        assert told["bundle_hash"] == read_champion(tiny_copy.context.paths).hash


def test_what_was_tracked_is_what_is_fetched(tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.tracking.draw_pictures", lambda *_: [])
    told = track_run(tiny_copy.context, tiny_copy.summary)
    wanted = tiny_copy.summary["bundle"]["hash"]
    named = Named(model_name(tiny_copy.context.source.name), told["version"], wanted)
    shutil.rmtree(tiny_copy.context.paths.bundles)
    assert pipelines.registry.pull_champion(tiny_copy.context, named).hash == wanted
    assert (tiny_copy.context.paths.bundles / wanted / "bundle.json").exists()
    with pytest.raises(RegistryError, match="does not give out version 99"):
        pipelines.registry._fetched(tiny_copy.context, Named(named.model, "99", wanted), tmp_path)


@pytest.fixture
def mlflow_server(tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A real server with a store and artifacts of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "mlflow"
    folder.mkdir()
    places = ["--backend-store-uri", f"sqlite:///{folder / 'm.db'}", "--artifacts-destination", str(folder / "files")]
    command = [sys.executable, "-m", "mlflow", "server", *places, "--port", str(port), "--workers", "1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
        )
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.2)
    yield f"http://127.0.0.1:{port}", process
    process.terminate()
    process.wait()


@pytest.mark.prove
def test_a_real_registry_is_followed_from_a_bare_machine(
    mlflow_server: tuple[str, Any], tiny_copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    uri, process = mlflow_server
    monkeypatch.setenv(SERVER, uri)
    monkeypatch.setattr("pipelines.tracking.draw_pictures", lambda *_: [])
    paths, name = tiny_copy.context.paths, model_name(tiny_copy.context.source.name)
    track_run(tiny_copy.context, tiny_copy.summary)
    first = tiny_copy.summary["bundle"]["hash"]
    other = another_bundle(tiny_copy, tmp_path)
    shutil.rmtree(paths.train / "bundle")
    shutil.copytree(paths.bundles / other, paths.train / "bundle")
    changed = tiny_copy.summary | {"bundle": tiny_copy.summary["bundle"] | {"hash": other}}
    second = track_run(tiny_copy.context, changed)["version"]
    shutil.rmtree(paths.bundles)
    paths.champion.unlink()
    with client_for(tiny_copy, tmp_path / "state", bundle="registry") as client:
        assert (health(client)["status"], health(client)["bundle_hash"]) == ("ok", first)
        mlflow.MlflowClient(uri).set_registered_model_alias(name, "champion", second)
        follow(client.app.state.desk)
        client.app.state.desk.refresh()
        assert (health(client)["status"], health(client)["bundle_hash"]) == ("ok", other)
        process.terminate()
        process.wait()
        follow(client.app.state.desk)
        assert (health(client)["status"], health(client)["bundle_hash"]) == ("degraded", other)
