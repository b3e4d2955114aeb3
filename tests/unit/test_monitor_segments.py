"""The monitor looks at each segment: one that fell behind is named, noise is not."""

import numpy as np

from models.judging.drift.monitor_findings import Level, judge_segments
from models.judging.drift.observed_vs_predicted import compare_segments
from models.logistic import logit
from models.settings import MonitorSettings
from tests.reference.toy import toy_matrix

SETTINGS = MonitorSettings(draws=200)


def test_a_segment_that_fell_behind_is_named_and_the_others_are_not() -> None:
    matrix = toy_matrix(3000, seed=2)
    title = matrix.values["title"].to_numpy(dtype=object)
    rate = {name: matrix.label[title == name].mean() for name in ("boss", "clerk", "student")}
    fair = np.array([logit(rate[name]) for name in title])
    found = compare_segments(matrix, fair, title, SETTINGS)
    assert set(found) == set(rate) and judge_segments(found, SETTINGS).level is Level.OK

    high = np.where(title == "clerk", fair + 0.6, fair)
    said = judge_segments(compare_segments(matrix, high, title, SETTINGS), SETTINGS)
    assert said.level is Level.WATCH and said.sentence.startswith("clerk: ") and "boss" not in said.sentence


def test_segments_with_few_wins_are_not_judged() -> None:
    matrix = toy_matrix(60, seed=2)
    few = compare_segments(matrix, np.zeros(60), np.full(60, "", dtype=object), SETTINGS)
    assert few == {} and judge_segments(few, SETTINGS).level is Level.UNKNOWN
