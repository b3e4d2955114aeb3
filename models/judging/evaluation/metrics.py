"""How good predictions are: discrimination, loss and calibration of weighted rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from models.judging.cluster_bootstrap import CONFIDENCE, MANY_CLUSTERS, Resampling
from models.judging.evaluation.draws_of_many import draw_many
from models.logistic import log_loss, sigmoid

BINS = 10  # of the reliability table, each with a tenth of the weight
METRICS = ("auc", "ap", "log_loss", "brier", "ece")


def auc(won: Floats, score: Floats, weight: Floats) -> float:
    """Area under the ROC curve: chance that a won row outranks a lost one, ties count half; NaN with one class."""
    order = np.argsort(score, kind="stable")
    ranked, outcome, mass = score[order], won[order], weight[order]
    starts = np.flatnonzero(np.r_[True, np.diff(ranked) != 0])
    lost = np.add.reduceat(mass * (1 - outcome), starts)
    wins = np.add.reduceat(mass * outcome, starts)
    total = lost.sum() * wins.sum()
    if total == 0:
        return float("nan")
    below = np.cumsum(lost) - lost
    return float((wins * (below + lost / 2)).sum() / total)


def average_precision(won: Floats, score: Floats, weight: Floats) -> float:
    """Weighted average precision; rows of equal score enter together; NaN without a win."""
    order = np.argsort(-score, kind="stable")
    ranked, outcome, mass = score[order], won[order], weight[order]
    ends = np.flatnonzero(np.r_[np.diff(ranked) != 0, True])
    wins = np.cumsum(mass * outcome)[ends]
    seen = np.cumsum(mass)[ends]
    if wins[-1] == 0:
        return float("nan")
    return float((np.diff(np.r_[0.0, wins]) * wins / seen).sum() / wins[-1])


@dataclass(frozen=True)
class Reliability:
    """Predicted against observed per bin of equal weight; ``code`` says in which bin a row lies, shape (n,)."""

    predicted: Floats
    observed: Floats
    share: Floats
    rows: Ints
    code: Ints

    @property
    def ece(self) -> float:
        """Expected calibration error: mean absolute gap over bins, weighted by share."""
        return float((self.share * np.abs(self.predicted - self.observed)).sum())

    def record(self) -> list[dict[str, Any]]:
        """One mapping per bin."""
        columns = (self.predicted, self.observed, self.share, self.rows)
        return [
            {"predicted": float(p), "observed": float(o), "share": float(s), "rows": int(n)}
            for p, o, s, n in zip(*columns, strict=True)
        ]


def reliability(won: Floats, log_odds: Floats, weight: Floats, bins: int = BINS) -> Reliability:
    """Reliability table over ``bins`` quantile bins; equal predictions stay in one bin."""
    p = sigmoid(log_odds)
    order = np.argsort(p, kind="stable")
    place = np.cumsum(weight[order]) / weight.sum()
    cuts = p[order][np.searchsorted(place, np.arange(1, bins) / bins, side="left").clip(0, len(p) - 1)]
    code = np.searchsorted(np.unique(cuts), p, side="right")
    mass = np.bincount(code, weights=weight)
    kept = mass > 0
    rows = np.bincount(code)[kept]
    places = (np.cumsum(kept) - 1)[code]
    predicted = np.bincount(code, weights=weight * p)[kept] / mass[kept]
    observed = np.bincount(code, weights=weight * won)[kept] / mass[kept]
    return Reliability(predicted, observed, mass[kept] / mass.sum(), rows.astype(np.int64), places)


def ece_when_perfect(
    log_odds: Floats, weight: Floats, chance: Ints | None = None, *, draws: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Mean and 95th percentile of ECE if every probability were true, at this n.

    Parameters
    ----------
    chance : shape (n,), codes from 0: rows of one code are decided by one draw, as snapshots of one lead are by one
        win (docs/adr/0026); None: every row by its own
    """
    rng = np.random.default_rng(seed)
    p = sigmoid(log_odds)
    code = np.arange(len(p)) if chance is None else chance
    table = reliability(np.zeros(len(p)), log_odds, weight)  # its bins are those of every draw: the scores stay
    mass = np.bincount(table.code, weights=weight)
    drawn = (rng.random(int(code.max()) + 1)[code] < p for _ in range(draws))
    found = [
        float((table.share * np.abs(table.predicted - np.bincount(table.code, weights=weight * won) / mass)).sum())
        for won in drawn
    ]
    return float(np.mean(found)), float(np.quantile(found, 0.95))


