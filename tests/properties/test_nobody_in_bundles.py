"""No file of a bundle holds a mail address, a telephone number or a person's name, in whatever column it stood."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.assembly.list_values import frequent_items
from features.catalog.feature import Catalog
from features.matrix import Matrix
from features.rubric.ledger import ledger
from features.schema.operations import AnswerValue
from features.schema.people.people_texts import nameable
from features.schema.source import Capacity
from features.schema.vocabulary import Dimension, Topic
from models.bundle import Bundle, save_bundle
from models.calibration.interval import IntervalModel
from models.candidates.boosting import DEFAULTS, BoosterCandidate
from models.candidates.linear import LinearCandidate
from models.candidates.scorecard import ScorecardCandidate
from models.candidates.segmented import read_segments
from models.encoding.bins import bin_category, cross_fit_category
from models.explaining.facts import build_facts
from models.explaining.profile import Profile
from models.explaining.questions import build_answer_tables
from models.interfaces import Calibration, Candidate, Scale
from models.judging.cluster_bootstrap import Resampling
from models.judging.drift.reference_distribution import build_reference_distribution
from models.judging.evaluation.backtest import fit_all
from models.judging.feeds.feed_profile import profile_values
from models.judging.feeds.watched_table import WatchedColumn
from models.judging.handoff.segments import OTHERS, segments_of
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.rubrics.customer_profiles import judge_profiles
from models.judging.rubrics.rule_diagnostics import diagnose_rules
from models.settings import TrainSettings
from models.training.fit_bundle import fit_bundle
from models.training.recipe import Recipe, backtest_candidates
from models.training.segment_decision import judge_segments
from models.training.twin import common_model
from models.training.verdict import decide
from tests.reference.toy import CATALOG, feature, toy_chop, toy_matrix
from tests.unit.test_rubric_repair import RUBRIC, TRUE

PEOPLE = ["Anna Meyer", "Peter Kowalski", "Marta Nowak", "Jan Berg", "John Smith", "Priya Sharma", "Li Wei"]
WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=9)
MAILS = st.builds("{}.{}@{}.{}".format, WORD, WORD, WORD, st.sampled_from(["com", "de", "co.kr"]))
DIGITS = st.integers(1_000_000, 9_999_999).map(str)
PHONES = st.builds("{}{}".format, st.sampled_from(["+49 30 ", "+1 555 ", "030/", "(030) ", "0171 "]), DIGITS)
AROUND = st.sampled_from(["{}", "call {}", "Anna <{}>", "{}, later"])
CONTACTS = st.lists(st.builds(str.format, AROUND, MAILS | PHONES), min_size=2, max_size=40, unique=True)


def asked(name: str) -> Any:
    made = feature(name, Topic.NEED, Dimension.FIT, category=True)
    return dataclasses.replace(made, family="answers", params=AnswerValue(question=name))


def with_columns(**columns: Any) -> tuple[Matrix, Catalog]:
    """The toy world with more categories; every one is asked for as an answer, too."""
    matrix = toy_matrix(500, seed=3)
    values = matrix.values.assign(**{name: pd.Series(texts, dtype="str") for name, texts in columns.items()})
    catalog = Catalog((*CATALOG, *map(asked, columns)))
    return dataclasses.replace(matrix, values=values, catalog=catalog), catalog


def write_bundle(matrix: Matrix, catalog: Catalog, folder: Path) -> str:
    """Everything that is fitted, in a folder; returns its files as one text."""

    def fit(kind: Any) -> Any:
        return kind.fit(matrix.values, matrix.label, matrix.weight, catalog=catalog, seed=1)

    small = BoosterCandidate({**DEFAULTS, "rounds": 4, "min_child_samples": 10}, boosters=1)
    learned: dict[str, Candidate] = {
        "booster": fit(small),
        "linear": fit(LinearCandidate()),
        "scorecard": fit(ScorecardCandidate()),
    }
    log_odds, parts = learned["booster"].explain(matrix.values)
    bundle = Bundle(
        meta={"horizon_days": 90, "rows": 500, "won": 150, "age_days": [float("nan")] * 2, "winner": "blend"},
        catalog=catalog,
        components=learned,
        weights={"booster": 0.4, "linear": 0.3, "scorecard": 0.3},
        calibration=Calibration(0.95, -0.1),
        interval=IntervalModel(0.0, np.array([[0.1, 0.01], [0.01, 0.02]]), 0.01),
        scale=Scale("s", -1.0),
        facts=build_facts(matrix),
        percentiles=np.quantile(log_odds, np.arange(101) / 100),
        questions=build_answer_tables(catalog, matrix.values, matrix.weight, parts),
        trained_on=build_reference_distribution(matrix, np.arange(500), np.arange(400, 500), log_odds[400:]),
    )
    save_bundle(bundle, folder)
    return "\n".join(json.dumps(json.loads(p.read_text()), ensure_ascii=False) if p.suffix == ".json" else p.read_text()
                     for p in folder.iterdir())  # fmt: skip


@settings(max_examples=6, deadline=None)
@given(contacts=CONTACTS, seed=st.integers(0, 100), share=st.sampled_from([0.05, 0.5, 1.0]))
def test_no_file_holds_an_address_or_a_number(
    tmp_path_factory: pytest.TempPathFactory, contacts: list[str], seed: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    few = np.where(rng.random(500) < share, rng.choice(contacts[:2], 500), rng.choice(["fair", "web"], 500))
    many = np.where(rng.random(500) < share, rng.choice(contacts, 500), [f"campaign {k % 35}" for k in range(500)])
    matrix, catalog = with_columns(reached_by=few, found_by=many)
    text = write_bundle(matrix, catalog, tmp_path_factory.mktemp("bundle"))
    assert "soon" in text and ("campaign 3" in text or share == 1.0)
    assert [one for one in contacts if one in text] == []
    lists = pd.Series([f"CRM; {one}" for one in few], name="interests")
    assert not set(frequent_items(lists)) & set(contacts)
    told = profile_values(matrix.values["reached_by"], WatchedColumn("reached_by", "category"))["levels"]
    assert not set(told) & set(contacts) and not set(read_segments(matrix.values, "reached_by")) & set(contacts)


@pytest.mark.parametrize("column", ["angelegt_von", "decision_maker", "person", "reached"])
def test_no_file_holds_a_name_of_a_column_of_names(tmp_path: Path, column: str) -> None:
    names = np.random.default_rng(0).choice(PEOPLE, 500)
    text = write_bundle(*with_columns(**{column: names}), tmp_path)
    assert column in text and [one for one in PEOPLE if one in text] == []


@pytest.mark.parametrize("column", ["client", "referred_by", "town", "industry"])
def test_companies_towns_and_titles_stay(tmp_path: Path, column: str) -> None:
    things = ["New York", "Google Ads", "Sales Manager", "Deutsche Bahn", "United States", "Software Development"]
    text = write_bundle(*with_columns(**{column: np.random.default_rng(0).choice(things, 500)}), tmp_path)
    assert [one for one in things if one not in text] == []


def test_a_fold_leaves_out_what_the_whole_leaves_out() -> None:
    rng = np.random.default_rng(0)
    values = pd.Series(rng.choice([*["ann@corp.com"] * 3, "fair", "web"], 400), name="reached_by", dtype="str")
    won, weight = (rng.random(400) < 0.4).astype(np.float64), np.ones(400)
    rows = np.arange(400)
    found = cross_fit_category(values, won, weight, [(rows, rows)])
    np.testing.assert_allclose(found, bin_category(values, won, weight).transform(values))
    alone = values == "ann@corp.com"
    assert len(set(found[alone.to_numpy()])) == 1 and "ann@corp.com" not in str(
        bin_category(values, won, weight).state()
    )


def test_who_buys_is_told_without_names() -> None:
    made, rng = toy_matrix(500, seed=3), np.random.default_rng(0)
    names = pd.Series(np.where(made.label == 1, PEOPLE[0], rng.choice(PEOPLE[1:], 500)), dtype="str")
    catalog = Catalog((*CATALOG, feature("decision_maker", Topic.AUTHORITY, Dimension.FIT, category=True)))
    matrix = dataclasses.replace(made, values=made.values.assign(decision_maker=names), catalog=catalog)
    told = str(judge_profiles(matrix, np.arange(500), Profile(), Resampling(100)))
    assert "soon" in told and [one for one in PEOPLE if one in told] == []
    rules = pd.DataFrame({f"rule_{name}": (rng.random(500) < 0.3).astype(float) for name in TRUE} | dict(matrix.values))
    missing = diagnose_rules(ledger(RUBRIC, rules), rules, catalog, made.label, np.ones(500), np.arange(500)).missing
    assert "visits" in str(missing) and [one for one in PEOPLE if one in str(missing)] == []


def test_segments_are_shown_without_names() -> None:
    made, rng = toy_matrix(500, seed=3), np.random.default_rng(0)
    own = {"angelegt_von": rng.choice(PEOPLE, 500), "found_by": rng.choice(["web", "fair", "ann@corp.com"], 500)}
    values = made.values.assign(**{name: pd.Series(texts, dtype="str") for name, texts in own.items()})
    columns = (feature(name, Topic.CONTEXT, Dimension.FIT, category=True) for name in own)
    found = segments_of(dataclasses.replace(made, values=values, catalog=Catalog((*CATALOG, *columns))))
    assert "angelegt von" not in found and set(found["found by"]) == {"web", "fair", OTHERS}
    assert set(found["title"]) == {"boss", "clerk", "student"}


@pytest.mark.parametrize(("column", "kept"), [("angelegt_von", False), ("territory", True)])
def test_no_line_of_a_segment_is_kept_by_a_name(tmp_path: Path, column: str, kept: bool) -> None:
    names = PEOPLE[:4] if not kept else ["North East", "Deutsche Bahn", "Bad Homburg", "web"]
    made, rng, tiny = toy_matrix(1600, seed=3), np.random.default_rng(0), TrainSettings.tiny()
    of = rng.integers(0, 4, 1600)
    won = (rng.random(1600) < np.array([0.05, 0.2, 0.5, 0.8])[of]).astype(np.float64)
    values = made.values.assign(**{column: pd.Series(np.array(names)[of], dtype="str")})
    catalog = Catalog((*CATALOG, feature(column, Topic.CONTEXT, Dimension.FIT, category=True)))
    matrix, chop = dataclasses.replace(made, values=values, label=won, catalog=catalog), toy_chop(1600)
    found = backtest_candidates(matrix, chop, tiny)
    decision = dataclasses.replace(decide(matrix, found, tiny), winner="linear", weights={"linear": 1.0})
    recipe = Recipe(backtest=found, decision=decision, settings=tiny)
    capacity = SnapshotCapacity(Capacity(share=0.1))
    segments = judge_segments(matrix, chop, found, common_model(recipe), tiny, feature=column, capacity=capacity)
    recipe = dataclasses.replace(recipe, decision=dataclasses.replace(decision, segments=segments))
    save_bundle(
        fit_bundle(matrix, chop.final.train, recipe, meta={"source": "toy", "horizon_days": 90}, facts={}), tmp_path
    )
    text = "\n".join(path.read_text() for path in tmp_path.iterdir())
    assert [one for one in names if one in text] == (names if kept else [])


def test_a_part_of_the_rows_leaves_out_what_the_whole_column_leaves_out() -> None:
    few = [*PEOPLE[:3], "Web", "Trade Fair"]  # seen alone these are names among other things, and stay
    names = pd.Series([*few * 80, *PEOPLE[3:] * 25], dtype="str")
    matrix, _ = with_columns(reached=names)
    rows, tiny = np.arange(400), TrainSettings.tiny()
    assert all(nameable("reached", few)) and not any(nameable("reached", sorted(names.unique())))

    kinds = {"linear": LinearCandidate(), "scorecard": ScorecardCandidate(), "booster": BoosterCandidate(boosters=1)}
    part = matrix.hide_people(matrix.take(rows))
    kept = [one.state() for one in fit_all(matrix, rows, lambda: kinds, tiny).values()]
    kept += [build_facts(part), build_reference_distribution(matrix, rows, rows[300:], np.zeros(100))]
    assert "reached" in str(kept) and [one for one in few if one in str(kept)] == []
    assert matrix.take(rows).values["reached"].tolist() == names[:400].tolist()
