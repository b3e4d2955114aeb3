"""Rows of one outcome only: what proves something, against the base rate of their blocks and the number of looks."""

from dataclasses import replace

import numpy as np
import pytest

from models.judging.leakage.audit_rows import AuditRows
from models.judging.leakage.one_outcome_rows import (
    count_provable,
    describe_rows,
    grade_loss_only,
    grade_one_outcome,
)
from tests.reference.audit_rows import honest, rows


def table(won: int, lost: int) -> AuditRows:
    label = np.random.default_rng(7).permutation(np.repeat([1.0, 0.0], [won, lost]))
    return rows(honest(won + lost)[0], label, ordered=False)


def some(of: AuditRows, count: int, outcome: float = 0.0) -> np.ndarray:
    mask = np.zeros(len(of.label), dtype=bool)
    mask[np.flatnonzero(of.label == outcome)[:count]] = True
    return mask


@pytest.mark.parametrize(
    ("won", "lost", "without_win", "severity"),
    [
        (40, 40, 14, None),
        (40, 40, 35, "suspect"),
        (400, 400, 150, "leak"),
        (200, 600, 300, "leak"),
        (200, 600, 40, None),
        (40, 1960, 300, None),
        (400, 7600, 3000, "leak"),
    ],
)
def test_no_win_proves_as_much_as_rows_and_base_rate_let_it(
    won: int, lost: int, without_win: int, severity: str | None
) -> None:
    of = table(won, lost)
    assert grade_loss_only(of, some(of, without_win), 1) == severity


def test_more_looks_prove_less_and_sets_too_small_to_prove_anything_are_no_looks() -> None:
    of = table(200, 600)
    assert grade_loss_only(of, some(of, 160), 1) == "leak"
    assert grade_loss_only(of, some(of, 160), 1000) != "leak"
    assert count_provable(of, [some(of, 5)] * 50 + [some(of, 160)]) == 1


def test_few_wins_by_mistake_do_not_hide_it_and_a_poor_value_is_silent() -> None:
    of = table(500, 1500)
    assert grade_loss_only(of, some(of, 600) | some(of, 3, 1.0), 1) == "leak"
    assert grade_loss_only(of, some(of, 600) | some(of, 30, 1.0), 1) is None
    many = table(5_000, 15_000)
    assert grade_loss_only(many, some(many, 5_840) | some(many, 160, 1.0), 1) is None


def test_a_time_without_wins_is_not_the_value() -> None:
    label = np.repeat([0.0, 1.0, 0.0], [500, 300, 300])
    block = np.repeat([0, 1], [500, 600])
    of = AuditRows(columns=honest(len(label))[0], label=label, block=block, ordered=True)
    early = np.arange(len(label)) < 500
    assert grade_loss_only(of, early, 1) is None
    assert grade_loss_only(replace(of, block=np.zeros(len(label), dtype=np.int64)), early, 1) == "leak"


def test_the_same_rows_asked_about_twice_are_one_look() -> None:
    of = table(200, 600)
    assert count_provable(of, [some(of, 160)] * 5 + [some(of, 161)]) == 2


def test_rows_that_come_with_the_win_are_a_leak_and_said_with_their_figures() -> None:
    of = table(500, 1500)
    assert grade_one_outcome(of, some(of, 100, 1.0), 1) == "leak"
    assert grade_one_outcome(of, some(of, 100, 1.0) | some(of, 30), 1) is None
    assert grade_one_outcome(of, some(of, 11, 1.0), 1) is None
    assert describe_rows(of, some(of, 1200)) == "1,200 rows, none of them won against 25.0% overall"
    assert describe_rows(of, some(of, 100, 1.0)) == "100 rows, all of them won against 25.0% overall"
    assert describe_rows(of, some(of, 5) | some(of, 3, 1.0)) == "8 rows, 3 of them won against 25.0% overall"
