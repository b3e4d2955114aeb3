"""Small worlds of records for the tests of features: tables as lists of dicts, times as microseconds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from features.schema.vocabulary import ColumnType

DAY = 86_400_000_000
SECOND = 1_000_000
T0 = 20_000 * DAY + 9 * 3600 * SECOND  # 2024-10-04 09:00 UTC

Record = dict[str, Any]
World = dict[str, list[Record]]

SOURCE = Source.model_validate(
    {
        "name": "little",
        "kind": "relational",
        "tables": {
            "leads": {
                "columns": {
                    "account_id": {"when_known": "at_creation"},
                    "employees": {"type": "number", "direction": 1},
                    "job_title": {"type": "text", "title": True},
                    "industry": {"type": "category"},
                    "trial_from": {"type": "timestamp", "dimension": "usage"},
                    "website": {"type": "category", "when_known": "history"},
                    "email": {"type": "text", "role": "personal"},
                    "age": {"type": "number", "role": "sensitive"},
                    "interests": {"type": "list", "role": "display"},
                }
            },
            "accounts": {"columns": {"revenue": {"type": "number", "when_known": "known_at"}}},
            "activities": {},
            "answers": {},
            "stages": {},
            "outcomes": {"columns": {"product": {"values": ["core", "Core Plus"]}}},
        },
        "activity_kinds": {
            "page_view": {
                "dimension": "interest",
                "assets": {"pricing*": "budget"},
                "assets_intent": ["pricing*"],
                "half_life_days": 10,
            },
            "demo": {"dimension": "intent", "topic": "need", "half_life_days": 30, "direction": 1},
            "email_click": {"dimension": "interest", "bot_prone": True},
            "email_send": {"dimension": "interest", "send": True},
            "call": {"dimension": "intent", "actors": ["rep", "lead"]},
        },
        "questions": {
            "budget": {"topic": "budget", "text": "Is there a budget?", "met": ["yes"]},
            "seats": {"topic": "need", "type": "number", "text": "How many seats?", "met_minimum": 10},
            "go_live": {"topic": "timeline", "type": "timestamp", "text": "When do you go live?"},
        },
        "answer_channels": ["form"],
        "bots": {"seconds_after_send": 10, "burst_count": 3, "burst_seconds": 5},
        "label": {"horizon_days": 30, "reporting_lag_days": 3},
        "cohort": {"maximum_age_days": 120},
    }
)


def empty_world() -> World:
    return {name: [] for name in TABLES}


def lead(world: World, name: str, created: int, **values: Any) -> None:
    """Add a lead."""
    world["leads"].append({"lead_id": name, "created_at": created, "known_at": created, **values})


def did(world: World, name: str, kind: str, happened: int, known: int | None = None, **values: Any) -> None:
    """Add an activity."""
    row = {"lead_id": name, "kind": kind, "happened_at": happened, "known_at": happened if known is None else known}
    world["activities"].append({"actor": "lead", **row, **values})


def frames(world: World, source: Source = SOURCE) -> dict[str, pd.DataFrame]:
    """The world as canonical frames."""
    return {name: _frame(name, world[name], source) for name in TABLES}


def _frame(name: str, records: Sequence[Mapping[str, Any]], source: Source) -> pd.DataFrame:
    types = {column.name: column.type for column in TABLES[name].columns}
    if name in source.tables:
        types |= {key: column.type for key, column in source.tables[name].columns.items() if column.type}
    columns = {}
    for column, kind in types.items():
        values = [record.get(column) for record in records]
        if kind is ColumnType.TIMESTAMP:
            times = [np.datetime64("NaT", "us") if v is None else np.datetime64(v, "us") for v in values]
            columns[column] = pd.Series(np.asarray(times, dtype="datetime64[us]"))
        elif kind is ColumnType.NUMBER:
            columns[column] = pd.Series([np.nan if v is None else float(v) for v in values], dtype="float64")
        elif kind is ColumnType.BOOLEAN:
            columns[column] = pd.Series(values, dtype="boolean")
        else:
            columns[column] = pd.Series(values, dtype="str")
    return pd.DataFrame(columns)


def moment(micros: int) -> pd.Timestamp:
    """Microseconds as a naive UTC timestamp."""
    return pd.Timestamp(np.datetime64(micros, "us"))
