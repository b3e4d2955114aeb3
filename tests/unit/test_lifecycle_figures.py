"""Funnel, service levels, recycles and tools are counted as a person would count them."""

from pathlib import Path

import pandas as pd
import pytest

from models.judging.lifecycle.figures import Lifecycle, measure_lifecycle
from models.judging.lifecycle.policy import LifecyclePolicy, load_policy, parse_policy

MONDAY = pd.Timestamp("2025-01-06 09:00")
SPRING = pd.Timestamp("2025-03-07")


def at(hours: float) -> pd.Timestamp:
    return MONDAY + pd.Timedelta(hours=hours)


def world() -> dict[str, pd.DataFrame]:
    """Ten leads: six sent, four accepted (one late), two qualified, one won, two recycled, one of these sent again."""
    stages = [(f"L{i}", "lead", at(0), None, None) for i in range(10)]
    stages += [(f"L{i}", "mql", at(24), f"rep{i % 2}", None) for i in range(6)]
    stages += [(f"L{i}", "sal", at(24 + (2 if i else 24 * 4)), None, None) for i in range(4)]
    stages += [("L1", "sql", at(24 * 9), None, None), ("L2", "sql", at(24 * 9), None, None)]
    stages += [("L1", "won", at(24 * 30), None, None)]
    stages += [("L4", "recycled", at(24 * 2), None, "no budget"), ("L3", "recycled", at(24 * 10), None, "no budget")]
    stages += [("L4", "mql", at(24 * 40), None, None)]
    frame = pd.DataFrame(stages, columns=["lead_id", "stage", "entered_at", "owner", "reason"])
    frame["known_at"] = frame["entered_at"]
    acts = pd.DataFrame(
        [
            ("L1", "call", at(25), "rep"),
            ("L2", "call", at(33), "rep"),
            ("L5", "mail", at(20), "rep"),
            ("L7", "webinar", at(3), "lead"),
        ],
        columns=["lead_id", "kind", "happened_at", "actor"],
    )
    acts["known_at"] = acts["happened_at"]
    answers = pd.DataFrame({"lead_id": ["L1", "L2", "L8"], "channel": ["quiz", "form", "form"], "known_at": at(1)})
    leads = pd.DataFrame({"lead_id": [f"L{i}" for i in range(10)]})
    return {"stages": frame, "activities": acts, "answers": answers, "leads": leads}


def policy(**changes: object) -> LifecyclePolicy:
    text = """
name: test
minimum_n: 5
nurture_kinds: [webinar]
promised_per_quarter: {2025Q1: 8}
stages:
  mql: {owner: development, next: [sal], within_hours: 8, first_touch_hours: 4}
  sal: {owner: sales}
"""
    return parse_policy(text).model_copy(update=changes)


def figures(as_of: pd.Timestamp = SPRING, **changes: object) -> Lifecycle:
    won = pd.Series({f"L{i}": 0.0 for i in range(10)} | {"L1": 1.0, "L9": float("nan")})
    return measure_lifecycle(world(), policy(**changes), as_of, won)


def test_the_funnel_counts_leads_and_times() -> None:
    funnel = figures().funnel.set_index("stage")
    assert funnel["leads"].to_dict() == {"lead": 10, "mql": 6, "sal": 4, "sql": 2, "won": 1}
    assert funnel.loc["mql", "went_further"] == pytest.approx(4 / 6)
    assert funnel.loc["lead", "median_days"] == pytest.approx(1.0)
    assert funnel.loc["mql", "in_it_now"] == 2
    assert figures(as_of=at(24)).funnel["stage"].tolist() == ["lead"]


def test_service_levels_in_business_hours() -> None:
    sla = figures().sla.set_index(["stage", "what"])
    step = sla.loc[("mql", "next step")]
    assert (step["team"], step["n"], step["met"], step["missed"]) == ("development", 7, 4, 3)
    touch = sla.loc[("mql", "first touch")]
    assert touch["met"] == 1
    assert touch["attained"] == pytest.approx(1 / 7)
    assert not len(figures(minimum_n=50).sla)


def test_people_are_shown_only_when_switched_on_and_teams_when_named() -> None:
    assert set(figures(teams={"rep0": "north", "rep1": "north"}).sla["team"]) == {"north"}
    many = figures(per_person=True).sla
    assert not {"rep0", "rep1"} & set(figures().sla["team"])
    assert not len(many) or set(many["team"]) <= {"rep0", "rep1", ""}


def test_volumes_recycles_tools_and_waste() -> None:
    found = figures()
    assert found.volumes.iloc[0].tolist() == ["2025Q1", 8, 6, 4, 2]
    assert found.recycled.iloc[0].tolist() == ["no budget", 2, 1, 0, 0, 1]
    tools = found.tools.set_index("tool")
    assert (tools.loc["form", "leads"], tools.loc["form", "qualified"], tools.loc["quiz", "won"]) == (2, 0.5, 1)
    assert found.sentences[0] == "60% of all 10 leads were sent to sales (MQL); 33% of those became qualified (SQL)."


def test_unknown_outcomes_are_left_out_and_groups_cover_everybody() -> None:
    found = figures()
    assert found.nurtured.set_index("group")["n"].to_dict() == {"nurtured": 1, "not nurtured": 8}
    assert found.first_touch["n"].sum() == 6
    assert found.record()["funnel"][0]["stage"] == "lead"


def test_the_starter_policy_loads() -> None:
    assert load_policy(Path(__file__).parents[2] / "data" / "policies" / "lifecycle.yaml").sent == "mql"


def test_without_stages_the_page_says_what_to_do() -> None:
    tables = world()
    tables["stages"] = tables["stages"].iloc[:0]
    found = measure_lifecycle(tables, policy(), at(1000), pd.Series(dtype="float64"))
    assert "map the 'stages' table" in found.sentences[0]


def test_who_waits_now_beyond_what_was_promised() -> None:
    late = figures().overdue
    assert sorted(set(late["lead_id"])) == ["L4", "L5"]
    assert (late["waited_hours"] > late["promised_hours"]).all()
    assert late["waited_hours"].is_monotonic_decreasing
    assert set(late[late["lead_id"] == "L5"]["what"]) == {"next step", "first touch"}
    assert not len(figures(as_of=at(24 + 2)).overdue), "the deadline is still ahead"
    assert "overdue" not in figures().record()
