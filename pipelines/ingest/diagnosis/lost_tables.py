"""Tables lost in quarantine: when so many rows are gone that the run may not go on, and the words for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.schema.source import Source
from pipelines.artifacts.counts_record import QuarantineReason
from pipelines.ingest.diagnosis.reasons_in_words import count_of, describe_reasons
from pipelines.ingest.expectations import Rule, table_order
from pipelines.ingest.quarantine import CheckedTable
from pipelines.ingest.reading.raw_table import RawTable

LOST_SHARE = 0.5  # with more rows lost than kept, a table says what was lost, not what happened (docs/adr/0039)
FEWEST_ROWS = 20  # at one broken row in ten, 11 or more of 20 happen once in a million exports: never by chance
_HOPELESS = 0.95  # of an obligatory table, from which accepting the loss is no advice
OBLIGATORY = ("leads", "outcomes", "stages")  # without rows of these there is nothing to learn from


@dataclass(frozen=True)
class LostTable:
    """A table of which too much is in quarantine; ``read`` leaves out rows that are not of it, ``limit`` is the share
    that was acceptable.
    """

    table: str
    read: int
    lost: int
    limit: float


def find_lost_tables(
    source: Source, checked: Mapping[str, CheckedTable], raws: Mapping[str, RawTable]
) -> list[LostTable]:
    """Tables of which more than the accepted share was lost, parents first.

    Rows that repeat an earlier row word for word are in quarantine, but not lost.
    """
    found = []
    for table in table_order(source):
        result = checked[table]
        lost = result.quarantined - _count_repeats(result, raws[table])
        accepted = source.tables[table].quarantine
        limit = LOST_SHARE if accepted is None else accepted.limit
        own = result.read - result.left_out
        nothing_left = own > 0 and not len(result.frame)
        too_much = own >= FEWEST_ROWS and lost > limit * own
        if too_much or (nothing_left and (table in OBLIGATORY or limit < 1)):
            found.append(LostTable(table, own, lost, limit))
    return found


def _count_repeats(result: CheckedTable, raw: RawTable) -> int:
    """Rows that break only the rule that keys are unique, and repeat an earlier row in every column."""
    rules = result.quarantine.groupby("row")["rule"].agg(["nunique", "first"])
    only = rules.index[(rules["nunique"] == 1) & (rules["first"] == str(Rule.UNIQUE))].to_numpy(dtype=np.int64)
    if not len(only):
        return 0
    repeated = raw.rows[raw.frame.duplicated(keep="first").to_numpy()]
    return int(np.isin(only, repeated).sum())


def describe_lost_tables(
    source: Source, lost: Sequence[LostTable], reasons: Mapping[str, Sequence[QuarantineReason]], folder: str
) -> str:
    """The error: which tables, how much of them, why, and what to do; what was lost with another in one line."""
    first = next((one for one in lost if not _follows(reasons.get(one.table, ()))), lost[0])
    lines = [
        f"{source.where('tables', first.table)}: table '{first.table}' is lost in quarantine: "
        f"{count_of(first.lost, first.read)} rows break a rule.",
        *describe_reasons(reasons.get(first.table, ())),
    ]

    for other in lost:
        if other is not first:
            why = reasons.get(other.table, ())
            lines.append(f"  With it goes table '{other.table}': {count_of(other.lost, other.read)} rows.")
            lines += [] if _follows(why) else describe_reasons(why)

    lines.append(f"  Nothing was trained or replaced. The rows are in {folder}. Correct the export or the declaration.")
    if first.lost < _HOPELESS * first.read or first.table not in OBLIGATORY:
        lines.append(
            f"  Or accept the loss: tables.{first.table}.quarantine: {{limit: {_limit_for(first)}, reason: ...}}."
        )
    return "\n".join(lines)


def _follows(reasons: Sequence[QuarantineReason]) -> bool:
    """Whether a table was lost because rows of another one were."""
    return bool(reasons) and reasons[0].rule in (Rule.PARENT, Rule.CLOSE)


def _limit_for(lost: LostTable) -> str:
    """The limit, in whole tenths, that would accept the loss."""
    return f"{min(1.0, np.ceil(10 * lost.lost / lost.read) / 10):g}"
