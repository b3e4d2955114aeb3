"""Models of single segments: beside the common one on the same blocks, and fitted for the bundle where they won."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.stats import norm

from features.array_types import Bools, Floats, Ints
from features.cohort.splits import Block, Chop, leads_of
from features.matrix import Matrix
from models.calibration.affine import fit_slope
from models.calibration.level import estimate_level
from models.calibration.segment_levels import SegmentLevels, SegmentRows, named_segments
from models.candidates.blend import log_odds_of
from models.candidates.segmented import OwnModel, SegmentedModel, read_segments
from models.grouped_folds import grouped_folds
from models.interfaces import Candidate
from models.judging.cluster_bootstrap import CONFIDENCE, Resampling
from models.judging.evaluation.backtest import (
    Factory,
    OutOfFold,
    fit_all,
    judged_blocks,
    judging_weight,
    newest_learned,
    times_judged,
)
from models.judging.evaluation.paired_blocks import compare_by_block
from models.judging.handoff.workload_curve import SnapshotCapacity
from models.logistic import fit_logistic
from models.settings import TrainSettings
from models.training.segmentation import Segmentation

SEGMENTED = SegmentedModel.name
_TABLED = 40  # segments told one by one in the report, the largest
_LEVEL_PRIOR = 1e-3  # precision of a block's level, so that a block without a win has one
LEAST_OWN_GAIN = 0.005  # of the base rate's log loss in the segment: less is not worth a model that learns from fewer
_FOLDS = 5  # of accounts, where there is one block only
_COMMON, _OWN = "common", "own"


@dataclass(frozen=True, kw_only=True)
class CommonModel:
    """The model that segments are held against: the chosen candidate, what it is made of, and its slope."""

    winner: str
    weights: Mapping[str, float]
    slope: float
    factory: Factory = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class JudgedSegments:
    """Out-of-fold rows, and their log-odds by three readings, each block at its own level.

    Parameters
    ----------
    places : rows of the matrix; folds drawn again judge a row several times
    plain, lined : by the common line, and by lines of segments fitted on other rows
    taken : the one of the two that was decided for
    levels : lines taken
    slope : of the common calibration
    feature : whose values are the segments
    """

    rows: SegmentRows
    places: Ints
    plain: Floats
    lined: Floats
    taken: Floats
    levels: SegmentLevels
    slope: float
    feature: str
    capacity: SnapshotCapacity
    resampling: Resampling


def largest_segments(rows: SegmentRows) -> list[str]:
    """The segments told one by one, largest first."""
    return named_segments(rows)[:_TABLED]


def loss_of_the_rate(won: Floats) -> float:
    """Log loss of the base rate."""
    rate = float(won.mean())
    return -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)) if 0 < rate < 1 else 0.0


def at_own_level(log_odds: Floats, won: Floats) -> Floats:
    """The log-odds at the level their own rows show."""
    one = np.ones((len(won), 1))
    return np.asarray(
        log_odds + fit_logistic(one, won, np.ones(len(won)), np.array([_LEVEL_PRIOR]), offset=log_odds)[0]
    )


def parts_apart(rows: SegmentRows, seed: int) -> list[tuple[Ints, Ints]]:
    """Rows to fit lines or slopes on and rows to judge these on: block by block, or folds of groups in a single block.

    Rows of accounts that are judged are never learned from: folds drawn again hold the same ones.
    """
    blocks = np.unique(rows.block)
    if len(blocks) > 1:
        judged = [np.flatnonzero(rows.block == block) for block in blocks]
        return [
            (np.flatnonzero(~np.isin(rows.group, rows.group[at]) & (rows.block != b)), at)
            for b, at in zip(blocks, judged, strict=True)
        ]
    return list(grouped_folds(rows.group, _FOLDS, seed))


def slope_apart(rows: SegmentRows, raw: Floats, seed: int, *, draws: float = 1.0) -> Floats:
    """Another model's log-odds times the slope that rows of other blocks show (1 without any), shape (n,).

    ``draws`` is how often each row is among the blocks.
    """
    sloped = raw.copy()
    for learn, judge in parts_apart(rows, seed):
        if len(learn):
            won, weight = rows.won[learn], judging_weight(learn)
            sloped[judge] *= fit_slope(raw[learn], won, weight, rows.block[learn], draws=draws).value
    return sloped


@dataclass(frozen=True, kw_only=True)
class OwnTried:
    """A segment's own model beside the common one with its line, on the same rows."""

    slope: float
    saved: float
    ci: tuple[float | None, float | None]
    better: int
    blocks: int
    rows: int
    won: int
    least: float
    tried: int = 1

    @property
    def beyond_noise(self) -> bool:
        """Whether it is better beyond the interval, corrected for how many were tried, and in most of the blocks."""
        low, high = self.ci
        if low is None or high is None:
            return False
        error = (high - low) / (2 * float(norm.isf((1 - CONFIDENCE) / 2)))
        return (
            self.saved > float(norm.isf((1 - CONFIDENCE) / (2 * self.tried))) * error and 2 * self.better > self.blocks
        )

    @property
    def wins(self) -> bool:
        """Whether it is better beyond noise, and by enough to be worth it."""
        return self.beyond_noise and self.saved >= self.least


