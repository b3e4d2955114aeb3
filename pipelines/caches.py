"""One place for compiled kernels and quiet libraries, set before they are first imported."""

import os
from pathlib import Path


def fix_caches(data_dir: Path) -> None:
    """Point numba at a fixed cache directory and switch telemetry off, unless the environment already says so."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str((data_dir / ".cache" / "numba").resolve()))
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
