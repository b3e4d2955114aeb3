"""What is scored now against what the champion was trained on."""

import threading
from typing import Any

from pipelines.registry.champion import read_champion
from serving.state.app_state import AppState


def compute_drift(app_state: AppState) -> dict[str, Any]:
    """What is scored now against what the champion was trained on, as ``leadscore monitor`` says it.

    Worked out once per champion and matrix; BundleError where they do not fit each other.
    """
    from pipelines.diagnostics.monitor import monitor
    from pipelines.workspace.params_file import load_monitor

    champion, file = read_champion(app_state.paths), app_state.paths.matrix / "matrix.json"
    stamp = file.stat().st_mtime_ns if file.exists() else 0
    key = (str(app_state.paths.root), None if champion is None else champion.hash, stamp)
    with _drift_lock:
        if key not in _drifts:
            _drifts.clear()
            _drifts[key] = monitor(app_state.context, load_monitor())
        return _drifts[key]


_drift_lock = threading.Lock()


_drifts: dict[tuple[str, str | None, int], dict[str, Any]] = {}
