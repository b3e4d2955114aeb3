"""The fast explainer gives the values of slow ones: LightGBM's own, shap's, and the definition, whatever the trees."""

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.explaining.treeshap import TreeShap, UnsupportedError
from models.explaining.treeshap.leaf_sums import LeafSums
from models.explaining.treeshap.model_trees import read_ensemble
from models.explaining.treeshap.quadrature_plan import distinct_features
from tests.reference.shapley import shapley

ROWS = 400
EDGES = np.array([np.nan, 0.0, -0.0, 1e-36, -1e-36, 1e-34, 1.0, np.inf, -np.inf, 3.0, -1.0, -0.5, 2.5, 1e9, 77.0])


def table(seed: int, categories: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers with gaps and zeros, integers, and categories last; an outcome that needs several of them at once."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS, 5))
    x[rng.random(x.shape) < 0.15] = np.nan
    x[:, 2] = np.where(rng.random(ROWS) < 0.5, 0.0, x[:, 2])
    x[:, 3] = rng.poisson(1.0, ROWS)
    x[:, 4] = rng.integers(0, categories, ROWS)
    signal = np.nan_to_num(x[:, 0]) * (x[:, 3] > 0) + np.isnan(x[:, 1]) + np.sin(3 * x[:, 4]) + (x[:, 2] == 0)
    return x, (signal + rng.normal(size=ROWS) > 1).astype(float)


def booster(x: np.ndarray, y: np.ndarray, rounds: int = 6, **changes: Any) -> lgb.Booster:
    parameters = {"objective": "binary", "min_child_samples": 5, "verbosity": -1, "num_threads": 1, "seed": 3}
    parameters |= {"min_data_per_group": 5, "cat_smooth": 1.0, "max_cat_to_onehot": 2, "deterministic": True}
    return lgb.train(parameters | changes, lgb.Dataset(x, y, categorical_feature=[4]), rounds)


def asked(x: np.ndarray, seed: int) -> np.ndarray:
    """Training rows, and rows of values at the edge of every rule."""
    return np.vstack([x[:40], np.random.default_rng(seed).choice(EDGES, size=(60, x.shape[1]))])


SHAPES = st.fixed_dictionaries(
    {
        "num_leaves": st.integers(2, 40),
        "max_depth": st.integers(1, 12),
        "use_missing": st.booleans(),
        "zero_as_missing": st.booleans(),
        "extra_trees": st.booleans(),
        "monotone_constraints": st.sampled_from([[0] * 5, [1, 0, 0, 1, 0]]),
    }
)


@settings(max_examples=25, deadline=None)
@given(
    shape=SHAPES,
    seed=st.integers(0, 10**6),
    categories=st.integers(2, 40),
    bits=st.integers(1, 9),
    deepest=st.integers(0, 6),
)
def test_values_are_those_of_lightgbm(
    shape: dict[str, Any], seed: int, categories: int, bits: int, deepest: int
) -> None:
    x, y = table(seed, categories)
    models = [booster(x, y, **shape, bagging_seed=k, bagging_fraction=0.7, bagging_freq=1) for k in range(2)]
    rows = asked(x, seed)
    expected = np.mean([model.predict(rows, pred_contrib=True) for model in models], axis=0)
    found = TreeShap.of([model.model_to_string() for model in models], max_bits=bits, table_features=deepest)
    values = found.values(rows)
    assert np.abs(values - expected[:, :-1]).max() < 1e-9
    assert np.array_equal(values, np.vstack([found.values(row[None]) for row in rows]))
    assert found.base == pytest.approx(expected[0, -1], abs=1e-9)
    raw = np.mean([model.predict(rows, raw_score=True) for model in models], axis=0)
    assert np.abs(found.base + values.sum(axis=1) - raw).max() < 1e-9


@settings(max_examples=20, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 10**6), categories=st.integers(2, 40), rounds=st.integers(1, 6))
def test_predictions_of_many_rows_are_those_of_lightgbm_to_the_bit(
    shape: dict[str, Any], seed: int, categories: int, rounds: int
) -> None:
    x, y = table(seed, categories)
    models = [booster(x, y, rounds, **shape, bagging_seed=k, bagging_fraction=0.7, bagging_freq=1) for k in range(2)]
    rows = np.tile(asked(x, seed), (6, 1))  # more than a block
    sums = LeafSums.of([model.model_to_string() for model in models])
    assert sums is not None
    assert np.array_equal(sums.predict(rows), [model.predict(rows, raw_score=True) for model in models])
    assert np.array_equal(sums.predict(rows[:1]), [model.predict(rows[:1], raw_score=True) for model in models])


@settings(max_examples=10, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 10**6), deepest=st.sampled_from([0, 3, 6]))
def test_values_are_those_of_the_definition(shape: dict[str, Any], seed: int, deepest: int) -> None:
    x, y = table(seed, 6)
    text = booster(x, y, rounds=2, **shape).model_to_string()
    rows = asked(x, seed)[::12]
    expected = [sum(shapley(tree, row) for tree in read_ensemble(text).trees) for row in rows]
    assert np.abs(TreeShap.of([text], table_features=deepest).values(rows) - np.array(expected)).max() < 1e-9


@pytest.mark.filterwarnings("ignore:The set_:PendingDeprecationWarning", "ignore:LightGBM binary:UserWarning")
def test_values_are_those_of_shap() -> None:
    import shap

    x, y = table(5, 8)
    model = booster(x, y, rounds=20, num_leaves=16, max_depth=5)
    expected = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent").shap_values(asked(x, 5))
    assert np.abs(TreeShap.of([model.model_to_string()]).values(asked(x, 5)) - expected).max() < 1e-9


