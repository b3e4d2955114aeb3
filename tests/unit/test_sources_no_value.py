"""What databases and spreadsheets write for "no value" is no account, no owner and no moment."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from features.schema.load_source import parse_source
from features.schema.source import Source
from features.schema.table_source import CsvFormat
from pipelines.declaring.exports.open_export import init_export
from pipelines.ingest.reading.delimited_text import read_delimited
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.ingest.shaping.canonical_shape import ShapedTable, shape_table
from pipelines.ingest.wide_stages import melt_stages
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from tests.reference.crm_export import deals

FORMS = ("NULL", "N/A", "-", "null", "#N/A", "nan")
_CLOCKS = ("created_at", "closed_at")
Shape = Callable[[str], ShapedTable]


@pytest.fixture
def shape(tmp_path: Path) -> Shape:
    """Leads of a file given as text."""

    def shape_leads(text: str) -> ShapedTable:
        (tmp_path / "leads.csv").write_text(text)
        table = {
            "location": {"file": str(tmp_path / "leads.csv")},
            "columns": {
                **{name: {"from": name} for name in ("lead_id", "created_at", "account_id", "owner", "region")},
                "seen_at": {"type": "timestamp", "role": "display"},
            },
        }
        columns = {name: {"from": name} for name in ("opportunity_id", "lead_id", "closed_at", "won")}
        outcomes = {"location": table["location"], "columns": columns}
        declared = {"name": "t", "kind": "relational", "tables": {"leads": table, "outcomes": outcomes}}
        source = Source.model_validate(declared)
        location = source.tables["leads"].location
        assert location is not None
        return shape_table(read_file(Path(location.file), location), "leads", source)

    return shape_leads


def test_no_value_is_no_account_owner_or_moment_and_is_told(shape: Shape) -> None:
    rows = [f"L{i},2025-01-0{i + 1},{form},{form},{form},{form}" for i, form in enumerate(FORMS)]
    rows.append("L9,2025-01-09,Nullmeyer,Ann,NA,2025-01-10")
    shaped = shape("\n".join(["lead_id,created_at,account_id,owner,region,seen_at", *rows, ""]))
    assert shaped.frame["account_id"].dropna().tolist() == ["Nullmeyer"]
    assert shaped.frame["owner"].dropna().tolist() == ["Ann"]
    assert shaped.frame["region"].notna().all()  # an attribute keeps its texts unless declared
    assert shaped.frame["seen_at"].notna().sum() == 1 and not shaped.unreadable
    assert "leads.account_id: 6 values '#N/A' or '-' or 'N/A' count as missing." in shaped.notes


@pytest.mark.parametrize("how", [None, {}, {"type": "category"}, {"type": "number"}, {"type": "id"}])
def test_a_row_of_a_flat_source_whose_id_means_no_value_has_none(tmp_path: Path, how: dict[str, str] | None) -> None:
    lines = ["customer_no,firm,status", "1001,A,Won", "NULL,NULL,Lost", "N/A,-,Won", "-,A,Lost", ""]
    (tmp_path / "deals.csv").write_text("\n".join(lines))
    columns = {} if how is None else {"customer_no": {"role": "display", **how}, "firm": {"role": "display"}}
    flat = {"target": {"column": "status", "won": ["Won"], "lost": ["Lost"]}, "lead_id": "customer_no", "group": "firm"}
    leads = {"location": {"file": str(tmp_path / "deals.csv")}, "columns": columns}
    source = Source.model_validate({"name": "t", "kind": "flat", "flat": flat, "tables": {"leads": leads}})
    file = source.tables["leads"].location
    assert file is not None
    shaped = shape_table(read_file(Path(file.file), file), "leads", source)
    named = "1001.0" if how == {"type": "number"} else "1001"  # under which answers, pins and objections stand
    assert shaped.frame["lead_id"].tolist() == [named, "row 2", "row 3", "row 4"]
    assert shaped.frame["firm"].dropna().tolist() == ["A", "A"]  # the others are groups of their own
    assert "leads.customer_no: 3 values '-' or 'N/A' or 'NULL' count as missing." in shaped.notes
    assert "leads.firm: 2 values '-' or 'NULL' count as missing." in shaped.notes


def test_ids_by_which_rows_are_sorted_stay_numbers(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("no,status\n999,Won\nNULL,Won\n1000,Lost\n")
    target = {"column": "status", "won": ["Won"], "lost": ["Lost"]}
    leads = {
        "location": {"file": str(tmp_path / "deals.csv")},
        "columns": {"no": {"type": "number", "role": "display"}},
    }
    flat = {"target": target, "lead_id": "no", "order": "no"}
    source = Source.model_validate({"name": "t", "kind": "flat", "flat": flat, "tables": {"leads": leads}})
    file = source.tables["leads"].location
    assert file is not None
    shaped = shape_table(read_file(Path(file.file), file), "leads", source)
    assert shaped.frame["no"].rank().tolist()[::2] == [1, 2]


def test_what_databases_write_for_no_value_is_an_empty_cell_of_a_delimited_file() -> None:
    found = read_delimited(b"id,town\n1,\\N\n2,C:\\New\n3,Bonn\n", CsvFormat(), what="f.csv")
    assert found.frame["town"].tolist() == ["", "C:\\New", "Bonn"]
    assert found.notes == (r"1 cells hold \N, which databases write for no value: they count as empty.",)


def test_a_stage_that_was_not_entered_is_no_row_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("id,created,mql,won\nA,2025-01-01,2025-01-05,NULL\nB,2025-01-02,-,2025-02-01\n")
    location = {"file": str(tmp_path / "leads.csv")}
    leads = {"location": location, "columns": {"lead_id": {"from": "id"}, "created_at": {"from": "created"}}}
    stages = {"location": location, "wide": {"mql": "mql", "won": "won"}, "columns": {"lead_id": {"from": "id"}}}
    declared = {"name": "t", "kind": "relational", "tables": {"leads": leads, "stages": stages}}
    source = Source.model_validate(declared)
    file = source.tables["stages"].location
    assert file is not None
    melted = melt_stages(read_file(Path(file.file), file), source, "stages")
    shaped = shape_table(melted, "stages", source)
    assert shaped.frame[["lead_id", "stage"]].to_numpy().tolist() == [["A", "mql"], ["B", "won"]]
    assert shaped.notes[0] == "stages: 2 values '-' or 'NULL' in 'mql', 'won' count as missing."


def test_a_date_that_two_stages_share_is_told_of_once_and_dates_alone_of_nothing(tmp_path: Path) -> None:
    rows = "id,closed,status\nA,2025-01-05,won\nB,N/A,open\nC,,open\n"
    shared = {stage: {"from": "closed", "rows": {"status": [stage]}} for stage in ("won", "lost")}
    told = {}
    for text in (rows, rows.replace("N/A", "")):
        (tmp_path / "leads.csv").write_text(text)
        location = {"file": str(tmp_path / "leads.csv")}
        stages = {"location": location, "wide": shared, "columns": {"lead_id": {"from": "id"}}}
        leads = {"location": location, "columns": {"lead_id": {"from": "id"}, "created_at": {"from": "closed"}}}
        declared = {"name": "t", "kind": "relational", "tables": {"leads": leads, "stages": stages}}
        source = Source.model_validate(declared)
        file = source.tables["stages"].location
        assert file is not None
        told[text] = melt_stages(read_file(Path(file.file), file), source, "stages").notes
    assert list(told.values()) == [("1 values 'N/A' in 'closed' count as missing.",), ()]


def test_init_and_ingest_of_one_file_know_no_value(tmp_path: Path) -> None:
    frame = deals(300).astype("str")
    frame.loc[::4, "company"], frame.loc[::5, "owner"] = "NULL", "unknown"
    frame.loc[frame["closed"] == "", "closed"] = "NULL"
    text, source = _started(tmp_path, {"deals.csv": frame})
    said = source.opportunities
    assert said is not None and said.owner is not None and said.owner.missing == ("unknown",)
    assert 'account_id: {from: company, when_known: at_creation, missing: ["NULL"]}' in text

    paths = Paths(tmp_path / "data", "t")
    ingest(source, paths)
    leads = pd.read_parquet(paths.ingest / "leads.parquet")
    assert len(leads) == 300 and leads["owner"].isna().sum() == 60


def test_accounts_of_several_tables_are_none_where_the_id_means_none(tmp_path: Path) -> None:
    deal = deals(300).astype("str")
    deal["account_id"] = [f"A{i % 60:05d}" for i in range(300)]
    accounts = pd.DataFrame({"account_id": [f"A{i:05d}" for i in range(60)], "industry": ["Retail", "Health"] * 30})
    deal.loc[::3, "account_id"] = "NULL"
    deal.loc[deal["closed"] == "", "closed"] = "NULL"
    named = deal.rename(columns={"id": "deal_id", "created": "created_at", "closed": "closed_at"})
    _, source = _started(
        tmp_path, {"deals.csv": named[["deal_id", "account_id", "status", *_CLOCKS, "owner"]], "accounts.csv": accounts}
    )
    assert source.opportunities is not None and source.opportunities.account_id is not None
    assert source.opportunities.account_id.missing == ("NULL",)
    assert source.opportunities.closed_at.source == "closed_at"


def _started(folder: Path, files: dict[str, pd.DataFrame]) -> tuple[str, Source]:
    for name, frame in files.items():
        frame.to_csv(folder / name, index=False)
    out = folder / "t.yaml"
    text = init_export([str(folder / name) for name in files], out, folder / "data")
    return text, parse_source(text, path=out)
