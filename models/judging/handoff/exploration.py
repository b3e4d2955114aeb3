"""Selection bias: a seeded share of exploration in the worklist, and what it lets us estimate."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.array_types import Bools, Floats, Ints
from features.errors import ContractError
from models.judging.cluster_bootstrap import Interval, Resampling, cluster_sums, interval, ratio, resample_totals

MOST_EXPLORED = 0.5  # beyond that the worklist is more lottery than ranking
_EXACT_DIGITS = 9  # of a number of places: 0.1 * 30 is 3 and no more
ESTIMATE_RESAMPLING = Resampling(500)  # one interval per shown policy; the log grows weekly, so it is recomputed often


@dataclass(frozen=True)
class Picks:
    """A worklist with exploration.

    Parameters
    ----------
    rows : shape (k,), rows handed off, best first, explored ones last
    explored : shape (k,), whether a row was drawn at random
    propensity : shape (n,), for every row the probability with which it was handed off, however many were drawn
    """

    rows: Ints
    explored: Bools
    propensity: Floats

    def log(self, lead_id: pd.Series, as_of: pd.Timestamp) -> pd.DataFrame:
        """What must be kept so that outcomes can be weighed later: one row per lead handed off."""
        return pd.DataFrame(
            {
                "lead_id": lead_id.to_numpy()[self.rows],
                "as_of": as_of,
                "explored": self.explored,
                "propensity": self.propensity[self.rows],
                "open": len(self.propensity),
            }
        )


def pick(score: Floats, tie: Ints, places: int, *, share: float = 0.0, seed: int = 0) -> Picks:
    """The best leads, but for a share of the places that is drawn at random from the rest.

    ``share`` 0 is a plain worklist. Where it comes to a broken number of places, one place more is drawn with the
    chance of the fraction, so that of few places, too, the share is drawn in the long run. The draw depends on the
    seed, the leads' tie order and nothing else.
    """
    if not 0 <= share <= MOST_EXPLORED:
        raise ContractError(f"the exploration share must be between 0 and {MOST_EXPLORED:g}; found {share:g}.")
    order = np.lexsort((tie, -score))
    places = min(places, len(order))
    expected = round(share * places, _EXACT_DIGITS) if places < len(order) else 0.0  # nobody is left over to be drawn
    fewest, chance_of_more = int(expected), expected - int(expected)
    rng = np.random.default_rng(seed)
    random_places = fewest + int(chance_of_more > 0 and rng.random() < chance_of_more)

    best, rest = order[: places - random_places], order[places - random_places :]
    rest = rest[np.argsort(tie[rest], kind="stable")]
    drawn = rng.choice(rest, size=random_places, replace=False) if random_places else rest[:0]
    propensity = np.zeros(len(score))
    for count, chance in ((fewest, 1.0 - chance_of_more), (fewest + 1, chance_of_more)):
        if chance > 0:
            kept = places - count
            propensity[order[:kept]] += chance
            propensity[order[kept:]] += chance * count / max(len(order) - kept, 1)
    explored = np.r_[np.zeros(len(best), dtype=bool), np.ones(len(drawn), dtype=bool)]
    return Picks(np.asarray(np.r_[best, drawn], dtype=np.int64), explored, propensity)


@dataclass(frozen=True)
class Estimate:
    """Precision a policy would have had, weighed by the inverse of the logged propensities.

    ``leads`` is the number of worked leads it rests on, ``effective`` what they are worth after weighing.
    """

    precision: float
    interval: Interval
    leads: int
    effective: float


def estimate(
    won: Floats, propensity: Floats, wanted: Bools, cluster: Ints, resampling: Resampling = ESTIMATE_RESAMPLING
) -> Estimate:
    """Precision of a policy that wants the rows ``wanted``, from rows that were worked with a known propensity.

    All arrays speak of worked rows. Rows that the old policy would never have worked (propensity 0) cannot be in the
    log, so a policy that wants many of those is judged on few: see ``effective``. Self-normalised weights (Hajek 1971).
    """
    if (propensity <= 0).any():
        raise ContractError("a worked lead has propensity 0; log the propensity of every handoff.")
    weight = wanted / propensity
    clusters = int(cluster.max()) + 1 if len(cluster) else 0
    sums = {
        "wins": cluster_sums(cluster, weight * won, clusters),
        "leads": cluster_sums(cluster, weight, clusters),
    }

    totals = resample_totals(sums, resampling)
    below, squares = float(weight.sum()), float((weight**2).sum())
    return Estimate(
        precision=float((weight * won).sum() / below) if below > 0 else float("nan"),
        interval=interval(ratio(totals["wins"], totals["leads"])),
        leads=int(wanted.sum()),
        effective=below**2 / squares if squares > 0 else 0.0,
    )


def worked_and_not(worked: Bools, won: Floats) -> pd.DataFrame:
    """n, won and rate of leads that sales worked and of leads nobody touched, apart. The rates are not comparable."""
    rows = []
    for name, mask in (("worked", worked), ("never worked", ~worked)):
        judged = mask & ~np.isnan(won)
        n, wins = int(judged.sum()), int(won[judged].sum())
        rows.append((name, n, wins, wins / n if n else float("nan")))
    return pd.DataFrame(rows, columns=["leads", "n", "won", "rate"])
