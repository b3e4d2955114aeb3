"""The rubric's points are exactly the sum of its ledger, and the candidate's bars exactly its log-odds."""

import json

import numpy as np
import pandas as pd
import pytest

from features.assembly.build_matrix import features_at
from features.catalog.families.rules import rule_features
from features.catalog.feature import Catalog
from features.errors import ContractError
from features.rubric.ledger import ledger
from features.rubric.load import parse_rubric
from features.rubric.terms import CAP_FEATURE, plan_rules
from models.bundle_files.rubric_order import order_rubrics
from models.candidates.blend import blend_contributions, blend_log_odds
from models.candidates.rubric import RubricCandidate, fit_line
from models.interfaces import Contributions
from tests.reference.worlds import DAY, SOURCE, T0, did, empty_world, frames, lead, moment

RUBRIC = parse_rubric(
    """
name: team
start: 5
groups:
  fit: {dimension: fit, cap: {minimum: -5, maximum: 12}}
  engagement: {dimension: interest, cap: 30}
rules:
  - {id: title, group: fit, lead: title, patterns: {'/chief/': 10, '*officer*': 4}, missing: -3, otherwise: 1}
  - {id: size, group: fit, lead: size, ranges: [{from: 50, below: 100, points: 7}]}
  - {id: opens, group: engagement, activity: open, points: 2, per: occurrence, cap: 6}
  - id: clicks
    group: engagement
    activity: click
    steps: [{at_least: 1, points: 3}, {at_least: 3, within_days: 7, points: 9}]
  - {id: demo, group: engagement, activity: demo, points: 20, decay: {half_life_days: 10}}
  - {id: budget, group: fit, answer: budget, values: {yes: 8}, missing: -1, within_days: 30, only_in: [mql]}
total: {maximum: 40}
thresholds: [{stage: mql, points: 20}, {stage: sql, points: 21, requires: [demo]}]
matrix:
  letter: {group: fit, from_points: [10, 5, 0]}
  number: {group: engagement, from_points: [20, 10, 1]}
handoff: {stage: sql}
"""
)


def matrix_rows(**columns: list[float]) -> pd.DataFrame:
    """Rule features, 0 where not given; one column per feature of the plan."""
    n = len(next(iter(columns.values())))
    plans = plan_rules(RUBRIC)
    names = [t.feature for p in plans for t in p.terms] + [name for p in plans for name, _ in p.gates]
    values = pd.DataFrame({name: np.zeros(n) for name in names})
    values["rule_demo"] = np.nan
    for name, column in columns.items():
        assert name in values, name
        values[name] = column
    return values


def test_first_matching_pattern_counts_alone() -> None:
    values = matrix_rows(rule_title__1=[1, 0, 0, 0], rule_title__2=[1, 1, 0, 0], rule_title__3=[1, 1, 1, 0])
    values["rule_title__4"] = [0.0, 0, 0, 1]
    assert ledger(RUBRIC, values).rules["title"].tolist() == [10, 4, 1, -3]


def test_best_step_counts_and_caps_are_entries_of_their_own() -> None:
    values = matrix_rows(rule_clicks__1=[4.0, 2], rule_clicks__2=[3.0, 1], rule_opens=[5.0, 1])
    book = ledger(RUBRIC, values)
    assert book.rules["clicks"].tolist() == [9, 3]
    assert book.rules["opens"].tolist() == [10, 2]
    assert book.caps["rule opens"].tolist() == [-4, 0]


def test_decay_halves_points_and_group_and_total_caps_hold() -> None:
    values = matrix_rows(rule_title__1=[1, 1], rule_size=[1, 1], rule_opens=[9, 0], rule_demo=[0.0, 10.0])
    values["rule_clicks__1"], values["rule_clicks__2"] = 9.0, 9.0
    book = ledger(RUBRIC, values)
    assert book.rules["demo"].tolist() == [20, 10]
    assert book.caps["group fit"].tolist() == [-5, -5]
    assert book.caps["group engagement"].tolist() == [-5, 0]
    assert book.caps["total"].tolist() == [-7, 0]
    assert book.points.tolist() == [40, 36]


def test_an_expired_answer_counts_as_missing_and_only_in_the_stage() -> None:
    plans = next(p for p in plan_rules(RUBRIC) if p.rule.id == "budget")
    missing, value = (t.feature for t in plans.terms)
    stage, fresh = (name for name, _ in plans.gates)
    values = matrix_rows(**{missing: [1, 0, 1], value: [1, 1, 1], fresh: [1, 0, 1], stage: [1, 1, 0]})
    assert ledger(RUBRIC, values).rules["budget"].tolist() == [8, -1, 0]


def test_graduation_needs_points_and_the_required_action() -> None:
    values = matrix_rows(rule_opens=[3, 3], rule_clicks__1=[9, 9], rule_title__1=[1, 1], rule_demo=[np.nan, 100.0])
    values["rule_clicks__2"] = 9.0
    book = ledger(RUBRIC, values)
    assert (book.points >= 21).all()
    assert book.handed_off.tolist() == [False, True]
    assert book.cells.tolist() == ["A2", "A2"]


def test_points_taken_are_no_required_action() -> None:
    asks = RUBRIC.thresholds[0].model_copy(update={"requires": ("title",), "points": -100.0})
    either = asks.model_copy(update={"requires": (), "any_of": ("title",)})
    book = ledger(RUBRIC, matrix_rows(rule_title__1=[1, 0, 0], rule_title__4=[0, 1, 0]))
    assert book.rules["title"].tolist() == [10, -3, 0]
    assert book.reaches(asks).tolist() == book.reaches(either).tolist() == [True, False, False]


