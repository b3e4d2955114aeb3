"""Which rows of a file belong to a table, where one file holds several tables."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.columns import Column, fold_value
from features.schema.source import Source
from pipelines.ingest.errors import MissingColumnError
from pipelines.ingest.quarantine import CheckedTable, key_in_words
from pipelines.ingest.reading.header_row import match_headers
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.shaping.canonical_shape import ShapedTable, UnreadableValues
from pipelines.ingest.shaping.repeated_rows import find_repeated_keys, newest_column
from pipelines.ingest.values.flag_columns import CONTRADICTION, add_flag_columns
from pipelines.ingest.values.type_casting import plain_texts


def select_rows(raw: RawTable, table: str, source: Source) -> tuple[RawTable, int]:
    """The rows of a file that are a table's by ``rows:``, and how many are not.

    Rows that do not fit the header, or whose flags contradict each other, can be of any table: they stay, for
    quarantine.

    Raises
    ------
    MissingColumnError
        if the file lacks a header that ``rows:`` names.
    """
    declared, flags = source.tables[table].rows, source.tables[table].flags
    if not declared:
        return raw, 0
    raw = _with_flags(raw, table, source)

    kept = np.ones(len(raw.frame), dtype=np.bool_)
    written = match_headers(list(declared), [str(name) for name in raw.frame.columns])
    for header, values in declared.items():
        if header not in written:
            where = source.where("tables", table, "rows", header)
            file = str(raw.form.get("file", "the file"))
            raise MissingColumnError(where, f"{table}.rows", header, file, raw.frame.columns)
        belongs = has_value(raw.frame[written[header]], values)
        if header in flags:
            strange = raw.frame[written[header]].str.startswith(CONTRADICTION).fillna(False)
            belongs = belongs | strange.to_numpy(dtype=np.bool_)
        kept &= belongs

    chosen = replace(raw, frame=raw.frame[kept].reset_index(drop=True), rows=raw.rows[kept])
    return chosen, int((~kept).sum())


def _with_flags(raw: RawTable, table: str, source: Source) -> RawTable:
    """The file with the columns that a declaration makes of its flags, under the headers it speaks of."""
    flags = source.tables[table].flags
    named = [header for values in flags.values() for headers in values.values() for header in headers]
    written = match_headers(named, [str(name) for name in raw.frame.columns])
    for header in named:
        if header not in written:
            where, file = source.where("tables", table, "flags"), str(raw.form.get("file", "the file"))
            raise MissingColumnError(where, f"{table}.flags", header, file, raw.frame.columns)
    named_so = raw.rename({theirs: ours for ours, theirs in written.items()})
    return replace(named_so, frame=add_flag_columns(named_so.frame, flags)) if flags else raw


def has_value(column: pd.Series, values: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which cells hold one of the values; ``""`` is an empty cell."""
    wanted = {fold_value(value) for value in values}
    texts = plain_texts(column, Column())
    fits = {text for text in texts.dropna().unique() if fold_value(text) in wanted}
    hit = texts.isin(fits) | (texts.isna() & ("" in wanted))
    return hit.to_numpy(dtype=np.bool_)


def drop_repeats(shaped: ShapedTable, source: Source) -> ShapedTable:
    """The table without rows that lack a key or repeat one, where the declaration says ``distinct``.

    They count as not of this table. Of rows with one key the newest stays where they differ and a column tells it,
    else the first.
    """
    if not source.tables[shaped.name].distinct:
        return shaped
    key = TABLES[shaped.name].key
    named = shaped.frame[key[0]].notna().to_numpy(dtype=np.bool_)
    gone, found = find_repeated_keys(shaped.frame, key, newest_column(source, shaped.name), named)
    show = key_in_words(source, shaped.name)
    notes = [] if found is None else found.in_words(shaped.name, left="the others do not", show=show)
    return replace(keep_rows(shaped, named & ~gone), notes=[*shaped.notes, *notes])


def drop_superseded(shaped: ShapedTable, leads: CheckedTable) -> ShapedTable:
    """Outcomes or stages of a file of deals without those of rows that a newer row of their deal supersedes.

    They count as not of this table, and are in the quarantine of the leads.
    """
    gone = np.isin(shaped.rows, leads.superseded)
    return keep_rows(shaped, ~gone) if gone.any() else shaped


def count_repeats_once(shaped: ShapedTable) -> ShapedTable:
    """The table without rows that the file holds once more; their number is kept and told."""
    if not shaped.repeats.size:
        return shaped
    keep = np.ones(len(shaped.frame), dtype=np.bool_)
    keep[shaped.repeats] = False
    kept, count = keep_rows(shaped, keep), int(shaped.repeats.size)
    note = (
        f"warning: {count:,} rows of table '{shaped.name}' are in the file more than once, alike in every column and "
        "without an id, as in exports that overlap; each counts once. Declare an id column to tell true repeats apart."
    )
    return replace(
        kept, repeats=np.zeros(0, dtype=np.int64), repeated=shaped.repeated + count, notes=[*shaped.notes, note]
    )


def keep_rows(shaped: ShapedTable, keep: npt.NDArray[np.bool_]) -> ShapedTable:
    """The table with some of its rows; the others count as not of this table."""
    stays = np.flatnonzero(keep)
    return replace(
        shaped,
        frame=shaped.frame.iloc[stays].reset_index(drop=True),
        rows=shaped.rows[stays],
        left_out=shaped.left_out + int((~keep).sum()),
        unreadable=[_at(item, stays) for item in shaped.unreadable],
        repeats=np.flatnonzero(np.isin(stays, shaped.repeats)).astype(np.int64),
    )


def _at(item: UnreadableValues, stays: npt.NDArray[np.int64]) -> UnreadableValues:
    """Unreadable values of the rows that stay, at their new places."""
    kept = np.flatnonzero(np.isin(item.positions, stays))
    places = np.searchsorted(stays, item.positions[kept]).astype(np.int64)
    return UnreadableValues(item.column, places, tuple(item.texts[i] for i in kept))
