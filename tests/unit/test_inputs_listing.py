"""What tables an input holds is listed, and each listed table can be read by its location."""

import io
import sqlite3
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from features.errors import LeadScoreError
from features.schema.load_source import load_source
from pipelines.declaring.exports.open_export import init_export
from pipelines.ingest.errors import DatabaseError, EmptyFileError, UnreadableFileError
from pipelines.ingest.reading import input_listing
from pipelines.ingest.reading.file_adapters import read_location
from pipelines.ingest.reading.input_listing import FoundInput, list_tables
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths

CSV = b"id,city\n0012,Bonn\n1000,Lodz\n"


def read_all(found: FoundInput) -> dict[str, int]:
    return {table.name: read_location(table.location, None).read for table in found.tables}


def book() -> bytes:
    made = openpyxl.Workbook()
    made.active.append(["a"])
    made.active.append([1])
    deals = made.create_sheet("Deals")
    deals.append(["b"])
    deals.append([2])
    made.create_sheet("Notes").append(["only a title"])
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return buffer.getvalue()


def test_files_workbooks_archives_and_database_files(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_bytes(CSV)
    (tmp_path / "crm.xlsx").write_bytes(book())
    (tmp_path / "one.zip").write_bytes(
        zipped(a_dot_csv=CSV, readme_dot_md=b"x", in_dot_zip=zipped(d__b_dot_csv=CSV), w_dot_xlsx=book())
    )
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.execute("CREATE TABLE accounts (id)")
        connection.execute("INSERT INTO accounts VALUES (1)")
    connection.close()

    assert read_all(list_tables(tmp_path / "leads.csv")) == {"leads": 2}
    assert read_all(list_tables(tmp_path / "crm.xlsx")) == {"Sheet": 1, "Deals": 1}
    assert read_all(list_tables(tmp_path / "one.zip")) == {"a": 2, "b": 2, "Sheet": 1, "Deals": 1}
    assert read_all(list_tables(tmp_path / "crm.db")) == {"accounts": 1}


def test_a_folder_lists_its_files_and_names_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_bytes(CSV)
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "logo.png").write_bytes(b"x")
    for month in (1, 2):
        (tmp_path / "events" / f"month={month}").mkdir(parents=True)
        pd.DataFrame({"id": [1]}).to_parquet(tmp_path / "events" / f"month={month}" / "p.parquet")
        (tmp_path / "parts").mkdir(exist_ok=True)
        pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "parts" / f"part-{month}.parquet")
    found = list_tables(tmp_path)
    assert read_all(found) == {"leads": 2, "events": 2, "parts": 2}
    assert [name for name, _ in found.passed_over] == ["empty.csv", "logo.png"]
    (tmp_path / "nothing").mkdir()
    with pytest.raises(EmptyFileError, match="holds no table"):
        list_tables(tmp_path / "nothing")


def test_a_database_lists_its_tables_and_a_password_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.execute("CREATE TABLE leads (id)")
        connection.execute("INSERT INTO leads VALUES (1)")
        connection.execute("CREATE VIEW open AS SELECT * FROM leads")
    connection.close()
    monkeypatch.setenv("CRM_DB", f"sqlite:///{tmp_path}/crm.db")
    assert read_all(list_tables("${CRM_DB}")) == {"leads": 1, "open": 1}
    with pytest.raises(DatabaseError, match="environment variable") as caught:
        list_tables("postgresql://ann:hunter2@host/crm")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(DatabaseError, match="NOT_SET is not set"):
        list_tables("${NOT_SET}")
    with pytest.raises(LeadScoreError):
        list_tables(tmp_path / "missing.csv")


LEADS = pd.DataFrame({"Id": [f"L{i}" for i in range(60)], "Size": range(60), "Status": ["won", "lost", "lost"] * 20})


@pytest.mark.parametrize("kind", ["xlsx", "jsonl", "db", "parquet", "folder", "zip"])
def test_one_table_is_declared_by_itself_however_it_is_packed(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"leads.{kind}"
    if kind == "xlsx":
        LEADS.to_excel(path, index=False)
    elif kind == "jsonl":
        LEADS.to_json(path, orient="records", lines=True)
    elif kind == "parquet":
        LEADS.to_parquet(path)
    elif kind == "zip":
        path.write_bytes(zipped(leads_dot_csv=LEADS.to_csv(index=False).encode(), readme_dot_md=b"x"))
    elif kind == "db":
        with sqlite3.connect(path) as connection:
            LEADS.to_sql("leads", connection, index=False)
        connection.close()
    else:
        for part in (1, 2):
            (path / f"part={part}").mkdir(parents=True)
            LEADS.iloc[part - 1 :: 2].to_parquet(path / f"part={part}" / "p.parquet")
    text = init_export([str(path)], None, tmp_path / "data")
    declared = tmp_path / "leads.yaml"
    declared.write_text(text)
    counts = ingest(load_source(declared), Paths(tmp_path / "data", "leads"))
    assert counts.rows["leads"].kept == 60 and counts.source_kind == "flat"


def test_a_disk_is_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_listing, "_MOST_FILES", 20)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    for number in range(19):
        (deep / f"{number}.txt").touch()
    with pytest.raises(UnreadableFileError, match="more than 20 files and folders"):
        list_tables(tmp_path)
