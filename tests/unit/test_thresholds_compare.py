"""Rubric and model are judged on the same leads at the same workload, and the page tells who is better."""

import numpy as np
import pandas as pd
import pytest

from features.errors import ContractError
from features.schema.source import Capacity
from models.judging.cluster_bootstrap import Resampling
from models.judging.handoff.compare_policies import compare_policies
from models.judging.handoff.comparison import Comparison
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.policy_names import Policy
from models.judging.handoff.replay import JudgedRows, arrange_replay
from models.judging.handoff.rubric_only import replay_rubric_only
from models.judging.handoff.workload_curve import SnapshotCapacity


def market(seed: int, leads: int = 400, weeks: int = 6) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Keys, label, amount and the true log-odds of leads seen weekly, three leads to an account."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(-1.5, 1.5, leads)
    won = rng.random(leads) < 1 / (1 + np.exp(-quality))
    start = rng.integers(0, weeks, leads)
    lead = np.concatenate([np.full(weeks - s, i) for i, s in enumerate(start)])
    week = np.concatenate([np.arange(s, weeks) for s in start])
    keys = pd.DataFrame(
        {
            "lead_id": pd.Series([f"L{i:04d}" for i in lead], dtype="str"),
            "as_of": pd.to_datetime("2024-01-01") + pd.to_timedelta(week * 7, unit="D"),
            "account_id": pd.Series([f"A{i // 3}" for i in lead], dtype="str"),
            "group": pd.Series([f"A{i // 3}" for i in lead], dtype="str"),
            "episode": np.zeros(len(lead), dtype=np.int64),
            "order": week,
            "age_days": (week - start[lead]) * 7.0,
            "segment": pd.Series(np.where(lead % 2 == 0, "small", "large"), dtype="str"),
        }
    )
    label = won[lead].astype(float)
    return keys, label, np.where(label == 1, 1000.0, np.nan), quality[lead]


def judged(model: np.ndarray, points: np.ndarray, seed: int = 0, **capacity: float) -> tuple[Comparison, pd.DataFrame]:
    keys, label, amount, _ = market(seed)
    rubric = ScoredPolicy("rubric", points, handed_off=points >= 20, threshold=20.0)
    scorer = ScoredPolicy("model", model, probability=1 / (1 + np.exp(-model)))
    limits = Capacity.model_validate({"handoffs_per_week": 10, **capacity})
    return compare_policies(
        scorer, rubric, JudgedRows(keys, label, amount), capacity=SnapshotCapacity(limits), resampling=Resampling(300)
    ), keys


def test_at_equal_workload_each_week_hands_off_as_many_as_the_rubric() -> None:
    keys, label, _, truth = market(0)
    points = np.random.default_rng(1).normal(15, 8, 400)[[int(x[1:]) for x in keys["lead_id"]]]
    compared, _ = judged(truth, points)
    rubric, model = compared[Policy.RUBRIC_OWN], compared[Policy.EQUAL_WORKLOAD]
    assert rubric.workload == model.workload
    assert model.wins > rubric.wins
    assert compared.differences[0].wins_ci.low > 0
    assert f"the model's list holds {model.wins} of {compared.winnable} wins" in compared.sentences[0]
    months = compared.by_month.groupby("policy")["wins"].sum()
    assert months[Policy.EQUAL_WORKLOAD] == model.wins
    assert set(compared.by_segment["segment"]) == {"small", "large"}
    assert arrange_replay(keys, label).winnable.sum() == compared.winnable


def test_confusion_counts_every_lead_once() -> None:
    _, _, _, truth = market(0)
    compared, _ = judged(truth, truth * 5 + 20)
    for result in compared.policies:
        assert sum(result.confusion.values()) == compared.leads
        assert result.confusion["handed_off_won"] == result.wins
        low, high = result.intervals["wins"].low, result.intervals["wins"].high
        assert low <= result.wins <= high


def test_a_better_rubric_is_said_first() -> None:
    _, _, _, truth = market(0)
    noise = np.random.default_rng(5).normal(size=len(truth))
    compared, _ = judged(noise, truth * 10 + 25)
    assert compared.sentences[0].startswith("The rubric is better.")


