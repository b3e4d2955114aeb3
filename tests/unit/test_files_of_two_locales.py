"""Files of one table that write numbers in two ways are refused by name, never mixed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema.columns import Column
from features.schema.load_source import parse_source
from features.schema.table_source import CsvFormat
from pipelines.artifacts.reading_record import ColumnReading
from pipelines.ingest.errors import AmbiguousNumbersError
from pipelines.ingest.reading.raw_table import FileRows
from pipelines.ingest.shaping.column_forms import find_number_forms
from pipelines.stages.ingest import ingest
from pipelines.workspace.paths import Paths
from pipelines.workspace.table_files import load_tables

DECLARATION = """\
name: shop
kind: flat
flat: {target: {column: won, won: ["yes"], lost: ["no"]}}
tables:
  leads:
    location: {file: "leads/*.csv"}
    columns:
      budget: {type: number, COLUMN}
      other: {type: number}
"""
GERMAN = "budget;other;won\n1.234,56;1,5;yes\n2.000;7;no\n800,5;8;no\n"
AMERICAN = 'budget,other,won\n"1,234",7,yes\n"2,500",8,no\n'


def read(folder: Path, *files: tuple[str, str], column: str = "") -> list[float]:
    (folder / "leads").mkdir(exist_ok=True)
    for name, text in files:
        (folder / "leads" / name).write_text(text, encoding="utf-8")
    text = DECLARATION.replace(", COLUMN", f", {column}" if column else "")
    path = folder / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    paths = Paths(folder / "data", "shop")
    ingest(parse_source(text, where="shop.yaml", path=path), paths)
    return [float(value) for value in load_tables(paths)["leads"]["budget"]]


def test_a_file_of_another_locale_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(AmbiguousNumbersError) as refused:
        read(tmp_path, ("de.csv", GERMAN), ("us.csv", AMERICAN))
    told = str(refused.value)
    assert "column 'leads.budget': '1,234' in us.csv can be 1234 or 1.234" in told
    assert "read with the decimal sign ',', and most of this file does not show it" in told
    assert refused.value.code == "LS047"
    assert read(tmp_path, column="decimal: ','")[-2:] == [1.234, 2.5]


def test_a_file_that_proves_the_other_sign_is_refused_too(tmp_path: Path) -> None:
    more = GERMAN + "".join(f"{whole},25;1;no\n" for whole in range(100, 120))
    american = AMERICAN + '"3.5",8,no\n"1.234",8,no\n'
    with pytest.raises(AmbiguousNumbersError, match=r"in us\.csv can be .* sign ',', and what shows it there.* '\.'"):
        read(tmp_path, ("de.csv", more), ("us.csv", american))


def test_the_sign_of_an_earlier_file_is_told_as_that() -> None:
    texts = {"budget": pd.Series(["2.000", "1,234"], dtype="str"), "other": pd.Series(["7", "2.5"], dtype="str")}
    with pytest.raises(AmbiguousNumbersError, match=r"in b\.csv .* ',', as in the file trained on or read before, and"):
        find_number_forms(
            texts,
            dict.fromkeys(texts, Column()),
            CsvFormat(),
            delimiter=";",
            known={"budget": ColumnReading(decimal=",")},
            where=dict.fromkeys(texts, "here"),
            parts={name: FileRows(np.array([name == "a.csv", name == "b.csv"]), ";") for name in ("a.csv", "b.csv")},
        )


@pytest.mark.parametrize(
    "second",
    [
        "budget;other;won\n3.000;2;yes\n4.500;3;no\n",  # whole amounts alone
        "budget;other;won\n3.000,50;2;yes\n4.500;3;no\n",
        "budget;other;won\n1,125;2,5;yes\n2,250;3;no\n",  # its other column proves the sign
        "budget;other;won\n300;2;yes\n450;3;no\n",
    ],
)
def test_files_of_one_locale_are_read_as_they_were(tmp_path: Path, second: str) -> None:
    found = read(tmp_path, ("a.csv", GERMAN), ("b.csv", second))
    first = second.splitlines()[1].split(";")[0]
    assert found == [1234.56, 2000, 800.5, float(first.replace(".", "").replace(",", ".")), *found[4:]]
    assert len(found) == 5


def test_files_with_commas_between_their_values_are_read_as_they_were(tmp_path: Path) -> None:
    files = [(f"{name}.csv", 'budget,other,won\n"1,234",7,yes\n2.872,8,no\n') for name in "ab"]
    with pytest.raises(AmbiguousNumbersError, match="no value tells which"):
        read(tmp_path, *files)  # within each file both signs stand before three digits
    for name, _ in files:
        (tmp_path / "leads" / name).write_text("budget,other,won\n2.872,7,yes\n1.500,8,no\n")
    assert read(tmp_path) == [2.872, 1.5, 2.872, 1.5]


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_a_small_file_with_commas_between_its_values_has_decimal_points(tmp_path: Path, names: str) -> None:
    files = ["budget,other,won\n12.5,7,yes\n3.25,8,no\n", "budget,other,won\n1.234,7,yes\n"]
    found = read(tmp_path, *((f"{name}.csv", text) for name, text in zip(names, files, strict=True)))
    assert sorted(found) == [1.234, 3.25, 12.5]


@pytest.mark.parametrize("first", ["12.5", "1.500"])  # the second shows nothing but by the commas around it
def test_a_small_file_without_commas_between_its_values_may_be_of_another_locale(tmp_path: Path, first: str) -> None:
    files = [("a.csv", f"budget,other,won\n{first},7,yes\n"), ("b.csv", "budget;other;won\n2.000;7;no\n")]
    with pytest.raises(AmbiguousNumbersError, match=r"'2\.000' in b\.csv can be 2000 or 2\.000"):
        read(tmp_path, *files)


def test_decimal_commas_in_quotes_are_read_as_they_were(tmp_path: Path) -> None:
    german = 'budget,other,won\n"12,5",7,yes\n"1.234,56",8,no\n'
    assert read(tmp_path, ("a.csv", german), ("b.csv", "budget,other,won\n1.234,7,yes\n")) == [12.5, 1234.56, 1234]
