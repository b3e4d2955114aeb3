"""Drift of features and scores: what moved is named with before and after, and what did not is not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.matrix import Matrix
from models.judging.drift.distribution_drift import Drift, classify_drift, drift_of_features, drift_of_scores
from models.judging.drift.reference_distribution import build_reference_distribution, fingerprint
from models.settings import MonitorSettings
from tests.reference.weeks import weekly_matrix

SETTINGS = MonitorSettings(draws=200)
TRAINED = weekly_matrix(3000, 40, seed=1)
NOW = weekly_matrix(900, 6, seed=2)
EVERY = np.arange(len(TRAINED))
SCORES = TRAINED.values["truth"].to_numpy()
PROFILE = build_reference_distribution(TRAINED, EVERY, EVERY, SCORES)


def changed(matrix: Matrix, **columns: Any) -> Matrix:
    return replace(matrix, values=matrix.values.assign(**columns))


def drifts(now: Matrix, profile: dict[str, Any] = PROFILE) -> dict[str, Drift]:
    found = drift_of_features(profile, now, {"truth": 0.7, "plan": 0.3}, SETTINGS)
    return {drift.name: drift for drift in found}


def test_two_samples_of_one_market_are_stable() -> None:
    found = drifts(NOW)
    assert {drift.standing for drift in found.values()} == {"stable"}
    assert found["truth"].weight == 0.7 and found["truth"].unseen is None and found["plan"].unseen == 0.0
    assert drift_of_scores(PROFILE, NOW, NOW.values["truth"].to_numpy(), SETTINGS).standing == "stable"


def test_the_training_rows_themselves_have_index_zero() -> None:
    assert {drift.psi for drift in drifts(TRAINED).values()} == {0.0}
    assert drift_of_scores(PROFILE, TRAINED, SCORES, SETTINGS).psi == 0.0


def test_a_shifted_number_moved_and_says_from_where_to_where() -> None:
    found = drifts(changed(NOW, truth=NOW.values["truth"] + 1.5))["truth"]
    assert found.standing == "moved a lot" and found.psi > found.noise
    before, after = (float(text.split("median ")[1].split(",")[0]) for text in (found.before, found.after))
    assert after - before == pytest.approx(1.5, abs=0.15)
    assert "over" in found.before
    scores = drift_of_scores(PROFILE, NOW, NOW.values["truth"].to_numpy() + 1.5, SETTINGS)
    assert scores.standing == "moved a lot" and "10% in the top tenth" in scores.before
    assert list(drifts(changed(NOW, truth=NOW.values["truth"] + 1.5))) == ["truth", "plan"], "the moved one first"


def test_missing_and_unseen_values_are_bins_of_their_own() -> None:
    half = np.arange(len(NOW)) % 2 == 0
    found = drifts(changed(NOW, truth=NOW.values["truth"].where(half), plan=NOW.values["plan"].where(half, "someday")))
    assert found["truth"].missing == pytest.approx(0.5, abs=0.01) and found["truth"].missing_before == 0.0
    assert found["truth"].standing == "moved a lot" and "missing 50%" in found["truth"].after
    assert found["plan"].unseen == pytest.approx(0.5, abs=0.01) and "other values 50%" in found["plan"].after


def test_a_rare_level_of_the_training_is_not_unseen_and_keeps_its_text_to_itself() -> None:
    rare = TRAINED.values["plan"].mask(np.arange(len(TRAINED)) == 0, "Acme Ltd")
    many = pd.Series([f"level {k % 25}" for k in range(len(TRAINED))], dtype="str").where(rare != "Acme Ltd", rare)
    profile = build_reference_distribution(changed(TRAINED, plan=many), EVERY, EVERY, SCORES)
    assert len(profile["features"]["plan"]["levels"]) == 20 and "Acme Ltd" not in str(profile)
    assert fingerprint("Acme Ltd") in profile["features"]["plan"]["seen"]
    now = changed(NOW, plan=pd.Series(["Acme Ltd"] * len(NOW), dtype="str"))
    assert drifts(now, profile)["plan"].unseen == 0.0
    assert drifts(changed(NOW, plan=pd.Series(["New Ltd"] * len(NOW), dtype="str")), profile)["plan"].unseen == 1.0


def test_few_leads_raise_no_alarm() -> None:
    """Twelve accounts of the same market: the index is high, and chance explains it."""
    few = NOW.take(np.arange(60))
    found = drifts(few)
    assert found["truth"].psi > 0.25 and found["truth"].standing == "within noise"
    assert found["truth"].noise > found["truth"].psi


def test_a_calendar_that_moves_whole_weeks_is_noise() -> None:
    """Every other week all leads get a mail: a single week never looks like the whole, and that is no drift."""

    def mailed(matrix: Matrix) -> Matrix:
        week = matrix.keys["order"].to_numpy() % 2
        return changed(matrix, truth=week + 0.01 * matrix.values["truth"])

    profile = build_reference_distribution(mailed(TRAINED), EVERY, EVERY, SCORES)
    one_week = mailed(NOW).take(np.flatnonzero(NOW.keys["order"].to_numpy() == 5))
    found = drifts(one_week, profile)["truth"]
    assert found.psi > 0.25 and found.standing == "within noise"
    profile["features"]["truth"]["usual"] = 0.0
    assert drifts(one_week, profile)["truth"].standing == "moved a lot", "chance alone does not explain it"


@pytest.mark.parametrize(
    ("index", "noise", "standing"),
    [
        (0.099, 0.0, "stable"),
        (0.10, 0.05, "moved"),
        (0.10, 0.10, "within noise"),
        (0.249, 0.0, "moved"),
        (0.25, 0.2, "moved a lot"),
        (0.9, 1.0, "within noise"),
    ],
)
def test_bands(index: float, noise: float, standing: str) -> None:
    assert classify_drift(index, noise, SETTINGS) == standing


def test_the_record_is_the_same_twice_and_knows_usual_volumes() -> None:
    assert build_reference_distribution(TRAINED, EVERY, EVERY, SCORES) == PROFILE
    low, middle, high = PROFILE["leads_per_moment"]
    counts = TRAINED.keys["as_of"].value_counts().sort_index().iloc[-26:]
    assert (low, middle, high) == (counts.min(), counts.median(), counts.max())
    assert PROFILE["rows"] == len(TRAINED) and PROFILE["units"] < TRAINED.keys["group"].nunique()
