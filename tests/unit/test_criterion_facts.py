"""Under a criterion the stated answer comes first with its own points; a sentence says why status and points differ."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.explaining.criterion_facts import StatedAnswer, explain_difference, list_facts
from models.explaining.evidence import next_questions
from models.explaining.language import ENGLISH, load_language
from models.explaining.reasons import Reason, ReasonWriter
from models.scored_leads import Scored
from models.scoring import score
from pipelines.scoring.find_lead import find_bundle
from pipelines.scoring.next_questions import load_open_leads

UNIT = 10.0


def answer(points: float, value: str = "uses", *, expired: bool = False, has_rule: bool = True) -> StatedAnswer:
    return StatedAnswer(
        question="decision_role",
        feature="answer_decision_role",
        label="role in the decision",
        value=value,
        points=points,
        age_days=3.0,
        expired=expired,
        has_rule=has_rule,
    )


@pytest.fixture(scope="module")
def scored(tiny_demo: Any) -> Scored:
    context = tiny_demo.context
    bundle = find_bundle(context)
    leads = load_open_leads(context, bundle)
    return score(bundle, leads, context.framework, source=context.source, policy=context.policy)


@pytest.fixture
def writer(scored: Scored) -> ReasonWriter:
    return scored.writer


def reasons(writer: ReasonWriter, **contributions: float) -> list[Reason]:
    return [Reason(name, part, None, writer) for name, part in contributions.items()]


def test_the_answer_is_first_however_small_its_points(writer: ReasonWriter) -> None:
    found = reasons(writer, job_title_seniority=0.9, answer_decision_role=-0.01, account_employees=0.2)
    facts = list_facts([answer(-0.1)], found, UNIT, ENGLISH)
    assert [fact["stated"] for fact in facts] == [True, False]
    assert facts[0]["points"] == -0.1 and facts[1]["points"] == 9.0
    alone = list_facts([answer(0.0)], found[:1], UNIT, ENGLISH)
    assert alone[0]["text"] == "role in the decision: uses" and len(alone) == 2
    assert [fact["stated"] for fact in list_facts([], found, UNIT, ENGLISH)] == [False, False]


@pytest.mark.parametrize(("points", "sign"), [(0.0, "="), (0.04, "="), (-0.04, "="), (0.06, "+"), (-0.06, "-")])
def test_what_prints_as_no_points_speaks_neither_for_nor_against(
    writer: ReasonWriter, points: float, sign: str
) -> None:
    said, other = list_facts([answer(points)], reasons(writer, account_employees=points / UNIT), UNIT, ENGLISH)[:2]
    assert said["sign"] == other["sign"] == sign


def test_every_sign_on_a_card_is_that_of_the_points_beside_it(scored: Scored) -> None:
    signs = set()
    for at in range(20):
        for row in scored.card(at)["criteria"]:
            for fact in row["facts"]:
                shown = "+" if fact["points"] > 0 else "-" if fact["points"] < 0 else "="
                assert fact["sign"] == shown, fact
                signs.add(shown)
    assert {"+", "-"} <= signs


@pytest.mark.parametrize(
    ("status", "points", "own", "others", "said"),
    [
        (
            "not_met",
            11,
            -1.0,
            0.9,
            "What was said speaks against it (role in the decision: uses); {title} speak for it.",
        ),
        ("not_met", 4, 4.0, 0.0, "yet leads who answer so win more often than the others."),
        ("not_met", 9, 3.0, 0.6, "{title} speak for it too."),
        ("not_met", 3, -0.4, 0.0, "(role in the decision: uses); other facts together outweigh it."),
        ("met", -3, 0.4, 0.0, "(role in the decision: uses); other facts together outweigh it."),
        ("met", -5, 0.2, -0.6, "What was said meets it (role in the decision: uses); {title} speak against it."),
        ("met", -2, -2.0, 0.0, "yet leads who answer so win less often than the others."),
        ("met", -8, -2.0, -0.6, "{title} speak against it too."),
        ("not_met", 0, 0.0, 0.1, None),
        ("not_met", -4, -4.0, 0.0, None),
        ("met", 3, 3.0, 0.0, None),
        ("unknown", 7, 0.0, 0.7, None),
        ("indicated", -7, 0.0, -0.7, None),
    ],
)
def test_one_sentence_where_status_and_points_differ(
    status: str, points: int, own: float, others: float, said: str | None, writer: ReasonWriter
) -> None:
    found = reasons(writer, job_title_seniority=others, answer_decision_role=own / UNIT)
    text = explain_difference(status, points, [answer(own)], found, UNIT, ENGLISH)
    title = found[0].label
    assert text == "" if said is None else said.format(title=title) in text
    for code in ("ko", "pl"):
        other = explain_difference(status, points, [answer(own)], found, UNIT, load_language(code))
        assert (other == "") == (said is None) and (said is None or (other != text and title in other) or others == 0)


def test_the_sentence_names_the_answer_that_decides_and_the_others_outweigh_it(writer: ReasonWriter) -> None:
    """A younger answer to a question without a rule decides nothing: it is one of the facts beside."""
    free = dataclasses.replace(
        answer(8.0, "Contoso", has_rule=False), question="pain", feature="answer_pain", label="pain"
    )
    found = reasons(writer, answer_pain=0.8, answer_decision_role=-0.1)
    text = explain_difference("not_met", 7, [free, answer(-1.0)], found, UNIT, ENGLISH)
    assert text.startswith("What was said speaks against it (role in the decision: uses); ")
    assert found[0].label in text and "Contoso" not in text
    old = answer(-3.0, "old", expired=True)
    assert "uses" in explain_difference("met", -2, [old, free, answer(1.0)], found, UNIT, ENGLISH)


@given(
    status=st.sampled_from(("met", "not_met")),
    points=st.integers(-30, 30),
    own=st.floats(-20, 20),
    others=st.lists(st.floats(-2, 2), max_size=3),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_is_said_to_win_more_often_against_the_sign_of_the_answer(
    status: str, points: int, own: float, others: list[float], writer: ReasonWriter
) -> None:
    names = ("job_title_seniority", "account_employees", "account_industry")
    found = reasons(writer, answer_decision_role=own / UNIT, **dict(zip(names, others, strict=False)))
    text = explain_difference(status, points, [answer(own)], found, UNIT, ENGLISH)
    assert "win more often" not in text or own > 0
    assert "win less often" not in text or own < 0


def test_every_card_names_the_answer_first_and_explains_every_contradiction(scored: Scored) -> None:
    differing = 0
    for row in range(len(scored.columns["lead_id"])):
        for item in scored.card(row)["criteria"]:
            if "status" not in item:
                continue
            facts, status, points = item["facts"], item["status"], item["points"]
            if status in ("met", "not_met"):
                assert facts[0]["stated"] and facts[0]["question"]
            first_other = next((k for k, fact in enumerate(facts) if not fact["stated"]), len(facts))
            assert not any(fact["stated"] for fact in facts[first_other:])
            differs = (status == "met" and points <= -1) or (status == "not_met" and points >= 1)
            assert bool(item["differs"]) == differs
            differing += differs
    assert differing > 5


def test_a_question_no_answer_of_which_is_felt_is_not_asked_next(scored: Scored) -> None:
    source = scored.source
    assert source is not None
    by_text = {question.text: name for name, question in source.questions.items()}
    actions, unfelt = scored.columns["next_action"].tolist(), 0
    for row, text in enumerate(scored.columns["question"].tolist()):
        card = scored.card(row)
        worth = scored.worth.get(by_text.get(text, ""))
        if worth is None:
            continue
        topic = source.questions[by_text[text]].topic
        felt = worth.spread[row] >= 1 or worth.crossing[row] > 0 or scored.raising[topic][row]
        assert card["question_felt"] == felt and card["question_points"] == round(float(worth.spread[row]), 1)
        assert felt or actions[row] == "ask", "only where the policy says to ask is an idle question named at all"
        unfelt += not felt
    assert "" in scored.columns["question"], "some leads have nothing left to ask that is worth it"
    quiet = np.zeros(len(actions), dtype=bool)
    alone = next_questions(scored.evidence, scored.framework, source, scored.worth, scored.raising, quiet)
    assert (alone == "").sum() == (scored.columns["question"] == "").sum() + unfelt
