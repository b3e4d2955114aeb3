"""From which date there will be enough to decide, and from which age past models are worse than younger ones."""

import numpy as np
import pandas as pd
import pytest

from models.judging.promotion.aging import PastModel, describe_aging, measure_aging
from models.judging.promotion.paired_checks import Check
from models.judging.promotion.rows_to_come import count_won_leads, enough_at, wins_to_decide
from models.judging.promotion.unseen_rows import find_unseen_rows
from models.settings import GateSettings
from tests.reference.weeks import weekly_matrix

WEEK = pd.Timedelta(days=7)


def check(difference: float, half: float, margin: float = 1.0) -> Check:
    span = {"low": difference - half, "high": difference + half}
    return Check(name="log loss", champion=0, challenger=difference, difference=difference, margin=margin, **span)


def test_the_date_is_as_long_after_the_training_as_a_past_model_needed() -> None:
    matrix = weekly_matrix(900, 40, seed=3)
    newest = matrix.label_known_at[matrix.matured].max()
    for weeks in (6, 12, 20):
        won = count_won_leads(matrix.take(find_unseen_rows(matrix, newest - weeks * WEEK, "lead_id").rows))
        found = enough_at(matrix, newest, won)
        assert found is not None and found <= newest + weeks * WEEK
        assert enough_at(matrix, newest, won + 1) > newest + (weeks - 1) * WEEK
    assert enough_at(matrix, newest, 5) <= enough_at(matrix, newest, 60), "more wins take longer"
    assert enough_at(matrix, newest, 10**7) is None, "beyond three years a date would be a guess"


@pytest.mark.parametrize(
    ("checks", "won", "needed"),
    [
        ([check(0.0, 2.0)], 50, 200),  # half the width takes four times the wins
        ([check(0.5, 1.0)], 50, 200),
        ([check(-3.0, 1.0)], 50, None),  # decided
        ([check(1.5, 2.0)], 50, None),  # more rows like these would not help
    ],
)
def test_wins_that_would_narrow_the_intervals(checks: list[Check], won: int, needed: int | None) -> None:
    assert wins_to_decide(checks, won) == needed


def test_models_that_aged_are_told_from_those_that_did_not() -> None:
    matrix = weekly_matrix(1500, 60, seed=5)
    truth = matrix.values["truth"].to_numpy(dtype=np.float64)
    known = matrix.label_known_at[matrix.matured]
    early, late = known.min() + 4 * WEEK, known.min() + 20 * WEEK
    wrong = np.random.default_rng(1).normal(0, 1.5, len(matrix))
    settings = GateSettings(draws=200)

    def bands(old: np.ndarray) -> tuple[int | None, str]:
        models = [
            PastModel(name="old", through=early, log_odds=old),
            PastModel(name="new", through=late, log_odds=truth),
        ]
        return describe_aging(measure_aging(matrix, models, "lead_id", settings))

    days, sentence = bands(truth + wrong)
    assert days is not None and f"at least every {days} days" in sentence
    days, sentence = bands(truth)
    assert days is None and "is enough" in sentence
    alone = measure_aging(matrix, [PastModel(name="old", through=early, log_odds=truth)], "lead_id", settings)
    assert describe_aging(alone)[0] is None and "nothing says yet" in describe_aging(alone)[1]
