"""Every feature family at once on data like those of :mod:`tests.benchmarks.bench_features`, other tables added.

Leads in accounts, titles, attributes, qualification answers, stages, outcomes, and scanners that click what is sent
(synthetic). Run ``python -m tests.benchmarks.bench_catalog --leads 100000``; DuckDB and polars compute every column.
"""

import argparse
import json
import os
import sys
from typing import Any

import numpy as np
import pandas as pd

from features.assembly.build_matrix import build_matrix, sorted_rows
from features.catalog.build_catalog import build_catalog
from features.catalog.families.job_titles import job_function, seniority
from features.catalog.feature import Catalog
from features.kernel.column_reader import FrameRows
from features.kernel.feature_plans import compile_catalog
from features.kernel.sorting import BucketSort
from features.kernel.table_arrays import EncodedTables
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY as DAY
from features.schema.source import Source
from tests.benchmarks.bench_features import CHANNELS, NOW, data, peak_gigabytes, seconds, texts, times
from tests.benchmarks.bench_features import source as events_source
from tests.benchmarks.catalog_polars import whole_by_polars
from tests.benchmarks.catalog_sql import whole_by_duckdb

TITLES = (
    *("CEO", "Geschäftsführer", "VP Sales", "Head of IT", "Directrice marketing", "Gerente de compras", "영업 이사"),
    *("Dyrektor finansowy", "Software engineer", "Working student", "Office manager", "Consultant", "Owner"),
)
STAGES = ("lead", "mql", "sal", "sql", "opportunity", "recycled")
QUESTIONS = ("budget", "start", "pain")


def source() -> Source:
    """The events' source with every other table declared."""
    plain = events_source()
    document = plain.model_dump(mode="json", exclude_defaults=True)
    document["tables"] = {
        "leads": {
            "columns": {
                "account_id": {"when_known": "at_creation"},
                "job_title": {"type": "text", "title": True},
                "lead_source": {"type": "category"},
                "first_value": {"type": "number"},
            }
        },
        "accounts": {
            "columns": {
                "industry": {"type": "category", "when_known": "known_at"},
                "employees": {"type": "number", "when_known": "known_at"},
            }
        },
        "activities": {},
        "answers": {},
        "stages": {},
        "outcomes": {"columns": {"product": {"values": ["core", "plus"]}}},
    }
    document["questions"] = {
        "budget": {"topic": "budget", "text": "Budget?", "met": ["yes"]},
        "start": {"topic": "timeline", "text": "When?", "met": ["soon"]},
        "pain": {"topic": "need", "type": "number", "text": "How much?", "met_minimum": 5},
    }
    document["answer_channels"] = ["form", "call"]
    document["activity_kinds"]["kind_0"]["bot_prone"] = True
    document["activity_kinds"]["mail_sent"] = {"dimension": "interest", "send": True}
    document["bots"] = {"burst_count": 2}
    return Source.model_validate(document)


