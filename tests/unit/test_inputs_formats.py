"""Every format that people send is read as the table it is, or refused with the cause."""

import bz2
import datetime
import gzip
import io
import lzma
import os
import sqlite3
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from features.schema.columns import Column
from features.schema.table_source import Location
from pipelines.ingest.errors import EmptyFileError, MissingFileError, UnreadableFileError, WrongHashError
from pipelines.ingest.reading.file_adapters import read_file, read_table
from pipelines.ingest.reading.raw_table import RawTable
from pipelines.ingest.values.type_casting import plain_texts

CSV = b"id,city\n0012,Bonn\n1000,Lodz\n"
X = Location(file="x")


def texts(raw: RawTable) -> list[list[str | None]]:
    """Cells as ingest takes them."""
    columns = [plain_texts(raw.frame[name], Column()) for name in raw.frame]
    return [[None if pd.isna(v) else str(v) for v in row] for row in zip(*columns, strict=True)]


def workbook(rows: Sequence[Sequence[Any]], merged: Sequence[str] = (), **others: Sequence[Sequence[Any]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Export"
    for row in rows:
        sheet.append(list(row))
    for span in merged:
        sheet.merge_cells(span)
    for name, cells in others.items():
        other = book.create_sheet(name)
        for row in cells:
            other.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


MOMENT = datetime.datetime(2024, 3, 1, 14, 30)
ROWS = [["Lead report"], ["Printed 2024-04-01"], [], ["Id", "When", "Day", "Amount", "Won", "Code"]]
ROWS += [
    [1000, MOMENT, MOMENT.date(), 12.5, True, "0012"],
    [],
    [1001, datetime.datetime(2024, 3, 2), None, 3, False, 7],
]


def test_a_sheet_below_titles_has_whole_ids_real_times_and_no_empty_rows() -> None:
    raw = read_table(workbook(ROWS), X, what="x.xlsx")
    assert list(raw.frame) == ["Id", "When", "Day", "Amount", "Won", "Code"]
    assert texts(raw) == [
        ["1000", "2024-03-01 14:30:00", "2024-03-01", "12.5", "true", "0012"],
        ["1001", "2024-03-02 00:00:00", None, "3", "false", "7"],  # among times a bare date is a midnight
    ]
    assert raw.rows.tolist() == [1, 2] and raw.form["sheet"] == "Export"
    assert raw.notes == (
        "sheet 'Export' of x.xlsx: 2 lines above the header were passed over: 'Lead report', 'Printed 2024-04-01'.",
    )


def test_the_declared_headers_find_the_header_row() -> None:
    rows = [["Region", "North"], ["Owner", "Ann"], ["a", "b"], ["x", "1"]]
    assert list(read_table(workbook(rows), X, what="x", expected=["a", "b"]).frame) == ["a", "b"]
    skipped = Location.model_validate({"file": "x", "csv": {"skip_lines": 2}})
    assert list(read_table(workbook(rows), skipped, what="x").frame) == ["a", "b"]


def test_merged_cells_stand_for_each_cell_they_cover_but_titles_do_not() -> None:
    rows = [["People", None, "Deal"], ["Name", "Mail", "Stage"], ["Ann", "a@x.org", "won"], [None, "b@x.org", "lost"]]
    raw = read_table(workbook(rows, merged=["A1:B1", "A3:A4"]), X, what="x")
    assert list(raw.frame) == ["Name", "Mail", "Stage"]
    assert texts(raw)[1] == ["Ann", "b@x.org", "lost"]
    assert any("1 cells lie under a merged cell" in note for note in raw.notes)


def test_numbers_that_a_spreadsheet_has_cut_are_told() -> None:
    raw = read_table(workbook([["id", "n"], [123456789012345678, 1], [5, 2]]), X, what="x")
    assert any("id holds numbers of more than 15 digits" in note for note in raw.notes)


def test_several_sheets_need_a_name_and_hidden_or_empty_ones_do_not_count() -> None:
    content = workbook([["a"], [1]], Deals=[["b"], [2]], Empty=[], Title=[["only a title"]])
    with pytest.raises(UnreadableFileError, match=r"2 sheets with rows: Export, Deals. Name one as 'sheet:'"):
        read_table(content, X, what="x")
    assert list(read_table(content, Location(file="x", sheet="Deals"), what="x").frame) == ["b"]
    with pytest.raises(UnreadableFileError, match=r"no sheet 'Leads'. It has: Export, Deals, Empty, Title"):
        read_table(content, Location(file="x", sheet="Leads"), what="x")
    with pytest.raises(EmptyFileError):
        read_table(content, Location(file="x", sheet="Empty"), what="x")
    with pytest.raises(EmptyFileError, match="no sheet"):
        read_table(workbook([]), X, what="x")
    book = openpyxl.load_workbook(io.BytesIO(content))
    book["Deals"].sheet_state = "hidden"
    buffer = io.BytesIO()
    book.save(buffer)
    assert list(read_table(buffer.getvalue(), X, what="x").frame) == ["a"]


def xls() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Old")
    for i, name in enumerate(("id", "when")):
        sheet.write(0, i, name)
    sheet.write(1, 0, 1000)
    sheet.write(1, 1, MOMENT, xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM"))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def ods() -> bytes:
    document, table = OpenDocumentSpreadsheet(), Table(name="Open")
    for cells in ([("string", "id"), ("string", "when")], [("float", "1000"), ("date", "2024-03-01T14:30:00")]):
        row = TableRow()
        for kind, value in cells:
            given = {"string": {}, "float": {"value": value}, "date": {"datevalue": value}}[kind]
            cell = TableCell(valuetype=kind, **given)
            cell.addElement(P(text=value))
            row.addElement(cell)
        table.addElement(row)
    document.spreadsheet.addElement(table)
    buffer = io.BytesIO()
    document.write(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("content", [xls(), ods()], ids=["xls", "ods"])
def test_old_and_open_workbooks_are_read_alike(content: bytes) -> None:
    assert texts(read_table(content, X, what="x")) == [["1000", "2024-03-01 14:30:00"]]


def test_json_lines_keep_digits_flatten_objects_and_keep_out_single_lines() -> None:
    lines = (
        '{"id": 12345678901234567890, "p": {"city": "Bonn", "n": 1000.0}, "tags": ["a", "b"]}\n'
        "not json\n\n"
        '{"id": 2, "p": {"city": null, "n": 0.10}, "won": true, "x": NaN}\n'
        '{"id": 3, "id": 4}\n[1]\n'
    )
    raw = read_table(lines.encode(), X, what="x.jsonl")
    assert list(raw.frame) == ["id", "p.city", "p.n", "tags", "won", "x"]
    assert texts(raw) == [
        ["12345678901234567890", "Bonn", "1000", "a;b", None, None],
        ["2", None, "0.10", None, "true", None],
    ]
    assert [(b.row, b.rule) for b in raw.broken] == [(2, "json"), (4, "json_key"), (5, "json")]
    assert raw.rows.tolist() == [1, 3] and raw.read == 5
    assert raw.notes == ("x.jsonl: nested objects are read as columns with dots: p.city, p.n.",)


def test_half_a_character_keeps_its_row_out() -> None:
    halves = b'{"a": "x\\ud83d"}\n{"a": "\xff", "b": "\xc3\xa9\xc3\xa9"}\n{"a": "\\ud83d\\ude00"}\n'
    raw = read_table(halves, X, what="x")
    assert texts(raw) == [["\U0001f600"]] and [(b.row, b.rule) for b in raw.broken] == [
        (1, "encoding"),
        (2, "encoding"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1}, {"a": 2}]',
        '{"results": [{"a": 1}, {"a": 2}], "total": 2}',
        '{"data": {"leads": [{"a": 1}, {"a": 2}]}}',
    ],
)
def test_json_documents_list_their_records(text: str) -> None:
    assert texts(read_table(text.encode(), X, what="x")) == [["1"], ["2"]]


def test_a_json_document_with_two_lists_needs_a_key_and_a_damaged_one_is_refused() -> None:
    two = b'{"leads": [{"a": 1}], "deals": [{"b": 2}]}'
    with pytest.raises(UnreadableFileError, match=r"several keys: leads, deals. Name one as 'records:'"):
        read_table(two, X, what="x")
    assert texts(read_table(two, Location(file="x", records="deals"), what="x")) == [["2"]]
    with pytest.raises(UnreadableFileError, match=r"no records under 'x'. Lists of records it holds: leads, deals"):
        read_table(two, Location(file="x", records="x"), what="x")
    with pytest.raises(UnreadableFileError, match=r"not valid JSON: line 2, column 1"):
        read_table(b'[{"a": 1},\n}]', X, what="x")
    with pytest.raises(EmptyFileError):
        read_table(b"[]", X, what="x")
    with pytest.raises(UnreadableFileError, match="levels deep"):
        read_table(b'[{"a":' + b"[" * 100_000, X, what="x")


def test_parquet_holds_yes_and_no_with_an_empty_cell(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["q1", "q2", "q3"], "free": [True, None, False]}), tmp_path / "t.parquet")
    raw = read_file(tmp_path / "t.parquet", X)
    assert texts(raw) == [["q1", "true"], ["q2", None], ["q3", "false"]] and not raw.broken


