"""Choice of the candidate by the one-standard-error rule: the simplest one near the best, never the base rate.

The best has the lowest out-of-fold log loss; "near" is within one standard error of the paired difference.
Where won or lost leads are few, a standard error is so wide that the ladder's choice is luck: there the step goes to
the blend (docs/adr/0028).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.array_types import Floats, Ints
from models.judging.cluster_bootstrap import Resampling, cluster_sums, resample_totals
from models.logistic import log_loss

SIMPLEST_FIRST = ("rubric", "scorecard", "linear", "booster", "blend")
FEW_LEADS = 200  # won or lost, whichever are fewer, among the judged (docs/adr/0028)

# the sentences that say why are kept in the bundle, and so in its hash


@dataclass(frozen=True)
class FoldPredictions:
    """Predictions of one kind of folds: log-odds per candidate, outcomes, weights and groups, shape (n,) each."""

    log_odds: Mapping[str, Floats]
    won: Floats
    weight: Floats
    group: Ints


@dataclass(frozen=True)
class Choice:
    """The chosen candidate, why, and each candidate's loss above the best with the error of that difference."""

    winner: str
    best: str
    why: str
    above_best: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class _LossGaps:
    """Mean loss per candidate, the best, and each one's distance from it with its error."""

    loss: Mapping[str, float]
    best: str
    above: Mapping[str, tuple[float, float]]

    def within(self, name: str) -> bool:
        """Whether a candidate is within one standard error of the best."""
        return name == self.best or self.above[name][0] <= self.above[name][1]


def select_candidate(
    by_time: FoldPredictions, at_random: FoldPredictions | None = None, *, resampling: Resampling, few: bool = False
) -> Choice:
    """Pick a candidate by out-of-fold log loss, both kinds of folds counting alike where there are both.

    Where they contradict each other (the best of one kind is beyond one standard error on the other), no single
    candidate is trusted: the blend is chosen (docs/adr/0014). So it is with ``few`` leads, unless another is better
    beyond one standard error.
    """
    kinds = [by_time] if at_random is None else [by_time, at_random]
    both = _measure_gaps(kinds, resampling)
    apart = [_measure_gaps([kind], resampling) for kind in kinds]

    first, last = apart[0], apart[-1]
    if "blend" in both.above and not (last.within(first.best) and first.within(last.best)):
        why = (
            f"rolling blocks and random folds contradict each other: {first.best} is best in time "
            f"({first.loss[first.best]:.4f}), {last.best} at random ({last.loss[last.best]:.4f}), each beyond one "
            "standard error on the other kind. The blend is taken rather than trust either."
        )
        return Choice("blend", both.best, why, both.above)

    if few and "blend" in both.above:
        if both.within("blend"):
            return Choice("blend", both.best, _why_few(both), both.above)
        return Choice(both.best, both.best, _why_better(both), both.above)

    winner = next(name for name in both.above if both.within(name))
    return Choice(winner, both.best, _why(winner, both, at_random is not None), both.above)


def _measure_gaps(kinds: Sequence[FoldPredictions], resampling: Resampling) -> _LossGaps:
    names = _simplest_first(kinds[0].log_odds)
    codes = np.unique(np.concatenate([kind.group for kind in kinds]), return_inverse=True)[1]
    ends = np.cumsum([0, *(len(kind.won) for kind in kinds)])
    groups = int(codes.max()) + 1
    sums = {name: np.zeros(groups) for name in names}
    for kind, start, end in zip(kinds, ends[:-1], ends[1:], strict=True):
        share = kind.weight / kind.weight.sum() / len(kinds)
        for name in names:
            sums[name] += cluster_sums(codes[start:end], share * log_loss(kind.won, kind.log_odds[name]), groups)
    loss = {name: float(sums[name].sum()) for name in names}
    best = min(names, key=lambda name: (loss[name], names.index(name)))
    found = resample_totals({name: sums[name] - sums[best] for name in names}, resampling)
    above = {name: (loss[name] - loss[best], float(found[name].std(ddof=1))) for name in names}
    return _LossGaps(loss, best, above)


def _simplest_first(given: Iterable[str]) -> list[str]:
    """Candidates from simple to complex; a user's own, which are linear where they can be chosen, follow ours."""
    own = [name for name in given if name not in SIMPLEST_FIRST and name != "rate"]
    at = SIMPLEST_FIRST.index("linear") + 1
    order = (*SIMPLEST_FIRST[:at], *own, *SIMPLEST_FIRST[at:])
    return [name for name in order if name in set(given)]


def _why(winner: str, standing: _LossGaps, both: bool) -> str:
    best, above, loss = standing.best, standing.above, standing.loss[standing.best]
    what = "out-of-fold log loss, rolling and random folds alike" if both else "out-of-fold log loss"
    if winner == best:
        worse = [name for name in above if name != best]
        if not worse:
            return f"{best} is the only candidate beside the base rate ({what}: {loss:.4f})."
        near = min(worse, key=lambda name: above[name][0])
        return (
            f"{best} has the lowest {what} ({loss:.4f}); the next, {near}, is {above[near][0]:.4f} above "
            f"(standard error of the difference {above[near][1]:.4f}), and no simpler candidate is within one "
            "standard error."
        )

    gap, error = above[winner]
    return (
        f"{best} has the lowest {what} ({loss:.4f}), but {winner} is simpler and only {gap:.4f} above "
        f"it, within one standard error of the difference ({error:.4f})."
    )


def _why_few(standing: _LossGaps) -> str:
    gap, error = standing.above["blend"]
    beside = (
        f"has the lowest out-of-fold log loss ({standing.loss['blend']:.4f})"
        if standing.best == "blend"
        else f"is {gap:.4f} above {standing.best} out of fold, within one standard error ({error:.4f})"
    )
    return (
        f"Few leads: under {FEW_LEADS} won or lost ones judge the candidates, too few to tell them apart. The blend, "
        f"which trusts none of them alone, {beside}."
    )


def _why_better(standing: _LossGaps) -> str:
    gap, error = standing.above["blend"]
    return (
        f"Few leads: under {FEW_LEADS} won or lost ones judge the candidates. {standing.best} has the lowest "
        f"out-of-fold log loss ({standing.loss[standing.best]:.4f}), and the blend, usually safer then, is {gap:.4f} "
        f"above it, beyond one standard error ({error:.4f})."
    )
