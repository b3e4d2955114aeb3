"""Every text comes back from a CSV of the product as it was, and none of its cells can run as a formula."""

import csv
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.schema.table_source import Location
from features.spreadsheet_cells import guard_text, is_formula, unguard_text
from pipelines.ingest.reading.file_adapters import read_file
from pipelines.workspace.csv_files import MARK, csv_text, number_text, write_csv

SIGNS = "=+-@＝＋－＠"
ODD = st.text(
    alphabet=st.sampled_from([*SIGNS, "'", " ", ";", "|", "\t", "\n", "\r", "a", "1", ".", '"', ",", "ą", "\u200b"])
)


def runs(cell: str) -> bool:
    """Whether a spreadsheet of any country may see a formula in a cell; written apart from the product's own rule."""
    for part in re.split(r"[;|\t\r\n]", cell):
        bare = part.lstrip(" \u00a0\u200b\u200c\u200d\u2060\u3000\ufeff")
        if bare[:1] and bare[:1] in SIGNS and not re.fullmatch(r"-\d+(\.\d+)?", cell):
            return True
    return cell[:1] in {"\t", "\r", "\n"}


@given(ODD | st.text())
@example("'=1")
@example("''=1")
@example("a;=1")
@example("a\n\n=1")
@example("-5")
@example("'-5")
def test_a_guarded_text_comes_back_and_is_no_formula(text: str) -> None:
    guarded = guard_text(text)
    assert unguard_text(guarded) == text
    assert not runs(guarded)
    assert is_formula(text) == (guarded != text)


TEXTS = ["=L0001", "+49 30 1234", "-1+2", "@home", "＝cmd", "'=already", "plain", "Łódź; =1", "it's", "0012", "-7"]


def test_ids_and_values_are_read_back_by_the_own_reader(tmp_path: Path) -> None:
    frame = pd.DataFrame({"lead_id": TEXTS, "company": TEXTS[::-1], "score": range(len(TEXTS)), "p": 0.123456789})
    write_csv(tmp_path / "out.csv", frame)
    read = read_file(tmp_path / "out.csv", Location(file="out.csv")).frame
    assert read["lead_id"].tolist() == TEXTS and read["company"].tolist() == TEXTS[::-1]
    assert read["score"].tolist() == [str(k) for k in range(len(TEXTS))] and set(read["p"]) == {"0.1235"}
    raw = (tmp_path / "out.csv").read_bytes()
    assert raw.startswith(MARK.encode())  # Łódź is not plain ASCII
    cells = [cell for row in csv.reader(io.StringIO(raw.decode("utf-8-sig"))) for cell in row]
    assert not any(runs(cell) for cell in cells)


def test_a_file_of_plain_letters_has_no_mark_and_reasons_have_words() -> None:
    text = csv_text(pd.DataFrame({"reason_1": ["+ 3 page views", "- no answer", None], "why": ["+ 1", "x", ""]}))
    assert text == "reason_1,why\nfor: 3 page views,'+ 1\nagainst: no answer,x\n,\n"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.5, "0.5"),
        (1 / 3, "0.3333"),
        (-1 / 3, "-0.3333"),
        (-1e-300 * 1e-300, "0"),
        (99.99999, "100"),
        (1234567.891, "1234567.891"),
        (0.00987654, "0.00988"),
        (1e-7, "0.0000001"),
        (float("nan"), ""),
        (np.float64(2), "2"),
    ],
)
def test_numbers_are_written_as_a_person_would(number: float, text: str) -> None:
    assert number_text(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_s_text_is_near_the_number(number: float) -> None:
    assert float(number_text(number)) == pytest.approx(number, rel=5e-3, abs=5e-5)
