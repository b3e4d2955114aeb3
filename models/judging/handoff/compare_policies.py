"""Manual rubric and model side by side on the same matured leads: by replay, at the same workload."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from features.array_types import Floats
from models.judging.cluster_bootstrap import Resampling, interval, ratio, resample_totals
from models.judging.handoff.comparison import Comparison, Difference, leave_out_unselective, months_of, notes_of
from models.judging.handoff.comparison_text import comparison_sentences
from models.judging.handoff.policies import ScoredPolicy, policies_of
from models.judging.handoff.policy_names import DIFFERENCES, Policy
from models.judging.handoff.policy_results import (
    Handoffs,
    by_attribute,
    by_slice,
    intervals_of,
    result_of,
    sums_of,
    winnable_sums,
)
from models.judging.handoff.replay import TIE_RULE, JudgedRows, Replay
from models.judging.handoff.swap_set import swap_set
from models.judging.handoff.workload_curve import CURVE_DRAWS, SnapshotCapacity, curve_of


def compare_policies(
    model: ScoredPolicy,
    rubric: ScoredPolicy | None,
    rows: JudgedRows,
    *,
    capacity: SnapshotCapacity,
    resampling: Resampling,
    others: Sequence[ScoredPolicy] = (),
    segments: Mapping[str, pd.Series] | None = None,
) -> Comparison:
    """Replay the policies on the same matured rows.

    ``others`` are recorded scores and handoffs that really happened, judged at their own threshold, or at capacity if
    they have none. ``segments`` names attributes of the rows by which every policy is shown apart, besides the
    declared segment.
    """
    rows = rows.with_value(capacity.declared.value_per_win)
    replay = capacity.arrange(rows.keys, rows.label)
    every, unselective = leave_out_unselective(policies_of(replay, model, rubric, others, capacity), replay)
    draws_of = _draws(replay, every, rows.amount, resampling)

    segment = rows.keys["segment"]
    slices = {"segment": segment.astype("str").where(segment.notna()), **(segments or {})}
    results = tuple(
        replace(
            result_of(replay, h, rows, cost=capacity.declared.cost_per_handoff),
            intervals=intervals_of(draws_of, h.policy),
        )
        for h in every
    )

    judges = [judge for judge in (rubric, model) if judge is not None]
    compared = Comparison(
        policies=results,
        differences=tuple(_differences(every, replay, draws_of)),
        curves={j.name: curve_of(replay, j.score, resampling.at_most(CURVE_DRAWS)) for j in judges},
        swap=_swap(every, replay, rows, model, rubric),
        by_month=by_slice(replay, every, months_of(rows.keys), "month"),
        by_segment=by_attribute(replay, every, slices),
        leads=replay.leads,
        winnable=int(replay.winnable.sum()),
        base_rate=replay.base_rate(),
        weeks=max(1, round(float(replay.weeks.sum()))),
        tie_rule=TIE_RULE,
        sentences=(),
        notes=(*unselective, *notes_of(every, replay)),
        noun=rows.noun,
    )
    return replace(compared, sentences=comparison_sentences(compared, rubric is not None))


def _draws(replay: Replay, every: list[Handoffs], amount: Floats, resampling: Resampling) -> dict[str, Floats]:
    sums = {"winnable": winnable_sums(replay)}
    for handoffs in every:
        sums |= {f"{handoffs.policy}.{name}": s for name, s in sums_of(replay, handoffs, amount).items()}
    return resample_totals(sums, resampling)


def _differences(every: list[Handoffs], replay: Replay, draws: dict[str, Floats]) -> list[Difference]:
    rows = {handoffs.policy: handoffs.rows for handoffs in every}
    found = []
    for first, second in DIFFERENCES:
        if first not in rows or second not in rows:
            continue
        won = [float(replay.label[rows[name]].sum()) for name in (first, second)]
        shares = [w / len(rows[n]) if len(rows[n]) else np.nan for w, n in zip(won, (first, second), strict=True)]

        precisions = [ratio(draws[f"{name}.wins"], draws[f"{name}.workload"]) for name in (first, second)]
        found.append(
            Difference(
                first=first,
                second=second,
                wins=int(won[0] - won[1]),
                precision=float(shares[0] - shares[1]),
                wins_ci=interval(draws[f"{first}.wins"] - draws[f"{second}.wins"]),
                precision_ci=interval(precisions[0] - precisions[1]),
            )
        )
    return found


def _swap(
    every: list[Handoffs], replay: Replay, judged: JudgedRows, model: ScoredPolicy, rubric: ScoredPolicy | None
) -> pd.DataFrame:
    rows = {handoffs.policy: handoffs.rows for handoffs in every}
    first, second = DIFFERENCES[0 if Policy.RUBRIC_OWN in rows else -1]
    points = rubric.score if rubric is not None else np.full(len(replay.lead), np.nan)
    empty = np.array([], dtype=np.int64)
    return swap_set(replay, rows.get(first, empty), rows.get(second, empty), judged, model.score, points)
