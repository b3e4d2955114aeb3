"""What is scored now against what the champion was trained on."""

from typing import Any

from pipelines.registry.champion import read_champion
from serving.state.app_state import AppState
from serving.state.result_cache import file_stamp


def compute_drift(app_state: AppState) -> dict[str, Any]:
    """The findings of ``leadscore monitor``, worked out once per champion and matrix.

    Raises
    ------
    BundleError : the champion and the matrix do not fit each other
    """
    from pipelines.diagnostics.monitor import monitor
    from pipelines.workspace.params_file import load_monitor

    champion = read_champion(app_state.paths)
    stamp = (None if champion is None else champion.hash, file_stamp(app_state.paths.matrix / "matrix.json"))
    return app_state.results.get("drift", stamp, lambda: monitor(app_state.context, load_monitor()).content())
