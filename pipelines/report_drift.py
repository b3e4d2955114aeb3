"""The report's section on drift: what the monitor says of the champion and the last matrix."""

from typing import Any

from pipelines.champion import read_champion
from pipelines.context import Context
from pipelines.gate import fits
from pipelines.monitor import monitor
from pipelines.params import load_monitor
from pipelines.store import read_json


def drift_view(context: Context) -> dict[str, Any]:
    """The monitor's record; empty where this run made no model or has no clocks, so that nothing is scored now."""
    train = read_json(context.paths.train / "train.json")
    champion = read_champion(context.paths)
    if champion is None or "hash" not in train or context.source.kind == "flat" or not fits(context, champion.folder):
        return {}
    return monitor(context, load_monitor())
