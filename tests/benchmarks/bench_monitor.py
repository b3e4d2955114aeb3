"""Faults planted in the feeds of a synthetic market: in how many days they are named, and how often nothing was wrong.

Run ``python -m tests.benchmarks.bench_monitor``; the figures it gave are in docs/monitoring.md.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest.mock import patch

import pandas as pd

from features.array_types import Tables
from features.schema.source import Source
from models.judging.feeds.examine_feeds import find_feed_faults, profile_tables
from models.judging.feeds.feed_fault import FeedFault
from pipelines.stages.ingest import ingest
from pipelines.synth import market
from pipelines.workspace.context import open_context
from pipelines.workspace.table_files import load_tables
from tests.reference.feed_faults import FAULTS, TABLE_OF, planted, stood_at
from tests.reference.tiny_run import write_source

WEEK, TRAINED_AFTER, MONTHS, LEADS = pd.Timedelta(days=7), 104, 36, 6000
SEEDS = (7, 8, 9)
START = pd.Timestamp("2024-07-01")


def made_tables(folder: Path, seed: int, leads: int = LEADS, months: int = MONTHS) -> tuple[Tables, Source]:
    """Canonical tables of a market of its own that stays as it is: the demo's gets harder by the year."""
    generator = {"name": "demo", "parameters": {"seed": seed, "leads": leads, "months": months}}
    path = write_source(folder, data_cutoff=str(START + round(months * 52 / 12) * WEEK), generator=generator)
    context = open_context(str(path), folder / "data")
    with patch.object(market, "DRIFT_PER_YEAR", 0.0):
        ingest(context.source, context.paths)
    return load_tables(context.paths), context.source


def weekly_checks(
    tables: Tables, source: Source, trained: Mapping[str, object], first: pd.Timestamp, checks: int
) -> Iterator[tuple[pd.Timestamp, list[FeedFault]]]:
    """What the checks of so many weeks find."""
    for week in range(1, checks + 1):
        now = first + week * WEEK
        yield now, find_feed_faults(stood_at(tables, now), source, now, trained)


def delay_of(
    tables: Tables, source: Source, fault: str, since: pd.Timestamp, checks: int = 16
) -> tuple[int, str] | None:
    """Days from the first bad row to the check that names its table, and the sentence; None if none does."""
    trained_at = since - 13 * WEEK
    trained = profile_tables(stood_at(tables, trained_at), source, trained_at)
    bad = planted(tables, fault, since)
    for now, found in weekly_checks(bad, source, trained, since, checks):
        for one in found:
            if one.table == TABLE_OF.get(fault, "activities"):
                return (now - since).days, one.sentence
    return None


def false_alarms(tables: Tables, source: Source, trained_at: pd.Timestamp, checks: int) -> list[tuple[str, str]]:
    """Sentences of checks that found something where nothing was planted."""
    trained = profile_tables(stood_at(tables, trained_at), source, trained_at)
    return [
        (f"{now:%Y-%m-%d}", fault.sentence)
        for now, found in weekly_checks(tables, source, trained, trained_at, checks)
        for fault in found[:1]
    ]


def main() -> None:
    """Print the figures."""
    alarms, checks = 0, 0
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            tables, source = made_tables(Path(folder), seed)
        for moment, sentence in false_alarms(tables, source, START + TRAINED_AFTER * WEEK, 51):
            alarms += 1
            sys.stdout.write(f"false alarm, seed {seed}, {moment}: {sentence}\n")
        checks += 51
        for fault in FAULTS:
            found = delay_of(tables, source, fault, START + 125 * WEEK + pd.Timedelta(days=3))
            said = "not found" if found is None else f"{found[0]:>3} days  {found[1]}"
            sys.stdout.write(f"{seed}  {fault:<24}{said}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{alarms} false alarms in {checks} checks\n")


if __name__ == "__main__":
    main()
