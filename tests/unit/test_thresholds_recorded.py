"""A vendor's score and the handoffs that really happened stand beside rubric and model."""

import numpy as np
import pandas as pd
import pytest

from features.definition import Capacity
from features.errors import ContractError
from features.vocabulary import Stage
from models.judging.handing import Judge
from models.judging.recorded import actual_handoff, recorded_score
from models.judging.thresholds import compare
from tests.unit.test_thresholds_compare import market


def test_a_recorded_score_is_judged_at_capacity_and_unscored_leads_rank_last() -> None:
    keys, label, amount, truth = market(0)
    vendor = pd.DataFrame({"lead_id": keys["lead_id"], "vendor": np.round(truth * 10)}).drop_duplicates("lead_id")
    vendor.loc[vendor.index[:5], "vendor"] = np.nan
    judge = recorded_score(vendor, "vendor", keys)
    assert (judge.score[keys["lead_id"].isin(vendor["lead_id"].iloc[:5])] == judge.score.min()).all()
    model = Judge("model", np.random.default_rng(0).normal(size=len(keys)))
    compared = compare(
        model, None, keys, label, amount, capacity=Capacity(handoffs_per_week=10), others=[judge], draws=50
    )
    assert compared["recorded_score"].workload == 60
    assert compared["recorded_score"].wins > compared["model_at_capacity"].wins
    with pytest.raises(ContractError, match="does not hold"):
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
    compared = compare(Judge("model", truth), None, keys, label, amount, capacity=Capacity(), others=[judge], draws=50)
    assert compared["actual_handoff"].workload == 2
    assert compared["actual_handoff"].rule == "as recorded"
