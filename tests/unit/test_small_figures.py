"""Few leads are told as few: counts are counts, certainty is never shown, borders read as a person writes them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bundle import Bundle
from models.calibration.evidence_limits import EvidenceLimits
from models.calibration.interval import IntervalModel
from models.candidates.linear import LinearCandidate
from models.encoding.bins import NumberBins
from models.encoding.round_edges import edge_words
from models.explaining.facts import build_facts
from models.explaining.language import language_codes, load_language
from models.explaining.reasons import ReasonWriter
from models.interfaces import Calibration, Scale
from models.judging.drift.reference_distribution import bin_labels
from models.logistic import sigmoid
from tests.reference.toy import CATALOG, toy_matrix


def test_a_level_of_which_none_won_says_none_and_its_true_number() -> None:
    matrix = toy_matrix(600, seed=3)
    title = np.where(np.arange(600) < 56, "intern", "boss").astype(object)
    label = np.where(np.arange(600) < 56, 0.0, (np.arange(600) % 5 == 0).astype(float))
    values = matrix.values.assign(title=pd.Series(title, dtype="str"))
    words = ReasonWriter(CATALOG, build_facts(replace(matrix, values=values, label=label, weight=np.ones(600))))
    text = words.text("title", "intern", -0.5)
    assert "(none of 56 such leads won, " in text, text

    label[3] = 1.0
    words = ReasonWriter(CATALOG, build_facts(replace(matrix, values=values, label=label, weight=np.ones(600))))
    assert "(1.8% of 56 such leads won, " in words.text("title", "intern", -0.5)  # one of 56, not one and a smoothing


def test_fewer_leads_than_a_rate_needs_are_no_rate_even_where_the_value_is_missing() -> None:
    matrix = toy_matrix(600, seed=3)
    title = pd.Series(["boss"] * 600, dtype="str").where(np.arange(600) >= 4)
    words = ReasonWriter(CATALOG, build_facts(replace(matrix, values=matrix.values.assign(title=title))))
    assert words.text("title", None, 0.5) == "no title on record"


@pytest.mark.parametrize("code", language_codes())
def test_none_and_all_are_words_of_every_language(code: str) -> None:
    language = load_language(code)
    for text in (" (none of {leads} such leads won, {base} of all)", " (all of {leads} such leads won, {base} of all)"):
        assert code == "en" or language.text(text, leads="5", base="1%") != text.format(leads="5", base="1%")


def bundle(**meta: object) -> Bundle:
    matrix = toy_matrix(400, seed=6)
    fitted = LinearCandidate().fit(matrix.values, matrix.label, matrix.weight, catalog=CATALOG, seed=0)
    return Bundle(
        meta={"horizon_days": 90, **meta},
        catalog=CATALOG,
        components={"linear": fitted},
        weights={"linear": 1.0},
        calibration=Calibration(slope=40.0),
        interval=IntervalModel(0.0, np.zeros((2, 2)), 0.0),
        scale=Scale("s", -1.0),
        facts={},
        percentiles=np.zeros(101),
    )


def test_a_bundle_promises_no_more_than_its_leads_bear_out() -> None:
    values, sure = toy_matrix(200, seed=9).values, bundle(won_leads=120, lost_leads=280)
    probability, low, high = sure.probability(values)
    assert probability.max() == 1 - 0.5 / 121 and low.max() == pytest.approx(0.05 ** (1 / 120))
    assert probability.min() == 0.5 / 281 and high.min() == pytest.approx(1 - 0.05 ** (1 / 280))
    assert (low <= probability).all() and (probability <= high).all()
    np.testing.assert_array_equal(sure.log_odds(values), bundle().log_odds(values))  # the order and the points stay
    assert "100.0%" not in {load_language("en").chance(p) for p in (*probability, *low)}


def test_an_older_bundle_is_held_by_its_rows() -> None:
    assert bundle(rows=400, won=120).limits == EvidenceLimits(120, 280)
    assert bundle().limits == EvidenceLimits()


@given(
    st.integers(0, 10**6), st.integers(0, 10**6), st.lists(st.floats(-60, 60), min_size=1, max_size=5), st.floats(0, 9)
)
def test_bounds_enclose_the_probability_for_any_number_of_leads(
    won: int, lost: int, log_odds: list[float], reach: float
) -> None:
    z = np.array(log_odds)
    p, low, high = EvidenceLimits(won, lost).apply(sigmoid(z), sigmoid(z - reach), sigmoid(z + reach))
    assert (low <= p).all() and (p <= high).all()
    assert not won or (p < 1).all()
    assert not lost or (p > 0).all()


def test_what_is_not_certain_is_never_written_as_certain() -> None:
    english = load_language("en")
    assert [english.chance(p) for p in (0.99951, 0.9994, 0.00049, 1.0)] == [">99.9%", "99.9%", "<0.1%", "100.0%"]
    assert english.chance(0.997, 0) == ">99%" and english.chance(0.002, 0) == "<1%"
    assert [english.chance(p, 0) for p in (1 / 200, 199 / 200, 0.015)] == ["<1%", ">99%", "2%"]
    assert [english.chance(p) for p in (0.0005, 0.9995, 0.9985)] == ["0.1%", ">99.9%", "99.9%"]


def test_borders_are_written_as_a_person_would_and_stay_exact() -> None:
    bins = NumberBins((3.30096, 3.97494, 12.4071, 1e6))
    assert bins.labels() == [
        "3.3 or less",
        "over 3.3 to 4.0",
        "over 4.0 to 12",
        "over 12 to 1,000,000",
        "over 1,000,000",
        "missing",
    ]
    assert bins.codes(pd.Series([3.30096, 3.301, np.nan])).tolist() == [0, 1, 5]
    assert bin_labels({"kind": "number", "edges": [3.30096]}) == ["up to 3.3", "over 3.3", "missing"]


@given(st.lists(st.floats(-1e18, 1e18), min_size=1, max_size=8, unique=True).map(sorted))
def test_different_borders_never_read_the_same(edges: list[float]) -> None:
    words = edge_words(edges)
    assert len(set(words)) == len(edges)
    assert sorted(words, key=lambda word: float(word.replace(",", ""))) == words
