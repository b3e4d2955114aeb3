"""How faithful explanations are: to a known truth, and to a model of the same rows with another seed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from features.array_types import Floats
from models.interfaces import Contributions

DRAWS = 200  # resamples of leads behind an interval
TOP = 3  # features compared between two models: as many as a lead's reasons in a scored file


@dataclass(frozen=True, kw_only=True)
class CriterionAgreement:
    """How a criterion's shown effects go with its true ones; None where one of the two does not vary.

    Parameters
    ----------
    n : leads compared
    rank_correlation, rank_correlation_ci : with the 90% interval over leads
    sign_agreement : share of leads on the same side of both means
    """

    criterion: str
    n: int
    rank_correlation: float | None
    rank_correlation_ci: tuple[float | None, float | None]
    sign_agreement: float | None

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "rank_correlation_ci": list(self.rank_correlation_ci)}


@dataclass(frozen=True)
class Stability:
    """How far two models of the same rows give the same reasons.

    Parameters
    ----------
    top_in_common : mean share of the top three features that both have
    same_first : share of rows with the same first feature
    mean_difference : mean absolute difference [log-odds]
    """

    rows: int
    top_in_common: float
    same_first: float
    mean_difference: float

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def measure_agreement(
    shown: Mapping[str, Floats], true: Mapping[str, Floats], seed: int = 0
) -> list[CriterionAgreement]:
    """Per criterion the rank correlation of what is shown with the true effect, and how often their signs agree.

    Parameters
    ----------
    shown, true : per criterion, log-odds of independent leads, shape (n,); criteria in both are compared
    """
    rng = np.random.default_rng(seed)
    found = []
    for name in (name for name in shown if name in true):
        a, b = shown[name], true[name]
        n = len(a)
        draws = [_spearman(a[rows], b[rows]) for rows in rng.integers(0, n, (DRAWS, n))] if n else []
        known = [draw for draw in draws if np.isfinite(draw)]
        low, high = map(float, np.quantile(known, [0.05, 0.95])) if known else (None, None)

        rho = _spearman(a, b)
        same = np.sign(a - a.mean()) == np.sign(b - b.mean()) if n else np.zeros(0)
        found.append(
            CriterionAgreement(
                criterion=name,
                n=n,
                rank_correlation=rho if np.isfinite(rho) else None,
                rank_correlation_ci=(low, high),
                sign_agreement=float(same.mean()) if np.isfinite(rho) else None,
            )
        )
    return found


def _spearman(a: Floats, b: Floats) -> float:
    """Rank correlation; NaN where one of the two does not vary."""
    ranks = [rankdata(x) - (len(x) + 1) / 2 for x in (a, b)]
    size = np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum())
    return float((ranks[0] * ranks[1]).sum() / size) if size > 0 else float("nan")


def measure_stability(first: Contributions, second: Contributions) -> Stability:
    """How far two models of the same rows give the same reasons."""
    names = tuple(sorted({*first.names, *second.names}))
    tops = [_top(part, names) for part in (first, second)]
    common = [len(set(a) & set(b)) / TOP for a, b in zip(*tops, strict=True)]
    total = [part.values.sum(axis=1) + part.base for part in (first, second)]
    rows = len(common)
    if not rows:
        return Stability(rows=0, top_in_common=1.0, same_first=1.0, mean_difference=0.0)
    return Stability(
        rows=rows,
        top_in_common=float(np.mean(common)),
        same_first=float(np.mean(tops[0][:, 0] == tops[1][:, 0])),
        mean_difference=float(np.abs(total[0] - total[1]).mean()),
    )


def _top(part: Contributions, names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Positions among ``names`` of each row's largest parts, shape (n, TOP)."""
    place = np.array([names.index(name) for name in part.names], dtype=np.int64)
    order = np.argsort(-np.abs(part.values), axis=1, kind="stable")[:, :TOP]
    return np.asarray(place[order], dtype=np.int64)
