"""Numbers that a file holds as numbers are read as they are, and prove nothing about the texts beside them."""

import decimal
import io
import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.schema.source import Source
from features.schema.table_source import Location
from features.schema.vocabulary import ColumnType
from pipelines.declaring.column_values import ColumnValues, texts_of_table
from pipelines.declaring.value_types import find_type
from pipelines.ingest.errors import AmbiguousNumbersError
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.shaping.canonical_shape import ShapedTable, shape_table

Rows = Sequence[Sequence[Any]]
HEADER = ("budget", "other", "status")


def workbook(rows: Rows, folder: Path) -> Path:
    book = openpyxl.Workbook()
    for row in (HEADER, *rows):
        book.active.append(list(row))
    content = io.BytesIO()
    book.save(content)
    path = folder / "f.xlsx"
    path.write_bytes(content.getvalue())
    return path


def json_lines(rows: Rows, folder: Path) -> Path:
    path = folder / "f.jsonl"
    path.write_text("".join(json.dumps(dict(zip(HEADER, row, strict=True))) + "\n" for row in rows))
    return path


def database(rows: Rows, folder: Path) -> Path:
    path = folder / "f.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE leads (budget, other, status)")
        connection.executemany("INSERT INTO leads VALUES (?, ?, ?)", rows)
    connection.close()
    return path


def shape(path: Path, **declared: object) -> ShapedTable:
    source = Source.model_validate(
        {
            "name": "t",
            "kind": "flat",
            "flat": {"target": {"column": "status", "won": ["x"], "lost": ["y"]}},
            "tables": {
                "leads": {
                    "location": {"file": path.name},
                    "columns": {"budget": {"type": "number", **declared}, "other": {"type": "number"}, "status": {}},
                }
            },
        }
    )
    location = source.tables["leads"].location or Location(file=path.name)
    return shape_table(read_file(path, location), "leads", source)


def budget(path: Path, **declared: object) -> list[float | None]:
    return [None if np.isnan(value) else value for value in shape(path, **declared).frame["budget"]]


@pytest.mark.parametrize("write", [workbook, json_lines, database])
def test_a_typed_number_keeps_its_value_among_texts_of_another_form(
    write: Callable[[Rows, Path], Path], tmp_path: Path
) -> None:
    rows = [("1.234,50", 0.35, "x"), (12.345, 0.5, "y"), (7, 1.25, "x"), ("99,9", 2, "y"), (None, 3, "x")]
    assert budget(write(rows, tmp_path)) == [1234.5, 12.345, 7, 99.9, None]
    assert budget(write(rows, tmp_path) if write is not database else tmp_path / "f.db", decimal=",")[1] == 12.345


@pytest.mark.parametrize("write", [workbook, json_lines, database])
@pytest.mark.parametrize("beside", [[("3", 0.35, "y")], [(0.35, 1, "y")]], ids=["another column", "the same column"])
def test_typed_numbers_prove_no_sign_for_texts(
    write: Callable[[Rows, Path], Path], beside: Rows, tmp_path: Path
) -> None:
    path = write([("12.500", 2, "x"), *beside], tmp_path)
    with pytest.raises(AmbiguousNumbersError, match=r"'12.500' can be 12500 or 12.500"):
        shape(path)
    assert budget(path, decimal=",")[0] == 12500


def test_exact_decimals_are_read_exactly_however_many_share_a_form(tmp_path: Path) -> None:
    values = [decimal.Decimal(f"{i}.{(37 * i) % 1000:03d}") for i in range(1, 80)] + [decimal.Decimal("559")]
    table = pa.table(
        {
            "budget": pa.array(values, pa.decimal128(12, 3)),
            "other": pa.array([1] * 80),
            "status": ["x", "y"] * 40,
        }
    )
    pq.write_table(table, tmp_path / "f.parquet")
    assert budget(tmp_path / "f.parquet") == [float(value) for value in values]
    pq.write_table(table.slice(11, 4), tmp_path / "f.parquet")
    assert budget(tmp_path / "f.parquet") == [float(value) for value in values[11:15]]

    (tmp_path / "parts").mkdir()
    texts = table.slice(0, 2).set_column(0, "budget", pa.array(["1.234,5", "2,5"]))
    pq.write_table(texts, tmp_path / "parts" / "a.parquet")
    pq.write_table(table.slice(11, 2), tmp_path / "parts" / "b.parquet")
    assert budget(tmp_path / "parts") == [1234.5, 2.5, *(float(value) for value in values[11:13])]


def test_files_of_one_table_may_hold_a_column_as_numbers_here_and_as_texts_there(tmp_path: Path) -> None:
    for name, value in (("a", "1.234,5"), ("b", 12.345)):
        (tmp_path / "parts").mkdir(exist_ok=True)
        workbook([(value, 1, "x")], tmp_path).rename(tmp_path / "parts" / f"{name}.xlsx")
    assert budget(tmp_path / "parts" / "*.xlsx") == [1234.5, 12.345]


def test_of_several_headers_each_value_is_what_its_own_column_holds(tmp_path: Path) -> None:
    path = workbook([(None, "1.234,5", "x"), (12.345, "9,5", "y"), (None, 0.125, "x")], tmp_path)
    assert budget(path, **{"from": ["budget", "other"]}) == [1234.5, 12.345, 0.125]


@pytest.mark.parametrize(
    ("written", "read"), [("1e+10", 1e10), ("1e+20", 1e20), ("1.50e3", 1500), ("1000.0", 1000), ("-2.50", -2.5)]
)
def test_a_json_number_keeps_its_exponent(written: str, read: float, tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text(f'{{"budget": {written}, "other": 1, "status": "x"}}\n{{"budget": 2, "status": "y"}}\n')
    assert budget(path) == [read, 2]


@pytest.mark.parametrize("write", [workbook, database])
def test_init_knows_a_column_of_numbers_half_of_which_are_german_texts(
    write: Callable[[Rows, Path], Path], tmp_path: Path
) -> None:
    path = write([("1.234,50" if i % 2 else 12.375, i, "x") for i in range(40)], tmp_path)
    frame = texts_of_table(read_file(path, Location(file=path.name)))
    assert find_type("budget", ColumnValues.of(frame["budget"]), ".") is ColumnType.NUMBER


def test_init_knows_times_of_fourteen_digits() -> None:
    values = pd.Series([f"2024{month:02d}08140500" for month in range(1, 13)], dtype="str")
    assert find_type("created", ColumnValues.of(values), ".") is ColumnType.TIMESTAMP
    assert (
        find_type("number", ColumnValues.of(values.str.replace("08140500", "99140500")), ".")
        is not ColumnType.TIMESTAMP
    )


def test_ids_of_a_day_and_a_number_that_runs_on_are_no_times() -> None:
    """Tickets are numbered so: 202401080001. The clock of moments, or their header, tells them from these."""
    days = [f"2024{month:02d}{day:02d}" for month in range(1, 13) for day in (8, 19, 27)]

    def kind(header: str, *tails: str) -> ColumnType:
        written = pd.Series([day + tails[at % len(tails)] for at, day in enumerate(days)], dtype="str")
        return find_type(header, ColumnValues.of(written), ".")

    for tails in (("0001", "0002", "0003"), ("1001", "1002"), ("000001", "000002"), ("0158", "0002")):
        assert kind("Ticket", *tails) is not ColumnType.TIMESTAMP
        assert kind("created", *tails) is ColumnType.TIMESTAMP
    for tails in (("0905", "1432", "1710"), ("090512", "143201", "171000"), ("0000",), ("000000",), ("",)):
        assert kind("Ticket", *tails) is ColumnType.TIMESTAMP