def brier_parts(won: Floats, log_odds: Floats, weight: Floats) -> dict[str, float]:
    """Brier score and its decomposition over the reliability bins (Murphy 1973).

    ``brier = reliability - resolution + uncertainty + within`` exactly: ``within`` is what the bins hide, the spread
    of predictions inside a bin less twice their covariance with the outcome (Stephenson et al. 2008).
    """
    table = reliability(won, log_odds, weight)
    base = float(np.average(won, weights=weight))
    p = sigmoid(log_odds)
    spread = p - table.predicted[table.code]
    within = float(np.average(spread**2 - 2 * spread * (won - table.observed[table.code]), weights=weight))
    return {
        "brier": float(np.average((p - won) ** 2, weights=weight)),
        "reliability": float((table.share * (table.predicted - table.observed) ** 2).sum()),
        "resolution": float((table.share * (table.observed - base) ** 2).sum()),
        "uncertainty": base * (1 - base),
        "within": within,
    }


def all_metrics(won: Floats, log_odds: Floats, weight: Floats) -> dict[str, float]:
    """Every metric of :data:`METRICS`."""
    return {
        "auc": auc(won, log_odds, weight),
        "ap": average_precision(won, log_odds, weight),
        "log_loss": float(np.average(log_loss(won, log_odds), weights=weight)),
        "brier": float(np.average((sigmoid(log_odds) - won) ** 2, weights=weight)),
        "ece": reliability(won, log_odds, weight).ece,
    }


def metric_draws(
    won: Floats, log_odds: Mapping[str, Floats], weight: Floats, group: Ints, resampling: Resampling
) -> dict[str, dict[str, Floats]]:
    """Metrics over resampled groups, per candidate and metric shape (draws,); all candidates share the draws."""
    rng, draws = np.random.default_rng(resampling.seed), resampling.draws
    codes = np.unique(group, return_inverse=True)[1]
    groups = int(codes.max()) + 1
    if groups > MANY_CLUSTERS:
        return draw_many(won, log_odds, weight, codes.astype(np.int64), resampling)
    found = {name: {metric: np.empty(draws) for metric in METRICS} for name in log_odds}
    # sorted once per candidate: the stable sorts inside the metrics then cost one pass
    order = {name: np.argsort(z, kind="stable") for name, z in log_odds.items()}
    for draw in range(draws):
        counts = rng.multinomial(groups, np.full(groups, 1.0 / groups))[codes]
        for name, z in log_odds.items():
            rows = order[name][counts[order[name]] > 0]
            for metric, value in all_metrics(won[rows], z[rows], weight[rows] * counts[rows]).items():
                found[name][metric][draw] = value
    return found


def bounds(values: Floats, confidence: float = CONFIDENCE) -> list[float | None]:
    """Percentile interval of draws; [None, None] where too few are finite."""
    known = values[np.isfinite(values)]
    if len(known) < len(values) / 2:
        return [None, None]
    return [float(v) for v in np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])]


def ece_bounds(draws: Floats, value: float) -> list[float | None]:
    """Interval of a calibration error from its draws, moved so that their mean is the error itself.

    An absolute gap cannot be negative, so every resampling adds noise to each bin and lifts the draws above the
    error they are drawn from; without the move the interval may lie wholly above the figure it belongs to.

    >>> [round(end, 3) for end in ece_bounds(np.linspace(0.02, 0.04, 101), 0.015)]
    [0.006, 0.024]
    """
    known = draws[np.isfinite(draws)]
    shift = float(known.mean()) - value if len(known) else 0.0
    return [None if end is None else max(end - shift, 0.0) for end in bounds(draws)]
