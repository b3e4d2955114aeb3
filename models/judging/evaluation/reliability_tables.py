"""Calibration in tables: observed against predicted by bin and by segment, with intervals that respect accounts."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.array_types import Floats, Ints
from features.matrix import Matrix
from features.point_in_time.microseconds import NEVER, micros
from models.judging.cluster_bootstrap import CONFIDENCE, Interval, Resampling, mean_interval
from models.judging.evaluation.auc_interval import clustered_auc
from models.judging.evaluation.metrics import ece_bounds, ece_when_perfect, reliability
from models.logistic import sigmoid

LEAST_IN_SEGMENT = 100  # rows; below that ten bins hold fewer than ten rows each
_ECE_DRAWS = 200  # every draw bins the rows anew; bounds the time of many segments


def outcome_codes(matrix: Matrix) -> Ints:
    """Codes of rows that one win decides, shape (n,): a lead's snapshots in each horizon from its first.

    Without clocks all rows of a lead have one code.
    Counted as tries of their own, a lead's snapshots would promise a calibration error that the truth itself does not
    keep (docs/adr/0026).
    """
    lead = pd.factorize(matrix.keys["lead_id"])[0]
    as_of, known = micros(matrix.keys["as_of"]), micros(matrix.label_known_at)
    timed = (as_of != NEVER) & (known != NEVER)
    window = np.zeros(len(lead), dtype=np.int64)
    if timed.any():
        horizon = max(int((known[timed] - as_of[timed]).max()), 1)
        first = np.full(int(lead.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, lead[timed], as_of[timed])
        window[timed] = 1 + (as_of[timed] - first[lead[timed]]) // horizon
    return np.unique(np.stack([lead, window]), axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)


def reliability_table(won: Floats, log_odds: Floats, group: Ints, resampling: Resampling) -> list[dict[str, Any]]:
    """One record per bin of equal size: predicted, observed, rows, won, and the observed share's 90% interval.

    The interval resamples whole groups; where that is narrower than the binomial one (no win in a bin would give
    none at all), the binomial end is taken.
    """
    table = reliability(won, log_odds, np.ones(len(won)))
    found = []
    for k, record in enumerate(table.record()):
        rows = np.flatnonzero(table.code == k)
        over = mean_interval(won[rows], group[rows], resampling)
        ends = _widen(over, int(won[rows].sum()), len(rows))
        inside = ends[0] <= record["predicted"] <= ends[1]
        found.append(record | {"won": int(won[rows].sum()), "ci": ends, "inside": inside})
    return found


def calibration_by(
    test: Matrix, log_odds: Floats, segments: Mapping[str, pd.Series], resampling: Resampling
) -> list[dict[str, Any]]:
    """Calibration per value of each segment: predicted and observed share won, ECE with interval, Brier score, AUC.

    ``ci`` is the observed share's 90% interval, as :func:`reliability_table` makes it, and ``ece_ci`` the calibration
    error's, whole accounts resampled;
    ``ece_if_perfect`` is the error's 95th percentile were every probability true at that n, a lead's snapshots decided
    together.
    """
    found, group, chance = [], test.group_codes, outcome_codes(test)
    for name, values in segments.items():
        for value in sorted(values.dropna().unique(), key=_by_leading_number):
            rows = np.flatnonzero((values == value).to_numpy(dtype=bool))
            if len(rows) >= LEAST_IN_SEGMENT:
                figures = _segment(test.label[rows], log_odds[rows], group[rows], chance[rows], resampling)
                found.append({"segment": name, "value": str(value), **figures})
    return found


def _by_leading_number(value: object) -> tuple[float, str]:
    """Bands of numbers in their order, other values by letter after them."""
    text = str(value)
    found = re.match(r"[\d,]+", text)
    return (float(found[0].replace(",", "")) if found and found[0].strip(",") else np.inf, text)


def _segment(won: Floats, log_odds: Floats, group: Ints, chance: Ints, resampling: Resampling) -> dict[str, Any]:
    p, ones = sigmoid(log_odds), np.ones(len(won))
    span, predicted = mean_interval(won, group, resampling), float(p.mean())
    ends = _widen(span, int(won.sum()), len(won))
    area, area_span = clustered_auc(won, log_odds, group)
    ece = reliability(won, log_odds, ones).ece
    return {
        "n": len(won),
        "won": int(won.sum()),
        "predicted": predicted,
        "observed": float(won.mean()),
        "ci": ends,
        "inside": ends[0] <= predicted <= ends[1],
        "ece": ece,
        "ece_ci": ece_bounds(_ece_draws(won, log_odds, group, resampling.at_most(_ECE_DRAWS)), ece),
        "ece_if_perfect": ece_when_perfect(log_odds, ones, chance, draws=_ECE_DRAWS, seed=resampling.seed)[1],
        "brier": float(((p - won) ** 2).mean()),
        "auc": area,
        "auc_ci": area_span.record(),
    }


def _widen(over: Interval, won: int, n: int) -> list[float]:
    """Ends of an interval of a share, no narrower than those of independent rows."""
    low, high = binomial_interval(won, n)
    return [min(over.low, low), max(over.high, high)]


def binomial_interval(won: int, n: int) -> tuple[float, float]:
    """90% interval of a share of independent rows (Wilson 1927).

    >>> tuple(round(end, 3) for end in binomial_interval(0, 30))
    (0.0, 0.083)
    """
    from scipy.stats import binomtest

    low, high = binomtest(won, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(low), float(high)


def _ece_draws(won: Floats, log_odds: Floats, group: Ints, resampling: Resampling) -> npt.NDArray[np.float64]:
    rng, draws = np.random.default_rng(resampling.seed), resampling.draws
    codes = np.unique(group, return_inverse=True)[1]
    groups, found = int(codes.max()) + 1, np.empty(draws)
    for draw in range(draws):
        counts = rng.multinomial(groups, np.full(groups, 1.0 / groups))[codes].astype(np.float64)
        rows = counts > 0
        found[draw] = reliability(won[rows], log_odds[rows], counts[rows]).ece
    return found
