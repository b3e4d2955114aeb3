"""State and next action of a lead by a declared default policy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.vocabulary import EvidenceStatus, Stage
from models.explaining.evidence import Evidence
from models.scorer import Floats, Ints


@dataclass(frozen=True)
class Policy:
    """Borders of the default policy, in points of the score and in criteria.

    A lead with ``mql_score`` or more is an MQL; it is an SQL if at least ``sql_criteria`` criteria are met and none
    is known not to be. Below, a lead that shows interest or intent is an IQL.
    """

    mql_score: int = 50
    sql_criteria: int = 2


def qualify(
    score: Ints, engagement: Floats, statuses: dict[str, Evidence], policy: Policy | None = None
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """State and next action per row.

    ``engagement`` is the summed contribution of interest, intent and usage, log-odds.
    """
    rules = policy or Policy()
    met = _count(statuses, EvidenceStatus.MET, len(score))
    refused = _count(statuses, EvidenceStatus.NOT_MET, len(score))
    high = score >= rules.mql_score
    sql = high & (met >= rules.sql_criteria) & (refused == 0)
    state = np.select(
        [sql, high, engagement > 0],
        [str(Stage.SQL), str(Stage.MQL), str(Stage.IQL)],
        str(Stage.LEAD),
    ).astype(object)
    unknown = len(statuses) - met - refused > 0
    action = np.select(
        [sql, high & unknown, high, engagement > 0],
        ["hand_off", "ask", "hand_off", "nurture_intent"],
        "nurture_interest",
    ).astype(object)
    return state, action


def _count(statuses: dict[str, Evidence], wanted: EvidenceStatus, rows: int) -> Ints:
    total = np.zeros(rows, dtype=np.int64)
    for found in statuses.values():
        total += found.status == wanted
    return total