def everything(leads: int, events: int, seed: int = 0) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Tables and cohort; three leads to an account, one in ten without; one event in ten a send or a click on one."""
    tables, cohort = data(leads, events - events // 10, seed)
    rng = np.random.default_rng(seed + 1)
    ids = tuple(tables["leads"]["lead_id"])
    tables["activities"] = pd.concat([tables["activities"], _mails(rng, ids, events // 20)], ignore_index=True)
    accounts = max(1, leads // 3)
    names = tuple(f"A{k:07d}" for k in range(accounts))
    owner = texts(rng.integers(0, accounts, leads), names)
    tables["leads"] = tables["leads"].assign(
        account_id=owner.where(rng.random(leads) < 0.9),
        job_title=texts(rng.integers(0, len(TITLES), leads), TITLES),
        lead_source=texts(rng.integers(0, 5, leads), ("ads", "event", "organic", "partner", "social")),
        first_value=rng.random(leads),
    )
    long_ago = np.full(accounts, NOW - 500 * DAY)
    tables["accounts"] = pd.DataFrame(
        {
            "account_id": pd.Series(names, dtype="str"),
            "known_at": times(long_ago),
            "industry": texts(rng.integers(0, 8, accounts), tuple(f"industry {k}" for k in range(8))),
            "employees": rng.integers(2, 5000, accounts).astype(float),
        }
    )
    tables["answers"] = _answers(rng, ids, tables["answers"])
    at = NOW - (rng.random(3 * leads) * 365 * DAY).astype(np.int64)
    stage = texts(rng.integers(0, len(STAGES), 3 * leads), STAGES)
    steps = {"lead_id": texts(rng.integers(0, leads, 3 * leads), ids), "stage": stage}
    tables["stages"] = _rows(tables["stages"], steps | {"entered_at": times(at), "known_at": times(at)})
    closed = NOW - (rng.random(leads // 3) * 365 * DAY).astype(np.int64)
    deals = {
        "opportunity_id": pd.Series([f"D{k}" for k in range(leads // 3)], dtype="str"),
        "account_id": texts(rng.integers(0, accounts, leads // 3), names),
        "closed_at": times(closed),
        "known_at": times(closed),
        "won": pd.Series(rng.random(leads // 3) < 0.3, dtype="boolean"),
        "product": texts(rng.integers(0, 2, leads // 3), ("core", "plus")),
    }
    tables["outcomes"] = _rows(tables["outcomes"], deals)
    return tables, cohort


def _mails(rng: np.random.Generator, ids: tuple[str, ...], count: int) -> pd.DataFrame:
    """Sends and as many clicks within 20 seconds of them, one in four two seconds after another; some known late."""
    lead = rng.integers(0, len(ids), count)
    sent = NOW - (rng.random(count) * 365 * DAY).astype(np.int64)
    clicked = np.arange(count) - (np.arange(count) % 4 == 1)  # the second click of a mail instead of the next mail's
    seconds_later = rng.integers(1_000_000, 20_000_000, count)[clicked] + 2_000_000 * (clicked != np.arange(count))
    happened = np.r_[sent, sent[clicked] + seconds_later]
    late = rng.integers(0, DAY, 2 * count) * (rng.random(2 * count) < 0.2)
    return pd.DataFrame(
        {
            "lead_id": texts(np.r_[lead, lead[clicked]], ids),
            "kind": texts(np.repeat([0, 1], count), ("mail_sent", "kind_0")),
            "happened_at": times(happened),
            "known_at": times(happened + late),
            "actor": texts(np.repeat([0, 1], count), ("system", "lead")),
            "asset": texts(rng.integers(0, 200, 2 * count), tuple(f"page_{p}" for p in range(200))),
            "channel": texts(np.ones(2 * count, dtype=int), CHANNELS),
            "value": rng.random(2 * count),
        }
    )


def _answers(rng: np.random.Generator, ids: tuple[str, ...], empty: pd.DataFrame) -> pd.DataFrame:
    count = 3 * len(ids)
    question = rng.integers(0, len(QUESTIONS), count)
    said = np.where(
        question == 2, rng.integers(0, 11, count).astype(str), np.where(rng.random(count) < 0.5, "yes", "soon")
    )
    at = times(NOW - (rng.random(count) * 365 * DAY).astype(np.int64))
    rows = {
        "lead_id": texts(rng.integers(0, len(ids), count), ids),
        "question": texts(question, QUESTIONS),
        "value": pd.Series(said, dtype="str"),
        "happened_at": at,
        "known_at": at,
        "channel": texts(rng.integers(0, 2, count), ("form", "call")),
    }
    return _rows(empty, rows)


def _rows(empty: pd.DataFrame, columns: dict[str, Any]) -> pd.DataFrame:
    """A canonical table with these columns, the others missing."""
    made = pd.DataFrame(columns)
    return made.reindex(columns=list(empty.columns)).astype({k: v for k, v in empty.dtypes.items() if k not in columns})


def titles(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """What each distinct title says: a gift to the other engines, which do not pay for reading it."""
    distinct = tables["leads"]["job_title"].dropna().unique()
    columns = {"job_title": distinct, "seniority": map(seniority, distinct), "function": map(job_function, distinct)}
    return pd.DataFrame({name: list(texts) for name, texts in columns.items()}, dtype="str")


def sorts_alone(tables: dict[str, pd.DataFrame], catalog: Catalog, declared: Source) -> float:
    """Seconds from frames to sorted rows of every program the catalog needs, without a sweep."""

    def run() -> None:
        world = EncodedTables({name: FrameRows(frame) for name, frame in tables.items()})
        for program in compile_catalog(catalog, declared).programs.values():
            sorted_rows(world, program, BucketSort(os.cpu_count() or 1))

    return seconds(run)


def measure(leads: int, engines: tuple[str, ...] = ()) -> dict[str, Any]:
    """Seconds of the whole catalog, of its sorts alone, and of other engines on the same columns."""
    declared = source()
    catalog = build_catalog(declared)
    tables, cohort = everything(leads, leads * 50)
    small, few = everything(100, 5000)
    build_matrix(small, few, catalog, declared)
    made: dict[str, Any] = {"leads": leads, "events": leads * 50, "rows": len(cohort), "data_gb": peak_gigabytes()}
    made["features"] = len(catalog)
    made["families"] = sorted({feature.family for feature in catalog})
    made["kernel_s"] = seconds(lambda: build_matrix(tables, cohort, catalog, declared))
    made["kernel_peak_gb"] = peak_gigabytes()
    made["sorts_s"] = sorts_alone(tables, catalog, declared)
    others = {"duckdb": whole_by_duckdb, "polars": whole_by_polars}
    for name in engines:
        made[f"{name}_s"] = seconds(lambda: others[name](tables, cohort, catalog, titles(tables), declared.bots))  # noqa: B023
        made[f"{name}_ratio"] = made[f"{name}_s"] / made["kernel_s"]
    return made


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--engines", default="duckdb,polars")
    asked = parser.parse_args(arguments)
    found = measure(asked.leads, tuple(name for name in asked.engines.split(",") if name))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
