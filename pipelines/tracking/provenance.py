"""Where a run comes from: the commit of the project that holds the declaration, and the packages it ran with."""

import hashlib
import subprocess
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

_SECONDS = 10  # that git may take; without its answer a run is tracked all the same


@dataclass(frozen=True)
class Environment:
    """What is installed: ``name==version`` lines in order, and their SHA-256."""

    lines: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The same wherever the same versions are installed."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()


def installed_packages() -> Environment:
    """Every installed distribution with its version; no addresses, no paths."""
    found = {f"{one.name.lower().replace('_', '-')}=={one.version}" for one in distributions() if one.name}
    return Environment(tuple(sorted(found)))


def project_commit(file: Path) -> dict[str, str]:
    """Tags with the git commit of the project a file belongs to, and whether tracked files differ from it.

    Empty outside of a repository, for a file that its repository ignores, before a first commit, or without git.
    """
    folder, name = file.resolve().parent, file.name
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if not commit or _git(folder, "check-ignore", "--", name):
        return {}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"mlflow.source.git.commit": commit, "git.dirty": str(bool(changed)).lower()}


def _git(folder: Path, *words: str) -> str:
    """What git says of a folder; empty where it has nothing to say."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603  git alone
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
