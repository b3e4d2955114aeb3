"""Whole scores to hand off from: the twin judges as many leads as a score hands off; named ones keep a limit."""

import numpy as np
import pandas as pd
import pytest

from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.replay import Replay, arrange_replay, first_crossings, threshold_for
from models.judging.score_thresholds.operating_points import operating_points
from models.judging.score_thresholds.score_steps import list_lengths, score_steps
from pipelines.stages.score_thresholds import lowest_score_for, threshold_in_words

WEEKS, LEADS = 4, 120


@pytest.fixture(scope="module")
def rows() -> tuple[Replay, np.ndarray, np.ndarray, np.ndarray]:
    """Leads over four weeks; the twin orders them a little otherwise than the score that is shown."""
    rng = np.random.default_rng(7)
    keys = pd.DataFrame(
        {
            "lead_id": np.tile([f"L{k}" for k in range(LEADS)], WEEKS),
            "episode": 0,
            "group": np.tile(np.arange(LEADS) // 2, WEEKS),
            "as_of": np.repeat(pd.date_range("2026-01-05", periods=WEEKS, freq="7D"), LEADS),
        }
    )
    strength = np.tile(rng.normal(size=LEADS), WEEKS)
    label = (rng.random(LEADS * WEEKS) < 1 / (1 + np.exp(2.0 - strength))).astype(float)
    twin = strength + rng.normal(scale=0.2, size=len(label))
    shown = np.clip(np.rint(45 + 8 * strength), 0, 100).astype(np.int64)
    return arrange_replay(keys, label), shown, twin, np.rint(10 * strength + rng.normal(scale=9, size=len(label)))


def test_a_step_judges_the_twins_list_of_the_length_the_score_hands_off(rows: tuple) -> None:
    replay, shown, twin, points = rows
    steps = score_steps(replay, shown, twin, points, Resampling(50))
    assert [step.score for step in steps] == sorted((step.score for step in steps), reverse=True)
    for step in steps:
        handed = len(first_crossings(replay, shown >= step.score))
        own = first_crossings(replay, twin >= threshold_for(replay, twin, handed))
        assert (step.handoffs, step.wins) == (handed, int(replay.label[own].sum()))
        assert step.per_week == pytest.approx(handed / WEEKS) and step.share == pytest.approx(handed / LEADS)
        assert step.precision_ci.low <= step.precision <= step.precision_ci.high
        assert step.rubric_wins is not None and 0 <= step.rubric_wins <= handed
    assert score_steps(replay, shown, twin, None, Resampling(50))[0].rubric_wins is None
    assert min(list_lengths(replay, shown).values()) >= 10 and steps[-1].handoffs <= 0.75 * LEADS


def test_named_scores_hold_what_they_are_named_after(rows: tuple) -> None:
    replay, shown, twin, points = rows
    steps = score_steps(replay, shown, twin, points, Resampling(50))
    by_score = {step.score: step for step in steps}
    promised = steps[2].score
    found = {p.name: p.score for p in operating_points(steps, promised=promised, places=40.0, rubric_precision=0.25)}
    assert found["promise"] == promised
    assert by_score[found["capacity"]].handoffs <= 40
    assert all(step.handoffs > 40 for step in steps if step.score < found["capacity"])
    assert by_score[found["rubric_precision"]].precision >= 0.25
    assert operating_points(steps, promised=None, places=0.0, rubric_precision=None) == ()


def test_the_score_that_keeps_the_promise_is_a_step_however_long_its_list(rows: tuple) -> None:
    replay, shown, twin, _ = rows
    lowest = int(shown.min())
    assert lowest not in list_lengths(replay, shown)
    steps = score_steps(replay, shown, twin, None, Resampling(50), promised=lowest)
    assert (steps[-1].score, steps[-1].handoffs) == (lowest, LEADS)
    found = operating_points(steps, promised=lowest, places=40.0, rubric_precision=None)
    assert [point.score for point in found if point.name == "promise"] == [lowest]


def test_a_promise_on_fewer_leads_than_any_score_hands_off_is_said(rows: tuple) -> None:
    replay, shown, _, _ = rows
    highest = lowest_score_for(replay, shown, 0)
    assert "No whole score hands off so few" in threshold_in_words(replay, shown, highest, 0)
    score = lowest_score_for(replay, shown, 25)
    assert threshold_in_words(replay, shown, score, 25).startswith(f"{score} is the threshold to set")


def test_a_promise_is_never_rounded_into_a_longer_list(rows: tuple) -> None:
    replay, shown, _, _ = rows
    for leads in (12, 25, 60):
        score = lowest_score_for(replay, shown, leads)
        assert len(first_crossings(replay, shown >= score)) <= leads
        lower = shown[shown < score].max()
        assert len(first_crossings(replay, shown >= lower)) > leads
