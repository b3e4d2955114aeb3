"""The next question: worth nothing where it can change nothing, first where it can, the same alone and in a batch."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog.feature import Catalog, Feature, FeatureType
from features.schema.operations import AnswerValue
from features.schema.vocabulary import Dimension, Topic
from models.explaining.questions import MOST_ANSWERS, OTHER, AnswerTable, build_answer_tables, value_questions
from models.interfaces import Contributions

NAMES = ("answer_budget", "answer_seats", "visits")


def answer(name: str, question: str, kind: FeatureType) -> Feature:
    return Feature(
        name=name,
        family="answers",
        dimension=Dimension.FIT,
        topic=Topic.BUDGET,
        type=kind,
        when_empty=None,
        doc="An answer.",
        unit="as answered",
        known_when="when the answer was known",
        params=AnswerValue(question=question),
    )


CATALOG = Catalog((answer(NAMES[0], "budget", FeatureType.CATEGORY), answer(NAMES[1], "seats", FeatureType.NUMBER)))


def world(seed: int, rows: int = 500, effect: float = 1.0) -> tuple[pd.DataFrame, Contributions]:
    """Budget moves the score by ``effect``, seats hardly; who is silent is no matter of chance."""
    rng = np.random.default_rng(seed)
    standing = rng.normal(-1.5, 1.0, rows)
    rich = rng.random(rows) < 1 / (1 + np.exp(-standing))
    silent = rng.random(rows) < 0.4
    seats = np.where(rng.random(rows) < 0.5, rng.poisson(20, rows), np.nan)
    budget = pd.Series(np.where(rich, "yes", "no"), dtype="str").where(~pd.Series(silent))
    values = pd.DataFrame({NAMES[0]: budget, NAMES[1]: seats})
    parts = np.column_stack(
        [
            np.where(silent, -0.3, np.where(rich, effect, -effect / 2)),
            np.nan_to_num((seats - 20) * 0.001),
            standing,
        ]
    )
    return values, Contributions(NAMES, parts, 0.1)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(150, 600), effect=st.floats(0.05, 3.0))
def test_tables_are_shares_and_effects_against_the_mean_answer(seed: int, rows: int, effect: float) -> None:
    values, parts = world(seed, rows, effect)
    for table in build_answer_tables(CATALOG, values, np.ones(rows), parts):
        np.testing.assert_allclose(table.share.sum(axis=1), 1.0)
        np.testing.assert_allclose((table.share * table.effect).sum(axis=1), 0.0, atol=1e-12)
        assert len(table.edges) + 1 == len(table.share) and (np.diff(table.edges) > 0).all()
        again = AnswerTable.restore(table.state())
        np.testing.assert_array_equal(again.effect, table.effect)
        assert (again.question, again.values, again.answered) == (table.question, table.values, table.answered)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), reference=st.floats(-3, 2))
def test_worth_is_never_negative_nothing_once_answered_and_the_same_alone(seed: int, reference: float) -> None:
    values, parts = world(seed)
    tables = build_answer_tables(CATALOG, values, np.ones(len(values)), parts)
    worth = value_questions(tables, values, parts, reference, 14.4)
    for table in tables:
        found = worth[table.question]
        answered = values[table.feature].notna().to_numpy()
        for part in (found.gain, found.spread, found.crossing):
            assert (part >= 0).all() and (part[answered] == 0).all()
        assert (found.gain <= found.crossing).all()  # what cannot change the decision gains nothing
        row = 17
        alone = Contributions(parts.names, parts.values[[row]], parts.base)
        single = value_questions(tables, values.iloc[[row]], alone, reference, 14.4)[table.question]
        assert single.rank[0] == found.rank[row]


def test_the_question_whose_answer_matters_comes_first() -> None:
    values, parts = world(3, rows=2000, effect=2.0)
    worth = value_questions(build_answer_tables(CATALOG, values, np.ones(2000), parts), values, parts, 0.0, 14.4)
    both = values[list(NAMES[:2])].isna().all(axis=1).to_numpy()
    assert (worth["budget"].rank[both] > worth["seats"].rank[both]).mean() > 0.99
    near = both & (np.abs(parts.values.sum(axis=1) + 0.1) < 0.5)
    far = both & (parts.values.sum(axis=1) < -3.5)
    assert worth["budget"].gain[near].mean() > 5 * worth["budget"].gain[far].mean()


def test_effects_are_those_of_similar_leads() -> None:
    values, parts = world(5, rows=4000, effect=1.0)
    table = next(t for t in build_answer_tables(CATALOG, values, np.ones(4000), parts) if t.question == "budget")
    yes = table.values.index("yes")
    assert (np.diff(table.share[:, yes]) > 0).all()  # the better a lead stands, the likelier a yes
    gap = table.effect[:, yes] - table.effect[:, 1 - yes]
    np.testing.assert_allclose(gap, 1.5, atol=1e-9)


@pytest.mark.parametrize("rows", [30, 39])
def test_a_handful_of_answers_is_no_table(rows: int) -> None:
    values, parts = world(1, rows)
    assert build_answer_tables(CATALOG, values, np.ones(rows), parts) == ()


def test_rare_answers_are_one_class_and_a_question_the_model_ignores_keeps_its_shares() -> None:
    values, parts = world(2, 900)
    words = np.array([f"w{k:02d}" for k in range(60)])
    said = words[np.minimum(np.random.default_rng(0).geometric(0.12, 900) - 1, 59)]
    silent = Contributions(NAMES[1:], parts.values[:, 1:], parts.base)
    changed = values.assign(**{NAMES[0]: pd.Series(said, dtype="str")})
    table = build_answer_tables(CATALOG, changed, np.ones(900), silent)[0]
    assert len(table.values) == MOST_ANSWERS + 1 and OTHER in table.values
    assert not table.has_effect and table.share[:, table.values.index("w00")].mean() == pytest.approx(0.12, abs=0.05)
    assert not value_questions([table], values, silent, 0.0, 14.4)["budget"].rank.any()
