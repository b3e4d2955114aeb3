"""What handing off from each whole score on would have done on past leads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from models.judging.cluster_bootstrap import Interval, Resampling, interval, ratio, resample_totals
from models.judging.handoff.policy_results import Handoffs, sums_of
from models.judging.handoff.replay import Replay, per_snapshot, snapshot_order, threshold_for, top_of_order
from models.judging.handoff.workload_curve import CURVE_DRAWS

FEWEST_HANDOFFS, FEWEST_SHARE = 10, 0.005  # of a list that is shown; shares won of fewer are noise
LONGEST_SHARE = 0.75  # of the leads: who hands off more than three in four no longer chooses


@dataclass(frozen=True, kw_only=True)
class ScoreStep:
    """One whole score to hand off from, with 90% intervals.

    ``handoffs`` are as many leads as the score hands off, taken by the model that had not seen their outcomes;
    ``rubric_wins`` are those of as many leads every week by the rubric's points, None without a rubric; ``per_week``
    is None without clocks.
    """

    score: int
    handoffs: int
    share: float
    per_week: float | None
    wins: int
    wins_ci: Interval
    precision: float
    precision_ci: Interval
    rubric_wins: int | None

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "score": self.score,
            "handoffs": self.handoffs,
            "share": self.share,
            "per_week": self.per_week,
            "wins": self.wins,
            "wins_ci": self.wins_ci.record(),
            "precision": self.precision,
            "precision_ci": self.precision_ci.record(),
            "rubric_wins": self.rubric_wins,
        }


def list_lengths(replay: Replay, shown: Ints, promised: int | None = None) -> dict[int, int]:
    """Leads handed off from each whole score on, the highest score first; shorter and longer lists are left out.

    ``shown`` is the score of every row as people see it, 0 to 100. Scores that no lead has are left out: the next
    higher one hands off the same leads. The score that keeps the promise stays, however long its list.
    """
    best = np.full(replay.leads, -1, dtype=np.int64)
    np.maximum.at(best, replay.lead, shown)
    least = max(FEWEST_HANDOFFS, FEWEST_SHARE * replay.leads)
    scores = np.unique(best)[::-1]
    counts = {int(score): int((best >= score).sum()) for score in scores}
    longest = LONGEST_SHARE * replay.leads
    return {score: count for score, count in counts.items() if least <= count <= longest or score == promised}


def score_steps(
    replay: Replay,
    shown: Ints,
    log_odds: Floats,
    rubric: Floats | None,
    resampling: Resampling,
    *,
    promised: int | None = None,
) -> tuple[ScoreStep, ...]:
    """Every whole score to hand off from, the highest first.

    Parameters
    ----------
    shown : shape (n,), the score that is shown, of the model that scores; it has seen these outcomes, so only the
        length of its list counts
    log_odds : shape (n,), of the evaluated twin, which has not seen them: its best leads are judged
    rubric : shape (n,), points of the rubric
    promised : the score that keeps the promise, a step whatever the length of its list
    """
    lengths = list_lengths(replay, shown, promised)
    taken = dict(zip(lengths, _crossings(replay, log_odds, list(lengths.values())), strict=True))
    beside: dict[int, Ints] = {}
    if rubric is not None:
        order = snapshot_order(replay, rubric)
        beside = {score: top_of_order(replay, order, per_snapshot(replay, rows)) for score, rows in taken.items()}

    nothing = np.zeros(len(replay.lead))
    sums = {
        f"{score}.{name}": values
        for score, rows in taken.items()
        for name, values in sums_of(replay, Handoffs(str(score), "", "", rows), nothing).items()
        if name != "revenue"
    }
    drawn = resample_totals(sums, resampling.at_most(CURVE_DRAWS)) if sums else {}
    weeks = float(replay.weeks.sum())
    return tuple(
        ScoreStep(
            score=score,
            handoffs=len(rows),
            share=len(rows) / replay.leads,
            per_week=len(rows) / weeks if replay.in_time else None,
            wins=int(replay.label[rows].sum()),
            wins_ci=interval(drawn[f"{score}.wins"]),
            precision=float(replay.label[rows].mean()),
            precision_ci=interval(ratio(drawn[f"{score}.wins"], drawn[f"{score}.workload"])),
            rubric_wins=int(replay.label[beside[score]].sum()) if score in beside else None,
        )
        for score, rows in taken.items()
    )


def _crossings(replay: Replay, log_odds: Floats, lengths: list[int]) -> Iterator[Ints]:
    """Rows at which leads first reach the threshold of each length; as ``first_crossings``, sorted once for all."""
    order = np.lexsort((replay.tie, replay.moment))
    for length in lengths:
        rows = order[log_odds[order] >= threshold_for(replay, log_odds, length)]
        _, first = np.unique(replay.lead[rows], return_index=True)
        yield np.asarray(rows[np.sort(first)], dtype=np.int64)
