"""Tuning where leads are many: what goes on to more rows, how deep trees may get, and what moving markets refuse."""

from dataclasses import replace

import numpy as np
import pytest

import models.training.successive_halving as successive_halving
import models.training.tuning as tuning
from features.cohort.splits import Block, Chop
from features.matrix import Matrix
from models.candidates.boosting import DEFAULTS
from models.settings import TrainSettings
from models.training.successive_halving import Room, promote, search_by_halving
from models.training.tuning import tune_booster
from models.training.tuning_folds import Curve, Trial, TuningFold, prepare_fold
from tests.reference.toy import toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()
MANY = SETTINGS.model_copy(update={"many_leads": 100})


def curve(loss: float, leaves: int) -> Curve:
    return Curve(loss, {"num_leaves": leaves, "loss": loss})


def test_the_best_of_every_size_goes_on_beside_the_best() -> None:
    """A sample judges size wrongly: the best large trial goes on however far behind it is."""
    tried = [curve(0.50, 4), curve(0.51, 15), curve(0.52, 7), curve(0.6, 63), curve(0.7, 255), curve(0.8, 64)]
    assert [one["loss"] for one in promote(tried, 2)] == [0.50, 0.51, 0.6, 0.7]


@pytest.mark.parametrize(
    ("rarer", "room"), [(500, Room(31, 6)), (2_480, Room(62, 8)), (12_000, Room(255, 12)), (10**6, Room(255, 12))]
)
def test_trees_get_as_deep_as_their_leaves_have_rows(rarer: int, room: Room) -> None:
    assert Room.of(rarer, TrainSettings()) == room
    tight = TrainSettings(max_leaves=40, max_depth=7)
    assert Room.of(rarer, tight).leaves <= 40 and Room.of(rarer, tight).depth <= 7


def test_the_same_seed_finds_the_same_and_the_search_knows_no_row_but_those_given() -> None:
    matrix = toy_matrix(900)
    rows = np.arange(600)
    first = search_by_halving(matrix, rows, MANY)
    spoiled = replace(matrix, label=np.where(np.arange(900) < 600, matrix.label, 1 - matrix.label))
    assert search_by_halving(matrix, rows, MANY) == first == search_by_halving(spoiled, rows, MANY)
    assert first["rounds"] >= 20 and first["learning_rate"] in (0.15, 0.06)


def test_luck_on_the_part_that_trials_see_does_not_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that go on are judged on the other parts; here the trials' own part praises what learns nothing."""
    matrix, rows = toy_matrix(900), np.arange(600)
    honest = {**DEFAULTS, "learning_rate": 0.15}
    numb = {**honest, "lambda_l2": 1e9}
    tried = [Curve(0.1, numb), Curve(0.2, honest)]
    monkeypatch.setattr(successive_halving, "_try_many", lambda *_: tried)
    judged: list[Trial] = []
    assert search_by_halving(matrix, rows, MANY, judged)["lambda_l2"] == honest["lambda_l2"]
    assert [(one.search, one.curve.parameters["lambda_l2"]) for one in judged[2:]] == [
        ("halving 2", 1e9),
        ("halving 2", honest["lambda_l2"]),
        ("halving 3", honest["lambda_l2"]),
    ]


def test_those_that_go_on_are_judged_on_rows_that_no_trial_was_judged_on(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[set[int]] = []

    def noting(matrix: Matrix, block: Block, settings: TrainSettings) -> TuningFold:
        judged.append(set(block.test.tolist()))
        return prepare_fold(matrix, block, settings)

    monkeypatch.setattr(successive_halving, "prepare_fold", noting)
    search_by_halving(toy_matrix(900), np.arange(600), MANY)
    by_trials, afterwards, last = judged[0], judged[2], set().union(*judged[-MANY.tune_folds :])
    assert judged[1] == by_trials and afterwards and not afterwards & by_trials
    assert last == set(range(600)), "the last step sees all rows"


def test_of_very_many_rows_one_part_is_held_out_and_the_order_of_trials_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matrix, rows = toy_matrix(900), np.arange(600)
    monkeypatch.setattr(successive_halving, "FOLDED_ROWS", 100)
    first = search_by_halving(matrix, rows, MANY)
    assert search_by_halving(matrix, rows, MANY) == first
    base = {key: value for key, value in first.items() if key != "rounds"}
    trials = [{**base, "num_leaves": leaves} for leaves in (4, 9, 15)]
    judged = successive_halving.judge_on_rows(matrix, rows, trials, MANY)
    assert [one.parameters["num_leaves"] for one in judged] == [4, 9, 15]
    alone = successive_halving.judge_on_rows(matrix, rows, trials[2:], MANY)
    assert judged[2] == alone[0]


def test_only_many_leads_are_searched_widely(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = toy_matrix(600)
    chop = Chop("stratified", (), Block(name="final", train=np.arange(450), test=np.arange(450, 600)), "")
    assert tune_booster(matrix, chop, SETTINGS)["max_depth"] <= 6
    monkeypatch.setattr(tuning, "search_by_halving", lambda *_: {"max_depth": 12})
    assert tune_booster(matrix, chop, MANY) == {"max_depth": 12}
    assert tune_booster(matrix, chop, SETTINGS) != {"max_depth": 12}


def test_where_rows_have_an_order_deep_trees_must_be_better_later(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, chop = toy_matrix(600), toy_chop(600)
    plain = tune_booster(matrix, chop, SETTINGS)
    wild = {**plain, "num_leaves": 31, "max_depth": 12, "min_child_samples": 2, "learning_rate": 0.9, "rounds": 60}
    monkeypatch.setattr(tuning, "search_by_halving", lambda *_: dict(wild))
    assert tune_booster(matrix, chop, MANY) == plain
