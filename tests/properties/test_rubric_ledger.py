"""At any moment a rubric's score is the sum of its ledger, and the ledger is what the tables say."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.assembly.build_matrix import features_at
from features.catalog.families.rules import rule_features
from features.catalog.feature import Catalog
from features.rubric.load import parse_rubric
from models.candidates.rubric import RubricCandidate
from tests.properties.test_features_oracle import AS_OF, LEADS, World, worlds
from tests.reference.features_oracle import Oracle
from tests.reference.rubric_oracle import RubricOracle
from tests.reference.worlds import SOURCE, frames, moment

RUBRIC = parse_rubric(
    """
name: everything
start: 1
groups:
  fit: {dimension: fit, cap: {minimum: -8, maximum: 30}}
  interest: {dimension: interest, cap: 40}
  intent: {dimension: intent}
rules:
  - {id: title, group: fit, lead: job_title, patterns: {'/\\bvp\\b/': 12, 'c?o': 20}, otherwise: 1, missing: -4}
  - {id: size, group: fit, lead: employees, ranges: [{below: 5, points: -3}, {from: 10, below: 50, points: 6}]}
  - {id: tools, group: fit, lead: industry, values: {Tools: 5}}
  - {id: site, group: fit, lead: website, filled: 2, missing: -1}
  - {id: rich, group: fit, account: revenue, ranges: [{from: 5, points: 9}]}
  - {id: budget, group: fit, answer: budget, values: {yes: 8, no: -8}, missing: -2, within_days: 30}
  - {id: seats, group: fit, answer: seats, ranges: [{from: 10, points: 4}], only_in: [mql, sal]}
  - {id: mails, group: interest, activity: email_click, points: 2, per: occurrence, cap: 5}
  - {id: raw_mails, group: interest, activity: email_click, points: 1, per: occurrence, bots: true}
  - {id: pages, group: interest, activity: page_view, points: 3, per: asset, within_days: 56, none: -2}
  - {id: pricing, group: intent, activity: page_view, assets: [pricing*], points: 7, within_days: 14}
  - {id: often, group: interest, activity: [page_view, demo], none: -6,
     steps: [{at_least: 3, within_days: 30, points: 9}, {at_least: 1, points: 2}]}
  - {id: both, group: interest, activity: page_view, take: sum,
     steps: [{at_least: 1, within_days: 7, points: 2}, {at_least: 2, within_days: 30, points: 3}]}
  - {id: halves, group: intent, activity: demo, points: 10, per: occurrence, decay: {half_life_days: 14}}
  - {id: fades, group: intent, activity: demo, points: 10, per: occurrence, decay: {lifespan_days: 56}}
  - {id: falls, group: intent, activity: demo, points: 8, per: occurrence, decay: {percent: 25, every_days: 7}}
  - {id: falls_on, group: intent, activity: page_view, points: 8, per: occurrence,
     decay: {percent: 50, every_days: 7, of: remaining}}
  - {id: last_demo, group: intent, activity: demo, points: 6, decay: {percent: 40, every_days: 30}}
  - {id: silent, group: interest, activity: [page_view, demo, email_click], within_days: 30, none: -5}
  - {id: called, group: intent, activity: call, actors: [rep], points: 3, at_least: 2, within_days: 90}
  - {id: colleagues, group: intent, activity: demo, points: 4, scope: account, within_days: 30}
total: {minimum: -10, maximum: 90}
thresholds: [{stage: mql, points: 20}]
handoff: {stage: mql}
""",
    source=SOURCE,
)
CATALOG = Catalog(tuple(rule_features(RUBRIC, SOURCE)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(worlds(), st.integers(0, 40))
def test_points_equal_the_ledger_and_the_slow_oracle(world: World, later: int) -> None:
    moments = [at + later * 86_400_000_000 for at in AS_OF]
    tables = frames(world)
    parts = [features_at(tables, SOURCE, CATALOG, list(LEADS), moment(t)).values for t in moments]
    slow = RubricOracle(RUBRIC, Oracle(world, SOURCE))
    for k, values in enumerate(parts):
        candidate = RubricCandidate(RUBRIC, slope=0.1, intercept=-3.0)
        book = candidate.ledger(values)
        entries = RUBRIC.start + book.rules.sum(axis=1) + book.caps.sum(axis=1)
        assert np.array_equal(book.points, entries)
        assert np.allclose(candidate.contributions(values).log_odds, candidate.log_odds(values), atol=1e-9)
        expected = [slow.points(name, moments[k]) for name in LEADS]
        assert np.allclose(book.points, expected, atol=1e-9)
