"""One export in whatever form becomes one declaration that ingests as it is: files, folder, zip, workbook, database."""

import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from features.schema.load_source import load_source
from pipelines.artifacts.counts_record import CountsRecord
from pipelines.workspace.paths import Paths
from tests.reference.salesforce_export import SalesforceExport, make_salesforce, write_salesforce

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def export() -> SalesforceExport:
    return make_salesforce(leads=300)


def as_files(folder: Path, tables: dict[str, pd.DataFrame]) -> list[str]:
    return [str(path) for path in write_salesforce(folder / "export", tables)]


def as_folder(folder: Path, tables: dict[str, pd.DataFrame]) -> list[str]:
    write_salesforce(folder / "export", tables)
    (folder / "export" / "readme.md").write_text("exported on Monday", encoding="utf-8")
    return [str(folder / "export")]


def as_zip(folder: Path, tables: dict[str, pd.DataFrame]) -> list[str]:
    packed = folder / "export.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in write_salesforce(folder / "inside", tables):
            archive.write(path, path.name)
    return [str(packed)]


def as_workbook(folder: Path, tables: dict[str, pd.DataFrame]) -> list[str]:
    book = folder / "export.xlsx"
    with pd.ExcelWriter(book, engine="openpyxl") as writer:
        for name, frame in tables.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return [str(book)]


def as_database(folder: Path, tables: dict[str, pd.DataFrame]) -> list[str]:
    with sqlite3.connect(folder / "export.db") as connection:
        for name, frame in tables.items():
            frame.astype("object").mask(frame.eq("")).to_sql(name, connection, index=False)
    connection.close()
    return [str(folder / "export.db")]


def as_database_url(folder: Path, tables: dict[str, pd.DataFrame]) -> list[str]:
    return [f"sqlite:///{as_database(folder, tables)[0]}"]


FORMS = [as_files, as_folder, as_zip, as_workbook, as_database, as_database_url]


@pytest.mark.parametrize("form", FORMS)
def test_one_export_in_any_form_is_declared_and_ingested_as_it_is(
    cli: Cli,
    tmp_path: Path,
    export: SalesforceExport,
    form: Callable[[Path, dict[str, pd.DataFrame]], list[str]],
) -> None:
    inputs, out, data = form(tmp_path, export.tables), tmp_path / "crm.yaml", tmp_path / "data"
    status, _, err = cli("init", *inputs, "--out", str(out), "--data-dir", str(data))
    assert (status, err) == (0, "")
    status, said, err = cli("ingest", "--source", str(out), "--data-dir", str(data))
    assert (status, err) == (0, "")

    source = load_source(out)
    counts = CountsRecord.read(Paths(data, source.name))
    rows, sizes = counts.rows, {name: len(frame) for name, frame in export.tables.items()}
    assert (rows["leads"].read, rows["activities"].read) == (sizes["Lead"], sizes["Task"])
    # a deal of a negative amount is in quarantine, and with it the lead it names, which would count as lost
    assert set(counts.rules["leads"]) == {"close_quarantined"} and set(counts.rules["outcomes"]) == {"minimum"}
    assert 0 < rows["leads"].quarantined <= rows["outcomes"].quarantined
    assert set(counts.rules["activities"]) == {"parent_quarantined"}
    closed = int(export.tables["Opportunity"]["IsClosed"].eq("true").sum())
    assert rows["outcomes"].kept + rows["outcomes"].quarantined == closed
    assert "15 and 18 characters of one Salesforce id" in said and "through 'ConvertedContactId'" in said

    kept = pd.read_parquet(Paths(data, source.name).ingest / "outcomes.parquet")
    of_leads = kept[kept["won"].astype(bool) & kept["lead_id"].notna()]
    assert set(of_leads["lead_id"]) <= set(export.won) and len(of_leads) > 0.9 * len(export.won)


def test_a_written_declaration_has_no_leak(cli: Cli, tmp_path: Path) -> None:
    inputs = as_folder(tmp_path, make_salesforce(leads=600).tables)
    out, words = tmp_path / "crm.yaml", ("--data-dir", str(tmp_path / "data"))
    assert cli("init", *inputs, "--out", str(out), *words)[0] == 0
    for stage in ("ingest", "matrix", "audit"):
        status, said, err = cli(stage, "--source", str(out), *words, "--tiny")
        assert status == 0, said + err
    assert "leak" not in said


def test_a_name_that_is_taken_is_not_taken_again(cli: Cli, tmp_path: Path, export: SalesforceExport) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        as_folder(tmp_path / folder, export.tables)
        out = tmp_path / folder / "crm.yaml"
        words = ("--data-dir", str(tmp_path / "data"))
        assert cli("init", str(tmp_path / folder / "export"), "--out", str(out), *words)[0] == 0
        assert cli("ingest", "--source", str(out), *words)[0] == 0
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["export", "export_2"]
    assert load_source(tmp_path / "b" / "crm.yaml").name == "export_2"


def test_tables_without_leads_are_refused_with_the_reasons(cli: Cli, tmp_path: Path) -> None:
    for name in ("weather", "activities"):
        (tmp_path / f"{name}.csv").write_text("Id,Date,Type\n1,2025-01-01,call\n2,2025-01-02,mail\n", encoding="utf-8")
    status, out, err = cli("init", str(tmp_path))
    assert (status, out) == (11, "") and "there are no leads to refer to" in err


def test_an_export_without_a_table_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("nothing", encoding="utf-8")
    status, out, err = cli("init", str(tmp_path))
    assert (status, out) == (11, "") and "holds no table" in err
    status, _, err = cli("init", str(tmp_path / "gone.csv"))
    assert status == 18 and "does not exist" in err
