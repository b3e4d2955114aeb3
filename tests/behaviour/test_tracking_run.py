"""MLflow holds what the summary says; its registry follows the champion pointer; the model it loads is the bundle."""

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import ExitStatus
from models.bundle import load_bundle
from models.features_read import features_read, without_the_rest
from pipelines.artifacts.backtest_record import read_trials
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.registry.champion import keep_bundle, point_to, read_champion, roll_back
from pipelines.registry.kept_decisions import keep_decision
from pipelines.registry.promotion_churn import churn_between
from pipelines.tracking import mlflow_client
from pipelines.tracking.mlflow_client import Store, client_of
from pipelines.tracking.mlflow_decisions import tell_decisions
from pipelines.tracking.mlflow_details import log_children
from pipelines.tracking.mlflow_names import model_name
from pipelines.tracking.mlflow_patience import LONG_SECONDS, TrackLimits
from pipelines.tracking.mlflow_run import mirror_aliases, track_run
from pipelines.tracking.run_contents import metrics_of
from pipelines.tracking.untracked_runs import list_waiting
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.matrix_files import load_chop, load_matrix
from tests.reference.challengers import TEST
from tests.reference.open_files import open_to_others
from tests.reference.tiny_run import TinyRun

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where plots do not matter: drawing them takes seconds."""
    monkeypatch.setattr("pipelines.tracking.untracked_runs.draw_pictures", lambda *_: [])


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
    drawn = {"beeswarm", "waterfall_won", "waterfall_not_won", "dependence_1", "dependence_2", "dependence_3"}
    assert {path.removeprefix("plots/shap_").removesuffix(".png") for path in plots if "/shap_" in path} == drawn
    _says_where_it_comes_from(run, client, tiny_copy)
    _has_a_child_per_candidate_and_trial(run, client, tiny_copy)
    # from Python, where no command narrows what is created; copies of our own code keep its permissions
    copied = ("/artifacts/code/", "/artifacts/mlflow_scorer.py")
    assert [path for path in open_to_others(paths.data_dir) if not any(part in path for part in copied)] == []
    assert run.info.artifact_uri.startswith(paths.data_dir.resolve().as_uri())

    name = model_name(tiny_copy.context.source.name)
    version = client.get_model_version_by_alias(name, "champion")
    assert version.tags["bundle_hash"] == summary["bundle"]["hash"] == read_champion(paths).hash
    _nothing_in_the_model_executes(paths.data_dir / "mlartifacts")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    bundle = load_bundle(paths.train / "bundle")
    values = load_matrix(paths.matrix).values.head(20)
    blank = values.fillna(dict.fromkeys(bundle.catalog.categories, ""))
    expected = bundle.probability(values)[0]
    assert np.allclose(model.predict(blank)["probability"], expected, rtol=0, atol=0)


def _says_where_it_comes_from(run: Any, client: Any, tiny: TinyRun) -> None:
    """Declaration, settings, packages, split and data set of a run, and figures under names that no winner changes."""
    tags, params, metrics = run.data.tags, run.data.params, run.data.metrics
    assert tags["kind"] == "training" and tags["leadscore.version"] == version("leadscore")
    assert "mlflow.source.git.commit" not in tags, "the declaration lies in no repository"
    assert params["split.test_share"] == "0.25" and params["cohort.policy"] == "weekly"
    assert params["label.horizon_days"] == str(tiny.summary["horizon_days"])
    chosen = tiny.summary["test"][tiny.summary["winner"]["name"]]
    for name in ("log_loss", "auc", "wins_at_capacity"):
        assert metrics[f"test.{name}"] == pytest.approx(chosen[name])

    folder = Path(client.download_artifacts(run.info.run_id, "declaration"))
    names = {"source.yaml", "rubric.json", "qualification.json", "settings.json", "packages.txt"}
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / "source.yaml").read_bytes() == tiny.source.read_bytes()
    packages = (folder / "packages.txt").read_text().splitlines()
    assert hashlib.sha256("\n".join(packages).encode()).hexdigest() == tags["environment"]
    assert f"mlflow=={version('mlflow')}" in packages

    matrix, final = load_matrix(tiny.context.paths.matrix), load_chop(tiny.context.paths.matrix).final
    inputs = {one.tags[0].value: one for one in run.inputs.dataset_inputs}
    assert set(inputs) == {"training", "test"}
    assert len({one.dataset.digest for one in inputs.values()}) == 2
    for part, rows in (("training", final.train), ("test", final.test)):
        dataset = inputs[part].dataset
        assert json.loads(dataset.profile) == {"num_rows": len(rows), "won": int(matrix.label[rows].sum())}
        columns = json.loads(dataset.schema)["mlflow_colspec"]
        assert [column["name"] for column in columns] == list(matrix.catalog.names)


def _has_a_child_per_candidate_and_trial(run: Any, client: Any, tiny: TinyRun) -> None:
    """Children are nested below the training and finished, and none of them has a metric of a training's name."""
    parent = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    children = client.search_runs([run.info.experiment_id], parent)
    assert {child.info.status for child in children} == {"FINISHED"}
    candidates = {child.info.run_name: child for child in children if child.data.tags["kind"] == "candidate"}
    assert set(candidates) == {row["name"] for row in tiny.summary["candidates"]}
    chosen = [name for name, child in candidates.items() if child.data.tags["chosen"] == "true"]
    assert chosen == [tiny.summary["winner"]["name"]]
    for name, figures in tiny.summary["test"].items():
        assert candidates[name].data.metrics["candidate.test.auc"] == pytest.approx(figures["auc"])

    trials = [child for child in children if child.data.tags["kind"] == "trial"]
    assert len(trials) == tiny.context.settings.trials == len(read_trials(tiny.context.paths))
    best = min(trials, key=lambda child: child.data.metrics["trial.log_loss"])
    assert candidates["booster"].data.params["num_leaves"] == best.data.params["num_leaves"]
    assert not any(name.startswith("test.") for child in children for name in child.data.metrics)


