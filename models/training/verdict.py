"""What the backtest allows to be said: the signal test, the ladder, calibrations and the verdict in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from features.matrix import Matrix
from features.schema.vocabulary import Verdict
from models.calibration.affine import fit_level, fit_slope
from models.calibration.level import LevelHistory, estimate_level, fit_history
from models.interfaces import Calibration
from models.judging.cluster_bootstrap import Resampling, group_sums, resample_totals
from models.judging.evaluation.backtest import (
    Backtest,
    BlockPredictions,
    OutOfFold,
    judging_weight,
    times_judged,
)
from models.judging.evaluation.candidate_selection import FEW_LEADS, Choice, FoldPredictions, select_candidate
from models.judging.evaluation.signal_test import Signal, signal_test
from models.logistic import log_loss
from models.settings import TrainSettings
from models.training.segmentation import Segmentation

_NEWEST_NOTE = "Prior correction as declared: the level follows the newest matured rows alone."
_PERIODS = 20  # of equal size, within which random folds are judged: in a twentieth of the rows a market moves little
_WEAK_GAIN = 0.02  # a winner that explains less than this share of the base rate's loss is a weak signal
_SHOWN_GAIN = 0.001  # smaller shares would print as 0.0%


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the backtest shows, and the model it picks.

    Parameters
    ----------
    verdict, verdict_text : whether there is a signal, and the same in a sentence
    winner, why : the chosen candidate, and the reason in a sentence
    weights : the model is the weighted sum of these candidates' log-odds
    calibrations : per candidate, the winner's and the base rate's among them
    signal, choice : the tests behind verdict and winner
    notes : what else a reader of the figures must know
    levels : per candidate, what the blocks showed of its level beyond the newest rows learned from
    segments : what was decided on the declared segments; None where none are declared
    """

    verdict: Verdict
    verdict_text: str
    winner: str
    why: str
    weights: Mapping[str, float]
    calibrations: Mapping[str, Calibration]
    signal: Signal
    choice: Choice
    notes: tuple[str, ...] = field(default=())
    levels: Mapping[str, LevelHistory] = field(default_factory=dict)
    segments: Segmentation | None = None

    @property
    def calibration(self) -> Calibration:
        """The winner's calibration."""
        return self.calibrations[self.winner]

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "verdict": str(self.verdict),
            "verdict_text": self.verdict_text,
            "winner": self.winner,
            "why": self.why,
            "weights": dict(self.weights),
            "calibrations": {n: {"slope": c.slope, "intercept": c.intercept} for n, c in self.calibrations.items()},
            "signal": {
                "alpha": self.signal.alpha,
                "lasting": self.signal.lasting,
                "gain": dict(self.signal.gain),
                "p": dict(self.signal.p_value),
                "corrected": {name: self.signal.corrected(name) for name in self.signal.p_value},
            },
            "above_best": {name: list(pair) for name, pair in self.choice.above_best.items()},
            "notes": list(self.notes),
            "levels": {name: history.record() for name, history in self.levels.items()},
            "segments": None if self.segments is None else self.segments.record(),
        }


def decide(matrix: Matrix, backtest: Backtest, settings: TrainSettings, *, newest_level: bool = False) -> Decision:
    """Signal test, ladder and calibration on the out-of-fold predictions.

    ``newest_level`` (the source's ``prior_correction: newest``) lets the level follow the newest matured rows alone,
    whatever past blocks showed beyond theirs.
    """
    found = backtest.rolling
    won, weight = matrix.label[found.rows], judging_weight(found.rows)
    group = matrix.group_codes[found.rows]

    signal = _signal(matrix, backtest, settings)
    at_random = _at_random(matrix, backtest)
    choice = select_candidate(
        FoldPredictions(_choosable(found.log_odds, backtest), won, weight, group),
        None if at_random is None else replace(at_random, log_odds=_choosable(at_random.log_odds, backtest)),
        resampling=Resampling.of(settings),
        few=_rarer_leads(matrix, found.rows) < FEW_LEADS,
    )

    slopes = {
        name: fit_slope(
            z,
            won,
            weight,
            found.block,
            None if at_random is None else (at_random.log_odds[name], at_random.won),
            draws=times_judged(found.rows),
        )
        for name, z in found.log_odds.items()
        if name != "rate"
    }
    calibrations = {
        name: fit_level(slopes[name].value if name in slopes else 1.0, z, won, weight)
        for name, z in found.log_odds.items()
    }
    # random folds of ordered rows are of all times: a step from the newest rows' level to theirs would undo that level
    in_time = backtest.random is not None or not matrix.ordered
    histories = {name: _history(matrix, found, name, line.slope) for name, line in calibrations.items()}
    levels = {
        name: replace(one, newest_alone=newest_level, step=one.step if in_time else 0.0)
        for name, one in histories.items()
    }

    weights = dict(backtest.weights) if choice.winner == "blend" else {choice.winner: 1.0}
    verdict, text = state_verdict(signal, choice, won, weight)
    notes = [*backtest.notes, slopes[choice.winner].disagreement, _NEWEST_NOTE if newest_level else ""]
    notes += [_told_beside(name, choice.winner, matrix, found, settings) for name in backtest.beside]
    return Decision(
        verdict=verdict,
        verdict_text=text,
        winner=choice.winner,
        why=choice.why,
        weights=weights,
        calibrations=calibrations,
        signal=signal,
        choice=choice,
        notes=tuple(note for note in notes if note),
        levels=levels,
    )


def _choosable(log_odds: Mapping[str, Floats], backtest: Backtest) -> dict[str, Floats]:
    """The candidates a bundle can hold: what nobody could use must show no signal and win nothing."""
    return {name: z for name, z in log_odds.items() if name not in backtest.beside}


