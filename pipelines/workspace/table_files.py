"""The canonical tables of a source: as ingest wrote them, empty ones, and frames as records."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.schema.canonical_tables import TABLES, ContractTable
from features.schema.vocabulary import ColumnType
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.paths import Paths

DTYPES: Mapping[ColumnType, str] = {
    ColumnType.ID: "str",
    ColumnType.CATEGORY: "str",
    ColumnType.TEXT: "str",
    ColumnType.LIST: "str",
    ColumnType.NUMBER: "float64",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.TIMESTAMP: "datetime64[us]",
}


def load_tables(paths: Paths) -> Tables:
    """All canonical tables; DataError if ingest has not run."""
    return {name: load_table(paths, name) for name in TABLES}


def load_table(paths: Paths, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """One canonical table or some of its columns; the others, of which activities may be a hundred times as long, stay
    on disk.
    """
    return read_parquet(paths.ingest / f"{name}.parquet", columns)


def mark_of_tables(paths: Paths) -> str:
    """What tells the tables of one ingest from those of another: the content of their files, to the last byte.

    Raises
    ------
    DataError : ingest has not run
    """
    digest = hashlib.sha256()
    for name in TABLES:
        path = paths.ingest / f"{name}.parquet"
        if not path.exists():
            read_parquet(path)  # says what to run
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def empty_column(kind: ColumnType, length: int) -> pd.Series:
    """A column of a type with every value missing."""
    value = {ColumnType.NUMBER: np.nan, ColumnType.TIMESTAMP: pd.NaT}.get(kind, pd.NA)
    return pd.Series(value, index=range(length), dtype=DTYPES[kind])


def empty_table(table: ContractTable) -> pd.DataFrame:
    """A canonical table without rows."""
    return pd.DataFrame({column.name: empty_column(column.type, 0) for column in table.columns})


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame by column name, a missing value as None."""
    plain = frame.astype(object)
    return [{str(k): v for k, v in row.items()} for row in plain.where(plain.notna(), None).to_dict(orient="records")]
