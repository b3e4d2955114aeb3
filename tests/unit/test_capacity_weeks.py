"""Capacity is so many leads a week of real time, whatever day a lead is looked at."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.schema.source import Capacity, Source
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.replay import arrange_replay, first_crossings, top_each_snapshot
from models.judging.handoff.workload_curve import SnapshotCapacity, curve_of
from models.judging.promotion.paired_checks import CHALLENGER, CHAMPION, paired_checks
from models.judging.promotion.unseen_rows import UnseenRows
from models.settings import GateSettings
from pipelines.registry.promotion_gate import shares_of
from tests.reference.weeks import weekly_matrix
from tests.reference.worlds import SOURCE

MONDAY = pd.Timestamp("2024-01-01")


def looks(leads: int = 400, weeks: int = 8, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Leads looked at on days and minutes of their own, 0 and 3 days after creation: no two rows share a moment."""
    rng = np.random.default_rng(seed)
    created = MONDAY + pd.to_timedelta(
        np.sort(rng.choice(weeks * 7 * 1440 - 3 * 1440, leads, replace=False)), unit="min"
    )
    names = [f"L{k}" for k in range(leads)]
    frames = [pd.DataFrame({"lead_id": names, "as_of": created + pd.Timedelta(days=d, seconds=d)}) for d in (0, 3)]
    keys = pd.concat(frames, ignore_index=True).sort_values("as_of", ignore_index=True)
    keys = keys.assign(
        lead_id=keys["lead_id"].astype("str"),
        account_id=keys["lead_id"].astype("str"),
        group=keys["lead_id"].astype("str"),
        episode=0,
        order=np.arange(len(keys)),
        age_days=1.0,
        segment=pd.Series([None] * len(keys), dtype="str"),
    )
    score = rng.normal(size=len(keys))
    return keys, (rng.random(len(keys)) < 1 / (1 + np.exp(2 - score))).astype(float), score


def test_leads_looked_at_on_days_of_their_own_share_the_places_of_a_week() -> None:
    keys, label, score = looks()
    capacity = SnapshotCapacity(Capacity(handoffs_per_week=10), None)
    replay = capacity.arrange(keys, label)
    handed = top_each_snapshot(replay, score, capacity.places(replay))
    assert replay.snapshots == 8 and len(handed) == 80, "ten a week, not ten a moment"
    week = (keys["as_of"].iloc[handed] - MONDAY).dt.days // 7
    assert week.value_counts().tolist() == [10] * 8
    assert not keys.iloc[handed].duplicated("lead_id").any()
    everyone = arrange_replay(keys, label)
    assert everyone.snapshots == len(keys), "on a grid every moment is a snapshot"


def test_the_first_and_the_last_week_count_from_the_first_to_the_last_day_judged() -> None:
    keys, label, _ = looks()
    part = keys[(keys["as_of"] >= "2024-01-04") & (keys["as_of"] < "2024-01-17")].reset_index(drop=True)
    capacity = SnapshotCapacity(Capacity(handoffs_per_week=7), None)
    replay = capacity.arrange(part, label[: len(part)])
    assert replay.weeks.tolist() == pytest.approx([4 / 7, 1.0, 2 / 7])
    assert capacity.places(replay).tolist() == [4, 7, 2]
    assert replay.dates.tolist() == [MONDAY, MONDAY + pd.Timedelta(days=7), MONDAY + pd.Timedelta(days=14)]


def test_within_a_week_a_lead_counts_with_its_latest_look_and_crosses_at_its_first() -> None:
    keys, label, score = looks(60, 2)
    replay = arrange_replay(keys, label, None)
    handed = top_each_snapshot(replay, score, np.array([99, 99]))
    assert replay.latest[handed].all()
    last = keys.assign(week=replay.snapshot, row=np.arange(len(keys))).groupby(["lead_id", "week"])["row"].max()
    assert set(handed) <= set(last)
    first = first_crossings(replay, np.ones(len(keys), dtype=bool))
    assert keys["as_of"].iloc[first].tolist() == keys.groupby("lead_id")["as_of"].min().sort_values().tolist()


@pytest.mark.parametrize(("policy", "days"), [("weekly", 14), ("after_creation", None), ("stage_entry", None)])
def test_every_cohort_policy_works_the_same_number_a_week(policy: str, days: int | None) -> None:
    raw = SOURCE.model_dump(by_alias=True)
    raw["cohort"] |= {"policy": policy, "every_days": 14, "stages": ["mql"]}
    source = Source.model_validate(raw)
    capacity = SnapshotCapacity.of(source, Capacity(handoffs_per_week=3))
    assert capacity.every_days == days
    keys, label, _ = looks()
    if days is not None:
        keys = keys.assign(as_of=MONDAY + pd.to_timedelta((np.arange(len(keys)) % 4) * 14, unit="D"))
    replay = capacity.arrange(keys, label)
    assert capacity.places(replay).sum() == 24, "eight weeks of three"


def test_the_curve_hands_off_a_growing_number_a_week() -> None:
    keys, label, score = looks()
    points = curve_of(arrange_replay(keys, label, None), score, Resampling(50))
    sizes = [point.workload for point in points]
    assert sizes == sorted(set(sizes)) and sizes[0] <= 8 and len(sizes) > 10


def test_the_gate_compares_two_lists_and_not_everybody_with_everybody() -> None:
    """Looks on days of their own: with a place for every moment any two models would win the same."""
    matrix = weekly_matrix(1200, 12, seed=3)
    minutes = pd.to_timedelta(np.random.default_rng(0).permutation(len(matrix)), unit="min")
    keys = matrix.keys.assign(as_of=matrix.keys["as_of"] + minutes)
    own = replace(matrix, keys=keys)
    truth = matrix.values["truth"].to_numpy()
    capacity = SnapshotCapacity(Capacity(handoffs_per_week=7), None)
    later = UnseenRows(np.arange(len(own)), MONDAY, None)
    shares = shares_of(own, later, capacity.every_days)
    both = {CHAMPION: truth, CHALLENGER: -truth}
    wins = {c.name: c for c in paired_checks(own, both, shares, capacity, GateSettings(draws=300))}["wins at capacity"]
    assert wins.outcome == "worse" and wins.champion > 2 * wins.challenger


def test_the_gates_places_shrink_with_the_rows_judged_and_with_a_week_the_data_cover_in_part() -> None:
    matrix = weekly_matrix(300, 3, seed=3)
    day = pd.to_timedelta(np.arange(len(matrix)) % 4, unit="D")
    own = replace(matrix, keys=matrix.keys.assign(as_of=matrix.keys["as_of"] + day))
    whole = shares_of(own, UnseenRows(np.arange(len(own)), MONDAY, None), None)
    assert whole.tolist() == pytest.approx([1.0, 1.0, 4 / 7])
    half = shares_of(own, UnseenRows(np.flatnonzero(np.arange(len(own)) % 2 == 0), MONDAY, None), None)
    assert half == pytest.approx(whole / 2, rel=0.15)
