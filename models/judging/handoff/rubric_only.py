"""A rubric against the past on its own, where no model can stand beside it."""

from dataclasses import replace

import numpy as np
import pandas as pd

from features.array_types import Floats
from models.judging.cluster_bootstrap import Interval, Resampling, cluster_sums, interval, ratio, resample_totals
from models.judging.handoff.comparison import Comparison, months_of, notes_of
from models.judging.handoff.policies import ScoredPolicy, rubric_policies
from models.judging.handoff.policy_names import place_of
from models.judging.handoff.policy_results import (
    PolicyResult,
    by_slice,
    intervals_of,
    result_of,
    sums_of,
    winnable_sums,
)
from models.judging.handoff.replay import TIE_RULE, JudgedRows, Replay
from models.judging.handoff.workload_curve import CURVE_DRAWS, SnapshotCapacity, curve_of


def replay_rubric_only(
    rubric: ScoredPolicy,
    rows: JudgedRows,
    *,
    capacity: SnapshotCapacity,
    resampling: Resampling,
) -> Comparison:
    """Replay the rubric's policies on matured rows as :func:`compare_policies` does, with no figures of any model.

    Every policy has an interval of its lift too: precision over the base rate of the same resampled accounts.
    """
    rows = rows.with_value(capacity.declared.value_per_win)
    replay = capacity.arrange(rows.keys, rows.label)
    every = rubric_policies(replay, rubric, capacity.places(replay))

    sums = {"winnable": winnable_sums(replay), **_base_sums(replay)}
    for handoffs in every:
        sums |= {f"{handoffs.policy}.{name}": s for name, s in sums_of(replay, handoffs, rows.amount).items()}
    drawn = resample_totals(sums, resampling)
    base = ratio(drawn["base"], drawn["leads"])

    results = []
    for handoffs in every:
        precision = ratio(drawn[f"{handoffs.policy}.wins"], drawn[f"{handoffs.policy}.workload"])
        found = result_of(replay, handoffs, rows, cost=capacity.declared.cost_per_handoff)
        lift = {"lift": interval(ratio(precision, base))}
        results.append(replace(found, intervals=intervals_of(drawn, handoffs.policy) | lift))

    return Comparison(
        policies=tuple(results),
        differences=(),
        curves={rubric.name: curve_of(replay, rubric.score, resampling.at_most(CURVE_DRAWS))},
        swap=pd.DataFrame(),
        by_month=by_slice(replay, every, months_of(rows.keys), "month"),
        by_segment=pd.DataFrame(),
        leads=replay.leads,
        winnable=int(replay.winnable.sum()),
        base_rate=replay.base_rate(),
        weeks=max(1, round(float(replay.weeks.sum()))),
        tie_rule=TIE_RULE,
        sentences=tuple(_sentence(result, replay, rows.noun) for result in results),
        notes=notes_of(every, replay),
        noun=rows.noun,
    )


def _base_sums(replay: Replay) -> dict[str, Floats]:
    """Per cluster: leads, and what handing each off on a random one of its snapshots would have won."""
    rows = np.maximum(np.bincount(replay.lead, minlength=replay.leads), 1)
    share = np.bincount(replay.lead, weights=replay.label, minlength=replay.leads) / rows
    return {
        "base": cluster_sums(replay.cluster, share, replay.clusters),
        "leads": cluster_sums(replay.cluster, np.ones(replay.leads), replay.clusters),
    }


def _sentence(result: PolicyResult, replay: Replay, noun: str) -> str:
    where = place_of(result.policy)
    if not result.workload:
        return f"{where} the rubric hands off none of {replay.leads:,} {noun}."
    lift = result.intervals["lift"]
    figures = (
        f"{where} the rubric hands off {result.workload:,} of {replay.leads:,} {noun}; that list holds {result.wins:,} "
        f"of {int(replay.winnable.sum()):,} wins. Precision {result.precision:.1%}"
        f"{_span(result.intervals['precision'], '.1%')}"
    )

    if not np.isfinite(result.lift):
        return f"{figures}; no lead was won, so lift cannot be computed."
    figures += f", {result.lift:.2f} times the base rate of {replay.base_rate():.1%}{_span(lift, '.2f')}"

    if np.isnan(lift.low):
        return f"{figures}; there are too few leads for an interval."
    if lift.low <= 1 <= lift.high:
        return f"{figures}: no difference from handing off at random beyond noise."
    return f"{figures}." if lift.low > 1 else f"{figures}: worse than handing off at random."


def _span(found: Interval, form: str) -> str:
    return "" if np.isnan(found.low) else f" (90% interval {found.low:{form}} to {found.high:{form}})"
