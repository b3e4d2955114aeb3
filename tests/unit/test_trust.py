"""How far the score can be trusted is said in words that the test figures bear out."""

from typing import Any

import pytest

from models.judging.evaluation.trust import TrustLevel, judge_trust

GOOD = {"predicted": 0.234, "observed": 0.219, "inside": True}
LESS = GOOD | {"observed": 0.1, "inside": False}
MORE = GOOD | {"observed": 0.4, "inside": False}
POOR = {"predicted": 0.02, "observed": 0.025, "inside": True}


@pytest.mark.parametrize(
    ("interval", "best", "error", "level", "text"),
    [
        ((0.68, 0.75), GOOD, 0.01, TrustLevel.SORT, "gave 23 chances in 100, 22 in 100 were won."),
        ((0.68, 0.75), LESS, 0.04, TrustLevel.ORDER_ONLY, "23 chances in 100, only 10 in 100"),
        ((0.68, 0.75), MORE, 0.04, TrustLevel.ORDER_ONLY, "as many as 40 in 100"),
        ((0.45, 0.62), GOOD, 0.01, TrustLevel.UNCLEAR, "no better than chance"),
        ((0.31, 0.44), GOOD, 0.01, TrustLevel.NOT, "worse than chance"),
        (None, GOOD, None, TrustLevel.UNTESTED, "no test was made"),
        ((None, None), GOOD, None, TrustLevel.UNTESTED, "no test was made"),
    ],
)  # fmt: skip
def test_the_sentence_follows_the_figures(
    interval: Any, best: dict[str, Any], error: float | None, level: TrustLevel, text: str
) -> None:
    found = judge_trust(interval, [POOR, best], error, 0.013)
    assert found.level == level
    assert text in found.text()


def test_small_chances_keep_a_digit() -> None:
    assert "gave 2.0 chances in 100, 2.5 in 100" in judge_trust((0.6, 0.7), [POOR], 0.01, 0.02).text()
