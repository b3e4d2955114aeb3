"""How faithful explanations are: to a known truth, and to a model of the same rows with another seed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from features.array_types import Floats
from models.interfaces import Contributions

DRAWS = 200  # resamples of leads behind an interval
TOP = 3  # features compared between two models: as many as a lead's reasons in a scored file


def agreement(shown: Mapping[str, Floats], true: Mapping[str, Floats], seed: int = 0) -> list[dict[str, Any]]:
    """Per criterion the rank correlation of what is shown with the true effect, and how often their signs agree.

    Parameters
    ----------
    shown, true : per criterion, log-odds of independent leads, shape (n,); criteria in both are compared

    Returns
    -------
    criterion, n, rank_correlation with its 90 % interval over leads, sign_agreement (both against their means)
    """
    rng = np.random.default_rng(seed)
    found = []
    for name in (name for name in shown if name in true):
        a, b = shown[name], true[name]
        n = len(a)
        draws = [_spearman(a[rows], b[rows]) for rows in rng.integers(0, n, (DRAWS, n))] if n else []
        known = [draw for draw in draws if np.isfinite(draw)]
        ends = [float(q) for q in np.quantile(known, [0.05, 0.95])] if known else [None, None]
        rho = _spearman(a, b)
        same = np.sign(a - a.mean()) == np.sign(b - b.mean()) if n else np.zeros(0)
        found.append(
            {
                "criterion": name,
                "n": n,
                "rank_correlation": rho if np.isfinite(rho) else None,
                "rank_correlation_ci": ends,
                "sign_agreement": float(same.mean()) if np.isfinite(rho) else None,
            }
        )
    return found


def _spearman(a: Floats, b: Floats) -> float:
    """Rank correlation; NaN where one of the two does not vary."""
    ranks = [rankdata(x) - (len(x) + 1) / 2 for x in (a, b)]
    size = np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum())
    return float((ranks[0] * ranks[1]).sum() / size) if size > 0 else float("nan")


def stability(first: Contributions, second: Contributions) -> dict[str, float]:
    """How far two models of the same rows give the same reasons.

    Returns
    -------
    rows, share of the top three features in common (mean), share of rows with the same first feature, mean absolute
    difference of the log-odds
    """
    names = tuple(sorted({*first.names, *second.names}))
    tops = [_top(part, names) for part in (first, second)]
    common = [len(set(a) & set(b)) / TOP for a, b in zip(*tops, strict=True)]
    total = [part.values.sum(axis=1) + part.base for part in (first, second)]
    rows = len(common)
    return {
        "rows": rows,
        "top_in_common": float(np.mean(common)) if rows else 1.0,
        "same_first": float(np.mean(tops[0][:, 0] == tops[1][:, 0])) if rows else 1.0,
        "mean_difference": float(np.abs(total[0] - total[1]).mean()) if rows else 0.0,
    }


def _top(part: Contributions, names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Positions among ``names`` of each row's largest parts, shape (n, TOP)."""
    place = np.array([names.index(name) for name in part.names], dtype=np.int64)
    order = np.argsort(-np.abs(part.values), axis=1, kind="stable")[:, :TOP]
    return np.asarray(place[order], dtype=np.int64)
