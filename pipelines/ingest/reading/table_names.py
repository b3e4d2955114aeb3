"""Which files are tables by their names: what is looked for in folders and archives, where not every file is one."""

from pathlib import PurePath

PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".json", ".jsonl", ".ndjson", ".xlsx", ".xls", ".xlsb", ".ods")
DATABASE_SUFFIXES = (".db", ".sqlite", ".sqlite3", ".duckdb")


def table_suffix(name: str) -> str | None:
    """The suffix of a table's file, without that of its packing; None if it is not one of a table.

    >>> table_suffix("data/a.csv.gz"), table_suffix("readme.md")
    ('.csv', None)
    """
    bare = PurePath(name).name.lower()
    for packed in PACKED_SUFFIXES:
        bare = bare.removesuffix(packed)
    suffix = PurePath(bare).suffix
    return suffix if suffix in TABLE_SUFFIXES else None


def is_table_name(name: str) -> bool:
    """Whether a file is a table, workbook or database by its name."""
    return table_suffix(name) is not None or PurePath(name).suffix.lower() in DATABASE_SUFFIXES