def test_more_bins_than_a_byte_holds_and_more_rows_than_a_block() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6000, 5))
    x[:, 4] = rng.integers(0, 3, 6000)
    y = (np.sin(8 * x[:, 0]) + x[:, 1] + 0.3 * rng.normal(size=6000) > 0).astype(float)
    model = booster(x, y, rounds=60, num_leaves=24, max_bin=1000)
    explainer = TreeShap.of([model.model_to_string()])
    assert explainer.looked_up is not None and explainer.looked_up[0].bounds.dtype == np.uint16
    values = explainer.values(x, threads=2)
    assert np.abs(values[:700] - model.predict(x[:700], pred_contrib=True)[:, :-1]).max() < 1e-9
    assert np.array_equal(values[5990:], explainer.values(x[5990:]))


def test_columns_summed_by_topic_are_sums_of_the_values_by_feature() -> None:
    x, y = table(2, 5)
    text = booster(x, y, num_leaves=12).model_to_string()
    topics = np.array([0, 1, 0, 2, 1])
    by_feature = TreeShap.of([text]).values(asked(x, 2))
    by_topic = TreeShap.of([text], columns=topics).values(asked(x, 2))
    summed = np.column_stack([by_feature[:, topics == k].sum(axis=1) for k in range(3)])
    assert np.abs(by_topic - summed).max() < 1e-12


def test_a_model_without_splits_is_all_base() -> None:
    x, y = table(4, 3)
    model = booster(x, y, rounds=2, min_child_samples=ROWS)
    found = TreeShap.of([model.model_to_string()])
    assert not found.values(x).any()
    assert found.base == pytest.approx(model.predict(x[:1], raw_score=True)[0])


def wide_table(seed: int, rows: int = 8000, features: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Many numbers with gaps and zeros, a category at position 4, and an outcome all of them have a part in."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features))
    x[rng.random(x.shape) < 0.1] = np.nan
    x[:, 7:12] = np.where(rng.random((rows, 5)) < 0.5, 0.0, x[:, 7:12])
    x[:, 4] = rng.integers(0, 12, rows)
    signal = np.nan_to_num(x) @ rng.normal(0, 0.4, features) + np.isnan(x[:, 3]) + np.sin(3 * x[:, 4])
    return x, (signal + rng.logistic(size=rows) > 0).astype(float)


@pytest.mark.parametrize(
    ("changes", "least_deep"),
    [
        ({"max_depth": 8, "num_leaves": 63}, 8),
        ({"max_depth": 12, "num_leaves": 255}, 11),
        ({"max_depth": 12, "num_leaves": 255, "zero_as_missing": True}, 11),
        ({"max_depth": -1, "num_leaves": 255, "extra_trees": True, "feature_fraction": 0.5}, 13),
    ],
)
def test_deep_trees_have_the_values_of_lightgbm(changes: dict[str, Any], least_deep: int) -> None:
    x, y = wide_table(1)
    model = booster(x, y, rounds=12, **changes)
    found = TreeShap.of([model.model_to_string()])
    assert found.integrated is not None
    assert max(map(distinct_features, read_ensemble(model.model_to_string()).trees)) >= least_deep
    rows = np.vstack([x[:300], asked(x, 3)])
    expected = model.predict(rows, pred_contrib=True)
    values = found.values(rows, threads=2)
    assert np.abs(values - expected[:, :-1]).max() < 1e-9
    assert np.array_equal(values[290:310], np.vstack([found.values(row[None]) for row in rows[290:310]]))
    assert np.abs(found.base + values.sum(axis=1) - model.predict(rows, raw_score=True)).max() < 1e-12


def test_an_ensemble_mixes_tables_and_integration() -> None:
    x, y = wide_table(2)
    shallow, deep = booster(x, y, max_depth=3), booster(x, y, num_leaves=120, max_depth=10)
    found = TreeShap.of([shallow.model_to_string(), deep.model_to_string()])
    assert found.looked_up is not None
    assert found.integrated is not None
    rows = np.vstack([x[:300], asked(x, 4)])
    expected = np.mean([model.predict(rows, pred_contrib=True) for model in (shallow, deep)], axis=0)
    values = found.values(rows)
    assert np.abs(values - expected[:, :-1]).max() < 1e-9
    assert np.array_equal(values[290:310], np.vstack([found.values(row[None]) for row in rows[290:310]]))


def chain(rows: int = 3000, features: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """A target that is a path: each feature counts only where all before it are large."""
    x = np.random.default_rng(0).normal(size=(rows, features))
    return x, np.cumprod(x > -0.7, axis=1).sum(axis=1) * 1.0


def test_a_tree_that_is_one_long_path_is_integrated_whatever_its_depth() -> None:
    x, y = chain()
    deep = lgb.train({"num_leaves": 40, "min_child_samples": 3, "verbosity": -1}, lgb.Dataset(x, y), 3)
    assert max(map(distinct_features, read_ensemble(deep.model_to_string()).trees)) > 12
    values = TreeShap.of([deep.model_to_string()]).values(x[:500])
    assert np.abs(values - deep.predict(x[:500], pred_contrib=True)[:, :-1]).max() < 1e-9


def test_linear_trees_are_refused() -> None:
    x, y = chain()
    linear = lgb.train({"linear_tree": True, "verbosity": -1}, lgb.Dataset(x, y), 2)
    with pytest.raises(UnsupportedError, match="linear"):
        TreeShap.of([linear.model_to_string()])
