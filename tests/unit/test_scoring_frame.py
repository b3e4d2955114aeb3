"""The scored table: columns, sums, evidence, and a refusal of foreign matrices."""

import warnings
from dataclasses import replace
from functools import cache
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from features.catalog.feature import Catalog
from features.errors import BundleError
from features.schema.learning import Label
from features.schema.source import Question, Source
from features.schema.vocabulary import ColumnType, Dimension, Topic
from models.bundle import Bundle
from models.explaining.evidence import assess_evidence
from models.explaining.facts import build_facts
from models.explaining.framework import framework_names, load_framework
from models.scoring import score
from models.settings import TrainSettings
from models.training.fit_bundle import fit_bundle
from models.training.recipe import Recipe, backtest_candidates
from models.training.verdict import decide
from pipelines.stages.score import importance_of
from tests.reference.toy import feature, toy_chop, toy_matrix

SETTINGS = TrainSettings.tiny()


@cache
def bundle() -> Bundle:
    matrix = toy_matrix()
    backtest = backtest_candidates(matrix, toy_chop(len(matrix)), SETTINGS)
    recipe = Recipe(backtest=backtest, decision=decide(matrix, backtest, SETTINGS), settings=SETTINGS)
    meta = {"source": "toy", "horizon_days": 90}
    return fit_bundle(matrix, np.arange(len(matrix)), recipe, meta=meta, facts=build_facts(matrix))


@pytest.mark.parametrize("name", framework_names())
def test_points_add_up_to_the_score_and_columns_stand_in_order(name: str) -> None:
    framework = load_framework(name)
    frame = score(bundle(), toy_matrix(200, seed=8), framework).frame
    points = [column for column in frame.columns if column.startswith("points_")]
    assert points == ["points_base", *(f"points_{c}" for c in framework.ids), "points_context", "points_clip"]
    assert (50 + frame[points].sum(axis=1) == frame["score"]).all()
    assert list(frame.columns) == [
        *("lead_id", "as_of", "score", "probability", "probability_low", "probability_high", "grade"),
        *points,
        *(f"status_{c}" for c in framework.ids),
        *("reason_1", "reason_2", "reason_3", "question", "state", "next_action", "percentile"),
        *("scale_version", "bundle_hash"),
    ]
    assert frame["grade"].str.fullmatch("[ABCD][1234]").all()
    assert frame["question"].ne("").all()  # nothing is known about any criterion of the toy


def test_score_follows_the_probability_and_ranks_alike() -> None:
    frame = score(bundle(), toy_matrix(300, seed=9), load_framework("bant")).frame
    ordered = frame.sort_values("probability")["score"].to_numpy()
    assert (np.diff(ordered) >= 0).all()


def test_a_matrix_of_another_catalog_is_refused() -> None:
    matrix = toy_matrix(10)
    other = Catalog(tuple(replace(f, doc="other") if f.name == "pain" else f for f in matrix.catalog))
    with pytest.raises(BundleError, match="declaration changed"):
        score(bundle(), replace(matrix, catalog=other), load_framework("bant"))


def test_a_card_tells_the_horizon_of_its_lead_s_segment() -> None:
    matrix, champ = toy_matrix(4, seed=10), load_framework("champ")
    segment = pd.Series(["large", "small", "other", None], dtype="str")
    matrix = replace(matrix, keys=matrix.keys.assign(segment=segment))
    own = replace(bundle(), meta={**bundle().meta, "horizon_by_segment": {"large": 365, "small": 30}})
    assert [score(own, matrix, champ).card(row)["horizon_days"] for row in range(4)] == [365, 30, 90, 90]
    assert own.horizons == (30, 90, 365) and bundle().horizons == (90,)
    assert [score(bundle(), matrix, champ).card(row)["horizon_days"] for row in range(4)] == [90] * 4
    assert Label(horizon_by_segment={"large": 365, "small": 30}).horizon_in_words == "30 to 365"


def test_card_tells_the_same_score_as_the_frame() -> None:
    scored = score(bundle(), toy_matrix(30, seed=10), load_framework("champ"))
    for row in range(30):
        card = scored.card(row)
        total = 50 + card["points_base"] + card["points_clip"] + sum(c["points"] for c in card["criteria"])
        assert total == card["score"] == scored.frame["score"].iloc[row]


def test_a_lead_scored_alone_has_the_row_it_has_in_a_batch() -> None:
    matrix, framework = toy_matrix(60, seed=21), load_framework("bant")
    batch = score(bundle(), matrix, framework).frame
    for row in range(60):
        alone = score(bundle(), matrix.take(np.array([row])), framework).frame.iloc[0]
        same = batch.iloc[row]
        assert [k for k in batch.columns if not (alone[k] == same[k] or k == "as_of")] == []


def _evidence_of(met: float, age: float, *, clicks: float = 0.0) -> str:
    budget = {"dimension": Dimension.FIT, "family": "evidence"}
    catalog = Catalog(
        (
            feature("evidence_budget_met", Topic.BUDGET, unit="flag", **budget),
            feature("evidence_budget_age", Topic.BUDGET, unit="days", **budget),
            feature("evidence_calculator", Topic.BUDGET, unit="count", **budget),
        )
    )
    question = Question(
        topic=Topic.BUDGET, type=ColumnType.CATEGORY, text="What budget?", met=("yes",), valid_for_days=90
    )
    source = Source.model_construct(questions=MappingProxyType({"budget": question}))
    values = toy_matrix(1).values.assign(evidence_budget_met=met, evidence_budget_age=age, evidence_calculator=clicks)
    return str(assess_evidence(values, catalog, load_framework("bant"), source)["budget"].status[0])


def test_evidence_comes_from_declared_answers_and_activities_and_expires() -> None:
    assert _evidence_of(1.0, 10.0) == "met"
    assert _evidence_of(0.0, 10.0) == "not_met"
    assert _evidence_of(0.0, np.nan) == "unknown"
    assert _evidence_of(1.0, 90.0) == "met"
    assert _evidence_of(1.0, 90.1) == "unknown"  # expired
    assert _evidence_of(0.0, np.nan, clicks=2.0) == "indicated"
    assert _evidence_of(1.0, 91.0, clicks=2.0) == "indicated"


def test_no_open_lead_is_a_list_of_none_and_no_error() -> None:
    """A cohort may choose leads of which none is open today."""

    nobody = toy_matrix(20, seed=4).take(np.arange(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = importance_of(score(bundle(), nobody, load_framework("bant")))
    assert found["feature"] == [] and {row["points"] for row in found["criterion"]} == {0.0}


def test_a_scored_file_and_the_bundle_promise_the_same() -> None:
    matrix = toy_matrix(200, seed=8)
    frame = score(bundle(), matrix, load_framework("bant")).frame
    for name, values in zip(("", "_low", "_high"), bundle().probability(matrix.values), strict=True):
        np.testing.assert_allclose(frame[f"probability{name}"], values, rtol=0, atol=1e-12)
    assert bundle().meta["won_leads"] + bundle().meta["lost_leads"] == bundle().meta["rows"] == len(toy_matrix())
    assert bundle().limits.won == bundle().meta["won_leads"]
