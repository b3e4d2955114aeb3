"""Files that are databases, told by their first bytes; apart from what reads them, which takes long to load."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SQLITE, DUCKDB = b"SQLite format 3\0", b"DUCK"  # the latter at byte 8


def is_database_file(start: bytes) -> bool:
    """Whether a file that starts so is an SQLite or DuckDB database."""
    return start.startswith(SQLITE) or start[8:12] == DUCKDB


@contextmanager
def as_file(content: bytes) -> Iterator[Path]:
    """A database that came out of an archive, as a file for as long as it is read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unpacked.db"
        path.write_bytes(content)
        yield path
