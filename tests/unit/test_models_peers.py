"""Peers are what they claim to be: the CRM's formula by hand, plain models that learn, one paired table."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.catalog.feature import Catalog
from features.cohort.splits import Block, Chop
from features.schema.operations import CurrentStage
from models.benchmarking.naive_bayes import naive_bayes
from models.benchmarking.peer_benchmark import OURS, compare_with_peers, prepare_peer_data, summarise_comparisons
from models.benchmarking.peer_models import PEERS, PeerData, find_peers
from models.judging.cluster_bootstrap import Resampling
from models.logistic import log_loss, logit
from models.settings import TrainSettings
from tests.reference.toy import CATALOG, toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()


def test_the_formula_by_hand() -> None:
    """Six leads, one variable: counts with 0.1 added, shares of won against lost, times the odds of winning at all."""
    catalog = CATALOG.select(["title"])
    train = pd.DataFrame({"title": pd.Series(["a", "a", "a", "b", "b", None], dtype="str")})
    won = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    asked = pd.DataFrame({"title": pd.Series(["a", "b", None, "never seen"], dtype="str")})
    found = naive_bayes(train, won, np.ones(6), asked, catalog)
    odds = 3.1 / 3.1
    a = np.log(odds) + np.log(2.1 / 2.2) - np.log(1.1 / 3.2)
    b = np.log(odds) + np.log(0.1 / 2.2) - np.log(2.1 / 3.2)
    np.testing.assert_allclose(found, [a, b, np.log(odds), np.log(odds)])


def test_a_won_lead_counts_at_every_stage_and_a_lost_one_up_to_its_own() -> None:
    stage = replace(CATALOG["title"], name="current_stage", params=CurrentStage())
    train = pd.DataFrame({"current_stage": pd.Series(["lead", "lead", "mql", "sql", "sql"], dtype="str")})
    won = np.array([0.0, 0.0, 0.0, 1.0, 0.0])
    found = naive_bayes(train, won, np.ones(5), train.iloc[[0, 2, 3]], Catalog((stage,)))
    odds = np.log(1.1 / 4.1)
    lost = np.array([4.1, 2.1, 1.1]) / 4.1  # of the first stage's total
    np.testing.assert_allclose(found, odds + 0.0 - np.log(lost))


def test_the_probability_is_kept_between_one_and_9999_in_ten_thousand() -> None:
    names = [f"x{k}" for k in range(40)]
    catalog = Catalog(tuple(replace(CATALOG["title"], name=name) for name in names))
    train = pd.DataFrame({name: pd.Series(["y", "n"] * 20, dtype="str") for name in names})
    found = naive_bayes(train, np.array([1.0, 0.0] * 20), np.ones(40), train.iloc[:2], catalog)
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), [0.9999, 0.0001])


@pytest.mark.parametrize("name", [name for name in PEERS if "tuned" not in name])
def test_peers_learn(name: str) -> None:
    matrix = toy_matrix(900)
    lesson = prepare_peer_data(matrix, toy_chop(900), SETTINGS)
    z = PEERS[name](lesson)
    won = matrix.label[toy_chop(900).final.test] == 1
    assert (z[won][:, None] > z[~won][None, :]).mean() > 0.7


def test_the_table_is_paired_and_ours_stands_at_zero() -> None:
    matrix, rows = toy_matrix(900), np.arange(900)
    made = Chop(
        "ordered",
        (Block(name="b", train=rows[:400], test=rows[400:600]),),
        Block(name="f", train=rows[:600], test=rows[600:]),
        "",
    )
    far_off = {"always wrong": lambda lesson: np.full(len(lesson.test), 9.0)}
    match = compare_with_peers(matrix, made, far_off, SETTINGS)
    table = {row.name: row for row in summarise_comparisons([match, match], Resampling(100, 1))}
    assert table[OURS].above_ours == 0.0 and table[OURS].above_ours_ci == (0.0, 0.0)
    assert table[OURS].log_loss == table[f"our {match.winner}"].log_loss
    wrong = table["always wrong"]
    low, high = wrong.above_ours_ci
    assert low is not None and high is not None and 1.0 < low < wrong.above_ours < high and not wrong.is_better


def test_absent_packages_are_named_never_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("interpret", "catboost"):
        monkeypatch.setitem(sys.modules, package, None)  # an import of it fails
    found, missing = find_peers()
    assert set(found) == set(PEERS) and missing == {"EBM": "interpret", "CatBoost": "catboost"}


@pytest.mark.parametrize("kind", ["scales", "tails", "one row far off", "overflow"])
def test_the_logistic_peer_stands_a_wide_table_of_wild_scales(kind: str) -> None:
    """More columns than it can use, from 1e-12 to 1e300: a peer that breaks is no peer to be ahead of."""
    rng = np.random.default_rng(0)
    rows, wide = 600, 120
    plain = rng.normal(size=(rows, wide))
    won = (rng.random(rows) < 1 / (1 + np.exp(1 - 1.5 * plain[:, 0]))).astype(float)
    table = {
        "scales": plain * 10.0 ** rng.uniform(-12, 12, wide),
        "tails": np.exp(8 * plain),
        "one row far off": plain + 1e9 * (np.arange(rows) == rows - 1)[:, None],
        "overflow": plain * 10.0 ** rng.uniform(100, 300, wide),
    }[kind]
    names = [f"x{k}" for k in range(wide)]
    values = pd.DataFrame(table, columns=names)
    data = PeerData(
        train=values[:400].reset_index(drop=True),
        won=won[:400],
        weight=np.ones(400),
        group=np.arange(400),
        test=values[400:].reset_index(drop=True),
        catalog=Catalog(tuple(replace(CATALOG["pain"], name=name) for name in names)),
        seed=0,
        threads=1,
    )
    base = log_loss(won[400:], np.full(200, logit(float(won[:400].mean())))).mean()
    assert log_loss(won[400:], PEERS["logistic regression"](data)).mean() < base + 0.02
