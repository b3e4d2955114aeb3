"""The kernel on Spark: leads shared out by account, each part an ordinary call of the kernel through Arrow."""

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.array_types import Tables
from features.assembly.build_matrix import build_matrix
from features.catalog.feature import Catalog, FeatureType
from features.errors import ContractError
from features.schema.canonical_tables import TABLES
from features.schema.source import Source
from pipelines.compute.partitions import LEADS_PER_PART, ROW, complete_tables

if TYPE_CHECKING:
    import pyarrow as pa

PART, KIND, COHORT = "part__", "table__", "cohort"
_JOINT = "__"


def open_session(master: str | None = None) -> Any:
    """The running Spark session, or a new one: ``SPARK_MASTER`` or all local cores, UTC, Arrow, no web page."""
    from pyspark.sql import SparkSession

    cores = os.cpu_count() or 1
    where = master or os.environ.get("SPARK_MASTER", f"local[{cores}]")
    if where.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)

    return (
        SparkSession.builder.master(where)
        .appName("leadscore")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.shuffle.partitions", str(2 * cores))
        .getOrCreate()
    )


def spark_values(tables: Tables, cohort: pd.DataFrame, catalog: Catalog, source: Source) -> pd.DataFrame:
    """Feature values of a cohort whose tables fit the driver, in the cohort's order; see :func:`spark_matrix`."""
    if catalog.of_family("own"):
        raise ContractError(
            "features of your own are computed in one process; Spark's workers do not import your code. Take --engine "
            "memory or duckdb."
        )
    spark = open_session()
    with tempfile.TemporaryDirectory() as scratch:
        paths = {}
        for name, frame in {**tables, COHORT: cohort.assign(**{ROW: range(len(cohort))})}.items():
            kept = frame[["lead_id", "as_of", ROW]] if name == COHORT else frame
            paths[name] = str(Path(scratch) / f"{name}.parquet")
            kept.to_parquet(paths[name], index=False, coerce_timestamps="us")

        parts = max(2, -(-len(tables["leads"]) // LEADS_PER_PART))
        frame = spark_matrix(spark, paths, paths.pop(COHORT), catalog, source, parts=parts)

        with _arrow_only():
            made = frame.toArrow().to_pandas()

    made = made.sort_values(ROW, ignore_index=True)
    numbers = dict.fromkeys(catalog.numbers, "float64")
    return made[list(catalog.names)].astype({**numbers, **dict.fromkeys(catalog.categories, "str")})


def spark_matrix(
    spark: Any, tables: Mapping[str, str], cohort: str, catalog: Catalog, source: Source, *, parts: int
) -> Any:
    """Feature values as a Spark frame with ``cohort_row``, ``lead_id``, ``as_of`` and the features.

    Parameters
    ----------
    tables : canonical table to the address of its Parquet files; missing tables are empty
    cohort : address of Parquet with ``lead_id``, ``as_of`` and ``cohort_row``
    parts : how many parts the accounts are shared out into; one task each, so each must fit an executor

    Notes
    -----
    Shuffles: child rows join their lead (by lead_id; broadcast while the map of leads is small), then all rows go to
    their account's part, where whole accounts meet. Leads without an account are accounts of their own.
    """
    from pyspark.sql import functions as sql

    owner = _owner(spark.read.parquet(tables["leads"]), parts)
    accounts = owner.where(sql.col("account_id").isNotNull()).select("account_id", PART).distinct()
    rows: Any = None

    for name, address in {**tables, COHORT: cohort}.items():
        frame = spark.read.parquet(address)
        by_lead = owner.select("lead_id", PART)
        if name == "accounts":
            placed = frame.join(accounts, "account_id")
        elif name == "outcomes":
            both = frame.join(by_lead, "lead_id").unionByName(frame.join(accounts, "account_id"))
            placed = both.distinct()
        else:
            placed = frame.join(by_lead, "lead_id")
        tagged = placed.select(
            PART, sql.lit(name).alias(KIND), *(sql.col(c).alias(f"{name}{_JOINT}{c}") for c in frame.columns)
        )
        rows = tagged if rows is None else rows.unionByName(tagged, allowMissingColumns=True)

    with _arrow_only():
        return rows.groupBy(PART).applyInArrow(_part_function(catalog, source), _schema(catalog))


def _owner(leads: Any, parts: int) -> Any:
    """Part of every lead: by its account, or by itself without one."""
    from pyspark.sql import functions as sql

    account = sql.concat(sql.lit("account:"), "account_id")
    key = sql.hash(sql.coalesce(account, sql.concat(sql.lit("lead:"), "lead_id")))
    return leads.select("lead_id", "account_id").withColumn(PART, sql.pmod(key, sql.lit(parts)))


@contextmanager
def _arrow_only() -> Iterator[None]:
    """Spark warns of pandas 3 even where, as here, only Arrow tables pass between it and us."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        yield


def _schema(catalog: Catalog) -> str:
    kinds = {FeatureType.NUMBER: "double", FeatureType.CATEGORY: "string"}
    columns = [f"`{feature.name}` {kinds[feature.type]}" for feature in catalog]
    return ", ".join([f"{ROW} long", "lead_id string", "as_of timestamp_ntz", *columns])


def _part_function(catalog: Catalog, source: Source) -> Any:
    """What a task does with the rows of a part: an Arrow table in, an Arrow table out."""
    records = catalog.records()
    declared = source.model_dump(mode="json", by_alias=True)

    def part(rows: "pa.Table") -> "pa.Table":
        import pyarrow as pa

        frames = complete_tables({name: _of_table(rows, name) for name in (*TABLES, COHORT)})
        keys = frames.pop(COHORT)
        values = build_matrix(frames, keys, Catalog.from_records(records), Source.model_validate(declared))
        made = pa.Table.from_pandas(pd.concat([keys[[ROW, "lead_id", "as_of"]], values], axis=1), preserve_index=False)
        return made.cast(pa.schema([_plain(column) for column in made.schema])).replace_schema_metadata(None)

    return part


def _plain(column: "pa.Field") -> "pa.Field":
    """The column as Spark declares it: ordinary strings, 64-bit row numbers."""
    import pyarrow as pa

    kinds = {ROW: pa.int64()}
    kind = pa.string() if pa.types.is_large_string(column.type) else kinds.get(column.name, column.type)
    return pa.field(column.name, kind)


def _of_table(rows: "pa.Table", name: str) -> pd.DataFrame | None:
    """The rows of one table, under its own column names."""
    import pyarrow.compute as pc

    columns = [c for c in rows.column_names if c.startswith(f"{name}{_JOINT}")]
    if not columns:
        return None
    kept = rows.filter(pc.equal(rows[KIND], name)).select(columns)
    return kept.rename_columns([c.removeprefix(f"{name}{_JOINT}") for c in columns]).to_pandas()
