"""Reasons of a quarantine in words: the largest few, with counts, an example each, the cause and what to do."""

from collections.abc import Mapping, Sequence

from pipelines.artifacts.counts_record import QuarantineReason
from pipelines.ingest.expectations import BROKEN, Rule

SHOWN = 3  # told on a console; validation.html has them all


def count_of(part: int, whole: int) -> str:
    """A part of a whole in words.

    >>> count_of(2216, 2216), count_of(380, 420)
    ('all 2,216', '380 of 420 (90%)')
    """
    return f"all {whole:,}" if part == whole else f"{part:,} of {whole:,} ({min(100 * part // whole, 99)}%)"


def describe_reasons(reasons: Sequence[QuarantineReason], shown: int = SHOWN) -> list[str]:
    """A line per reason, with count, an example, the cause and what to do; the largest few, and how many more."""
    lines = [f"  - {describe_reason(reason)}" for reason in reasons[:shown]]
    if len(reasons) > shown:
        rest = reasons[shown:]
        lines.append(f"  - and {len(rest)} more reasons, at most {max(r.rows for r in rest):,} rows each")
    return lines


def describe_reason(reason: QuarantineReason) -> str:
    """One reason in words: the broken rule, how many rows, an example, the cause and what to do next."""
    what = f"{reason.column or 'the row'} {BROKEN[Rule(reason.rule)]}"
    shown = f"'{reason.example}'" if reason.example else "empty"
    cause = f". Cause: {reason.cause}" if reason.cause else ""
    advice = f". Next: {reason.advice}." if reason.advice else "."
    return (
        f"{what}: {reason.rows:,} row{'s' if reason.rows != 1 else ''}, e.g. row {reason.row:,}: {shown}{cause}{advice}"
    )


def describe_quarantine(reasons: Mapping[str, Sequence[QuarantineReason]]) -> list[str]:
    """The largest reasons of all tables with counts, an example each and the cause; how many more there are."""
    found = sorted((reason for rows in reasons.values() for reason in rows), key=lambda r: -r.rows)
    lines = [
        f"{'warning' if reason.kept else 'quarantined'}: {reason.table}: {describe_reason(reason)}"
        for reason in found[:SHOWN]
    ]
    if len(found) > SHOWN:
        rest = found[SHOWN:]
        lines.append(f"and {len(rest)} more reasons, {sum(r.rows for r in rest):,} rows: validation.html lists them")
    return lines
