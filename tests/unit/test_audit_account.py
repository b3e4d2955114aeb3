"""AUD07 fires when an account comes with the win, and stays silent on accounts missing at random."""

import numpy as np

from models.judging.leakage.aud07_account_linkage import check_account_linkage
from tests.reference.audit_rows import honest, rows


def test_fires_when_accounts_are_set_at_conversion() -> None:
    frame, won = honest()
    missing = np.random.default_rng(1).random(len(won)) < np.where(won == 1, 0.02, 0.7)
    assert [(f.column, f.severity) for f in check_account_linkage(rows(frame, won), missing)] == [
        ("account_id", "leak")
    ]


def test_silent_when_missing_at_random_always_or_never() -> None:
    frame, won = honest()
    audited = rows(frame, won)
    assert check_account_linkage(audited, np.random.default_rng(1).random(len(won)) < 0.4) == []
    assert check_account_linkage(audited, np.ones(len(won), dtype=bool)) == []
    assert check_account_linkage(audited, np.zeros(len(won), dtype=bool)) == []
