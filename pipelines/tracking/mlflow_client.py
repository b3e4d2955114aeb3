"""MLflow on the store of a data directory: quiet, without telemetry, and given up within seconds where it is away."""

import hashlib
import logging
import os
import re
import socket
import sqlite3
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from features.errors import RegistryError
from pipelines.outbound.timed_requests import open_within
from pipelines.tracking.mlflow_names import SERVER
from pipelines.tracking.mlflow_patience import TrackLimits, causes_of, patience
from pipelines.workspace.paths import Paths
from pipelines.workspace.private_files import create_private, make_folder, private_umask

ARTIFACTS = "mlartifacts"
_PLACES = (  # where MLflow's database holds paths of files
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)
_DATABASES = {"postgresql": 5432, "mysql": 3306}  # whose address says where they are, and their usual ports
# options of a database's address that name another place: libpq's, and those of MySQL's drivers
_PLACES_OF_OPTIONS = {"host", "hostaddr", "port", "service", "unix_socket", "read_default_file"}
_PLAIN_HOST = re.compile(r"[\w.:-]+")
_LOOK_SECONDS = 5.0  # to connect and be answered at all, before MLflow is imported
_AWAY_STATUSES = (401, 403, 429, 502, 503, 504)  # of every request alike
DEAR_SECONDS = 15.0  # that a failure may take; after a longer one the store is left alone for a while
_REST_SECONDS = 900.0  # a retrain asks three times, with the source's lock held
# MLflow's own: seven attempts of two minutes each, which kept a finished run waiting for over four minutes
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
}


_LEFT_ALONE: dict[str, float] = {}  # by store until when it is not asked, in seconds of the monotonic clock


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
        return cls(f"sqlite:///{root / 'mlflow.db'}", (root / ARTIFACTS).as_uri())


def is_on_server() -> bool:
    """Whether runs are tracked by a server."""
    return bool(os.environ.get(SERVER))


def check_reachable(uri: str) -> None:
    """Return if something answers at the address of a server or database, whatever it answers; files are not looked at.

    Raises
    ------
    RegistryError : nothing answers within seconds; its message does not repeat the address, which may hold a password
    """
    parts = urlsplit(uri)
    if (kind := parts.scheme.partition("+")[0]) in _DATABASES:
        _check_database(uri, _DATABASES[kind])
        return
    if parts.scheme not in ("http", "https"):
        return
    host = parts.netloc.rpartition("@")[2]
    try:
        address = urlunsplit((parts.scheme, host, "/health", "", ""))
        with open_within(urllib.request.Request(address), _LOOK_SECONDS):  # noqa: S310  http or https, see above
            return
    except urllib.error.HTTPError:
        return
    except (OSError, ValueError, HTTPException) as problem:
        cause = getattr(problem, "reason", problem)
        raise RegistryError(
            f"the MLflow server at {host} does not answer ({type(cause).__name__}); check {SERVER}."
        ) from None


