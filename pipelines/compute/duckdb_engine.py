"""DuckDB sorts and shares out rows for the kernel, spilling to disk where memory ends."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.array_types import Ints, Tables
from features.assembly.build_matrix import build_matrix
from features.catalog.feature import Catalog
from features.errors import ContractError
from features.kernel.sorting import SortKeys
from features.schema.source import Source
from pipelines.compute.partitions import LEADS_PER_PART, complete_tables

if TYPE_CHECKING:
    import duckdb


ROWS_BUFFERED = 4_000_000  # per thread while rows are shared out: larger row groups per part
PART = "_part"  # no declared name begins with _, so no table has such a column
MEMORY = "3GB"  # what DuckDB may hold, beside the 1.5 GB of a part in the kernel (docs/scaling.md)


def duckdb_values(tables: Tables, cohort: pd.DataFrame, catalog: Catalog, source: Source) -> pd.DataFrame:
    """Feature values of a cohort, the rows sorted by DuckDB; as :func:`build_matrix`."""
    return build_matrix(tables, cohort, catalog, source, engine=DuckDBSort())


class DuckDBSort:
    """The engine that sorts in DuckDB."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or os.cpu_count() or 1

    def sort(self, keys: SortKeys, entities: int) -> tuple[Ints, Ints]:
        """Starts of the entities and the sorted row positions."""
        import duckdb
        import pyarrow as pa

        columns: dict[str, Any] = {
            "entity": keys.entity,
            "known_at": keys.known_at,
            "happened_at": keys.happened_at,
            "tie": keys.tie,
        }
        if keys.value.size:
            columns["value"] = keys.value

        rows = pa.table({**columns, "place": np.arange(len(keys.entity))})
        with duckdb.connect(config={"threads": self.threads}) as connection:
            connection.register("rows", rows)
            query = f"SELECT place FROM rows WHERE entity >= 0 ORDER BY {', '.join(columns)}, place"  # noqa: S608  our own names
            order = connection.execute(query).fetchnumpy()["place"]

        counts = np.bincount(keys.entity[keys.entity >= 0], minlength=entities)
        return np.r_[0, np.cumsum(counts)].astype(np.int64), np.ascontiguousarray(order, dtype=np.int64)


@dataclass(frozen=True)
class StreamLimits:
    """How a streamed run is cut up.

    Parameters
    ----------
    parts : default: one per :data:`LEADS_PER_PART` leads
    memory : what DuckDB may hold while it shares out the rows
    """

    parts: int | None = None
    memory: str = MEMORY


@dataclass(frozen=True)
class StreamedMatrix:
    """What a streamed run wrote: parts and rows."""

    parts: int
    rows: int


