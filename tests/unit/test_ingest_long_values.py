"""What a long value costs to read grows with its length, not with its square."""

from collections.abc import Callable
from time import process_time

import pandas as pd
import pytest

from pipelines.ingest.diagnosis.id_causes import explain_repeated
from pipelines.ingest.diagnosis.value_causes import explain_numbers
from pipelines.ingest.key_forms import match_keys
from pipelines.ingest.reading.code_pages import read_code_pages
from pipelines.ingest.values.date_words import split_zone
from pipelines.ingest.values.number_form import plain_numbers

LENGTH, LONGER = 1_000, 8


def read_as_keys(text: str) -> object:
    return match_keys(pd.Series([f"{text}{number}" for number in range(30)]), pd.Series(["A1"]))


def read_as_number(text: str) -> object:
    return plain_numbers(pd.Series([text]))


def read_bytes(text: str) -> object:
    return read_code_pages(f"id;note\n1;Jürgen Müller\n2;{text}\n".encode("cp1252"))


def explain_ids(text: str) -> object:
    return explain_repeated([text], "id", repeats=0, columns={})


def least_seconds(run: Callable[[str], object], text: str) -> float:
    """Processor time of three runs, the least; each has a text of its own, so that nothing is remembered."""
    taken = []
    for number in range(3):
        start = process_time()
        run(f"{number}{text}")
        taken.append(process_time() - start)
    return min(taken)


@pytest.mark.parametrize(
    ("run", "sign", "end"),
    [
        (read_bytes, "x", ""),
        (read_as_number, "9", "x"),
        (read_as_keys, " ", "x"),
        (split_zone, " ", "x"),
        (split_zone, " ", "+0100 (x"),
        (lambda text: explain_numbers([text]), " ", "?"),
        (lambda text: explain_numbers([f"EUR{text[1:]}"]), " ", "?"),
        (explain_ids, "0", "x"),
    ],
)
def test_cost_grows_with_length(run: Callable[[str], object], sign: str, end: str) -> None:
    run(f"1{end}")  # what is loaded once
    short, long = (least_seconds(run, sign * length + end) for length in (LENGTH, LENGTH * LONGER))
    assert long < 3 * LONGER * max(short, 1e-4)
