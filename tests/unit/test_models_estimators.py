"""The estimators follow scikit-learn, read frames as they are, and say when nothing was learned."""

import pickle
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shap
import sklearn
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import estimator_checks_generator

from features.errors import ContractError, PolicyError, TooLittleDataError
from features.schema.vocabulary import Verdict
from leadscore import (
    LeadScoreClassifier,
    NoSignalWarning,
    RubricClassifier,
    ScorecardClassifier,
    TemporalSplit,
    TooFewRowsWarning,
    TrainSettings,
)
from models.bundle import load_bundle, save_bundle

TINY = TrainSettings.tiny()
RUBRIC = """
name: size
groups: {fit: {dimension: fit}}
rules:
  - {id: large, group: fit, label: large company, lead: employees, ranges: [{from: 100, points: 10}]}
  - {id: trade, group: fit, label: industry, lead: industry, values: {software: 5}}
thresholds: [{stage: mql, points: 10}]
handoff: {stage: mql}
"""
# what scikit-learn asks that these estimators do not promise, and why
NOT_PROMISED = {
    ("ScorecardClassifier", "check_sample_weight_equivalence_on_dense_data"): "repeated rows change random folds",
    ("LeadScoreClassifier", "check_sample_weight_equivalence_on_dense_data"): "probabilities count every row once",
    ("every", "check_array_api_input"): "needs SCIPY_ARRAY_API before SciPy is imported",
}


def checks() -> list[Any]:
    estimators = (ScorecardClassifier(), RubricClassifier(), LeadScoreClassifier(settings=TINY))
    found = [pair for estimator in estimators for pair in estimator_checks_generator(estimator)]
    named = [(estimator, check, check.func.__name__) for estimator, check in found]
    left_out = {pair for pair in NOT_PROMISED if pair[0] != "every"}
    return [
        pytest.param(estimator, check, id=f"{type(estimator).__name__}-{name}-{k}")
        for k, (estimator, check, name) in enumerate(named)
        if (type(estimator).__name__, name) not in left_out and ("every", name) not in NOT_PROMISED
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), checks())
def test_scikit_learns_own_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def leads(rows: int = 900, seed: int = 0, effect: float = 1.0) -> tuple[pd.DataFrame, np.ndarray]:
    draw = np.random.default_rng(seed)
    size = draw.normal(size=rows)
    frame = pd.DataFrame(
        {
            "employees": np.exp(4 + size),
            "Größe der Flotte": np.where(draw.random(rows) < 0.3, np.nan, draw.poisson(3, rows)),
            "industry": draw.choice(np.array(["software", "retail", None], dtype=object), rows),
            "customer": draw.random(rows) < 0.2,
        }
    )
    odds = effect * (1.2 * size + 1.0 * (frame["industry"] == "software")) - 1
    return frame, np.where(draw.random(rows) < 1 / (1 + np.exp(-odds)), "won", "a loss")


@pytest.fixture(scope="module")
def fitted() -> LeadScoreClassifier:
    frame, outcome = leads()
    return LeadScoreClassifier(RUBRIC, settings=TINY).fit(frame, outcome)


def test_the_recipe_ranks_rows_it_has_not_seen(fitted: LeadScoreClassifier) -> None:
    frame, outcome = leads(seed=1)
    won = fitted.predict_proba(frame)[:, 1]
    assert fitted.classes_.tolist() == ["a loss", "won"]
    assert fitted.verdict_ == Verdict.OK
    assert {"rate", "rubric", "scorecard", "linear", "booster"} <= set(fitted.candidates_["name"])
    assert roc_auc_score(outcome == "won", won) > 0.7
    low, high = fitted.predict_interval(frame).T
    assert (low <= won).all() and (won <= high).all()


def test_contributions_add_up_and_are_shap_objects(fitted: LeadScoreClassifier) -> None:
    frame, _ = leads(50, seed=2)
    parts, odds = fitted.contributions(frame), fitted.decision_function(frame)
    np.testing.assert_allclose(parts.sum(axis=1), odds, atol=1e-9)
    explained = fitted.explain(frame)
    assert isinstance(explained, shap.Explanation)
    np.testing.assert_allclose(explained.values.sum(axis=1) + explained.base_values, odds, atol=1e-9)
    assert set(explained.feature_names) <= set(frame.columns)