def _nothing_in_the_model_executes(folder: Path) -> None:
    """The bundle is JSON and text; the code beside it is this package's own, byte for byte, and there is no pickle."""
    # what Python keeps beside code that it has loaded is its own
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    assert [p for p in files if p.suffix in (".pkl", ".pickle", ".joblib", ".cloudpickle", ".so", ".pyc")] == []
    (bundle,) = {path for path in folder.rglob("bundle") if path.is_dir()}
    assert {path.suffix for path in bundle.iterdir()} <= {".json", ".txt"}
    code = bundle.parents[1] / "code"
    assert {path.name for path in code.iterdir()} == {"features", "models"}
    for path in code.rglob("*.py"):
        assert path.read_bytes() == (ROOT / path.relative_to(code)).read_bytes()
    assert {p.name for p in files if p.suffix == ".py" and not p.is_relative_to(code)} == {"mlflow_scorer.py"}


CLEAN = """\
import json, sys
from importlib.metadata import packages_distributions
sys.path.append(sys.argv[1])  # what is installed, without the links to this working tree
import mlflow, pandas
mlflow.set_tracking_uri(sys.argv[2])
model = mlflow.pyfunc.load_model(sys.argv[3])
import models
of = packages_distributions()
read = model.metadata.get_input_schema().input_names()
try:
    misspelt = str(model.predict(pandas.DataFrame([{"no such feature": 1.0}])))
except mlflow.exceptions.MlflowException as problem:
    misspelt = problem.message
print(json.dumps({
    "code": models.__path__[0],
    "inputs": read,
    "scored": model.predict(pandas.read_json(sys.argv[4], orient="records", dtype=False))["probability"].tolist(),
    "misspelt": misspelt,
    "nothing": model.predict(pandas.DataFrame([{read[0]: None}]))["probability"].tolist(),
}))
"""


