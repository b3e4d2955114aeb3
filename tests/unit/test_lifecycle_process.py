"""The process beside its figures: stages, ways, shared goals, and nurture programmes against comparable others."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.assembly.closed_leads import ClosedLead
from features.errors import PolicyError
from models.judging.lifecycle.figures import measure_lifecycle
from models.judging.lifecycle.nurture_programmes import compare_programmes, programme_members
from models.judging.lifecycle.policy import LifecyclePolicy, load_policy, parse_policy
from models.judging.lifecycle.stage_map import markdown_table, median_stay, mermaid
from pipelines.report.charts.stage_flowchart import flowchart_of
from pipelines.workspace.find_declarations import find_policy
from tests.unit.test_lifecycle_figures import SPRING, at, figures, policy, world

DOCS = Path(__file__).parents[2] / "docs" / "lifecycle.md"


def parts(**changes: object) -> dict[str, Any]:
    """Changes to the policy, read as the YAML of a policy is."""
    read = LifecyclePolicy.model_validate(policy().model_dump(mode="json") | changes)
    return {name: getattr(read, name) for name in changes}


def test_a_stage_says_what_was_agreed_and_what_is() -> None:
    found = figures().stages.set_index("stage")
    assert found.loc["mql", "leads"] == 6 and found.loc["mql", "in_it_now"] == 2
    assert found.loc["mql", "went_further"] == pytest.approx(4 / 6)
    assert found.loc["mql", "next_step_in_time"] == pytest.approx(4 / 7, abs=0.2)


def test_teams_too_small_to_be_shown_are_counted_in_what_all_kept() -> None:
    every = figures().stages.set_index("stage")["next_step_in_time"]
    hidden = figures(**parts(per_person=True))
    assert not len(hidden.sla) and every.notna().any()
    pd.testing.assert_series_equal(hidden.stages.set_index("stage")["next_step_in_time"], every)
    few = figures(**parts(minimum_n=500)).stages["next_step_in_time"]
    assert few.isna().all(), "all of them are too few to be shown, too"


def test_a_metric_is_kept_or_not() -> None:
    kept = figures(**parts(stages=_with_metric(0.6))).stages.set_index("stage").loc["mql"]
    assert kept["kept"] is True or bool(kept["kept"])
    broken = figures(**parts(stages=_with_metric(0.9))).stages.set_index("stage").loc["mql"]
    assert broken["actual"] == pytest.approx(4 / 6) and not bool(broken["kept"])


def _with_metric(target: float) -> dict[str, object]:
    stages = policy().model_dump(mode="json", exclude_defaults=True)["stages"]
    stages["mql"]["metric"] = {"measure": "went_further", "target": target}
    return dict(stages)


def test_a_share_above_one_is_refused_with_its_line() -> None:
    text = "name: x\nstages:\n  lead:\n    meaning: a\n    metric: {measure: went_further, target: 80}\n"
    with pytest.raises(PolicyError, match=r"line 5.*is a share; write 80 as a number up to 1"):
        parse_policy(text)


def test_every_way_is_counted_and_undeclared_ones_are_marked() -> None:
    ways = figures().transitions.set_index(["from", "to"])
    assert ways.loc[("mql", "sal"), "leads"] == 4
    assert ways.loc[("sql", "won"), "leads"] == 1 and not ways.loc[("sql", "won"), "declared"]
    assert ways.loc[("mql", "recycled"), "leads"] == 1


def test_the_drawing_names_every_stage_and_escapes_what_people_wrote() -> None:
    record = figures().record()
    for row in record["stages"]:
        row["meaning"] = "<script>alert(1)</script>"
    drawn = flowchart_of(record["stages"], record["transitions"], say=lambda text: f"«{text}»")
    assert "<script" not in drawn and "&lt;script&gt;" in drawn
    assert drawn.count("<rect") >= 5 and "«nobody declared it»" in drawn
    assert flowchart_of([], []) == ""


def test_goals_say_promised_reached_attained_and_which_way() -> None:
    goals = {
        "every": {"sales": {"worked": 0.9}},
        "2025Q1": {"marketing": {"qualified_leads": 12, "accepted": 0.5}, "sales": {"worked": 0.9, "fed_back": 0.8}},
    }
    early = figures(**parts(goals=goals)).goals.set_index("goal")
    assert bool(early["running"].all())
    elapsed = (pd.Timestamp("2025-03-07") - pd.Timestamp("2025-01-01")) / pd.Timedelta(days=90)
    assert early.loc["qualified leads", "promised"] == pytest.approx(12 * elapsed)
    assert early.loc["qualified leads", "reached"] == 6
    later = figures(pd.Timestamp("2025-08-01"), **parts(goals=goals)).goals
    first = later[later["quarter"] == "2025Q1"].set_index("goal")
    assert not first["running"].any() and first.loc["qualified leads", "attained"] == pytest.approx(0.5)
    assert first.loc["worked", "reached"] == pytest.approx(4 / 6), "L5 had a mail before it was sent, none since"
    assert first.loc["fed back", "reached"] == pytest.approx(5 / 6), "L5 was sent, and nothing was said"
    assert first.loc["accepted by sales", "attained"] == pytest.approx((4 / 6) / 0.5)


def test_goals_of_sources_without_activities() -> None:
    goals, tables = {"every": {"sales": {"worked": 0.9}}}, world()
    tables["activities"] = tables["activities"].iloc[:0]
    found = measure_lifecycle(tables, policy(**parts(goals=goals)), SPRING)
    assert found.goals.set_index("goal").loc["worked", "reached"].max() == pytest.approx(4 / 6)  # accepted by sales


def test_shipped_definitions_are_drawn_in_the_docs() -> None:
    shipped = load_policy(find_policy("lifecycle"))
    text = DOCS.read_text(encoding="utf-8")
    assert markdown_table(shipped) in text, "docs/lifecycle.md: the stage table is not the policy's"
    assert mermaid(shipped) in text, "docs/lifecycle.md: the flowchart is not the policy's"
    for name in ("lifecycle", "lifecycle-demo"):
        for stage, definition in load_policy(find_policy(name)).stages.items():
            assert definition.meaning and definition.owner, (name, stage)


PROGRAMME = [{"name": "letters", "kinds": ["letter"], "assets": ["series-*"]}]


def nurtured(effect: float) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame], LifecyclePolicy]:
    """400 young leads of which half get letters and win ``effect`` more often, and 400 old ones that never win."""
    day, start = pd.Timedelta(days=1), pd.Timestamp("2025-02-03")
    rng = np.random.default_rng(3)
    ids = [f"N{k}" for k in range(800)]
    young = np.arange(800) < 400
    member = young & (np.arange(800) % 2 == 0)
    label = np.where(young, rng.random(800) < np.where(member, 0.2 + effect, 0.2), 0).astype(float)
    looks = pd.DataFrame(
        {"lead_id": ids, "as_of": start + 7 * day, "age_days": np.where(young, 8.0, 200.0), "label": label}
    )
    acts = pd.DataFrame({"lead_id": ids, "kind": "letter", "asset": np.where(member, "series-1", "one-off")})
    acts = acts.assign(actor="system", happened_at=start, known_at=start)
    stages = pd.DataFrame({"lead_id": ids, "stage": "lead", "entered_at": start - 9 * day, "known_at": start - 9 * day})
    leads = pd.DataFrame({"lead_id": ids, "account_id": pd.Series([None] * 800, dtype="str")})
    tables = {"activities": acts, "stages": stages, "leads": leads}
    for frame in (looks, acts, stages):
        for column in ("as_of", "happened_at", "known_at", "entered_at"):
            if column in frame:
                frame[column] = frame[column].astype("datetime64[us]")
    found = policy(**parts(programmes=PROGRAMME))
    members = programme_members(tables, found, start + 30 * day, {})
    return members, looks, tables, found


@pytest.mark.parametrize(("effect", "verdict"), [(0.0, "no clear difference"), (0.3, "won more often")])
def test_members_are_set_against_leads_like_them(effect: float, verdict: str) -> None:
    members, looks, tables, found = nurtured(effect)
    assert len(members) == 200 and set(members["stage"]) == {"lead"}
    row = compare_programmes(members, looks, tables, found, {}).iloc[0]
    assert row["compared"] == 200 and row["others"] == 200, "old leads that never win are not comparable"
    assert row["verdict"] == verdict
    assert row["others_rate"] == pytest.approx(0.2, abs=0.07)


def test_a_few_large_accounts_are_no_proof_of_a_programme() -> None:
    """Members of six accounts that won or lost as a whole: the same shares, and nothing clear."""
    members, looks, tables, found = nurtured(0.0)
    k = looks.index.to_numpy()
    account = np.where(k % 2 == 0, k // 2 % 6, 100 + k)
    looks = looks.assign(label=np.where((k < 400) & (k % 2 == 0), (account < 3) * 1.0, looks["label"]))
    assert compare_programmes(members, looks, tables, found, {})["verdict"].tolist() == ["won more often"]
    together = tables | {"leads": tables["leads"].assign(account_id=pd.Series([f"A{a}" for a in account], dtype="str"))}
    row = compare_programmes(members, looks, together, found, {}).iloc[0]
    assert row["verdict"] == "no clear difference" and row["rate"] == pytest.approx(0.5, abs=0.02)


def test_members_that_outcomes_alone_close_are_not_open() -> None:
    _, looks, tables, found = nurtured(0.0)
    now = pd.Timestamp("2025-03-05")
    closed = {"N0": ClosedLead("won", now), "N2": ClosedLead("lost", now), "N4": ClosedLead("opportunity", now)}
    members = programme_members(tables, found, now, closed)
    stages = members.set_index("lead_id")["stage"][["N0", "N2", "N4", "N6"]].tolist()
    assert stages == ["won", "lost", "opportunity", "lead"]
    assert compare_programmes(members, looks, tables, found, closed)["open_now"].tolist() == [197]


def test_who_joined_after_the_look_or_long_before_it_is_not_judged_by_it() -> None:
    members, looks, tables, found = nurtured(0.3)
    late = members.assign(since=looks["as_of"].iloc[0])
    assert compare_programmes(late, looks, tables, found, {})["compared"].tolist() == [0]
    long_ago = members.assign(since=looks["as_of"].iloc[0] - pd.Timedelta(days=15))
    assert compare_programmes(long_ago, looks, tables, found, {})["verdict"].tolist() == ["too few to compare"]


def test_members_are_not_in_what_everybody_may_read() -> None:
    assert "members" not in figures().record()
    assert world()["stages"]["entered_at"].min() == at(0)


def test_a_programme_that_nobody_joined_has_no_members() -> None:
    members, looks, tables, found = nurtured(0.0)
    for nobody in (members.iloc[:0], members.assign(programme="another")):
        row = compare_programmes(nobody, looks, tables, found, {}).iloc[0]
        assert (row["members"], row["compared"], row["verdict"]) == (0, 0, "too few to compare")


def test_who_is_still_in_a_stage_counts_towards_its_days() -> None:
    """Three left within two hours, one after a day and one after four; two stand there for weeks."""
    stages = policy().model_dump(mode="json", exclude_defaults=True)["stages"]
    stages["mql"]["metric"] = {"measure": "median_days", "target": 0.5}
    declared = parts(stages=stages)
    row = figures(**declared).stages.set_index("stage").loc["mql"]
    assert row["actual"] == row["median_days"] == pytest.approx(1.0) and not row["kept"]

    new = figures(at(25), **declared).stages.set_index("stage").loc["mql"]
    assert new["leads"] == 6 and np.isnan(new["actual"]) and new["kept"] is None, "none has left so far"

    over = {lead: ClosedLead("lost", at(25)) for lead in ("L4", "L5")}
    ended = measure_lifecycle(world(), policy(**declared), at(30), None, over).stages.set_index("stage").loc["mql"]
    assert ended["median_days"] == pytest.approx(2 / 24) and ended["kept"], "outcomes alone closed them"


def test_a_close_does_not_end_the_stage_that_it_is() -> None:
    """L7 and L8 are disqualified on day 20; L8 is opened again on day 26."""
    tables = world()
    last = [("L7", "disqualified", 480), ("L8", "disqualified", 480), ("L8", "mql", 624)]
    more = [
        {"lead_id": lead, "stage": stage, "entered_at": at(hour), "known_at": at(hour)} for lead, stage, hour in last
    ]
    told = {**tables, "stages": pd.concat([tables["stages"], pd.DataFrame(more)], ignore_index=True)}
    stages = policy().model_dump(mode="json", exclude_defaults=True)["stages"]
    stages["disqualified"] = {"metric": {"measure": "median_days", "target": 1}}
    over = {"L7": ClosedLead("disqualified", at(480))}
    found = measure_lifecycle(told, policy(**parts(stages=stages)), at(720), None, over).stages.set_index("stage")
    row = found.loc["disqualified"]
    assert (row["leads"], row["in_it_now"], row["median_days"]) == (2, 1, pytest.approx(6.0)) and not row["kept"]


def test_the_median_of_stays_is_the_usual_one_where_all_have_left() -> None:
    days = np.random.default_rng(2).integers(1, 30, 41).astype(np.float64)
    for n in (1, 2, 40, 41):
        assert median_stay(days[:n], np.ones(n, dtype=bool)) == np.median(days[:n])
    assert np.isnan(median_stay(days, np.zeros(41, dtype=bool))) and np.isnan(median_stay(days[:0], np.ones(0, bool)))
