"""A lead is handed off once, its win counts once, and the fast replay equals the slow one."""

import numpy as np
import pandas as pd
import pytest

from features.schema.source import Capacity
from models.judging.handoff.comparison import notes_of
from models.judging.handoff.policies import ScoredPolicy, policies_of
from models.judging.handoff.replay import arrange_replay, first_crossings, threshold_for, top_each_snapshot
from models.judging.handoff.workload_curve import SnapshotCapacity, spread_places
from tests.reference.replay_oracle import replay as slow_replay


def weekly(seed: int, leads: int = 60, weeks: int = 8) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Keys, labels and coarse (tied) scores of leads seen on some weeks, rows shuffled."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"L{lead}", week, lead % 3 == 0 and week > 4, lead // 3)
        for lead in range(leads)
        for week in range(rng.integers(0, 3), weeks)
        if rng.random() < 0.8
    ]
    order = rng.permutation(len(rows))
    frame = pd.DataFrame([rows[i] for i in order], columns=["lead_id", "week", "second", "account"])
    keys = pd.DataFrame(
        {
            "lead_id": frame["lead_id"].astype("str"),
            "as_of": pd.to_datetime("2024-01-01") + pd.to_timedelta(frame["week"] * 7, unit="D"),
            "account_id": frame["account"].astype("str"),
            "group": frame["account"].astype("str"),
            "episode": frame["second"].astype("int64"),
            "order": frame["week"].astype("int64"),
            "age_days": frame["week"] * 7.0,
            "segment": pd.Series(["small"] * len(frame), dtype="str"),
        }
    )
    label = (rng.random(len(frame)) < 0.2).astype(float)
    return keys, label, rng.integers(0, 5, len(frame)).astype(float)


def as_rows(keys: pd.DataFrame, score: np.ndarray) -> list[dict[str, object]]:
    return [{**row, "score": score[i], "row": i} for i, row in enumerate(keys.to_dict(orient="records"))]


@pytest.mark.parametrize("seed", range(8))
def test_top_of_each_week_equals_the_slow_replay(seed: int) -> None:
    keys, label, score = weekly(seed)
    places = spread_places(2.5, np.ones(8))
    fast = top_each_snapshot(arrange_replay(keys, label), score, places)
    slow = slow_replay(as_rows(keys, score), lambda rows, week: rows[: int(places[week])])
    assert fast.tolist() == [row["row"] for row in slow]
    handed = keys.iloc[fast]
    assert not handed.duplicated(["lead_id", "episode"]).any()


@pytest.mark.parametrize("seed", range(8))
def test_first_crossings_equal_the_slow_replay(seed: int) -> None:
    keys, label, score = weekly(seed)
    fast = first_crossings(arrange_replay(keys, label), score >= 4)
    slow = slow_replay(as_rows(keys, score), lambda rows, week: [r for r in rows if r["score"] >= 4])  # type: ignore[operator]
    assert sorted(fast.tolist()) == sorted(row["row"] for row in slow)


def test_order_of_the_file_decides_nothing() -> None:
    keys, label, score = weekly(1)
    shuffled = np.random.default_rng(9).permutation(len(keys))
    places = np.full(8, 2)
    one = top_each_snapshot(arrange_replay(keys, label), score, places)
    two = top_each_snapshot(
        arrange_replay(keys.iloc[shuffled].reset_index(drop=True), label[shuffled]), score[shuffled], places
    )
    assert set(one) == set(shuffled[two])


def test_a_threshold_for_a_workload_hands_off_that_many_leads() -> None:
    keys, label, _ = weekly(2)
    score = np.random.default_rng(0).normal(size=len(keys))
    replay = arrange_replay(keys, label)
    for workload in (1, 7, replay.leads):
        assert len(first_crossings(replay, score >= threshold_for(replay, score, workload))) == workload


def test_a_flat_source_is_one_snapshot() -> None:
    keys, label, score = weekly(3)
    flat = keys.assign(as_of=pd.NaT, lead_id=[str(i) for i in range(len(keys))])
    replay = arrange_replay(flat, label)
    rows = top_each_snapshot(replay, score, np.array([5]))
    assert replay.snapshots == 1
    assert (score[rows] == np.sort(score)[::-1][:5]).all()


def test_a_list_without_clocks_does_not_speak_of_weeks() -> None:
    keys, _, score = weekly(3)
    keys = keys.assign(lead_id=[str(i) for i in range(len(keys))])
    said = []
    for as_of in (keys["as_of"], pd.Series(pd.NaT, index=keys.index)):
        replay = arrange_replay(keys.assign(as_of=as_of), np.zeros(len(keys)))
        rubric = ScoredPolicy("rubric", score, handed_off=score >= 4, threshold=4)
        never = ScoredPolicy("never", score, handed_off=score > 99)
        every = policies_of(
            replay, ScoredPolicy("model", score), rubric, [never], SnapshotCapacity(Capacity(share=0.1))
        )
        said.append(" ".join([*(handoffs.rule for handoffs in every), *notes_of(every, replay)]))
    assert "week" in said[0] and "week" not in said[1]
    assert "hands off none of these leads" in said[1] and "None of these leads was won" in said[1]