@pytest.mark.usefixtures("no_pictures")
def test_the_model_loads_where_leadscore_is_not_installed(tiny_copy: TinyRun, client: Any, tmp_path: Path) -> None:
    """From another folder, by an interpreter that sees the installed packages and not this working tree."""
    paths, name = tiny_copy.context.paths, model_name(tiny_copy.context.source.name)
    bundle, values = load_bundle(paths.train / "bundle"), load_matrix(paths.matrix).values.head(30)
    read = list(features_read(bundle))
    rows = tmp_path / "rows.json"
    values[read].to_json(rows, orient="records", double_precision=15)

    where = (sysconfig.get_path("purelib"), Store.of(paths).uri, f"models:/{name}@champion", str(rows))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-I", "-S", "-W", "ignore", "-c", CLEAN, *where]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["code"].startswith(str(paths.data_dir / "mlartifacts")), "the code that was logged"
    assert found["inputs"] == read and 0 < len(read) < len(bundle.catalog.names)
    assert np.allclose(found["scored"], bundle.probability(values)[0], rtol=1e-12, atol=0)
    assert "no column given is a feature" in found["misspelt"]
    nothing = without_the_rest(values.head(1), (), bundle.catalog)
    assert len(found["nothing"]) == 1
    assert np.allclose(found["nothing"], bundle.probability(nothing)[0], rtol=1e-12, atol=0)


@pytest.mark.usefixtures("no_pictures")
def test_aliases_follow_the_pointer_and_a_bundle_is_registered_once(tiny_copy: TinyRun, client: Any) -> None:
    paths, name = tiny_copy.context.paths, model_name(tiny_copy.context.source.name)
    track_run(tiny_copy.context, tiny_copy.summary_record)
    assert len(client.search_model_versions(f"name='{name}'")) == 1
    trained = read_champion(paths).hash
    twin = keep_bundle(paths, paths.train / "twin")
    point_to(paths, twin, TEST)
    moved = churn_between(tiny_copy.context, load_bundle(paths.bundles / trained), load_bundle(paths.bundles / twin))
    told = {"champion": trained, "challenger": twin, "churn": moved.record(), "sentence": "", "how": "forced"}
    mirror_aliases(tiny_copy.context, told)
    experiment = client.get_experiment_by_name(tiny_copy.context.source.name)
    (run,) = client.search_runs([experiment.experiment_id], "tags.kind = 'promotion'")
    assert run.data.metrics["churn.moved"] == len(moved.movers) > 0
    assert run.data.tags["bundle_hash"] == twin and run.data.tags["previous"] == trained
    assert [file.path for file in client.list_artifacts(run.info.run_id, "promotion")] == ["promotion/churn.json"]
    aliases = client.get_registered_model(name).aliases
    assert set(aliases) == {"champion", "challenger"}, "no run told of the champion, so it was registered by itself"
    now = client.get_model_version_by_alias(name, "champion")
    assert now.tags["bundle_hash"] == twin
    logged = client.get_logged_model(now.source.rpartition("/")[2]).artifact_location.removeprefix("file://")
    example, read = (Path(logged) / "input_example.json"), features_read(load_bundle(paths.bundles / twin))
    assert set(json.loads(example.read_text())["columns"]) == set(read), "a made-up lead, as of any other version"
    assert len(client.search_runs([experiment.experiment_id], "tags.kind = 'registration'")) == 1
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


AWAY = "http://ann:tops3cret@127.0.0.1:9"  # the discard port, where nothing listens


