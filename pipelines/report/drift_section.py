"""The report's section on drift: what the monitor says of the champion and the last matrix."""

from pipelines.artifacts.monitor_record import MonitorRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.diagnostics.monitor import monitor
from pipelines.registry.champion import read_champion
from pipelines.registry.promotion_gate import fits
from pipelines.workspace.context import Context
from pipelines.workspace.params_file import load_gate, load_monitor


def drift_view(context: Context) -> MonitorRecord | None:
    """The monitor's record; None where this run made no model or has no clocks, so that nothing is scored now."""
    champion, trained = read_champion(context.paths), TrainRecord.read(context.paths).hash
    if champion is None or trained is None or context.source.kind == "flat" or not fits(context, champion.folder):
        return None
    return monitor(context, load_monitor(), gate=load_gate())
