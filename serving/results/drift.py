"""What is scored now against what the champion was trained on."""

from typing import Any

from pipelines.artifacts.audit_record import AuditRecord
from pipelines.artifacts.comparison_record import ComparisonRecord
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.registry.champion import read_champion
from pipelines.workspace.params_file import DEFAULT as PARAMS
from serving.state.app_state import AppState
from serving.state.result_cache import BesideResult, file_stamp
from serving.store.wall_clock import wall_now


def compute_drift(app_state: AppState) -> dict[str, Any]:
    """The findings of ``leadscore monitor``, worked out once a day for the same files.

    Raises
    ------
    BundleError : the champion and the matrix do not fit each other
    """
    return app_state.results.get("drift", _stamp(app_state), lambda: _monitor(app_state))


def begin_drift(app_state: AppState) -> BesideResult[dict[str, Any]]:
    """The same, worked out beside the request."""
    return app_state.results.begin("drift", _stamp(app_state), lambda: compute_drift(app_state))


def _stamp(app_state: AppState) -> tuple[object, ...]:
    """Everything the monitor reads; the day, since it tells how old the data are."""
    paths, champion = app_state.paths, read_champion(app_state.paths)
    of_matrix = (paths.matrix / name for name in ("matrix.json", "open.json", "chop.json"))
    of_stages = (CountsRecord.path(paths), AuditRecord.path(paths), ComparisonRecord.path(paths), paths.ran)
    kept = () if champion is None else (paths.feed_profile(champion.hash),)
    said = (paths.feeds_accepted, paths.cadence, PARAMS)
    files = file_stamp(*of_matrix, *of_stages, *kept, *said)
    declared = app_state.context.declaration_hash
    return None if champion is None else champion.hash, declared, files, wall_now().date()


def _monitor(app_state: AppState) -> dict[str, Any]:
    from pipelines.diagnostics.monitor import monitor
    from pipelines.workspace.params_file import load_gate, load_monitor

    return monitor(app_state.context, load_monitor(), gate=load_gate()).content()
