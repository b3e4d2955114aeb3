"""The whole monitor on a year in which nothing happens: how often it calls for action, or asks to be watched.

Run ``python -m tests.benchmarks.bench_whole_monitor [CHECKS A SEED] [LEADS]``; the figures it gave are in
docs/monitoring.md. Where the training finds no signal, the rubric's points are what is watched.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from models.judging.drift.monitor_findings import Level
from models.settings import MonitorSettings
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.artifacts.monitor_record import MonitorRecord
from pipelines.artifacts.train_record import TrainRecord
from pipelines.diagnostics.monitor import monitor
from pipelines.run import run_stage
from pipelines.workspace.atomic_files import write_parquet
from pipelines.workspace.context import Context, open_context
from pipelines.workspace.paths import Paths
from tests.benchmarks.bench_monitor import START, TRAINED_AFTER, WEEK, made_tables
from tests.reference.feed_faults import stood_at
from tests.reference.tiny_run import NAME, SETTINGS

SEEDS, CHECKS, LEADS = (7, 8), 50, 6000
_TRAINING = ("matrix", "audit", "backtest", "train", "register", "evaluate", "thresholds")


def stand_at(context: Context, tables: Mapping[str, pd.DataFrame], moment: pd.Timestamp) -> Context:
    """The data directory as an ingest of that moment would have left its tables."""
    for name, frame in stood_at(tables, moment).items():
        write_parquet(context.paths.ingest / f"{name}.parquet", frame)
    counts = CountsRecord.read(context.paths).model_copy(update={"data_cutoff": moment.isoformat()})
    counts.write(context.paths.ingest)
    return replace(context, source=context.source.model_copy(update={"data_cutoff": moment.isoformat()}))


def weekly_records(folder: Path, seed: int, checks: int, leads: int = LEADS) -> Iterator[MonitorRecord]:
    """Train a champion after two years of a market that stays as it is, then look at it every week."""
    tables, _ = made_tables(folder, seed, leads)
    context = open_context(str(folder / f"{NAME}.yaml"), folder / "data", SETTINGS)
    trained_at = START + TRAINED_AFTER * WEEK
    then = stand_at(context, tables, trained_at)
    for name in _TRAINING:
        run_stage(then, name)
    for week in range(1, checks + 1):
        now = stand_at(context, tables, trained_at + week * WEEK)
        run_stage(now, "matrix")
        yield monitor(now, MonitorSettings())


def main() -> None:
    """Print the figures."""
    checks = int(sys.argv[1]) if len(sys.argv) > 1 else CHECKS
    leads = int(sys.argv[2]) if len(sys.argv) > 2 else LEADS
    verdicts: Counter[str] = Counter()
    alarms: Counter[str] = Counter()
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            for record in weekly_records(Path(folder), seed, checks, leads):
                scores = TrainRecord.read(Paths(Path(folder) / "data", NAME)).verdict
                verdicts[record.verdict] += 1
                grave = [f for f in record.findings if f.level == Level.ACT]
                alarms.update({finding.check for finding in grave})
                for finding in grave:
                    sys.stdout.write(f"seed {seed}, {str(record.as_of)[:10]}, {finding.check}: {finding.sentence}\n")
                sys.stdout.flush()
        sys.stdout.write(f"seed {seed}: the training ended with '{scores}'\n")
        sys.stdout.write(f"up to seed {seed}: {dict(verdicts)}, calls for action by check: {dict(alarms)}\n")


if __name__ == "__main__":
    main()
