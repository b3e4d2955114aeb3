"""What was recorded at the time, judged like any policy: a vendor's score, and the handoffs that really happened."""

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.errors import ContractError
from features.point_in_time.microseconds import days, micros
from features.point_in_time.visibility import UNKNOWN, is_known
from features.schema.vocabulary import Stage
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.policy_names import Policy


def recorded_score(leads: pd.DataFrame, column: str, keys: pd.DataFrame) -> ScoredPolicy:
    """A column's number as a score; leads without one rank last."""
    if column not in leads:
        raise ContractError(f"recorded_score names '{column}', which is not in the leads table; declare the column.")
    by_lead = pd.to_numeric(leads.drop_duplicates("lead_id").set_index("lead_id")[column], errors="coerce")
    values: Floats = keys["lead_id"].map(by_lead).to_numpy(dtype=np.float64)
    if np.isnan(values).all():
        raise ContractError(f"recorded_score names '{column}', which holds no numbers; name a numeric column.")
    return ScoredPolicy(Policy.RECORDED_SCORE, np.where(np.isnan(values), np.nanmin(values) - 1.0, values))


def actual_handoff(stages: pd.DataFrame, stage: Stage, keys: pd.DataFrame, *, ahead_days: float = 0) -> ScoredPolicy:
    """Handoffs as they happened: a lead is handed off at the first snapshot that knows it entered the stage.

    A lead that entered it before the first judged snapshot counts there. ``ahead_days`` looks so far ahead: where
    leads leave the snapshots with their handoff, the last one before it is the one they were handed off from.
    """
    entered = stages[(stages["stage"] == str(stage)).to_numpy()]
    first = pd.Series(micros(entered["known_at"]), index=entered["lead_id"].to_numpy()).groupby(level=0).min()
    known_at = keys["lead_id"].map(first).fillna(UNKNOWN).to_numpy(dtype=np.int64)
    handed = np.asarray(is_known(known_at, micros(keys["as_of"]) + days(ahead_days)), dtype=bool)
    return ScoredPolicy(Policy.ACTUAL_HANDOFF, handed.astype(np.float64), handed_off=handed)