def test_what_is_fitted_is_a_bundle_and_survives_pickling(fitted: LeadScoreClassifier, tmp_path: Path) -> None:
    frame, _ = leads(50, seed=3)
    save_bundle(fitted.bundle_, tmp_path / "bundle")
    stored = load_bundle(tmp_path / "bundle")
    won = fitted.predict_proba(frame)[:, 1]
    np.testing.assert_allclose(stored.probability(fitted.frame_.values(frame))[0], won)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(frame)[:, 1], won)


def test_arrays_of_objects_are_read_by_column_and_arrays_of_texts_are_refused(fitted: LeadScoreClassifier) -> None:
    frame, outcome = leads(200, seed=4)
    objects = frame.astype(object).where(frame.notna(), None).to_numpy()
    with pytest.warns(UserWarning, match="valid feature names"):
        np.testing.assert_array_equal(fitted.predict_proba(objects), fitted.predict_proba(frame))
    rows = objects.tolist()
    with pytest.warns(UserWarning, match="valid feature names"):
        np.testing.assert_array_equal(fitted.predict_proba(rows), fitted.predict_proba(frame))

    card = ScorecardClassifier().fit(objects, outcome)
    np.testing.assert_array_equal(
        card.predict_proba(objects), ScorecardClassifier().fit(frame, outcome).predict_proba(frame)
    )
    assert card.frame_.catalog.categories == ("x2",)
    with pytest.raises(ValueError, match="no longer tells numbers"):
        card.predict_proba(frame.astype("str").to_numpy(dtype="U20"))


def test_equal_seeds_give_equal_models() -> None:
    frame, outcome = leads(250)
    first, second = (LeadScoreClassifier(settings=TINY).fit(frame, outcome) for _ in range(2))
    assert first.bundle_.hash == second.bundle_.hash
    other = LeadScoreClassifier(settings=TINY, random_state=8).fit(frame, outcome)
    assert other.bundle_.hash != first.bundle_.hash


def test_noise_gives_the_base_rate_and_says_so() -> None:
    frame, _ = leads(600)
    outcome = np.random.default_rng(5).random(600) < 0.3
    balanced = compute_sample_weight("balanced", outcome)  # moves nobody's base rate
    with pytest.warns(NoSignalWarning, match="No signal"):
        model = LeadScoreClassifier(settings=TINY).fit(frame, outcome, sample_weight=balanced)
    assert model.verdict_ == Verdict.NO_SIGNAL
    np.testing.assert_allclose(model.predict_proba(frame)[:, 1], outcome.mean(), atol=1e-6)
    with pytest.raises(ContractError, match="no judged model"):
        model.predict_interval(frame)


def test_few_rows_give_a_linear_model_and_say_so() -> None:
    frame, outcome = leads(60)
    with pytest.warns(TooFewRowsWarning, match="too little data|are needed"):
        model = LeadScoreClassifier(settings=TINY).fit(frame, outcome)
    assert (model.verdict_, model.winner_, model.bundle_) == (Verdict.TOO_LITTLE_DATA, "linear", None)

    rare = outcome == "won"
    rare[np.flatnonzero(rare)[8:]] = False
    with pytest.warns(TooFewRowsWarning):
        weighted = LeadScoreClassifier(settings=TINY).fit(frame, rare, compute_sample_weight("balanced", rare))
    assert weighted.predict_proba(frame)[:, 1].mean() == pytest.approx(rare.mean(), abs=0.01), "balanced, not bent"
    parts = weighted.contributions(frame).sum(axis=1)
    np.testing.assert_allclose(parts, weighted.decision_function(frame), atol=1e-9)


