"""Every finding of the monitor has a firing and a silent case, and says what to do."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.judging.drift import monitor_findings
from models.judging.drift.distribution_drift import Drift
from models.judging.drift.monitor_findings import Finding, Level
from models.judging.drift.observed_vs_predicted import ObservedVsPredicted, compare_base_rate, compare_with_predicted
from models.judging.drift.prior_shift import PriorShift
from models.judging.drift.promise_due import judge_promise
from models.settings import MonitorSettings
from tests.reference.weeks import LAG, START, weekly_matrix

SETTINGS = MonitorSettings(draws=300)


def drift(**changes: Any) -> Drift:
    plain: dict[str, Any] = {"name": "x", "label": "x", "psi": 0.02, "noise": 0.05, "standing": "stable", "weight": 0.2}
    more = {"missing_before": 0.1, "missing": 0.1, "unseen": 0.0, "before": "median 1", "after": "median 2"}
    return Drift(**{**plain, **more, **changes})


LOT = {"psi": 0.4, "standing": "moved a lot"}
FEATURES = {
    "nothing moved": ([drift()], Level.OK),
    "noise": ([drift(psi=0.4, noise=0.6, standing="within noise")], Level.OK),
    "moved a little": ([drift(psi=0.2, standing="moved")], Level.WATCH),
    "moved a lot, the model leans elsewhere": ([drift(**LOT, weight=0.04)], Level.OK),
    "moved a lot, the model leans on it": ([drift(), drift(**LOT, weight=0.05)], Level.ACT),
}


@pytest.mark.parametrize(("found", "level"), FEATURES.values(), ids=FEATURES.keys())
def test_features(found: list[Drift], level: Level) -> None:
    finding = monitor_findings.judge_features(found, SETTINGS)
    assert finding.level == level and bool(finding.next) == (level != Level.OK)
    assert ("median 1 → median 2" in finding.sentence) == any(one.moved for one in found)


VALUES = {
    "as before": (drift(), Level.OK),
    "unseen levels": (drift(unseen=0.06), Level.ACT),
    "unseen levels of a feature that hardly counts": (drift(unseen=0.06, weight=0.0), Level.WATCH),
    "few unseen levels": (drift(unseen=0.04), Level.OK),
    "gone missing": (drift(missing=0.21, psi=0.1), Level.ACT),
    "gone missing, by chance": (drift(missing=0.21, psi=0.1, noise=0.2), Level.OK),
    "a little more missing": (drift(missing=0.19, psi=0.1), Level.OK),
    "too many levels to tell": (drift(unseen=None), Level.OK),
}


@pytest.mark.parametrize(("found", "level"), VALUES.values(), ids=VALUES.keys())
def test_values(found: Drift, level: Level) -> None:
    assert monitor_findings.judge_values([found], 400, SETTINGS).level == level
    assert monitor_findings.judge_values([found], 20, SETTINGS).level == Level.OK or found.missing > 0.2, (
        "of 20 rows, one"
    )


def test_scores() -> None:
    assert monitor_findings.judge_scores(drift()).level == Level.OK
    assert monitor_findings.judge_scores(drift(psi=0.2, standing="moved")).level == Level.WATCH
    assert monitor_findings.judge_scores(drift(**LOT)).level == Level.ACT


def test_ages_and_volume() -> None:
    assert monitor_findings.judge_ages(0.04, 0, 180, SETTINGS).level == Level.OK
    ages = monitor_findings.judge_ages(0.27, 0, 180, SETTINGS)
    assert ages.level == Level.WATCH and "27.0%" in ages.sentence and "0 to 180 days" in ages.sentence
    usual = [80.0, 100.0, 120.0]
    levels = {now: monitor_findings.judge_volume(now, usual).level for now in (0, 39, 40, 240, 241)}
    assert levels == {0: Level.ACT, 39: Level.WATCH, 40: Level.OK, 240: Level.OK, 241: Level.WATCH}
    assert monitor_findings.judge_volume(10, None).level == Level.UNKNOWN
    of_file = monitor_findings.judge_volume(0, None, monitor_findings.OF_A_FILE)
    assert of_file.level == Level.ACT and of_file.sentence == "No lead of the file can be scored."


THROUGH = START + LAG + 8 * (LAG / 4)


def since(shift: float, base: float | None = None) -> tuple[Finding, Finding]:
    """Findings on rows later than a model whose probabilities are off by ``shift`` in log-odds."""
    matrix = weekly_matrix(2500, 20, seed=4)
    rows = np.flatnonzero((matrix.label_known_at > THROUGH).to_numpy())
    judged = matrix.take(rows)
    found = compare_with_predicted(judged, judged.values["truth"].to_numpy() + shift, 300, SETTINGS)
    rate = float(matrix.label.mean()) if base is None else base
    moved = compare_base_rate(matrix, THROUGH, rate, SETTINGS)
    return monitor_findings.judge_calibration(found, 300, SETTINGS), monitor_findings.judge_base_rate(moved, SETTINGS)


def test_predictions_that_came_true_and_some_that_did_not() -> None:
    kept, base = since(0.0)
    assert (kept.level, base.level) == (Level.OK, Level.OK) and "as predicted, within noise" in kept.sentence
    broken, moved = since(0.8, base=0.5)
    assert broken.level == Level.ACT and "fewer than predicted" in broken.sentence and "--check" in broken.next
    assert moved.level == Level.WATCH and "50.0% before" in moved.sentence
    assert "more than predicted" in since(-0.8)[0].sentence
    assert since(0.2)[0].level == Level.WATCH, "beyond noise, but by less than a fifth"


def test_wins_that_may_differ_by_chance_call_for_no_action_however_large_the_gap() -> None:
    found = ObservedVsPredicted(rows=900, won=25, expected=0.1, observed=0.06, ratio=0.6, low=0.35, high=0.9)
    assert monitor_findings.judge_calibration(found, 25, SETTINGS).level == Level.WATCH
    certain = dataclasses.replace(found, low=0.48, high=0.7)
    assert monitor_findings.judge_calibration(certain, 25, SETTINGS).level == Level.ACT


def test_the_ratio_lies_within_its_interval_and_is_won_by_promised() -> None:
    matrix = weekly_matrix(800, 12, seed=6)
    p = 1 / (1 + np.exp(-(matrix.values["truth"].to_numpy() + 1.0)))
    found = compare_with_predicted(matrix, np.log(p / (1 - p)), 100, SETTINGS)
    assert found is not None and found.low < found.ratio < found.high < 1
    assert found.ratio == pytest.approx(matrix.label.sum() / p.sum())
    assert (found.observed, found.expected) == pytest.approx((matrix.label.mean(), p.mean()))


def test_too_few_wins_tell_nothing() -> None:
    matrix = weekly_matrix(100, 20)
    z = matrix.values["truth"].to_numpy()
    assert compare_with_predicted(matrix, z, SETTINGS.minimum_won - 1, SETTINGS) is None
    assert compare_with_predicted(matrix, z, SETTINGS.minimum_won, SETTINGS) is not None
    finding = monitor_findings.judge_calibration(None, 3, SETTINGS)
    assert finding.level == Level.UNKNOWN and "3 leads" in finding.sentence and "20 are needed" in finding.sentence
    assert monitor_findings.judge_base_rate(None, SETTINGS).level == Level.UNKNOWN
    late = compare_base_rate(weekly_matrix(2500, 20), matrix.label_known_at.max(), 0.2, SETTINGS)
    assert isinstance(late, PriorShift) and "2026" in late.period, "the newest month, where nothing is later"


def test_the_gravest_finding_decides_and_what_cannot_be_told_does_not() -> None:
    ok, watch, act, unknown = (Finding(str(level), level, "") for level in Level)
    assert monitor_findings.overall([ok, unknown]) == Level.OK
    assert monitor_findings.overall([ok, watch, unknown]) == Level.WATCH
    assert monitor_findings.overall([watch, act, ok]) == Level.ACT
    assert monitor_findings.overall([unknown]) == Level.UNKNOWN
    assert monitor_findings.headline(Level.ACT, [watch, act]) == "Act: act."
    assert "Nothing moved" in monitor_findings.headline(Level.OK, [ok])


def test_a_promised_precision_is_kept_or_not_on_leads_that_reached_it_since() -> None:
    matrix = weekly_matrix(800, 12, seed=6)
    z = matrix.values["truth"].to_numpy()
    middle = float(np.median(z))
    over = matrix.keys.assign(won=matrix.label)[z >= middle]
    first = over.sort_values(["as_of", "lead_id"], kind="stable").drop_duplicates(["lead_id", "episode"])
    share = float(first["won"].mean())
    kept = judge_promise(matrix, z, middle, share, SETTINGS)
    assert kept.level == Level.OK and f"of {len(first)} leads" in kept.sentence
    broken = judge_promise(matrix, z, middle, min(share + 0.3, 0.99), SETTINGS)
    assert broken.level == Level.ACT and "--promise" in broken.next
    noise = 2.3 * float(np.sqrt(share * (1 - share) / len(first)))  # between the bar of watch and that of action
    assert judge_promise(matrix, z, middle, share + noise, SETTINGS).level == Level.WATCH
    assert judge_promise(matrix, z, float(z.max()) + 1, share, SETTINGS).level == Level.UNKNOWN


def test_accounts_whose_leads_share_a_fate_are_no_news_by_the_dozen() -> None:
    """Twelve leads an account, all won or none: a promise that is short by chance is not called broken."""
    matrix = weekly_matrix(720, 12, seed=3)
    lead = matrix.keys["lead_id"].str[1:].astype(int).to_numpy()
    won_account = np.random.default_rng(1).random(60) < 0.4
    together = dataclasses.replace(
        matrix,
        keys=matrix.keys.assign(group=pd.Series([f"A{k // 12}" for k in lead], dtype="str")),
        label=won_account[lead // 12].astype(np.float64),
    )
    z, everybody = np.zeros(len(matrix)), -1.0
    share = float(won_account.mean())
    assert judge_promise(together, z, everybody, share + 0.06, SETTINGS).level == Level.OK
    apart = dataclasses.replace(together, keys=together.keys.assign(group=together.keys["lead_id"]))
    assert judge_promise(apart, z, everybody, share + 0.06, SETTINGS).level == Level.ACT
    assert judge_promise(together, z, everybody, 0.95, SETTINGS).level == Level.ACT


def test_a_promise_says_of_whom_it_was_made() -> None:
    matrix = weekly_matrix(400, 12)
    z, noun = matrix.values["truth"].to_numpy(), "leads not yet with sales"
    said = judge_promise(matrix, z, -1.0, 0.2, SETTINGS, noun=noun).sentence
    assert f"{noun} that reached the threshold since" in said
    few = judge_promise(matrix, z, float(z.max()) + 1, 0.2, SETTINGS, noun=noun).sentence
    assert few.startswith(f"0 {noun} have reached the promised threshold since")
