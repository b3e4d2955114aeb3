"""Marketing's first lines answer the question; months, segments and rules are set side by side."""

from typing import Any

import pytest

from pipelines.artifacts.comparison_record import ComparisonRecord, RepairRecord
from pipelines.artifacts.summary_record import SummaryRecord
from pipelines.report.first_screen import answers
from pipelines.report.marketing_section import FIRST_LINES, lines_of, marketing_of, rules_line, side_by_side
from tests.reference.partial_records import partial_record

OWN, EQUAL = "rubric_own_threshold", "model_equal_workload"
PROMISE = {"sentence": "On past months ..."}


def compared(values: dict[str, Any]) -> ComparisonRecord:
    return partial_record(ComparisonRecord, values)


def policy(name: str, **figures: Any) -> dict[str, Any]:
    plain = {"policy": name, "revenue": None, "net": None, "days_to_handoff": None, "workload": 5, "wins": 2}
    return plain | figures


def test_the_comparison_comes_first_and_the_share_handed_off_last_within_five_lines() -> None:
    found = lines_of(compared({"sentences": ["wins", "precision", "capacity", "waste"], "promise": PROMISE}))
    assert found == ["wins", "precision", "capacity", PROMISE["sentence"], "waste"]
    assert len(found) == FIRST_LINES
    assert lines_of(compared({"sentences": ["no rubric"], "promise": None})) == ["no rubric"]
    assert lines_of(compared({"sentences": [*"abcdef"], "promise": PROMISE})) == [
        "a",
        "b",
        "c",
        PROMISE["sentence"],
        "f",
    ]
    assert lines_of(compared({})) == []


def test_nobody_handed_off_is_nothing_and_other_policies_are_left_out() -> None:
    rows = [
        {"policy": OWN, "month": "2026-01", "workload": 4, "wins": 1, "precision": 0.25},
        {"policy": EQUAL, "month": "2026-01", "workload": 4, "wins": 2, "precision": 0.5},
        {"policy": EQUAL, "month": "2026-02", "workload": 3, "wins": 1, "precision": 1 / 3},
        {"policy": "other", "month": "2026-03", "workload": 3, "wins": 1, "precision": 1 / 3},
    ]
    found = side_by_side(rows, "month", (OWN, EQUAL))
    assert [row["name"] for row in found] == ["2026-01", "2026-02"]
    assert [side["workload"] for side in found[1]["sides"]] == [0, 3]
    assert found[1]["sides"][0]["precision"] is None


def test_rules_out_of_line_are_named_with_their_verdict() -> None:
    worth = [
        {"label": "downloads", "verdict": "worth nothing", "log_odds": 0.0, "deserved": 0.0},
        {"label": "title", "verdict": "too few points", "log_odds": 2.0, "deserved": 20.0},
        {"label": "demo", "verdict": "in line", "log_odds": 1.0, "deserved": 10.0},
        {"label": "fax", "verdict": "too rare", "log_odds": None, "deserved": None},
    ]
    assert rules_line(partial_record(RepairRecord, {"worth": worth})) == (
        "Of 4 rules 1 give points that outcomes do not bear out: 'downloads' (worth nothing). "
        "Worth more than they give: 'title'."
    )
    assert rules_line(None) == ""


@pytest.mark.parametrize("verdict", ["cannot tell", "wrong way"])
def test_a_rubric_that_does_not_follow_outcomes_is_said_to_in_both_places(verdict: str) -> None:
    row = {"label": "demo", "verdict": verdict, "log_odds": -0.5, "deserved": None, "sentence": "'demo' ..."}
    repair = partial_record(RepairRecord, {"worth": [row]})
    said = "The rubric as a whole does not follow outcomes. "
    assert rules_line(repair).startswith(f"{said}Of 1 rules ")
    summary = partial_record(SummaryRecord, {"bundle": {"hash": "a"}})
    record = compared({"repair": repair, "policies": [], "differences": [], "sentences": []})
    (answer,) = answers(record, summary)
    assert answer.said.startswith(f"{said}Outcomes contradict {'1' if verdict == 'wrong way' else 'no'} rule")


def test_columns_appear_only_where_there_are_figures_and_the_proposal_is_compared_at_capacity() -> None:
    found = marketing_of(compared({"policies": [policy(OWN), policy(EQUAL, revenue=4.0)]}), "EUR")
    assert (found["has_revenue"], found["has_net"], found["has_days"], found["unit"]) == (True, False, False, ", EUR")
    assert (
        found["pair"] == ["rubric, at its own threshold", "model, at the rubric's workload"] and found["proposed"] == ""
    )
    both = [policy("proposed_rubric", wins=7), policy("rubric_at_capacity"), policy("model_at_capacity")]
    found = marketing_of(compared({"policies": both}))
    assert found["pair"] == ["rubric, at capacity", "model, at capacity"]
    assert "its list of 5 leads held 7 wins, the present rubric's list" in found["proposed"]
