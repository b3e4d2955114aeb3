"""A real MLflow server with PostgreSQL and a folder of artifacts: a run is told, its model loaded and served."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.bundle import load_bundle
from models.features_read import features_read
from pipelines.registry.champion import read_champion
from pipelines.tracking.mlflow_names import SERVER, model_name
from pipelines.tracking.mlflow_registry import NamedVersion, pull_champion
from pipelines.tracking.mlflow_run import track_run
from pipelines.workspace.matrix_files import load_matrix
from tests.reference.tiny_run import TinyRun

pytestmark = [pytest.mark.prove, pytest.mark.postgres]
_PATIENCE = 180  # seconds that a server may take to start on a busy machine


@contextmanager
def started(*words: str, log: Path, health: str, **variables: str) -> Iterator[str]:
    """An MLflow command that listens on a free port, from its first answer until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "mlflow", *words, "--port", address.rpartition(":")[2]]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # mlflow starts uvicorn by its name
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path} | variables
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, env=environment, start_new_session=True, cwd=log.parent
        )
    try:
        wait_for(f"{address}{health}", process, log)
        yield address
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a server and whatever it started; one that does not end when asked is killed."""
    for asked in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, asked)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
            return
    raise AssertionError("the server does not end")


def wait_for(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise AssertionError(log.read_text(errors="replace")[-3000:])


@pytest.fixture(scope="module")
def server(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the server."""
    folder = tmp_path_factory.mktemp("server")
    places = ("--backend-store-uri", postgres, "--artifacts-destination", str(folder / "files"), "--workers", "1")
    with started("server", *places, log=folder / "log", health="/health") as address:
        yield address


@pytest.fixture(scope="module")
def told(server: str, tiny_demo: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """A tiny run that the server was told of."""

    from tests.reference.tiny_run import open_run

    folder = tmp_path_factory.mktemp("told")
    shutil.copytree(tiny_demo.folder, folder / "tiny_demo")
    run = open_run(folder / "tiny_demo")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(SERVER, server)
        record = track_run(run.context, run.summary_record)
    assert (record.store, record.problem, record.waiting) == ("server", "", 0)
    assert not (run.data_dir / "mlflow.db").exists() and not (run.data_dir / "mlartifacts").exists()
    return run


def test_the_best_training_is_found_by_its_test_figure(server: str, told: TinyRun) -> None:
    import mlflow

    client = mlflow.MlflowClient(server)
    experiment = client.get_experiment_by_name(told.context.source.name)
    best, *_ = client.search_runs([experiment.experiment_id], order_by=["metrics.`test.log_loss` ASC"], max_results=1)
    assert best.data.tags["kind"] == "training" and best.info.artifact_uri.startswith("mlflow-artifacts:/")
    chosen = told.summary["test"][told.summary["winner"]["name"]]
    assert best.data.metrics["test.log_loss"] == pytest.approx(chosen["log_loss"])
    assert {one.tags[0].value for one in best.inputs.dataset_inputs} == {"training", "test"}
    for folder in ("report", "plots", "declaration"):
        assert client.list_artifacts(best.info.run_id, folder)


def test_its_model_is_served_without_this_working_tree(
    server: str, told: TinyRun, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    paths = told.context.paths
    bundle, values = load_bundle(paths.train / "bundle"), load_matrix(paths.matrix).values.head(5)
    read = list(features_read(bundle))
    body = {"dataframe_split": json.loads(values[read].to_json(orient="split", index=False, double_precision=15))}

    model = f"models:/{model_name(told.context.source.name)}@champion"
    words = ("models", "serve", "--model-uri", model, "--env-manager", "local")
    clean = {SERVER: server, "PYTHONPATH": ""}
    began = time.monotonic()
    with started(*words, log=tmp_path / "log", health="/ping", **clean) as address:
        record_property("seconds until served", round(time.monotonic() - began, 1))
        scored = ask(f"{address}/invocations", body)
        nothing = ask(f"{address}/invocations", {"dataframe_records": [{read[0]: None}]})
    expected = dict(
        zip(("probability", "probability_low", "probability_high"), bundle.probability(values), strict=True)
    )
    for name, column in expected.items():
        assert np.allclose([row[name] for row in scored], column, rtol=1e-12, atol=0)
    assert 0 < nothing[0]["probability"] < 1


def ask(address: str, body: dict[str, Any]) -> list[dict[str, float]]:
    request = urllib.request.Request(address, json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: list[dict[str, float]] = json.loads(answer.read())["predictions"]
    return found


def test_another_machine_takes_the_bundle_and_no_code(
    server: str, told: TinyRun, tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setenv(SERVER, server)
    wanted = told.summary["bundle"]["hash"]
    shutil.rmtree(tiny_copy.context.paths.bundles)
    named = NamedVersion(model_name(told.context.source.name), "1", wanted)
    assert pull_champion(tiny_copy.context, named).hash == wanted == read_champion(tiny_copy.context.paths).hash
    kept = {path.suffix for path in (tiny_copy.context.paths.bundles / wanted).rglob("*") if path.is_file()}
    assert kept <= {".json", ".txt"}
