"""Draft against active on the same leads: who enters, who leaves, by which change, with paired intervals."""

import numpy as np
import pandas as pd

from features.rubric.ledger import Ledger, ledger_of_rules
from features.rubric.load import parse_rubric
from features.rubric.rule import Cap
from features.rubric.schema import Rubric
from features.schema.source import Capacity
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.replay import JudgedRows
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.judging.rubrics.rubric_pair import RubricPair, compare_rubrics, handed_off_now

ACTIVE = parse_rubric("""
name: team
groups: {fit: {dimension: fit}, buys: {dimension: intent, cap: 10}}
rules:
  - {id: title, group: fit, lead: title, patterns: {"*chief*": 10}}
  - {id: downloads, group: fit, activity: open, points: 8}
  - {id: demo, group: buys, activity: demo, points: 10}
thresholds: [{stage: mql, points: 10}]
handoff: {stage: mql}
""")
DRAFT = parse_rubric("""
name: team
version: "2"
groups: {fit: {dimension: fit}, buys: {dimension: intent, cap: 10}}
rules:
  - {id: title, group: fit, lead: title, label: the title, patterns: {"*chief*": 10}}
  - {id: demo, group: buys, activity: demo, points: 9}
  - {id: clicks, group: fit, activity: click, points: 10}
thresholds: [{stage: mql, points: 10}]
handoff: {stage: mql}
""")
# title, downloads, demo, click per lead; two weekly looks at each lead, the first before anything happened
LEADS = {
    "a": (1, 0, 0, 0),
    "b": (0, 1, 1, 0),
    "c": (0, 0, 1, 0),
    "d": (0, 0, 0, 1),
    "e": (0, 1, 0, 0),
    "f": (0, 0, 0, 0),
}
WON = {"c", "d"}


def book(made: Rubric, weights: dict[str, float]) -> Ledger:
    order = ("title", "downloads", "demo", "clicks")
    given = {
        name: np.array([0.0] * len(LEADS) + [flags[order.index(name)] * points for flags in LEADS.values()])
        for name, points in weights.items()
    }
    return ledger_of_rules(made, pd.DataFrame(given))


OLD = book(ACTIVE, {"title": 10.0, "downloads": 8.0, "demo": 10.0})
NEW = book(DRAFT, {"title": 10.0, "demo": 9.0, "clicks": 10.0})


def rows() -> JudgedRows:
    ids = list(LEADS)
    keys = pd.DataFrame(
        {
            "lead_id": ids * 2,
            "as_of": pd.to_datetime(["2026-01-05"] * len(ids) + ["2026-01-12"] * len(ids)),
            "account_id": [f"acc {i}" for i in ids] * 2,
            "group": [f"acc {i}" for i in ids] * 2,
            "episode": 0,
            "order": [0] * len(ids) + [1] * len(ids),
            "age_days": 1.0,
            "segment": pd.NA,
        }
    )
    label = np.array([float(i in WON) for i in ids] * 2)
    return JudgedRows(keys, label, np.full(len(label), np.nan))


def compare(draft: Ledger = NEW) -> RubricPair:
    capacity = SnapshotCapacity(Capacity(handoffs_per_week=1))
    return compare_rubrics(OLD, draft, rows(), capacity=capacity, resampling=Resampling(200))


def test_without_amounts_no_policy_has_an_interval_of_revenue() -> None:
    for result in compare().policies:
        assert (result.record()["revenue"], result.record()["revenue_ci"]) == (None, [None, None])


def test_who_enters_and_who_leaves_with_their_outcome_and_the_rule() -> None:
    found = compare()
    moves = found.moves[["lead_id", "side", "won", "because"]].to_numpy().tolist()
    assert moves == [
        ["d", "enters", True, "clicks: +0 to +10"],
        ["c", "leaves", True, "demo: +10 to +9"],
        ["b", "leaves", False, "downloads: +8 to +0"],
    ]
    own = found.differences[0]
    assert (own.place, own.handoffs, own.wins) == ("own_threshold", -1, 0)
    assert (found.leads, found.winnable) == (6, 2)
    results = {result.policy: (result.workload, result.wins) for result in found.policies}
    assert results["active_own_threshold"] == (3, 1) and results["draft_own_threshold"] == (2, 1)
    assert results["draft_same_workload"][0] == 3 and "active_same_workload" not in results


def test_each_change_alone_says_what_it_does_and_no_other() -> None:
    alone = {
        row.rule: (row.change, row.leads, row.enter, row.enter_won, row.leave, row.leave_won) for row in compare().rules
    }
    assert alone == {
        "downloads": ("removed", 2, 0, 0, 0, 0),  # b keeps its demo, e had 8 points only
        "demo": ("changed", 2, 0, 0, 1, 1),  # c falls to 9; b still has downloads
        "clicks": ("added", 1, 1, 1, 0, 0),
    }, "a new label changes nothing"


def test_thresholds_and_caps_are_changes_too() -> None:
    lower = ACTIVE.model_copy(update={"thresholds": (ACTIVE.thresholds[0].model_copy(update={"points": 8.0}),)})
    found = compare(Ledger(lower, OLD.rules, OLD.caps, OLD.features))
    assert [(row.rule, row.enter, row.leave) for row in found.rules] == [("thresholds", 1, 0)]
    assert found.moves["lead_id"].tolist() == ["e"] and found.moves["because"].tolist() == ["thresholds or caps"]
    tight = ACTIVE.groups["buys"].model_copy(update={"cap": Cap(maximum=5.0)})
    capped = ledger_of_rules(ACTIVE.model_copy(update={"groups": ACTIVE.groups | {"buys": tight}}), OLD.rules)
    assert [(row.rule, row.enter, row.leave) for row in compare(capped).rules] == [("caps", 0, 1)]


def test_intervals_are_paired_so_that_the_same_rubric_differs_by_nothing() -> None:
    same = compare(Ledger(ACTIVE, OLD.rules, OLD.caps, OLD.features))
    assert all((d.handoffs, d.wins) == (0, 0) for d in same.differences)
    assert all((d.wins_ci.low, d.wins_ci.high) == (0.0, 0.0) for d in (same.differences[0], same.differences[2]))
    assert not len(same.moves) and same.rules == () and "same points" in same.sentences[-1]
    own = compare().differences[0]
    assert own.wins_ci.low <= 0 <= own.wins_ci.high and "no difference beyond noise" in compare().sentences[1]


def test_open_leads_that_move_today() -> None:
    half = len(LEADS)
    now = [Ledger(b.rubric, b.rules.iloc[half:], b.caps.iloc[half:], b.features.iloc[half:]) for b in (OLD, NEW)]
    found = handed_off_now(now[0], now[1], list(LEADS))
    assert [(row["lead_id"], row["side"], row["points_active"], row["points_draft"]) for row in found] == [
        ("d", "enters", 0.0, 10.0),
        ("b", "leaves", 18.0, 9.0),
        ("c", "leaves", 10.0, 9.0),
    ]
