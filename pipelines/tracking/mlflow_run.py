"""MLflow: a run per training with what was asked, what came out and how it looked; the registry's aliases."""

import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from models.bundle import load_bundle
from models.settings import TrainSettings
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.artifacts.tracking_record import TrackRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.registry.champion import read_champion
from pipelines.report.charts.matplotlib_images import draw_pictures
from pipelines.tracking.mlflow_names import CHALLENGER, CHAMPION, HASH_TAG, SERVER, model_name
from pipelines.workspace.atomic_files import stage_dir
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_matrix
from pipelines.workspace.paths import Paths

SHIM = Path(__file__).with_name("mlflow_scorer.py")
_LIBRARIES = ("leadscore", "lightgbm", "numpy", "pandas", "scikit-learn", "scipy")
_EXAMPLE_ROWS = 5  # from which MLflow infers the signature
_POLICY_FIGURES: tuple[Literal["workload", "wins", "precision", "recall"], ...] = (
    "workload",
    "wins",
    "precision",
    "recall",
)
_NOT_ALLOWED = re.compile(r"[^\w\-. /]")


@dataclass(frozen=True)
class Store:
    """Where runs are tracked: a server by ``MLFLOW_TRACKING_URI``, else SQLite and files below the data directory."""

    uri: str
    artifacts: str | None

    @classmethod
    def of(cls, paths: Paths) -> "Store":
        """The store of a data directory."""
        server = os.environ.get(SERVER)
        if server:
            return cls(server, None)
        root = paths.data_dir.resolve()
        return cls(f"sqlite:///{root / 'mlflow.db'}", (root / "mlartifacts").as_uri())


def track_run(context: Context, summary: SummaryRecord) -> TrackRecord:
    """Log one finished run and register its bundle; writes ``track/run.json``.

    Runs that trained nothing (leak, no signal, too little data) are logged too, without a model.
    """
    with client_of(context.paths) as (mlflow, client):
        experiment = _experiment(client, context)
        started = mlflow.start_run(experiment_id=experiment, run_name=f"{context.source.name} {summary.verdict}")
        with started as run:
            _log_figures(mlflow, context, summary)
            _log_files(mlflow, context)
            registered: dict[str, Any] = {"model": None, "version": None}
            if summary.bundle.hash:
                registered = _log_model(mlflow, client, context, summary.bundle.hash)
        _mirror(client, context)

    store = "server" if _on_server() else "mlflow.db"
    record = TrackRecord.of(
        {"run_id": run.info.run_id, "experiment": context.source.name, "store": store, **registered}
    )
    with stage_dir(context.paths.track) as folder:
        record.write(folder)
    return record


def mirror_aliases(context: Context) -> None:
    """Set the registry's aliases to what the champion pointer says; does nothing before the first tracked run."""
    if not _on_server() and not (context.paths.data_dir / "mlflow.db").exists():
        return
    with client_of(context.paths) as (_, client):
        _mirror(client, context)


def _on_server() -> bool:
    return bool(os.environ.get(SERVER))


@contextmanager
def client_of(paths: Paths) -> Iterator[tuple[Any, Any]]:
    """MLflow on the store of a data directory, quiet and without telemetry."""
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    paths.data_dir.mkdir(parents=True, exist_ok=True)

    server = os.environ.get(SERVER)
    mlflow.set_tracking_uri(Store.of(paths).uri)  # this sets the variable too: it is put back below
    _restore(server)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield mlflow, mlflow.MlflowClient()
    finally:
        mlflow.set_tracking_uri(None)
        _restore(server)


def _restore(server: str | None) -> None:
    if server is None:
        os.environ.pop(SERVER, None)
    else:
        os.environ[SERVER] = server


def _experiment(client: Any, context: Context) -> str:
    found = client.get_experiment_by_name(context.source.name)
    if found is not None:
        return str(found.experiment_id)
    root = Store.of(context.paths).artifacts
    location = None if root is None else f"{root}/{context.source.name}"
    return str(client.create_experiment(context.source.name, artifact_location=location))


def _log_figures(mlflow: Any, context: Context, summary: SummaryRecord) -> None:
    mlflow.set_tags(
        {
            "source": context.source.name,
            "synthetic": str(context.source.synthetic).lower(),
            "verdict": str(summary.verdict),
            "declaration": context.declaration_hash,
            HASH_TAG: summary.bundle.hash or "",
        }
    )
    mlflow.log_params(params_of(context.settings, summary))
    mlflow.log_metrics(metrics_of(summary))


