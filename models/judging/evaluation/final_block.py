"""Test figures of every candidate on the final block, with intervals that respect accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from features.array_types import Floats, Ints
from features.matrix import Matrix
from models.judging.cluster_bootstrap import Resampling, cluster_sums, interval, mean_interval, resample_totals
from models.judging.evaluation.backtest import judging_weight
from models.judging.evaluation.caution_text import (
    CalibrationOnTest,
    LearnedRate,
    write_calibration_warning,
    write_test_warning,
)
from models.judging.evaluation.metrics import (
    METRICS,
    all_metrics,
    bounds,
    brier_parts,
    ece_bounds,
    ece_when_perfect,
    metric_draws,
)
from models.judging.evaluation.reliability_tables import outcome_codes, reliability_table
from models.judging.handoff.policies import ScoredPolicy
from models.judging.handoff.replay import Replay, first_crossings, top_each_snapshot
from models.judging.handoff.workload_curve import SnapshotCapacity

_METRIC_DRAWS = 200  # the metrics are computed anew in every draw; bounds the time of a large block


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures per candidate as in ``summary.json``, the winner's reliability, and calibrated log-odds per row."""

    figures: dict[str, dict[str, Any]]
    differences: dict[str, dict[str, Any]]
    reliability: list[dict[str, Any]]
    ece_if_perfect: tuple[float, float]
    brier: dict[str, float]
    base_rate_test: float
    log_odds: dict[str, Floats]
    notes: tuple[str, ...]
    caution: str = ""

    def record(self) -> dict[str, Any]:
        """JSON-ready, row-wise log-odds left out."""
        return {
            "figures": self.figures,
            "differences": self.differences,
            "reliability": self.reliability,
            "ece_if_perfect": {"mean": self.ece_if_perfect[0], "p95": self.ece_if_perfect[1]},
            "brier": self.brier,
            "base_rate_test": self.base_rate_test,
            "notes": list(self.notes),
            "caution": self.caution,
        }


def evaluate(
    test: Matrix,
    log_odds: Mapping[str, Floats],
    capacity: SnapshotCapacity,
    *,
    winner: str,
    resampling: Resampling,
    base_before: LearnedRate | None = None,
    in_time: bool = True,
) -> Evaluation:
    """Judge calibrated log-odds on a test block (all rows matured).

    Every row counts once, as it does in a worklist; intervals resample whole accounts. ``differences`` are winner
    minus candidate on the same draws. ``base_before`` is the base rate of the learning rows: where it moved, the notes
    say so and by how much. ``in_time``: whether the block comes after the learning rows; else nothing is said of time.
    """
    won, weight, group = test.label, judging_weight(np.arange(len(test))), test.group_codes
    drawn = metric_draws(won, log_odds, weight, group, resampling.at_most(_METRIC_DRAWS))
    wins = wins_at_capacity(test, [ScoredPolicy(name, z) for name, z in log_odds.items()], capacity, resampling)

    figures: dict[str, dict[str, Any]] = {}
    for name, z in log_odds.items():
        row: dict[str, Any] = {"n": len(test), "won": int(won.sum())}
        for metric, value in all_metrics(won, z, weight).items():
            row[metric] = value
            of_draws = drawn[name][metric]
            row[f"{metric}_ci"] = ece_bounds(of_draws, value) if metric == "ece" else bounds(of_draws)
        figures[name] = row | wins[name]

    differences = {
        name: {
            metric: {
                "difference": figures[winner][metric] - figures[name][metric],
                "ci": bounds(drawn[winner][metric] - drawn[name][metric]),
            }
            for metric in METRICS
        }
        for name in log_odds
        if name != winner
    }

    perfect = ece_when_perfect(log_odds[winner], weight, outcome_codes(test), seed=resampling.seed)
    base = float(np.average(won, weights=weight))
    calibration = CalibrationOnTest(
        n=len(test),
        error=figures[winner]["ece"],
        bound=perfect[1],
        base_rate=base,
        base_rate_span=mean_interval(won, group, resampling),
        base_rate_before=base_before,
        in_time=in_time,
    )
    return Evaluation(
        figures=figures,
        differences=differences,
        reliability=reliability_table(won, log_odds[winner], group, resampling),
        ece_if_perfect=perfect,
        brier=brier_parts(won, log_odds[winner], weight),
        base_rate_test=base,
        log_odds=dict(log_odds),
        notes=(calibration.sentence,),
        caution=write_test_warning(figures, differences, winner, in_time=in_time)
        or write_calibration_warning(calibration),
    )


def rank_figures(
    test: Matrix, judges: Sequence[ScoredPolicy], capacity: SnapshotCapacity, resampling: Resampling
) -> dict[str, dict[str, Any]]:
    """How well scores that are no probabilities order the test rows, on the draws of :func:`evaluate`.

    AUC, average precision and wins at capacity with intervals; no loss and no calibration, since a score predicts no
    probability.
    """
    won, weight, group = test.label, judging_weight(np.arange(len(test))), test.group_codes
    places = {judge.name: np.asarray(rankdata(judge.score) / len(test), dtype=np.float64) for judge in judges}
    drawn = metric_draws(won, places, weight, group, resampling.at_most(_METRIC_DRAWS))
    wins = wins_at_capacity(test, judges, capacity, resampling)

    found: dict[str, dict[str, Any]] = {}
    for name, score in places.items():
        figures = all_metrics(won, score, weight)
        row: dict[str, Any] = {"n": len(test), "won": int(won.sum())}
        for metric in ("auc", "ap"):
            row |= {metric: figures[metric], f"{metric}_ci": bounds(drawn[name][metric])}
        found[name] = row | wins[name]
    return found


def wins_at_capacity(
    test: Matrix, judges: Sequence[ScoredPolicy], capacity: SnapshotCapacity, resampling: Resampling
) -> dict[str, dict[str, Any]]:
    """Wins inside the list of each scorer at the declared capacity, with their interval; by name.

    Handoffs that happened are counted as they came: nobody takes a place that was left empty, and where more came than
    there are places there are no wins at capacity (None), since nothing says which of them would have had one.
    """
    replay = capacity.arrange(test.keys, test.label)
    places = capacity.places(replay)
    found: dict[str, dict[str, Any]] = {}
    for judge in judges:
        if judge.handed_off is None:
            rows = top_each_snapshot(replay, judge.score, places)
        else:
            rows = first_crossings(replay, judge.handed_off)
        if len(rows) <= places.sum():
            found[judge.name] = _count_wins(replay, rows, resampling)
        else:
            found[judge.name] = {"wins_at_capacity": None, "wins_at_capacity_ci": (None, None)}
        found[judge.name]["handoffs_at_capacity"] = len(rows)
    return found


def _count_wins(replay: Replay, rows: Ints, resampling: Resampling) -> dict[str, Any]:
    won = replay.label[rows]
    sums = {"wins": cluster_sums(replay.cluster[replay.lead[rows]], won, replay.clusters)}
    spread = interval(resample_totals(sums, resampling)["wins"])
    return {"wins_at_capacity": int(won.sum()), "wins_at_capacity_ci": spread.record()}
