"""Damaged inputs are refused with a cause, or read with every row accounted for; nothing else happens."""

import bz2
import gzip
import io
import lzma
import random
import sqlite3
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from features.errors import LeadScoreError
from features.schema.table_source import Location
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.reading.input_listing import list_tables

CSV = b"id,city\n0012,Bonn\n1000,Lodz\n" * 20
JSON = b'{"id": 1, "p": {"a": "x", "b": [1, 2]}}\n{"id": 2, "e": "\xc3\xa9"}\n' * 5
KINDS = ("csv", "jsonl", "json", "gz", "bz2", "xz", "zip", "parquet", "sqlite")


def seed(kind: str, folder: Path) -> bytes:
    frame = pd.DataFrame({"id": range(50), "x": ["a"] * 50, "t": pd.date_range("2024-01-01", periods=50)})
    if kind == "parquet":
        frame.to_parquet(folder / "seed.parquet")
        return (folder / "seed.parquet").read_bytes()
    if kind == "sqlite":
        with sqlite3.connect(folder / "seed.db") as connection:
            frame.astype("str").to_sql("leads", connection, index=False)
        connection.close()
        return (folder / "seed.db").read_bytes()
    if kind in ("zip", "xlsx"):
        buffer = io.BytesIO()
        if kind == "zip":
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("a.csv", CSV)
        else:
            book = openpyxl.Workbook()
            for row in frame.astype("str").itertuples(index=False):
                book.active.append(list(row))
            book.save(buffer)
        return buffer.getvalue()
    plain = {"csv": CSV, "jsonl": JSON, "json": b'{"results": [{"a": 1, "b": {"c": null}}, {"a": 2.50}]}'}
    packed = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    return plain[kind] if kind in plain else packed[kind](CSV)


def damage(content: bytes, rng: random.Random) -> bytes:
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        place = rng.randrange(len(found) + 1)
        how = rng.random()
        if how < 0.5:
            found[place : place + 1] = rng.randbytes(1)
        elif how < 0.65:
            del found[place:]
        elif how < 0.8:
            found[place:place] = rng.randbytes(rng.randrange(1, 9))
        else:
            del found[place : place + rng.randrange(1, 50)]
    return bytes(found)


@pytest.mark.parametrize(("kind", "times"), [*((kind, 40) for kind in KINDS), ("xlsx", 8)])
def test_a_damaged_input_is_refused_or_read_whole(kind: str, times: int, tmp_path: Path) -> None:
    rng, content, path = random.Random(7), seed(kind, tmp_path), tmp_path / f"x.{kind}"
    for _ in range(times):
        path.write_bytes(damage(content, rng))
        try:
            raw = read_file(path, Location(file="x"))
        except LeadScoreError as problem:
            assert problem.exit_status > 1 and str(problem)
        else:
            assert raw.read == len(raw.rows) + len(raw.broken) == len(raw.frame) + len(raw.broken)
            raw.frame.to_parquet(tmp_path / "out.parquet")  # what was read can be kept
        try:
            list_tables(path)
        except LeadScoreError as problem:
            assert problem.exit_status > 1