def test_rows_without_weight_are_as_if_they_were_not_there() -> None:
    frame, outcome = leads(300)
    counted = np.arange(300) < 250
    part = LeadScoreClassifier(settings=TINY).fit(frame[counted], outcome[counted])
    whole = LeadScoreClassifier(settings=TINY).fit(frame, outcome, sample_weight=counted.astype(float))
    np.testing.assert_allclose(whole.predict_proba(frame), part.predict_proba(frame))


def test_weights_move_what_is_learned() -> None:
    frame, outcome = leads(300)
    weight = np.where(frame["industry"] == "software", 5.0, 1.0)
    even, weighted = (
        LeadScoreClassifier(settings=TINY).fit(frame, outcome, sample_weight=given) for given in (None, weight)
    )
    assert np.abs(even.decision_function(frame) - weighted.decision_function(frame)).max() > 1e-3


def test_later_rows_judge_what_was_known_before() -> None:
    frame, outcome = leads(900)
    when = pd.date_range("2025-01-01", periods=900, freq="12h")
    model = LeadScoreClassifier(settings=TINY, horizon_days=30).fit(frame, outcome, as_of=when)
    assert model.chop_.kind == "time"
    for block in (*model.chop_.blocks, model.chop_.final):
        assert when[block.train].max() + pd.Timedelta(days=30) <= when[block.test].min()


@pytest.mark.parametrize("written", ["%m/%d/%Y %H:%M:%S", "with a zone"])
def test_moments_order_rows_however_they_are_written(written: str) -> None:
    frame, outcome = leads(900)
    when = pd.Series(pd.date_range("2025-01-01", periods=900, freq="12h"))
    given = when.dt.tz_localize("Asia/Seoul") if written == "with a zone" else when.dt.strftime(written)
    model = LeadScoreClassifier(settings=TINY, horizon_days=30).fit(frame, outcome, as_of=given)
    for block in (*model.chop_.blocks, model.chop_.final):
        assert when[block.train].max() + pd.Timedelta(days=30) <= when[block.test].min()
    folds = list(TemporalSplit(horizon_days=30).split(frame, as_of=given))
    for found, expected in zip(folds, TemporalSplit(horizon_days=30).split(frame, as_of=when), strict=True):
        assert [part.tolist() for part in found] == [part.tolist() for part in expected]


def test_rows_of_a_group_stay_together() -> None:
    frame, outcome = leads(600)
    groups = np.arange(600) // 3
    model = LeadScoreClassifier(settings=TINY).fit(frame, outcome, groups=groups)
    for block in (*model.chop_.blocks, model.chop_.final):
        assert not set(groups[block.train]) & set(groups[block.test])


def test_scorecard_is_printable_and_its_points_are_whole() -> None:
    frame, outcome = leads()
    card = ScorecardClassifier(features=3).fit(frame, outcome)
    assert set(card.get_feature_names_out()) == set(card.card_["feature"]) <= set(frame.columns)
    points = card.points(frame)
    assert (points == np.round(points)).all()
    assert roc_auc_score(outcome == "won", points) > 0.7


def test_rubric_gives_the_points_it_says() -> None:
    frame, outcome = leads()
    model = RubricClassifier(RUBRIC).fit(frame, outcome)
    expected = 10.0 * (frame["employees"] >= 100) + 5.0 * (frame["industry"] == "software")
    np.testing.assert_array_equal(model.points(frame), expected)
    assert model.get_feature_names_out().tolist() == ["large", "trade"]
    with pytest.raises(PolicyError, match="does not fit the columns"):
        RubricClassifier(RUBRIC).fit(frame.drop(columns="industry"), outcome)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pd.date_range("2026-01-01", periods=40), "holds datetime64"),
        (np.r_[np.inf, np.zeros(39)], "infinity"),
        (np.arange(40) + 1j, "Complex"),
    ],
)
def test_columns_that_mean_nothing_are_refused_by_name(column: object, text: str) -> None:
    with pytest.raises(ValueError, match=text) as problem:
        ScorecardClassifier().fit(pd.DataFrame({"odd one": column}), [0, 1] * 20)
    assert "odd one" in str(problem.value)


