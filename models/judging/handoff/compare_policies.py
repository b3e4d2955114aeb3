"""Manual rubric and model side by side on the same matured leads: by replay, at the same workload."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from features.array_types import Floats
from features.errors import ContractError
from features.schema.source import Capacity
from models.judging.cluster_bootstrap import interval, ratio, resample_totals
from models.judging.handoff.comparison import Comparison, Difference, months_of, notes_of
from models.judging.handoff.comparison_text import comparison_sentences
from models.judging.handoff.policies import (
    EQUAL_PRECISION,
    EQUAL_WORKLOAD,
    MODEL_CAPACITY,
    RUBRIC_CAPACITY,
    RUBRIC_OWN,
    ScoredPolicy,
    policies_of,
)
from models.judging.handoff.policy_results import (
    Handoffs,
    by_attribute,
    by_slice,
    intervals_of,
    result_of,
    sums_of,
    winnable_sums,
)
from models.judging.handoff.replay import TIE_RULE, Replay, arrange_replay
from models.judging.handoff.swap_set import swap_set
from models.judging.handoff.workload_curve import curve_of, places_per_snapshot


def compare_policies(
    model: ScoredPolicy,
    rubric: ScoredPolicy | None,
    keys: pd.DataFrame,
    label: Floats,
    amount: Floats,
    *,
    capacity: Capacity,
    every_days: int = 7,
    others: Sequence[ScoredPolicy] = (),
    segments: Mapping[str, pd.Series] | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Replay the policies on the same matured rows.

    ``keys``, ``label`` and ``amount`` are a matrix' parts, all rows matured (else a ContractError: an unknown outcome
    may not be judged). ``capacity`` counts handoffs per week for snapshots ``every_days`` apart, and a share of the
    rows in flat sources. ``others`` are recorded scores and handoffs that really happened, judged at their own
    threshold, or at capacity if they have none. ``segments`` names attributes of the rows by which every policy is
    shown apart, besides the declared segment.
    """
    if np.isnan(label).any():
        raise ContractError(f"{int(np.isnan(label).sum())} rows are not matured; compare on matured rows only.")
    replay = arrange_replay(keys, label)
    places = places_per_snapshot(replay, capacity, every_days)
    every = policies_of(replay, model, rubric, others, places, capacity)
    if capacity.value_per_win is not None:
        amount = np.where(np.isfinite(amount), amount, capacity.value_per_win)
    draws_of = _draws(replay, every, amount, draws, seed)
    slices = {"segment": keys["segment"].astype("str").where(keys["segment"].notna()), **(segments or {})}
    age = keys["age_days"].to_numpy(dtype=np.float64)
    results = tuple(
        replace(
            result_of(replay, h, amount, age, cost=capacity.cost_per_handoff),
            intervals=intervals_of(draws_of, h.policy),
        )
        for h in every
    )
    judges = [judge for judge in (rubric, model) if judge is not None]
    compared = Comparison(
        policies=results,
        differences=tuple(_differences(every, replay, draws_of)),
        curves={j.name: curve_of(replay, j.score, draws=min(draws, 300), seed=seed) for j in judges},
        swap=_swap(every, replay, keys, amount, model, rubric),
        by_month=by_slice(replay, every, months_of(keys), "month"),
        by_segment=by_attribute(replay, every, slices),
        leads=replay.leads,
        winnable=int(replay.winnable.sum()),
        base_rate=replay.base_rate(),
        weeks=replay.snapshots,
        tie_rule=TIE_RULE,
        sentences=(),
        notes=notes_of(every, replay),
    )
    return replace(compared, sentences=comparison_sentences(compared, rubric is not None))


def _draws(replay: Replay, every: list[Handoffs], amount: Floats, draws: int, seed: int) -> dict[str, Floats]:
    sums = {"winnable": winnable_sums(replay)}
    for handoffs in every:
        sums |= {f"{handoffs.policy}.{name}": s for name, s in sums_of(replay, handoffs, amount).items()}
    return resample_totals(sums, draws=draws, seed=seed)


def _differences(every: list[Handoffs], replay: Replay, draws: dict[str, Floats]) -> list[Difference]:
    rows = {handoffs.policy: handoffs.rows for handoffs in every}
    found = []
    for first, second in (
        (EQUAL_WORKLOAD, RUBRIC_OWN),
        (EQUAL_PRECISION, RUBRIC_OWN),
        (MODEL_CAPACITY, RUBRIC_CAPACITY),
    ):
        if first not in rows or second not in rows:
            continue
        won = [float(replay.label[rows[name]].sum()) for name in (first, second)]
        shares = [
            w / len(rows[name]) if len(rows[name]) else np.nan for w, name in zip(won, (first, second), strict=True)
        ]
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
    every: list[Handoffs],
    replay: Replay,
    keys: pd.DataFrame,
    amount: Floats,
    model: ScoredPolicy,
    rubric: ScoredPolicy | None,
) -> pd.DataFrame:
    rows = {handoffs.policy: handoffs.rows for handoffs in every}
    first, second = (EQUAL_WORKLOAD, RUBRIC_OWN) if RUBRIC_OWN in rows else (MODEL_CAPACITY, RUBRIC_CAPACITY)
    points = rubric.score if rubric is not None else np.full(len(replay.lead), np.nan)
    empty = np.array([], dtype=np.int64)
    return swap_set(replay, rows.get(first, empty), rows.get(second, empty), keys, amount, model.score, points)
