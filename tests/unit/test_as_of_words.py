"""A moment is a date: texts that pandas reads by the clock of the machine, whenever it reads them, are refused."""

import re

import pandas as pd
import pytest

from features.errors import ContractError
from models.estimators.seeds import moments_of
from pipelines.python_api.rows import to_moments
from pipelines.scoring.find_lead import read_as_of

WORDS = ("now", "today", "09:00", "9:00 am")


@pytest.mark.parametrize("word", WORDS)
def test_words_for_this_moment_are_none_from_python(word: str) -> None:
    with pytest.raises(ValueError, match=f"label_known_at holds '{word}', which is another moment"):
        moments_of(["2026-01-01", word, None], "label_known_at")
    for as_of in (word, ["2026-01-01", word]):
        with pytest.raises(ContractError, match=f"as_of holds '{word}'"):
            to_moments(as_of)


@pytest.mark.parametrize("word", WORDS)
def test_words_for_this_moment_are_none_on_the_command_line(word: str) -> None:
    with pytest.raises(ContractError, match=f"--as-of '{word}' is not a valid timestamp; write it as 2026-03-31"):
        read_as_of(word)


@pytest.mark.parametrize(
    "text", ["03/04/2026", "12/2025", "31.03.2026", "2026/03/31", "March 2026", "2026", "2026-3-31", "20260331x", "9pm"]
)
def test_what_is_no_iso_date_is_none_on_the_command_line(text: str) -> None:
    for option in ("--as-of", "--from"):
        with pytest.raises(ContractError, match=f"{option} '{text}' is not a valid timestamp; write it as 2026-03-31"):
            read_as_of(text, option=option)


@pytest.mark.parametrize("text", ["9999-12-31", "2262-04-12", "1677-01-01", "0001-01-01", "0001-01-01T00:00+05:00"])
def test_years_that_no_table_holds_are_refused(text: str) -> None:
    with pytest.raises(ContractError, match=re.escape(f"--as-of '{text}' is not between 1900 and 2199")):
        read_as_of(text)


def test_dates_are_read_as_before() -> None:
    moment = pd.Timestamp("2026-03-31T07:00")
    assert read_as_of("2026-03-31T09:00+02:00") == to_moments("2026-03-31T09:00+02:00") == moment
    assert moments_of(["2026-03-31T07:00", None, ""]).tolist() == [moment, pd.NaT, pd.NaT]
    for text in ("2026-03-31 07:00", "20260331T0700", "2026-03-31 9:00 +02:00", " 2026-03-31T07:00:00Z"):
        assert read_as_of(text) == moment
    assert read_as_of("2026-03") == read_as_of("20260301") == pd.Timestamp("2026-03-01")
    assert to_moments(["2026-03-31", pd.Timestamp("2026-03-31")]).tolist() == [pd.Timestamp("2026-03-31")] * 2
    with pytest.raises(ContractError, match="--as-of is empty"):
        read_as_of("")
