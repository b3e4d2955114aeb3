"""The planner replays one rep more or fewer, and says what it cannot tell."""

import numpy as np

from features.schema.source import Capacity
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.capacity_planner import plan_capacity
from models.judging.handoff.replay import arrange_replay
from models.judging.handoff.workload_curve import SnapshotCapacity
from tests.unit.test_thresholds_compare import market


def test_one_more_rep_hands_off_a_longer_list_with_no_fewer_wins() -> None:
    keys, label, _, truth = market(0)
    plan = plan_capacity(
        arrange_replay(keys, label), truth, SnapshotCapacity(Capacity(handoffs_per_week=10, reps=2)), Resampling(200)
    )
    table = plan.table.set_index("reps")
    assert table.index.tolist() == [1, 2, 3, 4, 5]
    assert table.loc[2, "handoffs"] == 60
    assert table.loc[1, "handoffs"] == 30
    assert table.loc[2, "wins"] + table.loc[2, "one_more"] == table.loc[3, "wins"]
    assert (table["one_more_low"] <= table["one_more"]).all()
    assert "cannot show" in plan.sentences[1]


def test_the_queue_ages_when_more_come_than_are_worked() -> None:
    keys, label, _, truth = market(0)
    waiting = plan_capacity(
        arrange_replay(keys, label), truth, SnapshotCapacity(Capacity(handoffs_per_week=5, reps=1)), Resampling(50)
    ).waiting
    assert waiting["waiting"].is_monotonic_increasing
    assert waiting["median_days"].iloc[-1] > waiting["median_days"].iloc[0]
    everyone = plan_capacity(
        arrange_replay(keys, label), truth, SnapshotCapacity(Capacity(handoffs_per_week=900, reps=1)), Resampling(50)
    )
    assert (everyone.waiting["waiting"] == 0).all()
    assert np.isnan(everyone.waiting["median_days"]).all()
