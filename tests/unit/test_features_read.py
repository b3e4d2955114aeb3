"""Which features a model reads: no other matters, and each of a booster's does."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.catalog.feature import FeatureType
from models.bundle import Bundle, load_bundle
from models.features_read import features_read, middle_values, without_the_rest
from pipelines.workspace.matrix_files import load_matrix


@pytest.fixture(scope="module")
def bundle(tiny_demo: Any) -> Bundle:
    return load_bundle(tiny_demo.context.paths.train / "bundle")


@pytest.fixture(scope="module")
def values(tiny_demo: Any) -> pd.DataFrame:
    return load_matrix(tiny_demo.context.paths.matrix).values.head(400)


def alone(bundle: Bundle, name: str) -> Bundle:
    """The bundle as if one of its candidates had been chosen."""
    kept = {name: load_component(bundle, name)}
    return Bundle(**{**vars_of(bundle), "components": kept, "weights": {name: 1.0}})


def load_component(bundle: Bundle, name: str) -> Any:
    return bundle.rubric if name == "rubric" else bundle.components[name]


def vars_of(bundle: Bundle) -> dict[str, Any]:
    names = ("meta", "catalog", "calibration", "interval", "scale", "facts", "percentiles", "rubric", "questions")
    return {name: getattr(bundle, name) for name in names}


def test_features_that_are_not_read_change_no_score(bundle: Bundle, values: pd.DataFrame) -> None:
    for name in (*bundle.components, *(("rubric",) if bundle.rubric is not None else ())):
        model = alone(bundle, name)
        read = features_read(model)
        assert read == tuple(n for n in bundle.catalog.names if n in read), "in the catalog's order"
        kept = without_the_rest(values, read, bundle.catalog)
        assert list(kept) == list(bundle.catalog.names)
        np.testing.assert_array_equal(model.raw_log_odds(kept), model.raw_log_odds(values.reset_index(drop=True)))
        assert name == "rate" or 0 < len(read) < len(bundle.catalog.names)


def test_a_booster_s_features_are_those_it_splits_on(bundle: Bundle, values: pd.DataFrame) -> None:
    if "booster" not in bundle.components:
        pytest.fail("the tiny demo's bundle holds a booster")
    model = alone(bundle, "booster")
    read = features_read(model)
    moved = np.abs(model.contributions(values).values).max(axis=0)
    by_name = dict(zip(model.contributions(values).names, moved, strict=True))
    assert {name for name, size in by_name.items() if size > 0} <= set(read) < set(by_name)


def test_a_made_up_lead_is_nobody_s_row(bundle: Bundle, values: pd.DataFrame) -> None:
    middle = middle_values(values)
    assert set(middle) == set(bundle.catalog.names)
    for feature in bundle.catalog:
        if feature.type is FeatureType.CATEGORY:
            assert middle[feature.name] == "" or middle[feature.name] in set(values[feature.name].dropna())
        elif values[feature.name].notna().any():
            assert middle[feature.name] == values[feature.name].median()
    assert middle_values(pd.DataFrame({"x": [np.nan], "t": pd.Series([None], dtype="str")}))["t"] == ""
