"""What a training run may claim: signal or none, the same twice, calibrated, and a bundle nobody can tamper with."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import BundleError, TooLittleDataError
from features.schema.source import Capacity, Cohort
from features.schema.vocabulary import Verdict
from models.bundle import Bundle, load_bundle, save_bundle
from models.judging.cluster_bootstrap import Resampling
from models.judging.evaluation.backtest import BlockPredictions, OutOfFold, require_enough
from models.judging.evaluation.candidate_selection import FEW_LEADS, Choice, FoldPredictions, select_candidate
from models.judging.evaluation.signal_test import Signal
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.settings import TrainSettings
from models.training.fit_bundle import fit_bundle, newest_rows
from models.training.recipe import Recipe, backtest_candidates
from models.training.twin import evaluate_twin, fit_twin
from models.training.verdict import Decision, decide, state_verdict
from tests.reference.toy import toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()
META = {"source": "toy", "horizon_days": 90}


@cache
def chosen(strength: float = 1.0, seed: int = 0) -> Recipe:
    matrix = toy_matrix(strength=strength, seed=seed)
    backtest = backtest_candidates(matrix, toy_chop(len(matrix)), SETTINGS)
    return Recipe(backtest=backtest, decision=decide(matrix, backtest, SETTINGS), settings=SETTINGS)


@cache
def trained(strength: float = 1.0, seed: int = 0) -> tuple[Decision, Bundle]:
    matrix, recipe = toy_matrix(strength=strength, seed=seed), chosen(strength, seed)
    return recipe.decision, fit_bundle(matrix, np.arange(len(matrix)), recipe, meta=META, facts={})


def test_a_p_value_is_told_as_it_is_judged() -> None:
    """Five candidates were tried: .003 for the best is no signal at .01, and must not read like one."""
    signal = Signal(False, 0.01, {}, {"linear": 0.003, **dict.fromkeys("abcd", 0.4)})
    assert signal.corrected("linear") == pytest.approx(0.015) and signal.corrected("a") == 1.0
    matrix = toy_matrix(400, strength=0.0, seed=5)
    found = decide(matrix, backtest_candidates(matrix, toy_chop(400), SETTINGS), SETTINGS)
    assert found.verdict is Verdict.NO_SIGNAL
    assert "shown by" not in trained()[0].verdict_text
    shown = replace(signal, found=True, gain={"linear": 0.1, "a": 0.1}, p_value={"linear": 0.001, "a": 0.04})
    text = state_verdict(shown, Choice("a", "linear", "", {}), np.r_[0.0, 1.0, 0.0, 1.0], np.ones(4))[1]
    assert "is shown by linear (p = 0.002); a alone does not show it (p = 0.08, level 0.01)" in text
    told = found.record()["signal"]["corrected"]
    assert f"smallest p = {min(told.values()):.3f}" in found.verdict_text and min(told.values()) >= found.signal.alpha


def test_signal_is_found_and_the_winner_is_never_the_rate() -> None:
    decision, _ = trained()
    assert decision.verdict is Verdict.OK
    assert decision.winner != "rate"
    assert all(c.slope > 0 for c in decision.calibrations.values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shuffled_labels_have_no_signal_and_score_near_the_base_rate(seed: int) -> None:
    decision, bundle = trained(0.0, seed)
    assert decision.verdict is Verdict.NO_SIGNAL
    matrix = toy_matrix(strength=0.0, seed=seed)
    p, _, _ = bundle.probability(matrix.values)
    assert abs(p.mean() - matrix.label.mean()) < 0.055  # three standard errors of 540 out-of-fold rows
    assert p.std() < 0.08


def test_same_seed_same_bundle_hash_and_other_data_another() -> None:
    chosen.cache_clear()
    trained.cache_clear()
    first = trained()[1].hash
    chosen.cache_clear()
    trained.cache_clear()
    assert trained()[1].hash == first != trained(1.0, 5)[1].hash


def test_interval_holds_the_probability() -> None:
    _, bundle = trained()
    p, low, high = bundle.probability(toy_matrix(500, seed=11).values)
    assert ((low <= p) & (p <= high)).all() and (low < high).all()


def test_the_percentiles_of_leads_looked_at_one_by_one_are_of_a_whole_list() -> None:
    matrix = toy_matrix(1200, per_lead=2)
    start = pd.Timestamp("2024-01-01 09:30")

    def at(hours: int) -> pd.DataFrame:
        """A look every so many hours: every lead has moments of its own."""
        moments = pd.Series(start + pd.to_timedelta(np.arange(1200) * hours, unit="h")).astype("datetime64[us]")
        return matrix.keys.assign(as_of=moments)

    dense, sparse = replace(matrix, keys=at(1)), replace(matrix, keys=at(24))
    assert len(newest_rows(dense, on_grid=True)) == 1, "the moment of one lead"
    for one, weeks, leads in ((dense, 2, 168), (sparse, 29, 102)):
        rows = newest_rows(one, on_grid=False)
        seen = one.keys.iloc[rows]
        assert len(rows) == seen["lead_id"].nunique() == leads and (rows % 2 == 1).all(), "the latest look at each"
        assert seen["as_of"].max() - seen["as_of"].min() < weeks * pd.Timedelta(days=7)

    few = dense.take(np.arange(60))
    assert len(newest_rows(few, on_grid=False)) == 30
    bundle = fit_bundle(dense, np.arange(1200), chosen(), meta=META, facts={})
    assert len(np.unique(bundle.percentile(bundle.log_odds(dense.values)))) > 90
    assert bundle.trained_on["scores"]["rows"] == 168
    grid = [Cohort(policy=policy).on_grid for policy in ("weekly", "after_creation", "stage_entry")]
    assert grid == [True, False, False]


def test_contributions_of_the_bundle_add_up_to_its_calibrated_log_odds() -> None:
    _, bundle = trained()
    values = toy_matrix(400, seed=12).values
    np.testing.assert_allclose(bundle.contributions(values).log_odds, bundle.log_odds(values), rtol=0, atol=1e-9)


def test_test_figures_have_intervals_around_them_and_the_rate_learns_nothing() -> None:
    matrix = toy_matrix()
    chop = toy_chop(len(matrix))
    backtest = backtest_candidates(matrix, chop, SETTINGS)
    decision = decide(matrix, backtest, SETTINGS)
    twin = fit_twin(matrix, chop, backtest, SETTINGS)
    recipe = Recipe(backtest=backtest, decision=decision, settings=SETTINGS)
    judged = evaluate_twin(twin, matrix, chop, recipe, SnapshotCapacity(Capacity(share=0.1)))
    row = judged.figures[decision.winner]
    assert row["n"] == len(chop.final.test)
    low, high = row["auc_ci"]
    assert low < row["auc"] < high and row["auc"] > 0.7
    assert judged.figures["rate"]["auc"] == 0.5
    assert row["handoffs_at_capacity"] == round(0.1 * row["n"])
    assert row["wins_at_capacity"] > judged.figures["rate"]["wins_at_capacity"]


def test_too_few_wins_are_refused_in_words() -> None:
    matrix = toy_matrix(300)
    few = replace(matrix, label=np.where(np.arange(300) % 20 == 0, 1.0, 0.0))
    with pytest.raises(
        TooLittleDataError, match=r"too little data: 15 won and 285 lost leads have a known outcome; at least 40 won"
    ):
        backtest_candidates(few, toy_chop(300), SETTINGS)


def test_forty_won_in_all_are_enough_if_half_of_them_can_be_learned_from() -> None:
    matrix, chop = toy_matrix(300), toy_chop(300)
    for won_before, enough in ((20, True), (19, False)):
        label = np.zeros(300)
        label[chop.final.train[:won_before]] = 1.0
        label[chop.final.test[: 40 - won_before]] = 1.0
        few = replace(matrix, label=label)
        if enough:
            require_enough(few, chop, SETTINGS)
        else:
            with pytest.raises(TooLittleDataError, match=r"19 won and .* before the test block.* at least 20 won"):
                require_enough(few, chop, SETTINGS)


def test_ladder_prefers_the_simpler_within_one_standard_error_and_the_better_beyond() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 1.5, 3000)
    won = (rng.random(3000) < 1 / (1 + np.exp(-z))).astype(np.float64)
    ones, group = np.ones(3000), np.arange(3000)
    near = {"rate": np.zeros(3000), "scorecard": z + rng.normal(0, 0.05, 3000), "booster": z}
    far = {"rate": np.zeros(3000), "scorecard": z * 0.3, "booster": z}

    def winner(log_odds: dict[str, np.ndarray], at_random: dict[str, np.ndarray] | None = None) -> str:
        kinds = [FoldPredictions(found, won, ones, group) for found in (log_odds, at_random) if found is not None]
        return select_candidate(*kinds, resampling=Resampling(200)).winner

    assert winner(near) == "scorecard"
    assert winner(far) == "booster"
    hopeless = {"rate": np.full(3000, float(np.log(won.mean() / (1 - won.mean())))), "linear": -z}
    assert winner(hopeless) == "linear"
    # what is best in time is far off at random, and the other way round: neither is trusted
    one = {"linear": z, "booster": 0.3 * z, "blend": 0.65 * z}
    other = {"linear": 0.3 * z, "booster": z, "blend": 0.65 * z}
    assert winner(one, one) == "linear"
    assert winner(one, other) == "blend"


def test_with_few_leads_the_blend_is_taken_unless_another_is_clearly_better() -> None:
    rng = np.random.default_rng(2)
    z = rng.normal(0, 1.5, 3000)
    won = (rng.random(3000) < 1 / (1 + np.exp(-z))).astype(np.float64)

    def choice(few: bool, **log_odds: np.ndarray) -> Choice:
        return select_candidate(
            FoldPredictions(log_odds, won, np.ones(3000), np.arange(3000)), resampling=Resampling(200), few=few
        )

    near = {"scorecard": 0.97 * z, "blend": z}
    assert choice(False, **near).winner == "scorecard"
    found = choice(True, **near)
    assert found.winner == "blend" and found.why.startswith("Few leads: under 200 won or lost")
    clear = {"scorecard": 0.97 * z, "booster": z, "blend": 0.6 * z}
    assert choice(False, **clear).winner == "scorecard", "the usual step to the simpler"
    found = choice(True, **clear)
    assert found.winner == found.best == "booster" and "beyond one standard error" in found.why


@pytest.mark.parametrize(("rows", "few"), [(500, True), (2400, False)])
def test_few_is_counted_in_leads_of_the_rarer_outcome(rows: int, few: bool) -> None:
    matrix = toy_matrix(rows)
    backtest = backtest_candidates(matrix, toy_chop(rows), SETTINGS)
    judged = matrix.take(backtest.rolling.rows)
    assert bool(min(judged.label.sum(), (1 - judged.label).sum()) < FEW_LEADS) is few
    decision = decide(matrix, backtest, SETTINGS)
    assert decision.why.startswith("Few leads") is few
    assert not few or decision.winner == "blend"


def test_saved_bundle_loads_alike_and_holds_nothing_but_json_and_text(tmp_path: Path) -> None:
    _, bundle = trained()
    stored = save_bundle(bundle, tmp_path / "b")
    again = load_bundle(tmp_path / "b", stored)
    values = toy_matrix(200, seed=13).values
    assert (again.log_odds(values) == bundle.log_odds(values)).all()
    assert again.hash == bundle.hash == stored
    assert {path.suffix for path in (tmp_path / "b").iterdir()} <= {".json", ".txt"}


def test_changed_or_foreign_bundles_are_refused(tmp_path: Path) -> None:
    _, bundle = trained()
    folder = tmp_path / "b"
    save_bundle(bundle, folder)
    path = folder / "bundle.json"
    document = json.loads(path.read_text())
    document["calibration"]["intercept"] += 0.001
    path.write_text(json.dumps(document))
    with pytest.raises(BundleError, match="was changed"):
        load_bundle(folder)
    document["format"] = 99
    path.write_text(json.dumps(document))
    with pytest.raises(BundleError, match="format 99"):
        load_bundle(folder)
    path.write_text("{")
    with pytest.raises(BundleError, match="damaged"):
        load_bundle(folder)
    with pytest.raises(BundleError, match="was not found"):
        load_bundle(tmp_path / "nowhere")


def test_times_and_ids_do_not_change_the_hash_but_content_does() -> None:
    _, bundle = trained()
    timed = replace(bundle, meta={**bundle.meta, "trained_at": "2026-01-01", "run_id": "abc"})
    other = replace(bundle, meta={**bundle.meta, "horizon_days": 30})
    assert timed.hash == bundle.hash != other.hash


def test_folds_that_are_drawn_again_are_no_new_witnesses() -> None:
    """An eighth of the rows, judged once, and the same three times over: slope and step are trusted alike."""
    matrix, backtest = toy_matrix(strength=1.0, seed=0), chosen().backtest
    found, newest = backtest.rolling, backtest.rolling.newest
    assert newest is not None
    some, blocks = np.arange(len(found.rows))[::8], len(found.names)

    def judged(draws: int) -> Decision:
        at, before = np.tile(some, draws), np.tile(np.arange(len(newest.rows)), draws)
        again = OutOfFold(
            found.rows[at],
            found.block[at] + blocks * np.repeat(np.arange(draws), len(some)),
            found.names * draws,
            {name: z[at] for name, z in found.log_odds.items()},
            BlockPredictions(
                newest.rows[before],
                newest.block[before] + blocks * np.repeat(np.arange(draws), len(newest.rows)),
                {name: z[before] for name, z in newest.log_odds.items()},
            ),
        )
        return decide(matrix, replace(backtest, rolling=again), SETTINGS)

    once, thrice = judged(1), judged(3)
    for name in ("linear", "booster", "scorecard"):
        assert thrice.calibrations[name].slope == pytest.approx(once.calibrations[name].slope, abs=0.01)
        assert thrice.levels[name].step == pytest.approx(once.levels[name].step, abs=0.01)
