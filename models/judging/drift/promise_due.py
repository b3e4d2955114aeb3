"""A promised threshold come due: of the leads that reached it since the training, how many were won."""

import numpy as np

from features.array_types import Floats
from features.matrix import Matrix
from models.judging.cluster_bootstrap import CONFIDENCE
from models.judging.drift.monitor_findings import Finding, Level
from models.judging.handoff.precision_guarantee import lower_bound, write_promise
from models.settings import MonitorSettings

CHECK = "promise"


def judge_promise(
    judged: Matrix,
    log_odds: Floats,
    threshold: float,
    promised: float,
    settings: MonitorSettings,
    *,
    noun: str = "leads",
) -> Finding:
    """Precision of the leads at or above a threshold, each counted once, when it first reached it.

    Less than promised beyond noise is to be watched; beyond ``act_confidence`` it calls for action, as it is looked at
    again every week. The bound is the one the promise was made with: leads of one account are no independent news.

    Parameters
    ----------
    judged : matured rows of leads new to the bundle, with ``log_odds`` of shape (n,)
    threshold : in log-odds
    promised : share of such leads that was promised to be won
    noun : those the promise was made for, who alone may be judged by it
    """
    over = np.flatnonzero(log_odds >= threshold)
    keys = judged.keys.iloc[over].assign(won=judged.label[over], cluster=judged.group_codes[over])
    first = keys.sort_values(["as_of", "lead_id"], kind="stable").drop_duplicates(["lead_id", "episode"])
    leads, won = len(first), int(first["won"].sum())
    if leads < settings.minimum_won:
        sentence = f"{leads} {noun} have reached the promised threshold since, and matured"
        return Finding(CHECK, Level.UNKNOWN, f"{sentence}; {settings.minimum_won} are needed.")

    lost, cluster = 1.0 - first["won"].to_numpy(dtype=np.float64), first["cluster"].to_numpy(dtype=np.int64)
    high, highest = (
        1.0 - lower_bound(lost, cluster, (1 + one) / 2)  # the upper end of a two-sided interval
        for one in (CONFIDENCE, settings.act_confidence)
    )
    share = f"{won} of {leads} {noun} that reached the threshold since were won ({won / leads:.0%})"
    sentence = f"{write_promise(promised)} was promised; {share}."
    if high >= promised:
        return Finding(CHECK, Level.OK, sentence)
    advice = "Set the threshold anew: 'leadscore thresholds --promise', on newer rows; then retrain."
    level, most = (Level.ACT, highest) if highest < promised else (Level.WATCH, high)
    return Finding(CHECK, level, f"{sentence} At most {most:.0%} is compatible with that.", advice)
