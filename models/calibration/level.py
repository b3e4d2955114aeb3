"""The level of the probabilities: what the refit's own newest rows show, and what past blocks showed beyond theirs.

A model learns from all its rows and is off by their mean where the market has moved. Rolling blocks show by how much
models of the past were off, but a refit has learned from those blocks since: their level must not be carried over whole
(docs/adr/0031).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.array_types import Floats, Ints
from features.errors import BundleError
from models.calibration.affine import random_effects, variance_between
from models.logistic import fit_logistic, sigmoid

NEWEST_SHARE = 0.2  # of the rows learned from; .1 and .3 had more regret in the simulated markets of ADR 0031
FEWEST_ROWS = 200
FEWEST_RARER = 30  # won or lost among the newest rows; more rows are taken until there are so many
STEP_DEVIATION = 0.3  # prior standard deviation of a lasting step per block [log-odds]; .2 and .5 do alike (ADR 0031)
TO_BLOCKS = 0.3  # of the way to the blocks' level: seasons come back, and the newest wins may not be on record yet
NOISE = 1.96  # standard errors the promise may lie away from what the newest rows show: 95%
_ROUNDING = 1e-9
_FLOOR = 1e-9  # variance below which an estimate is taken as exact


@dataclass(frozen=True)
class Level:
    """An intercept on calibrated log-odds and the variance of its estimate, groups kept together [log-odds]."""

    value: float
    variance: float


@dataclass(frozen=True)
class LevelHistory:
    """What blocks showed beyond the newest rows of the model that was judged on them [log-odds].

    Parameters
    ----------
    step : mean over the blocks, shrunk towards 0 the more, the less they agree
    wander : variance of the next block's level around the one promised
    level : mean level of the blocks themselves, as a model that learned before them saw it
    newest_alone : whether a refit follows its newest rows, whatever the blocks showed (``prior_correction: newest``)
    """

    step: float = 0.0
    wander: float = 0.0
    level: float = 0.0
    newest_alone: bool = False

    def settle(self, newest: Level) -> float:
        """The level of a refit: its newest rows' plus the step, drawn to the blocks', within those rows' noise."""
        if self.newest_alone:
            return newest.value
        reach, wanted = NOISE * float(np.sqrt(newest.variance)), newest.value + self.step
        wanted += TO_BLOCKS * (self.level - wanted)
        return float(np.clip(wanted, newest.value - reach, newest.value + reach))

    def doubt(self, settled: float, whole: float) -> float:
        """Variance for not knowing which reading of the level will last [log-odds squared].

        The newest rows may have stepped for good, or hold wins not yet on record. Where the settled level stands apart
        from that of the blocks and of all rows learned from, the nearer of these is as likely: two equally likely
        levels have half their squared distance as variance around either.

        Parameters
        ----------
        whole : level of all rows learned from
        """
        return min((settled - self.level) ** 2, (settled - whole) ** 2) / 2

    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"step": self.step, "wander": self.wander, "level": self.level, "newest_alone": self.newest_alone}


def estimate_level(calibrated: Floats, won: Floats, group: Ints) -> Level:
    """Intercept that makes the mean promise what happened, and its variance by sums over groups (sandwich).

    Parameters
    ----------
    calibrated : slope times log-odds, shape (n,)
    won, group : 1 or 0, and codes of rows that belong together, shape (n,)
    """
    one, weight = np.ones((len(won), 1)), np.ones(len(won))
    value = float(fit_logistic(one, won, weight, np.array([1e-6]), offset=calibrated)[0])
    p = sigmoid(calibrated + value)
    score = np.bincount(np.unique(group, return_inverse=True)[1], weights=won - p)
    variance = float((score**2).sum()) / max(float((p * (1 - p)).sum()), _FLOOR) ** 2
    return Level(value, max(variance, _FLOOR))


def fit_history(judged: Sequence[Level], newest: Sequence[Level], *, draws: float = 1.0) -> LevelHistory:
    """What a sequence of blocks shows: the level each had, beside that of the newest rows learned from before it.

    The variance of the next block's level is the largest of three readings: how far levels differ from block to
    block, how far steps do, and how far off the newest rows' level was each time. Few blocks tell little of it, and an
    interval that is too wide is the smaller fault. ``draws`` is how often each row is among the blocks.
    """
    if not judged:
        return LevelHistory()
    level, error = np.array([one.value for one in judged]), np.array([one.variance for one in judged])
    before = np.array([one.value for one in newest])
    steps, errors = level - before, error + np.array([one.variance for one in newest])

    mean, variance = random_effects(np.column_stack([steps, errors]))
    trust = STEP_DEVIATION**2 / (STEP_DEVIATION**2 + draws * variance)
    wander = max(
        variance_between(level, error),
        variance_between(steps, errors),
        float(np.maximum(steps**2 - errors, 0.0).mean()),
    )
    return LevelHistory(trust * mean, wander, random_effects(np.column_stack([level, error]))[0])


def newest_of(rows: Ints, order: Ints, won: Floats, *, ordered: bool) -> Ints:
    """The newest fifth of rows, more where they hold few of the rarer outcome; all rows where they have no order.

    Parameters
    ----------
    rows : positions, shape (n,)
    order : place in time of every row of the matrix
    won : outcome of every row of the matrix
    """
    if not ordered:
        return rows
    by_time = rows[np.argsort(order[rows], kind="stable")]
    rarer = np.minimum(np.cumsum(won[by_time][::-1]), np.cumsum(1 - won[by_time][::-1]))
    enough = int(np.searchsorted(rarer, FEWEST_RARER)) + 1
    count = max(round(NEWEST_SHARE * len(rows)), FEWEST_ROWS, enough)
    return np.asarray(by_time[-count:], dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a bundle promises on the newest matured rows it learned from, beside what happened there.

    Parameters
    ----------
    rows, won : how many newest rows, and won ones among them
    promised, happened : mean probability, and share won
    low, high : where the promise may lie, given the noise of what happened
    """

    rows: int
    won: int
    promised: float
    happened: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        """Whether the promise lies within the noise of what happened."""
        return self.low <= self.promised <= self.high

    def record(self) -> dict[str, float]:
        """JSON-ready."""
        return {
            "rows": self.rows,
            "won": self.won,
            "promised": self.promised,
            "happened": self.happened,
            "low": self.low,
            "high": self.high,
        }


def check_promise(calibrated: Floats, won: Floats, shown: Level, intercept: float) -> Promise:
    """The promise of calibrated log-odds on the newest rows.

    Parameters
    ----------
    calibrated : of the newest rows, level included, shape (n,)
    shown : the level these rows show
    intercept : the level that ``calibrated`` holds

    Raises
    ------
    BundleError : it lies outside the noise; no such bundle may be written
    """
    reach = NOISE * float(np.sqrt(shown.variance))
    low, high = (float(sigmoid(calibrated - intercept + shown.value + end).mean()) for end in (-reach, reach))
    found = Promise(
        rows=len(won),
        won=int(won.sum()),
        promised=float(sigmoid(calibrated).mean()),
        happened=float(won.mean()),
        low=low - _ROUNDING,
        high=high + _ROUNDING,
    )
    if not found.holds:
        raise BundleError(
            f"the model promises {found.promised:.2%} on the newest {found.rows:,} matured rows where "
            f"{found.happened:.2%} were won (noise allows {low:.2%} to {high:.2%}); the bundle is not written. Train "
            "again; if the message stays, report it with the source's declaration."
        )
    return found
