"""What is scored now against what the champion was trained on."""

from typing import Any

from pipelines.registry.champion import read_champion
from serving.state.app_state import AppState
from serving.state.result_cache import BesideResult, file_stamp


def compute_drift(app_state: AppState) -> dict[str, Any]:
    """The findings of ``leadscore monitor``, worked out once per champion and matrix.

    Raises
    ------
    BundleError : the champion and the matrix do not fit each other
    """
    return app_state.results.get("drift", _stamp(app_state), lambda: _monitor(app_state))


def begin_drift(app_state: AppState) -> BesideResult[dict[str, Any]]:
    """The same, worked out beside the request."""
    return app_state.results.begin("drift", _stamp(app_state), lambda: compute_drift(app_state))


def _stamp(app_state: AppState) -> tuple[object, ...]:
    champion = read_champion(app_state.paths)
    return None if champion is None else champion.hash, file_stamp(app_state.paths.matrix / "matrix.json")


def _monitor(app_state: AppState) -> dict[str, Any]:
    from pipelines.diagnostics.monitor import monitor
    from pipelines.workspace.params_file import load_monitor

    return monitor(app_state.context, load_monitor()).content()