def test_a_column_that_held_numbers_must_hold_numbers() -> None:
    frame = pd.DataFrame({"employees": [1.0, 200.0] * 30})
    model = ScorecardClassifier().fit(frame, [0, 1] * 30)
    with pytest.raises(ValueError, match="'employees' held numbers in training"):
        model.predict(pd.DataFrame({"employees": ["many"]}))


def test_metadata_is_routed_through_search_and_cross_validation() -> None:
    frame, outcome = leads(600)
    when, groups = pd.date_range("2025-01-01", periods=600, freq="1D"), np.arange(600) // 2
    with sklearn.config_context(enable_metadata_routing=True):
        card = ScorecardClassifier().set_fit_request(groups=True, sample_weight=False)
        split = TemporalSplit(n_splits=3, horizon_days=20).set_split_request(as_of=True)
        search = GridSearchCV(card, {"features": [1, 3]}, cv=split, scoring="neg_log_loss")
        search.fit(frame, outcome, as_of=when, groups=groups)
        assert search.best_params_ == {"features": 3}
        scores = cross_val_score(card, frame, outcome, cv=split, params={"as_of": when, "groups": groups})
    assert len(scores) == 3


def test_estimators_stand_in_pipelines() -> None:
    frame, outcome = leads(300)
    pipeline = make_pipeline(FunctionTransformer(lambda X: X.drop(columns="customer")), ScorecardClassifier())
    assert clone(pipeline).fit(frame, outcome).predict_proba(frame).shape == (300, 2)


