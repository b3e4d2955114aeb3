"""A rehearsal of scale: every stage on a large synthetic market, each in a process of its own, measured."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from features.errors import DataError
from pipelines.synth.scale import KINDS, SCALE
from pipelines.workspace.find_declarations import find_source
from pipelines.workspace.paths import Paths

GENERATE = "generate"
# every stage in order: where it runs when one machine is too small, and how its work grows with the events
PLACES = {
    GENERATE: ("not part of a run", "rows"),
    "ingest": ("one machine; on a cluster, tables in the contract's form are written in the lake", "rows"),
    "validate": ("one machine", "rows"),
    "matrix": ("Spark (--engine spark)", "rows"),
    "audit": ("one machine, thinned rows", "rows"),
    "backtest": ("one machine, thinned rows", "thinned"),
    "train": ("one machine, thinned rows", "thinned"),
    "register": ("one machine", "rows"),
    "evaluate": ("one machine", "rows"),
    "thresholds": ("one machine", "rows"),
    "score": ("Spark makes the features; the list is made on one machine", "rows"),
    "report": ("one machine", "rows"),
}
_MIB = 2**20


@dataclass(frozen=True)
class ScaleSize:
    """How much there is."""

    leads: int
    events_per_lead: int = 50
    seed: int = 7

    @property
    def events(self) -> int:
        """In all."""
        return self.leads * self.events_per_lead


@dataclass(frozen=True, kw_only=True)
class StageCost:
    """What a stage took: seconds by the clock, of processor, peak memory of its largest process and disk [MiB].

    ``status``: its exit status; a stage that was killed for want of memory has -9.
    """

    stage: str
    status: int
    seconds: float
    processor_seconds: float
    peak_mib: float
    disk_mib: float
    where: str


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """All stages, and what a larger number of events would take if work grew as ``PLACES`` says.

    ``foot``: the same stages on a small market, which tells what each takes whatever the size; empty: not measured.
    """

    size: ScaleSize
    engine: str
    costs: tuple[StageCost, ...]
    processors: int
    foot: tuple[StageCost, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether every stage ended well."""
        return len(self.costs) == len(PLACES) and all(cost.status == 0 for cost in self.costs)

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        found = asdict(self)
        return found | {"events": self.size.events, "finished": self.finished}

    def extrapolate(self, events: int) -> list[tuple[str, float, float]]:
        """By stage hours and GiB of memory for so many events, per lead as many as here.

        What exceeds the small market grows in proportion to the events, in time and in memory. Stages that fit on
        thinned rows take the time they take, as the rows that a fit sees are capped (``params.yaml``), but they read
        the whole matrix first: their memory grows like that of all others. Nothing is found where the market was no
        larger than the small one.
        """
        if self.foot and self.size.events <= FOOT.events:
            return []
        fixed = {cost.stage: cost for cost in self.foot}
        found = []
        for cost in self.costs:
            hours, gib = cost.seconds / 3600, cost.peak_mib / 1024
            least = fixed.get(cost.stage)
            start = FOOT.events if least is not None else 0
            factor = (events - start) / (self.size.events - start)
            low = (0.0, 0.0) if least is None else (least.seconds / 3600, least.peak_mib / 1024)
            gib = low[1] + max(gib - low[1], 0) * factor
            if PLACES[cost.stage][1] == "rows":
                hours = low[0] + max(hours - low[0], 0) * factor
            found.append((cost.stage, hours, gib))
        return found


FOOT = ScaleSize(leads=3_000)


def rehearse(
    folder: Path, size: ScaleSize, *, engine: str, tiny: bool, notify: Callable[[str], None] | None = None
) -> Rehearsal:
    """Rehearse a small market, then the one asked for; see :func:`rehearse_once`."""
    tell = notify or (lambda line: None)
    tell(f"{FOOT.leads:,} leads, {FOOT.events:,} events, to know what a stage takes whatever the size")
    foot = rehearse_once(folder / "foot", FOOT, engine=engine, tiny=tiny, notify=tell)
    tell(f"{size.leads:,} leads, {size.events:,} events")
    return replace(rehearse_once(folder / "asked", size, engine=engine, tiny=tiny, notify=tell), foot=foot.costs)