def random_rows(seed: int, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = matrix_rows(rule_opens=rng.poisson(2, n).astype(float).tolist())
    for name in values.columns.difference(["rule_opens"]):
        values[name] = rng.poisson(1.0, n).astype(float) if "clicks" in name else rng.integers(0, 2, n).astype(float)
    values["rule_demo"] = np.where(rng.random(n) < 0.5, np.nan, rng.exponential(20, n))
    return values


@pytest.mark.parametrize("seed", range(3))
def test_points_equal_the_ledger_and_bars_equal_the_log_odds(seed: int) -> None:
    values = random_rows(seed)
    rng = np.random.default_rng(seed)
    candidate = RubricCandidate(RUBRIC)
    points = candidate.points(values)
    won = (rng.random(len(points)) < 1 / (1 + np.exp(-(points - 20) / 8))).astype(float)
    fitted = candidate.fit(values, won, np.ones(len(won)), catalog=Catalog(()), seed=0)
    book = fitted.ledger(values)
    bars = fitted.contributions(values)
    assert fitted.slope == pytest.approx(1 / 8, rel=0.4)
    assert np.array_equal(points, 5 + book.rules.sum(axis=1) + book.caps.sum(axis=1))
    assert np.abs(bars.log_odds - fitted.log_odds(values)).max() < 1e-9
    assert CAP_FEATURE in bars.names
    assert np.abs(bars.values[:, bars.names.index(CAP_FEATURE)]).max() > 0
    again = RubricCandidate.restore(fitted.state(), fitted.files())
    assert np.array_equal(again.log_odds(values), fitted.log_odds(values))


def test_a_stored_rubric_keeps_the_points_of_every_value_and_pattern() -> None:
    """Files keep names sorted; features of a rule are numbered in the order the rule was written in."""
    rules = """
  - {id: size, group: fit, lead: size, values: {small: -5, Large: 15, mid: 5, vast: 15}, otherwise: 1}
  - {id: title, group: fit, lead: title, patterns: {'/chief/': 10, '*officer*': 4}, missing: -3}
"""
    written = "name: team\ngroups: {fit: {dimension: fit}}\nrules:" + rules + "thresholds: [{stage: mql, points: 5}]\n"
    rubric = parse_rubric(written + "handoff: {stage: mql}\n")
    features = rule_features(rubric, SOURCE)
    values = pd.DataFrame(np.eye(len(features)), columns=[feature.name for feature in features])
    fitted = RubricCandidate(rubric, slope=0.1, intercept=-1.0)
    stored = json.loads(json.dumps({"components": {"rubric": fitted.state()}}, sort_keys=True))
    ordered = order_rubrics(stored, Catalog(tuple(features)))["components"]["rubric"]
    again = RubricCandidate.restore(ordered, {})
    assert np.array_equal(again.points(values), fitted.points(values))
    nested = {"prior": {"catalog": Catalog(tuple(features)).records(), "components": stored["components"]}}
    theirs = order_rubrics(nested, Catalog(()))["prior"]["components"]["rubric"]
    assert np.array_equal(RubricCandidate.restore(theirs, {}).points(values), fitted.points(values))
    lost = RubricCandidate.restore(stored["components"]["rubric"], {})
    assert not np.array_equal(lost.points(values), fitted.points(values))


def test_in_a_blend_every_rule_and_the_caps_keep_bars_of_their_own() -> None:
    """Weighed with another model of the same leads, the bars still add up to the blend's log-odds."""
    values = random_rows(7)
    rubric = RubricCandidate(RUBRIC, slope=0.1, intercept=-2.0)
    other = Contributions(("rule_opens", "visits"), np.random.default_rng(1).normal(size=(len(values), 2)), 0.3)
    weights = {"rubric": 0.4, "linear": 0.7}
    bars = blend_contributions([(0.4, rubric.contributions(values)), (0.7, other)])
    whole = blend_log_odds({"rubric": rubric.log_odds(values), "linear": other.log_odds}, weights)
    assert np.abs(bars.log_odds - whole).max() < 1e-9
    caps = rubric.ledger(values).caps.sum(axis=1).to_numpy()
    assert np.abs(caps).max() > 0
    np.testing.assert_allclose(bars.values[:, bars.names.index(CAP_FEATURE)], 0.4 * 0.1 * caps, atol=1e-12)


def test_a_rubric_that_orders_leads_backwards_falls_back_to_the_base_rate() -> None:
    points = np.arange(40.0)
    won = (points < 10).astype(float)
    slope, intercept = fit_line(points, won, np.ones(40))
    assert slope == 0.0
    assert intercept == pytest.approx(np.log(0.25 / 0.75))


def test_rows_of_another_rubric_are_refused() -> None:
    with pytest.raises(ContractError, match="lacks"):
        ledger(RUBRIC, pd.DataFrame({"age": [1.0]}))


def test_none_speaks_of_no_such_activity_even_where_points_are_per_asset() -> None:
    rubric = parse_rubric(
        """
name: team
groups: {fit: {dimension: interest}}
rules: [{id: pages, group: fit, activity: page_view, points: 3, per: asset, none: -5}]
thresholds: [{stage: mql, points: 1}]
handoff: {stage: mql}
"""
    )
    world = empty_world()
    for name in ("looked", "nowhere", "silent"):
        lead(world, name, T0)
    did(world, "looked", "page_view", T0 + DAY, asset="pricing")
    did(world, "nowhere", "page_view", T0 + DAY, asset=None)
    catalog = Catalog(tuple(rule_features(rubric, SOURCE)))
    at = moment(T0 + 2 * DAY)
    values = features_at(frames(world), SOURCE, catalog, ["looked", "nowhere", "silent"], at).values
    assert ledger(rubric, values).points.tolist() == [3, 0, -5]
