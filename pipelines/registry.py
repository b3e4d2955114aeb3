"""The registry of an MLflow server: which bundle its champion alias names, and fetching that bundle by its hash."""

import base64
import json
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import BundleError, RegistryError
from models.bundle import load_bundle
from pipelines.champion import Champion, How, Move, keep_bundle, point_to, read_champion
from pipelines.context import Context
from pipelines.registry_names import CHAMPION, HASH_TAG, SERVER, model_name

_SECONDS = 10.0


@dataclass(frozen=True)
class Named:
    """What an alias names: the version of the registered model, and the hash of its bundle."""

    model: str
    version: str
    hash: str


def named_champion(source: str) -> Named:
    """What the alias ``champion`` names on the server of ``MLFLOW_TRACKING_URI``: one small request, without MLflow.

    Raises
    ------
    RegistryError : no server declared, it cannot be reached, no such model or alias, or a version without a hash
    """
    base, model = _server(), model_name(source)
    asked = urllib.parse.urlencode({"name": model, "alias": CHAMPION})
    request = urllib.request.Request(f"{base}/api/2.0/mlflow/registered-models/alias?{asked}", headers=_credentials())
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            found = json.loads(answer.read())["model_version"]
    except urllib.error.HTTPError as problem:
        raise RegistryError(
            f"the registry at {base} names no '{CHAMPION}' of '{model}' ({_told(problem)}); 'leadscore run' registers "
            "a bundle there and sets the alias."
        ) from problem
    except (OSError, ValueError, KeyError) as problem:
        raise RegistryError(
            f"the registry at {base} cannot be reached ({type(problem).__name__}); check {SERVER}."
        ) from problem
    tags = {tag["key"]: tag["value"] for tag in found.get("tags", ())}
    if not tags.get(HASH_TAG):
        raise RegistryError(
            f"version {found['version']} of '{model}' has no tag '{HASH_TAG}': it is no bundle of leadscore's; "
            "set the alias to another version."
        )
    return Named(model, str(found["version"]), str(tags[HASH_TAG]))


def is_kept(context: Context, named: Named) -> bool:
    """Whether the named bundle is here already."""
    return (context.paths.bundles / named.hash / "bundle.json").exists()


def pull_champion(context: Context, named: Named) -> Champion:
    """Fetch the named bundle, check it by its hash, keep it and make it the champion here.

    Raises
    ------
    RegistryError : the registry does not give it out
    BundleError : what it gives out is not the bundle of that hash
    """
    paths = context.paths
    if not is_kept(context, named):
        with tempfile.TemporaryDirectory() as folder:
            bundle = _fetched(context, named, Path(folder))
            load_bundle(bundle, named.hash)
            keep_bundle(paths, bundle)
    reason = f"alias '{CHAMPION}' of {named.model}, version {named.version}"
    return point_to(paths, named.hash, Move(How.REGISTRY, reason))


def follow_registry(context: Context) -> Champion:
    """The champion here made the registry's, fetched where it is another one."""
    named, now = named_champion(context.source.name), read_champion(context.paths)
    return now if now is not None and now.hash == named.hash else pull_champion(context, named)


def _fetched(context: Context, named: Named, folder: Path) -> Path:
    from pipelines.tracking import client_of  # MLflow and plots: wanted only when there is something to fetch

    with client_of(context.paths) as (mlflow, _):
        from mlflow.exceptions import MlflowException

        try:
            got = mlflow.artifacts.download_artifacts(f"models:/{named.model}/{named.version}", dst_path=str(folder))
        except (MlflowException, OSError) as problem:
            raise RegistryError(
                f"the registry does not give out version {named.version} of '{named.model}' "
                f"({type(problem).__name__}); check the server's artifact store."
            ) from problem
    found = Path(got) / "artifacts" / "bundle"
    if not (found / "bundle.json").exists():
        raise BundleError(f"version {named.version} of '{named.model}' holds no bundle; set the alias to another one.")
    return found


def _server() -> str:
    uri = os.environ.get(SERVER, "")
    if not uri.startswith(("http://", "https://")):
        raise RegistryError(
            f"following a registry takes an MLflow server: set {SERVER} to its http(s) address. Without one, "
            "champion.json on this machine says which bundle scores."
        )
    return uri.rstrip("/")


def _credentials() -> dict[str, str]:
    """As MLflow's own client sends them."""
    user, token = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_TOKEN")
    if user is not None:
        pair = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {"authorization": f"Bearer {token}"} if token else {}


def _told(problem: urllib.error.HTTPError) -> str:
    """The server's own word for what is wrong; never its whole answer."""
    try:
        said: Any = json.loads(problem.read(10_000)).get("error_code", "")
    except (ValueError, AttributeError):
        said = ""
    return f"{problem.code} {said}".strip()
