"""Reasons for people: a fact without its figures, a rate that goes with the sign, no gender, in three languages."""

import re
from typing import Any

import pytest

from features.catalog.feature import Catalog, Wording
from features.schema.source import Question
from features.schema.vocabulary import ColumnType, Dimension, Topic
from models.explaining.facts import build_facts
from models.explaining.language import load_language
from models.explaining.plain.plain_reasons import choose_reasons, compare_rates, plain_reason, say_answer, say_fact
from models.explaining.reasons import Reason, ReasonWriter
from models.explaining.wording.labels import translate_condition, translate_label, translate_value
from tests.reference.toy import CATALOG, feature, toy_matrix

MATRIX = toy_matrix(3000, seed=2)
FACTS = build_facts(MATRIX)
PAIN = Question(
    text="?", topic=Topic.NEED, type=ColumnType.NUMBER, minimum=0, maximum=10, met_minimum=6, label="stated pain"
)
ROLE = Question(text="?", topic=Topic.AUTHORITY, values=("uses", "recommends", "decides"), met=("decides",))
BUDGET = Question(text="?", topic=Topic.BUDGET, values=("none", "<10k", ">50k"), met=(">50k",))


def reason(name: str, value: Any, part: float, code: str = "en", catalog: Catalog = CATALOG) -> Reason:
    return Reason(name, part, value, ReasonWriter(catalog, FACTS, load_language(code)))


def test_a_plain_reason_says_the_fact_first_and_its_figures_only_behind_it() -> None:
    found = plain_reason(reason("title", "boss", 0.5), None, 10.0)
    assert found.says == "Title: boss" and found.points == 5.0 and found.helps
    assert found.figures.startswith("Title: boss (") and not re.search(r"\d", found.says)


@pytest.mark.parametrize("code", ["en", "ko", "pl"])
def test_a_rate_is_the_share_of_such_leads_that_won_and_goes_with_the_sign(code: str) -> None:
    levels, base = FACTS["title"]["levels"], FACTS["title"]["base"]
    for level, (rate, _) in levels.items():
        for part in (0.5, -0.5):
            said = compare_rates(reason("title", level or None, part, code))
            agrees = (rate > base) == (part > 0) and abs(rate - base) >= 0.01
            assert bool(said) == agrees
            if said:
                shown = [load_language(code).chance(share, 1 if share < 0.1 else 0) for share in (rate, base)]
                assert all(text in said for text in shown), said


def test_the_rate_of_a_side_of_a_threshold_counts_what_won_on_that_side() -> None:
    fact = FACTS["visits"]
    values, won = MATRIX.values["visits"], MATRIX.label
    above = (values >= fact["threshold"]).to_numpy(dtype=bool)
    rate, base = float(won[above].mean()), float(won.mean())
    part = 0.4 if rate > base else -0.4
    said = compare_rates(reason("visits", float(fact["threshold"]) + 1, part))
    english = load_language("en")
    assert english.chance(rate, 1 if rate < 0.1 else 0) in said and english.chance(base, 1 if base < 0.1 else 0) in said


def test_one_reason_a_topic_and_those_that_tell_leads_apart_first() -> None:
    names = [one.name for one in CATALOG]
    reasons = [reason(name, 5.0 if name == "visits" else "boss" if name == "title" else 1.0, 0.4) for name in names]
    chosen = choose_reasons(reasons, None, 10.0, helps=True, count=3)
    topics = [CATALOG[one.feature].topic for one in chosen if one.compares]
    assert len(topics) == len(set(topics))
    empty = [not one.compares for one in chosen]
    assert empty == sorted(empty), "reasons without a rate come last"
    assert choose_reasons(reasons, None, 10.0, helps=False, count=3) == []


@pytest.mark.parametrize("helps", [True, False])
def test_what_moves_the_score_by_less_than_is_printed_is_no_reason(helps: bool) -> None:
    side = 1 if helps else -1
    small, clear = reason("title", "boss", 0.004 * side), reason("visits", 5.0, 0.01 * side)
    assert [one.feature for one in choose_reasons([small, clear], None, 10.0, helps=helps, count=3)] == ["visits"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("economic_buyer_missing", 0.0, "Somebody who signs is known"),
        ("economic_buyer_missing", 1.0, "Nobody who signs is known"),
        ("free_mailbox", 1.0, "Writes from a private mailbox"),
        ("other_flag", 1.0, "Other flag: yes"),
        ("other_flag", None, "No other flag on record"),
    ],
)
def test_a_flag_says_what_it_means(name: str, value: float | None, said: str) -> None:
    flag = feature(name, Topic.NEED, Dimension.FIT, wording=Wording.FLAG)
    assert say_fact(reason(name, value, 0.3, catalog=Catalog((flag,))), None) == said


def test_answers_are_sentences_without_a_gender() -> None:
    english, polish, korean = (load_language(code) for code in ("en", "pl", "ko"))
    assert say_answer(english, PAIN, "stated pain", 9.0) == "Says the pain is 9 of 10"
    assert say_answer(english, ROLE, "role", "recommends") == "Recommends, does not decide"
    assert say_answer(english, BUDGET, "budget", "<10k") == "Says the budget is under 10k"
    assert say_answer(polish, BUDGET, "budget", ">50k") == "Podaje budżet: ponad 50k"
    assert say_answer(korean, ROLE, "role", "decides") == "직접 결정합니다"
    for language in (english, polish, korean):
        for question, value in ((PAIN, 7.0), (ROLE, "decides"), (ROLE, "uses"), (BUDGET, "none")):
            said = say_answer(language, question, "label", value)
            assert not re.search(r"\b(he|she|his|her|on|ona|jego|jej|powiedział|powiedziała)\b", said, re.IGNORECASE)


def test_composed_labels_values_and_conditions_are_translated_by_their_parts() -> None:
    polish = load_language("pl")
    assert translate_label(polish, "downloads in 90 days") == "pobrania w ciągu 90 dni"
    assert translate_label(polish, "age of the answer on stated pain") == "wiek odpowiedzi: podana potrzeba"
    assert translate_label(polish, "a column of yours") == "a column of yours", (
        "what no catalog knows stays as declared"
    )
    assert translate_value(polish, "7 to 10") == "od 7 do 10" and translate_value(polish, "c_level") == "zarząd"
    said = translate_condition(polish, "industry is retail; the ideal customer has software or finance")
    assert said == "branża: handel detaliczny (idealny klient: oprogramowanie / finanse)"
