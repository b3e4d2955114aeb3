"""A vendor's score and the handoffs that really happened stand beside rubric and model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.errors import ContractError
from features.schema.source import Capacity
from features.schema.vocabulary import Stage
from models.judging.cluster_bootstrap import Resampling
from models.judging.evaluation.final_block import rank_figures, wins_at_capacity
from models.judging.evaluation.metrics import auc
from models.judging.handoff.compare_policies import compare_policies
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.recorded_baselines import actual_handoff, recorded_score
from models.judging.handoff.replay import JudgedRows
from models.judging.handoff.workload_curve import SnapshotCapacity
from tests.reference.toy import toy_matrix
from tests.unit.test_thresholds_compare import market


def test_a_recorded_score_is_judged_at_capacity_and_unscored_leads_rank_last() -> None:
    keys, label, amount, truth = market(0)
    vendor = pd.DataFrame({"lead_id": keys["lead_id"], "vendor": np.round(truth * 10)}).drop_duplicates("lead_id")
    vendor.loc[vendor.index[:5], "vendor"] = np.nan
    judge = recorded_score(vendor, "vendor", keys)
    assert (judge.score[keys["lead_id"].isin(vendor["lead_id"].iloc[:5])] == judge.score.min()).all()
    model = ScoredPolicy("model", np.random.default_rng(0).normal(size=len(keys)))
    compared = compare_policies(
        model,
        None,
        JudgedRows(keys, label, amount),
        capacity=SnapshotCapacity(Capacity(handoffs_per_week=10)),
        resampling=Resampling(50),
        others=[judge],
    )
    assert compared["recorded_score"].workload == 60
    assert compared["recorded_score"].wins > compared["model_at_capacity"].wins
    with pytest.raises(ContractError, match="is not in the leads table"):
        recorded_score(vendor, "other", keys)


def test_actual_handoffs_count_from_the_first_snapshot_that_knows_them() -> None:
    keys, label, amount, truth = market(0)
    week = pd.Timestamp("2024-01-15")
    stages = pd.DataFrame(
        {
            "lead_id": ["L0000", "L0001", "L0002", "L0001"],
            "stage": ["sal", "sal", "mql", "sal"],
            "known_at": [week, week - pd.Timedelta(days=1), week, week + pd.Timedelta(days=9)],
        }
    )
    judge = actual_handoff(stages, Stage.SAL, keys)
    assert judge.handed_off is not None
    handed = keys[judge.handed_off]
    first = handed.groupby("lead_id")["as_of"].min()
    assert set(first.index) == {"L0000", "L0001"}
    assert first["L0001"] >= week  # strictly after it became known
    assert first["L0000"] > week
    compared = compare_policies(
        ScoredPolicy("model", truth),
        None,
        JudgedRows(keys, label, amount),
        capacity=SnapshotCapacity(Capacity()),
        resampling=Resampling(50),
        others=[judge],
    )
    assert compared["actual_handoff"].workload == 2
    assert compared["actual_handoff"].rule == "as recorded"


def test_recorded_scores_are_judged_by_rank_alone() -> None:
    test = toy_matrix(400, seed=3)
    honest = np.where(test.label == 1.0, 900.0, -900.0) + np.random.default_rng(0).normal(0, 1000, len(test))
    called = honest > 1200
    judges = [ScoredPolicy("recorded_score", honest), ScoredPolicy("actual_handoff", called * 1.0, handed_off=called)]
    found = rank_figures(test, judges, SnapshotCapacity(Capacity(share=0.1)), Resampling(60, 1))
    assert list(found) == ["recorded_score", "actual_handoff"]
    for judge in judges:
        row = found[judge.name]
        assert row["auc"] == pytest.approx(auc(test.label, judge.score, np.ones(len(test))))
        assert row["auc_ci"][0] < row["auc"] < row["auc_ci"][1]
        assert not {"log_loss", "brier", "ece"} & set(row)
    assert found["recorded_score"]["handoffs_at_capacity"] == 40 and found["recorded_score"]["wins_at_capacity"] > 0
    assert found["recorded_score"]["auc"] > found["actual_handoff"]["auc"] > 0.6


def test_handoffs_that_happened_leave_places_empty_and_are_not_drawn_where_too_many_came() -> None:
    keys, label, _, truth = market(0)
    test = replace(toy_matrix(len(keys), seed=3), keys=keys, label=label)
    first = (keys["as_of"] == keys["as_of"].min()).to_numpy()
    came = first & (np.cumsum(first) <= 12)
    judge = ScoredPolicy("actual_handoff", came * 1.0, handed_off=came)

    def counted(per_week: int) -> tuple[int | None, int]:
        capacity = SnapshotCapacity(Capacity(handoffs_per_week=per_week))
        row = wins_at_capacity(test, [judge], capacity, Resampling(50))["actual_handoff"]
        return row["wins_at_capacity"], row["handoffs_at_capacity"]

    assert counted(30) == (int(label[came].sum()), 12), "nobody else takes the eighteen other places of the week"
    assert counted(1) == (None, 12), "which of them would have had a place is not drawn by hash"
    compared = compare_policies(
        ScoredPolicy("model", truth),
        None,
        JudgedRows.of(test),
        capacity=SnapshotCapacity(Capacity(handoffs_per_week=30)),
        resampling=Resampling(50),
        others=[judge],
    )["actual_handoff"]
    assert counted(30) == (compared.wins, compared.workload)
