"""What a retrain looks at before it trains: a model trained on a broken feed would learn the fault."""

from dataclasses import dataclass

from models.judging.drift.monitor_findings import Level
from models.settings import GateSettings, MonitorSettings
from pipelines.artifacts.monitor_record import MonitorFinding
from pipelines.diagnostics.monitor import monitor
from pipelines.feeds.accepted_faults import read_accepted, settle_accepted
from pipelines.feeds.feed_findings import judge_feeds
from pipelines.registry.champion import read_champion
from pipelines.registry.promotion_gate import fits
from pipelines.run import release_memory
from pipelines.workspace.context import Context

_BROKEN = frozenset({"freshness", "feed volume", "history", "feed values", "emptied", "unit", "clock"})


@dataclass(frozen=True)
class Looked:
    """What was found, and under which champion (empty: none fits)."""

    findings: tuple[MonitorFinding, ...] = ()
    champion: str = ""

    @property
    def moved(self) -> list[MonitorFinding]:
        """What calls for action or is to be watched."""
        return [one for one in self.findings if one.level in (Level.ACT, Level.WATCH)]

    @property
    def broken(self) -> list[MonitorFinding]:
        """What says that a feed is broken, beyond what was accepted before."""
        return [one for one in self.findings if one.level == Level.ACT and one.check in _BROKEN]


def look_at_feeds(context: Context, settings: MonitorSettings, gate: GateSettings | None = None) -> Looked:
    """What moved since the champion was trained; where none fits, what is wrong with the feeds by their own past."""
    champion = read_champion(context.paths)
    if champion is None or not fits(context, champion.folder):
        found = settle_accepted(judge_feeds(context, None), read_accepted(context.paths, Looked().champion))
        return Looked(tuple(MonitorFinding.of(one.record()) for one in found))
    record = monitor(context, settings, gate=gate)
    record.write(context.paths.monitor.parent)
    release_memory()
    return Looked(record.findings, record.bundle)
