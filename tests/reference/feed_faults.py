"""Faults planted in canonical tables, from a moment on or in all rows, and the tables as they stood at a moment."""

from collections.abc import Callable, Mapping

import pandas as pd

from features.array_types import Tables
from features.schema.canonical_tables import TABLES

Plant = Callable[[dict[str, pd.DataFrame], pd.Timestamp], None]


def _new(frame: pd.DataFrame, since: pd.Timestamp, clock: str = "known_at") -> pd.Series:
    return (frame[clock] >= since).fillna(False).astype(bool)


def _drop(table: str) -> Plant:
    def plant(tables: dict[str, pd.DataFrame], since: pd.Timestamp) -> None:
        tables[table] = tables[table][~_new(tables[table], since)].reset_index(drop=True)

    return plant


def _change(table: str, column: str, change: Callable[[pd.Series], pd.Series]) -> Plant:
    def plant(tables: dict[str, pd.DataFrame], since: pd.Timestamp) -> None:
        frame = tables[table]
        new = _new(frame, since) if table != "accounts" else pd.Series(True, index=frame.index)
        tables[table] = frame.assign(**{column: frame[column].where(~new, change(frame[column]))})

    return plant


def _double(tables: dict[str, pd.DataFrame], since: pd.Timestamp) -> None:
    frame = tables["activities"]
    again = frame[_new(frame, since)]
    again = again.assign(activity_id="again " + again["activity_id"].astype("str"))
    tables["activities"] = pd.concat([frame, again], ignore_index=True)


def _shift(tables: dict[str, pd.DataFrame], since: pd.Timestamp) -> None:
    frame = tables["activities"]
    new = _new(frame, since)
    moved = {name: frame[name].where(~new, frame[name] + pd.Timedelta(hours=9)) for name in ("happened_at", "known_at")}
    tables["activities"] = frame.assign(**moved)


def _shift_happened(tables: dict[str, pd.DataFrame], since: pd.Timestamp) -> None:
    frame = tables["activities"]
    moved = frame["happened_at"].where(~_new(frame, since), frame["happened_at"] - pd.Timedelta(hours=9))
    tables["activities"] = frame.assign(happened_at=moved)


def _step(tables: dict[str, pd.DataFrame], since: pd.Timestamp) -> None:
    """Two of three deals that would have been won are lost instead."""
    frame = tables["outcomes"]
    lost = _new(frame, since) & frame["won"].fillna(False) & (frame.index.to_series() % 3 != 0)
    tables["outcomes"] = frame.assign(won=frame["won"].where(~lost, False))


def _all_but(prefix: str) -> Callable[[pd.Series], pd.Series]:
    return lambda values: (prefix + values.astype("str")).where(values.notna(), values)


FAULTS: Mapping[str, Plant] = {
    "activities stopped": _drop("activities"),
    "activities doubled": _double,
    "answers gone": _drop("answers"),
    "outcomes stopped": _drop("outcomes"),
    "stages stopped": _drop("stages"),
    "kinds renamed": _change("activities", "kind", _all_but("crm_")),
    "industries renamed": _change("accounts", "industry", _all_but("Sector ")),
    "lead source renamed": _change("leads", "lead_source", _all_but("2027 ")),
    "amount in thousands": _change("outcomes", "amount", lambda values: values / 1000),
    "amount zero": _change("outcomes", "amount", lambda values: values.where(values.isna(), 0.0)),
    "employees in thousands": _change("accounts", "employees", lambda values: values / 1000),
    "activities 9 hours off": _shift,
    "happened 9 hours early": _shift_happened,
    "job titles blank": _change("leads", "job_title", lambda values: values.where(values.isna())),
    "lead source unknown": _change("leads", "lead_source", lambda values: values.where(values.isna(), "unknown")),
    "market step": _step,
}

TABLE_OF: Mapping[str, str] = {
    "answers gone": "answers",
    "outcomes stopped": "outcomes",
    "amount zero": "outcomes",
    "stages stopped": "stages",
    "industries renamed": "accounts",
    "lead source renamed": "leads",
    "amount in thousands": "outcomes",
    "employees in thousands": "accounts",
    "job titles blank": "leads",
    "lead source unknown": "leads",
    "market step": "outcomes",
}  # all others: activities


def planted(tables: Tables, fault: str, since: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """The tables with one fault in every row known from a moment on; accounts, which have no clock, in all rows."""
    found = dict(tables)
    FAULTS[fault](found, since)
    return found


def stood_at(tables: Tables, moment: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """The tables as an export of that moment would have had them."""
    found = {}
    for name, frame in tables.items():
        clock = TABLES[name].clock
        known = (frame[clock] < moment).fillna(True) if name != "accounts" else pd.Series(True, index=frame.index)
        found[name] = frame[known.astype(bool)].reset_index(drop=True)
    return found
