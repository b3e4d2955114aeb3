"""Following an MLflow server: its alias becomes the champion here, and while it is away the last one serves on."""

import subprocess
import sys
import time

from features.errors import ExitStatus, LeadScoreError, RegistryError
from pipelines.registry.champion import read_champion
from pipelines.tracking.mlflow_registry import NamedVersion, named_champion, take_kept
from serving.logs import logger
from serving.state.app_state import AppState, FailedVersion

_FETCH_SECONDS = 300.0
_LONGEST_PAUSE = 300.0
_READABLE_STATUSES = (ExitStatus.REGISTRY, ExitStatus.BUNDLE)  # whose last line is a message made for reading


def follow(app_state: AppState) -> None:
    """Ask what the alias names and make it the champion; on a failure ``registry_problem`` says why."""
    found, code = "", ""
    try:
        named = named_champion(app_state.context.source.name)
        if _is_in_use(app_state, named):
            app_state.failed_version = None
        else:
            _adopt_version(app_state, named)
    except LeadScoreError as problem:
        found, code = problem.message, problem.code
    except OSError as problem:
        found, code = _describe_write_failure(problem), type(problem).__name__
    if found and found != app_state.registry_problem:
        logger().warning("registry not followed", code=code)
    app_state.registry_problem = found


def _is_in_use(app_state: AppState, named: NamedVersion) -> bool:
    """Whether the named bundle is the champion and loaded; one that is not may be damaged whatever is pointed to."""
    now = read_champion(app_state.paths)
    return (
        now is not None
        and now.hash == named.hash
        and app_state.ready
        and app_state.loaded.model.bundle.hash == named.hash
    )


def _adopt_version(app_state: AppState, named: NamedVersion) -> None:
    """Make it the champion; what failed is tried again later and later, as fetching costs a process each time."""
    name, before = f"{named.hash} {named.version}", app_state.failed_version
    if before is not None and before.name == name and time.monotonic() < before.retry_at:
        raise RegistryError(before.message)
    try:
        if take_kept(app_state.open_declaration(), named) is None:
            fetch_champion(app_state)
    except (LeadScoreError, OSError) as problem:
        told = problem.message if isinstance(problem, LeadScoreError) else _describe_write_failure(problem)
        times = before.attempts + 1 if before is not None and before.name == name else 1
        pause = min(app_state.settings.registry_seconds * 2**times, _LONGEST_PAUSE)
        app_state.failed_version = FailedVersion(name, told, times, time.monotonic() + pause)
        raise
    app_state.failed_version = None


def _describe_write_failure(problem: OSError) -> str:
    return (
        f"the champion of the registry cannot be kept here ({problem.strerror or type(problem).__name__}); let the "
        "server's user write to the data directory."
    )


def fetch_champion(app_state: AppState) -> None:
    """In a process of its own: MLflow takes seconds to load and memory that scoring has no use for."""
    asked = ["--source", app_state.settings.source, "--data-dir", str(app_state.settings.data_dir)]
    command = [sys.executable, "-m", "pipelines.cli", "champion", "--pull", *asked]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise RegistryError(
            f"the registry gave out no bundle within {_FETCH_SECONDS:.0f} s; check its artifact store."
        ) from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        if lines and done.returncode in _READABLE_STATUSES:
            raise RegistryError(lines[-1])
        raise RegistryError(
            f"fetching the champion ended with status {done.returncode}; 'leadscore champion --pull' on this machine "
            "says why."
        )
