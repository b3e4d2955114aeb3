"""The booster candidate explains its trees exactly, with tables or without room for them."""

import logging
from pathlib import Path

import numpy as np
import pytest

from models.bundle import Bundle, load_bundle, save_bundle
from models.calibration.interval import IntervalModel
from models.candidates.boosting import DEFAULTS, BoosterCandidate, tree_contributions
from models.explaining.treeshap import explainer
from models.interfaces import Calibration, Scale
from tests.reference.toy import CATALOG, toy_matrix


def fitted(**parameters: object) -> BoosterCandidate:
    matrix = toy_matrix(600, seed=3)
    start = BoosterCandidate({**DEFAULTS, "rounds": 30, **parameters}, boosters=2)
    return start.fit(matrix.values, matrix.label, matrix.weight, catalog=CATALOG, seed=1)


def test_a_booster_s_contributions_are_lightgbm_s_and_sum_to_its_log_odds() -> None:
    model, values = fitted(), toy_matrix(3000, seed=4).values
    found = model.contributions(values)
    slow = tree_contributions(model.models, model.columns.transform(values), 1)
    np.testing.assert_allclose(found.values, slow[:, :-1], atol=1e-9)
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, model.log_odds(values), atol=1e-9)
    assert model.explainer is not None
    alone = model.contributions(values.iloc[[7]])
    np.testing.assert_array_equal(alone.values[0], found.values[7])  # one lead as in the batch, to the last bit
    assert (model.log_odds(values)[1490:1510] == model.log_odds(values.iloc[1490:1510])).all()


def test_trees_without_room_for_tables_are_integrated_and_nothing_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explainer, "MAX_TABLE_BYTES", 64)
    model, values = fitted(), toy_matrix(50, seed=4).values
    with caplog.at_level(logging.WARNING):
        found = model.contributions(values)
    assert model.explainer is not None
    assert model.explainer.looked_up is None
    assert not caplog.text
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, model.log_odds(values), atol=1e-9)


def test_a_loaded_bundle_is_warmed_by_leads_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walked: set[str] = set()
    for name in ("look_up_row", "look_up_rows"):
        kernel = getattr(explainer, name)
        monkeypatch.setattr(explainer, name, lambda *a, _n=name, _k=kernel: (walked.add(_n), _k(*a)))
    bundle = Bundle(
        meta={"horizon_days": 90},
        catalog=CATALOG,
        components={"booster": fitted()},
        weights={"booster": 1.0},
        calibration=Calibration(),
        interval=IntervalModel(0.0, np.zeros((2, 2)), 0.0),
        scale=Scale("s", -1.0),
        facts={},
        percentiles=np.zeros(101),
    )
    again = load_bundle(tmp_path / "b", save_bundle(bundle, tmp_path / "b"))
    assert "explainer" not in vars(again.components["booster"])
    again.warm()
    assert "explainer" in vars(again.components["booster"])
    assert walked == {"look_up_row", "look_up_rows"}
    values = toy_matrix(20, seed=4).values
    np.testing.assert_array_equal(again.contributions(values).values, bundle.contributions(values).values)