def test_equal_scores_give_equal_lists_and_an_empty_swap_set() -> None:
    _, _, _, truth = market(0)
    compared, _ = judged(truth, truth * 8 + 20)
    difference = compared.differences[0]
    assert (difference.wins, len(compared.swap)) == (0, 0)
    assert "no difference beyond noise" in compared.sentences[0]


def test_the_swap_set_names_leads_of_one_list_only_and_balances() -> None:
    keys, label, _, truth = market(0)
    points = np.random.default_rng(1).normal(15, 8, 400)[[int(x[1:]) for x in keys["lead_id"]]]
    compared, _ = judged(truth, points)
    sides = compared.swap["side"].value_counts()
    assert sides["model only"] == sides["rubric only"] > 0
    assert not compared.swap["lead_id"].duplicated().any()
    gained = compared.swap.groupby("side")["won"].sum()
    assert gained["model only"] - gained["rubric only"] == compared.differences[0].wins
    assert (keys["lead_id"].to_numpy()[compared.swap["row"]] == compared.swap["lead_id"]).all()
    assert (label[compared.swap["row"]] == compared.swap["won"]).all()


def test_equal_precision_is_at_least_as_precise() -> None:
    keys, _, _, truth = market(0)
    points = np.random.default_rng(1).normal(15, 8, 400)[[int(x[1:]) for x in keys["lead_id"]]]
    compared, _ = judged(truth, points)
    assert compared[Policy.EQUAL_PRECISION].precision >= compared[Policy.RUBRIC_OWN].precision
    assert compared[Policy.EQUAL_PRECISION].workload > compared[Policy.RUBRIC_OWN].workload


def test_cost_and_value_hand_off_where_a_win_is_worth_it() -> None:
    _, _, _, truth = market(0)
    compared, _ = judged(truth, truth * 8 + 20, cost_per_handoff=100, value_per_win=1000)
    assert compared[Policy.MODEL_VALUE].threshold == pytest.approx(np.log(0.1 / 0.9))
    assert compared[Policy.MODEL_CAPACITY].workload == 60


def test_revenue_is_the_sum_of_won_amounts() -> None:
    _, _, _, truth = market(0)
    compared, _ = judged(truth, truth * 8 + 20)
    for result in compared.policies:
        assert result.revenue == result.wins * 1000.0


def test_without_amounts_neither_revenue_nor_its_interval_is_told() -> None:
    """An interval from 0 to 0 would say that the wins were worth nothing."""
    keys, label, amount, truth = market(0)
    points = 20 + 4 * truth
    model, rubric = ScoredPolicy("model", truth), ScoredPolicy("rubric", points, handed_off=points >= 20)
    capacity, resampling = SnapshotCapacity(Capacity(handoffs_per_week=10)), Resampling(100)
    for paid, told in ((amount, True), (np.full(len(label), np.nan), False)):
        rows = JudgedRows(keys, label, paid)
        beside = compare_policies(model, rubric, rows, capacity=capacity, resampling=resampling)
        alone = replay_rubric_only(rubric, rows, capacity=capacity, resampling=resampling)
        for result in (*beside.policies, *alone.policies):
            record = result.record()
            assert (record["revenue"] is not None) == told
            assert (record["revenue_ci"] != [None, None]) == told
            assert None not in record["wins_ci"]


def test_unmatured_rows_are_refused() -> None:
    keys, label, amount, truth = market(0)
    label[3] = np.nan
    with pytest.raises(ContractError, match="1 rows have not matured"):
        compare_policies(
            ScoredPolicy("model", truth),
            None,
            JudgedRows(keys, label, amount),
            capacity=SnapshotCapacity(Capacity()),
            resampling=Resampling(50),
        )


def test_a_rubric_that_selects_nobody_or_everybody_is_named() -> None:
    _, _, _, truth = market(0)
    nobody, _ = judged(truth, np.zeros(len(truth)))
    everybody, _ = judged(truth, np.full(len(truth), 90.0))
    assert "Policy 'rubric, at its own threshold' hands off no leads in these weeks." in nobody.notes
    assert nobody.record()["policies"][0]["precision"] is None
    assert "Policy 'rubric, at its own threshold' hands off every lead; it does not select." in everybody.notes


