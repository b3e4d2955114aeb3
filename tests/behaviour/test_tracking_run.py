"""MLflow holds what the summary says; its registry follows the champion pointer; the model it loads is the bundle."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.bundle import load_bundle
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.registry.champion import keep_bundle, point_to, read_champion, roll_back
from pipelines.tracking.mlflow_run import Store, metrics_of, mirror_aliases, model_name, track_run
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.matrix_files import load_matrix
from tests.reference.challengers import TEST
from tests.reference.tiny_run import TinyRun


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where plots do not matter: drawing them takes seconds."""
    monkeypatch.setattr("pipelines.tracking.mlflow_run.draw_pictures", lambda *_: [])


@pytest.fixture
def client(tiny_copy: TinyRun) -> Iterator[Any]:
    """A client on the copy's store, after its run was tracked."""
    import mlflow

    track_run(tiny_copy.context, tiny_copy.summary_record)
    assert "MLFLOW_TRACKING_URI" not in os.environ, "the environment is left as it was"
    mlflow.set_tracking_uri(Store.of(tiny_copy.context.paths).uri)
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri(None)
    os.environ.pop("MLFLOW_TRACKING_URI", None)


def test_a_run_is_tracked_registered_and_loadable(tiny_copy: TinyRun, client: Any) -> None:
    import mlflow

    paths, summary = tiny_copy.context.paths, tiny_copy.summary
    told = read_json(paths.track / "run.json")
    run = client.get_run(told["run_id"])
    winner = summary["winner"]["name"]
    assert run.data.metrics[f"test.{winner}.auc"] == pytest.approx(summary["test"][winner]["auc"])
    assert run.data.metrics == pytest.approx(metrics_of(tiny_copy.summary_record))
    assert run.data.params["winner"] == winner
    assert run.data.params["draws"] == str(tiny_copy.context.settings.draws)
    assert run.data.tags["synthetic"] == "true" and run.data.tags["verdict"] == summary["verdict"]
    plots = [file.path for file in client.list_artifacts(run.info.run_id, "plots")]
    assert len(plots) >= 10 and all(path.endswith(".png") for path in plots)
    assert (paths.data_dir / "mlflow.db").exists() and run.info.artifact_uri.startswith(
        paths.data_dir.resolve().as_uri()
    )

    name = model_name(tiny_copy.context.source.name)
    version = client.get_model_version_by_alias(name, "champion")
    assert version.tags["bundle_hash"] == summary["bundle"]["hash"] == read_champion(paths).hash
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    bundle = load_bundle(paths.train / "bundle")
    values = load_matrix(paths.matrix).values.head(20)
    blank = values.fillna(dict.fromkeys(bundle.catalog.categories, ""))
    expected = bundle.probability(values)[0]
    assert np.allclose(model.predict(blank)["probability"], expected, rtol=0, atol=0)
    _nothing_in_the_model_executes(paths.data_dir / "mlartifacts")


def _nothing_in_the_model_executes(folder: Path) -> None:
    """Beside the shim, which is ours and holds no model, there is no code and no pickle."""
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {name for name in names if name.endswith((".pkl", ".pickle", ".joblib", ".cloudpickle", ".so"))} == set()
    assert {name for name in names if name.endswith(".py")} == {"mlflow_scorer.py"}


@pytest.mark.usefixtures("no_pictures")
def test_aliases_follow_the_pointer_and_a_bundle_is_registered_once(tiny_copy: TinyRun, client: Any) -> None:
    paths, name = tiny_copy.context.paths, model_name(tiny_copy.context.source.name)
    track_run(tiny_copy.context, tiny_copy.summary_record)
    assert len(client.search_model_versions(f"name='{name}'")) == 1
    trained = read_champion(paths).hash
    twin = keep_bundle(paths, paths.train / "twin")
    point_to(paths, twin, TEST)
    mirror_aliases(tiny_copy.context)
    aliases = client.get_registered_model(name).aliases
    assert set(aliases) == {"challenger"}, "the champion was never registered, and the trained one challenges it"
    roll_back(paths)
    mirror_aliases(tiny_copy.context)
    assert set(client.get_registered_model(name).aliases) == {"champion"}
    assert client.get_model_version_by_alias(name, "champion").tags["bundle_hash"] == trained


@pytest.mark.usefixtures("no_pictures")
def test_a_run_without_a_model_is_tracked_too(tiny_copy: TinyRun, client: Any) -> None:
    summary = tiny_copy.summary | {"verdict": "leak", "bundle": {"path": None, "hash": None, "features": 9}}
    told = track_run(tiny_copy.context, SummaryRecord.of(summary))
    assert told.model is None
    assert client.get_run(told.run_id).data.tags["verdict"] == "leak"


def test_metrics_are_flat_finite_and_named_as_mlflow_allows(tiny_demo: TinyRun) -> None:
    found = metrics_of(tiny_demo.summary_record)
    assert all(isinstance(value, float) and np.isfinite(value) for value in found.values())
    assert "policy.model_equal_workload.wins" in found and "cv.linear.log_loss" in found
    assert "test.rubric.auc_low" in found and found["test.rubric.auc_low"] <= found["test.rubric.auc"]


def test_a_server_s_address_wins(tiny_demo: TinyRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking.invalid")
    assert Store.of(tiny_demo.context.paths) == Store("http://tracking.invalid", None)
