"""One place for compiled kernels and quiet libraries, set before they are first imported."""

import os
from pathlib import Path


def fix_caches(data_dir: Path) -> None:
    """One place for compiled kernels, set before numba is first imported: the user's cache, else the data directory.

    ``NUMBA_CACHE_DIR`` wins if it is set. Kernels are compiled once per machine, not once per data directory.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    nearest = next((p for p in (home, *home.parents) if p.exists()), home)
    root = home / "leadscore" if os.access(nearest, os.W_OK) else data_dir.resolve() / ".cache"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(root / "numba"))
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