def _check_database(uri: str, usual_port: int) -> None:
    """A database that holds MLflow's runs: MLflow asks eleven times over two minutes before it gives up.

    Read as SQLAlchemy reads it, whose passwords may hold a slash. Some options name another place or a socket, and of
    several hosts the driver finds the one that answers: these are left to MLflow, as is what cannot be read.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        found = make_url(uri)
    except (ArgumentError, ValueError):
        return
    if not found.host or not _PLACES_OF_OPTIONS.isdisjoint(found.query) or not _PLAIN_HOST.fullmatch(found.host):
        return
    try:
        socket.create_connection((found.host, port := found.port or usual_port), timeout=_LOOK_SECONDS).close()
    except OSError as problem:
        raise RegistryError(
            f"MLflow's database at {found.host}:{port} does not answer ({type(problem).__name__}); check {SERVER}."
        ) from None


@contextmanager
def client_of(paths: Paths, seconds: float | None = None) -> Iterator[tuple[Any, Any]]:
    """MLflow and a client of it on the store of a data directory, for so many seconds where that is a server
    (:func:`pipelines.tracking.mlflow_patience.renew_patience` begins them anew).

    Raises
    ------
    RegistryError : the server does not answer, took long to fail a little while ago, or was not done in time
    """
    place = Store.of(paths).uri
    if time.monotonic() < _LEFT_ALONE.get(place, 0.0):
        raise RegistryError(f"MLflow's store failed after a long wait and is not asked again yet; check {SERVER}.")
    check_reachable(place)
    os.environ |= {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # a server's runs are announced there, before our JSON
    }
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    server = os.environ.get(SERVER)
    if not server:
        create_private(paths.data_dir / "mlflow.db")
        make_folder(paths.data_dir / ARTIFACTS)
        follow_moved_store(paths)
    mlflow.set_tracking_uri(Store.of(paths).uri)  # this sets the variable too: it is put back below
    _restore(server)

    started, most = time.monotonic(), TrackLimits().seconds if seconds is None else seconds
    try:
        ours = nullcontext() if server else private_umask()  # files below the data directory
        with warnings.catch_warnings(), patience(most if server else None), ours:
            warnings.simplefilter("ignore")
            yield mlflow, mlflow.MlflowClient()
    except Exception:
        if time.monotonic() - started > DEAR_SECONDS:
            _LEFT_ALONE[place] = time.monotonic() + _REST_SECONDS
        raise
    finally:
        mlflow.set_tracking_uri(None)
        _restore(server)


def is_away(error: BaseException) -> bool:
    """Whether an error says that MLflow cannot be told anything now, and not that it cannot take this one thing."""
    return any(_says_away(one) for one in causes_of(error))


def _says_away(error: BaseException) -> bool:
    if isinstance(error, RegistryError) or type(error).__name__ == "OperationalError":
        return True
    answered = getattr(getattr(error, "response", None), "status_code", None)
    if answered is not None:  # the server is there, and says no to this
        return answered in _AWAY_STATUSES
    if isinstance(error, OSError):
        return not isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError)
    status = getattr(error, "get_http_status_code", None)
    return status is not None and status() in _AWAY_STATUSES


def place_mark(paths: Paths) -> str:
    """A mark of this data directory on this machine: its writer's lock says that no other process logs from here."""
    return hashlib.sha256(f"{socket.gethostname()} {paths.root.resolve()}".encode()).hexdigest()[:16]


def experiment_of(client: Any, paths: Paths) -> str:
    """The id of the source's experiment, made where it is missing."""
    found = client.get_experiment_by_name(paths.source)
    if found is not None:
        return str(found.experiment_id)
    root = Store.of(paths).artifacts
    location = None if root is None else f"{root}/{paths.source}"
    return str(client.create_experiment(paths.source, artifact_location=location))


def follow_moved_store(paths: Paths) -> int:
    """Let a copied or moved data directory's MLflow find its files here; returns how many places were corrected.

    MLflow writes whole paths into its database: a copy would go on writing into its original, or fail where that is
    gone. All files that MLflow keeps for a data directory lie below it, so a path elsewhere is one from before.
    """
    here = (paths.data_dir.resolve() / ARTIFACTS).as_uri()
    corrected = 0
    with closing(sqlite3.connect(paths.data_dir / "mlflow.db", timeout=_LOOK_SECONDS)) as database, database:
        for table, column in _PLACES:
            if column not in {str(row[1]) for row in database.execute(f"PRAGMA table_info({table})")}:
                continue  # before MLflow's first start, or of an older one
            asked = f"SELECT DISTINCT {column} FROM {table} WHERE {column} LIKE 'file:%/{ARTIFACTS}/%'"  # noqa: S608  our own names
            for (place,) in database.execute(asked).fetchall():
                before, _, rest = str(place).partition(f"/{ARTIFACTS}/")
                if f"{before}/{ARTIFACTS}" != here:
                    update = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"  # noqa: S608  our own names
                    corrected += database.execute(update, (f"{here}/{rest}", place)).rowcount
    return corrected


def _restore(server: str | None) -> None:
    if server is None:
        os.environ.pop(SERVER, None)
    else:
        os.environ[SERVER] = server
