"""Funnel, service levels, recycles and tools are counted as a person would count them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.judging.lifecycle.figures import Lifecycle, measure_lifecycle
from models.judging.lifecycle.lead_outcomes import settled_outcomes
from models.judging.lifecycle.policy import LifecyclePolicy, load_policy, parse_policy
from models.judging.lifecycle.service_levels import rates

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
    leads = pd.DataFrame({"lead_id": [f"L{i}" for i in range(10)], "account_id": pd.Series([None] * 10, dtype="str")})
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
    label = {f"L{i}": 0.0 for i in range(10)} | {"L1": 1.0, "L9": float("nan")}
    return measure_lifecycle(world(), policy(**changes), as_of, looks_at(at(0), label))


def looks_at(when: pd.Timestamp, label: Mapping[str, float]) -> pd.DataFrame:
    """One look at every lead, with whether it was won within the horizon after it."""
    frame = pd.DataFrame({"lead_id": list(label), "as_of": when, "age_days": 1.0, "label": list(label.values())})
    frame.loc[frame["label"].isna(), "as_of"] = when + pd.Timedelta(days=90)
    return frame.astype({"as_of": "datetime64[us]"})


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
    found = measure_lifecycle(tables, policy(), at(1000))
    assert "map the 'stages' table" in found.sentences[0]


def test_who_waits_now_beyond_what_was_promised() -> None:
    late = figures().overdue
    assert sorted(set(late["lead_id"])) == ["L4", "L5"]
    assert (late["waited_hours"] > late["promised_hours"]).all()
    assert late["waited_hours"].is_monotonic_decreasing
    assert set(late[late["lead_id"] == "L5"]["what"]) == {"next step", "first touch"}
    assert not len(figures(as_of=at(24 + 2)).overdue), "the deadline is still ahead"
    assert "overdue" not in figures().record()


def test_no_lead_counts_as_won_or_lost_before_its_time_is_over() -> None:
    """Looks every ten days up to day 180, a horizon of 90: of two leads opened on a day one wins on its 120th."""
    rows, now = [], 600
    for k in range(120):
        opened = 10 * (k // 2)
        won_on = opened + 120 if k % 2 else 10_000
        for look in range(opened, min(now, opened + 181), 10):
            if look < won_on:
                label = float(won_on <= look + 90) if look + 90 <= now else float("nan")
                rows.append((f"L{k}", at(24 * look), float(look - opened), label))
    looks = pd.DataFrame(rows, columns=["lead_id", "as_of", "age_days", "label"]).astype({"as_of": "datetime64[us]"})
    found = settled_outcomes(looks)
    assert found.notna().sum() == 68, "those opened 270 days ago or longer"
    assert found.mean() == 0.5, "whatever is still running, and however long winning takes"
    best = looks.groupby("lead_id")["label"].max()
    assert best.mean() < 0.5, "running leads would count as lost"
    fixed = best.where((best == 1) | looks.groupby("lead_id")["label"].apply(lambda label: label.notna().all()))
    assert fixed.mean() > 0.5, "wins would be known before losses"


def test_a_history_too_short_for_any_win_rate_says_so() -> None:
    """Half a year of history, a horizon of 90 days: who was opened first could be looked at until day 168."""
    days = range(7, 175, 7)
    rows = [(f"L{k}", at(24 * day), float(day), 0.0 if day <= 90 else np.nan) for k in range(10) for day in days]
    looks = pd.DataFrame(rows, columns=["lead_id", "as_of", "age_days", "label"]).astype({"as_of": "datetime64[us]"})
    found = measure_lifecycle(world(), policy(), at(24 * 180), looks)
    assert found.worked["n"].sum() == found.nurtured["n"].sum() == found.tools["n"].sum() == 0
    (told,) = [line for line in found.sentences if line.startswith("No win rates yet")]
    assert "the last look at it, 168 days after it was opened" in told
    assert "Looks since 2025-04-07 do not, and the first lead was opened on 2025-01-06" in told
    assert told in found.record()["sentences"]
    assert not any("No win rates" in line for line in figures().sentences)
    without = measure_lifecycle(world(), policy(), SPRING)
    assert not any("No win rates" in line for line in without.sentences), "nobody asked for any"


def test_a_lead_that_was_opened_again_is_judged_by_its_first_time() -> None:
    again = {"lead_id": "R", "as_of": [at(0), at(24 * 400)], "age_days": [0.0, 2.0], "label": [0.0, 1.0]}
    other = {"lead_id": "S", "as_of": [at(0), at(24 * 90)], "age_days": [0.0, 90.0], "label": [0.0, 1.0]}
    found = settled_outcomes(pd.concat([pd.DataFrame(again), pd.DataFrame(other)], ignore_index=True))
    assert found.to_dict() == {"R": 0.0, "S": 1.0}


def test_leads_of_one_account_are_no_independent_news() -> None:
    won, one, ten = np.array([1.0] * 20 + [0.0] * 20), np.arange(40), np.arange(40) // 10
    masks = {"all": np.ones(40, dtype=bool)}
    apart, together = (rates(masks, won, group, "what").iloc[0] for group in (one, ten))
    assert together["low"] < apart["low"] - 0.1 and together["high"] > apart["high"] + 0.1
    assert (apart["low"], apart["high"]) == pytest.approx((0.374, 0.626), abs=0.001), "Wilson's"