def params_of(settings: TrainSettings, summary: SummaryRecord) -> dict[str, Any]:
    """What the run was asked to do and which model it chose."""
    return {
        **settings.model_dump(),
        "horizon_days": summary.horizon_days,
        "features": summary.bundle.features,
        "winner": summary.winner.name,
        "data_cutoff": summary.data_cutoff,
    }


def metrics_of(summary: SummaryRecord) -> dict[str, float]:
    """Every figure of the summary as a flat metric: ``test.booster.auc``, ``cv.linear.log_loss``, ..."""
    found: dict[str, Any] = {
        "base_rate": summary.base_rate,
        "cohort_rows": summary.cohort_rows,
        "matured_rows": summary.matured_rows,
    }
    for candidate in summary.candidates:
        row = dict(candidate)
        found |= {f"cv.{row['name']}.{k.removeprefix('cv_')}": v for k, v in row.items() if k.startswith("cv_")}

    for name, figures in summary.test.items():
        pairs: dict[str, Any] = {k: v for k, v in figures.items() if k.endswith("_ci")}
        found |= {f"test.{name}.{k}": v for k, v in figures.items() if k not in pairs}
        for key, pair in pairs.items():
            if pair and None not in pair:
                figure = key.removesuffix("_ci")
                found |= {f"test.{name}.{figure}_low": pair[0], f"test.{name}.{figure}_high": pair[1]}

    for policy in summary.thresholds:
        found |= {f"policy.{policy['policy']}.{k}": policy[k] for k in _POLICY_FIGURES}
    found |= {f"seconds.{stage}": value for stage, value in summary.seconds.items()}
    return {_NOT_ALLOWED.sub("_", k): float(v) for k, v in found.items() if isinstance(v, int | float)}


def _log_files(mlflow: Any, context: Context) -> None:
    reports = context.paths.reports
    for name in ("summary.json", "report.html"):
        if (reports / name).exists():
            mlflow.log_artifact(str(reports / name), "report")
    with tempfile.TemporaryDirectory() as folder:
        for picture in draw_pictures(context, Path(folder)):
            mlflow.log_artifact(str(picture), "plots")


def _log_model(mlflow: Any, client: Any, context: Context, bundle_hash: str) -> dict[str, Any]:
    """The bundle as an MLflow model and a version of the source's registered model, tagged with its hash."""
    folder = context.paths.train / "bundle"
    name = model_name(context.source.name)
    known = [v for v in client.search_model_versions(f"name='{name}'") if v.tags.get(HASH_TAG) == bundle_hash]
    if known:
        return {"model": name, "version": str(known[0].version)}

    example, scored = _example(context)
    from mlflow.models import infer_signature

    logged = mlflow.pyfunc.log_model(
        name="bundle",
        python_model=str(SHIM),
        artifacts={"bundle": str(folder.resolve())},
        pip_requirements=[f"{library}=={version(library)}" for library in _LIBRARIES],
        signature=infer_signature(example, scored),
    )

    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name)
    made = client.create_model_version(
        name, logged.model_uri, tags={HASH_TAG: bundle_hash}, model_id=logged.model_id, await_creation_for=60
    )
    return {"model": name, "version": str(made.version)}


def _example(context: Context) -> tuple[pd.DataFrame, pd.DataFrame]:
    bundle = load_bundle(context.paths.train / "bundle")
    values = load_matrix(context.paths.matrix).values.head(_EXAMPLE_ROWS)
    probability, low, high = bundle.probability(values)
    scored = pd.DataFrame({"probability": probability, "probability_low": low, "probability_high": high})
    return values.fillna(dict.fromkeys(bundle.catalog.categories, "")), scored


def _mirror(client: Any, context: Context) -> None:
    """``champion`` is what the pointer names; ``challenger`` the bundle trained last, if it is another one."""
    name = model_name(context.source.name)
    versions = {v.tags.get(HASH_TAG): v.version for v in client.search_model_versions(f"name='{name}'")}
    if not versions:
        return

    champion = read_champion(context.paths)
    trained = TrainRecord.read(context.paths).hash if TrainRecord.exists(context.paths) else None
    now = None if champion is None else champion.hash

    for alias, bundle_hash in ((CHAMPION, now), (CHALLENGER, trained if trained != now else None)):
        if bundle_hash in versions:
            client.set_registered_model_alias(name, alias, versions[bundle_hash])
        elif alias in client.get_registered_model(name).aliases:
            client.delete_registered_model_alias(name, alias)
