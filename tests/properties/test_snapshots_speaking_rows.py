"""Which row speaks for an account that several rows name: told by sorting as by following every snapshot."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipelines.snapshots.account_history import ACCOUNT, speaking_rows
from pipelines.snapshots.differences import KEY
from pipelines.snapshots.snapshot_store import TAKEN

Said = tuple[int, str, str | None]  # day of the snapshot, key of the row, the account it names


def as_rows(said: list[Said]) -> pd.DataFrame:
    days, keys, accounts = ([row[k] for row in said] for k in range(3))
    taken = pd.Series(pd.Timestamp("2026-01-01") + pd.to_timedelta(days, unit="D"), dtype="datetime64[us]")
    return pd.DataFrame(
        {
            KEY: pd.Series(keys, dtype="str"),
            TAKEN: taken,
            ACCOUNT: pd.Series(accounts, dtype="str"),
            "version": np.arange(len(said)),
        }
    )


def followed(rows: pd.DataFrame) -> pd.DataFrame:
    """The slow oracle: one snapshot after the other, with who names which account."""
    named: dict[str, str] = {}  # row of the export to its account
    naming: dict[str, dict[str, int]] = {}  # account to its rows in the order they came, each with its last version
    spoke: dict[str, int] = {}
    places: list[int] = []
    moments: list[pd.Timestamp] = []
    for moment, part in rows.groupby(TAKEN, sort=True):
        touched: dict[str, None] = {}
        for k, key, account in zip(part.index, part[KEY], part[ACCOUNT], strict=True):
            before, now = named.pop(key, None), None if pd.isna(account) else account
            if before is not None and before != now:
                del naming[before][key]
                touched[before] = None
            if now is not None:
                named[key] = now
                naming.setdefault(now, {})[key] = k
                touched[now] = None
        for account in touched:
            speaker = next(iter(naming[account].values()), None)
            if speaker is not None and spoke.get(account) != speaker:
                spoke[account] = speaker
                places.append(speaker)
                moments.append(moment)
    found = rows.iloc[places].reset_index(drop=True)
    found[TAKEN] = pd.Series(moments, dtype=rows[TAKEN].dtype)
    return found


def by_account(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(ACCOUNT, kind="stable").reset_index(drop=True)


says = st.tuples(st.integers(0, 5), st.sampled_from("abcd"), st.sampled_from(["x", "y", "z", "", None]))


@given(st.lists(says, max_size=24).map(lambda rows: sorted(rows, key=lambda row: row[0])))
def test_the_row_that_has_named_an_account_longest_speaks(said: list[Said]) -> None:
    rows = as_rows(said)
    pd.testing.assert_frame_equal(by_account(speaking_rows(rows)), by_account(followed(rows)))


def test_a_row_that_takes_over_says_what_it_last_said() -> None:
    rows = as_rows([(0, "a", "x"), (0, "b", "x"), (1, "b", "x"), (2, "a", "y"), (3, "a", "x"), (4, "b", None)])
    found = speaking_rows(rows)
    told = [tuple(row) for row in found[[ACCOUNT, "version"]].to_numpy().tolist()]
    assert told == [("x", 0), ("x", 2), ("x", 4), ("y", 3)]
    assert found[TAKEN].dt.day.tolist() == [1, 3, 5, 3]
