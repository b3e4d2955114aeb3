"""The report's section on drift: what the monitor says of the champion and the last matrix."""

from typing import Any

from pipelines.diagnostics.monitor import monitor
from pipelines.registry.champion import read_champion
from pipelines.registry.promotion_gate import fits
from pipelines.workspace.atomic_files import read_json
from pipelines.workspace.context import Context
from pipelines.workspace.params_file import load_monitor


def drift_view(context: Context) -> dict[str, Any]:
    """The monitor's record; empty where this run made no model or has no clocks, so that nothing is scored now."""
    train = read_json(context.paths.train / "train.json")
    champion = read_champion(context.paths)
    if champion is None or "hash" not in train or context.source.kind == "flat" or not fits(context, champion.folder):
        return {}
    return monitor(context, load_monitor())
