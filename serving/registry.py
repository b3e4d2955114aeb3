"""Following an MLflow server: its alias becomes the champion here, and while it is away the last one serves on."""

import subprocess
import sys

from features.errors import LeadScoreError, RegistryError
from pipelines.champion import read_champion
from pipelines.registry import is_kept, named_champion, pull_champion
from serving.desk import Desk
from serving.logs import logger

_FETCH_SECONDS = 300.0


def follow(desk: Desk) -> None:
    """Ask what the alias names and make it the champion; on a failure ``registry_problem`` says why."""
    found = ""
    try:
        named, now = named_champion(desk.context.source.name), read_champion(desk.paths)
        if now is None or now.hash != named.hash:
            if is_kept(desk.context, named):
                pull_champion(desk.context, named)
            else:
                _fetch(desk)
    except LeadScoreError as problem:
        found = f"{problem.message} The last champion serves on."
        if found != desk.registry_problem:
            logger().warning("registry not followed", code=problem.code)
    desk.registry_problem = found


def _fetch(desk: Desk) -> None:
    """In a process of its own: MLflow takes seconds to load and memory that scoring has no use for."""
    asked = ["--source", desk.settings.source, "--data-dir", str(desk.settings.data_dir)]
    command = [sys.executable, "-m", "pipelines.cli", "champion", "--pull", *asked]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise RegistryError(
            f"the registry gave out no bundle within {_FETCH_SECONDS:.0f} s; check its artifact store."
        ) from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise RegistryError(lines[-1] if lines else f"fetching the champion ended with status {done.returncode}.")