def stream_matrix(
    tables: Mapping[str, Path],
    cohort: Path,
    catalog: Catalog,
    source: Source,
    out: Path,
    *,
    limits: StreamLimits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StreamedMatrix:
    """Feature values of a cohort too big for memory: Parquet in, Parquet out, part by part of the leads.

    One pass of DuckDB shares all rows out by account (leads without one: by lead), so that every part holds whole
    accounts; each part is then an ordinary call of the kernel.

    Parameters
    ----------
    tables : canonical table to its Parquet file (missing tables are empty)
    cohort : Parquet with ``lead_id`` and ``as_of``
    out : directory; one file per part with ``lead_id``, ``as_of`` and the features
    limits : number of parts and memory; see :class:`StreamLimits`
    progress : called with (parts done, parts)

    Raises
    ------
    ContractError : rows of the cohort got lost, being of leads that are not in the tables
    """
    limits = limits or StreamLimits()
    out.mkdir(parents=True, exist_ok=True)
    written, ahead = 0, None

    with (
        tempfile.TemporaryDirectory(dir=out.parent) as scratch,
        _connection(Path(scratch), limits.memory) as connection,
        ThreadPoolExecutor(1) as writer,
    ):
        count = limits.parts or _parts_for(connection, tables["leads"])
        asked = _count_rows(connection, cohort)
        _share_out(connection, {**tables, "cohort": cohort}, Path(scratch), count)
        for number, frames in _read_ahead(Path(scratch), tables, count):
            keys = frames.pop("cohort")
            if len(keys):
                values = build_matrix(frames, keys, catalog, source)
                if ahead is not None:
                    ahead.result()
                ahead = writer.submit(_write_part, keys, values, out / f"part-{number:05d}.parquet")
                written += len(keys)

            if progress is not None:
                progress(number + 1, count)
        if ahead is not None:
            ahead.result()

    if written != asked:
        raise ContractError(
            f"{asked:,} rows of the cohort were asked for and {written:,} written to {out}; the others are of leads "
            "that are not in table 'leads'. Build the cohort from the same tables."
        )
    return StreamedMatrix(count, written)


def _write_part(keys: pd.DataFrame, values: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [name for name in values.columns if values[name].dtype.kind != "f"]
    table = pa.Table.from_pandas(pd.concat([keys, values], axis=1), preserve_index=False)
    pq.write_table(table, path, compression="zstd", compression_level=1, use_dictionary=["lead_id", *texts])


def _connection(scratch: Path, memory: str) -> "duckdb.DuckDBPyConnection":
    import duckdb

    settings = {"memory_limit": memory, "temp_directory": str(scratch / "spill"), "preserve_insertion_order": "false"}
    return duckdb.connect(config=settings)


def _parts_for(connection: "duckdb.DuckDBPyConnection", leads: Path) -> int:
    return max(1, -(-_count_rows(connection, leads) // LEADS_PER_PART))


def _count_rows(connection: "duckdb.DuckDBPyConnection", table: Path) -> int:
    found = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(table)]).fetchone()
    return int(found[0]) if found else 0


def _share_out(connection: "duckdb.DuckDBPyConnection", tables: Mapping[str, Path], scratch: Path, parts: int) -> None:
    """Write every table once more, in one folder per part; an outcome may belong to two."""
    connection.execute(f"SET partitioned_write_max_open_files = {parts + 16}")  # one per part, some spare
    connection.execute(f"SET partitioned_write_flush_threshold = {ROWS_BUFFERED}")
    connection.execute(
        f"""CREATE TABLE owner AS SELECT lead_id, account_id,
        (hash(coalesce('account:' || account_id, 'lead:' || lead_id)) % {int(parts)})::INT AS {PART}
        FROM read_parquet(?)""",  # noqa: S608  a number
        [str(tables["leads"])],
    )
    connection.execute(
        f"CREATE TABLE account AS SELECT account_id, any_value({PART}) AS {PART} FROM owner "  # noqa: S608  our own name
        "WHERE account_id IS NOT NULL GROUP BY account_id"
    )

    for name, path in tables.items():
        rows = f"read_parquet('{str(path).replace(chr(39), chr(39) * 2)}')"
        by_lead = f"SELECT t.*, o.{PART} FROM {rows} t JOIN owner o USING (lead_id)"  # noqa: S608  quoted above
        by_account = f"SELECT t.*, a.{PART} FROM {rows} t JOIN account a USING (account_id)"  # noqa: S608  ours
        query = {"accounts": by_account, "outcomes": f"{by_lead} UNION {by_account}"}.get(name, by_lead)
        target = scratch / name
        connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, PARTITION_BY ({PART}), COMPRESSION lz4)")


def _read_ahead(scratch: Path, tables: Mapping[str, Path], parts: int) -> Iterator[tuple[int, dict[str, pd.DataFrame]]]:
    """The frames of each part, the next one read while this one is worked on."""
    names = [*tables, "cohort"]
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(_read_part, scratch, names, 0)
        for number in range(parts):
            frames = ahead.result()
            if number + 1 < parts:
                ahead = pool.submit(_read_part, scratch, names, number + 1)
            yield number, frames


def _read_part(scratch: Path, names: Sequence[str], number: int) -> dict[str, pd.DataFrame]:
    return complete_tables({name: _read_folder(scratch / name, number) for name in names})


def _read_folder(folder: Path, number: int) -> pd.DataFrame | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted((folder / f"{PART}={number}").glob("*.parquet"))
    if not files:
        return None
    schema = pq.read_schema(files[0])
    texts = [] if folder.name == "cohort" else [f.name for f in schema if pa.types.is_string(f.type)]
    read = [pq.read_table(file, partitioning=None, read_dictionary=texts) for file in files]
    return pa.concat_tables(read).unify_dictionaries().to_pandas()
