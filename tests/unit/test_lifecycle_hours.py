"""Business hours count the hours a team works, whatever lies between."""

import numpy as np
import pandas as pd
import pytest

from features.errors import PolicyError
from models.judging.lifecycle.policy import BusinessHours, parse_policy


def hours(start: str, end: str, **declared: object) -> float:
    calendar = BusinessHours.model_validate(declared)
    return float(calendar.hours_between(pd.Series(pd.to_datetime([start])), pd.Series(pd.to_datetime([end])))[0])


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2025-01-06 10:00", "2025-01-06 12:30", 2.5),  # Monday
        ("2025-01-06 16:00", "2025-01-07 10:00", 2.0),
        ("2025-01-10 16:00", "2025-01-13 10:00", 2.0),  # over a weekend
        ("2025-01-11 10:00", "2025-01-12 20:00", 0.0),  # the weekend itself
        ("2025-01-06 00:00", "2025-01-13 00:00", 40.0),
        ("2025-01-06 03:00", "2025-01-06 09:30", 0.5),
    ],
)
def test_hours_between(start: str, end: str, expected: float) -> None:
    assert hours(start, end) == pytest.approx(expected)


def test_holidays_zones_and_missing_ends() -> None:
    assert hours("2025-01-06 10:00", "2025-01-08 10:00", holidays=["2025-01-07"]) == pytest.approx(8.0)
    assert hours("2025-01-07 10:00", "2025-01-07 12:00", holidays=["2025-01-07"]) == pytest.approx(0.0)
    assert hours("2025-01-06 08:00", "2025-01-06 12:00", timezone="Europe/Berlin") == pytest.approx(4.0)
    missing = BusinessHours().hours_between(
        pd.Series(pd.to_datetime(["2025-01-06"])), pd.Series(pd.to_datetime([None]))
    )
    assert np.isnan(missing[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\nstages:\n  mqll: {}\n", "line 3: stages.mqll"),
        ("name: x\nstages:\n  mql: {next: [sal]}\n", "line 3: 'mql' leads to 'sal', which is not declared"),
        ("name: x\nstages:\n  mql: {next: [mql]}\n", "line 3: stage 'mql' leads to itself"),
        ("name: x\nstages:\n  mql:\n    within_hours: 4\n", "line 4: 'mql' has a deadline but no next stage"),
        ("name: x\nbusiness_hours: {start: 17, end: 9}\nstages: {mql: {}}\n", "line 2: business_hours"),
        ("name: x\nbusiness_hours: {timezone: Mars}\nstages: {mql: {}}\n", "'Mars' is not a known time zone"),
    ],
)
def test_a_contradiction_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(PolicyError) as error:
        parse_policy(text)
    assert said in str(error.value)
