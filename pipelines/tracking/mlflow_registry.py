"""The registry of an MLflow server: which bundle its champion alias names, and fetching that bundle by its hash."""

import base64
import http.client
import json
import os
import re
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from features.errors import BundleError, RegistryError
from models.bundle import load_bundle
from pipelines.outbound.timed_requests import open_within
from pipelines.registry.champion import Champion, MoveKind, PointerMove, catalog_for, keep_bundle, point_to
from pipelines.registry.unfinished_move import settle_move
from pipelines.tracking.mlflow_client import client_of
from pipelines.tracking.mlflow_names import BUNDLE, CHAMPION, HASH_TAG, SERVER, model_name
from pipelines.tracking.mlflow_patience import LONG_SECONDS
from pipelines.workspace.context import Context

_SECONDS = 10.0  # to wait for an answer: the server that follows the registry asks again anyway
_MOST_BYTES = 2**20  # of an answer that MLflow writes in a few kilobytes; whatever else answers is not read whole
_USER, _PASSWORD, _TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"  # names


@dataclass(frozen=True)
class NamedVersion:
    """What an alias names: the version of the registered model, and the hash of its bundle."""

    model: str
    version: str
    hash: str


@dataclass(frozen=True)
class _Server:
    """An MLflow server: where it is asked, how it may be called where anybody reads, and what signs us in."""

    base: str
    shown: str
    headers: dict[str, str]


def named_champion(source: str) -> NamedVersion:
    """What the alias ``champion`` names on the server of ``MLFLOW_TRACKING_URI``: one small request, without MLflow.

    Raises
    ------
    RegistryError : no server declared, it cannot be reached or does not answer as MLflow does, no such model or alias,
        or a version without a hash
    """
    server, model = _server(), model_name(source)
    body = _ask_alias(server, model)

    try:
        found = json.loads(body)["model_version"]
        version = str(found["version"])
        tags = {tag["key"]: tag["value"] for tag in found.get("tags") or ()}
        if not re.fullmatch(r"[0-9]{1,18}", version):
            raise ValueError("no version")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise RegistryError(
            f"{server.shown} does not answer as an MLflow server of a known version ({type(problem).__name__} in its "
            f"answer); check {SERVER}."
        ) from problem

    if not re.fullmatch(r"[0-9a-f]{64}", str(tags.get(HASH_TAG) or "")):
        raise RegistryError(
            f"version {version} of '{model}' has no tag '{HASH_TAG}' with a SHA-256: it is not a leadscore bundle; "
            "set the alias to another version."
        )

    return NamedVersion(model, version, str(tags[HASH_TAG]))


def promote_if_kept(context: Context, named: NamedVersion) -> Champion | None:
    """Make the named bundle the champion if a sound copy is kept here, else None. The caller holds the source's lock.

    Raises
    ------
    BundleError : it was trained under another declaration; the pointer stays
    """
    try:
        bundle = load_bundle(context.paths.bundles / named.hash, named.hash)
    except BundleError:  # absent or damaged: fetching repairs both
        return None
    catalog_for(context, bundle)
    settle_move(context)
    reason = f"alias '{CHAMPION}' of {named.model}, version {named.version}"
    return point_to(context.paths, named.hash, PointerMove(MoveKind.REGISTRY, reason))


def pull_champion(context: Context, named: NamedVersion) -> Champion:
    """Make the named bundle the champion here, fetched where no sound copy is kept; the pointer moves only to a bundle
    of that hash which fits the declaration.

    Raises
    ------
    RegistryError : the registry does not serve it
    BundleError : what it serves is not the bundle of that hash, or was trained under another declaration
    """
    taken = promote_if_kept(context, named)
    if taken is not None:
        return taken

    with tempfile.TemporaryDirectory() as folder:
        bundle = fetch_bundle(context, named, Path(folder))
        catalog_for(context, load_bundle(bundle, named.hash))
        keep_bundle(context.paths, bundle)

    taken = promote_if_kept(context, named)
    if taken is None:
        raise BundleError(f"bundle {named.hash[:12]} was damaged while it was stored; check the disk and pull again.")
    return taken


def follow_registry(context: Context) -> Champion:
    """The champion here made the registry's, fetched where it is another one or damaged."""
    return pull_champion(context, named_champion(context.source.name))


