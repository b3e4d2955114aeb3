"""What changed between two states of a table: new, changed, vanished and returned rows (dbt's strategy ``check``)."""

from collections.abc import Collection, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

KEY, CHANGE = "snapshot:key", "snapshot:change"
NEW, CHANGED, GONE, RETURNED = "new", "changed", "gone", "returned"


@dataclass(frozen=True, kw_only=True)
class Differences:
    """The rows to store, and counts of what they are.

    Parameters
    ----------
    rows : KEY, CHANGE, then every column; a vanished row has no values
    by_column : changed values of rows that were there before, by column; columns the state before lacked are left out
    corrected : rows whose value changed in a column that is never edited, once filled
    """

    rows: pd.DataFrame
    new: int
    changed: int
    vanished: int
    returned: int
    corrected: int
    by_column: dict[str, int]

    @property
    def nothing(self) -> bool:
        """Whether both states say the same."""
        return not len(self.rows)


def carry_missing_columns(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The later state with columns it lacks as they were: an export that leaves a column out says nothing of it."""
    lost = [name for name in before.columns if name not in after.columns]
    if not lost:
        return after
    return pd.concat([after, before[lost].reindex(after.index)], axis=1)


def compare_states(
    before: pd.DataFrame, after: pd.DataFrame, *, ever: Set[str] = frozenset(), fixed: Collection[str] = ()
) -> Differences:
    """Differences of two states, each a frame of texts with a row per key (the index).

    Parameters
    ----------
    ever : keys of all earlier snapshots, to tell a row that came back from a new one
    fixed : columns that are never edited
    """
    after = carry_missing_columns(before, after)
    place = before.index.get_indexer(after.index)  # isin and intersection walk over texts in Python
    both = after.index[place >= 0]
    old, new = before.iloc[place[place >= 0]].set_axis(both, axis=0), after[place >= 0]

    touched = np.zeros(len(both), dtype=np.bool_)
    corrected = np.zeros(len(both), dtype=np.bool_)
    by_column: dict[str, int] = {}
    for name in after.columns:
        if name not in before.columns:
            touched |= new[name].notna().to_numpy()
            continue
        differs = _differs(old[name], new[name])
        touched |= differs
        if differs.any():
            by_column[name] = int(differs.sum())
            if name in fixed:
                corrected |= differs & old[name].notna().to_numpy()

    first = after[place < 0]
    again = np.asarray([key in ever for key in first.index], dtype=np.bool_)
    gone = pd.DataFrame(index=before.index[after.index.get_indexer(before.index) < 0], columns=after.columns)
    parts = [(first, np.where(again, RETURNED, NEW)), (new[touched], CHANGED), (gone, GONE)]
    rows = pd.concat([_mark(frame, change) for frame, change in parts if len(frame)] or [_mark(first, NEW)])

    return Differences(
        rows=rows.reset_index(drop=True),
        new=int((~again).sum()),
        changed=int(touched.sum()),
        vanished=len(gone),
        returned=int(again.sum()),
        corrected=int(corrected.sum()),
        by_column=by_column,
    )


def _differs(old: pd.Series, new: pd.Series) -> npt.NDArray[np.bool_]:
    one, other = old.fillna("").to_numpy(dtype=object), new.fillna("").to_numpy(dtype=object)
    return np.asarray(one != other, dtype=np.bool_)


def _mark(frame: pd.DataFrame, change: object) -> pd.DataFrame:
    marked = pd.DataFrame({KEY: frame.index.astype("str"), CHANGE: change}, index=frame.index)
    return pd.concat([marked, frame], axis=1).astype("str")


def apply_changes(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The state after all changes, oldest first: the last row of every key, but for those that are gone."""
    if not parts:
        return pd.DataFrame(index=pd.Index([], name="key", dtype="str"))
    rows = pd.concat(parts, ignore_index=True)
    last = rows.drop_duplicates(KEY, keep="last")
    kept = last[last[CHANGE] != GONE]
    return kept.drop(columns=CHANGE).set_index(pd.Index(kept[KEY].astype("str"), name="key")).drop(columns=KEY)
