"""Rows of a table as they were read, before the rules of the quarantine set any apart."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from features.array_types import Tables
from features.errors import ContractError
from features.schema.source import Source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.ingest.identity_files import unresolved_tables
from pipelines.ingest.quarantine import CheckedTable
from pipelines.ingest.shaping.canonical_shape import ShapedTable
from pipelines.workspace.atomic_files import read_parquet, write_parquet
from pipelines.workspace.paths import Paths

SET_APART = "set_apart"  # below ingest/: quarantined rows as the contract's columns, of tables expected of as read


def tables_expected_raw(source: Source) -> list[str]:
    """Tables of which the declaration expects something as they were read."""
    return [table for table, expected in source.expect.items() if any("raw" in one.rows for one in expected)]


def write_set_apart(
    folder: Path, source: Source, shapes: Mapping[str, ShapedTable], checked: Mapping[str, CheckedTable]
) -> None:
    """Write the quarantined rows of those tables, read as declared; a value that cannot be read is missing."""
    for table in tables_expected_raw(source):
        rows = checked[table].quarantine["row"].to_numpy(dtype=np.int64)
        apart = shapes[table].frame[np.isin(shapes[table].rows, rows)]
        write_parquet(folder / SET_APART / f"{table}.parquet", apart.reset_index(drop=True))


def raw_tables(source: Source, paths: Paths, tables: Tables, counts: CountsRecord) -> dict[str, pd.DataFrame]:
    """Rows kept, as they were before identities were resolved, and behind them those of the quarantine.

    Rows that could not be split into columns have no values and are not among them.

    Raises
    ------
    ContractError : the last ingest did not keep them, as the declaration did not ask for them then
    """
    unresolved, found = unresolved_tables(paths, tables), {}
    for table in tables_expected_raw(source):
        file = paths.ingest / SET_APART / f"{table}.parquet"
        if file.exists():
            found[table] = pd.concat([unresolved[table], read_parquet(file)], ignore_index=True)
        elif counts.rows[table].quarantined:
            raise ContractError(
                f"{source.where('expect', table)}: expectations on raw rows of '{table}' came into the declaration "
                f"after the last ingest, which kept no quarantined rows for them. Run: leadscore ingest --source "
                f"{source.name}"
            )
        else:
            found[table] = unresolved[table]
    return found
