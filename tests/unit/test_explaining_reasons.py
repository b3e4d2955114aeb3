"""Reasons read well, carry numbers, and never speak against their sign."""

import re

import numpy as np
import pandas as pd
import pytest

from features.catalog.feature import Catalog, Wording
from features.schema.vocabulary import Dimension, Topic
from models.candidates.linear import LinearCandidate
from models.explaining.facts import build_facts
from models.explaining.reasons import ReasonWriter, top_reasons
from models.interfaces import Contributions
from tests.reference.toy import CATALOG, feature, toy_matrix

FACTS = build_facts(toy_matrix(3000, seed=2))


@pytest.mark.parametrize(
    ("name", "value", "part", "expected"),
    [
        ("visits", 0.0, -0.4, "no visits ("),
        ("visits", 5.0, 0.4, "5 visits ("),
        ("budget", np.nan, -0.2, "no budget on record"),
        ("title", "boss", 0.5, "title: boss ("),
        ("title", None, 0.5, "no title on record"),
        ("title", "astronaut", 0.5, "title: astronaut"),
    ],
)
def test_sentences_by_kind_of_feature(name: str, value: object, part: float, expected: str) -> None:
    assert ReasonWriter(CATALOG, FACTS).text(name, value, part).startswith(expected)


def test_a_comparison_appears_only_where_it_agrees_with_the_sign() -> None:
    words, compared = ReasonWriter(CATALOG, FACTS), 0
    for value in np.linspace(-2, 2, 9):
        for part in (0.3, -0.3):
            text = words.text("pain", float(value), part)
            shares = re.findall(r"(\d+)% of ([\d,]+)", text)
            compared += len(shares)
            assert not shares or (int(shares[0][0]) > int(shares[1][0])) == (part > 0), text
            assert not shares or sum(int(n.replace(",", "")) for _, n in shares) == 3000  # leads behind it
    assert compared >= 9
    assert "%" in words.text("title", "boss", 0.3)  # bosses win more often here ...
    assert "%" not in words.text("title", "boss", -0.3)  # ... so the rate would contradict a minus


def test_facts_hold_what_the_rows_say() -> None:
    matrix = toy_matrix(3000, seed=2)
    won, lost = matrix.label == 1, matrix.label == 0
    fact = FACTS["pain"]
    pain = matrix.values["pain"].to_numpy()
    assert fact["won_share"] == pytest.approx((pain[won] >= fact["threshold"]).mean())
    assert fact["lost_share"] == pytest.approx((pain[lost] >= fact["threshold"]).mean())
    assert FACTS["budget"]["won_missing"] == pytest.approx(np.isnan(matrix.values["budget"].to_numpy()[won]).mean())
    rate, leads = FACTS["title"]["levels"]["boss"]
    boss = (matrix.values["title"] == "boss").to_numpy()
    assert leads == boss.sum()
    assert rate == pytest.approx(matrix.label[boss].mean(), abs=0.02)  # shrunk a little towards the base rate


def test_top_reasons_are_the_largest_and_marked_with_their_sign() -> None:
    matrix = toy_matrix(400, seed=6)
    fitted = LinearCandidate().fit(matrix.values, matrix.label, matrix.weight, catalog=CATALOG, seed=0)
    found = fitted.contributions(matrix.values)
    texts = top_reasons(ReasonWriter(CATALOG, FACTS), found, matrix.values)
    for i, row in enumerate(texts):
        order = np.argsort(-np.abs(found.values[i]), kind="stable")[:3]
        signs = ["+" if found.values[i, k] > 0 else "-" for k in order]
        assert [text[0] for text in row] == signs


def test_the_missing_age_of_an_answer_is_no_reason_of_its_own() -> None:
    catalog = Catalog((feature("answer_age", Topic.BUDGET, Dimension.FIT, wording=Wording.AGE, unit="days"),))
    words = ReasonWriter(catalog, {})
    values = pd.DataFrame({"answer_age": [np.nan, 3.0]})
    found = Contributions(("answer_age",), np.array([[-0.5], [-0.5]]), 0.0)
    assert top_reasons(words, found, values)[0] == ["", "", ""]
    assert top_reasons(words, found, values)[1][0] == "- answer age: 3 days"
    assert words.reasons({"answer_age": np.nan}, ("answer_age",), np.array([-0.5])) == []
