"""A rubric against the past on its own, where no model can stand beside it."""

from dataclasses import replace

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.errors import ContractError
from features.schema.source import Capacity
from models.judging.cluster_bootstrap import Interval, cluster_sums, interval, ratio, resample_totals
from models.judging.handoff.comparison import Comparison, months_of, notes_of
from models.judging.handoff.policies import RUBRIC_CAPACITY, RUBRIC_OWN, ScoredPolicy, rubric_policies
from models.judging.handoff.policy_results import (
    PolicyResult,
    by_slice,
    intervals_of,
    result_of,
    sums_of,
    winnable_sums,
)
from models.judging.handoff.replay import TIE_RULE, Replay, arrange_replay
from models.judging.handoff.workload_curve import curve_of, places_per_snapshot

_WHERE = {RUBRIC_OWN: "At its own threshold", RUBRIC_CAPACITY: "At the given capacity"}


def replay_rubric_only(
    rubric: ScoredPolicy,
    keys: pd.DataFrame,
    label: Floats,
    amount: Floats,
    *,
    capacity: Capacity,
    every_days: int = 7,
    draws: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Replay the rubric's policies on matured rows, as :func:`compare` does, with no figures of any model.

    Every policy has an interval of its lift too: precision over the base rate of the same resampled accounts.

    Raises
    ------
    ContractError : rows that are not matured
    """
    if np.isnan(label).any():
        raise ContractError(f"{int(np.isnan(label).sum())} rows are not matured; judge on matured rows only.")
    replay = arrange_replay(keys, label)
    every = rubric_policies(replay, rubric, places_per_snapshot(replay, capacity, every_days))
    if capacity.value_per_win is not None:
        amount = np.where(np.isfinite(amount), amount, capacity.value_per_win)
    sums = {"winnable": winnable_sums(replay), **_base_sums(replay)}
    for handoffs in every:
        sums |= {f"{handoffs.policy}.{name}": s for name, s in sums_of(replay, handoffs, amount).items()}
    drawn = resample_totals(sums, draws=draws, seed=seed)
    base = ratio(drawn["base"], drawn["leads"])
    age = keys["age_days"].to_numpy(dtype=np.float64)
    results = []
    for handoffs in every:
        precision = ratio(drawn[f"{handoffs.policy}.wins"], drawn[f"{handoffs.policy}.workload"])
        found = result_of(replay, handoffs, amount, age, cost=capacity.cost_per_handoff)
        lift = {"lift": interval(ratio(precision, base))}
        results.append(replace(found, intervals=intervals_of(drawn, handoffs.policy) | lift))
    return Comparison(
        policies=tuple(results),
        differences=(),
        curves={rubric.name: curve_of(replay, rubric.score, draws=min(draws, 300), seed=seed)},
        swap=pd.DataFrame(),
        by_month=by_slice(replay, every, months_of(keys), "month"),
        by_segment=pd.DataFrame(),
        leads=replay.leads,
        winnable=int(replay.winnable.sum()),
        base_rate=replay.base_rate(),
        weeks=replay.snapshots,
        tie_rule=TIE_RULE,
        sentences=tuple(_sentence(result, replay) for result in results),
        notes=notes_of(every, replay),
    )


def _base_sums(replay: Replay) -> dict[str, Floats]:
    """Per cluster: leads, and what handing each off on a random one of its snapshots would have won."""
    rows = np.maximum(np.bincount(replay.lead, minlength=replay.leads), 1)
    share = np.bincount(replay.lead, weights=replay.label, minlength=replay.leads) / rows
    return {
        "base": cluster_sums(replay.cluster, share, replay.clusters),
        "leads": cluster_sums(replay.cluster, np.ones(replay.leads), replay.clusters),
    }


def _sentence(result: PolicyResult, replay: Replay) -> str:
    where = _WHERE[result.policy]
    if not result.workload:
        return f"{where} the rubric hands off nobody of {replay.leads:,} leads."
    told = (
        f"{where} the rubric hands off {result.workload:,} of {replay.leads:,} leads; {result.wins:,} of "
        f"{int(replay.winnable.sum()):,} wins lie inside. Precision {result.precision:.1%}"
        f"{_span(result.intervals['precision'], '.1%')}"
    )
    if not np.isfinite(result.lift):
        return f"{told}; nobody was won, so lift cannot be told."
    lift = result.intervals["lift"]
    told += f", {result.lift:.2f} times the base rate of {replay.base_rate():.1%}{_span(lift, '.2f')}"
    if np.isnan(lift.low):
        return f"{told}; too few to give an interval."
    if lift.low <= 1 <= lift.high:
        return f"{told}: no better and no worse than handing off at random, beyond noise."
    return f"{told}." if lift.low > 1 else f"{told}: worse than handing off at random."


def _span(found: Interval, form: str) -> str:
    return "" if np.isnan(found.low) else f" (90 % interval {found.low:{form}} to {found.high:{form}})"
