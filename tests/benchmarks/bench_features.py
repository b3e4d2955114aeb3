"""How fast the whole engagement catalog is, next to a DuckDB range join and polars computing the same columns.

Run ``python -m tests.benchmarks.bench_features --leads 100000``; every figure of one run is comparable, none across
machines. ``--out`` writes them as JSON.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.assembly.build_matrix import build_matrix, sorted_rows
from features.assembly.request_rows import RowMaker
from features.catalog.families.engagement import engagement_features
from features.catalog.feature import Catalog
from features.kernel.column_reader import FrameRows
from features.kernel.feature_plans import compile_catalog
from features.kernel.sorting import BucketSort
from features.kernel.table_arrays import EncodedTables
from features.point_in_time.microseconds import MICROSECONDS_PER_DAY as DAY
from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from pipelines.compute.duckdb_engine import stream_matrix
from tests.benchmarks.catalog_polars import with_polars
from tests.benchmarks.catalog_sql import with_duckdb
from tests.reference.worlds import empty_world, frames

NOW = 1_700_000_000_000_000
KINDS = tuple(f"kind_{k}" for k in range(8))
CHANNELS = ("ads", "mail", "social", "web")


def source() -> Source:
    """Eight kinds, half of them of interest and half of intent, with four half-lives."""
    kinds = {
        kind: {"dimension": ("interest", "intent")[k % 2], "half_life_days": (7, 14, 30, 60)[k % 4]}
        for k, kind in enumerate(KINDS)
    }
    tables: dict[str, Any] = {"leads": {}, "activities": {}, "outcomes": {}}
    return Source.model_validate({"name": "bench", "kind": "relational", "tables": tables, "activity_kinds": kinds})


def texts(codes: np.ndarray, values: tuple[str, ...]) -> pd.Series:
    """A text column from codes."""
    import pyarrow as pa

    coded = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(values))
    return pd.Series(pd.array(coded.cast(pa.string()), dtype="str"))


def times(micros: np.ndarray) -> pd.Series:
    return pd.Series(np.ascontiguousarray(micros).view("datetime64[us]"))


def data(leads: int, events: int, seed: int = 0) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Tables with random events over a year, and a cohort of five moments per lead."""
    rng = np.random.default_rng(seed)
    ids = tuple(f"L{i:08d}" for i in range(leads))
    happened = NOW - (rng.random(events) * 365 * DAY).astype(np.int64)
    tables = frames(empty_world())
    tables["leads"] = pd.DataFrame(
        {
            "lead_id": pd.Series(ids, dtype="str"),
            "created_at": times(np.full(leads, NOW - 400 * DAY)),
            "known_at": times(np.full(leads, NOW - 400 * DAY)),
            "account_id": pd.Series([None] * leads, dtype="str"),
        }
    )
    tables["activities"] = pd.DataFrame(
        {
            "lead_id": texts(rng.integers(0, leads, events), ids),
            "kind": texts(rng.integers(0, len(KINDS), events), KINDS),
            "happened_at": times(happened),
            "known_at": times(happened + rng.integers(0, DAY // 24, events)),
            "actor": texts(np.zeros(events, dtype=int), ("lead",)),
            "asset": texts(rng.integers(0, 200, events), tuple(f"page_{p}" for p in range(200))),
            "channel": texts(rng.integers(0, len(CHANNELS), events), CHANNELS),
            "value": rng.random(events),
        }
    )
    moments = np.asarray([NOW - 30 * k * DAY for k in range(5)], dtype=np.int64)
    cohort = pd.DataFrame(
        {"lead_id": texts(np.repeat(np.arange(leads), 5), ids), "as_of": times(np.tile(moments, leads))}
    )
    return tables, cohort


def write_parquet(folder: Path, leads: int) -> None:
    """Write the benchmark's data at any size (50 events a lead) with DuckDB, for :func:`streamed`."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    name = "'L' || lpad({}::VARCHAR, 8, '0')"
    created = f"make_timestamp({NOW - 400 * DAY})"
    queries = {
        "leads": f"""SELECT {name.format("i")} AS lead_id, {created} AS created_at, {created} AS known_at,
            NULL::VARCHAR AS account_id FROM range({leads}) t(i)""",
        "cohort": f"""SELECT {name.format("i")} AS lead_id, make_timestamp({NOW} - 30 * k * {DAY}) AS as_of
            FROM range({leads}) t(i), range(5) m(k)""",
        "activities": f"""SELECT {name.format("owner")} AS lead_id, 'kind_' || kind AS kind,
            make_timestamp({NOW} - ago) AS happened_at, make_timestamp({NOW} - ago + late) AS known_at,
            'lead' AS actor, 'page_' || page AS asset, ['ads', 'mail', 'social', 'web'][channel] AS channel, value
            FROM (SELECT floor(random() * {leads})::BIGINT AS owner, floor(random() * 8)::INT AS kind,
                floor(random() * 200)::INT AS page, 1 + floor(random() * 4)::INT AS channel,
                (random() * 365 * {DAY})::BIGINT AS ago, floor(random() * {DAY // 24})::BIGINT AS late,
                random() AS value FROM range({leads * 50}))""",
    }
    with duckdb.connect(config={"memory_limit": "4GB", "preserve_insertion_order": "false"}) as connection:
        connection.execute("SELECT setseed(0.1)")
        for table, query in queries.items():
            connection.execute(f"COPY ({query}) TO '{folder / table}.parquet' (FORMAT parquet, COMPRESSION lz4)")


def streamed(folder: Path) -> dict[str, Any]:
    """Seconds and peak memory of streaming Parquet files (leads, activities, cohort) part by part."""
    declared = source()
    catalog = Catalog.of(engagement_features(declared))
    small, few = data(100, 5000)
    build_matrix(small, few, catalog, declared)
    paths = {name: folder / f"{name}.parquet" for name in ("leads", "activities")}
    with tempfile.TemporaryDirectory(dir=folder) as out:
        done: dict[str, Any] = {}
        spent = seconds(
            lambda: done.update(
                asdict(stream_matrix(paths, folder / "cohort.parquet", catalog, declared, Path(out) / "matrix"))
            )
        )
    used = os.times()
    cpu = used.user + used.system
    return {**done, "features": len(catalog), "seconds": spent, "cpu_seconds": cpu, "peak_gb": peak_gigabytes()}


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def sort_alone(tables: dict[str, pd.DataFrame], catalog: Catalog, declared: Source) -> float:
    """Seconds from frames to sorted rows, without the sweep."""

    def run() -> None:
        compiled = compile_catalog(catalog, declared)
        world = EncodedTables({name: FrameRows(frame) for name, frame in tables.items()})
        sorted_rows(world, compiled.programs["activities", "lead"], BucketSort(os.cpu_count() or 1))

    return seconds(run)


def one_lead(catalog: Catalog, declared: Source, calls: int = 2000) -> dict[str, float]:
    """Milliseconds from raw records (50 events) to a feature row, warm."""
    tables, _ = data(1, 50)
    stamp = "%Y-%m-%dT%H:%M:%S.%f"
    records = {
        name: [
            {k: v.strftime(stamp) if isinstance(v, pd.Timestamp) else v for k, v in row.items()}
            for row in tables[name].to_dict(orient="records")
        ]
        for name in TABLES
    }
    maker = RowMaker(catalog, declared)
    maker.values(records, "L00000000", NOW)
    spent = np.asarray([seconds(lambda: maker.values(records, "L00000000", NOW)) for _ in range(calls)]) * 1000
    return {"p50_ms": float(np.quantile(spent, 0.5)), "p99_ms": float(np.quantile(spent, 0.99))}


def peak_gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def measure(leads: int, *, engines: tuple[str, ...] = ("kernel", "duckdb", "polars")) -> dict[str, Any]:
    """Seconds of each engine on ``leads`` leads, 5 moments and 50 events each, in one run."""
    declared = source()
    catalog = Catalog.of(engagement_features(declared))
    tables, cohort = data(leads, leads * 50)
    small, few = data(100, 5000)
    build_matrix(small, few, catalog, declared)
    made: dict[str, Any] = {"leads": leads, "events": leads * 50, "rows": len(cohort), "features": len(catalog)}
    made["data_gb"] = peak_gigabytes()
    if "kernel" in engines:
        made["kernel_s"] = seconds(lambda: build_matrix(tables, cohort, catalog, declared))
        made["kernel_peak_gb"] = peak_gigabytes()
        made["sort_s"] = sort_alone(tables, catalog, declared)
        made["one_lead"] = one_lead(catalog, declared)
    if "duckdb" in engines:
        made["duckdb_s"] = seconds(lambda: with_duckdb(tables, cohort, catalog))
    if "polars" in engines:
        made["polars_s"] = seconds(lambda: with_polars(tables, cohort, catalog))
    return made


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--engines", default="kernel,duckdb,polars")
    parser.add_argument("--stream", type=Path, help="folder with leads, activities and cohort as Parquet")
    parser.add_argument("--write", action="store_true", help="first write that folder, with --leads leads")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    if asked.stream and asked.write:
        write_parquet(asked.stream, asked.leads)
    made = streamed(asked.stream) if asked.stream else measure(asked.leads, engines=tuple(asked.engines.split(",")))
    text = json.dumps(made, indent=1)
    sys.stdout.write(text + "\n")
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
