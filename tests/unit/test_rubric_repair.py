"""A misleading rule planted in a rubric is found out, honest rules are left alone, and a missing one is named."""

import numpy as np
import pandas as pd
import pytest

from features.catalog.feature import Catalog, Feature, FeatureType
from features.rubric.ledger import ledger
from features.rubric.load import parse_rubric
from features.schema.operations import ColumnValue
from features.schema.vocabulary import Dimension, Topic
from models.judging.rubrics.rule_diagnostics import RuleDiagnostics, diagnose_rules

RUBRIC = parse_rubric(
    """
name: team
groups: {fit: {dimension: fit}}
rules:
  - {id: good, group: fit, lead: a, values: {yes: 10}}
  - {id: better, group: fit, lead: b, values: {yes: 20}}
  - {id: bad, group: fit, lead: c, values: {yes: -10}}
  - {id: misleading, group: fit, lead: d, values: {yes: 15}}
  - {id: empty, group: fit, lead: e, values: {yes: 15}}
  - {id: small, group: fit, lead: f, values: {yes: 2}}
  - {id: rare, group: fit, lead: g, values: {yes: 5}}
thresholds: [{stage: mql, points: 20}]
handoff: {stage: mql}
"""
)
TRUE = {"good": 1.0, "better": 2.0, "bad": -1.0, "misleading": -1.0, "empty": 0.0, "small": 1.5, "rare": 0.5}


def judged(seed: int = 0, n: int = 4000) -> RuleDiagnostics:
    rng = np.random.default_rng(seed)
    values = pd.DataFrame({f"rule_{name}": (rng.random(n) < 0.3).astype(float) for name in TRUE})
    values["rule_rare"] = (np.arange(n) < 8).astype(float)
    values["visits"] = rng.poisson(2, n).astype(float)
    values["noise"] = rng.normal(size=n)
    values["region"] = pd.Series(rng.choice(["north", "south", "east"], n), dtype="str")
    logit = -2.0 + sum(values[f"rule_{name}"] * effect for name, effect in TRUE.items())
    logit = logit + 1.2 * (values["visits"] >= 3) + 0.8 * (values["region"] == "south")
    account = np.arange(n) // 3
    common = rng.normal(0, 0.5, account.max() + 1)[account]
    label = (rng.random(n) < 1 / (1 + np.exp(-(logit.to_numpy() + common)))).astype(float)
    features = [
        Feature(
            name=name,
            family="attributes",
            dimension=Dimension.FIT,
            topic=Topic.CONTEXT,
            type=FeatureType.CATEGORY if name == "region" else FeatureType.NUMBER,
            when_empty=None,
            doc=name,
            unit="",
            known_when="",
            params=ColumnValue(table="leads", column=name),
        )
        for name in ("visits", "noise", "region")
    ]
    book = ledger(RUBRIC, values)
    return diagnose_rules(book, values, Catalog(tuple(features)), label, np.ones(n), account)


@pytest.mark.parametrize("seed", range(3))
def test_a_misleading_rule_is_found_out_and_honest_ones_are_left_alone(seed: int) -> None:
    worth = {rule.rule: rule for rule in judged(seed).worth}
    assert worth["misleading"].verdict == "wrong way"
    assert worth["empty"].verdict == "worth nothing"
    assert worth["small"].verdict == "too few points"
    assert worth["rare"].verdict == "too rare"
    assert {worth[name].verdict for name in ("good", "better", "bad")} == {"in line"}
    assert "outcomes would give -" in worth["misleading"].sentence
    for name in ("good", "better", "bad", "misleading"):
        assert worth[name].low < worth[name].log_odds < worth[name].high
        assert worth[name].log_odds == pytest.approx(TRUE[name], abs=0.35)


def test_missing_rules_are_named_and_noise_is_not() -> None:
    found = {rule.feature: rule for rule in judged().missing}
    assert found["visits"].condition == "at least 3"
    assert found["visits"].points == pytest.approx(12, abs=4)
    assert found["region"].condition == "is 'south'"
    assert "noise" not in found


def test_a_rubric_that_runs_against_outcomes_is_said_to_and_its_rules_are_not_called_rare() -> None:
    rng = np.random.default_rng(1)
    n = 4000
    values = pd.DataFrame({f"rule_{name}": (rng.random(n) < 0.3).astype(float) for name in TRUE})
    values["rule_rare"] = (np.arange(n) < 8).astype(float)
    against = {"good": -0.8, "better": -0.9, "bad": 0.8, "misleading": -0.6}
    logit = -1.5 + sum(values[f"rule_{name}"] * effect for name, effect in against.items())
    label = (rng.random(n) < 1 / (1 + np.exp(-logit.to_numpy()))).astype(float)
    found = diagnose_rules(ledger(RUBRIC, values), values, Catalog(()), label, np.ones(n), np.arange(n))
    worth = {rule.rule: rule for rule in found.worth}
    assert np.isnan(found.points_per_log_odds)
    assert {worth[name].verdict for name in against} == {"wrong way"}
    assert {worth[name].verdict for name in ("empty", "small")} == {"cannot tell"}
    assert worth["rare"].verdict == "too rare" and "only 8 leads" in worth["rare"].sentence
    assert worth["bad"].sentence == (
        "'bad' gives -10 points, against what outcomes say; the rubric as a whole does not follow outcomes, so points "
        "cannot be compared."
    )
    assert all("only" not in worth[name].sentence for name in (*against, "empty", "small"))
