"""What is wrong with the feeds, as findings of the monitor."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from models.judging.drift.monitor_findings import FeedFinding, Finding, Level
from models.judging.feeds.examine_feeds import find_feed_faults
from models.judging.feeds.feed_fault import FaultKind, FeedFault, place
from models.judging.leakage.audit import audit
from models.settings import CLOCKS_DIFFER_DAYS, MonitorSettings
from pipelines.artifacts.audit_record import AuditRecord
from pipelines.feeds.accepted_faults import mark_values
from pipelines.feeds.bot_share import judge_bots
from pipelines.feeds.feed_profiles import data_end, kept_out
from pipelines.workspace.context import Context
from pipelines.workspace.matrix_files import load_chop, load_matrix, mark_of_matrix
from pipelines.workspace.table_files import load_tables

FEEDS, LEAK, AGE = "feeds", "leak", "data age"
_KEPT_OUT = 0.1  # share of the rows read, beyond that of the training


def judge_feeds(context: Context, trained: Mapping[str, Any] | None) -> list[Finding]:
    """A finding per fault of a feed, or one that says there is none.

    ``trained`` is the profile kept of the champion's training; without one, each feed is held against its own past.
    """
    cutoff = data_end(context)
    if cutoff is None:
        return [Finding(FEEDS, Level.UNKNOWN, "Without clocks nothing tells how fresh the tables are.")]
    tables = load_tables(context.paths)
    faults = find_feed_faults(tables, context.source, cutoff, trained)
    faults += _find_kept_out(context, trained, {fault.table for fault in faults if not fault.column})
    bots = judge_bots(tables, context.source, cutoff)
    beside = [] if bots is None else [bots]
    if faults:
        return [*(finding_of(fault) for fault in faults), *beside]
    count = sum(name in context.source.tables for name in tables)
    sentence = f"The {count} tables come as they used to: fresh, as many rows, with the same values."
    alone = "" if trained is not None else " Of the training nothing was kept: that is against their own past."
    return [Finding(FEEDS, Level.OK, sentence + alone), *beside]


def _find_kept_out(context: Context, trained: Mapping[str, Any] | None, named: Collection[str]) -> list[FeedFault]:
    """Tables of which far more rows are kept out than at the training: repeated, or against a rule."""
    usual = {} if trained is None else trained.get("kept_out", {})
    found = []
    for name, share in kept_out(context).items():
        if name in named or name not in usual:  # of a table nobody trained on nothing is known to be usual
            continue
        before = float(usual[name])
        if share < before + _KEPT_OUT:
            continue
        sentence = (
            f"{place(name)}: {share:.0%} of the rows read are kept out, repeated or against a rule; at the training it "
            f"was {before:.1%}."
        )
        remedy = "Read the reasons ('leadscore validate'): rows that come twice, or an export laid out another way."
        found.append(FeedFault(kind=FaultKind.VOLUME, table=name, sentence=sentence, remedy=remedy))
    return found


def finding_of(fault: FeedFault) -> Finding:
    """A fault as the monitor reports it."""
    return FeedFinding(
        check=str(fault.kind),
        level=Level.ACT if fault.act else Level.WATCH,
        sentence=fault.sentence,
        next=fault.remedy,
        place=place(fault.table, fault.feed, fault.column),
        values=mark_values(fault.values),
    )


def judge_leaks(context: Context) -> Finding:
    """Columns that carry the outcome today; the audit is run anew where it was of another matrix."""
    leaks = _leaks(context)
    if leaks is None:
        return Finding(LEAK, Level.UNKNOWN, "Too few outcomes are known to audit the columns.")
    if not leaks:
        return Finding(LEAK, Level.OK, "No column carries the outcome.")
    columns = list(dict.fromkeys(column for column, _ in leaks))
    remedy = (
        "Scores follow the outcome as soon as the column does: declare it 'role: ignore' with 'excluded_because', mend "
        "the export, and train again."
    )
    return Finding(LEAK, Level.ACT, "; ".join(f"{c}: {text}" for c, text in leaks[:3]), remedy, ", ".join(columns))


def _leaks(context: Context) -> Sequence[tuple[str, str]] | None:
    paths = context.paths
    found = AuditRecord.read(paths) if AuditRecord.exists(paths) else None
    if found is not None and found.matrix == mark_of_matrix(paths.matrix):
        return [(one.column, one.message) for one in found.findings if one.blocking]
    if not (paths.matrix / "chop.json").exists():
        return None
    again = audit(load_matrix(paths.matrix), context.source, load_tables(paths), load_chop(paths.matrix))
    return [(one.column, one.message) for one in again if one.blocking]


def judge_data_age(context: Context, settings: MonitorSettings, now: datetime | None = None) -> Finding | None:
    """Whether the data end too long ago by the clock on the wall; None where no limit is declared."""
    cutoff = data_end(context)
    if settings.data_days is None or cutoff is None:
        return None
    moment = pd.Timestamp((now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None))
    days = (moment - cutoff) / pd.Timedelta(days=1)
    if days < -CLOCKS_DIFFER_DAYS:
        sentence = f"The data end {-days:.1f} days from now ({cutoff:%Y-%m-%d}) by this machine's clock, so how old "
        remedy = "Set the clock if it was set back; else mend the times of the export."
        return Finding(AGE, Level.WATCH, sentence + "they are is unknown.", remedy)
    sentence = f"The data end {days:.1f} days ago ({cutoff:%Y-%m-%d}); {settings.data_days:g} days are declared."
    if days <= settings.data_days:
        return Finding(AGE, Level.OK, sentence)
    return Finding(AGE, Level.ACT, sentence, "Look after the export, then ingest and build the matrix.")
