"""Rows that a file holds more than once: alike in every column, or of one key and in contradiction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from features.schema.table_source import UPDATED
from features.schema.vocabulary import Role

_SHOWN_COLUMNS = 5

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Contradictions:
    """Keys whose rows differ in a column that the key does not hold.

    Parameters
    ----------
    newest_by : column that tells the newest row; empty if none does
    told : keys whose newest row that column tells
    untold : keys of which nothing tells the newest row
    columns : column to the number of keys whose rows differ in it, the most frequent first
    example : a key, of the untold ones where there are any
    superseded : positions of rows that are older than the newest of their key
    """

    newest_by: str
    told: int
    untold: int
    columns: dict[str, int]
    example: str
    superseded: npt.NDArray[np.int64]

    def in_words(self, table: str, *, left: str, show: Callable[[str], str]) -> list[str]:
        """What was found, as notes; ``left`` says what became of the other rows, ``show`` how a key is written."""
        example = show(self.example)
        shown = [f"{name} in {count:,}" for name, count in list(self.columns.items())[:_SHOWN_COLUMNS]]
        more = [] if len(self.columns) <= _SHOWN_COLUMNS else [f"{len(self.columns) - _SHOWN_COLUMNS} more columns"]
        differ = ", ".join([*shown, *more])
        notes = []
        if self.untold:
            why = (
                f"'{self.newest_by}' is the same or empty in the newest of them"
                if self.newest_by
                else "no column tells which is the newest"
            )
            notes.append(
                f"warning: {table}: rows of {_ids(self.untold)} contradict each other ({differ}; e.g. {example}), "
                f"and {why}: the first counts, {left}. Correct the export, or declare the column of the last change "
                f"and name it as tables.{table}.newest_by."
            )
        if self.told:
            also = "" if self.untold else f" ({differ}; e.g. {example})"
            notes.append(
                f"{table}: rows of {_ids(self.told)} contradict each other{also}; the newest by '{self.newest_by}' "
                f"counts, {left}."
            )
        return notes


def _ids(count: int) -> str:
    return "1 id" if count == 1 else f"{count:,} ids"


def newest_column(source: Source, table: str) -> str | None:
    """The column that tells the newest of several rows of one key: as declared, else ``updated_at`` or ``known_at``."""
    declared = source.tables[table]
    if declared.newest_by is not None:
        return declared.newest_by
    usable = [name for name, column in declared.columns.items() if column.role is not Role.IGNORE]
    named = (name for name in (UPDATED, "known_at") if name in usable and name not in TABLES[table].key)
    return next(named, None)


def find_repeated_keys(
    frame: pd.DataFrame, key: Sequence[str], newest_by: str | None, among: Mask
) -> tuple[Mask, Contradictions | None]:
    """Rows that repeat a key, all but the one that counts, and what contradicts what.

    Of rows that contradict each other the newest counts, where a column tells it; otherwise the first.

    Parameters
    ----------
    frame : the rows of a table
    key : columns of its key
    newest_by : column that tells the newest row, if there is one
    among : rows that are looked at; of the others none repeats anything
    """
    gone = np.zeros(len(frame), dtype=np.bool_)
    at = np.flatnonzero(among & frame[list(key)].notna().any(axis=1).to_numpy(dtype=np.bool_))
    at = at[frame[list(key)].iloc[at].duplicated(keep=False).to_numpy(dtype=np.bool_)]
    if not at.size:
        return gone, None

    repeated = frame.iloc[at]
    group = repeated.groupby(list(key), dropna=False, sort=False).ngroup().to_numpy(dtype=np.int64)
    clock = repeated[newest_by] if newest_by in frame else None
    others = [name for name in frame if name not in key and name != newest_by]
    groups = int(group.max()) + 1
    differs = {name: _differing(repeated[name], group, groups) for name in others}
    contradicting = np.logical_or.reduce([*differs.values(), np.zeros(groups, dtype=np.bool_)])

    age = np.zeros(len(at), dtype=np.int64)  # 0: the newest, or as good as any other
    if clock is not None:
        ranks = clock.rank(method="dense", ascending=False, na_option="bottom").to_numpy(dtype=np.float64)
        age = np.where(contradicting[group], ranks, 0).astype(np.int64)
    order = np.lexsort((at, age, group))
    first = np.r_[True, group[order][1:] != group[order][:-1]]
    gone[at[order[~first]]] = True
    if not contradicting.any():
        return gone, None

    newest = np.zeros(groups, dtype=np.int64)
    newest[group[order[first]]] = age[order[first]]
    as_new = np.flatnonzero(age == newest[group])  # as new as the row that counts, itself included
    rivals = np.zeros(groups, dtype=np.bool_)  # keys whose newest rows differ: one row in two exports is one
    for name in (name for name, hit in differs.items() if hit.any()):
        rivals |= _differing(repeated[name].iloc[as_new], group[as_new], groups)
    dated = np.ones(groups, dtype=np.bool_)
    if clock is not None:
        dated[group[order[first]]] = clock.notna().to_numpy(dtype=np.bool_)[order[first]]
    told = contradicting & ~rivals & dated
    untold = contradicting & ~told

    shown = int(np.flatnonzero(untold if untold.any() else told)[0])
    names = repeated[list(key)].iloc[int(np.flatnonzero(group == shown)[0])]
    counts = {str(name): int(hit.sum()) for name, hit in differs.items() if hit.any()}
    return gone, Contradictions(
        newest_by=newest_by or "",
        told=int(told.sum()),
        untold=int(untold.sum()),
        columns=dict(sorted(counts.items(), key=lambda item: -item[1])),
        example=" | ".join(str(value) for value in names),
        superseded=at[gone[at] & told[group]],
    )


def _differing(values: pd.Series, group: npt.NDArray[np.int64], groups: int) -> Mask:
    """Of each of so many groups whether its rows hold different values; a gap differs from a value."""
    codes = pd.factorize(values, use_na_sentinel=False)[0]
    first = np.zeros(groups, dtype=np.int64)
    first[group[::-1]] = codes[::-1]
    found = np.zeros(len(first), dtype=np.bool_)
    found[group[codes != first[group]]] = True
    return found


def find_repeats(frame: pd.DataFrame, written: pd.DataFrame, day_only: pd.Series) -> npt.NDArray[np.int64]:
    """Positions of rows without an id that equal an earlier row in every column of the file.

    Parameters
    ----------
    frame : the activities
    written : the same rows as in the file, with the columns nobody declared
    day_only : whose moment is a day: two of a kind on one day are two, and stay
    """
    asked = frame["activity_id"].isna() & frame["happened_at"].notna() & ~day_only.reset_index(drop=True)
    if not asked.any():
        return np.zeros(0, dtype=np.int64)
    alike = frame.loc[asked, ["lead_id", "kind", "happened_at"]].duplicated(keep=False)
    candidates = np.flatnonzero(asked.to_numpy(dtype=np.bool_))[alike.to_numpy(dtype=np.bool_)]
    again = written.iloc[candidates].astype("str").duplicated(keep="first").to_numpy(dtype=np.bool_)
    return candidates[again].astype(np.int64)
