"""The source's registered model in MLflow: a version per bundle, and the aliases that follow the champion pointer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.bundle import load_bundle
from pipelines.artifacts.train_record import TrainRecord
from pipelines.registry.champion import Champion, read_champion
from pipelines.tracking.mlflow_client import experiment_of, place_mark
from pipelines.tracking.mlflow_model import example_of, log_model
from pipelines.tracking.mlflow_names import CHALLENGER, CHAMPION, HASH_TAG, PLACE_TAG, model_name
from pipelines.tracking.run_contents import KIND
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_catalog


def register_bundle(
    mlflow: Any, client: Any, context: Context, bundle: Path, *, example: dict[str, Any] | None
) -> Mapping[str, str]:
    """The bundle as an MLflow model of the active run and a version of the source's registered model, once per hash."""
    bundle_hash = load_bundle(bundle).hash
    name = model_name(context.source.name)
    known = [v for v in client.search_model_versions(f"name='{name}'") if v.tags.get(HASH_TAG) == bundle_hash]
    if known:
        return {"model": name, "version": str(known[0].version)}

    logged = log_model(mlflow, bundle, example)
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name)
    made = client.create_model_version(
        name, logged.model_uri, tags={HASH_TAG: bundle_hash}, model_id=logged.model_id, await_creation_for=60
    )
    return {"model": name, "version": str(made.version)}


def mirror(mlflow: Any, client: Any, context: Context) -> None:
    """``champion`` is what the pointer names; ``challenger`` the bundle trained last, if it is another one."""
    name = model_name(context.source.name)
    versions = _versions(client, name)
    champion = read_champion(context.paths)
    if champion is not None and champion.hash not in versions and (champion.folder / "bundle.json").is_file():
        _register_champion(mlflow, client, context, champion)
        versions = _versions(client, name)
    if not versions:
        return

    trained = TrainRecord.read(context.paths).hash if TrainRecord.exists(context.paths) else None
    now = None if champion is None else champion.hash

    for alias, bundle_hash in ((CHAMPION, now), (CHALLENGER, trained if trained != now else None)):
        if bundle_hash in versions:
            client.set_registered_model_alias(name, alias, versions[bundle_hash])
        elif alias in client.get_registered_model(name).aliases:
            client.delete_registered_model_alias(name, alias)


def _versions(client: Any, name: str) -> dict[str | None, str]:
    """Versions of the registered model by the hash of their bundle."""
    return {v.tags.get(HASH_TAG): v.version for v in client.search_model_versions(f"name='{name}'")}


def _register_champion(mlflow: Any, client: Any, context: Context, champion: Champion) -> None:
    """A version for a champion whose training nobody told: trained from Python, stage by stage or by DVC, or pulled."""
    tags = {
        KIND: "registration",
        "source": context.source.name,
        HASH_TAG: champion.hash,
        PLACE_TAG: place_mark(context.paths),
    }
    named = f"{context.source.name} bundle {champion.hash[:12]}"
    with mlflow.start_run(experiment_id=experiment_of(client, context.paths), run_name=named, tags=tags):
        register_bundle(mlflow, client, context, champion.folder, example=_example_of(context, champion))


def _example_of(context: Context, champion: Champion) -> dict[str, Any] | None:
    """A made-up lead for the champion, where the last matrix holds its features; None where it holds others."""
    folder, bundle = context.paths.matrix, load_bundle(champion.folder)
    if not (folder / "matrix.json").exists() or load_catalog(folder).hash != bundle.catalog.hash:
        return None
    return example_of(bundle, folder)
