"""Rows two models are compared on: nothing about their outcome was known when either was trained."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from models.judging.promotion.unseen_rows import find_unseen_rows
from tests.reference.gate_oracle import later_rows_slowly
from tests.reference.weeks import LAG, START, weekly_matrix

MICRO = pd.Timedelta(microseconds=1)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 50),
    week=st.integers(0, 12),
    edge=st.sampled_from([-MICRO, 0 * MICRO, MICRO]),
    by_label=st.booleans(),
    unit=st.sampled_from(["lead_id", "group"]),
)
def test_they_are_what_the_slow_rule_says(seed: int, week: int, edge: pd.Timedelta, by_label: bool, unit: str) -> None:
    """Moments are drawn at an as_of, at a label's coming, and a microsecond to either side."""
    matrix = weekly_matrix(25, 10, seed=seed, matured_weeks=8)
    through = START + pd.Timedelta(weeks=week) + (LAG if by_label else 0 * MICRO) + edge
    assert find_unseen_rows(matrix, through, unit).rows.tolist() == later_rows_slowly(matrix, through, unit)


def test_no_win_that_was_learned_from_is_judged() -> None:
    matrix = weekly_matrix(300, 20, matured_weeks=16)
    through = START + pd.Timedelta(weeks=10)
    found = find_unseen_rows(matrix, through)
    known = (matrix.label_known_at <= through).to_numpy() & matrix.matured
    early = found.rows[(matrix.keys["as_of"].iloc[found.rows] < through).to_numpy()]
    assert len(early) > 50, "leads that are new since count before their horizon is over everywhere"
    learned = set(matrix.keys["lead_id"][known])
    assert learned.isdisjoint(matrix.keys["lead_id"].iloc[early])
    assert found.next_at == matrix.label_known_at[~matrix.matured].min()


def test_after_the_last_row_there_is_nothing() -> None:
    matrix = weekly_matrix(50, 6)
    found = find_unseen_rows(matrix, matrix.label_known_at.max())
    assert len(found.rows) == 0 and found.next_at is None
    assert np.array_equal(find_unseen_rows(matrix, START - LAG).rows, np.flatnonzero(matrix.matured))
