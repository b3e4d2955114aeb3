"""Whether an export looks like the table that was taken before: what does not is named, and refused unless accepted."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from features.schema.columns import Column
from features.schema.source import Source
from features.schema.vocabulary import ColumnType
from pipelines.artifacts.snapshots_record import ExportHistory
from pipelines.ingest.key_forms import KeyForm, match_keys
from pipelines.ingest.shaping.declared_columns import type_of
from pipelines.ingest.values.type_casting import plain_texts
from pipelines.snapshots.declared_exports import DeclaredExport, declared_columns
from pipelines.snapshots.snapshot_errors import SnapshotRefusedError

# Leads leave a CRM by merging and cleaning up, a few in a hundred at a time; one in five gone at once is a filter, a
# page limit or ids written another way.
FEWER_SHARE = 0.8
# A value is renamed if nine in ten of the rows that had it have one and the same value that nobody had before. People
# move leads out of a stage one by one and to several others; ten rows that move alike are no chance.
RENAMED_SHARE = 0.9
RENAMED_ROWS = 10
# Ids that went and came back in another form (leading zeros lost, .0, other case): five alike are no chance.
OTHER_IDS = 5
_FORMS = (KeyForm.ZEROS, KeyForm.DECIMAL, KeyForm.CASE, KeyForm.SALESFORCE, KeyForm.GUID)
_SHOWN = 5


class Oddity(StrEnum):
    """What an export may be refused for, and accepted in spite of."""

    OLDER = "older"
    REPLACEMENT = "replacement"
    FEWER_COLUMNS = "fewer-columns"
    FEWER_ROWS = "fewer-rows"
    OTHER_IDS = "other-ids"
    RENAMED_VALUES = "renamed-values"
    LATER_ROWS = "later-rows"


@dataclass(frozen=True)
class Finding:
    """One oddity of an export, in words."""

    oddity: Oddity
    text: str


def refuse_unless_accepted(findings: Collection[Finding], accepted: Collection[Oddity], *, what: str) -> None:
    """Raise for oddities that were not accepted.

    Raises
    ------
    SnapshotRefusedError
        naming each, and the option that accepts it.
    """
    open_findings = [finding for finding in findings if finding.oddity not in accepted]
    if open_findings:
        lines = [f"  {finding.text} (--accept {finding.oddity})" for finding in open_findings]
        raise SnapshotRefusedError(
            f"{what} was not taken, the store is as it was:\n" + "\n".join(lines) + "\nCorrect the export or the "
            "declaration, or repeat the command with the option named in brackets if it is right as it is."
        )


def find_older(history: ExportHistory | None, taken_at: pd.Timestamp) -> Iterator[Finding]:
    """A snapshot older than the newest one."""
    last = None if history is None else pd.Timestamp(history.snapshots[-1].taken_at)
    if last is not None and taken_at < last:
        yield Finding(
            Oddity.OLDER,
            f"it was taken at {_shown(taken_at)}, the newest snapshot is of {_shown(last)}; accepted, it is put in its "
            "place before the later ones",
        )


def find_later_rows(taken_at: pd.Timestamp, newest: pd.Timestamp | None) -> Iterator[Finding]:
    """Rows that are younger than the snapshot they stand in."""
    if newest is not None and newest > taken_at:
        yield Finding(
            Oddity.LATER_ROWS,
            f"a row is of {_shown(newest)}, after the moment it was taken ({_shown(taken_at)}); the time given, a time "
            "zone or the row is wrong",
        )


def find_replacement(taken_at: pd.Timestamp) -> Finding:
    """Another content for a moment that was taken already."""
    return Finding(
        Oddity.REPLACEMENT,
        f"a snapshot of {_shown(taken_at)} with other rows is in the store; accepted, this one takes its place",
    )


def find_other_shape(
    before: pd.DataFrame, after: pd.DataFrame, export: DeclaredExport, source: Source
) -> Iterator[Finding]:
    """Columns, rows or values that the state before had and this one lacks."""
    if not len(before):
        return
    lost = [name for name in before.columns if name not in after.columns]
    if lost:
        yield Finding(
            Oddity.FEWER_COLUMNS,
            f"it lacks {_listed(lost)}, which the snapshot before had; accepted, their values stay as they were last",
        )

    place = after.index.get_indexer(before.index)
    kept = int((place >= 0).sum())
    if kept < FEWER_SHARE * len(before):
        example = before.index[place < 0][0]
        yield Finding(
            Oddity.FEWER_ROWS,
            f"of the {len(before):,} rows before it holds {kept:,}, e.g. '{example}' is missing (it has {len(after):,} "
            f"rows, the first is '{after.index[0] if len(after) else ''}'): a filter, a limit, or ids written another "
            "way; accepted, the others count as vanished",
        )

    yield from _find_other_ids(before.index[place < 0], after.index[before.index.get_indexer(after.index) < 0])
    old, new = before[place >= 0], after.iloc[place[place >= 0]]
    renamed = [text for header, column in _categories(export, source) for text in _renamed(old, new, header, column)]
    if renamed:
        more = f" and {len(renamed) - _SHOWN} more" if len(renamed) > _SHOWN else ""
        yield Finding(
            Oddity.RENAMED_VALUES,
            f"values were renamed: {'; '.join(renamed[:_SHOWN])}{more}. Declare 'map: {{new name: old name}}' to read "
            "them as before; accepted, they are new values",
        )


def _find_other_ids(gone: pd.Index, came: pd.Index) -> Iterator[Finding]:
    """Rows that vanished under one spelling of their id and came under another."""
    found = match_keys(pd.Series(came, dtype="str"), pd.Series(gone, dtype="str"))
    same = {new: old for new, old in found.matched.items() if found.forms[new] in _FORMS}
    if len(same) >= OTHER_IDS:
        shown = ", ".join(f"'{old}' is '{new}' now" for new, old in list(same.items())[:2])
        yield Finding(
            Oddity.OTHER_IDS,
            f"{len(same):,} ids are written another way than before: {shown}; export them as text, as then; accepted, "
            "the rows before count as vanished and these as new",
        )


def _categories(export: DeclaredExport, source: Source) -> Iterator[tuple[str, Column]]:
    """Headers read as categories or booleans, each once, with a declaration."""
    seen: set[str] = set()
    for table, name, column in declared_columns(source, export):
        if type_of(source, table, name) not in (ColumnType.CATEGORY, ColumnType.BOOLEAN):
            continue
        for header in column.headers(name):
            if header not in seen:
                seen.add(header)
                yield header, column


def _renamed(before: pd.DataFrame, after: pd.DataFrame, header: str, column: Column) -> Iterator[str]:
    """Values that most of their rows left for one new value; both states hold the same rows in the same order."""
    if header not in before or header not in after:
        return
    old, new = plain_texts(before[header], column), plain_texts(after[header], column)
    left = (old.notna() & new.notna() & (old != new).fillna(False)).to_numpy(dtype=bool)
    pairs = pd.DataFrame({"old": old[left], "new": new[left]}).value_counts()
    total = old.value_counts()
    for was, now, rows in pairs.reset_index(name="rows").itertuples(index=False):
        if now not in total.index and rows >= RENAMED_ROWS and rows >= RENAMED_SHARE * total[was]:
            yield f"'{header}' {was} -> {now} ({rows:,} of {int(total[was]):,} rows)"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more columns" if len(names) > _SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + more


def _shown(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
