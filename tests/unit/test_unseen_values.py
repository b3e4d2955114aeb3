"""Values that training never saw are told per row and per column; a renamed list is a warning of its own."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.assembly.frameless_rows import row_of
from models.judging.drift.reference_distribution import fingerprint
from models.judging.drift.trained_values import TrainedValues
from pipelines.scoring.row_notes import describe_errors

TRAINED = TrainedValues(
    seen={"industry": frozenset(map(fingerprint, ["Steel", "Retail"]))},
    spelled={"industry": {"steel": "Steel", "retail": "Retail"}},
    ranges={"budget": (1_000.0, 5_000.0)},
    labels={"industry": "industry", "budget": "budget"},
    hidden=frozenset(),
)


def rows(industry: list[Any], budget: float = 2_000.0) -> pd.DataFrame:
    return pd.DataFrame({"industry": pd.Series(industry, dtype="str"), "budget": np.full(len(industry), budget)})


def lines(frame: pd.DataFrame, trained: TrainedValues = TRAINED) -> list[str]:
    return trained.describe(trained.unseen_per_row(frame), frame)


def test_what_was_seen_or_is_missing_is_silent() -> None:
    assert lines(rows(["Steel", "Retail", None, None])) == []


def test_some_new_values_are_counted_with_examples() -> None:
    frame = rows(["Steel"] * 6 + ["Telecom"] * 3 + ["Media"])
    assert lines(frame) == ["industry: values never seen in training in 4 of 10 rows ('Telecom' 3, 'Media' 1)"]
    told = [[one.describe() for one in row] for row in TRAINED.unseen_per_row(frame)]
    assert told[:6] == [[]] * 6 and told[6] == ["industry: 'Telecom' never seen in training"]


@pytest.mark.parametrize(
    ("values", "cause"),
    [(["IND_Steel"] * 8, "no value of the column was ever seen"), (["STEEL"] * 8, "training wrote 'Steel'")],
)
def test_a_renamed_list_is_a_warning(values: list[str], cause: str) -> None:
    (line,) = lines(rows([*values, None]))
    assert line.startswith("warning: industry: values never seen in training in 8 of 9 rows") and cause in line


def test_a_few_new_customers_are_no_renamed_list() -> None:
    (line,) = lines(rows(["Telecom", "Media"]))
    assert not line.startswith("warning")


def test_cents_for_euros_are_told_and_a_long_tail_is_not() -> None:
    assert lines(rows(["Steel"] * 3, 9_000.0)) == []
    (line,) = lines(rows(["Steel"] * 3, 200_000.0))
    assert line == "budget: far outside what training saw in 3 of 3 rows ('200,000' 3); check the unit"


def test_hidden_values_are_counted_but_not_shown() -> None:
    hidden = TrainedValues(TRAINED.seen, TRAINED.spelled, TRAINED.ranges, TRAINED.labels, frozenset(["industry"]))
    assert lines(rows(["Steel", "Roman"]), hidden) == ["industry: values never seen in training in 1 of 2 rows"]


def test_one_row_is_told_as_many_are() -> None:
    frame = rows(["Steel", "Telecom"], 1e9)
    alone = [TRAINED.unseen_in(row_of(frame, place)) for place in range(2)]
    assert alone == TRAINED.unseen_per_row(frame) and len(alone[1]) == 2


def test_reasons_of_rows_without_a_score_are_counted_by_kind() -> None:
    errors = ["", *[f"age: '{k}x' is not a valid number" for k in range(5)], "a", "b", "b", "c", "c"]
    told = describe_errors(errors)
    assert told[0] == "5 rows, e.g. row 2: age: '0x' is not a valid number"
    assert len(told) == 4 and told[3] == "1 rows for 1 more reasons"
