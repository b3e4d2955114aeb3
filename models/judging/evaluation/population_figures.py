"""How well scores order one part of the judged rows, and how often that part was won."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints
from features.matrix import Matrix
from models.judging.evaluation.metrics import auc
from models.judging.handoff.replay import tie_order

BEST_SHARE = 0.1  # of the rows: "the best tenth", as on every list


def rank_population(name: str, test: Matrix, rows: Bools, scores: Mapping[str, Floats]) -> dict[str, Any]:
    """Rows, leads, wins and base rate of one part, and per score its AUC there and the share won in its best tenth.

    Figures that cannot be computed (nobody, or all of them, won) are None. Rubrics give many rows the same points: ties
    are ordered as in every list (:data:`models.judging.handoff.replay.TIE_RULE`), looks at one lead in time order.
    """
    at = np.flatnonzero(rows)
    won = test.label[at]
    leads = test.keys.iloc[at][["lead_id", "episode"]].drop_duplicates()
    found: dict[str, Any] = {
        "population": name,
        "rows": len(at),
        "leads": len(leads),
        "won": int(won.sum()),
        "base_rate": float(won.mean()) if len(at) else None,
    }
    ties = _ties(test.keys.iloc[at])
    for judge, score in scores.items():
        best = np.lexsort((*ties, -score[at]))[: max(1, round(BEST_SHARE * len(at)))]
        area = auc(won, score[at], np.ones(len(at))) if len(at) else np.nan
        found[f"{judge}_auc"] = None if np.isnan(area) else area
        found[f"{judge}_best_tenth"] = float(won[best].mean()) if len(at) else None
    return found


def _ties(keys: pd.DataFrame) -> tuple[Ints, Ints]:
    """What orders rows of one score, the weaker first: the moment, and the order of the lead's hash."""
    code, names = pd.factorize(keys["lead_id"].astype("str") + "\x1f" + keys["episode"].astype("str"))
    moment = np.asarray(keys["as_of"].rank(method="dense").fillna(0).to_numpy(), dtype=np.int64)
    return moment, tie_order(pd.Series(names))[code]