def test_without_a_rubric_the_model_stands_alone() -> None:
    keys, label, amount, truth = market(0)
    compared = compare_policies(
        ScoredPolicy("model", truth),
        None,
        JudgedRows(keys, label, amount),
        capacity=SnapshotCapacity(Capacity(handoffs_per_week=5)),
        resampling=Resampling(100),
    )
    assert [r.policy for r in compared.policies] == [Policy.MODEL_CAPACITY]
    assert compared.sentences[0].startswith("No rubric is declared")


def test_curves_grow_with_workload_to_all_wins() -> None:
    _, _, _, truth = market(0)
    compared, _ = judged(truth, truth * 8 + 20)
    points = compared.curves["model"]
    assert [p.workload for p in points] == sorted(p.workload for p in points)
    assert all(p.wins_ci.low <= p.wins <= p.wins_ci.high for p in points)
    assert points[-1].wins > 0.9 * compared.winnable
    assert points[0].precision > points[-1].precision


def test_every_attribute_s_values_add_up_to_the_policy_and_cost_is_taken_off() -> None:
    keys, label, amount, truth = market(0)
    half = pd.Series(np.where(np.arange(len(keys)) % 3 == 0, "a", None), dtype="object")
    limits = Capacity(handoffs_per_week=10, cost_per_handoff=5.0, value_per_win=70.0)
    unknown = np.full(len(label), np.nan)
    judge = ScoredPolicy("model", truth)
    compared = compare_policies(
        judge,
        None,
        JudgedRows(keys, label, unknown),
        capacity=SnapshotCapacity(limits),
        resampling=Resampling(50),
        segments={"half": half},
    )
    found = compared[Policy.MODEL_CAPACITY]
    assert found.revenue == 70.0 * found.wins, "the declared value where no amount is on record"
    assert found.net == found.revenue - 5.0 * found.workload
    table = compared.by_segment.groupby("attribute")[["workload", "wins"]].sum()
    assert table.loc["segment"].tolist() == [found.workload, found.wins]
    assert 0 < table.loc["half", "workload"] < found.workload, "rows without a value belong to no segment"
    known = compare_policies(
        judge, None, JudgedRows(keys, label, amount), capacity=SnapshotCapacity(limits), resampling=Resampling(50)
    )[Policy.MODEL_CAPACITY]
    assert known.revenue == 1000.0 * known.wins


def test_a_rubric_alone_has_the_figures_it_has_beside_a_model_and_an_interval_of_its_lift() -> None:
    keys, label, amount, truth = market(0)
    points = 20 + 4 * truth
    beside, _ = judged(truth, points)
    rubric, capacity = ScoredPolicy("rubric", points, handed_off=points >= 20), Capacity(handoffs_per_week=10)
    found = replay_rubric_only(
        rubric, JudgedRows(keys, label, amount), capacity=SnapshotCapacity(capacity), resampling=Resampling(300)
    )
    assert [r.policy for r in found.policies] == [Policy.RUBRIC_OWN, Policy.RUBRIC_CAPACITY]
    for result in found.policies:
        other = beside[result.policy]
        assert (result.workload, result.wins, result.lift) == (other.workload, other.wins, other.lift)
        assert result.intervals["wins"] == other.intervals["wins"]
        low, high = result.intervals["lift"].low, result.intervals["lift"].high
        assert 1 < low < result.lift < high and f"{result.lift:.2f} times the base rate" in " ".join(found.sentences)
    shuffled = np.random.default_rng(0).permutation(points)
    by_chance = replay_rubric_only(
        ScoredPolicy("rubric", shuffled),
        JudgedRows(keys, label, amount),
        capacity=SnapshotCapacity(capacity),
        resampling=Resampling(300),
    )
    assert "beyond noise" in by_chance.sentences[0]
    nobody = replay_rubric_only(
        ScoredPolicy("rubric", points, points > 999),
        JudgedRows(keys, label, amount),
        capacity=SnapshotCapacity(capacity),
        resampling=Resampling(50),
    )
    assert nobody.sentences[0] == "At its own threshold the rubric hands off none of 400 leads."
    with pytest.raises(ContractError, match="not matured"):
        replay_rubric_only(
            rubric,
            JudgedRows(keys, label * np.nan, amount),
            capacity=SnapshotCapacity(capacity),
            resampling=Resampling(50),
        )
