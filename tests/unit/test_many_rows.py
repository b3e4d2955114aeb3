"""What is done otherwise where rows are many: the same figures from less work."""

from dataclasses import replace

import numpy as np
import pytest

import models.judging.evaluation.backtest as backtest
from features.cohort.splits import Block, Chop, chop
from features.schema.source import Split
from models.candidates.blend import BLENDED
from models.judging.cluster_bootstrap import Resampling, resample_totals
from models.judging.evaluation.backtest import judged_blocks, newest_learned, out_of_fold, run_backtest
from models.settings import TrainSettings
from models.training.recipe import factory_of
from models.training.twin import fit_twin
from tests.reference.toy import toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()
MANY = SETTINGS.model_copy(update={"many_leads": 2})
QUICK = {"rounds": 20, "num_leaves": 4}


def test_two_blocks_at_a_time_give_what_one_after_the_other_does() -> None:
    matrix, split = toy_matrix(600), toy_chop(600)
    one, two = (out_of_fold(matrix, split.blocks, factory_of(s, QUICK), s) for s in (SETTINGS, MANY))
    assert one.rows.tolist() == two.rows.tolist() and one.block.tolist() == two.block.tolist()
    for name, log_odds in one.log_odds.items():
        np.testing.assert_allclose(two.log_odds[name], log_odds, rtol=0, atol=1e-9)
    assert one.newest is not None and two.newest is not None
    assert one.newest.rows.tolist() == two.newest.rows.tolist()


def test_of_very_many_rows_without_an_order_two_folds_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = replace(toy_matrix(1_400), ordered=False)
    split = chop(matrix, Split(), seed=1)
    assert len(judged_blocks(matrix, split, SETTINGS)) == len(split.blocks) == 4
    monkeypatch.setattr(backtest, "MANY_ROWS", 1_000)
    assert judged_blocks(matrix, split, SETTINGS) == split.blocks[:2]
    found = run_backtest(matrix, split, factory_of(SETTINGS, QUICK), QUICK, SETTINGS)
    assert len(found.folds) == 2 and found.notes == ("Many rows: 2 of the 4 folds are judged.",)
    assert set(found.rolling.block.tolist()) == {0, 1}
    in_time = Chop("ordered", split.blocks, split.final, "")
    assert len(judged_blocks(matrix, in_time, SETTINGS)) == 4


def test_a_sample_of_many_rows_tells_the_level() -> None:
    matrix = replace(toy_matrix(900), ordered=False)
    rows = np.arange(100, 900)
    assert newest_learned(matrix, rows).tolist() == rows.tolist()
    drawn = newest_learned(matrix, rows, 50)
    assert len(drawn) == 50 and set(drawn.tolist()) <= set(rows.tolist())


def test_a_twin_takes_what_is_fitted_already_and_fits_the_rest() -> None:
    matrix = toy_matrix(600)
    split = Chop("ordered", toy_chop(600).blocks, Block(name="f", train=np.arange(450), test=np.arange(450, 600)), "")
    found = run_backtest(matrix, split, factory_of(SETTINGS, QUICK), QUICK, SETTINGS)
    whole = fit_twin(matrix, split, found, SETTINGS)
    given = {name: whole[name] for name in BLENDED if name in whole}
    again = fit_twin(matrix, split, found, SETTINGS, fitted=given)
    assert list(again) == list(whole)
    for name, candidate in again.items():
        assert (candidate is whole[name]) == (name in given)
        assert np.array_equal(candidate.log_odds(matrix.values), whole[name].log_odds(matrix.values))


def test_draws_that_are_kept_are_those_that_are_drawn_anew() -> None:
    clusters, resampling = 9_000, Resampling(200, seed=3)
    sums = {"loss": np.random.default_rng(0).normal(size=clusters)}
    counts = np.random.default_rng(3).multinomial(clusters, np.full(clusters, 1 / clusters), size=200)
    for _ in range(2):
        assert np.array_equal(resample_totals(sums, resampling)["loss"], (counts @ sums["loss"][:, None])[:, 0])
    other = resample_totals(sums, Resampling(200, seed=4))["loss"]
    assert not np.array_equal(other, resample_totals(sums, resampling)["loss"])
