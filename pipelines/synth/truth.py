"""What really happens to each lead, week by week, and the exact probability of it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Floats
from pipelines.synth.market import DORMANT_WEEKS, HORIZON_WEEKS, RECYCLED_SHARE, START, TOPICS, Market

WON, LOST, OPEN = 1, 0, -1


@dataclass(frozen=True)
class Fate:
    """Per lead: how it ended (won, lost, still open), when (weeks since start), and every week it was recycled."""

    ended: Floats
    at: Floats
    recycled: list[tuple[int, int]]
    is_open: Floats


def simulate(rng: np.random.Generator, market: Market, weeks: int) -> Fate:
    """Walk through the weeks: a lead that is open wins, is lost, is recycled (dormant for some weeks), or stays."""
    leads = len(market.created)
    win, loss = market.win_hazard, market.loss_hazard
    first = np.ceil(market.created).astype(np.int64)  # the first whole week
    ended, at = np.full(leads, OPEN, dtype=np.float64), np.full(leads, np.nan)
    asleep_until = first.copy()
    recycled: list[tuple[int, int]] = []
    is_open = np.zeros((leads, weeks))

    for week in range(weeks):
        up = (ended == OPEN) & (asleep_until <= week)
        is_open[up, week] = 1.0

        draw = rng.random(leads)
        moment = week + rng.random(leads)

        won = up & (draw < win[:, week])
        gone = up & ~won & (draw < win[:, week] + loss[:, week])
        back = gone & (rng.random(leads) < RECYCLED_SHARE)
        ended[won], ended[gone & ~back] = WON, LOST
        at[won | (gone & ~back)] = moment[won | (gone & ~back)]

        asleep_until[back] = week + 1 + DORMANT_WEEKS
        recycled += [(int(lead), week) for lead in np.flatnonzero(back)]
    return Fate(ended, at, recycled, is_open)


def win_probability(market: Market, weeks: int) -> Floats:
    """P(won within the horizon | open at the start of the week and everything latent), shape (n, weeks).

    Exact: ``V[h, w] = win(w) + stay(w) V[h-1, w+1] + recycled(w) V[h-1-dormant, w+1+dormant]``.
    """
    win, loss = market.win_hazard, np.minimum(market.loss_hazard, 1 - market.win_hazard)
    back = loss * RECYCLED_SHARE
    stay = 1 - win - loss
    span = win.shape[1]

    value = [np.zeros_like(win)]
    for h in range(1, HORIZON_WEEKS + 1):
        now = win.copy()
        now[:, : span - 1] += stay[:, : span - 1] * value[h - 1][:, 1:]
        later = 1 + DORMANT_WEEKS
        if h - later >= 0:
            now[:, : span - later] += back[:, : span - later] * value[h - later][:, later:]
        value.append(now)

    return value[HORIZON_WEEKS][:, :weeks]


def truth_frame(market: Market, fate: Fate, weeks: int) -> pd.DataFrame:
    """Truth per lead and Monday on which it is open.

    ``log_odds`` is the logit of the exact probability; ``hazard_log_odds`` is the weekly log-odds, which the parts
    ``part_<topic>`` and ``part_context`` add up to.
    """
    lead, week = np.nonzero(fate.is_open)
    p = win_probability(market, weeks)[lead, week]
    parts = {f"part_{topic}": market.parts[topic][lead, week] for topic in TOPICS}
    return pd.DataFrame(
        {
            "lead_id": market.leads["lead_id"].to_numpy()[lead],
            "as_of": START + pd.to_timedelta(week * 7, unit="D"),
            "probability": p,
            "log_odds": np.log(p / (1 - p)),
            "hazard_log_odds": market.hazard_log_odds[lead, week],
            **parts,
            "part_context": market.context[lead, week],
        }
    )
