"""AUD05 names what sounds like the end of a deal, and a name alone is never more than a suspicion."""

import numpy as np

from models.judging.leakage.aud05_suspicious_names import check_suspicious_names
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
