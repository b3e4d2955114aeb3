"""Following an MLflow server: its alias becomes the champion here; while it is away the last champion still serves."""

import subprocess
import sys
import time

from features.errors import ExitStatus, LeadScoreError, RegistryError
from pipelines.registry.champion import read_champion
from pipelines.tracking.mlflow_registry import NamedVersion, named_champion, promote_if_kept
from pipelines.workspace.lock import only_writer
from serving.logs import logger
from serving.state.app_state import AppState
from serving.state.loading.failed_version import FailedVersion

_FETCH_SECONDS = 300.0  # for a bundle over a slow line; a fetch that hangs must not end the following for good
_LONGEST_PAUSE = 300.0  # seconds; bounds how late a repaired registry is noticed
_READABLE_STATUSES = (
    ExitStatus.REGISTRY,
    ExitStatus.BUNDLE,
    ExitStatus.BUSY,
    ExitStatus.STORAGE,
)  # whose last line is a message made for reading


def follow(app_state: AppState) -> None:
    """Ask which version the alias names and make it the champion; on a failure ``registry_problem`` says why."""
    message, code = "", ""
    try:
        named = named_champion(app_state.context.source.name)
        if _is_in_use(app_state, named):
            app_state.failed_version = None
        else:
            _adopt_version(app_state, named)
    except LeadScoreError as problem:
        message, code = problem.message, problem.code
    except OSError as problem:
        message, code = _describe_write_failure(problem), type(problem).__name__

    if message and message != app_state.registry_problem:
        logger().warning("registry not followed", code=code)
    app_state.registry_problem = message


def _is_in_use(app_state: AppState, named: NamedVersion) -> bool:
    """Whether the named bundle is the champion and loaded; a champion that is not loaded may be damaged."""
    now = read_champion(app_state.paths)
    return (
        now is not None
        and now.hash == named.hash
        and app_state.ready
        and app_state.loaded.model.bundle.hash == named.hash
    )


def _adopt_version(app_state: AppState, named: NamedVersion) -> None:
    """Make it the champion; after a failure the pauses double, as every fetch starts a process."""
    name, before = f"{named.hash} {named.version}", app_state.failed_version
    if before is not None and before.name == name and time.monotonic() < before.retry_at:
        raise RegistryError(before.message)

    try:
        with only_writer(app_state.paths):
            taken = promote_if_kept(app_state.open_declaration(), named)
        if taken is None:
            fetch_champion(app_state)
    except (LeadScoreError, OSError) as problem:
        message = problem.message if isinstance(problem, LeadScoreError) else _describe_write_failure(problem)
        attempts = before.attempts + 1 if before is not None and before.name == name else 1
        pause = min(app_state.settings.registry_seconds * 2**attempts, _LONGEST_PAUSE)
        app_state.failed_version = FailedVersion(name, message, attempts, time.monotonic() + pause)
        raise
    app_state.failed_version = None


def _describe_write_failure(problem: OSError) -> str:
    return (
        f"the registry's champion cannot be stored here ({problem.strerror or type(problem).__name__}); give the "
        "server's user write access to the data directory."
    )


def fetch_champion(app_state: AppState) -> None:
    """Fetch it in a process of its own: MLflow takes seconds to load, and memory that scoring has no use for."""
    asked = ["--source", app_state.settings.source, "--data-dir", str(app_state.settings.data_dir)]
    command = [sys.executable, "-m", "pipelines.cli", "champion", "--pull", *asked]
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter and command line, no shell
            command, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise RegistryError(
            f"the registry delivered no bundle within {_FETCH_SECONDS:.0f} s; check its artifact store."
        ) from None

    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        if lines and done.returncode in _READABLE_STATUSES:
            raise RegistryError(lines[-1])
        raise RegistryError(
            f"fetching the champion failed with status {done.returncode}; run 'leadscore champion --pull' on this "
            "machine to see why."
        )
