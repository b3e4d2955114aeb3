"""Who moves with a promotion: thresholds crossed, places in the top of each owner's list, and the reason."""

from dataclasses import replace

import numpy as np
import pytest

from models.judging.promotion.churn import ScoredLeads, find_churn

IDS = np.array(["a", "b", "c", "d", "e"], dtype=object)
OWNERS = np.array(["ann", "ann", "ann", "bo", ""], dtype=object)


def leads(
    scores: list[int], need: list[float], interest: list[float] | None = None, lists: str = "watching " * 5
) -> ScoredLeads:
    score = np.array(scores, dtype=np.int64)
    return ScoredLeads(
        log_odds=score / 10.0,
        score=score,
        state=np.where(score >= 45, "mql", "lead").astype(object),
        parts={"Need": np.array(need), "Context": score - 50.0 - np.array(need)},
        dimensions={"points of interest": np.array(interest or [0.0] * 5)},
        reached={"mql": score >= 45, "iql": np.array(interest or [9.0] * 5) >= 5},
        lists=np.array(lists.split(), dtype=object),
    )


def test_places_thresholds_and_reasons_are_counted_per_owner() -> None:
    before = leads([60, 50, 40, 30, 20], [5, 5, 0, 0, 0])
    after = leads([60, 44, 49, 30, 20], [5, -1, 9, 0, 0])
    found = find_churn(IDS, OWNERS, before, after, top=2)
    assert [(m.lead_id, m.top, m.crosses, m.place_before, m.place_after) for m in found.movers] == [
        ("b", "leaves", ("mql down",), 2, 3),
        ("c", "enters", ("mql up",), 3, 2),
    ]
    assert [m.reason for m in found.movers] == ["Need -6 (from +5 to -1)", "Need +9 (from +0 to +9)"]
    assert found.owners == (
        {"owner": "ann", "list": "watching", "leads": 3, "enters": 1, "leaves": 1},
        {"owner": "bo", "list": "watching", "leads": 1, "enters": 0, "leaves": 0},
        {"owner": "no owner", "list": "watching", "leads": 1, "enters": 0, "leaves": 0},
    )
    assert found.thresholds[0] == {"name": "mql", "before": 2, "after": 2, "up": 1, "down": 1}
    assert found.sentences[0].startswith("2 of 5 open leads move: 1 of 4 places in the first 2")


@pytest.mark.parametrize("left", [True, False])
def test_a_part_that_only_one_of_the_models_has_is_a_reason(left: bool) -> None:
    """The level of the segment of a champion with segments, beside a challenger without, and the other way round."""
    level = np.array([0.0, 0.0, 12.0, 0.0, 0.0])
    without, plain = leads([60, 50, 40, 30, 20], [0] * 5), leads([60, 50, 52, 30, 20], [0] * 5)
    parts = {**plain.parts, "Context": plain.parts["Context"] - level, "Level of the segment": level}
    having = replace(plain, parts=parts)
    pair = (having, without) if left else (without, having)
    found = {m.lead_id: m.reason for m in find_churn(IDS, OWNERS, *pair, top=2).movers}
    assert found["c"] == f"Level of the segment {'-12 (from +12 to +0)' if left else '+12 (from +0 to +12)'}"


def test_first_places_are_those_of_the_lists_reps_see() -> None:
    """A lead that sales has never pushes one that is to be handed off from its place."""
    before = leads([60, 50, 46, 30, 20], [0] * 5, lists="to_work watching to_hand_off watching watching")
    after = leads([60, 50, 55, 30, 20], [0] * 5, lists="to_work to_hand_off to_hand_off watching watching")
    found = find_churn(IDS, OWNERS, before, after, top=1)
    assert [(m.lead_id, m.top, m.list_before, m.list_after, m.place_after) for m in found.movers] == [
        ("b", "leaves", "watching", "to_hand_off", 2)
    ]
    counted = {(row["owner"], row["list"]): (row["leads"], row["enters"], row["leaves"]) for row in found.owners}
    assert counted["ann", "to_work"] == (1, 0, 0) and counted["ann", "to_hand_off"] == (2, 0, 0)
    assert counted["ann", "watching"] == (0, 0, 1)


def test_a_lead_that_is_overtaken_says_that_others_moved() -> None:
    before, after = leads([60, 50, 40, 30, 20], [0] * 5), leads([60, 51, 55, 30, 20], [0] * 5)
    found = {m.lead_id: m.reason for m in find_churn(IDS, OWNERS, before, after, top=2).movers}
    assert found["b"] == "its own score goes from 50 to 51; others rise further, or fall less"
    assert found["c"] == "Context +15 (from -10 to +5)"


def test_a_lead_that_changes_its_list_says_why_itself_moved() -> None:
    """First of a lower list is no rise, last of a higher one no fall: places of two lists say nothing of each other."""
    before = leads([60, 50, 44, 30, 20], [5, 5, 0, 0, 0], lists="work work watching watching watching")
    after = leads([60, 43, 51, 30, 20], [5, -1, 9, 0, 0], lists="work watching work watching watching")
    found = {
        m.lead_id: (m.list_after, m.place_after, m.reason) for m in find_churn(IDS, OWNERS, before, after, top=2).movers
    }
    assert found["b"] == ("watching", 1, "Need -6 (from +5 to -1)")
    assert found["c"] == ("work", 2, "Need +9 (from +0 to +9)")


def test_a_threshold_crossed_by_less_than_half_a_point_is_not_laid_on_others() -> None:
    before = leads([60, 50, 40, 30, 20], [0] * 5, [4.9, 9, 9, 9, 9])
    after = leads([60, 50, 40, 30, 20], [0] * 5, [5.1, 9, 9, 9, 9])
    (mover,) = find_churn(IDS, OWNERS, before, after, top=2).movers
    assert mover.reason == "its own score goes from 60 to 60; no part moves by half a point that way"


def test_a_threshold_on_a_dimension_is_named_where_the_score_says_the_opposite() -> None:
    before = leads([60, 50, 40, 30, 20], [0] * 5, [9, 9, 9, 9, 9])
    after = leads([61, 50, 40, 30, 20], [0] * 5, [3, 9, 9, 9, 9])
    (mover,) = find_churn(IDS, OWNERS, before, after, top=2).movers
    assert (mover.crosses, mover.top) == (("iql down",), "")
    assert mover.reason == "points of interest -6 (from +9 to +3), which a rule of the policy asks for"


def test_the_same_bundle_moves_nobody_and_no_leads_are_no_error() -> None:
    same = leads([60, 50, 40, 30, 20], [0] * 5)
    found = find_churn(IDS, OWNERS, same, same)
    assert not found.movers and found.rank_correlation == 1.0 and found.median_change == 0.0
    empty = ScoredLeads(
        log_odds=np.empty(0),
        score=np.empty(0, dtype=np.int64),
        state=np.empty(0, dtype=object),
        parts={},
        dimensions={},
        reached={"mql": np.empty(0, dtype=bool)},
        lists=np.empty(0, dtype=object),
    )
    nobody = find_churn(IDS[:0], OWNERS[:0], empty, empty)
    assert nobody.sentences == ("No lead is open, so nobody moves.",) and nobody.record()["rank_correlation"] is None