def try_own_models(
    matrix: Matrix,
    chop: Chop,
    found: OutOfFold,
    common: CommonModel,
    settings: TrainSettings,
    work: JudgedSegments,
) -> dict[str, OwnTried]:
    """Models fitted on one segment's rows, for every segment that has enough won and lost leads of its own."""
    blocks = judged_blocks(matrix, chop, settings)
    whole = read_segments(matrix.values, work.feature)
    tried = {}
    for name in largest_segments(work.rows):
        mine = whole == name
        if not _enough(matrix, chop.final.train[mine[chop.final.train]], settings, share=1):
            continue
        raw = _own_predictions(matrix, blocks, found, common, settings, mine)
        one = _compare_own(matrix, found, work, raw, settings.seed)
        if one is not None:
            tried[name] = one
    return {name: replace(one, tried=len(tried)) for name, one in tried.items()}


def _enough(matrix: Matrix, rows: Ints, settings: TrainSettings, *, share: int) -> bool:
    """Whether rows hold the won and lost leads that a model of their own needs, or a ``share``-th of them."""
    won, lost = leads_of(matrix, rows)
    return won >= settings.minimum_won // share and lost >= settings.minimum_lost // share


def _own_predictions(
    matrix: Matrix,
    blocks: tuple[Block, ...],
    found: OutOfFold,
    common: CommonModel,
    settings: TrainSettings,
    mine: Bools,
) -> Floats:
    """Log-odds of the segment's own model for the out-of-fold rows, NaN where there are none."""
    raw = np.full(len(found.rows), np.nan)
    for code, block in enumerate(blocks):
        learn = block.train[mine[block.train]]
        at = np.flatnonzero((found.block == code) & mine[found.rows])
        if not len(at) or not _enough(matrix, learn, settings, share=2):
            continue
        fitted = fit_all(matrix, learn, common.factory, settings, names=common.weights)
        raw[at] = log_odds_of(fitted, common.weights, matrix.values.iloc[found.rows[at]])
    return raw


def _compare_own(matrix: Matrix, found: OutOfFold, work: JudgedSegments, raw: Floats, seed: int) -> OwnTried | None:
    """The own model beside the common one by the paired blocks; None where no block with both outcomes is there.

    Its slope is fitted on other rows than it is judged on, as lines are; the one that is kept on all of them.
    """
    block = np.full(len(raw), -1)
    own, common = np.zeros(len(raw)), np.zeros(len(raw))
    judged = [
        at
        for code in range(len(found.names))
        if len(at := np.flatnonzero((found.block == code) & ~np.isnan(raw))) and 0 < work.rows.won[at].mean() < 1
    ]
    if not judged:
        return None

    every = np.concatenate(judged)
    won = work.rows.won
    draws = times_judged(found.rows[every])
    slope = fit_slope(raw[every], won[every], judging_weight(every), found.block[every], draws=draws).value
    sloped = np.full(len(raw), np.nan)
    sloped[every] = slope_apart(work.rows.take(every), raw[every], seed, draws=draws)
    for code, at in enumerate(judged):
        block[at] = code
        own[at], common[at] = at_own_level(sloped[at], won[at]), at_own_level(work.taken[at], won[at])

    distinct = np.unique(work.places[every])
    names = tuple(str(code) for code in range(len(judged)))
    paired = OutOfFold(found.rows[every], block[every], names, {_COMMON: common[every], _OWN: own[every]})
    records = compare_by_block(matrix, paired, _COMMON, work.capacity, blocks=len(judged), resampling=work.resampling)
    above = [next(row for row in record["candidates"] if row["name"] == _OWN) for record in records]
    parts = above[:-1] if len(above) > 1 else above
    low, high = above[-1]["above_winner_ci"]
    return OwnTried(
        slope=slope,
        saved=-above[-1]["above_winner"],
        ci=(None if high is None else -high, None if low is None else -low),
        better=sum(row["above_winner"] < 0 for row in parts),
        blocks=len(parts),
        rows=len(distinct),
        won=int(matrix.label[distinct].sum()),
        least=LEAST_OWN_GAIN * loss_of_the_rate(won[every]),
    )


def segmented_model(
    matrix: Matrix,
    rows: Ints,
    components: Mapping[str, Candidate],
    common: CommonModel,
    settings: TrainSettings,
    decided: Segmentation,
) -> SegmentedModel:
    """The fitted components with lines of segments, and the models of those that have their own, fitted on ``rows``.

    Each own model stands at the level of the newest of its own rows, beside that of the common model's newest.
    """
    plain = SegmentedModel(decided.feature, components, common.weights, levels=decided.levels)
    if not decided.own:
        return plain

    segment, group = read_segments(matrix.values, decided.feature), matrix.group_codes
    newest = newest_learned(matrix, rows)
    newest = newest[~np.isin(segment[newest].astype("str"), list(decided.own))]
    middle = 0.0
    if len(newest):
        raw = plain.log_odds(matrix.values.iloc[newest])
        middle = estimate_level(common.slope * raw, matrix.label[newest], group[newest]).value

    own = {}
    for name, slope in decided.own.items():
        mine = rows[segment[rows] == name]
        if not _enough(matrix, mine, settings, share=2):
            continue
        fitted = fit_all(matrix, mine, common.factory, settings, names=common.weights)
        last = newest_learned(matrix, mine)
        raw = log_odds_of(fitted, common.weights, matrix.values.iloc[last])
        shown = estimate_level(slope * raw, matrix.label[last], group[last])
        own[name] = OwnModel(
            components=fitted,
            slope=slope / common.slope,
            shift=(shown.value - middle) / common.slope,
            variance=shown.variance / common.slope**2,
        )
    return SegmentedModel(decided.feature, components, common.weights, levels=decided.levels, own=own)
