"""Every feature family at once on the data of :mod:`tests.benchmarks.bench_features`, other tables added.

The same events with leads in accounts, titles, attributes, qualification answers, stages and outcomes (synthetic). Run
``python -m tests.benchmarks.bench_catalog --leads 100000``; DuckDB and polars compute the engagement columns and what
the committee needs of the events (64 of 99 columns), so what they take is a lower bound. No kind is declared bot-prone.
"""

import argparse
import json
import os
import sys
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from features.assemble import build_matrix, sorted_rows
from features.catalog import Catalog
from features.catalog_of import build_catalog
from features.clock import MICROSECONDS_PER_DAY as DAY
from features.compile import compile_catalog
from features.definition import Source
from features.encode import World
from features.families.engagement import engagement_features
from features.families.titles import ECONOMIC_BUYERS, seniority
from features.rows import FrameRows
from features.sorting import BucketSort
from features.vocabulary import Dimension
from tests.benchmarks.bench_features import NOW, data, peak_gigabytes, seconds, texts, times, with_duckdb, with_polars
from tests.benchmarks.bench_features import source as events_source

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
    return Source.model_validate(document)


def everything(leads: int, events: int, seed: int = 0) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Tables and cohort; three leads to an account, one in ten without."""
    tables, cohort = data(leads, events, seed)
    rng = np.random.default_rng(seed + 1)
    ids = tuple(tables["leads"]["lead_id"])
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


def roles(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Account and seniority of every lead; the reading of titles is a gift to the other engines."""
    leads = tables["leads"]
    read = {title: seniority(title) for title in leads["job_title"].dropna().unique()}
    role = leads["job_title"].map(lambda title: read.get(title), na_action="ignore")
    return leads[["lead_id", "account_id"]].assign(role=role.astype("str"))


def _intent() -> dict[str, float]:
    kinds = events_source().activity_kinds
    return {name: kind.half_life_days for name, kind in kinds.items() if kind.dimension is Dimension.INTENT}


def committee_by_duckdb(tables: dict[str, pd.DataFrame], cohort: pd.DataFrame) -> pd.DataFrame:
    """The committee's columns over events by a range join by account."""
    import duckdb

    rates = " ".join(f"WHEN '{kind}' THEN {1 / (days * DAY)!r}" for kind, days in _intent().items())
    buyers = ", ".join(f"'{level}'" for level in ECONOMIC_BUYERS)
    engaged = f"age > 0 AND age <= {90 * DAY}"
    query = f"""
        WITH joined AS (
            SELECT c.row, e.lead_id, e.kind, l.role, epoch_us(c.as_of) - epoch_us(e.happened_at) AS age
            FROM cohort_frame c JOIN people me ON me.lead_id = c.lead_id JOIN people l ON l.account_id = me.account_id
            JOIN events_frame e ON e.lead_id = l.lead_id AND e.known_at < c.as_of AND e.actor = 'lead'
        ) SELECT row, count(DISTINCT lead_id) FILTER ({engaged})::DOUBLE AS contacts_engaged_90d,
            count(DISTINCT role) FILTER ({engaged})::DOUBLE AS roles_engaged_90d,
            count(DISTINCT lead_id) FILTER ({engaged} AND role IN ({buyers}))::DOUBLE AS buyers_engaged_90d,
            coalesce(sum(pow(2.0, -age * CASE kind {rates} END)) FILTER (age > 0 AND kind IN {tuple(_intent())}), 0.0)
            AS account_intent FROM joined GROUP BY row ORDER BY row
    """
    connection = duckdb.connect(config={"threads": os.cpu_count() or 1})
    connection.register("events_frame", tables["activities"])
    connection.register("people", roles(tables))
    connection.register("cohort_frame", cohort.assign(row=np.arange(len(cohort))))
    return pd.DataFrame(connection.execute(query).df()).set_index("row").reindex(range(len(cohort)))


def committee_by_polars(tables: dict[str, pd.DataFrame], cohort: pd.DataFrame) -> pd.DataFrame:
    """The same by joins, a filter and one aggregation."""
    import polars as pl

    people = pl.from_pandas(roles(tables)).lazy()
    left = pl.from_pandas(cohort.assign(row=np.arange(len(cohort)))).lazy()
    events = pl.from_pandas(tables["activities"][["lead_id", "kind", "happened_at", "known_at", "actor"]]).lazy()
    mine = left.join(people.select("lead_id", "account_id"), on="lead_id").select("row", "as_of", "account_id")
    age = (pl.col("as_of") - pl.col("happened_at")).dt.total_microseconds().alias("age")
    rate = pl.col("kind").replace_strict({k: 1 / (d * DAY) for k, d in _intent().items()}, default=None)
    faded = 2.0 ** (-pl.col("age") * rate)
    engaged = (pl.col("age") > 0) & (pl.col("age") <= 90 * DAY)
    buyer = engaged & pl.col("role").is_in([str(level) for level in ECONOMIC_BUYERS])
    found = (
        mine.join(people.filter(pl.col("account_id").is_not_null()), on="account_id")
        .join(events.filter(pl.col("actor") == "lead"), on="lead_id")
        .filter(pl.col("known_at") < pl.col("as_of"))
        .with_columns(age)
        .group_by("row")
        .agg(
            pl.col("lead_id").filter(engaged).n_unique().cast(pl.Float64).alias("contacts_engaged_90d"),
            pl.col("role").filter(engaged).drop_nulls().n_unique().cast(pl.Float64).alias("roles_engaged_90d"),
            pl.col("lead_id").filter(buyer).n_unique().cast(pl.Float64).alias("buyers_engaged_90d"),
            faded.filter((pl.col("age") > 0) & rate.is_not_null()).sum().alias("account_intent"),
        )
    )
    made = left.select("row").join(found, on="row", how="left").sort("row").collect().to_pandas()
    return made.set_index("row")


def sorts_alone(tables: dict[str, pd.DataFrame], catalog: Catalog, declared: Source) -> float:
    """Seconds from frames to sorted rows of every program the catalog needs, without a sweep."""

    def run() -> None:
        world = World({name: FrameRows(frame) for name, frame in tables.items()})
        for program in compile_catalog(catalog, declared).programs.values():
            sorted_rows(world, program, BucketSort(os.cpu_count() or 1))

    return seconds(run)


def measure(leads: int, engines: tuple[str, ...] = ()) -> dict[str, Any]:
    """Seconds of the whole catalog, of its sorts alone, and of other engines on the engagement columns."""
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
    part = Catalog.of(engagement_features(events_source()))
    others = {"duckdb": (with_duckdb, committee_by_duckdb), "polars": (with_polars, committee_by_polars)}
    for name in engines:
        engagement, committee = others[name]
        made[f"{name}_engagement_s"] = seconds(partial(engagement, tables, cohort, part))
        made[f"{name}_committee_s"] = seconds(partial(committee, tables, cohort))
        made[f"{name}_ratio"] = (made[f"{name}_engagement_s"] + made[f"{name}_committee_s"]) / made["kernel_s"]
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
