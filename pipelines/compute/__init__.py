"""Engines that sort rows and sweep them: memory, DuckDB, Spark."""
