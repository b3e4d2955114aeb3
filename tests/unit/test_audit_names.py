"""AUD05 names what sounds like the end of a deal, and a name alone is never more than a suspicion."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.judging.leakage.aud05_suspicious_names import check_suspicious_names, find_today_words
from tests.reference.audit_rows import honest, rows


def test_fires_on_names_of_the_end_and_never_says_leak() -> None:
    frame, won = honest()
    for name in ("current_stage", "is_sql", "Contract Date", "total_touches_all"):
        frame[name] = won + np.random.default_rng(1).normal(0, 5, len(won))
    frame["close_date"] = won
    found = {f.column: f.severity for f in check_suspicious_names(rows(frame, won))}
    assert set(found) == {"current_stage", "is_sql", "Contract Date", "total_touches_all", "close_date"}
    assert set(found.values()) <= {"note", "suspect"}
    assert found["close_date"] == "suspect"


def test_silent_on_ordinary_names_and_columns_with_a_clock() -> None:
    frame, won = honest()
    for name in ("industry", "poutcome", "disclosed", "wonder", "duration_clocked"):
        frame[name] = 1.0
    assert [f.column for f in check_suspicious_names(rows(frame, won, verified=("duration_clocked",)))] == []


TODAY = (
    "Last Activity", "Last Notable Activity", "Lead Quality", "Lead Profile", "Asymmetrique Activity Index",
    "Asymmetrique Profile Score", "Tags", "Total Time Spent on Website", "TotalVisits", "Latest Source",
    "current_vendor", "Most recent visit", "Lead Grade", "Rating", "days since contact", "ModifiedOn", "Last Modified",
)  # fmt: skip
FACTS = (
    "Last Name", "lastname", "Revenue last year", "What is your current occupation", "current account", "blast",
    "LinkedIn Profile URL", "cons.price.idx", "consumer price index", "index", "Country", "Lead Source", "upgrade",
    "total employees", "Stagecoach", "Get updates on DM Content", "percentage", "concurrent users", "Views Per Visit",
)  # fmt: skip


@pytest.mark.parametrize("header", TODAY)
@pytest.mark.parametrize("kind", ["number", "category", "date"])
def test_words_for_today_are_suspect_whatever_the_column_holds(header: str, kind: str) -> None:
    frame, won = honest(400)
    rng = np.random.default_rng(1)
    values = {"number": rng.normal(size=400), "category": pd.Series(rng.choice(["a", "b"], 400), dtype="str")}
    frame[header] = values.get(kind, 1.7e9 + rng.normal(size=400).round() * 86_400)
    found = check_suspicious_names(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [(header, "suspect")]
    assert all(word in found[0].message for word in ("history", "snapshot", "accepted_because", "role: ignore"))


@pytest.mark.parametrize("header", FACTS)
def test_the_same_words_in_names_of_facts_are_silent(header: str) -> None:
    assert find_today_words(header) == ""


def test_the_header_in_the_file_speaks_too_and_a_clock_of_the_row_silences_it() -> None:
    frame, won = honest(400)
    frame["v"] = 1.0
    of = replace(rows(frame, won), headers={"v": "Lead Quality"})
    assert "(column 'Lead Quality' of the file)" in check_suspicious_names(of)[0].message
    assert check_suspicious_names(replace(of, clocked=frozenset({"v"}))) == []
