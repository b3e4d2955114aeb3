"""Groups of leads a model is judged by: what they are called, and how well each is ordered."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog.families.job_titles import job_function, seniority
from features.catalog.families.title_forms import TITLE_FORMS, find_unequal_forms
from features.errors import SourceError
from features.schema.load_source import parse_source
from models.judging.cluster_bootstrap import Resampling, interval
from models.judging.evaluation.auc_interval import clustered_auc
from models.judging.evaluation.metrics import auc, metric_draws
from models.judging.evaluation.reliability_tables import calibration_by
from models.judging.handoff.segments import OTHERS, SEGMENT_VALUES, name_sizes, slices_of
from tests.reference.toy import toy_matrix

FLAT = """
name: toy
kind: flat
flat: {{target: {{column: outcome, won: ["yes"], lost: ["no"]}}}}
slices: [{named}]
tables:
  leads:
    location: {{file: leads.csv}}
    columns:
      lead_id: {{from: id}}
      outcome: {{from: won, role: display}}
      language: {{from: language, role: display}}
      secret: {{from: secret, role: ignore, excluded_because: not needed}}
"""


@given(st.integers(0, 2**32 - 1), st.integers(4, 60), st.integers(1, 30), st.integers(2, 9))
def test_the_area_is_that_of_every_pair(seed: int, rows: int, groups: int, values: int) -> None:
    rng = np.random.default_rng(seed)
    won = rng.integers(0, 2, rows).astype(np.float64)
    score = rng.integers(0, values, rows).astype(np.float64)
    area, span = clustered_auc(won, score, rng.integers(0, groups, rows))
    pairs = [(a > b) + (a == b) / 2 for a in score[won == 1] for b in score[won == 0]]
    assert area == pytest.approx(np.mean(pairs)) if pairs else np.isnan(area)
    assert np.isnan(span.low) or 0 <= span.low <= area <= span.high <= 1


@pytest.mark.parametrize("seed", range(4))
def test_the_interval_is_as_wide_as_that_of_resampled_groups(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group, chance = np.repeat(np.arange(200), 5), rng.normal(size=200)
    score = chance[group] + 0.1 * rng.normal(size=1000)
    won = (rng.random(200) < 1 / (1 + np.exp(1.0 - chance)))[group].astype(np.float64)  # an account is won as a whole
    area, span = clustered_auc(won, score, group)
    drawn = metric_draws(won, {"it": score}, np.ones(1000), group, Resampling(400, seed=1))["it"]["auc"]
    resampled = interval(drawn)
    assert area == pytest.approx(auc(won, score, np.ones(1000)))
    assert span.high - span.low == pytest.approx(resampled.high - resampled.low, rel=0.25)
    alone = clustered_auc(won, score, np.arange(1000))[1]
    assert alone.high - alone.low < 0.7 * (span.high - span.low), "rows of one account are no independent ones"


def test_a_segment_without_a_win_is_not_outside_of_what_few_rows_allow() -> None:
    matrix = toy_matrix(600, seed=5)
    matrix = replace(matrix, label=np.zeros(600))
    found = calibration_by(matrix, np.full(600, -6.0), {"half": pd.Series(["a", "b"] * 300)}, Resampling(50))
    assert [row["won"] for row in found] == [0, 0]
    assert all(row["inside"] and row["ci"][0] == 0.0 < row["ci"][1] < 0.02 for row in found)


def test_one_group_of_winners_has_no_interval() -> None:
    area, span = clustered_auc(np.array([1.0, 1, 0, 0]), np.array([3.0, 4, 1, 2]), np.array([7, 7, 1, 2]))
    assert area == 1 and np.isnan([span.low, span.high]).all()


def test_sizes_stand_in_bands_and_unknown_stays_unknown() -> None:
    found = name_sizes(pd.Series([1, 9, 10, 249, 250, 1000, np.nan], index=[3, 1, 4, 1, 5, 9, 2]))
    assert found.tolist()[:6] == ["1 to 9", "1 to 9", "10 to 49", "50 to 249", "250 to 999", "1,000 and more"]
    assert pd.isna(found.iloc[6]) and found.index.tolist() == [3, 1, 4, 1, 5, 9, 2]


def test_a_declared_slice_keeps_the_frequent_values_and_gathers_the_others() -> None:
    keys = pd.DataFrame({"lead_id": [f"L{k}" for k in range(100)]})
    values = pd.Series([f"v{int(k**0.5 * 2)}" for k in range(100)], index=keys["lead_id"])
    renewed = pd.concat([values, pd.Series(["new"], index=["L99"])])
    found = slices_of(keys, renewed, "lead_id")
    assert found is not None and found.nunique() == SEGMENT_VALUES and (found == OTHERS).any()
    assert len(found) == 100 and slices_of(keys, values.map(lambda _: "one"), "lead_id") is None


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("language", "'language' is no column of leads or accounts"),
        ("leads.langauge", "declare: lead_id, outcome, language"),
        ("leads.secret", "'leads.secret', which is not declared or ignored"),
        ("accounts.country", "accounts declare: none"),
    ],
)
def test_a_slice_that_is_not_there_is_refused_with_what_is(named: str, said: str) -> None:
    assert parse_source(FLAT.format(named="leads.language")).slices == ("leads.language",)
    with pytest.raises(SourceError, match=said):
        parse_source(FLAT.format(named=named))


def test_titles_of_women_and_men_are_read_alike() -> None:
    assert find_unequal_forms() == []
    assert seniority("Assistent der Geschäftsführung") == seniority("Assistentin der Geschäftsführung") == "junior"
    assert job_function("Consejera delegada") == "general_management"
    read = [pair for pair in TITLE_FORMS if seniority(pair[0]) is not None]
    assert len(read) > 0.8 * len(TITLE_FORMS), "pairs that nothing is read from show nothing"