def fetch_bundle(context: Context, named: NamedVersion, folder: Path) -> Path:
    """Download a registered version into a folder; where its bundle lies there.

    Raises
    ------
    RegistryError : the registry does not serve it
    BundleError : it contains no bundle
    """
    with client_of(context.paths, LONG_SECONDS) as (mlflow, _):
        from mlflow.exceptions import MlflowException

        try:
            where = f"models:/{named.model}/{named.version}/{BUNDLE}"  # not the code beside it: ours is what runs here
            got = mlflow.artifacts.download_artifacts(where, dst_path=str(folder))
        except (MlflowException, OSError) as problem:
            raise RegistryError(
                f"the registry does not serve version {named.version} of '{named.model}' "
                f"({type(problem).__name__}); check the server's artifact store."
            ) from problem
    found = Path(got)
    if not (found / "bundle.json").exists():
        raise BundleError(
            f"version {named.version} of '{named.model}' contains no bundle; set the alias to another one."
        )
    return found


def _ask_alias(server: _Server, model: str) -> bytes:
    """The server's answer to what the alias names."""
    asked = urllib.parse.urlencode({"name": model, "alias": CHAMPION})
    try:
        request = urllib.request.Request(  # noqa: S310  http or https, which the declared server was checked for
            f"{server.base}/api/2.0/mlflow/registered-models/alias?{asked}", headers=server.headers
        )
        with open_within(request, _SECONDS) as answer:
            return bytes(answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as problem:
        raise RegistryError(_refusal(server, model, problem)) from problem
    except (OSError, ValueError, http.client.HTTPException) as problem:
        raise RegistryError(
            f"the registry at {server.shown} cannot be reached ({type(problem).__name__}); check {SERVER}."
        ) from problem


def _refusal(server: _Server, model: str, problem: urllib.error.HTTPError) -> str:
    """What a status other than 200 means, and what to do."""
    word, about_alias = _error_code(problem)
    told = f"{problem.code} {word}".strip()

    if problem.code == 404 or (problem.code == 400 and about_alias):
        return (
            f"the registry at {server.shown} has no alias '{CHAMPION}' for model '{model}' ({told}); 'leadscore run' "
            "registers a bundle there and sets the alias."
        )
    if problem.code in (401, 403):
        return (
            f"the registry at {server.shown} rejects these credentials ({told}); set {_USER} and {_PASSWORD}, or "
            f"{_TOKEN}, to credentials that may read '{model}'."
        )
    if 300 <= problem.code < 400:
        return f"the registry at {server.shown} redirects elsewhere ({told}); set {SERVER} to its actual address."
    return f"the registry at {server.shown} answered {told}; it will be asked again, see that server's log."


def _error_code(problem: urllib.error.HTTPError) -> tuple[str, bool]:
    """The server's own code for what is wrong, and whether its message is of an alias; never its whole answer."""
    try:
        said = json.loads(problem.read(10_000))
        word, about_alias = str(said.get("error_code", "")), "alias" in str(said.get("message", "")).lower()
    except (OSError, ValueError, AttributeError, RecursionError, http.client.HTTPException):
        return "", False
    return (word, about_alias) if re.fullmatch(r"[A-Z_]{1,60}", word) else ("", False)


def _server() -> _Server:
    """The server of ``MLFLOW_TRACKING_URI``; the address may hold a user and a password, which are shown nowhere."""
    try:
        split = urllib.parse.urlsplit(os.environ.get(SERVER, "").strip())
        host, port = split.hostname, split.port
    except ValueError:
        host, port = None, None

    if not host or split.scheme not in ("http", "https"):
        raise RegistryError(
            f"following a registry needs an MLflow server: set {SERVER} to its http(s) address. Without one, "
            "champion.json on this machine says which bundle scores."
        )

    named = f"[{host}]" if ":" in host else host
    origin = f"{split.scheme}://{named}" + ("" if port is None else f":{port}")
    return _Server(origin + split.path.rstrip("/"), origin, _credentials(split))


def _credentials(split: urllib.parse.SplitResult) -> dict[str, str]:
    """As MLflow's own client sends them: those of the address, else user and password, else the token."""
    unquote = urllib.parse.unquote
    pairs = (
        (unquote(split.username or ""), unquote(split.password or "")),
        (os.environ.get(_USER), os.environ.get(_PASSWORD)),
    )
    for user, password in pairs:
        if user and password:
            return {"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
    token = os.environ.get(_TOKEN)
    return {"authorization": f"Bearer {token}"} if token else {}