def rehearse_once(
    folder: Path, size: ScaleSize, *, engine: str, tiny: bool, notify: Callable[[str], None] | None = None
) -> Rehearsal:
    """Write the market, run every stage on it and measure; ends at the first stage that fails.

    Raises
    ------
    DataError : the folder holds something else
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / f"{SCALE}.yaml").exists():
        raise DataError(f"{folder} is not empty and no rehearsal's; name a folder of its own (--folder).")
    folder.mkdir(parents=True, exist_ok=True)
    source = write_declaration(folder, size)
    paths = Paths(folder / "data", SCALE)
    where = ("--source", str(source), "--data-dir", str(folder / "data"))
    costs: list[StageCost] = []
    for name in PLACES:
        words = _generating(source, folder) if name == GENERATE else _command(name, where, engine, tiny)
        cost = _measure(name, words, paths.raw if name == GENERATE else paths.root / _FOLDERS.get(name, name))
        costs.append(cost)
        if notify is not None:
            notify(line_of(cost))
        if cost.status != 0:
            break
    return Rehearsal(size=size, engine=engine, costs=tuple(costs), processors=os.cpu_count() or 1)


_FOLDERS = {"report": "reports", "register": "bundles"}
_TAKES_ENGINE = ("matrix", "score")


def _command(name: str, where: Sequence[str], engine: str, tiny: bool) -> list[str]:
    words = [sys.executable, "-m", "pipelines.cli", name, *where, *(["--tiny"] if tiny else [])]
    return [*words, *(["--engine", engine] if name in _TAKES_ENGINE else []), "--json"]


def _generating(source: Path, folder: Path) -> list[str]:
    code = (
        "import sys; from pathlib import Path; from features.schema.load_source import load_source; "
        "from pipelines.synth.generators import make_generated; from pipelines.workspace.paths import Paths; "
        f"make_generated(load_source(Path(sys.argv[1])), Paths(Path(sys.argv[2]), '{SCALE}'))"
    )
    return [sys.executable, "-c", code, str(source), str(folder / "data")]


def _measure(name: str, words: Sequence[str], folder: Path) -> StageCost:
    """Run a stage in a process of its own; a verdict such as leak is a result, not a failure to measure."""
    started = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)  # noqa: S603  our own commands
    _, ended, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(ended)
    disk = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.exists() else 0
    return StageCost(
        stage=name,
        status=process.returncode,
        seconds=round(time.perf_counter() - started, 1),
        processor_seconds=round(used.ru_utime + used.ru_stime, 1),
        peak_mib=round(used.ru_maxrss / 1024, 0),
        disk_mib=round(disk / _MIB, 1),
        where=PLACES[name][0],
    )


def line_of(cost: StageCost) -> str:
    """A stage in one line."""
    told = "" if cost.status == 0 else f"  ended with {cost.status}"
    return (
        f"{cost.stage:<12}{cost.seconds:>9.1f} s {cost.processor_seconds:>9.1f} s of processor "
        f"{cost.peak_mib:>8,.0f} MiB at most {cost.disk_mib:>9,.1f} MiB on disk{told}"
    )


def write_declaration(folder: Path, size: ScaleSize) -> Path:
    """The market's declaration: two looks a lead, at a week and at a month."""
    template = yaml.safe_load(find_source("demo").read_text(encoding="utf-8"))
    parameters = {"seed": size.seed, "leads": size.leads, "events_per_lead": size.events_per_lead}
    wide = {"rows": 2_000_000_000, "unpacked_mib": 1_000_000, "ratio": 1_000, "seconds": 86_400}
    document = {
        "name": SCALE,
        "kind": "relational",
        "title": "Synthetic market for rehearsals of scale",
        "synthetic": True,
        "licence": template["licence"],
        "timezone": "UTC",
        "data_cutoff": "2026-06-29T00:00:00",
        "generator": {"name": SCALE, "parameters": parameters},
        "label": {"outcome": "won", "horizon_days": 91, "reporting_lag_days": 0},
        "cohort": {"policy": "after_creation", "after_days": [7, 30]},
        "split": {"test_share": 0.25, "folds": 3},
        "capacity": {"handoffs_per_week": max(20, size.leads // 2_000), "reps": 50},
        "tables": {
            "leads": {
                "location": {"file": "leads.parquet", "limits": wide},
                "columns": {
                    "lead_id": {},
                    "created_at": {},
                    "account_id": {"when_known": "at_creation"},
                    "industry": {"type": "category", "topic": "need", "label": "industry"},
                    "lead_source": {"type": "category", "label": "lead source"},
                    "employees": {"type": "number", "topic": "budget", "label": "employees"},
                },
            },
            "activities": {
                "location": {"file": "activities", "limits": wide},
                "columns": {"lead_id": {}, "kind": {}, "happened_at": {}, "known_at": {}},
            },
            "outcomes": {
                "location": {"file": "outcomes.parquet", "limits": wide},
                "columns": {"opportunity_id": {}, "lead_id": {}, "closed_at": {}, "won": {}},
            },
        },
        "activity_kinds": {
            kind: {"dimension": "interest", "topic": "interest", "label": kind.replace("_", " "), "half_life_days": 21}
            for kind in KINDS
        },
    }
    path = folder / f"{SCALE}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path
