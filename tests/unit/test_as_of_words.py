"""A moment is a date: words that pandas reads by the clock of the machine, whenever it reads them, are refused."""

import re

import pandas as pd
import pytest

from features.errors import ContractError
from models.estimators.seeds import moments_of
from pipelines.python_api.rows import to_moments
from pipelines.scoring.find_lead import read_as_of

WORDS = ("now", "today")


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


@pytest.mark.parametrize("text", ["9999-12-31", "2262-04-12", "1677-01-01", "0001-01-01", "0001-01-01T00:00+05:00"])
def test_years_that_no_table_holds_are_refused(text: str) -> None:
    with pytest.raises(ContractError, match=re.escape(f"--as-of '{text}' is not between 1900 and 2199")):
        read_as_of(text)


def test_dates_are_read_as_before() -> None:
    moment = pd.Timestamp("2026-03-31T07:00")
    assert read_as_of("2026-03-31T09:00+02:00") == to_moments("2026-03-31T09:00+02:00") == moment
    assert moments_of(["2026-03-31T07:00", None, ""]).tolist() == [moment, pd.NaT, pd.NaT]
    with pytest.raises(ContractError, match="--as-of is empty"):
        read_as_of("")
