"""The scorecard proposed as a rubric gives every lead the scorecard's own points."""

from dataclasses import replace

import numpy as np
import pandas as pd

from features.assembly.build_matrix import features_at
from features.catalog.build_catalog import build_catalog
from features.catalog.families.rules import rule_features
from features.catalog.feature import Catalog
from features.rubric.load import parse_rubric
from features.schema.operation_records import params_record
from features.schema.operations import ActivityCount, ActivityRows, DecayedSum, StreamPart
from features.schema.source import Source
from models.candidates.rubric import RubricCandidate
from models.candidates.scorecard import ScorecardCandidate
from models.encoding.bins import Binned, CategoryBins, NumberBins
from models.encoding.linear_encoder import MISSING, RARE, CategoryCode
from models.judging.rubrics.scorecard_to_rubric import propose_rubric, rules_of_feature
from tests.reference.worlds import DAY, SOURCE, T0, did, empty_world, frames, lead, moment

CATALOG = build_catalog(SOURCE)


def named(**wanted: object) -> str:
    """The learned feature with these parameters."""
    found = [
        f.name
        for f in CATALOG
        if f.family not in ("rules", "evidence") and all(params_record(f.params).get(k) == v for k, v in wanted.items())
    ]
    return found[0]


def bins(*edges: float) -> Binned:
    return Binned(NumberBins(edges), np.zeros(len(edges) + 2), np.ones(len(edges) + 2))


def levels(*names: str) -> Binned:
    every = (*names, RARE, MISSING)
    return Binned(CategoryBins(CategoryCode(every)), np.zeros(len(every)), np.ones(len(every)))


def card() -> ScorecardCandidate:
    count = named(table="activities", op="count", kinds=["demo"], window_days=30, scope="lead")
    since = named(table="activities", op="recency", kinds=["page_view"], scope="lead")
    decayed = next(f.name for f in CATALOG if isinstance(f.params, DecayedSum))
    parts = {
        "industry": (levels("tools", "food"), [7, -3, 1, -2]),
        "employees": (bins(10, 49.5), [-4, 3, 6, -1]),
        "answer_seats": (bins(9), [2, 5, 0]),
        count: (bins(0, 2), [-1, 4, 9, 0]),
        since: (bins(7, 30), [8, 3, 1, -5]),
        decayed: (bins(0.5), [0, 6, 0]),
        "current_stage": (levels("mql", "sal", "won"), [5, -2, 5, 3, 1]),
        "answer_seats_age": (bins(3, 10), [6, 4, -1, -2]),
    }
    points = {name: np.array(values) for name, (_, values) in parts.items()}
    return ScorecardCandidate({name: binned for name, (binned, _) in parts.items()}, points, slope=0.1)


def test_the_proposed_rubric_gives_the_scorecards_points() -> None:
    rng = np.random.default_rng(0)
    world = empty_world()
    names = [f"L{i}" for i in range(60)]
    for name in names:
        industry, employees = rng.choice(["tools", "food", "steel"]), rng.choice([5.0, 10.0, 49.0, 50.0])
        lead(world, name, T0 - 90 * DAY, industry=str(industry) if rng.random() < 0.8 else None, employees=employees)
        for _ in range(rng.integers(0, 5)):
            did(world, name, str(rng.choice(["demo", "page_view"])), T0 - int(rng.integers(1, 60 * DAY)))
        for stage in rng.choice(["mql", "sal", "sql", "recycled"], rng.integers(0, 3), replace=False):
            at = T0 - int(rng.integers(1, 60 * DAY))
            row = {"lead_id": name, "stage": str(stage), "entered_at": at, "happened_at": at, "known_at": at}
            world["stages"].append(row)
        if rng.random() < 0.6:
            at = T0 - int(rng.integers(1, 20 * DAY))
            row = {"lead_id": name, "question": "seats", "value": str(rng.integers(5, 15)), "known_at": at}
            world["answers"].append({**row, "happened_at": at})
    found = propose_rubric(card(), CATALOG, "proposed", 10.0)
    assert len(found.left_out) == 1
    rubric = parse_rubric(found.to_yaml(), source=SOURCE)
    both = Catalog.of(CATALOG, rule_features(rubric, SOURCE))
    values: pd.DataFrame = features_at(frames(world), SOURCE, both, names, moment(T0)).values
    expected = found.points(values)
    assert np.array_equal(RubricCandidate(rubric).points(values), expected)
    assert len(set(expected)) > 10
    assert {"mql", "sal", "sql"} <= set(values["current_stage"].dropna())
    by_stage = {rule.only_in: rule.filled for rule in rubric.rules if rule.only_in}
    assert by_stage[("mql", "won")] == 4 and by_stage[("sal",)] == -3


def test_kinds_counted_together_are_one_rule_if_they_are_filtered_alike() -> None:
    feature = next(f for f in CATALOG if isinstance(f.params, ActivityCount) and f.params.rows.parts)
    demo, view = (StreamPart(kinds=(kind,), actors=("lead",)) for kind in ("demo", "page_view"))
    alike, apart = (
        ActivityCount(rows=ActivityRows(kinds=("demo",), parts=(demo, replace(view, assets=assets))), window_days=7)
        for assets in (None, ("pricing*",))
    )
    spread = (bins(0, 2).bins, np.array([-1, 4, 9, 0]))
    found = rules_of_feature(replace(feature, params=alike), *spread, None)
    assert found is not None and found[1] == -1
    assert found[0][0][1]["activity"] == ["demo", "page_view"] and found[0][0][1]["take"] == "sum"
    assert rules_of_feature(replace(feature, params=apart), *spread, None) is None


def test_kinds_with_capitals_and_blanks_make_rules_that_read_back() -> None:
    """Rule ids are made of feature names, and these of kinds as the data spell them."""
    raw = SOURCE.model_dump(by_alias=True)
    kinds = {"Page View": "page view", "Page view": "", "PAGE-VIEW": "", "E-Mail (open)": ""}
    raw["activity_kinds"] = {kind: {"dimension": "intent", "label": label} for kind, label in kinds.items()}
    source = Source.model_validate(raw)
    catalog = build_catalog(source)
    names = [f"{kind}_30d" for kind in kinds]
    points = {name: np.array([0, 3, 0]) for name in names}
    found = propose_rubric(ScorecardCandidate({n: bins(0) for n in names}, points, slope=0.1), catalog, "made", 10.0)
    ids = [rule.id for rule in found.rubric.rules]
    assert ids == [
        "learned_page_view_30d",
        "learned_page_view_30d_v2",
        "learned_page_view_30d_v3",
        "learned_e_mail_open_30d",
    ]
    assert [rule.activity for rule in found.rubric.rules] == [(kind,) for kind in kinds], "the kinds stay as they are"
    assert found.rubric.rules[0].label == "page view in 30 days"
    assert parse_rubric(found.to_yaml(), source=source) == found.rubric
