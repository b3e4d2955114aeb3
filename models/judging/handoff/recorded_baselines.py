"""What was recorded at the time, judged like any policy: a vendor's score, and the handoffs that really happened."""

import numpy as np
import pandas as pd

from features.array_types import Floats, Ints
from features.errors import ContractError
from features.point_in_time.microseconds import NEVER, micros
from features.point_in_time.visibility import is_known
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


def actual_handoff(
    stages: pd.DataFrame, stage: Stage, keys: pd.DataFrame, *, until: Ints | None = None
) -> ScoredPolicy:
    """Handoffs as they happened: a lead is handed off at the first snapshot that knows it entered the stage.

    A lead that entered it before the first judged snapshot counts there. ``until``, of leads not yet handed off: how
    far each row looks ahead [microseconds]. Where leads leave the snapshots with their handoff, the last one before it
    is the one they were handed off from; what was known by then (it was recycled since) is no handoff to come.
    """
    entered = stages[(stages["stage"] == str(stage)).to_numpy()]
    entries = entered[["lead_id"]].assign(known_at=micros(entered["known_at"]))
    pairs = keys[["lead_id"]].assign(row=np.arange(len(keys))).merge(entries, on="lead_id")
    at, known_at = pairs["row"].to_numpy(dtype=np.int64), pairs["known_at"].to_numpy(dtype=np.int64)
    came = is_known(known_at, micros(keys["as_of"])[at])
    if until is not None:
        came = is_known(known_at, until[at]) & ~came

    handed = np.zeros(len(keys), dtype=np.bool_)
    handed[at[came]] = True
    return ScoredPolicy(Policy.ACTUAL_HANDOFF, handed.astype(np.float64), handed_off=handed)


def next_looks(keys: pd.DataFrame, looks: pd.DataFrame, last: Ints) -> Ints:
    """When each row's lead is looked at again, ``last`` where it is not [microseconds].

    Every handoff between two looks is one from the first, however long after it: the next may come after its horizon.
    ``looks`` are all looks at all leads; ``keys`` and ``looks`` hold lead_id and as_of.
    """
    every = looks[["lead_id", "as_of"]].drop_duplicates().sort_values(["lead_id", "as_of"], ignore_index=True)
    every = every.assign(then=every.groupby("lead_id")["as_of"].shift(-1))
    then = micros(keys[["lead_id", "as_of"]].merge(every, on=["lead_id", "as_of"], how="left")["then"])
    return np.where(then == NEVER, last, then)