def _told_beside(name: str, winner: str, matrix: Matrix, found: OutOfFold, settings: TrainSettings) -> str:
    """What choosing a candidate would have been worth that no bundle can hold."""
    won = matrix.label[found.rows]
    own, ours = (log_loss(won, found.log_odds[one]) for one in (name, winner))
    gap = float((own - ours).mean())
    sums = group_sums(matrix.group_codes[found.rows], {"gap": own - ours - gap})
    error = float(resample_totals(sums, Resampling.of(settings))["gap"].std(ddof=1) / len(won))
    side = "above" if gap >= 0 else "below"
    return (
        f"{name}, your own candidate, is judged on the same folds and not to be chosen: a bundle holds no code. Its "
        f"log loss out of fold is {own.mean():.4f}, {abs(gap):.4f} {side} that of {winner} (standard error "
        f"{error:.4f}). "
        "What to do if it is better: docs/own_code.md."
    )


def _rarer_leads(matrix: Matrix, rows: Ints) -> int:
    """Distinct leads of the rarer outcome among rows."""
    lead = matrix.keys["lead_id"].iloc[rows]
    return min(int(lead[matrix.label[rows] == outcome].nunique()) for outcome in (0.0, 1.0))


def _history(matrix: Matrix, found: OutOfFold, name: str, slope: float) -> LevelHistory:
    """What the blocks showed of a candidate's level."""
    if found.newest is None:
        return LevelHistory()
    group = matrix.group_codes
    parts = [
        [
            estimate_level(
                slope * part.log_odds[name][part.block == code],
                matrix.label[part.rows[part.block == code]],
                group[part.rows[part.block == code]],
            )
            for code in np.unique(part.block)
        ]
        for part in (BlockPredictions(found.rows, found.block, found.log_odds), found.newest)
    ]
    return fit_history(*parts, draws=times_judged(found.rows))


def _at_random(matrix: Matrix, backtest: Backtest) -> FoldPredictions | None:
    """The predictions of random folds with their outcomes; None where rows have no order."""
    found = backtest.random
    if found is None:
        return None
    return FoldPredictions(
        found.log_odds, matrix.label[found.rows], judging_weight(found.rows), matrix.group_codes[found.rows]
    )


def _signal(matrix: Matrix, backtest: Backtest, settings: TrainSettings) -> Signal:
    """The signal test on rolling blocks and, where there is time, on random folds judged within short periods.

    Random folds alone may show what is true within a period and does not last; that counts, and the verdict says so.
    """

    def test(found: OutOfFold, block: Ints) -> Signal:
        rows = found.rows
        return signal_test(
            _choosable(found.log_odds, backtest),
            matrix.label[rows],
            judging_weight(rows),
            matrix.group_codes[rows],
            block,
            alpha=settings.alpha / (1 if backtest.random is None else 2),
            resampling=Resampling.of(settings),
        )

    rolling = test(backtest.rolling, backtest.rolling.block)
    if backtest.random is None or rolling.found:
        return rolling

    order = matrix.keys["order"].to_numpy(dtype=np.int64)[backtest.random.rows]
    ranks = np.argsort(np.argsort(order, kind="stable"), kind="stable")
    within = test(backtest.random, (ranks * _PERIODS // len(ranks)).astype(np.int64))
    return replace(within, lasting=False) if within.found else rolling


def state_verdict(signal: Signal, choice: Choice, won: Floats, weight: Floats) -> tuple[Verdict, str]:
    """The verdict on a backtest, and the same in words; the words are part of a bundle, and so of its hash."""
    base = float(np.average(won, weights=weight))
    entropy = -(base * np.log(base) + (1 - base) * np.log(1 - base)) if 0 < base < 1 else 1.0
    best = signal.best
    share = signal.gain[choice.winner] / entropy

    if not signal.found:
        return Verdict.NO_SIGNAL, (
            f"No signal: no candidate beats the base rate beyond noise (smallest p = {signal.corrected(best):.3f}, "
            f"{best}, corrected for {len(signal.p_value)} candidates; level {signal.alpha:g}). What looks like an "
            f"order of leads may be chance; use the base rate of {base:.1%}."
        )
    if not signal.lasting:
        return Verdict.WEAK_SIGNAL, (
            f"Weak signal: within a period {best} tells won from lost beyond noise (p = {signal.corrected(best):.1g}), "
            "but what was learned in one period did not carry over to the next beyond noise. Expect the ranking to "
            "help less than random-split figures suggest, and retrain often."
        )
    if share < _WEAK_GAIN:
        return Verdict.WEAK_SIGNAL, (
            f"Weak signal: {best} beats the base rate beyond noise (p = {signal.corrected(best):.1g}), but "
            f"{_describe_small_gain(choice.winner, share)}. The ranking helps a little on average and says little "
            "about a single lead."
        )

    gain = f"{choice.winner} explains {share:.1%} of the base rate's log loss out of fold"
    if signal.corrected(choice.winner) < signal.alpha:
        return Verdict.OK, f"{gain} (p = {signal.corrected(choice.winner):.1g})."
    return Verdict.OK, (
        f"{gain}. That there is a signal is shown by {best} (p = {signal.corrected(best):.1g}); {choice.winner} alone "
        f"does not show it (p = {signal.corrected(choice.winner):.2g}, level {signal.alpha:g})."
    )


def _describe_small_gain(winner: str, share: float) -> str:
    """A small gain in words: a share that would print as 0.0% (or less) is not given as a figure."""
    if share < _SHOWN_GAIN:
        return (
            f"the chosen model, {winner}, explains next to nothing of the base rate's loss within a block (under 0.1%)"
        )
    return f"the chosen model, {winner}, explains only {share:.1%} of the base rate's loss within a block"
