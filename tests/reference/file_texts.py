"""Files as texts, to look for a word that should not be there: each is read anew only after it changed."""

from functools import lru_cache
from pathlib import Path

import pandas as pd


def text_of(path: Path) -> str:
    """Its bytes, and of a table every column that can hold a word."""
    found = path.stat()
    return _read(path, (found.st_ino, found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=500)
def _read(path: Path, _state: tuple[int, ...]) -> str:
    told = ""
    if path.suffix == ".parquet":
        told = pd.read_parquet(path).select_dtypes(exclude=["number", "bool", "datetime"]).astype(str).to_csv()
    return path.read_bytes().decode("utf-8", errors="replace") + told
