"""The bars always sum to the score, under every framework, clipped or not."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.schema.vocabulary import Topic
from models.explaining.framework import framework_names, load_framework, parse_framework
from models.explaining.points import BASE, CLIP, compute_bars, context_share, round_to_totals, sum_by_criterion
from models.interfaces import Contributions, Scale
from tests.reference.toy import CATALOG

FINITE = st.floats(-8, 8, allow_nan=False)


@given(
    parts=st.lists(st.lists(FINITE, min_size=6, max_size=6), min_size=1, max_size=8),
    base=FINITE,
    reference=st.floats(-5, 2),
    pdo=st.sampled_from([10.0, 7.3, 1.0]),
    framework=st.sampled_from(framework_names()),
)
@example(parts=[[0.0] * 6], base=-1.0, reference=-1.0, pdo=10.0, framework="bant")  # nothing moves the score: 50
@example(parts=[[9.0] * 6], base=0.0, reference=0.0, pdo=10.0, framework="bant")  # clipped at 100
@example(parts=[[-9.0] * 6], base=0.0, reference=0.0, pdo=10.0, framework="champ")  # clipped at 0
@example(parts=[[np.log(2) / 20] * 6], base=0.0, reference=0.0, pdo=10.0, framework="meddicc")  # halves everywhere
@settings(max_examples=150, deadline=None)
def test_bars_sum_to_the_score(
    parts: list[list[float]], base: float, reference: float, pdo: float, framework: str
) -> None:
    found = Contributions(CATALOG.names, np.array(parts), base)
    shown = compute_bars(found, CATALOG, load_framework(framework), Scale("s", reference, pdo))
    assert (50 + shown.points.sum(axis=1) == shown.score).all()
    assert ((shown.score >= 0) & (shown.score <= 100)).all()
    assert shown.names[0] == BASE and shown.names[-1] == CLIP
    inside = (shown.exact >= 0) & (shown.exact <= 100)
    assert (shown.points[inside, -1] == 0).all()
    exact = 50 + (found.log_odds - reference) * pdo / np.log(2)
    np.testing.assert_allclose(shown.exact, exact, atol=1e-9)
    np.testing.assert_allclose(shown.score, np.rint(np.clip(exact, 0, 100)), atol=1)


@given(st.lists(st.lists(FINITE, min_size=5, max_size=5), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_rounding_moves_no_bar_by_a_whole_point(parts: list[list[float]]) -> None:
    exact = np.array(parts) * 7.0
    totals = np.rint(exact.sum(axis=1)).astype(np.int64)
    shown = round_to_totals(exact, totals)
    assert (shown.sum(axis=1) == totals).all()
    assert (np.abs(shown - exact) < 1.0 + 1e-9).all()


def test_the_same_lead_has_the_same_total_under_every_framework() -> None:
    found = Contributions(CATALOG.names, np.random.default_rng(0).normal(size=(50, 6)), -1.0)
    scale = Scale("s", -1.0)
    scores = {name: compute_bars(found, CATALOG, load_framework(name), scale).score for name in framework_names()}
    assert all((score == scores["bant"]).all() for score in scores.values())
    totals = {name: sum_by_criterion(found, CATALOG, load_framework(name)).sum(axis=1) for name in framework_names()}
    for total in totals.values():
        np.testing.assert_allclose(total, totals["bant"], atol=1e-12)


@pytest.mark.parametrize("name", framework_names())
def test_every_framework_takes_every_topic_once(name: str) -> None:
    framework = load_framework(name)
    assert framework.name == name, f"{name}.yaml says name: {framework.name}, and it is found by the file's name"
    homes = [framework.criterion_of(topic) for topic in Topic if topic is not Topic.CONTEXT]
    assert set(homes) == set(framework.ids)
    assert framework.tradeoff, f"{name}.yaml has no tradeoff, a sentence on what it is good for and what not"


def test_frameworks_that_leave_out_or_repeat_a_topic_are_refused() -> None:
    from features.errors import PolicyError

    lines = ["name: own", "title: Own", "criteria:", "  all: {label: All, topics: [budget, need]}"]
    with pytest.raises(PolicyError, match="no criterion has authority"):
        parse_framework("\n".join(lines))
    with pytest.raises(PolicyError, match=r"budget.*appears twice"):
        parse_framework("\n".join([*lines, "  more: {label: More, topics: [budget]}"]))
    with pytest.raises(PolicyError, match="line 4"):
        parse_framework("\n".join([*lines[:3], "  all: {label: All, topics: [gold]}"]))


def test_context_share_counts_only_what_no_criterion_takes() -> None:
    values = np.array([[1.0, 1.0, 1.0, 2.0, 0.0, 0.0]])  # 'noise' is context
    assert context_share(Contributions(CATALOG.names, values, 0.0), CATALOG, load_framework("bant")) == 0.4
