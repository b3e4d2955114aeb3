"""A column of lists is a flag per frequent value and their number, in training, in a file and in a request alike."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.assembly.flat_matrix import flat_rows, flat_values
from features.assembly.list_values import adopt_list_items, frequent_items, restore_list_items
from features.catalog.build_catalog import build_catalog
from features.catalog.feature import Catalog
from features.errors import SourceError
from features.kernel.list_items import list_items
from features.schema.columns import Column
from features.schema.load_source import parse_source
from features.schema.source import Source
from features.schema.table_source import Location
from pipelines.declaring.column_inference import guess_column
from pipelines.declaring.starter_declaration import declare_facts, read_facts
from pipelines.ingest.reading.file_adapters import read_table
from pipelines.ingest.shaping.canonical_shape import shape_table
from pipelines.ingest.values.type_casting import cast_lists

CELLS = ["CRM;HR;AI", "HR", "crm; HR", "", "AI;CRM"]


def source_with(**column: object) -> Source:
    return Source.model_validate(
        {
            "name": "t",
            "kind": "flat",
            "flat": {"target": {"column": "status", "won": ["x"], "lost": ["y"]}},
            "tables": {
                "leads": {
                    "location": {"file": "f.csv"},
                    "columns": {"interests": {"type": "list", "topic": "need", **column}, "status": {}},
                }
            },
        }
    )


def leads(source: Source, cells: list[str]) -> pd.DataFrame:
    content = "interests\tstatus\n" + "".join(f"{cell}\tx\n" for cell in cells)
    raw = read_table(content.encode(), Location(file="f"), what="f", expected=["interests", "status"])
    return shape_table(raw, "leads", source).frame


def test_a_list_is_a_flag_per_value_and_their_number() -> None:
    source = source_with(items=["CRM", "AI"])
    catalog = build_catalog(source)
    assert catalog.names == ("interests_count", "interests_crm", "interests_ai")
    assert [f.label for f in catalog] == ["values in interests", "interests: CRM", "interests: AI"]
    found = flat_values(leads(source, CELLS), catalog, source)
    assert found.to_numpy().tolist() == [[3, 1, 1], [1, 0, 0], [2, 1, 0], [0, 0, 0], [2, 1, 1]]


def test_a_request_gives_the_same_bits_from_any_form_of_the_list() -> None:
    source = source_with(items=["CRM", "AI"])
    catalog = build_catalog(source)
    batch = flat_values(leads(source, CELLS), catalog, source).to_numpy()
    for made in (lambda c: c, lambda c: c.replace(";", "|"), lambda c: list(list_items(c)) if c else None):
        records = [{"interests": made(cell)} for cell in CELLS]
        np.testing.assert_array_equal(flat_rows(records, catalog, source).frame.to_numpy(), batch)


def test_frequent_values_are_found_in_the_data_and_again_in_the_catalog() -> None:
    source = source_with()
    table = leads(source, [*CELLS * 20, *["rare"] * 19])
    assert frequent_items(table["interests"]) == ("CRM", "HR", "AI")
    adopted = adopt_list_items(source, {"leads": table})
    catalog = build_catalog(adopted)
    assert catalog.names == ("interests_count", "interests_crm", "interests_hr", "interests_ai")
    again = build_catalog(restore_list_items(source, catalog))
    assert again.hash == catalog.hash == Catalog.from_records(catalog.records()).hash
    declared = source_with(items=["AI"])
    assert adopt_list_items(declared, {"leads": table}) is declared


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("CRM;HR", ("CRM", "HR")),
        ("CRM, HR", ("CRM", "HR")),
        ("CRM | HR", ("CRM", "HR")),
        ("CRM\nHR", ("CRM", "HR")),
        ('["CRM", "Smith; Jones"]', ("CRM", "Smith; Jones")),
        ("['CRM', 'HR']", ("CRM", "HR")),
        ('{CRM,"HR EU"}', ("CRM", "HR EU")),
        (";CRM;;crm;", ("CRM",)),
        ("[1, null, 2]", ("1", "2")),
        ("[broken", ("[broken",)),
        ("Smith, J.; Jones", ("Smith, J.", "Jones")),
    ],
)
def test_cells_are_divided_however_they_are_written(text: str, items: tuple[str, ...]) -> None:
    assert list_items(text) == items


def test_one_sign_divides_a_whole_column() -> None:
    column = pd.Series(["Smith, J.; Jones", "Smith, J.", None, ";"], dtype="str")
    assert cast_lists(column, None).fillna("-").tolist() == ['["Smith, J.", "Jones"]', '["Smith, J."]', "-", "-"]
    assert cast_lists(pd.Series(["a/b", "c"], dtype="str"), "/").tolist() == ['["a", "b"]', '["c"]']


def test_values_are_of_categories_and_items_of_lists() -> None:
    with pytest.raises(ValueError, match="name those that are to be features under 'items'"):
        Column.model_validate({"type": "list", "values": ["a"]})
    with pytest.raises(ValueError, match="declare 'type: list'"):
        Column.model_validate({"items": ["a"]})


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"{a};{b}" for a in ("CRM", "HR", "AI") for b in ("ERP", "BI")] * 5, "list"),
        (['["CRM"]', '["HR", "AI"]'] * 5, "list"),
        ([f"{a}, {b}" for a in "abcdef" for b in "ghijkl"] * 5, "list"),
        (["CRM", "HR, CRM", "AI, HR", "CRM, AI"] * 9, "list"),
        (["Berlin, Germany", "Paris, France", "Rome, Italy", "Bonn, Germany"] * 9, "category"),
        ([f"Street {i}; flat {i}" for i in range(40)], "category"),
        (["CRM", "HR"] * 9, "category"),
    ],
)
def test_lists_are_guessed_where_their_values_come_back(values: list[str], kind: str) -> None:
    assert guess_column(pd.Series(values, dtype="str", name="interests"), None, ".").type == kind


def test_the_starter_declares_a_list_and_reads_back(tmp_path: Path) -> None:
    cells = [f"{a};{b}" for a in ("CRM", "HR", "AI") for b in ("ERP", "BI")] * 5
    rows = "".join(f"{cell},{'won' if (i * 7 % 11) % 2 else 'lost'}\n" for i, cell in enumerate(cells))
    path = tmp_path / "deals.csv"
    path.write_text("관심 분야,status\n" + rows)
    try:
        source = parse_source(declare_facts(*read_facts(path)))
    except SourceError as problem:  # pragma: no cover
        raise AssertionError(declare_facts(*read_facts(path))) from problem
    (name,) = [n for n, c in source.tables["leads"].columns.items() if c.type == "list"]
    column = source.tables["leads"].columns[name]
    assert name.isascii() and column.headers(name) == ("관심 분야",) and column.label == "관심 분야"
