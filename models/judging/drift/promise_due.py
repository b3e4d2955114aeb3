"""A promised threshold come due: of the leads that reached it since the training, how many were won."""

import numpy as np
from scipy.stats import binomtest

from features.array_types import Floats
from features.matrix import Matrix
from models.judging.cluster_bootstrap import CONFIDENCE
from models.judging.drift.monitor_findings import Finding, Level
from models.judging.handoff.precision_guarantee import write_promise
from models.settings import MonitorSettings

CHECK = "promise"


def judge_promise(
    judged: Matrix, log_odds: Floats, threshold: float, promised: float, settings: MonitorSettings
) -> Finding:
    """Precision of the leads at or above a threshold, each counted once, when it first reached it.

    Less than promised beyond noise is to be watched; beyond ``act_confidence`` it calls for action, as it is looked at
    again every week.

    Parameters
    ----------
    judged : matured rows of leads new to the bundle, with ``log_odds`` of shape (n,)
    threshold : in log-odds
    promised : share of such leads that was promised to be won
    """
    over = np.flatnonzero(log_odds >= threshold)
    keys = judged.keys.iloc[over].assign(won=judged.label[over])
    first = keys.sort_values(["as_of", "lead_id"], kind="stable").drop_duplicates(["lead_id", "episode"])
    leads, won = len(first), int(first["won"].sum())
    if leads < settings.minimum_won:
        sentence = f"{leads} leads have reached the promised threshold since, and matured"
        return Finding(CHECK, Level.UNKNOWN, f"{sentence}; {settings.minimum_won} are needed.")
    found = binomtest(won, leads)
    high, highest = (
        float(found.proportion_ci(one, method="exact").high) for one in (CONFIDENCE, settings.act_confidence)
    )
    share = f"{won} of {leads} leads that reached the threshold since were won ({won / leads:.0%})"
    sentence = f"{write_promise(promised)} was promised; {share}."
    if high >= promised:
        return Finding(CHECK, Level.OK, sentence)
    advice = "Set the threshold anew: 'leadscore thresholds --promise', on newer rows; then retrain."
    level, most = (Level.ACT, highest) if highest < promised else (Level.WATCH, high)
    return Finding(CHECK, level, f"{sentence} At most {most:.0%} is compatible with that.", advice)
