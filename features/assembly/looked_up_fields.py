"""Values of companies that people looked up, as snapshots of their accounts from then on."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from features.kernel.column_reader import number_of


def add_looked_up(accounts: pd.DataFrame, looked_up: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The accounts with a snapshot per value looked up: the last snapshot known by then, with the value in its place.

    A later snapshot in which the value is missing keeps the one looked up: an empty field of the CRM denies nothing.
    An empty value withdraws what was looked up before. Rows of accounts that nobody looked up stay as they are.

    Parameters
    ----------
    accounts : rows of table ``accounts``
    looked_up : account_id, field, value (text) and known_at of each
    """
    known = [row for row in looked_up if row["field"] in accounts.columns]
    if not known:
        return accounts

    names = {str(row["account_id"]) for row in known}
    touched = accounts["account_id"].astype("str").isin(names).to_numpy(dtype=bool)
    rows: list[dict[str, Any]] = []
    for name in sorted(names):
        own = accounts[touched & (accounts["account_id"].astype("str") == name).to_numpy(dtype=bool)]
        own = own.sort_values("known_at", kind="stable", na_position="first")
        mine = sorted((row for row in known if str(row["account_id"]) == name), key=lambda row: row["known_at"])
        rows += _merge_account(name, own.to_dict("records"), mine)

    new = pd.DataFrame(rows, columns=accounts.columns)
    typed = {str(column): _as_type(new[column], accounts[column].dtype) for column in accounts.columns}
    kept = accounts[~touched]
    return pd.concat([kept, pd.DataFrame(typed)], ignore_index=True) if len(kept) else pd.DataFrame(typed)


def _merge_account(
    name: str, snapshots: Sequence[Mapping[Any, Any]], looked_up: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Snapshots of one account and what was looked up of it, in the order in which they became known."""
    moments = [(row["known_at"], 0, row) for row in snapshots] + [(row["known_at"], 1, row) for row in looked_up]
    moments.sort(key=lambda item: (not pd.isna(item[0]), pd.Timestamp.min if pd.isna(item[0]) else item[0], item[1]))

    found: list[dict[str, Any]] = []
    held: dict[str, Any] = {}  # what was looked up and no snapshot has answered
    told: dict[str, Any] = {}  # the last snapshot, without what was looked up
    for known_at, by_person, row in moments:
        if not by_person:
            told = {str(column): value for column, value in row.items()}
            held = {column: value for column, value in held.items() if pd.isna(told.get(column))}
        elif str(row["value"]) == "":
            held.pop(str(row["field"]), None)
        else:
            held[str(row["field"])] = row["value"]
        found.append({"account_id": name, **told, **held, "known_at": known_at})
    return found


def _as_type(values: pd.Series, dtype: Any) -> pd.Series:
    """Values in the type of their column; texts are read as numbers or booleans where the column holds those."""
    if pd.api.types.is_bool_dtype(dtype):
        return values.map(lambda value: pd.NA if pd.isna(value) else number_of(value) > 0).astype(dtype)
    if pd.api.types.is_numeric_dtype(dtype):
        return values.map(number_of).astype(dtype)
    return values.astype(dtype)
