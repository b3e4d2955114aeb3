"""Engines that feed the kernel: in memory, DuckDB, Spark; the same numbers from each, bit for bit."""

from features.assembly.build_matrix import Builder, build_matrix
from pipelines.compute.duckdb_engine import duckdb_values
from pipelines.workspace.paths import EngineName


def choose_builder(name: EngineName | str) -> Builder:
    """The named engine's way from tables and a cohort to feature values.

    ``memory`` sorts by buckets in the process (fastest while the tables fit); ``duckdb`` lets DuckDB sort, which can
    spill to disk; ``spark`` shares the leads out over a cluster.
    """
    engine = EngineName(name)
    if engine is EngineName.SPARK:
        from pipelines.compute.spark_engine import spark_values

        return spark_values
    if engine is EngineName.DUCKDB:
        return duckdb_values
    return build_matrix