@pytest.mark.usefixtures("no_pictures")
def test_a_server_that_is_away_costs_seconds_and_the_run_waits(
    tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = tiny_copy.context.paths
    monkeypatch.setenv("MLFLOW_TRACKING_URI", AWAY)
    asked, really_open = [], mlflow_client.open_within

    def once(request: Any, seconds: float) -> Any:
        asked.append(seconds)
        return really_open(request, seconds)

    with monkeypatch.context() as patched:
        patched.setattr(mlflow_client, "open_within", once)
        told = track_run(tiny_copy.context, tiny_copy.summary_record)
        again = track_run(tiny_copy.context, tiny_copy.summary_record)
    assert len(asked) == 2 and max(asked) <= 5, "asked once a run, for seconds, before MLflow tries for minutes"
    assert (told.run_id, told.waiting, again.waiting) == (None, 1, 1)
    assert "127.0.0.1:9 does not answer" in told.sentence and "leadscore track" in told.sentence
    assert "tops3cret" not in told.sentence + (paths.track / "run.json").read_text()
    assert "does not answer" in mirror_aliases(tiny_copy.context)

    later = SummaryRecord.of(tiny_copy.summary | {"base_rate": 0.5})
    assert track_run(tiny_copy.context, later).waiting == 2
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    caught_up = track_run(tiny_copy.context, later)
    assert (caught_up.waiting, caught_up.problem) == (0, "") and not list_waiting(paths)
    runs = runs_of(tiny_copy)
    assert sorted(run.data.metrics["base_rate"] for run in runs) == sorted([tiny_copy.summary["base_rate"], 0.5])
    assert {run.info.status for run in runs} == {"FINISHED"}


@pytest.mark.usefixtures("no_pictures")
def test_a_run_ends_as_it_would_without_mlflow(
    cli: Callable[..., tuple[int, str, str]], tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", AWAY)
    monkeypatch.delenv("LEADSCORE_TRACK_SECONDS")
    monkeypatch.setattr("pipelines.run.RUN", ("report",))
    status, out, err = cli("run", *tiny_copy.args, "--json")
    assert status == 0, err
    assert json.loads(out)["verdict"] == tiny_copy.summary["verdict"]
    assert "not tracked" in err and "1 run waits" in err and "tops3cret" not in out + err
    assert TrackLimits().seconds < 60, "a run is not kept for long"
    status, out, err = cli("track", *tiny_copy.args)
    assert TrackLimits().seconds == LONG_SECONDS, "nothing waits for what is asked for by itself"
    assert status == ExitStatus.REGISTRY and "does not answer" in out and "tops3cret" not in out + err
    assert cli("track", *tiny_copy.args, "--no-gate")[0] == 0


@pytest.mark.usefixtures("no_pictures")
def test_runs_of_killed_processes_are_ended_and_told_once(tiny_copy: TinyRun, monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledError(BaseException):
        """As far as MLflow can see, the process is gone."""

    def die(*_: Any, **__: Any) -> None:
        raise KilledError

    def log_and_die(*given: Any) -> None:
        log_children(*given)
        raise KilledError

    import mlflow

    context, moved = tiny_copy.context, {"champion": "a" * 64, "challenger": "b" * 64, "churn": None}
    (context.paths.data_dir / "mlflow.db").touch()
    keep_decision(context.paths, {"kind": "promote", "decision": "kept back", "challenger": "b" * 64})

    def kill(place: str, dies: Callable[..., None], work: Callable[[], object]) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(place, dies)
            patched.setattr("mlflow.tracking.fluent.ActiveRun.__exit__", lambda *_: False)
            with pytest.raises(KilledError):
                work()
        mlflow.tracking.fluent._active_run_stack.set([])

    kill("pipelines.tracking.mlflow_versions.register_bundle", die, lambda: mirror_aliases(context))
    kill("mlflow.log_metrics", die, lambda: tell_decisions(context))
    with monkeypatch.context() as patched:
        patched.setattr("pipelines.tracking.mlflow_run.mirror", lambda *_: None)
        kill("mlflow.log_metrics", die, lambda: mirror_aliases(context, moved))
    kill(
        "pipelines.tracking.mlflow_run.log_children",
        log_and_die,
        lambda: track_run(context, tiny_copy.summary_record),
    )
    assert [run.info.status for run in runs_of(tiny_copy)] == ["RUNNING"]
    assert track_run(tiny_copy.context, tiny_copy.summary_record).waiting == 0
    assert sorted(run.info.status for run in runs_of(tiny_copy)) == ["FINISHED", "KILLED"]
    for run in runs_of(tiny_copy):
        ended = {child.info.status for child in runs_of(tiny_copy, f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")}
        assert ended == {run.info.status}, "children end as their parent did"
    for kind in ("registration", "decision", "promotion"):
        assert [run.info.status for run in runs_of(tiny_copy, f"tags.kind = '{kind}'")] == ["KILLED"], kind

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.tracking.mlflow_run.shutil.rmtree", die)
        with pytest.raises(KilledError):
            track_run(tiny_copy.context, tiny_copy.summary_record)
    assert track_run(tiny_copy.context, tiny_copy.summary_record).run_id
    assert len(runs_of(tiny_copy)) == 3, "what was logged before the kill is not logged again"


def runs_of(run: TinyRun, asked: str = "tags.kind = 'training'") -> list[Any]:
    """Runs in the copy's own store, unless asked otherwise all trainings."""
    with client_of(run.context.paths) as (_, client):
        experiment = client.get_experiment_by_name(run.context.source.name)
        return list(client.search_runs([experiment.experiment_id], asked))
