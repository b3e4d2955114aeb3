"""AUD10 says when a random split flatters, and stays silent in a market that stands still."""

import numpy as np

from models.judging.leakage.aud10_random_split_gap import check_random_split_gap
from tests.reference.audit_rows import honest, rows


def test_fires_when_what_was_true_turns_round() -> None:
    frame, _ = honest(4000)
    rng = np.random.default_rng(1)
    early = np.arange(4000) < 2000
    logit = np.where(early, 1.5, -1.0) * frame["h1"].to_numpy() - 1
    won = (rng.random(4000) < 1 / (1 + np.exp(-logit))).astype(float)
    found = check_random_split_gap(rows(frame, won))
    assert [(f.column, f.severity) for f in found] == [("(rows)", "note")]


def test_silent_when_nothing_moves_or_rows_have_no_order() -> None:
    frame, won = honest(4000)
    assert check_random_split_gap(rows(frame, won)) == []
    assert check_random_split_gap(rows(frame, won, ordered=False)) == []
