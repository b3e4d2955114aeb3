"""AUD02 fires on fields completed for won leads, and stays silent on gaps that mean little."""

import numpy as np
import pytest

from models.judging.leakage.aud02_missingness import check_missingness
from tests.reference.audit_rows import honest, rows


@pytest.mark.parametrize(("share_won", "share_lost"), [(0.7, 0.0), (0.9, 0.1), (0.0, 0.9)])
def test_fires_when_being_filled_tells_the_outcome(share_won: float, share_lost: float) -> None:
    frame, won = honest()
    present = np.random.default_rng(1).random(len(won)) < np.where(won == 1, share_won, share_lost)
    frame["v"] = np.where(present, 1.0, np.nan)
    found = check_missingness(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [("v", "leak")]
    assert f"of won and {present[won == 0].mean():.0%} of lost" in found[0].message


@pytest.mark.parametrize("base", [0.06, 0.25, 0.5])
def test_fires_on_a_reason_noted_when_a_lead_is_lost(base: float) -> None:
    frame, won = honest(base=base)
    noted = (won == 0) & (np.random.default_rng(1).random(len(won)) < 0.4)
    frame["v"] = np.where(noted, 1.0, np.nan)
    found = check_missingness(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [("v", "leak")]
    assert "filled in for 0% of won and" in found[0].message


def test_silent_on_ordinary_gaps_and_on_columns_with_a_clock() -> None:
    frame, won = honest()
    present = np.random.default_rng(1).random(len(won)) < np.where(won == 1, 0.6, 0.45)
    frame["gaps"] = np.where(present, 1.0, np.nan)
    frame["clocked"] = np.where(won == 1, 1.0, np.nan)
    frame["never"] = np.nan
    frame["of few lost"] = np.where((won == 0) & (np.arange(len(won)) < 40), 1.0, np.nan)
    assert check_missingness(rows(frame, won, verified=("clocked",))) == []
