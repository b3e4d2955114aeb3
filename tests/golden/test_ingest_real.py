"""The shipped sources on the real files: every row is kept, read as its publisher means it."""

from pathlib import Path

import pytest

from features.assembly.flat_matrix import flat_matrix
from features.schema.load_source import load_source
from pipelines.declaring.starter_declaration import declare_facts, read_facts
from pipelines.stages.ingest import ingest
from pipelines.workspace.find_declarations import find_source
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

pytestmark = pytest.mark.real_data


def test_bank_is_read_whole_and_in_order(tmp_path: Path) -> None:
    source, paths = load_source(find_source("bank")), Paths(tmp_path, "bank")
    counts = ingest(source, paths).content()
    leads = load_tables(paths)["leads"]
    assert counts["rows"]["leads"] == {"read": 41_188, "kept": 41_188, "quarantined": 0}
    assert counts["undeclared_columns"] == {} and "duration" not in leads
    assert (leads["y"] == "yes").sum() == 4_640
    assert leads["pdays"].isna().sum() == 39_673 and leads["pdays"].max() == 27
    assert leads["job"].isna().sum() == 330 and (leads["default"] == "unknown").sum() == 8_597
    matrix = flat_matrix(leads, source)
    assert matrix.ordered and matrix.label[:4_119].mean() == pytest.approx(0.028, abs=0.001)
    assert "duration" not in matrix.catalog.names and len(matrix.catalog) == 19


def test_b2b_keeps_identical_inputs_together(tmp_path: Path) -> None:
    source, paths = load_source(find_source("b2b")), Paths(tmp_path, "b2b")
    counts = ingest(source, paths).content()
    matrix = flat_matrix(load_tables(paths)["leads"], source)
    assert counts["rows"]["leads"]["kept"] == 448 and matrix.label.sum() == 227
    assert matrix.keys["group"].nunique() == 346 and not matrix.ordered


def test_shoppers_is_read_whole_and_without_what_carries_the_outcome(tmp_path: Path) -> None:
    source, paths = load_source(find_source("shoppers")), Paths(tmp_path, "shoppers")
    counts = ingest(source, paths).content()
    leads = load_tables(paths)["leads"]
    assert counts["rows"]["leads"] == {"read": 12_330, "kept": 12_330, "quarantined": 0}
    assert counts["undeclared_columns"] == {} and "page_values" not in leads
    matrix = flat_matrix(leads, source)
    assert matrix.label.sum() == 1_908 and not matrix.ordered and len(matrix.catalog) == 16


def test_a_starter_of_the_real_b2b_file_finds_the_target(tmp_path: Path) -> None:
    location = load_source(find_source("b2b")).tables["leads"].location
    assert location is not None
    import os

    text = declare_facts(*read_facts(Path(os.environ["LEADSCORE_DATA"]) / location.file))
    assert "target: {column: status, won: [Won], lost: [Lost]}" in text
