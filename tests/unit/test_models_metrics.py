"""Metrics and fitters against the libraries everybody trusts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from features.schema.source import Capacity
from models.calibration.affine import fit_slope
from models.calibration.interval import REACH, CalibrationRows, fit_interval
from models.calibration.level import Level, estimate_level, fit_history
from models.candidates.blend import BLENDED, FoldRows, fit_weights
from models.interfaces import Calibration
from models.judging.cluster_bootstrap import CONFIDENCE, Interval, Resampling
from models.judging.evaluation.backtest import OutOfFold, blend_weights
from models.judging.evaluation.caution_text import CalibrationOnTest, LearnedRate, write_calibration_warning
from models.judging.evaluation.metrics import (
    all_metrics,
    auc,
    average_precision,
    bounds,
    brier_parts,
    ece_bounds,
    ece_when_perfect,
    metric_draws,
    reliability,
)
from models.judging.evaluation.reliability_tables import outcome_codes, reliability_table
from models.judging.leakage.audit_rows import wilson
from models.logistic import fit_logistic, sigmoid
from tests.reference.toy import toy_matrix


def test_the_interval_of_weighted_counts_is_scipys_on_whole_ones() -> None:
    z = float(norm.ppf((1 + CONFIDENCE) / 2))
    for n in (1, 7, 40, 3_000):
        for wins in {0, 1, n // 3, n}:
            expected = binomtest(wins, n).proportion_ci(CONFIDENCE, method="wilson")
            assert wilson(wins, n, z) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_auc_and_average_precision_agree_with_sklearn_with_ties_and_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 12, 400).astype(np.float64)
    won = (rng.random(400) < sigmoid(score / 4 - 2)).astype(np.float64)
    weight = rng.uniform(0.1, 3.0, 400)
    assert auc(won, score, weight) == pytest.approx(roc_auc_score(won, score, sample_weight=weight), abs=1e-12)
    expected = average_precision_score(won, score, sample_weight=weight)
    assert average_precision(won, score, weight) == pytest.approx(expected, abs=1e-12)


def test_logistic_fit_agrees_with_sklearn() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 4))
    won = (rng.random(500) < sigmoid(x @ np.array([1.0, -0.5, 0.0, 0.2]) - 0.3)).astype(np.float64)
    weight = rng.uniform(0.5, 1.5, 500)
    theta = fit_logistic(np.column_stack([np.ones(500), x]), won, weight, np.array([0.0, 2.0, 2.0, 2.0, 2.0]))
    reference = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(x, won, sample_weight=weight)
    np.testing.assert_allclose(theta, [*reference.intercept_, *reference.coef_[0]], atol=1e-5)


def test_a_perfectly_calibrated_model_stays_in_its_own_band_and_a_shifted_one_leaves_it() -> None:
    rng = np.random.default_rng(5)
    z = rng.normal(-1, 1, 4000)
    won = (rng.random(4000) < sigmoid(z)).astype(np.float64)
    ones = np.ones(4000)
    band = ece_when_perfect(z, ones, seed=1)[1]
    assert reliability(won, z, ones).ece <= band
    assert reliability(won, z + 0.5, ones).ece > ece_when_perfect(z + 0.5, ones, seed=1)[1]


def test_the_truth_about_repeated_snapshots_keeps_its_own_band() -> None:
    """Ten snapshots of a lead are decided by one win; counted as ten tries they would promise too much."""
    lead, ones = np.repeat(np.arange(300), 10), np.ones(3000)
    kept = {"by row": 0, "by lead": 0}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        z = rng.normal(-2, 0.7, 300)[lead] + rng.normal(0, 0.2, 3000)
        error = reliability((rng.random(300)[lead] < sigmoid(z)).astype(np.float64), z, ones).ece
        kept["by row"] += error <= ece_when_perfect(z, ones, seed=seed)[1]
        kept["by lead"] += error <= ece_when_perfect(z, ones, lead, seed=seed)[1]
    assert kept["by lead"] >= 17 and kept["by row"] <= 5


def test_one_win_decides_a_leads_snapshots_within_one_horizon() -> None:
    matrix = toy_matrix(6)
    days = pd.to_datetime(["2026-01-01", "2026-01-08", "2026-03-01", "2026-01-01", "2026-01-08", "2026-01-15"])
    leads = ["a", "a", "a", "b", "c", "b"]
    keys = matrix.keys.assign(lead_id=pd.Series(leads, dtype="str"), as_of=days.as_unit("us"))
    known = pd.Series(days.as_unit("us") + pd.Timedelta(days=30))
    codes = outcome_codes(replace(matrix, keys=keys, label_known_at=known))
    assert codes[0] == codes[1] != codes[2] and codes[3] == codes[5]
    assert len({codes[0], codes[2], codes[3], codes[4]}) == 4 and codes.max() == 3
    late = keys.assign(as_of=keys["as_of"] + pd.to_timedelta(np.where(keys["lead_id"] == "a", 25, 0), unit="D"))
    codes = outcome_codes(replace(matrix, keys=late, label_known_at=late["as_of"] + pd.Timedelta(days=30)))
    assert codes[0] == codes[1], "windows start with each lead, not on one calendar"
    flat = keys.assign(as_of=pd.Series([pd.NaT] * 6, dtype="datetime64[us]"))
    codes = outcome_codes(replace(matrix, keys=flat, label_known_at=flat["as_of"]))
    assert codes[0] == codes[1] == codes[2] and len(set(codes.tolist())) == 3


def test_brier_decomposition_adds_up() -> None:
    rng = np.random.default_rng(6)
    z = rng.choice([-2.0, -1.0, 0.0, 1.0], 3000)  # as many values as bins can tell apart: the decomposition is exact
    won = (rng.random(3000) < sigmoid(z)).astype(np.float64)
    parts = brier_parts(won, z, np.ones(3000))
    assert parts["brier"] == pytest.approx(parts["reliability"] - parts["resolution"] + parts["uncertainty"], abs=1e-9)


def test_what_the_bins_hide_of_the_brier_score_is_named() -> None:
    rng = np.random.default_rng(8)
    z = rng.normal(-1, 2, 2000)
    won = (rng.random(2000) < sigmoid(z)).astype(np.float64)
    parts = brier_parts(won, z, np.ones(2000))
    known = parts["reliability"] - parts["resolution"] + parts["uncertainty"]
    assert abs(parts["within"]) > 1e-5
    assert parts["brier"] == pytest.approx(known + parts["within"], abs=1e-12)


def test_a_bin_s_interval_widens_where_rows_of_one_account_repeat_each_other() -> None:
    rng = np.random.default_rng(9)
    z = np.repeat(rng.normal(-1, 1, 100), 20)
    won = np.repeat((rng.random(100) < sigmoid(z[::20])).astype(np.float64), 20)
    alone = reliability_table(won, z, np.arange(2000), Resampling(300, 1))
    together = reliability_table(won, z, np.repeat(np.arange(100), 20), Resampling(300, 1))
    assert sum(row["rows"] for row in alone) == 2000
    assert sum(row["won"] for row in alone) == won.sum()
    width = [np.mean([row["ci"][1] - row["ci"][0] for row in rows]) for rows in (alone, together)]
    assert width[1] > 2.5 * width[0]
    assert all(row["ci"][0] <= row["observed"] <= row["ci"][1] for row in together)
    assert sum(row["inside"] for row in together) >= 8


def test_the_interval_of_a_calibration_error_holds_the_error() -> None:
    rng = np.random.default_rng(11)
    z = rng.normal(-1, 1, 3000)
    won = (rng.random(3000) < sigmoid(z)).astype(np.float64)
    ones, error = np.ones(3000), reliability(won, z, np.ones(3000)).ece
    drawn = metric_draws(won, {"a": z}, ones, np.arange(3000), Resampling(200, 1))["a"]["ece"]
    assert bounds(drawn)[0] > 0.9 * error  # lifted by resampling
    low, high = ece_bounds(drawn, error)
    assert low < error < high and high - low == pytest.approx(np.ptp(bounds(drawn)), abs=0.01)


def test_one_class_has_no_auc() -> None:
    ones = np.ones(5)
    assert np.isnan(auc(ones, np.arange(5.0), ones))


def test_bootstrap_draws_equal_metrics_of_the_resampled_rows() -> None:
    rng = np.random.default_rng(8)
    z = rng.normal(size=60)
    won = (rng.random(60) < 0.4).astype(np.float64)
    group = np.arange(60) // 3
    found = metric_draws(won, {"m": z}, np.ones(60), group, Resampling(1, 4))["m"]
    counts = np.random.default_rng(4).multinomial(20, np.full(20, 1 / 20))[group]
    rows = np.repeat(np.arange(60), counts)
    expected = all_metrics(won[rows], z[rows], np.ones(len(rows)))
    assert found["auc"][0] == pytest.approx(expected["auc"], abs=1e-12)
    assert found["log_loss"][0] == pytest.approx(expected["log_loss"], abs=1e-12)


def test_slope_trusts_neither_kind_of_fold_where_they_contradict_each_other() -> None:
    rng = np.random.default_rng(8)
    z = rng.normal(0, 1.2, 4000)
    won = (rng.random(4000) < sigmoid(z)).astype(np.float64)
    block = np.repeat(np.arange(4), 1000)
    agreed = fit_slope(2.0 * z, won, np.ones(4000), block, (2.0 * z, won))
    assert agreed.value == pytest.approx(0.55, abs=0.1) and agreed.disagreement == ""
    contradicted = fit_slope(5.0 * z, won, np.ones(4000), block, (z, won))
    assert contradicted.value > 0.8  # by time alone it would be .2
    assert "on rolling blocks but" in contradicted.disagreement


def fold_rows(rows: int, seed: int) -> FoldRows:
    """The linear candidate is right, the scorecard half right, booster and rubric are noise."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, rows)
    won = (rng.random(rows) < sigmoid(z)).astype(np.float64)
    noise = rng.normal(size=(3, rows))
    told = {"linear": z, "scorecard": z + noise[0], "booster": noise[1], "rubric": noise[2]}
    return FoldRows(told, won, np.repeat(np.arange(4), rows // 4))


def test_few_leads_leave_the_weights_equal_and_many_decide_them() -> None:
    rows = fold_rows(4000, 1)
    few, many = fit_weights([rows], 30), fit_weights([rows], 2000)
    assert set(few) == set(BLENDED) and all(abs(w - 0.25) < 0.1 for w in few.values())
    assert many["linear"] == pytest.approx(1.0, abs=0.1) and "rubric" not in many and many.get("booster", 0) < 0.1
    assert fit_weights([replace(rows, log_odds={"linear": rows.log_odds["linear"]})], 30) == {"linear": 1.0}


def test_both_kinds_of_folds_count_alike_whatever_their_rows() -> None:
    here, there = fold_rows(4000, 1), fold_rows(400, 2)
    swapped = {**there.log_odds, "linear": there.log_odds["booster"], "booster": there.log_odds["linear"]}
    weights = fit_weights([here, replace(there, log_odds=swapped)], 2000)
    assert weights["linear"] == pytest.approx(weights["booster"], abs=0.15) and weights["linear"] > 0.3


def test_a_level_that_moves_from_block_to_block_chooses_no_weights() -> None:
    rows = fold_rows(4000, 3)
    moved = np.array([-2.0, 2.0, -1.0, 1.0])[rows.block]
    apart = replace(rows, log_odds={name: z + moved for name, z in rows.log_odds.items()})
    still, shifted = fit_weights([rows], 2000), fit_weights([apart], 2000)
    assert shifted == pytest.approx(still, abs=0.01)


def test_the_weights_come_from_rolling_and_random_folds() -> None:
    matrix = toy_matrix(1200)
    rows, block, noise = np.arange(1200), np.repeat(np.arange(3), 400), np.random.default_rng(1).normal(size=1200)
    good = np.where(matrix.label == 1, 2.0, -2.0) + noise
    here = OutOfFold(rows, block, ("a", "b", "c"), {"rate": noise, "linear": good, "booster": noise})
    there = OutOfFold(rows, block, ("a", "b", "c"), {"rate": noise, "linear": noise, "booster": good})
    assert blend_weights(matrix, here, None)["linear"] > 0.7
    both = blend_weights(matrix, here, there)
    assert both["linear"] == pytest.approx(both["booster"], abs=0.01)


def test_the_interval_widens_where_levels_differ_from_block_to_block() -> None:
    rng = np.random.default_rng(3)
    z, block = rng.normal(-1.5, 1.0, 4000), np.repeat(np.arange(4), 1000)
    ones, group = np.ones(4000), np.arange(4000)

    def width(moves: float) -> float:
        level = np.array([-moves, moves, -moves, moves])[block]
        won = (rng.random(4000) < sigmoid(z + level)).astype(np.float64)
        judged = [estimate_level(z[block == k], won[block == k], group[block == k]) for k in range(4)]
        history = fit_history(judged, [Level(0.0, 0.01)] * 4)
        rows = CalibrationRows(z, won, ones, group, history.wander)
        made = fit_interval(rows, Calibration(), seed_deviation=0.0, resampling=Resampling(100, 1))
        low, high = made.bounds(np.array([-1.5]), Calibration())
        return float(high[0] - low[0])

    assert width(0.0) < 0.06
    assert width(0.4) > 2 * width(0.0)


def test_calibration_is_shown_apart_by_segment() -> None:
    from models.judging.evaluation.reliability_tables import calibration_by
    from tests.reference.toy import toy_matrix

    test = toy_matrix(900, seed=5)
    half = pd.Series(np.where(np.arange(900) < 450, "left", "right"))
    half.iloc[-50:] = "rare"
    rate = float(test.label.mean())
    truth = np.full(900, np.log(rate / (1 - rate)))
    off = np.where(np.arange(900) < 450, truth + 2.0, truth)
    rows = {r["value"]: r for r in calibration_by(test, off, {"half": half}, Resampling(200, 1))}
    assert set(rows) == {"left", "right"} and rows["left"]["n"] == 450
    assert not rows["left"]["inside"] and rows["left"]["predicted"] > rows["left"]["ci"][1]
    assert rows["left"]["ece"] > rows["left"]["ece_if_perfect"]
    assert rows["right"]["ece"] <= rows["right"]["ece_if_perfect"]
    for row in rows.values():
        assert row["ece_ci"][0] < row["ece"] < row["ece_ci"][1]
    left = test.label[:450], 1 / (1 + np.exp(-off[:450]))
    assert rows["left"]["brier"] == pytest.approx(float(((left[1] - left[0]) ** 2).mean()))
    assert rows["right"]["inside"] and rows["right"]["ci"][0] < rows["right"]["observed"] < rows["right"]["ci"][1]


def test_the_reach_of_an_interval_is_scipy_s_to_the_last_bit() -> None:
    assert float(norm.ppf((1 + CONFIDENCE) / 2)) == REACH


def test_a_base_rate_moved_only_beyond_the_noise_of_both() -> None:
    def moved(now: float, low: float, high: float, before: LearnedRate) -> bool:
        span = Interval(low, high)
        found = CalibrationOnTest(
            n=900, error=0.1, bound=0.02, base_rate=now, base_rate_span=span, base_rate_before=before
        )
        assert write_calibration_warning(found), "what is off is said, moved or not"
        return found.moved

    assert moved(0.10, 0.08, 0.12, LearnedRate(0.13, Interval(0.12, 0.14)))
    assert not moved(0.10, 0.08, 0.12, LearnedRate(0.13, Interval(0.10, 0.16))), "few rows were learned from"
    assert not moved(0.10, 0.08, 0.12, LearnedRate(0.115, Interval(0.114, 0.116)))
    assert moved(0.16, 0.14, 0.18, LearnedRate(0.13, Interval(0.12, 0.14)))


def test_notes_of_a_test_that_is_not_later_do_not_speak_of_a_move() -> None:
    from models.judging.evaluation.final_block import evaluate
    from models.judging.handoff.workload_curve import SnapshotCapacity
    from tests.reference.toy import toy_matrix

    matrix = toy_matrix(900)
    z = {"rate": np.full(900, -1.0), "linear": np.where(matrix.label == 1, 3.0, -0.5)}
    capacity, drawn = SnapshotCapacity(Capacity(share=0.1)), Resampling(60, 1)
    before = LearnedRate(0.9, Interval(0.88, 0.92))
    found = [
        evaluate(matrix, z, capacity, winner="linear", resampling=drawn, base_before=before, in_time=in_time)
        for in_time in (True, False)
    ]
    notes = [one.notes[0] for one in found]
    assert "The base rate moved" in notes[0] and "market" not in notes[0], "what was seen, not what caused it"
    assert all("do not take the probabilities at their word" in one.caution for one in found)
    assert "and 90.0% among the rows learned from" in found[0].caution
    assert "The base rate differs" in notes[1] and "among the rows learned from" in notes[1]
    assert "moved" not in notes[1] and "probabilities are off on this block" in notes[1]