@pytest.mark.parametrize("seed", range(8))
def test_temporal_split_never_learns_what_was_not_known(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = int(draw.integers(60, 300))
    when = pd.Timestamp("2025-01-01") + pd.to_timedelta(draw.integers(0, 200, rows), unit="D")
    known = when + pd.to_timedelta(draw.integers(0, 40, rows), unit="D")
    groups = draw.integers(0, rows, rows)
    split = TemporalSplit(n_splits=int(draw.integers(2, 5)), apart=bool(seed % 2))
    judged = []
    for train, test in split.split(np.zeros((rows, 1)), groups=groups, as_of=when, label_known_at=known):
        assert known[train].max() <= when[test].min()
        assert when[train].max() < when[test].min()
        if split.apart:
            assert not set(groups[train]) & set(groups[test])
        judged.append(test)
    assert len(np.unique(np.concatenate(judged))) == sum(map(len, judged))


def test_rows_without_a_group_are_apart_from_each_other() -> None:
    when, groups = pd.date_range("2025-01-01", periods=60), [None if k % 2 else f"account {k % 6}" for k in range(60)]
    split = TemporalSplit(n_splits=2, apart=True)
    (train, test), _ = split.split(np.zeros((60, 1)), groups=groups, as_of=when)
    assert [groups[k] for k in train] == [None] * 10, "every account is judged; whoever has none is nobody's"
    assert len(test) == 20

    nan = [np.nan if group is None else group for group in groups]  # NumPy would write 'nan' for each of them
    (same, _), _ = split.split(np.zeros((60, 1)), groups=nan, as_of=when)
    assert same.tolist() == train.tolist()


def test_temporal_split_says_what_it_needs() -> None:
    frame = pd.DataFrame({"x": range(30)})
    with pytest.raises(ValueError, match="no column 'as_of'"):
        list(TemporalSplit().split(frame))
    with pytest.raises(ValueError, match="origins need"):
        list(TemporalSplit().split(frame, as_of=["2026-01-01"] * 30))
    with pytest.raises(ValueError, match="missing in 1 of 30"):
        list(TemporalSplit().split(frame, as_of=["2026-01-01"] * 29 + [None]))
    with pytest.raises(TooLittleDataError, match="of 5 earlier rows 5 had no known label"):
        list(TemporalSplit(horizon_days=900).split(frame, as_of=pd.date_range("2026-01-01", periods=30)))


def test_numbers_are_an_order_and_no_moments() -> None:
    frame, outcome = leads(600)
    days = np.arange(600) % 30 + 20_240_601
    folds = list(TemporalSplit(n_splits=3).split(frame, as_of=days))
    assert [days[train].max() < days[test].min() for train, test in folds] == [True] * 3

    for split, known in ((TemporalSplit(horizon_days=30), None), (TemporalSplit(), days)):
        with pytest.raises(ValueError, match=r"as_of holds numbers \(20240601\), which name no moment"):
            list(split.split(frame, as_of=days, label_known_at=known))
    when = pd.date_range("2025-01-01", periods=600, freq="12h")
    with pytest.raises(ValueError, match="label_known_at holds numbers"):
        list(TemporalSplit().split(frame, as_of=when, label_known_at=days.tolist()))

    model = LeadScoreClassifier(settings=TINY)
    for later, known in ((30, None), (0, when)):
        with pytest.raises(ValueError, match="as_of holds numbers"):
            clone(model).set_params(horizon_days=later).fit(frame, outcome, as_of=days, label_known_at=known)
    with pytest.raises(ValueError, match="hand these over as as_of"):
        model.fit(frame, outcome, label_known_at=when)


def test_a_horizon_without_moments_says_that_it_keeps_nothing_out() -> None:
    frame, outcome = leads(30)
    with pytest.warns(TooFewRowsWarning), pytest.warns(UserWarning, match="horizon_days=30 keeps no row out"):
        LeadScoreClassifier(settings=TINY, horizon_days=30).fit(frame, outcome)


def test_what_belongs_to_rows_has_their_length() -> None:
    frame, outcome = leads(60)
    when, groups = pd.date_range("2025-01-01", periods=60), np.arange(60)
    whole = {"as_of": when, "groups": groups, "label_known_at": when}
    for name, given in whole.items():
        short = whole | {name: given[:-1]}
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            list(TemporalSplit(n_splits=2).split(frame, **short))
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            LeadScoreClassifier(settings=TINY).fit(frame, outcome, **short)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ScorecardClassifier().fit(frame, outcome, groups=groups[:-1])


@pytest.mark.parametrize("numbers", [[5, 70], [5, 70.5], [Decimal(5), Decimal("70.5")], [Decimal(5), 70]])
def test_objects_of_a_frame_are_read_as_those_of_an_array(numbers: list[object]) -> None:
    frame = pd.DataFrame({"size": pd.Series([*numbers, None] * 40, dtype=object), "trade": "a"})
    won = [0, 1, 1] * 40
    model = ScorecardClassifier().fit(frame, won)
    array = ScorecardClassifier().fit(frame.to_numpy(dtype=object), won)
    assert model.decision_function(frame).tolist() == array.decision_function(frame.to_numpy(dtype=object)).tolist()
    later = pd.DataFrame({"size": [5.0, 70.5], "trade": "a"})
    assert np.allclose(model.decision_function(later), model.decision_function(frame)[:2], atol=1e-12)
    assert np.ptp(model.decision_function(later)) > 1


def test_a_column_that_held_categories_takes_no_numbers() -> None:
    model = ScorecardClassifier().fit(pd.DataFrame({"zip": ["5", "70"] * 30}), [0, 1] * 30)
    with pytest.raises(ValueError, match=r"'zip' held categories in training and now holds float64: 5\.0"):
        model.predict(pd.DataFrame({"zip": [5.0, 70.0]}))
    assert len(model.predict(pd.DataFrame({"zip": [np.nan]}))) == 1  # a column without any value has no type


def test_a_frame_s_index_is_kept_and_a_rubric_s_name_is_not_taken_for_a_path() -> None:
    index = [f"lead {k}" for k in range(120)]
    leads = pd.DataFrame({"employees": [5.0, 400.0] * 60, "industry": "software"}, index=index)
    won = [0, 1] * 60
    model = LeadScoreClassifier(settings=TINY).fit(leads, won)
    assert model.contributions(leads.tail(3)).index.tolist() == index[-3:]
    assert RubricClassifier(RUBRIC).fit(leads, won).ledger(leads.tail(3)).index.tolist() == index[-3:]
    with pytest.raises(PolicyError, match=r"leadscore.rubric\(NAME\)"):
        RubricClassifier("generic_b2b").fit(leads, won)
