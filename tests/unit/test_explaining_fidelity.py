"""Fidelity is what it says: order and sign against the truth, the same reasons under another seed."""

import numpy as np
import pytest

from models.explaining.fidelity import Stability, measure_agreement, measure_stability
from models.interfaces import Contributions
from pipelines.diagnostics.explanation_fidelity import truth_of
from pipelines.workspace.atomic_files import read_json
from tests.reference.tiny_run import TinyRun

RNG = np.random.default_rng(4)
TRUE = RNG.normal(size=300)


@pytest.mark.parametrize(
    ("shown", "correlation", "signs"),
    [(3 * TRUE + 5, 1.0, 1.0), (-TRUE, -1.0, 0.0), (np.exp(TRUE), 1.0, None), (np.zeros(300), None, None)],
)
def test_order_and_sign_against_the_truth(shown: np.ndarray, correlation: float | None, signs: float | None) -> None:
    row = measure_agreement({"need": shown, "unknown": shown}, {"need": TRUE})[0]
    assert row.rank_correlation == (None if correlation is None else pytest.approx(correlation))
    if signs is not None:
        assert row.sign_agreement == signs
    assert row.n == 300


def test_noise_has_an_interval_around_nothing() -> None:
    low, high = measure_agreement({"need": RNG.normal(size=300)}, {"need": TRUE})[0].rank_correlation_ci
    assert low is not None and high is not None
    assert low < 0.1 and high > -0.1 and high - low < 0.3


def test_reasons_that_stay_and_reasons_that_change() -> None:
    parts = np.array([[3.0, 2.0, 1.0, 0.5], [0.1, -4.0, 2.0, 1.0]])
    first = Contributions(("a", "b", "c", "d"), parts, 0.0)
    assert measure_stability(first, first) == Stability(2, top_in_common=1.0, same_first=1.0, mean_difference=0.0)
    other = Contributions(("d", "c", "b", "a"), parts, 0.5)  # the same sizes under other names
    found = measure_stability(first, other)
    assert found.same_first == 0.0 and found.top_in_common == pytest.approx(2 / 3)
    assert found.mean_difference == 0.5


def test_the_demo_s_cards_go_with_the_truth_and_the_report_is_given_the_figures(tiny_demo: TinyRun) -> None:
    context = tiny_demo.context
    assert truth_of(context) is not None
    found = read_json(context.paths.evaluate / "evaluation.json")["fidelity"]
    by_name = {row["criterion"]: row for row in found["truth"]["model"]}
    assert set(by_name) == {"budget", "authority", "need", "timeline", "all"}
    assert by_name["all"]["rank_correlation_ci"][0] > 0.2  # tiny budgets, yet far from nothing
    assert 'id="fidelity"' in tiny_demo.page.read_text(encoding="utf-8")