def test_parquet_keeps_all_digits_of_ids_with_gaps_and_flattens(tmp_path: Path) -> None:
    big = 2**60 + 1
    table = pa.table(
        {
            "id": pa.array([big, None], pa.int64()),
            "price": pa.array(["1000.00", "12.50"]).cast(pa.decimal128(9, 2)),
            "day": pa.array([datetime.date(2024, 1, 2), None]),
            "who": pa.array([{"name": "Ann", "tags": ["x", "y"]}, None]),
            "raw": pa.array([b"ab", b"\xff"]),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    raw = read_file(tmp_path / "t.parquet", X)
    assert list(raw.frame) == ["id", "price", "day", "who.name", "who.tags", "raw"]
    assert texts(raw) == [
        [str(big), "1000", "2024-01-02", "Ann", "x;y", "ab"],
        [None, "12.50", None, None, None, "ff"],
    ]


def test_a_folder_by_date_is_one_table_with_its_partitions(tmp_path: Path) -> None:
    for day, frame in {
        "2026-01-02": pd.DataFrame({"id": [3], "x": ["c"], "new": [1.5]}),
        "2026-01-01": pd.DataFrame({"id": [1, 2], "x": ["a", "b"]}),
    }.items():
        (tmp_path / "events" / f"dt={day}").mkdir(parents=True)
        frame.to_parquet(tmp_path / "events" / f"dt={day}" / "part-0.parquet")
    (tmp_path / "events" / "_SUCCESS").touch()
    raw = read_file(tmp_path / "events", X)
    assert raw.frame["dt"].tolist() == ["2026-01-01", "2026-01-01", "2026-01-02"]
    assert raw.frame["id"].tolist() == [1, 2, 3] and raw.rows.tolist() == [1, 2, 3]
    assert raw.notes == ("events: new stand in some of the 2 files only.",)
    again = read_file(tmp_path / "events" / "dt=*" / "*.parquet", X)
    assert again.frame["dt"].tolist() == raw.frame["dt"].tolist() and again.form["sha256"] == raw.form["sha256"]
    one = read_file(tmp_path / "events" / "dt=2026-01-01" / "*.parquet", X)
    assert one.frame["id"].tolist() == [1, 2]
    declared = Location(file="x", sha256=raw.form["sha256"])
    assert read_file(tmp_path / "events", declared).read == 3
    pd.DataFrame({"id": [9]}).to_parquet(tmp_path / "events" / "late.parquet")
    with pytest.raises(WrongHashError):
        read_file(tmp_path / "events", declared)


def test_files_of_one_column_with_different_types_are_one_column_of_texts(tmp_path: Path) -> None:
    pd.DataFrame({"id": [1000]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame({"id": ["x7"]}).to_parquet(tmp_path / "b.parquet")
    assert read_file(tmp_path, X).frame["id"].tolist() == ["1000", "x7"]


def test_monthly_csv_files_are_one_table_and_broken_rows_keep_their_place(tmp_path: Path) -> None:
    (tmp_path / "e-01.csv").write_text("id,x\n1,a\n2\n")
    (tmp_path / "e-02.csv.gz").write_bytes(gzip.compress(b"id,x\n3,c\n"))
    raw = read_file(tmp_path / "e-*.csv*", X)
    assert texts(raw) == [["1", "a"], ["3", "c"]]
    assert raw.rows.tolist() == [1, 3] and [b.row for b in raw.broken] == [2]
    (tmp_path / "e-03.csv").write_text("other;y\n3;c\n")
    with pytest.raises(UnreadableFileError, match=r"e-01.csv and e-03.csv have no column in common"):
        read_file(tmp_path / "e-*.csv*", X)


def test_folders_that_are_no_table_say_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="directory without a table"):
        read_file(tmp_path, X)
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "b.json").write_text('[{"a":1}]')
    with pytest.raises(UnreadableFileError, match=r"several kinds \(.csv, .json\)"):
        read_file(tmp_path, X)
    with pytest.raises(MissingFileError, match="no file fits"):
        read_file(tmp_path / "*.parquet", X)
    (tmp_path / "lake" / "_delta_log").mkdir(parents=True)
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "lake" / "x.parquet")
    with pytest.raises(UnreadableFileError, match=r"Delta Lake.*deleted rows"):
        read_file(tmp_path / "lake", X)


def zstd(content: bytes) -> bytes:
    sink = io.BytesIO()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
        stream.close()
        return sink.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_packed_files_are_unpacked_and_damaged_ones_refused(pack: Any, tmp_path: Path) -> None:
    (tmp_path / "x.csv.p").write_bytes(pack(CSV))
    assert texts(read_file(tmp_path / "x.csv.p", X)) == [["0012", "Bonn"], ["1000", "Lodz"]]
    (tmp_path / "x.csv.p").write_bytes(pack(CSV * 100)[:40])
    with pytest.raises(UnreadableFileError, match="damaged"):
        read_file(tmp_path / "x.csv.p", X)


def test_zstd_is_unpacked(tmp_path: Path) -> None:
    packed = pa.compress(CSV, codec="zstd", asbytes=True)
    (tmp_path / "x.csv.zst").write_bytes(packed)
    assert read_file(tmp_path / "x.csv.zst", X).read == 2
    (tmp_path / "x.csv.zst").write_bytes(packed[:15])
    with pytest.raises(UnreadableFileError, match="damaged zstd"):
        read_file(tmp_path / "x.csv.zst", X)


def test_a_workbook_inside_a_zip_is_a_workbook() -> None:
    from pipelines.ingest.reading.unpacking import unpack

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("__MACOSX/._x", b"junk")
        archive.writestr("export.xlsx", workbook([["a"], [1]]))
    assert texts(read_table(unpack(buffer.getvalue(), X, what="x"), X, what="x")) == [["1"]]


def database(kind: str, path: Path) -> Path:
    statements = [
        "CREATE TABLE leads (id BIGINT, city TEXT, amount DECIMAL(9, 2), secret TEXT)",
        "INSERT INTO leads VALUES (1152921504606846977, 'Bonn', 1000.00, 's'), (NULL, NULL, 12.5, 't')",
    ]
    if kind == "sqlite":
        with sqlite3.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()
    else:
        with duckdb.connect(str(path)) as other:
            for statement in statements:
                other.execute(statement)
    return path


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_database_files_are_read_by_table_or_query(kind: str, tmp_path: Path) -> None:
    path = database(kind, tmp_path / "crm.db")
    raw = read_file(path, X)
    assert texts(raw)[0][:3] == ["1152921504606846977", "Bonn", "1000"] and raw.form["format"] == kind
    asked = Location(file="x", query="SELECT city AS town FROM leads WHERE city IS NOT NULL;")
    assert texts(read_file(path, asked)) == [["Bonn"]]
    with pytest.raises(UnreadableFileError, match=r"no table 'deals'. It has: leads"):
        read_file(path, Location(file="x", table="deals"))
    for query in ("DELETE FROM leads", "SELECT nothing FROM leads", "SELECT 1; DROP TABLE leads"):
        with pytest.raises((UnreadableFileError, Exception), match="cannot be read"):
            read_file(path, Location(file="x", query=query))
    assert read_file(path, X).read == 2
    packed = tmp_path / "crm.db.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_file(packed, X).read == 2
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(Exception, match=r"crm.db cannot be read") as caught:
        read_file(path, X)
    assert getattr(caught.value, "exit_status", None) is not None


def test_a_duckdb_file_cannot_read_other_files_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(CSV)
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        connection.execute(f"CREATE VIEW v AS SELECT * FROM read_csv('{tmp_path}/secret.csv')")
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        read_file(tmp_path / "x.duckdb", X)


def test_the_content_counts_not_the_name(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_bytes(workbook([["a"], [1]]))
    assert texts(read_file(tmp_path / "leads.csv", X)) == [["1"]]
    (tmp_path / "leads.xlsx").write_bytes(CSV)
    assert read_file(tmp_path / "leads.xlsx", X).read == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"<html><body><table>", "a web page"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "a web page"),
        (b'<?xml version="1.0"?><Workbook>', "an XML document"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "locked by a password"),
        (b"\xd0\xcf\x11\xe0nothing", "damaged workbook"),
        (workbook([["a"], [1]])[:900], "damaged"),
        (b"Rar!\x1a\x07\x00", "RAR"),
    ],
)
def test_what_is_no_table_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=said):
        read_file(tmp_path / "x.csv", X)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UnreadableFileError, match="a pipe or device"):
        read_file(tmp_path / "pipe.csv", X)


@pytest.mark.parametrize(("cell", "fits"), [("A200000", True), ("XFD3", True), ("XFD1048576", False)])
def test_a_stray_cell_far_away_does_not_end_the_process(cell: str, fits: bool) -> None:
    book = openpyxl.Workbook()
    for row in (["id", "x"], [1, 2]):
        book.active.append(row)
    book.active[cell] = "stray"
    buffer = io.BytesIO()
    book.save(buffer)
    if fits:
        assert read_table(buffer.getvalue(), X, what="x.xlsx").read in (1, 2)
        return
    with pytest.raises(UnreadableFileError, match=r"reaches to row 1,048,576 and column 16,384. Delete stray cells"):
        read_table(buffer.getvalue(), X, what="x.xlsx")


def test_filled_cells_repeated_without_end_are_refused() -> None:
    content = ods()
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "content.xml":
                part = part.replace(b"<table:table-cell", b'<table:table-cell table:number-columns-repeated="16384"', 1)
                part = part.replace(b"<table:table-row", b'<table:table-row table:number-rows-repeated="1048576"', 1)
            new.writestr(name, part)
    with pytest.raises(UnreadableFileError, match="column 16,384"):
        read_table(buffer.getvalue(), X, what="x.ods")
