"""The stability index: zero for what is the same, as the slow oracle says, and silent where only chance speaks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.judging.drift.psi import independent_units, noise_bound, psi
from models.judging.drift.reference_distribution import bin_labels, codes_of, shares
from models.judging.drift.reference_distribution import describe_category as category
from models.judging.drift.reference_distribution import describe_number as number
from tests.reference.drift_oracle import category_shares_slowly, deciles_slowly, number_shares_slowly, psi_slowly

COUNTS = st.lists(st.integers(0, 40), min_size=2, max_size=12).filter(lambda counts: sum(counts) > 0)
NUMBERS = st.lists(st.one_of(st.none(), st.sampled_from([-1.0, 0.0, 0.0, 0.5, 3.0, 1e9])), min_size=1, max_size=60)
WORDS = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "", "ż", "very rare"])), min_size=1, max_size=60)


@given(counts=COUNTS, factor=st.integers(1, 50))
def test_the_same_shares_have_index_zero_whatever_the_numbers(counts: list[int], factor: int) -> None:
    share = np.array(counts) / sum(counts)
    assert psi(share, share.copy(), sum(counts), factor * sum(counts)) == 0.0


@given(data=st.data(), size=st.integers(2, 10))
def test_the_index_is_that_of_the_oracle_symmetric_and_never_negative(data: st.DataObject, size: int) -> None:
    both = [
        data.draw(st.lists(st.integers(0, 30), min_size=size, max_size=size).filter(lambda c: sum(c) > 0))
        for _ in range(2)
    ]
    (n, m), (before, after) = [sum(c) for c in both], [np.array(c) / sum(c) for c in both]
    found = psi(before, after, n, m)
    assert found == pytest.approx(psi_slowly(before.tolist(), after.tolist(), n, m))
    assert found == pytest.approx(psi(after, before, m, n))
    assert found >= -1e-12 and (found > 0 or np.allclose(before, after) or min(n, m) == 1)


@settings(deadline=None)
@given(before=NUMBERS, after=NUMBERS)
def test_numbers_are_binned_as_the_oracle_bins_them(before: list[float | None], after: list[float | None]) -> None:
    profile = number(np.array(before, dtype=np.float64))
    assert profile["edges"] == deciles_slowly(before)
    assert profile["shares"] == pytest.approx(number_shares_slowly(before, profile["edges"]))
    codes = codes_of(profile, pd.Series(after, dtype="float64"))
    found = shares(codes, len(profile["shares"]))
    assert found == pytest.approx(number_shares_slowly(after, profile["edges"]))
    assert len(bin_labels(profile)) == len(found)


@settings(deadline=None)
@given(before=WORDS, after=WORDS)
def test_categories_are_binned_as_the_oracle_bins_them(before: list[str | None], after: list[str | None]) -> None:
    profile = category(pd.Series(before, dtype="str"))
    assert profile["shares"] == pytest.approx(category_shares_slowly(before, profile["levels"]))
    found = shares(codes_of(profile, pd.Series(after, dtype="str")), len(profile["shares"]))
    assert found == pytest.approx(category_shares_slowly(after, profile["levels"]))
    assert len(bin_labels(profile)) == len(found)


@pytest.mark.parametrize(("rows", "copies"), [(60, 1), (400, 1), (120, 4)])
def test_chance_alone_stays_below_the_bound_as_often_as_it_says(rows: int, copies: int) -> None:
    """Also where every lead stands there four times: then rows are no independent units."""
    rng = np.random.default_rng(5)
    p = np.array([0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05])
    over = 0
    for _ in range(1000):
        before = rng.multinomial(3000, p) / 3000
        after = rng.multinomial(rows, p) / rows  # each unit copied: the shares stay
        units = independent_units(np.repeat(np.arange(rows), copies))
        over += psi(before, after, 3000, rows * copies) > noise_bound(before, after, 3000, units, 0.95)
    assert 0.02 <= over / 1000 <= 0.09, over


def test_units_are_never_more_than_groups() -> None:
    group = np.array(["a"] * 90 + ["b", "c", "d"])
    assert 1 <= independent_units(group) < 2 and independent_units(group[:0]) == 0.0
