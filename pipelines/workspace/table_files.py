"""The canonical tables of a source as written by ingest."""

from features.array_types import Tables
from features.schema.canonical_tables import TABLES
from pipelines.workspace.atomic_files import read_parquet
from pipelines.workspace.paths import Paths


def load_tables(paths: Paths) -> Tables:
    """All canonical tables; DataError if ingest has not run."""
    return {name: read_parquet(paths.ingest / f"{name}.parquet") for name in TABLES}
